//! Where webhooks may go: to addresses that anybody on the internet could reach, and nowhere behind our own walls.
//!
//! A URL is looked at when it is given, and the address that is connected to each time: a name may lead elsewhere
//! tomorrow. What an address stands for counts, not how it is written: the URL parser reads `0x7f.1` and `2130706433`
//! as browsers do, and IPv4 addresses inside IPv6 ones are taken out and looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

use crate::problem::FieldError;

/// Networks of IPv4 that are nobody's on the internet: RFC 6890 and what came after it.
const PRIVATE_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of the one network of IPv6 that is routed, `2000::/3`, the parts that are not: protocols (Teredo among them),
/// documentation, and 6to4, which leads to whatever IPv4 address stands in it.
const PRIVATE_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Where webhooks may go in spite of the rule.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    pub allow: Vec<IpNet>,
}

impl Guard {
    /// Whether an address may be connected to. Without TLS, only where that was allowed by name.
    pub fn permits(&self, address: IpAddr, secure: bool) -> bool {
        let meant = meant(address);
        let allowed = self.allow.iter().any(|network| network.contains(&meant));
        allowed || (secure && is_public(meant))
    }

    /// What is wrong with a URL, as far as can be told without looking up its name.
    pub fn fault(&self, text: &str) -> Option<FieldError> {
        let Ok(url) = Url::parse(text) else {
            return Some(fault("format", "harus URL yang lengkap", "must be a whole URL"));
        };
        let secure = url.scheme() == "https";
        let plain = url.scheme() == "http" && !self.allow.is_empty();
        if !secure && !plain {
            return Some(fault("scheme", "harus dimulai dengan https://", "must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let (id, en) =
                ("tidak boleh berisi nama pengguna atau kata sandi", "must not hold a user name or password");
            return Some(fault("credentials", id, en));
        }
        if url.fragment().is_some() {
            return Some(fault("fragment", "tidak boleh berisi #", "must not hold a #"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Some(fault("format", "harus menyebut sebuah host", "must name a host")),
        };
        let refused = literal.is_some_and(|address| !self.permits(address, secure));
        refused.then(|| {
            fault(
                "address",
                "alamat ini tidak dapat dicapai dari internet, atau tidak diizinkan",
                "this address cannot be reached on the internet, or is not allowed",
            )
        })
    }
}

fn fault(code: &'static str, id: &'static str, en: &'static str) -> FieldError {
    FieldError::new("/url", code, id, en)
}

/// The IPv4 address that an IPv6 one stands for, mapped (RFC 4291) or by way of NAT64 (RFC 6052); else itself.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [.., high, low] = v6.segments();
    let inner = Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => IpAddr::V4(inner),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !PRIVATE_V4.iter().any(|(network, bits)| share_v4(v4, *network, *bits)),
        IpAddr::V6(v6) => {
            share_v6(v6, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                && !PRIVATE_V6.iter().any(|(network, bits)| share_v6(v6, *network, *bits))
        }
    }
}

fn share_v4(one: Ipv4Addr, other: Ipv4Addr, bits: u8) -> bool {
    (one.to_bits() ^ other.to_bits()) >> (32 - bits) == 0
}

fn share_v6(one: Ipv6Addr, other: Ipv6Addr, bits: u8) -> bool {
    (one.to_bits() ^ other.to_bits()) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(guard: &Guard, url: &str) -> Option<String> {
        guard.fault(url).map(|fault| fault.code.into_owned())
    }

    fn allowing(network: &str) -> Guard {
        Guard { allow: vec![network.parse().unwrap()] }
    }

    #[test]
    fn whoever_is_on_the_internet_may_be_written_to() {
        let guard = Guard::default();
        for url in [
            "https://hooks.example.org/tangguh?of=1",
            "https://hooks.example.org:8443/",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://[::ffff:8.8.8.8]/",
            "https://[64:ff9b::808:808]/",
        ] {
            assert_eq!(code(&guard, url), None, "{url}");
        }
    }

    #[test]
    fn nobody_behind_our_walls_in_any_spelling() {
        let guard = Guard::default();
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "[::]",
            "[::1]",
            "[::127.0.0.1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:0:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]",
            "[2001:0:1::1]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[fc00::1]",
            "[fd00::1]",
            "[ff02::1]",
            "[100::1]",
            "[5f00::1]",
        ] {
            assert_eq!(code(&guard, &format!("https://{host}/")).as_deref(), Some("address"), "{host}");
        }
    }

    #[test]
    fn a_url_is_whole_secure_and_without_secrets() {
        let guard = Guard::default();
        for (url, wrong) in [
            ("hooks.example.org", "format"),
            ("https://", "format"),
            ("http://hooks.example.org/", "scheme"),
            ("ftp://hooks.example.org/", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("https://user@hooks.example.org/", "credentials"),
            ("https://:secret@hooks.example.org/", "credentials"),
            ("https://hooks.example.org/#part", "fragment"),
        ] {
            assert_eq!(code(&guard, url).as_deref(), Some(wrong), "{url}");
        }
    }

    #[test]
    fn what_is_allowed_is_allowed_without_tls_and_nothing_else() {
        let guard = allowing("127.0.0.0/8");
        for url in ["http://127.0.0.1:9/", "https://127.9.9.9/", "http://[::ffff:127.0.0.1]/", "http://localhost/"] {
            assert_eq!(code(&guard, url), None, "{url}");
        }
        for url in ["http://10.0.0.1/", "https://10.0.0.1/", "http://8.8.8.8/", "http://[::1]/"] {
            assert_eq!(code(&guard, url).as_deref(), Some("address"), "{url}");
        }
        // A name is looked at when it has been looked up.
        assert!(guard.permits([127, 0, 0, 1].into(), false));
        assert!(!guard.permits([8, 8, 8, 8].into(), false));
        assert!(guard.permits([8, 8, 8, 8].into(), true));
    }

    proptest! {
        /// Whatever wraps a private address is as private.
        #[test]
        fn no_wrapping_makes_an_address_public(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let guard = Guard::default();
            let public = guard.permits(v4.into(), true);
            let std_private = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
            prop_assert!(!(public && std_private), "{v4}");
            let low = u128::from(bits);
            let mapped = Ipv6Addr::from(0xffff_0000_0000 | low);
            let nat64 = Ipv6Addr::from((0x64_ff9b << 96) | low);
            let six_to_four = Ipv6Addr::from((0x2002 << 112) | (low << 80) | 1);
            prop_assert_eq!(guard.permits(mapped.into(), true), public);
            prop_assert_eq!(guard.permits(nat64.into(), true), public);
            prop_assert!(!guard.permits(six_to_four.into(), true));
            for spelling in [format!("{bits}"), format!("{bits:#x}"), format!("0{bits:o}"), v4.to_string()] {
                let wrong = code(&guard, &format!("https://{spelling}/"));
                prop_assert_eq!(wrong.is_none(), public, "{}", spelling);
            }
        }

        #[test]
        fn of_ipv6_only_what_is_routed_may_be_reached(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            let routed = bits >> 125 == 1 || meant(v6.into()).is_ipv4();
            prop_assert!(routed || !Guard::default().permits(v6.into(), true), "{v6}");
        }

        #[test]
        fn no_text_makes_it_fall_over(text in "\\PC*") {
            Guard::default().fault(&text);
            allowing("0.0.0.0/0").fault(&format!("http://{text}"));
        }
    }
}
