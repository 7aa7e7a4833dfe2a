//! Wallet attestations and the proofs beside them (draft-ietf-oauth-attestation-based-client-auth, OpenID4VCI 1.0 appendix
//! E): text to what they say. Two generations are read: up to -07 both carry `iss`, from -08 on neither has to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    base::{
        limits::{CLIENT_ATTESTATION_BYTES, DPOP_PROOF_BYTES},
        time::Timestamp,
    },
    crypto::{
        KeyError, PublicKey,
        jws::{JwsError, Unverified},
    },
    format::{
        sdjwt::numeric_date,
        status::{ReferenceError, StatusReference},
    },
};

/// `typ` of an attestation.
pub const CLIENT_ATTESTATION_TYPE: &str = "oauth-client-attestation+jwt";

/// `typ` of the proof beside it.
pub const CLIENT_ATTESTATION_POP_TYPE: &str = "oauth-client-attestation-pop+jwt";

/// The answer of the challenge endpoint (section 6.1). Goes out with `Cache-Control: no-store`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChallengeResponse {
    /// The challenge.
    pub attestation_challenge: String,
}

/// Why a text is no attestation or no proof.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClientAttestationFormError {
    /// Its form, header or signature.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// No `x5c` in the header: there is nothing to believe it by (HAIP 1.0 section 4.4.1).
    #[error("the certificates are not given as x5c")]
    CertificatesNotGiven,
    /// A claim is missing or of another type.
    #[error("claim {0} is missing or malformed")]
    Claim(&'static str),
    /// The key in `cnf`.
    #[error("cnf: {0}")]
    Key(#[from] KeyError),
    /// `status` refers to no status list.
    #[error(transparent)]
    Status(#[from] ReferenceError),
}

/// An attestation whose signature nobody has checked: its certificates have to be believed first.
#[derive(Clone, Debug)]
pub struct UnverifiedAttestation<'a> {
    unverified: Unverified<'a>,
}

/// What an attester says of a wallet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientAttestation {
    /// Who made it, where it says so: required up to -07.
    pub iss: Option<String>,
    /// The wallet product: its `client_id`.
    pub client_id: String,
    /// The key of this installation.
    pub key: PublicKey,
    /// When it was made.
    pub iat: Option<Timestamp>,
    /// From when on it is good.
    pub nbf: Option<Timestamp>,
    /// When it ends.
    pub exp: Timestamp,
    /// Where it says whether it was revoked.
    pub status: Option<StatusReference>,
}

impl<'a> UnverifiedAttestation<'a> {
    /// Takes an attestation apart.
    pub fn parse(text: &'a str) -> Result<Self, ClientAttestationFormError> {
        let unverified = Unverified::parse_within(text, &[CLIENT_ATTESTATION_TYPE], CLIENT_ATTESTATION_BYTES)?;
        match unverified.header().x5c {
            Some(_) => Ok(Self { unverified }),
            None => Err(ClientAttestationFormError::CertificatesNotGiven),
        }
    }

    /// Its certificates as DER, leaf first.
    pub fn x5c(&self) -> &[Vec<u8>] {
        self.unverified.header().x5c.as_deref().unwrap_or_default()
    }

    /// Checks its signature with the key of the attester's leaf, and the form of its claims.
    pub fn verify(self, attester: &PublicKey) -> Result<ClientAttestation, ClientAttestationFormError> {
        let claims = self.unverified.verify(attester)?.claims;
        let confirmation = claims.get("cnf").and_then(|cnf| cnf.get("jwk")).and_then(Value::as_object);
        Ok(ClientAttestation {
            iss: optional_text(&claims, "iss")?,
            client_id: text(&claims, "sub")?,
            key: PublicKey::from_jwk(confirmation.ok_or(ClientAttestationFormError::Claim("cnf"))?)?,
            iat: optional_time(&claims, "iat")?,
            nbf: optional_time(&claims, "nbf")?,
            exp: time(&claims, "exp")?,
            status: StatusReference::read(&claims)?,
        })
    }
}

/// The proof that the sender of a request holds the key of an attestation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientAttestationPop {
    /// Who made it, where it says so: up to -07 the `client_id`.
    pub iss: Option<String>,
    /// For which authorisation server.
    pub aud: String,
    /// Its identifier, which stands in one proof only.
    pub jti: String,
    /// When it was made.
    pub iat: Timestamp,
    /// When it ends, where it says so.
    pub exp: Option<Timestamp>,
    /// From when on it is good, where it says so.
    pub nbf: Option<Timestamp>,
    /// The challenge of the authorisation server.
    pub challenge: Option<String>,
}

