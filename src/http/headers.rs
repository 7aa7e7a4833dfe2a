//! Headers that every answer carries unless its handler says otherwise, and the few that differ.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What a page with nothing but its own style and pictures may load.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
                               form-action 'none'; frame-ancestors 'none'";

/// The checkpoint page: its own modules, the bar code reader's program in a worker, calls to this service, the camera's
/// pictures. `digital-credentials` and other powers stand in `Permissions-Policy`, beside the page. Texts never become
/// markup or code (Trusted Types); the one policy is the address of the worker.
pub const CHECKPOINT_PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
                                          img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                                          form-action 'none'; frame-ancestors 'none'; \
                                          require-trusted-types-for 'script'; trusted-types yufu-worker";

/// The worker that reads bar codes: the reader's modules and its WebAssembly program, fetched from here.
pub const CHECKPOINT_WORKER_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/// The documentation browser: its own scripts, and the styles it writes into the page.
pub const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                               img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                               form-action 'none'; frame-ancestors 'none'";

/// What holds unless a handler said otherwise: nothing is kept by caches (X-07), nothing is guessed from the content,
/// nothing is loaded, framed or told to the next site.
const DEFAULTS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Lets scripts of any site read an answer that is the same for everyone. Never on an answer that depends on who asks.
pub const FOR_EVERY_SITE: (HeaderName, &str) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");

/// Which headers of an answer such scripts may read: a wallet in a browser has to see its next nonce.
pub const EXPOSED: (HeaderName, &str) =
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "DPoP-Nonce, OAuth-Client-Attestation-Challenge, WWW-Authenticate");

/// Browsers remember for a year that this host speaks https only; said only where it does.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// Puts in the defaults that are missing.
pub(super) fn complete(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
}

/// Whether `Accept-Encoding` takes gzip (RFC 9110 section 12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0)));
        is_gzip && !refused
    })
}

/// Whether `If-None-Match` names one of these entity tags (RFC 9110 section 13.1.2: weak comparison).
pub fn has_already(headers: &HeaderMap, tags: &[&str]) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tags.contains(&tag.trim_start_matches("W/")))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        let accepts = |value: &'static str| {
            accepts_gzip(TestRequest::get().insert_header((header::ACCEPT_ENCODING, value)).to_http_request().headers())
        };
        for yes in ["gzip", "br, GZIP", "deflate, gzip;q=0.5", "gzip; q=1"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "gzip; q=0.0", "*", "gzipped"] {
            assert!(!accepts(no), "{no}");
        }
    }

    #[test]
    fn a_known_tag_is_recognised() {
        let known = |value: &'static str| {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, value)).to_http_request();
            has_already(request.headers(), &["\"a\"", "\"a-gzip\""])
        };
        for yes in ["\"a\"", "W/\"a\"", "\"x\", \"a-gzip\"", "*"] {
            assert!(known(yes), "{yes}");
        }
        for no in ["", "a", "\"b\"", "\"a", "\"A\""] {
            assert!(!known(no), "{no}");
        }
    }
}
