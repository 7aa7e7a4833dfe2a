//! Origins of the web, each in its one spelling, and addresses under them.

use std::{
    fmt,
    net::{Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// An `https` or `http` origin: scheme, host and perhaps a port, in lower case, without a path or a slash at the end
/// (RFC 6454 section 6.2).
///
/// The service's own is its Credential Issuer Identifier (OpenID4VCI 1.0 section 12.2.1), compared octet by octet, so
/// an origin has one spelling only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin(String);

/// Why a text is not an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OriginError {
    /// Not `https://` and not `http://`.
    #[error("it has to begin with https:// (or http:// on this machine itself)")]
    Scheme,
    /// More than scheme, host and port.
    #[error("it has to end after the host and port: no slash at the end, no path, no query, no user name")]
    NotAnOrigin,
    /// The host or the port is not spelled as expected.
    #[error("the host has to be a name or address in lower case, the port a number other than the scheme's own")]
    Host,
}

impl Origin {
    /// The origin of a service that listens at `address` and has no other name.
    pub fn of_listener(address: SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }

    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether the host is this machine itself: `localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.split_once("://").map_or("", |(_, authority)| split_port(authority).0);
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
            None => host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (authority, own_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(authority), _) => (authority, "443"),
            (_, Some(authority)) => (authority, "80"),
            _ => return Err(OriginError::Scheme),
        };
        if authority.contains(['/', '?', '#', '@', '\\']) {
            return Err(OriginError::NotAnOrigin);
        }
        let (host, port) = split_port(authority);
        let port_is_good = port.is_none_or(|port| port != own_port && is_port(port));
        if is_host(host) && port_is_good { Ok(Self(text.to_owned())) } else { Err(OriginError::Host) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest address of a page, in bytes, as browsers and proxies bound one.
const ADDRESS_BYTES: usize = 2048;

/// Whether browsers take `text` for a place that nobody on the way can change: `https`, or `http` on this machine itself.
pub fn is_safe_origin(text: &str) -> bool {
    text.parse::<Origin>().is_ok_and(|origin| origin.is_https() || origin.is_loopback())
}

/// Whether `text` is an absolute address under a safe origin, in characters of a URI (RFC 3986 section 2) and without a
/// fragment (RFC 6749 section 3.1.2). Such addresses are compared octet by octet, so nothing of it is normalised.
pub fn is_safe_address(text: &str) -> bool {
    let Some(after_scheme) = text.find("://").map(|at| at + 3) else { return false };
    let (_, rest) = text.split_at(after_scheme);
    let end = rest.find(['/', '?']).map_or(text.len(), |at| after_scheme + at);
    let (origin, rest) = text.split_at(end);
    let is_uri = |c: u8| c.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(&c);
    text.len() <= ADDRESS_BYTES && is_safe_origin(origin) && rest.bytes().all(is_uri)
}

/// Host and port of an authority; the colons inside the brackets of an IPv6 address are not the port's.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0 && port.to_string() == text)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    let is_label = |label: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_in_its_one_spelling_is_accepted() {
        for text in [
            "https://id.example.gov",
            "https://id.example.gov:8443",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:8080",
            "https://xn--fiq228c.example",
        ] {
            assert_eq!(text.parse::<Origin>().map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        use OriginError as E;
        let cases = [
            ("id.example", E::Scheme),
            ("HTTPS://id.example", E::Scheme),
            ("ftp://id.example", E::Scheme),
            ("https://id.example/", E::NotAnOrigin),
            ("https://id.example/tenant", E::NotAnOrigin),
            ("https://id.example?x", E::NotAnOrigin),
            ("https://id.example#x", E::NotAnOrigin),
            ("https://me@id.example", E::NotAnOrigin),
            ("https://id.example\\x", E::NotAnOrigin),
            ("https://", E::Host),
            ("https://ID.example", E::Host),
            ("https://id..example", E::Host),
            ("https://-id.example", E::Host),
            ("https://id.example.", E::Host),
            ("https://鱼符.example", E::Host),
            ("https://id.example:443", E::Host),
            ("http://id.example:80", E::Host),
            ("https://id.example:0", E::Host),
            ("https://id.example:065", E::Host),
            ("https://id.example:65536", E::Host),
            ("https://id.example:", E::Host),
            ("https://[::0001]", E::Host),
            ("https://id.example\r\nx", E::Host),
        ];
        for (text, reason) in cases {
            assert_eq!(text.parse::<Origin>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_no_other() {
        let is_loopback = |text: &str| text.parse::<Origin>().expect("a good origin").is_loopback();
        for text in ["http://localhost:1", "http://127.9.9.9", "http://[::1]:8080", "https://localhost"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in
            ["http://localhost.example", "http://128.0.0.1", "http://[::2]", "https://id.example", "http://127.0.0.1.nip.io"]
        {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn an_address_stands_under_a_safe_origin_and_has_no_fragment() {
        for good in [
            "https://gate.example/back",
            "https://gate.example",
            "https://gate.example?x=1&y=%E9%B1%BC",
            "https://gate.example:8443/a/b;c?d=(e)",
            "http://127.0.0.1:9000/back",
            "http://[::1]/",
        ] {
            assert!(is_safe_address(good), "{good}");
        }
        let long = format!("https://gate.example/{}", "a".repeat(ADDRESS_BYTES));
        for bad in [
            "",
            "/back",
            "gate.example/back",
            "http://gate.example/back",
            "ftp://gate.example/",
            "javascript://gate.example/%0aalert(1)",
            "https:///back",
            "https://me@gate.example/back",
            "https://gate.example/back#x",
            "https://gate.example\\back",
            "https://gate.example/a b",
            "https://gate.example/\r\nx",
            "https://gate.example/鱼",
            "https://Gate.example/back",
            "https://gate.example:443/back",
            &long,
        ] {
            assert!(!is_safe_address(bad), "{bad}");
        }
        assert!(is_safe_origin("https://gate.example") && is_safe_origin("http://localhost:3000"));
        assert!(!is_safe_origin("http://gate.example") && !is_safe_origin("https://gate.example/") && !is_safe_origin("null"));
    }
}
