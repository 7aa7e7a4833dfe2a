//! Where an authorisation may be sent back to: addresses that wallets registered, and those that a policy admits.

use std::{fmt, str::FromStr};

use crate::base::origin::is_safe_address;

/// Longest address, in bytes.
const BYTES: usize = 2048;

/// Schemes that a browser acts on by itself, or that lead to a page of the browser or of the machine: whoever names one is
/// not an app that waits for an answer.
const NOT_APPS: &[&str] = &[
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "resource",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Loopback addresses at which an app waits on a port it gets from the system (RFC 8252 section 7.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Whether `text` can be registered: `https`, `http` on this machine itself, or the scheme of an app (RFC 8252 section 7),
/// in characters of a URI and without a fragment (RFC 6749 section 3.1.2).
pub fn is_redirect_uri(text: &str) -> bool {
    is_safe_address(text) || is_app_address(text)
}

fn is_app_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+-.".contains(&c));
    let is_uri = |c: u8| c.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%[]".contains(&c);
    is_scheme && !NOT_APPS.contains(&scheme) && text.len() <= BYTES && !rest.is_empty() && rest.bytes().all(is_uri)
}

/// Whether an address that was asked for is the one that was registered: octet by octet (RFC 9700 section 4.1.3), but for
/// the port of a loopback address that was registered without one.
pub fn is_same(registered: &str, asked: &str) -> bool {
    registered == asked || is_at_any_port(registered, asked)
}

fn is_at_any_port(registered: &str, asked: &str) -> bool {
    LOOPBACK.iter().any(|host| match (registered.strip_prefix(host), after_port(asked, host)) {
        (Some(path), Some(asked_path)) => path.starts_with('/') && path == asked_path,
        _ => false,
    })
}

/// What stands after `host` and a port.
fn after_port<'a>(asked: &'a str, host: &str) -> Option<&'a str> {
    let rest = asked.strip_prefix(host)?.strip_prefix(':')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (port, path) = rest.split_at(end);
    port.parse::<u16>().ok().filter(|port| *port != 0)?;
    Some(path)
}

/// What a page says of an address that people know nothing of: its host, or the scheme of an app.
pub fn place(address: &str) -> &str {
    let (scheme, rest) = address.split_once(':').unwrap_or((address, ""));
    match (scheme, rest.strip_prefix("//")) {
        ("https" | "http", Some(rest)) => rest.split(['/', '?']).next().unwrap_or(rest),
        _ => scheme,
    }
}

/// What a page whose form leads to an address has to allow (CSP `form-action`, which browsers hold against every redirect that
/// follows). Where an https address leads on to is the wallet's affair, so the scheme is allowed; of what is on this machine,
/// or an app, nothing else.
pub fn form_target(address: &str) -> String {
    let scheme = address.split(':').next().unwrap_or_default();
    let host = place(address);
    // IPv6 addresses have no place in the grammar of host sources.
    let is_host_source = host.bytes().all(|c| c.is_ascii_alphanumeric() || b"-.:".contains(&c));
    if scheme == "http" && is_host_source { format!("http://{host}") } else { format!("{scheme}:") }
}

/// Addresses that are admitted for wallets nobody registered: for development on one machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Admitted {
    /// This one.
    Address(String),
    /// Every port and path of 127.0.0.1.
    Loopback,
}

impl Admitted {
    /// Whether it admits an address.
    pub fn admits(&self, asked: &str) -> bool {
        match self {
            Self::Address(address) => address == asked,
            Self::Loopback => {
                is_redirect_uri(asked)
                    && after_port(asked, LOOPBACK[0]).is_some_and(|path| path.is_empty() || path.starts_with('/'))
            }
        }
    }
}

/// How every port of 127.0.0.1 is written.
const ANY_PORT: &str = "http://127.0.0.1:*";

impl fmt::Display for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.write_str(address),
            Self::Loopback => f.write_str(ANY_PORT),
        }
    }
}

