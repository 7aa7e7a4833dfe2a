//! `client_metadata`: what a wallet has to know of the verifier (section 5.1).

use serde_json::{Map, Value, json};

use crate::crypto::{Algorithm, jwe::Encryption};

/// What a wallet has to know to answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientMetadata {
    /// The public key that the response is encrypted to, with `kid`, `alg` and `use`; none when it is not encrypted. It
    /// never verifies the signature of the request.
    pub encryption_key: Option<Map<String, Value>>,
}

impl ClientMetadata {
    /// The JSON. `vp_formats_supported` is always written; the encryptions with the key only.
    pub fn to_json(&self) -> Value {
        let mut json = json!({"vp_formats_supported": vp_formats_supported()});
        if let Some(key) = &self.encryption_key {
            json["jwks"] = json!({"keys": [key]});
            json["encrypted_response_enc_values_supported"] = Encryption::ALL.map(Encryption::jose_name).as_slice().into();
        }
        json
    }
}

/// Formats with the fully specified names of their algorithms (appendix B.3.4, RFC 9864): `EdDSA` would leave the curve
/// open.
fn vp_formats_supported() -> Value {
    let algorithms = Algorithm::ALL.map(Algorithm::fully_specified_name);
    json!({"dc+sd-jwt": {"sd-jwt_alg_values": algorithms, "kb-jwt_alg_values": algorithms}})
}
