//! `[net]`: the proxy by which one leaves this network. Types only; `check` reads them.

use std::{fmt, net::IpAddr, str::FromStr};

use reqwest::Url;

use crate::{addr_spec::normal_domain, secret::SecretRef};

/// How servers are reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Net {
    /// By which proxy. Default: what the environment says.
    pub proxy: ProxyChoice,
    /// Which servers are reached without it, beside this machine. Default: what `NO_PROXY` says.
    pub no_proxy: Option<Vec<Bypass>>,
}

/// By which proxy servers are reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxyChoice {
    /// By those in `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, where they are set.
    #[default]
    Environment,
    /// By none, whatever the environment says.
    None,
    /// By this one, for every protocol.
    Through(Proxy),
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub kind: ProxyKind,
    /// DNS name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name and password, where it asks for them.
    pub sign_in: Option<(String, SecretRef)>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP with CONNECT (RFC 9110 section 9.3.6).
    Http,
    /// SOCKS5 (RFC 1928); it is given names, not addresses.
    Socks5,
}

impl ProxyKind {
    /// Its name and its usual port.
    #[must_use]
    pub fn scheme(self) -> (&'static str, u16) {
        match self {
            Self::Http => ("http", 3128),
            Self::Socks5 => ("socks5", 1080),
        }
    }
}

impl Proxy {
    /// The proxy at a URL without a user name, such as `http://proxy.example:3128`; `None` when it is none that Mailjob speaks to.
    #[must_use]
    pub fn at(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let kind = match &*scheme.to_ascii_lowercase() {
            "http" => ProxyKind::Http,
            "socks5" | "socks5h" => ProxyKind::Socks5,
            _ => return None,
        };
        // By a scheme of no usual port, so that a port that is written counts.
        let url = Url::parse(&format!("proxy://{rest}")).ok()?;
        let is_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        let host = bare(url.host_str()?);
        let is_host = host.parse::<IpAddr>().is_ok() || normal_domain(host).is_some();
        (is_host && !is_more && url.username().is_empty() && url.password().is_none()).then(|| Self {
            kind,
            host: host.to_owned(),
            port: url.port().unwrap_or(kind.scheme().1),
            sign_in: None,
        })
    }
}

/// Servers that are reached without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    whom: ServerPattern,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ServerPattern {
    All,
    /// A host, and those below it.
    Domain(String),
    /// Addresses that share their first bits with this one.
    Network(IpAddr, u8),
}

/// What stands in a list of servers without a proxy is no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBypass;

impl fmt::Display for NoBypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write a host such as \"erp.example\" (which means those below it too), an address, a network such as \"10.0.0.0/8\", or \"*\"; \":port\" may follow a host",
        )
    }
}

impl FromStr for Bypass {
    type Err = NoBypass;

    /// As it stands in `NO_PROXY`: `example.com`, `.example.com` and `*.example.com` mean that domain and all below it.
    fn from_str(text: &str) -> Result<Self, NoBypass> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self {
                whom: ServerPattern::All,
                port: None,
            });
        }
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = bare(address).parse().map_err(|_| NoBypass)?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse().ok().filter(|bits| *bits <= most).ok_or(NoBypass)?;
            return Ok(Self {
                whom: ServerPattern::Network(address, bits),
                port: None,
            });
        }
        if let Ok(address) = bare(text).parse() {
            return Ok(Self {
                whom: exactly(address),
                port: None,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| NoBypass)?)),
            None => (text, None),
        };
        let whom = match bare(host).parse() {
            Ok(address) => exactly(address),
            Err(_) => {
                let name = host.strip_prefix('*').unwrap_or(host);
                let name = name.strip_prefix('.').unwrap_or(name);
                ServerPattern::Domain(normal_domain(name).ok_or(NoBypass)?)
            }
        };
        Ok(Self { whom, port })
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn exactly(address: IpAddr) -> ServerPattern {
    ServerPattern::Network(address, if address.is_ipv4() { 32 } else { 128 })
}

