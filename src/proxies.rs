//! Where a request came from. What a header says of it counts only behind proxies that a setting names.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The address of the client: the nearest one that is not a trusted proxy.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let believed = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !believed(&peer) {
        return Some(peer);
    }
    let mut chain = forwarded(request);
    chain.push(peer);
    // From our side outwards: the first that we do not trust is whom the last trusted proxy saw.
    let outwards = chain.iter().rev();
    Some(*outwards.clone().find(|address| !believed(address)).or(outwards.last()).unwrap_or(&peer))
}

/// What `Forwarded` (RFC 7239) or else `X-Forwarded-For` says, from the client inwards. It ends at the first
/// thing that is no address, from our side.
fn forwarded(request: &HttpRequest) -> Vec<IpAddr> {
    let standard = all(request, "Forwarded");
    let addresses: Vec<Option<IpAddr>> = if standard.is_empty() {
        all(request, "X-Forwarded-For").split(',').map(address).collect()
    } else {
        standard
            .split(',')
            .map(|hop| {
                hop.split(';').find_map(|pair| {
                    let (name, value) = pair.trim().split_once('=')?;
                    name.eq_ignore_ascii_case("for").then(|| address(value)).flatten()
                })
            })
            .collect()
    };
    let mut known: Vec<IpAddr> = addresses.into_iter().rev().map_while(|address| address).collect();
    known.reverse();
    known
}

fn all(request: &HttpRequest, name: &str) -> String {
    let values: Vec<&str> = request.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split(']').next()?.parse().ok();
    }
    let bare = text.parse().ok().or_else(|| text.rsplit_once(':').and_then(|(host, _)| host.parse().ok()));
    bare.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, header: (&'static str, &str), trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let request = TestRequest::default()
            .peer_addr(format!("{peer}:1").parse().unwrap())
            .insert_header(header)
            .to_http_request();
        client_address(&request, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_header_counts_only_behind_a_trusted_proxy() {
        let header = ("X-Forwarded-For", "203.0.113.9, 198.51.100.7");
        assert_eq!(seen("192.0.2.1", header, &[]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", header, &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", header, &["10.0.0.0/8", "198.51.100.0/24"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", ("Forwarded", "for=\"[2001:db8::1]:4711\""), &["10.0.0.0/8"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", ("X-Forwarded-For", "1.2.3.4, unknown"), &["10.0.0.0/8"]), "10.0.0.1");
    }
}
