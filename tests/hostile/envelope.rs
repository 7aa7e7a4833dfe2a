//! Requests and answers under encryption: what is refused, and what a few bytes may become.

use serde_json::{Value, json};
use yufu::{
    base::{base64url, random::SeededRandom},
    crypto::jwe::{self, DecryptionKey, Encryption, EncryptionKey},
    format::openid::credential::{CredentialRequestError, CredentialResponse},
    issuance::credential::{Body, Content, CredentialError, Credentials, Reply},
};

use super::office::{Office, bearer, key, request};

/// An office, and a wallet with a key of its own.
struct Desk {
    office: Office,
    own: DecryptionKey,
}

impl Desk {
    fn new() -> Self {
        Self { office: Office::new(), own: DecryptionKey::generate(&SeededRandom::new(77)) }
    }

    fn office_key(&self) -> EncryptionKey {
        let key = self.office.ground.keyring.decryption();
        EncryptionKey::from_jwk(&key.public_jwk(&base64url::encode(key.thumbprint()))).expect("a good key")
    }

    fn sealed(&self, content: &[u8], deflated: bool) -> String {
        let seal = if deflated { jwe::encrypt_deflated } else { jwe::encrypt };
        seal(content, &self.office_key(), Encryption::A128Gcm, &SeededRandom::new(78)).expect("sealed")
    }

    /// A good request with a new key, and this for the encryption of the answer.
    fn order(&self, seed: u64, encryption: Option<Value>) -> Value {
        let mut order = request("resident-id", &[self.office.proof(&key(seed), &self.office.nonce())]);
        if let Some(encryption) = encryption {
            order["credential_response_encryption"] = encryption;
        }
        order
    }

    fn send(&self, credentials: &Credentials, body: Body<'_>) -> Result<Reply, CredentialError> {
        credentials.issue(&bearer(&self.office.token(&["resident-id"])), body)
    }

    fn refuse(&self, body: Body<'_>, error: CredentialError) {
        let token = self.office.token(&["resident-id"]);
        let state = self.office.state();
        let refused = self.office.credentials.issue(&bearer(&token), body).expect_err("refused");
        assert_eq!((&refused, refused.code()), (&error, Some("invalid_encryption_parameters")));
        assert_eq!(self.office.state(), state);
    }

    fn wanted(&self, enc: &str) -> Value {
        json!({"jwk": self.own.public_jwk("mine"), "enc": enc})
    }
}

#[test]
fn an_answer_is_encrypted_as_the_encrypted_request_asks() {
    let desk = Desk::new();
    let ciphers = [("A128GCM", Encryption::A128Gcm), ("A256GCM", Encryption::A256Gcm)];
    for (seed, (deflated, (enc, cipher))) in (1..).zip([(false, ciphers[0]), (true, ciphers[1]), (false, ciphers[1])]) {
        let mut wanted = desk.wanted(enc);
        if deflated {
            wanted["zip"] = json!("DEF");
        }
        let text = desk.sealed(desk.order(seed, Some(wanted)).to_string().as_bytes(), deflated);
        let reply = desk.send(&desk.office.credentials, Body::Jwt(text.as_bytes())).expect("a card");
        let Content::Jwt(text) = reply.content else { panic!("in the clear") };
        let opened = jwe::decrypt_inflating(&text, &desk.own, "mine", (1 << 20, 1 << 20)).expect("to us");
        assert_eq!(opened.encryption, cipher);
        let response: CredentialResponse = serde_json::from_slice(opened.plaintext.expose()).expect("JSON");
        let CredentialResponse::Issued(issued) = response else { panic!("deferred") };
        assert_eq!(issued.credentials.len(), 1);
        assert_eq!(jwe::decrypt(&text, &desk.own, "mine", 1 << 20).is_err(), deflated);
    }
    // A key without a name is named in no header.
    let mut wanted = desk.wanted("A256GCM");
    wanted["jwk"].as_object_mut().expect("a key").remove("kid");
    let text = desk.sealed(desk.order(9, Some(wanted)).to_string().as_bytes(), false);
    let Content::Jwt(text) = desk.send(&desk.office.credentials, Body::Jwt(text.as_bytes())).expect("a card").content else {
        panic!("in the clear")
    };
    let header: Value =
        serde_json::from_slice(&base64url::decode(text.split('.').next().expect("it")).expect("base64url")).expect("JSON");
    assert_eq!((&header["alg"], &header["enc"], header.get("kid")), (&json!("ECDH-ES"), &json!("A256GCM"), None));
    // An encrypted request may be answered in the clear.
    let text = desk.sealed(desk.order(10, None).to_string().as_bytes(), true);
    assert!(matches!(
        desk.send(&desk.office.credentials, Body::Jwt(text.as_bytes())).expect("a card").content,
        Content::Json(_)
    ));
}

