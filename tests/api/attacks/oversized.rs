//! Too much of everything: bodies, what comes out of packed ones, depth, numbers, members, parameters, paths, headers.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use actix_web::HttpServer;
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use tangguh::{api, policy::Role::*};

use crate::{harness::*, operations::*};

/// More than any operation takes as JSON.
const HUGE: usize = 40 << 20;

/// Sends this text as the body of every operation that takes JSON, by somebody who may; answers what came of it.
async fn everywhere(world: &World, things: &Things, packed: bool, text: &[u8]) -> Vec<(&'static str, Reply)> {
    let mut replies = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.body().is_some()) {
        let who = signed_in(world, &operation.who_may());
        let ask = world.ask(who, operation.method.clone(), &things.fill(&operation.path)).if_match("\"1\"");
        let media = if operation.is_patch() { "application/merge-patch+json" } else { "application/json" };
        let ask = ask.header("content-type", media);
        let ask = if packed { ask.header("content-encoding", "gzip") } else { ask };
        replies.push((operation.id.as_str(), ask.bytes(text.to_vec()).send().await));
    }
    assert!(replies.len() > 60, "only {} operations take JSON", replies.len());
    replies
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

story! {
    async fn no_operation_reads_a_body_beyond_its_limit(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let heads = world.heads();
        // A byte more than a megabyte of blanks; where batches of inputs are taken, than four of them.
        for megabytes in [1, 4] {
            let long = vec![b' '; (megabytes << 20) + 1];
            for (id, reply) in everywhere(&world, &things, false, &long).await {
                let more = megabytes == 1 && Operation::named(id).path.contains("/inputs");
                assert!(reply.status == if more { 400 } else { 413 }, "{id}: {} {}", reply.status, reply.text);
            }
        }
        // Forty megabytes, packed into forty thousand bytes.
        let bomb = packed(&vec![b' '; HUGE]);
        assert!(bomb.len() < 64 << 10);
        for (id, reply) in everywhere(&world, &things, true, &bomb).await {
            assert_eq!(reply.status, 413, "{id}: {}", reply.text);
        }
        assert_eq!(world.heads(), heads);
    }
}

story! {
    async fn no_depth_no_number_and_no_crowd_of_members_is_too_much(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let heads = world.heads();
        let deep = ["[", "{\"a\":"].map(|open| open.repeat(50_000));
        let crowd: String = (0..20_000).map(|number| format!("\"m{number}\":1,")).collect();
        let crowd = format!("{{{}\"z\":1}}", crowd);
        for text in deep.iter().chain([&crowd]) {
            for (id, reply) in everywhere(&world, &things, false, text.as_bytes()).await {
                assert!([400, 422].contains(&reply.status.as_u16()), "{id}: {} {:.300}", reply.status, reply.text);
                assert!(reply.text.len() < 64 << 10, "{id} answers {} bytes", reply.text.len());
            }
        }
        for number in ["1e400", "-1e400", "1e308", "123456789012345678901234567890", "9223372036854775808", "-9223372036854775809", "1e-400", "0.1"] {
            for operation in OPERATIONS.iter() {
                let Some(good) = things.good(operation) else { continue };
                let Some(properties) = operation.body().and_then(|schema| resolved(schema)["properties"].as_object()) else { continue };
                let who = signed_in(&world, &operation.who_may());
                for (name, schema) in properties {
                    if !schema["type"].to_string().contains("integer") {
                        continue;
                    }
                    let mut body = good.clone();
                    body[name] = json!("a number");
                    let text = body.to_string().replace("\"a number\"", number);
                    let ask = world.ask(who.clone(), operation.method.clone(), &things.fill(&operation.path)).if_match("\"999.none\"");
                    let media = if operation.is_patch() { "application/merge-patch+json" } else { "application/json" };
                    let reply = ask.header("content-type", media).bytes(text.into_bytes()).send().await;
                    assert!([400, 412, 422].contains(&reply.status.as_u16()), "{} {name} {number}: {} {}", operation.id, reply.status, reply.text);
                }
            }
        }
        assert_eq!(world.heads(), heads);
    }
}

