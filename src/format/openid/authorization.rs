//! The authorisation request, pushed (RFC 9126) and then named by a browser, and the answers that a browser carries back
//! (RFC 6749 section 4.1.2, RFC 9207).

use serde::{Deserialize, Serialize};

use crate::format::openid::form::{self, FormError, Parameters};

/// What begins every request URI (RFC 9126 section 2.2).
pub const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

/// An authorisation request as a wallet pushes it; nobody has checked its values.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuthorizationRequest {
    /// The client's identifier.
    pub client_id: Option<String>,
    /// `code` is the one there is.
    pub response_type: Option<String>,
    /// `query`, or left out.
    pub response_mode: Option<String>,
    /// Where the answer is to go.
    pub redirect_uri: Option<String>,
    /// Given back as it came.
    pub state: Option<String>,
    /// Credential configurations by their scopes (OpenID4VCI 1.0 section 5.1.2).
    pub scope: Option<String>,
    /// Credential configurations by name, still as JSON (section 5.1.1).
    pub authorization_details: Option<String>,
    /// The challenge (RFC 7636 section 4.3).
    pub code_challenge: Option<String>,
    /// How it was made.
    pub code_challenge_method: Option<String>,
    /// What an offer gave, to be recognised (OpenID4VCI 1.0 section 5.1.3).
    pub issuer_state: Option<String>,
    /// Whom the access token is for (RFC 8707 section 2).
    pub resource: Vec<String>,
    /// The DPoP key that the code is to be bound to (RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
    /// `request` or `request_uri`, which have no place in a pushed form here: the first of them that stands there.
    pub by_object: Option<&'static str>,
}

impl AuthorizationRequest {
    /// Reads the form. Unknown parameters are ignored (RFC 6749 section 3.1).
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        let mut form: Parameters = form::parse(body)?;
        let by_object = ["request_uri", "request"].into_iter().find(|name| form.contains_key(*name));
        let resource = form.remove(form::RESOURCE).unwrap_or_default();
        Ok(Self {
            client_id: form.remove("client_id"),
            response_type: form.remove("response_type"),
            response_mode: form.remove("response_mode"),
            redirect_uri: form.remove("redirect_uri"),
            state: form.remove("state"),
            scope: form.remove("scope"),
            authorization_details: form.remove("authorization_details"),
            code_challenge: form.remove("code_challenge"),
            code_challenge_method: form.remove("code_challenge_method"),
            issuer_state: form.remove("issuer_state"),
            resource: resource.split(' ').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            dpop_jkt: form.remove("dpop_jkt"),
            by_object,
        })
    }
}

/// What a wallet gets for a pushed request (RFC 9126 section 2.2). Goes out with status 201 and `Cache-Control: no-store`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PushedResponse {
    /// What the browser names it by, once.
    pub request_uri: String,
    /// Seconds in which it has to be opened.
    pub expires_in: i64,
}

/// What a browser brings to the authorisation endpoint (RFC 9126 section 4).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuthorizeQuery {
    /// The client's identifier; has to be the one that pushed.
    pub client_id: Option<String>,
    /// Which request.
    pub request_uri: Option<String>,
}

impl AuthorizeQuery {
    /// Reads the query. Whatever else stands in it counts for nothing: the pushed request is the request.
    pub fn parse(query: &str) -> Result<Self, FormError> {
        let mut query = form::parse(query.as_bytes())?;
        Ok(Self { client_id: query.remove("client_id"), request_uri: query.remove("request_uri") })
    }
}

/// What an authorisation came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome<'a> {
    /// A code (RFC 6749 section 4.1.2).
    Code(&'a str),
    /// An error with its description, in ASCII (section 4.1.2.1).
    Error(&'a str, &'a str),
}

/// The address that takes the outcome to the client; `iss` tells it who answered (RFC 9207 section 2).
pub fn answer(redirect_uri: &str, outcome: Outcome<'_>, state: Option<&str>, iss: &str) -> String {
    let mut parameters = match outcome {
        Outcome::Code(code) => vec![("code", code)],
        Outcome::Error(error, description) => vec![("error", error), ("error_description", description)],
    };
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", iss));
    let mut address = redirect_uri.to_owned();
    for (name, value) in parameters {
        let has_query = address.contains('?');
        let begins = if !has_query {
            "?"
        } else if address.ends_with(['?', '&']) {
            ""
        } else {
            "&"
        };
        address.push_str(begins);
        address.push_str(&format!("{name}={}", form::encode(value)));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pushed_request_is_read_and_what_is_unknown_is_left_aside() {
        let body = b"client_id=w&response_type=code&scope=a+b&resource=https%3A%2F%2Fx&resource=y&prompt=login&state=";
        let read = AuthorizationRequest::parse(body).expect("a form");
        let expected = AuthorizationRequest {
            client_id: Some("w".to_owned()),
            response_type: Some("code".to_owned()),
            scope: Some("a b".to_owned()),
            resource: vec!["https://x".to_owned(), "y".to_owned()],
            ..AuthorizationRequest::default()
        };
        assert_eq!(read, expected);
        assert_eq!(AuthorizationRequest::parse(b"scope=a&scope=a"), Err(FormError::Doubled));
        let by_object = |body: &[u8]| AuthorizationRequest::parse(body).expect("a form").by_object;
        assert_eq!(by_object(b"request=x"), Some("request"));
        assert_eq!(by_object(b"request_uri=x&request=y"), Some("request_uri"));
    }

    #[test]
    fn an_answer_is_added_to_whatever_address_the_client_has() {
        let iss = "https://id.example";
        let code = |uri: &str| answer(uri, Outcome::Code("c"), Some("s &"), iss);
        let rest = "code=c&state=s%20%26&iss=https%3A%2F%2Fid.example";
        assert_eq!(code("https://w.example/cb"), format!("https://w.example/cb?{rest}"));
        assert_eq!(code("https://w.example/cb?a=b"), format!("https://w.example/cb?a=b&{rest}"));
        assert_eq!(code("com.example.wallet:/cb"), format!("com.example.wallet:/cb?{rest}"));
        let refused = answer("w://cb", Outcome::Error("access_denied", "no"), None, iss);
        assert_eq!(refused, "w://cb?error=access_denied&error_description=no&iss=https%3A%2F%2Fid.example");
    }
}
