//! Framework editions: loaded once, read by everybody.

use serde_json::{Value, json};
use tangguh::{frameworks, ledger, policy::Role::Admin, valid::Schemas};

use crate::harness::*;

/// The file that the editions are made of.
fn file() -> Value {
    serde_json::from_str(include_str!("../../src/frameworks/editions.json")).unwrap()
}

fn of<'v>(items: &'v [Value], code: &str) -> &'v Value {
    items.iter().find(|item| item["code"] == code).unwrap_or_else(|| panic!("there is no {code}"))
}

story! {
    async fn everybody_reads_the_editions_as_their_sources_have_them(world) {
        let listed = world.get(Nobody, "frameworks").expect(200).await;
        let codes: Vec<&str> = listed.items().iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["CRI", "CRF-100RC", "CRF-2024"]);
        for edition in file()["editions"].as_array().unwrap() {
            let path = format!("frameworks/{}", edition["code"].as_str().unwrap());
            let one = world.get(Nobody, &path).expect(200).await.body;
            assert_eq!(&one, of(listed.items(), edition["code"].as_str().unwrap()));
            for name in ["name", "levels", "note", "sources"] {
                assert_eq!(one[name], edition[name], "{name}");
            }
            for part in ["nodes", "qualities"] {
                let read = world.get(Nobody, &format!("{path}/{part}")).expect(200).await;
                let mut items = read.items().to_vec();
                items.iter_mut().for_each(|item| assert!(item.as_object_mut().unwrap().remove("id").is_some()));
                assert_eq!(json!(items), edition[part], "{path}/{part}");
            }
        }
    }
}

story! {
    async fn the_trees_are_whole_and_in_order(world) {
        let counted = [("CRI", "dimension", 4), ("CRI", "goal", 12), ("CRI", "indicator", 52),
            ("CRF-100RC", "driver", 12), ("CRF-2024", "goal", 22)];
        for (code, level, count) in counted {
            let path = format!("frameworks/{code}/nodes?level={level}");
            assert_eq!(world.get(Nobody, &path).expect(200).await.items().len(), count, "{path}");
        }
        for code in ["CRI", "CRF-100RC", "CRF-2024"] {
            let edition = world.get(Nobody, &format!("frameworks/{code}")).expect(200).await.body;
            let nodes = world.get(Nobody, &format!("frameworks/{code}/nodes")).expect(200).await;
            let levels: Vec<&Value> = edition["levels"].as_array().unwrap().iter().collect();
            for (place, node) in nodes.items().iter().enumerate() {
                assert_eq!(node["sort"], place + 1);
                let depth = levels.iter().position(|level| **level == node["level"]).unwrap();
                match node["parent"].as_str() {
                    None => assert_eq!(depth, 0),
                    Some(parent) => {
                        let parent = of(&nodes.items()[..place], parent);
                        assert_eq!(&parent["level"], levels[depth - 1], "{}", node["code"]);
                    }
                }
                assert_eq!(node["gap"], node["names"] == json!({}));
            }
        }
        let below = world.get(Nobody, "frameworks/CRI/nodes?parent=CRI-10&level=indicator").expect(200).await;
        assert!(!below.items().is_empty());
        assert!(below.items().iter().all(|node| node["parent"] == "CRI-10"));
        let place = |nodes: &[Value], code: &str| of(nodes, code)["sort"].as_i64().unwrap();
        let nodes = world.get(Nobody, "frameworks/CRI/nodes").expect(200).await;
        assert!(place(nodes.items(), "CRI-2.1") < place(nodes.items(), "CRI-10.1"));
    }
}

