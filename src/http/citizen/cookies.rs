//! The cookies of citizens' browsers (RFC 6265): bound to this host, out of reach of scripts, sent by our own pages and by
//! links that lead here.

use actix_web::http::header::{self, HeaderMap};

/// A cookie of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cookie {
    /// The secret of a session.
    Session,
    /// The secret that forms and authorisations are bound to.
    Browser,
    /// The presentation of a card with which somebody signs in.
    Presentation,
    /// The language that was chosen.
    Language,
}

impl Cookie {
    /// The name. Over https the prefix makes browsers refuse it from anywhere but this host.
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-yufu-citizen",
            (Self::Session, false) => "yufu-citizen",
            (Self::Browser, true) => "__Host-yufu-browser",
            (Self::Browser, false) => "yufu-browser",
            (Self::Presentation, true) => "__Host-yufu-presentation",
            (Self::Presentation, false) => "yufu-presentation",
            (Self::Language, true) => "__Host-yufu-language",
            (Self::Language, false) => "yufu-language",
        }
    }

    /// The value in a request; none when there is none or it is empty.
    pub(super) fn read(self, headers: &HeaderMap, is_https: bool) -> Option<&str> {
        let values = headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name(is_https)).map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// `Set-Cookie` with a value of ours, which needs no quoting. It ends with the browser, but for the language.
    pub(super) fn set(self, value: &str, is_https: bool) -> String {
        let lasting = if self == Self::Language { "; Max-Age=31536000" } else { "" };
        self.line(value, lasting, is_https)
    }

    /// `Set-Cookie` that removes it.
    pub(super) fn removed(self, is_https: bool) -> String {
        self.line("", "; Max-Age=0", is_https)
    }

    fn line(self, value: &str, lasting: &str, is_https: bool) -> String {
        let secure = if is_https { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{lasting}{secure}", self.name(is_https))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn cookies_are_bound_to_this_host_and_hidden_from_scripts() {
        assert_eq!(Cookie::Session.set("x", true), "__Host-yufu-citizen=x; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(Cookie::Browser.set("x", false), "yufu-browser=x; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(Cookie::Session.removed(true), "__Host-yufu-citizen=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure");
        assert!(Cookie::Language.set("en", true).contains("; Max-Age=31536000; Secure"));
    }

    #[test]
    fn the_cookie_of_the_name_is_read_and_no_other() {
        let read = |text: &str, is_https| {
            let request = TestRequest::get().insert_header(("cookie", text)).to_http_request();
            Cookie::Session.read(request.headers(), is_https).map(str::to_owned)
        };
        assert_eq!(read("a=b; __Host-yufu-citizen=x=y; c=d", true).as_deref(), Some("x=y"));
        assert_eq!(read("yufu-citizen=x", false).as_deref(), Some("x"));
        for none in ["", "yufu-citizen=x", "__host-yufu-citizen=x", "x__Host-yufu-citizen=x", "__Host-yufu-citizen=", "a"] {
            assert_eq!(read(none, true), None, "{none}");
        }
    }
}