story! {
    async fn no_path_query_or_header_is_too_long(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        // A path with its query has room for 64 KiB.
        let long = "x".repeat(50_000);
        let many: String = (0..12_000).map(|number| format!("&{number:x}")).collect();
        for operation in OPERATIONS.iter().filter(|operation| operation.method == "GET") {
            let who = signed_in(&world, &operation.who_may());
            for parameter in operation.parameters("path") {
                let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                let path = things.fill(&operation.path.replace(&name, &long));
                let reply = world.get(who.clone(), &path).send().await;
                assert!([403, 404].contains(&reply.status.as_u16()), "{}: {} {:.300}", operation.id, reply.status, reply.text);
            }
            let path = things.fill(&operation.path);
            for query in ["limit", "cursor", "fields", "no_such"] {
                let reply = world.get(who.clone(), &format!("{path}?{query}={long}")).send().await;
                assert!(!reply.status.is_server_error(), "{}: {:.300}", operation.id, reply.text);
            }
            // Each would be compared with all before it: they are counted first.
            let reply = world.get(who.clone(), &format!("{path}?{many}")).expect(400).await;
            assert_eq!(reply.body["errors"][0]["code"], "too_many", "{}: {:.300}", operation.id, reply.text);
            let items = format!("{path}?fields={}", "a,".repeat(20_000));
            let reply = world.get(who, &items).send().await;
            assert!(reply.status == 200 || reply.text.len() < 64 << 10, "{} answers {} bytes", operation.id, reply.text.len());
        }
        let languages: String = (0..5_000).map(|number| format!("x{number};q=0.1,")).collect();
        for (name, value) in [
            ("authorization", format!("Bearer {long}")), ("authorization", format!("Bearer {}", format!("{long}.").repeat(3))), ("accept-language", languages.clone()),
            ("accept", format!("{},*/*", languages.replace('x', "a/"))), ("if-none-match", long.clone()), ("x-request-id", long.clone()), ("x-forwarded-for", languages.replace(";q=0.1", "")),
            ("user-agent", long.clone()), ("origin", long.clone()),
        ] {
            let reply = world.get(Member(Lead), "{p}/questions").header(name, &value).send().await;
            assert!(!reply.status.is_server_error(), "{name}: {} {:.300}", reply.status, reply.text);
        }
        let keyed = world.post(Member(Lead), "{p}/phases").key(&long).json(json!({"number": 3, "name": {"id": "Tiga"}}));
        assert_eq!(keyed.expect(400).await.pointers(), ["Idempotency-Key"]);
    }
}

/// What the service answers to these bytes, or what it has said when it hangs up.
fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // It may hang up before it has heard all of it.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

story! {
    async fn what_is_no_request_closes_its_connection_and_no_other(world) {
        let service = world.service.clone();
        let server = HttpServer::new(move || api::app(service.clone())).workers(1).bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let head = "GET /api/v1/meta HTTP/1.1\r\nHost: tangguh.test\r\nConnection: close\r\n";
        let post = "POST /api/v1/auth/login HTTP/1.1\r\nHost: tangguh.test\r\nConnection: close\r\nContent-Type: application/json\r\n";
        let tries = [
            format!("{head}X-Long: {}\r\n\r\n", "x".repeat(1 << 20)),
            format!("{head}{}\r\n", (0..1000).map(|number| format!("X-{number}: 1\r\n")).collect::<String>()),
            format!("GET /api/v1/{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1 << 20)),
            // Two readings of where a request ends: a front that takes one and we the other let a second one through.
            format!("{post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
            format!("{post}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
            format!("{post}Content-Length: +2\r\n\r\n{{}}"),
            format!("{post}Content-Length: -1\r\n\r\n"),
            format!("{post}Content-Length: 99999999999999999999\r\n\r\n"),
            format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
            format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            "GET /api/v1/meta HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n X-Folded: 2\r\n\r\n".into(),
            "GET  /api/v1/meta HTTP/1.1\r\n\r\n".into(),
            "\u{0}\u{1}\u{2}\r\n\r\n".into(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        ];
        for request in tries {
            let answer = actix_web::web::block(move || (say(address, request.as_bytes()), request)).await.unwrap();
            let (answer, request) = answer;
            let statuses: Vec<&str> = answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
            assert!(statuses.len() <= 1, "two answers to {:.200}: {answer}", request);
            assert!(statuses.iter().all(|status| status.starts_with('4')), "{:.200} is answered {answer}", request);
        }
        let whole = format!("{head}\r\n");
        let answer = actix_web::web::block(move || say(address, whole.as_bytes())).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        handle.stop(false).await;
    }
}
