//! Who vouches for wallets and their keys: an authority of the tests whose anchor a service can be told to trust.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use yufu::{
    base::{random::SeededRandom, time::Timestamp},
    crypto::{
        Algorithm, PublicKey, Signer, SoftwareKey, jws, pem,
        x509::{self, Issuer, Request, Role, Subject, Validity, x5c_header},
    },
};

use super::BEGIN;

/// `typ` of a wallet attestation (draft-ietf-oauth-attestation-based-client-auth).
pub const WALLET_ATTESTATION: &str = "oauth-client-attestation+jwt";
/// `typ` of the proof beside it.
pub const WALLET_ATTESTATION_POP: &str = "oauth-client-attestation-pop+jwt";
/// `typ` of a key attestation (OpenID4VCI 1.0 appendix D.1).
pub const KEY_ATTESTATION: &str = "key-attestation+jwt";

const DAY: i64 = 24 * 3600;

/// An authority that vouches, with a root, and a leaf that signs.
pub struct Attester {
    /// The name it goes by, where an attestation names its issuer.
    pub name: String,
    /// The root as DER: the anchor.
    pub root: Vec<u8>,
    /// The root's key.
    pub root_key: SoftwareKey,
    /// What `x5c` holds: the leaf alone.
    pub chain: Vec<Vec<u8>>,
    /// The leaf's key.
    pub key: SoftwareKey,
    random: SeededRandom,
}

/// A JWT that is not signed yet: a test may change either part.
#[derive(Clone, Debug)]
pub struct Jwt {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl Jwt {
    /// Of these parts, each a JSON object.
    pub fn new(header: Value, claims: Value) -> Self {
        let object = |value: Value| value.as_object().expect("an object").clone();
        Self { header: object(header), claims: object(claims) }
    }

    /// The same with another header member; `null` takes it away.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    /// The same with another claim; `null` takes it away.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.claims, name, value.into());
        self
    }

    /// Signs it.
    pub fn sign(self, key: &dyn Signer) -> String {
        jws::sign(self.header, &self.claims, key).expect("a software key signs")
    }
}

fn set(object: &mut Map<String, Value>, name: &str, value: Value) {
    match value {
        Value::Null => drop(object.remove(name)),
        value => drop(object.insert(name.to_owned(), value)),
    }
}

impl Attester {
    /// A new authority; the seed makes them differ.
    pub fn new(seed: u64) -> Self {
        let random = SeededRandom::new(0xA77E_0000 + seed);
        let root_key = SoftwareKey::generate(Algorithm::Es256, &random);
        let root = x509::root(subject("attester root"), validity(), &root_key, &random).expect("a root");
        let key = SoftwareKey::generate(Algorithm::Es256, &random);
        let chain = vec![leaf(key.public_key(), &root, &root_key, &random)];
        Self { name: format!("https://attester-{seed}.example"), root, root_key, chain, key, random }
    }

    /// Makes the service of this key folder trust its wallet attestations; before the start.
    pub fn trusted_for_wallets(&self, keys: &Path) {
        self.trusted_in(keys, "wallet-attesters");
    }

    /// Makes the service of this key folder trust its key attestations; before the start.
    pub fn trusted_for_keys(&self, keys: &Path) {
        self.trusted_in(keys, "key-attesters");
    }

    fn trusted_in(&self, keys: &Path, folder: &str) {
        let folder = keys.join("trust").join(folder);
        fs::create_dir_all(&folder).expect("a folder");
        let name = self.name.trim_start_matches("https://");
        fs::write(folder.join(format!("{name}.pem")), pem::encode(pem::CERTIFICATE, &self.root))
            .expect("the anchor is written");
    }

    /// A further leaf of the same root: its key and its chain.
    pub fn another_leaf(&self) -> (SoftwareKey, Vec<Vec<u8>>) {
        let key = SoftwareKey::generate(Algorithm::Es256, &self.random);
        let chain = vec![leaf(key.public_key(), &self.root, &self.root_key, &self.random)];
        (key, chain)
    }

    /// A wallet attestation of the form that both generations of the draft accept, not signed yet.
    pub fn wallet_attestation(&self, client_id: &str, instance: &PublicKey, now: Timestamp) -> Jwt {
        Jwt::new(
            json!({"typ": WALLET_ATTESTATION, "x5c": x5c_header(&self.chain)}),
            json!({
                "iss": self.name,
                "sub": client_id,
                "iat": now.unix(),
                "nbf": now.unix(),
                "exp": now.plus_seconds(DAY).unix(),
                "cnf": {"jwk": instance.to_jwk()},
                "wallet_name": "The wallet of the tests",
            }),
        )
    }

    /// An attestation of holder keys at the highest level, not signed yet.
    pub fn key_attestation(&self, keys: &[&PublicKey], nonce: Option<&str>, now: Timestamp) -> Jwt {
        let keys: Vec<_> = keys.iter().map(|key| key.to_jwk()).collect();
        let made = Jwt::new(
            json!({"typ": KEY_ATTESTATION, "x5c": x5c_header(&self.chain)}),
            json!({
                "iss": self.name,
                "iat": now.unix(),
                "exp": now.plus_seconds(DAY).unix(),
                "attested_keys": keys,
                "key_storage": ["iso_18045_high"],
                "user_authentication": ["iso_18045_high"],
            }),
        );
        made.claim("nonce", nonce)
    }

    /// Signs with the leaf's key.
    pub fn sign(&self, jwt: Jwt) -> String {
        jwt.sign(&self.key)
    }
}

fn leaf(key: &PublicKey, root: &[u8], root_key: &SoftwareKey, random: &SeededRandom) -> Vec<u8> {
    let request = Request {
        subject: subject("attester"),
        public_key: key,
        validity: validity(),
        role: Role::Leaf,
        uris: &[],
        dns_names: &[],
        extended_key_usages: &[],
    };
    x509::issue(&request, Issuer { certificate: Some(root), signer: root_key }, random).expect("a leaf")
}

fn subject(common_name: &str) -> Subject<'_> {
    Subject { country: "CN", organization: "tests", common_name }
}

/// Valid around the clocks of the tests and around today, for services on a real clock.
fn validity() -> Validity {
    Validity { not_before: BEGIN.plus_seconds(-400 * DAY), not_after: BEGIN.plus_seconds(4000 * DAY) }
}