impl Bypass {
    /// Whether this server is meant. A name is never looked up: a network is meant by addresses alone.
    #[must_use]
    pub fn covers(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|own| own != port) {
            return false;
        }
        match &self.whom {
            ServerPattern::All => true,
            ServerPattern::Network(network, bits) => host
                .parse::<IpAddr>()
                .is_ok_and(|address| shares(address.to_canonical(), network.to_canonical(), *bits)),
            ServerPattern::Domain(domain) => {
                let host = host.trim_end_matches('.');
                let host = normal_domain(host).unwrap_or_else(|| host.to_ascii_lowercase());
                let below = || host.strip_suffix(domain.as_str())?.strip_suffix('.');
                host == *domain || below().is_some()
            }
        }
    }
}

/// Whether two addresses share so many first bits.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= bits,
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_is_reached_without_a_proxy() {
        for (entry, host, port, covered) in [
            ("*", "imap.example.com", 993, true),
            ("example.com", "example.com", 443, true),
            ("example.com", "IMAP.Example.COM.", 993, true),
            ("example.com", "notexample.com", 443, false),
            ("example.com", "example.com.evil.test", 443, false),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("10.0.0.0/8", "10.255.0.1", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.0.0.0/8", "ten.example", 443, false),
            ("0.0.0.0/0", "192.0.2.1", 443, true),
            ("0.0.0.0/0", "2001:db8::1", 443, false),
            ("192.0.2.1", "192.0.2.1", 25, true),
            ("192.0.2.1", "192.0.2.2", 25, false),
            ("192.0.2.1:25", "192.0.2.1", 26, false),
            ("192.0.2.1", "::ffff:192.0.2.1", 25, true),
            ("2001:db8::/32", "2001:db8:1::1", 443, true),
            ("[2001:db8::1]:443", "2001:db8::1", 443, true),
            ("::1", "::1", 443, true),
            ("bücher.example", "xn--bcher-kva.example", 443, true),
        ] {
            let entry: Bypass = entry.parse().unwrap();
            assert_eq!(entry.covers(host, port), covered, "{entry:?} {host}:{port}");
        }
    }

    #[test]
    fn what_is_no_server_is_told() {
        for wrong in [
            "",
            " ",
            "10.0.0.0/33",
            "host/8",
            "a b",
            "host:port",
            "http://erp.example",
            "host:70000",
        ] {
            assert_eq!(wrong.parse::<Bypass>(), Err(NoBypass), "{wrong:?}");
        }
    }

    #[test]
    fn proxies_by_their_urls() {
        for (url, expected) in [
            (
                "http://proxy.example:8080",
                Some((ProxyKind::Http, "proxy.example", 8080)),
            ),
            ("HTTP://proxy.example:80/", Some((ProxyKind::Http, "proxy.example", 80))),
            ("http://proxy.example", Some((ProxyKind::Http, "proxy.example", 3128))),
            (
                "socks5h://[2001:db8::1]",
                Some((ProxyKind::Socks5, "2001:db8::1", 1080)),
            ),
            ("socks5://192.0.2.1:9050", Some((ProxyKind::Socks5, "192.0.2.1", 9050))),
            ("https://proxy.example:3128", None),
            ("socks4://proxy.example", None),
            ("proxy.example:3128", None),
            ("http://", None),
            ("http://a b:1", None),
            ("http://ada:hush@proxy.example", None),
            ("http://proxy.example/path", None),
            ("http://proxy.example:99999", None),
        ] {
            let found = Proxy::at(url);
            let found = found.as_ref().map(|proxy| (proxy.kind, &*proxy.host, proxy.port));
            assert_eq!(found, expected, "{url}");
        }
    }

    proptest! {
        #[test]
        fn a_network_covers_what_shares_its_bits(address: u32, bits in 0_u8..=32, flipped in 0_u32..32) {
            let entry: Bypass = format!("{}/{bits}", std::net::Ipv4Addr::from_bits(address)).parse().unwrap();
            let other = std::net::Ipv4Addr::from_bits(address ^ (1 << (31 - flipped)));
            prop_assert_eq!(entry.covers(&other.to_string(), 443), flipped >= u32::from(bits));
        }

        #[test]
        fn nothing_that_is_written_panics(entry in ".{0,40}", host in ".{0,40}") {
            if let Ok(entry) = entry.parse::<Bypass>() {
                prop_assert!(!entry.covers(&host, 443) || host.parse::<IpAddr>().is_ok() || entry.whom == ServerPattern::All || !host.is_empty());
            }
        }
    }
}