impl ClientAttestationPop {
    /// Takes a proof apart and checks its signature with the key of the attestation.
    pub fn read(text_of_proof: &str, key: &PublicKey) -> Result<Self, ClientAttestationFormError> {
        let unverified = Unverified::parse_within(text_of_proof, &[CLIENT_ATTESTATION_POP_TYPE], DPOP_PROOF_BYTES)?;
        let claims = unverified.verify(key)?.claims;
        Ok(Self {
            iss: optional_text(&claims, "iss")?,
            aud: text(&claims, "aud")?,
            jti: text(&claims, "jti")?,
            iat: time(&claims, "iat")?,
            exp: optional_time(&claims, "exp")?,
            nbf: optional_time(&claims, "nbf")?,
            challenge: optional_text(&claims, "challenge")?,
        })
    }
}

fn text(claims: &Map<String, Value>, name: &'static str) -> Result<String, ClientAttestationFormError> {
    optional_text(claims, name)?.ok_or(ClientAttestationFormError::Claim(name))
}

fn optional_text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, ClientAttestationFormError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(ClientAttestationFormError::Claim(name)),
    }
}

fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Timestamp, ClientAttestationFormError> {
    optional_time(claims, name)?.ok_or(ClientAttestationFormError::Claim(name))
}

fn optional_time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, ClientAttestationFormError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => numeric_date(value).map(Some).ok_or(ClientAttestationFormError::Claim(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::json,
        crypto::x509::{ChainError, verify_chain},
    };

    /// A published example, from the folder of vectors.
    fn published(name: &str) -> Option<String> {
        let folder =
            std::env::var("YUFU_VECTORS").unwrap_or_else(|_| format!("{}/../shared/vectors", env!("CARGO_MANIFEST_DIR")));
        let text = std::fs::read_to_string(format!("{folder}/{name}"));
        if text.is_err() {
            println!("vectors absent: {folder}/{name}");
        }
        text.ok().map(|text| text.split_whitespace().collect())
    }

    #[test]
    fn the_published_proofs_belong_to_the_published_attestation() {
        let names = ["client_attestation", "client_attestation_pop_as", "client_attestation_pop_rs"];
        let texts = names.map(|name| published(&format!("client-attestation/{name}.jwt")));
        let [Some(attestation), Some(for_as), Some(for_rs)] = texts else { return };
        // It names its key by `kid` alone, so nobody here could believe it.
        let refused = UnverifiedAttestation::parse(&attestation).err();
        assert_eq!(refused, Some(ClientAttestationFormError::CertificatesNotGiven));
        let claims = Unverified::parse(&attestation, &[CLIENT_ATTESTATION_TYPE]).expect("a JWS");
        let claims = claims.dangerous_unverified_claims().expect("claims");
        let key = PublicKey::from_jwk(claims["cnf"]["jwk"].as_object().expect("a key")).expect("a key");
        for (text, aud) in [(for_as, "https://as.example.com"), (for_rs, "https://rs.example.com")] {
            let proof = ClientAttestationPop::read(&text, &key).expect("a good proof");
            assert_eq!((proof.aud.as_str(), proof.iss.as_deref()), (aud, None));
            assert_eq!(proof.jti, "d25d00ab-552b-46fc-ae19-98f440f25064");
            assert_eq!(proof.challenge.as_deref(), Some("5c1a9e10-29ff-4c2b-ae73-57c0957c09c4"));
            assert_eq!((proof.iat, proof.exp), (Timestamp::from_unix(1_772_487_595), None));
        }
    }

    #[test]
    fn the_example_of_appendix_e_is_read_and_its_self_signed_certificate_is_not_believed() {
        let Some(text) = published("oid4vci/wallet_attestation.jwt.txt") else { return };
        let parsed = UnverifiedAttestation::parse(&text).expect("an attestation");
        let refused = verify_chain(parsed.x5c(), &[], Timestamp::from_unix(1_795_500_000)).err();
        assert_eq!(refused, Some(ChainError::SelfSigned));
        let claims = parsed.unverified.dangerous_unverified_claims().expect("claims");
        let names: Vec<_> = claims.keys().map(String::as_str).collect();
        assert!(["cnf", "exp", "iss", "sub"].iter().all(|name| names.contains(name)), "{names:?}");
        assert!(json::parse_object(b"{}").is_ok());
    }
}