impl FromStr for Admitted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            ANY_PORT => Ok(Self::Loopback),
            _ if is_redirect_uri(text) => Ok(Self::Address(text.to_owned())),
            _ => Err(format!("an https address, one of an app's own scheme, or {ANY_PORT} is expected")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_may_lead_to_where_the_answer_goes() {
        for (address, source) in [
            ("https://wallet.example/cb?x=1", "https:"),
            ("http://127.0.0.1:8000/cb", "http://127.0.0.1:8000"),
            ("http://[::1]:8000/cb", "http:"),
            ("com.example.wallet:/cb", "com.example.wallet:"),
            ("haip-vci://", "haip-vci:"),
        ] {
            assert_eq!(form_target(address), source, "{address}");
        }
    }

    #[test]
    fn apps_and_safe_pages_can_be_registered_and_nothing_a_browser_would_run() {
        for good in [
            "https://wallet.example/cb",
            "https://wallet.example/cb?a=b",
            "http://127.0.0.1:8000/cb",
            "http://127.0.0.1/cb",
            "com.example.wallet:/cb",
            "eudi-openid4ci://authorize",
            "haip-vci://",
        ] {
            assert!(is_redirect_uri(good), "{good}");
        }
        for bad in [
            "",
            "wallet",
            "/cb",
            "http://wallet.example/cb",
            "https://wallet.example/cb#x",
            "https://a@wallet.example/cb",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "intent://x",
            "com.example.wallet:",
            "com.example.wallet:/c b",
            "com.example.wallet:/cb#x",
            "com.example.wallet:/鱼",
            "1app:/cb",
        ] {
            assert!(!is_redirect_uri(bad), "{bad}");
        }
        assert!(!is_redirect_uri(&format!("https://wallet.example/{}", "a".repeat(BYTES))));
    }

    #[test]
    fn addresses_are_compared_octet_by_octet_but_for_the_port_of_an_app_on_this_machine() {
        let registered = "https://wallet.example/cb";
        assert!(is_same(registered, registered));
        for other in [
            "https://wallet.example/cb/",
            "https://wallet.example/CB",
            "https://wallet.example/cb?x",
            "https://wallet.example:443/cb",
        ] {
            assert!(!is_same(registered, other), "{other}");
        }
        let (app, six) = ("http://127.0.0.1/cb", "http://[::1]/cb");
        assert!(is_same(app, "http://127.0.0.1:53123/cb") && is_same(six, "http://[::1]:53123/cb"));
        for other in [
            "http://127.0.0.1:53123/cb2",
            "http://127.0.0.1:53123@evil.example/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost:53123/cb",
        ] {
            assert!(!is_same(app, other), "{other}");
        }
        assert!(!is_same("http://127.0.0.1:8000/cb", "http://127.0.0.1:8001/cb"), "with a port it is that port");
    }

    #[test]
    fn a_policy_admits_what_it_names() {
        let loopback: Admitted = "http://127.0.0.1:*".parse().expect("every port");
        assert!(loopback.admits("http://127.0.0.1:8000/cb") && loopback.admits("http://127.0.0.1:8000"));
        for other in
            ["http://127.0.0.1:80x/cb", "http://127.0.0.1:80@x.example/", "http://127.0.0.1/cb#x", "https://x.example/"]
        {
            assert!(!loopback.admits(other), "{other}");
        }
        let address: Admitted = "com.example.wallet:/cb".parse().expect("an address");
        assert!(address.admits("com.example.wallet:/cb") && !address.admits("com.example.wallet:/cb2"));
        assert!("http://*:*".parse::<Admitted>().is_err() && "http://wallet.example/".parse::<Admitted>().is_err());
        assert_eq!(loopback.to_string().parse(), Ok(loopback));
    }

    #[test]
    fn a_page_says_the_host_or_the_app() {
        assert_eq!(place("https://wallet.example:8443/cb?x"), "wallet.example:8443");
        assert_eq!(place("com.example.wallet:/cb"), "com.example.wallet");
        assert_eq!(place("https://wallet.example"), "wallet.example");
    }
}
