//! Makes SD-JWTs that no honest issuer or holder would make, signed with their true keys.

use serde_json::{Map, Value, json};
use yufu::{
    base::{base64url, random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey, jws, sha256},
};

pub const NOW: i64 = 1_800_000_000;
pub const NOW_TIMESTAMP: Timestamp = Timestamp::from_unix(NOW);

/// An issuer, a holder and someone else.
pub struct Forge {
    pub issuer: SoftwareKey,
    pub holder: SoftwareKey,
    pub stranger: SoftwareKey,
}

impl Forge {
    pub fn new(algorithm: Algorithm) -> Self {
        let key = |seed| SoftwareKey::generate(algorithm, &SeededRandom::new(seed));
        Self { issuer: key(1), holder: key(2), stranger: key(3) }
    }

    /// The claims of a good credential, with `members` put over them; a `null` takes a claim away.
    pub fn claims(&self, members: Value) -> Value {
        let mut claims = json!({
            "iss": "https://issuer.example", "vct": "https://issuer.example/types/resident-id", "exp": 1_900_000_000,
            "cnf": {"jwk": self.holder.public_key().to_jwk()},
        });
        for (name, value) in members.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        claims
    }

    /// A credential's issuer-signed JWT over [`claims`](Self::claims).
    pub fn jwt(&self, members: Value) -> String {
        self.jwt_typed("dc+sd-jwt", members)
    }

    pub fn jwt_typed(&self, typ: &str, members: Value) -> String {
        sign(json!({ "typ": typ }), self.claims(members), &self.issuer)
    }

    /// A whole presentation without key binding.
    pub fn sd_jwt(&self, members: Value, disclosures: &[&str]) -> String {
        join(&self.jwt(members), disclosures)
    }

    /// `bound` with a key binding JWT whose claims are right but for `members` (`null` takes one away), signed by the
    /// holder.
    pub fn bind(&self, bound: &str, members: Value) -> String {
        self.bind_with(bound, json!({"typ": "kb+jwt"}), members, &self.holder)
    }

    pub fn bind_with(&self, bound: &str, header: Value, members: Value, signer: &SoftwareKey) -> String {
        let mut claims = json!({
            "iat": NOW, "aud": "https://gate.example", "nonce": "nonce-1", "sd_hash": hash(bound),
        });
        for (name, value) in members.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        format!("{bound}{}", sign(header, claims, signer))
    }
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

pub fn sign(header: Value, claims: Value, signer: &SoftwareKey) -> String {
    jws::sign(object(header), &object(claims), signer).expect("it signs")
}

/// A JWT over exactly these texts, which need not be good JSON.
pub fn sign_texts(header: &str, claims: &str, signer: &SoftwareKey) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
    let signature = signer.sign(input.as_bytes()).expect("it signs");
    format!("{input}.{}", base64url::encode(signature))
}

pub fn join(jwt: &str, disclosures: &[&str]) -> String {
    disclosures.iter().fold(format!("{jwt}~"), |text, disclosure| format!("{text}{disclosure}~"))
}

/// The digest of a text, as `_sd`, `...` and `sd_hash` hold it.
pub fn hash(text: &str) -> String {
    base64url::encode(sha256(text))
}

/// The disclosure that holds this JSON text.
pub fn disclosure(json: &str) -> String {
    base64url::encode(json)
}