#[test]
fn nt_vci_09_encryption_that_cannot_be_had() {
    let desk = Desk::new();
    let clear = desk.order(1, Some(desk.wanted("A256GCM"))).to_string();
    desk.refuse(Body::Json(clear.as_bytes()), CredentialError::RequestNotEncrypted);
    let with = |member: &str, value: Value| {
        let mut wanted = desk.wanted("A256GCM");
        match member.strip_prefix("jwk.") {
            Some(member) if value.is_null() => drop(wanted["jwk"].as_object_mut().expect("a key").remove(member)),
            Some(member) => wanted["jwk"][member] = value,
            None if value.is_null() => drop(wanted.as_object_mut().expect("an object").remove(member)),
            None => wanted[member] = value,
        }
        wanted
    };
    let private = base64url::encode([7; 32]);
    for (wanted, why) in [
        (json!([]), "an object is expected"),
        (with("jwk", Value::Null), "jwk is missing"),
        (with("jwk.alg", Value::Null), "alg of jwk has to be ECDH-ES"),
        (with("jwk.alg", json!("ECDH-ES+A256KW")), "alg of jwk has to be ECDH-ES"),
        (with("jwk.alg", json!("RSA-OAEP-256")), "alg of jwk has to be ECDH-ES"),
        (with("jwk.crv", json!("P-384")), "jwk has to be a public key of P-256"),
        (with("jwk.use", json!("sig")), "jwk has to be a public key of P-256"),
        (with("jwk.x", json!("AAAA")), "jwk has to be a public key of P-256"),
        (with("jwk.y", json!(base64url::encode([1; 32]))), "jwk has to be a public key of P-256"),
        (with("jwk.d", json!(private)), "jwk has to be a public key of P-256"),
        (with("enc", Value::Null), "enc has to be A128GCM or A256GCM"),
        (with("enc", json!("A128CBC-HS256")), "enc has to be A128GCM or A256GCM"),
        (with("zip", json!("GZ")), "zip has to be DEF"),
        (with("zip", json!(true)), "zip has to be DEF"),
    ] {
        let text = desk.sealed(desk.order(1, Some(wanted)).to_string().as_bytes(), false);
        desk.refuse(Body::Jwt(text.as_bytes()), CredentialRequestError::Encryption(why).into());
    }
}

#[test]
fn nt_vci_09_a_few_bytes_do_not_become_many() {
    let desk = Desk::new();
    let mut bomb = desk.order(1, None);
    bomb["filling"] = json!("0".repeat(64 << 20));
    let text = desk.sealed(bomb.to_string().as_bytes(), true);
    assert!(text.len() < 128 * 1024, "{}", text.len());
    desk.refuse(Body::Jwt(text.as_bytes()), CredentialError::NotDecrypted);
    let good = desk.sealed(desk.order(1, None).to_string().as_bytes(), true);
    let to_another = EncryptionKey::from_jwk(&desk.own.public_jwk("mine")).expect("a key");
    let foreign = jwe::encrypt(b"{}", &to_another, Encryption::A128Gcm, &SeededRandom::new(5)).expect("sealed");
    let cut = &good[..good.len() - 4];
    let long = "A".repeat(1 << 20);
    for text in ["", "x", "a.b.c", "a.b.c.d.e", foreign.as_str(), cut, long.as_str()] {
        desk.refuse(Body::Jwt(text.as_bytes()), CredentialError::NotDecrypted);
    }
    desk.refuse(Body::Jwt(b"\xff\xfe"), CredentialError::NotDecrypted);
    assert!(desk.send(&desk.office.credentials, Body::Jwt(good.as_bytes())).is_ok(), "and it goes on");
}

#[test]
fn where_encryption_is_required_nothing_goes_in_the_clear() {
    let desk = Desk::new();
    let mut ground = desk.office.ground.clone();
    ground.encryption_required = true;
    let strict = Credentials::new(ground);
    let needed = CredentialError::EncryptionNeeded;
    assert_eq!(needed.code(), Some("invalid_encryption_parameters"));
    let clear = desk.order(1, None).to_string();
    assert_eq!(desk.send(&strict, Body::Json(clear.as_bytes())), Err(needed.clone()));
    let half = desk.sealed(clear.as_bytes(), false);
    assert_eq!(desk.send(&strict, Body::Jwt(half.as_bytes())), Err(needed.clone()));
    let token = desk.office.token(&["resident-id"]);
    let waiting = json!({"transaction_id": "x"}).to_string();
    assert_eq!(strict.fetch_deferred(&bearer(&token), Body::Json(waiting.as_bytes())), Err(needed));
    let whole = desk.sealed(desk.order(1, Some(desk.wanted("A128GCM"))).to_string().as_bytes(), false);
    assert!(matches!(desk.send(&strict, Body::Jwt(whole.as_bytes())).expect("a card").content, Content::Jwt(_)));
}