story! {
    async fn what_is_ours_or_unknown_says_so(world) {
        let nodes = world.get(Nobody, "frameworks/CRI/nodes").expect(200).await;
        let gap = of(nodes.items(), "CRI-2.5");
        assert_eq!((&gap["gap"], &gap["names"]), (&json!(true), &json!({})));
        assert!(gap["note"].as_str().unwrap().contains("name not found"));
        let housing = of(nodes.items(), "CRI-1.1");
        assert_eq!(housing["names"]["en"], json!({"text": "Safe & affordable housing", "source": "artur", "ours": false}));
        assert_eq!((&housing["names"]["id"]["ours"], &housing["names"]["id"]["source"]), (&json!(true), &Value::Null));
        let drivers = world.get(Nobody, "frameworks/CRF-100RC/nodes?level=driver").expect(200).await;
        let gaps: Vec<&Value> = drivers.items().iter().filter(|one| one["gap"] == true).map(|one| &one["code"]).collect();
        assert_eq!(gaps, ["DRV-6", "DRV-9", "DRV-12"]);
        for code in ["CRI", "CRF-100RC", "CRF-2024"] {
            let edition = world.get(Nobody, &format!("frameworks/{code}")).expect(200).await.body;
            let keys: Vec<&Value> = edition["sources"].as_array().unwrap().iter().map(|source| &source["key"]).collect();
            let nodes = world.get(Nobody, &format!("frameworks/{code}/nodes")).expect(200).await;
            for name in nodes.items().iter().flat_map(|node| node["names"].as_object().unwrap().values()) {
                assert!(name["ours"] == true || keys.contains(&&name["source"]), "{code}: {name}");
            }
        }
    }
}

story! {
    async fn what_is_not_there_is_not_found_and_what_is_not_known_is_refused(world) {
        for part in ["", "/nodes", "/qualities"] {
            let gone = world.get(Nobody, &format!("frameworks/CRF-1999{part}")).expect(404).await;
            assert_eq!(gone.problem(), "not-found");
        }
        world.get(Nobody, "frameworks/CRI/nodes?depth=2").expect(400).await;
        let none = world.get(Nobody, "frameworks/CRI/nodes?level=driver").expect(200).await;
        assert!(none.items().is_empty(), "another edition's level");
    }
}

story! {
    async fn they_may_be_kept_and_read_from_any_page(world) {
        for path in ["frameworks", "frameworks/CRI", "frameworks/CRI/nodes", "frameworks/CRI/qualities"] {
            let first = world.get(Nobody, path).header("origin", "https://elsewhere.example").expect(200).await;
            assert!(first.header("cache-control").unwrap().starts_with("public, max-age="), "{path}");
            assert!(first.header("access-control-allow-origin").is_some(), "{path}");
            let again = world.get(Nobody, path).header("if-none-match", &first.etag()).expect(304).await;
            assert_eq!(again.text, "");
            world.get(Nobody, path).header("if-none-match", "\"other\"").expect(200).await;
        }
    }
}

story! {
    async fn loading_again_changes_nothing(world) {
        let before = world.get(Nobody, "frameworks/CRI/nodes").expect(200).await.text;
        let schemas = std::sync::Arc::new(Schemas::new(&tangguh::api::document()));
        let mut conn = world.conn();
        let head = ledger::head(&mut conn, tangguh::access::Ledger::PLATFORM).unwrap();
        assert!(frameworks::load(&mut conn, beginning(), &schemas).unwrap().is_empty());
        assert_eq!(ledger::head(&mut conn, tangguh::access::Ledger::PLATFORM).unwrap(), head);
        assert_eq!(world.get(Nobody, "frameworks/CRI/nodes").expect(200).await.text, before);
        let rows = world.get(Member(Admin), "ledger?limit=100").expect(200).await;
        let loads = rows.items().iter().filter(|row| row["action"] == "framework.load").count();
        assert_eq!(loads, 3, "each edition is on the platform's ledger, once");
        world.verify();
    }
}

story! {
    async fn two_instances_that_start_at_once_load_each_edition_once(world) {
        let mut conn = world.conn();
        tangguh::db::migrations::revert_all(&mut conn).unwrap();
        tangguh::db::migrations::run(&mut conn).unwrap();
        let schemas = std::sync::Arc::new(Schemas::new(&tangguh::api::document()));
        let start = std::sync::Arc::new(std::sync::Barrier::new(2));
        let instances: Vec<_> = (0..2)
            .map(|_| {
                let (target, schemas, start) = (world.target.clone(), schemas.clone(), start.clone());
                std::thread::spawn(move || {
                    let mut conn = target.connect().unwrap();
                    start.wait();
                    frameworks::load(&mut conn, beginning(), &schemas).unwrap().len()
                })
            })
            .collect();
        let loaded: usize = instances.into_iter().map(|instance| instance.join().unwrap()).sum();
        assert_eq!(loaded, 3);
        assert_eq!(ledger::head(&mut conn, tangguh::access::Ledger::PLATFORM).unwrap(), 3);
        world.verify();
    }
}
