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
    // From our side outwards: the first that we do not trust is whom the last trusted proxy saw.
    let seen = |chain: Vec<Option<IpAddr>>| {
        let mut outwards = std::iter::once(peer).chain(chain.into_iter().rev().map_while(|address| address));
        let mut last = peer;
        outwards.find(|address| {
            last = *address;
            !believed(address)
        });
        last
    };
    let standard = all(request, "Forwarded").map(|value| seen(value.split(',').map(forwarded_for).collect()));
    let usual = all(request, "X-Forwarded-For").map(|value| seen(value.split(',').map(address).collect()));
    Some(match (standard, usual) {
        // A proxy that writes one of them lets the client's other one through: neither can be believed.
        (Some(one), Some(other)) if one != other => peer,
        (standard, usual) => standard.or(usual).unwrap_or(peer),
    })
}

/// A network in CIDR notation, or an address, which stands for itself alone.
pub fn network_named(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Somebody who has one IPv6 address usually has a whole /64.
pub fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The address in one hop of `Forwarded` (RFC 7239).
fn forwarded_for(hop: &str) -> Option<IpAddr> {
    hop.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| address(value)).flatten()
    })
}

/// What all lines of a header say, from the client inwards.
fn all(request: &HttpRequest, name: &str) -> Option<String> {
    let values: Vec<&str> = request.headers().get_all(name).map(|value| value.to_str().unwrap_or("?")).collect();
    (!values.is_empty()).then(|| values.join(","))
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
        assert_eq!(seen("10.0.0.1", ("X-Forwarded-For", "10.0.0.7"), &["10.0.0.0/8"]), "10.0.0.7");
    }

    #[test]
    fn two_headers_that_disagree_are_both_ignored() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let request = |standard: &str| {
            TestRequest::default()
                .peer_addr("10.0.0.1:1".parse().unwrap())
                .insert_header(("Forwarded", standard))
                .insert_header(("X-Forwarded-For", "198.51.100.7"))
                .to_http_request()
        };
        let seen = |standard: &str| client_address(&request(standard), &trusted).unwrap().to_string();
        assert_eq!(seen("for=203.0.113.9"), "10.0.0.1");
        assert_eq!(seen("for=198.51.100.7"), "198.51.100.7");
    }
}
