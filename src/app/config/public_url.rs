//! The public URL: the name by which everyone outside knows the service.

use std::{
    fmt,
    net::{Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// An `https` or `http` origin: scheme, host and perhaps a port, in lower case, without a path or a slash at the end.
///
/// It is the Credential Issuer Identifier (OpenID4VCI 1.0 section 12.2.1), compared octet by octet, so it has one
/// spelling only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl(String);

/// Why a text is not a public URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAPublicUrl {
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

impl PublicUrl {
    /// The URL of a service that listens at `address` and has no other name.
    pub fn of_listener(address: SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }

    /// The URL as text.
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

impl FromStr for PublicUrl {
    type Err = NotAPublicUrl;

    fn from_str(text: &str) -> Result<Self, NotAPublicUrl> {
        let (authority, own_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(authority), _) => (authority, "443"),
            (_, Some(authority)) => (authority, "80"),
            _ => return Err(NotAPublicUrl::Scheme),
        };
        if authority.contains(['/', '?', '#', '@', '\\']) {
            return Err(NotAPublicUrl::NotAnOrigin);
        }
        let (host, port) = split_port(authority);
        let port_is_good = port.is_none_or(|port| port != own_port && is_port(port));
        if is_host(host) && port_is_good { Ok(Self(text.to_owned())) } else { Err(NotAPublicUrl::Host) }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
            assert_eq!(text.parse::<PublicUrl>().map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        use NotAPublicUrl as E;
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
            assert_eq!(text.parse::<PublicUrl>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_no_other() {
        let is_loopback = |text: &str| text.parse::<PublicUrl>().expect("a good URL").is_loopback();
        for text in ["http://localhost:1", "http://127.9.9.9", "http://[::1]:8080", "https://localhost"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in
            ["http://localhost.example", "http://128.0.0.1", "http://[::2]", "https://id.example", "http://127.0.0.1.nip.io"]
        {
            assert!(!is_loopback(text), "{text}");
        }
    }
}
