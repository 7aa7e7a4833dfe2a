//! The W3C Digital Credentials API (appendix A).

use serde_json::{Value, json};

/// A protocol identifier (appendix A.1). The multi-signed one is not spoken: one key signs here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// `openid4vp-v1-signed`.
    Signed,
    /// `openid4vp-v1-unsigned`.
    Unsigned,
}

impl Protocol {
    /// The identifier.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signed => "openid4vp-v1-signed",
            Self::Unsigned => "openid4vp-v1-unsigned",
        }
    }

    /// Reads an identifier, exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Signed, Self::Unsigned].into_iter().find(|protocol| protocol.name() == name)
    }
}

/// One entry of `digital.requests` for `navigator.credentials.get`: of a signed request its JWS, of an unsigned one its
/// members (appendix A.3).
pub fn digital_credential_request(protocol: Protocol, request: Value) -> Value {
    let data = match protocol {
        Protocol::Signed => json!({"request": request}),
        Protocol::Unsigned => request,
    };
    json!({"protocol": protocol.name(), "data": data})
}
