//! The examples of RFC 9901 and of SD-JWT VC: every signature, digest, key binding and processed payload.

use serde_json::{Map, Value, json};
use yufu::{
    base::{base64url, json::parse, random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, PublicKey, Signer, SoftwareKey, jws},
    format::sdjwt::{
        DisclosureError, KeyBindingError, KeyBindingExpectation, SdJwtError, Unverified, Verified, json_form::to_compact,
    },
};

/// `typ` of the examples that are no credentials.
const EXAMPLE: &str = "example+sd-jwt";
const NONCE: &str = "1234567890";

struct Vectors {
    collection: &'static str,
    issuer: PublicKey,
    audience: &'static str,
}

impl Vectors {
    fn sd_jwt() -> Option<Self> {
        Self::open("sd-jwt", "https://verifier.example.org")
    }

    fn sd_jwt_vc() -> Option<Self> {
        Self::open("sd-jwt-vc", "https://example.com/verifier")
    }

    /// Both collections use the keys of the first.
    fn open(collection: &'static str, audience: &'static str) -> Option<Self> {
        let mut jwk = crate::json("sd-jwt/keys.json")?["issuer"].as_object().expect("an issuer key").clone();
        jwk.remove("d");
        let issuer = PublicKey::from_jwk(&jwk).expect("the published key");
        Some(Self { collection, issuer, audience })
    }

    fn text(&self, file: &str) -> String {
        let text = crate::text(&format!("{}/{file}", self.collection)).expect("the folder is there");
        text.trim_end().to_owned()
    }

    fn json(&self, file: &str) -> Value {
        crate::json(&format!("{}/{file}", self.collection)).expect("the folder is there")
    }

    fn verify<'a>(&self, text: &'a str) -> Verified<'a> {
        let parsed = Unverified::parse(text).or_else(|_| Unverified::parse_with_types(text, &[EXAMPLE]));
        parsed.expect("it is an SD-JWT").verify(&self.issuer).expect("it holds")
    }

    fn check_key_binding(&self, verified: &Verified<'_>, kb_payload: Option<&str>) {
        let claims = jwt_payload(verified.key_binding().expect("a key binding"));
        if let Some(file) = kb_payload {
            assert_eq!(claims, self.json(file), "{file}");
        }
        let made = Timestamp::from_unix(claims["iat"].as_i64().expect("a time"));
        let now = made.plus_seconds(5);
        let expected = KeyBindingExpectation { nonce: Some(NONCE), audience: self.audience, max_age_seconds: 5, now };
        let binding = verified.verify_key_binding(&expected).expect("it is bound");
        assert_eq!(binding.issued_at, made);
        let other = KeyBindingExpectation { nonce: Some("1234567891"), ..expected };
        assert_eq!(verified.verify_key_binding(&other), Err(KeyBindingError::WrongNonce));
    }
}

/// The payload of a JWT, its signature aside.
fn jwt_payload(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("three parts");
    parse(&base64url::decode(payload).expect("base64url")).expect("it is JSON")
}

#[test]
fn issued_examples_verify_and_their_payloads_are_as_printed() {
    let Some(vectors) = Vectors::sd_jwt() else { return };
    let Some(credentials) = Vectors::sd_jwt_vc() else { return };
    for (vectors, file, payload, disclosures) in [
        (&vectors, "5.1_issuance.sdjwt", "5.1_payload.json", 10),
        (&vectors, "A.3_sdjwtvc_pid_issuance.sdjwt", "A.3_payload.json", 27),
        (&vectors, "A.4_w3c_issuance.sdjwt", "A.4_payload.json", 14),
        (&credentials, "2.3.1_issuance.sdjwt", "2.3.1_payload.json", 9),
        (&credentials, "A.1_pid_issuance.sdjwt", "A.1_payload.json", 28),
    ] {
        let text = vectors.text(file);
        assert_eq!(jwt_payload(&text), vectors.json(payload), "{file}");
        assert_eq!(text.matches('~').count(), disclosures + 1, "{file}");
        let verified = vectors.verify(&text);
        assert_eq!(verified.key_binding(), None, "{file}");
        // With every disclosure there, what the issuer knew about the person is there as it was.
        let user_claims = file.split('_').next().map(|section| format!("{section}_user_claims.json"));
        let user_claims = vectors.json(&user_claims.expect("a section"));
        for (name, value) in user_claims.as_object().expect("an object") {
            assert_eq!(verified.claims().get(name), Some(value), "{file}: {name}");
        }
    }
}

#[test]
fn presented_examples_verify_to_the_printed_payloads() {
    let Some(vectors) = Vectors::sd_jwt() else { return };
    let Some(credentials) = Vectors::sd_jwt_vc() else { return };
    for (vectors, file, processed, bound) in [
        (&vectors, "5.2_presentation.sdjwtkb", "5.2_processed_payload.json", Some(Some("5.2_kb_payload.json"))),
        (&vectors, "A.1_simple_structured_presentation.sdjwt", "A.1_processed_payload.json", None),
        (&vectors, "A.2_complex_structured_presentation.sdjwt", "A.2_processed_payload.json", None),
        (&vectors, "A.3_sdjwtvc_pid_presentation.sdjwtkb", "A.3_processed_payload.json", Some(Some("A.3_kb_payload.json"))),
        (&vectors, "A.4_w3c_presentation.sdjwtkb", "A.4_processed_payload.json", Some(None)),
        (&credentials, "2.3.2_presentation.sdjwtkb", "2.3.2_processed_payload.json", Some(None)),
        (&credentials, "2.3.2_presentation_no_kb.sdjwt", "2.3.2_no_kb_processed_payload.json", None),
        (&credentials, "A.1_pid_presentation.sdjwtkb", "A.1_processed_payload.json", Some(Some("A.1_kb_payload.json"))),
    ] {
        let text = vectors.text(file);
        let verified = vectors.verify(&text);
        assert_eq!(&Value::Object(verified.claims().clone()), &vectors.json(processed), "{file}");
        assert_eq!(verified.key_binding().is_some(), bound.is_some(), "{file}");
        if let Some(kb_payload) = bound {
            vectors.check_key_binding(&verified, kb_payload);
        }
    }
}

#[test]
fn json_serialised_examples_verify_as_their_compact_form() {
    let Some(vectors) = Vectors::sd_jwt() else { return };
    for (file, names, bound) in [
        ("8.2_flattened_issuance.json", ["sub", "birthdate"].as_slice(), false),
        ("8.2_flattened_presentation_kb.json", [].as_slice(), true),
        ("8.3_general_presentation_kb.json", [].as_slice(), true),
    ] {
        let compact = to_compact(vectors.text(file).as_bytes()).expect("it is a JSON form");
        let verified = vectors.verify(&compact);
        assert_eq!(verified.claims()["given_name"], "John", "{file}");
        assert_eq!(verified.claims()["family_name"], "Doe", "{file}");
        for name in ["sub", "birthdate"] {
            assert_eq!(verified.claims().contains_key(name), names.contains(&name), "{file}: {name}");
        }
        if bound {
            vectors.check_key_binding(&verified, None);
        } else {
            assert_eq!(verified.key_binding(), None, "{file}");
        }
    }
}

#[test]
fn an_issuer_signed_jwt_alone_is_no_sd_jwt() {
    let Some(vectors) = Vectors::sd_jwt() else { return };
    let text = vectors.text("5.1_issuer_signed_jwt_only.txt");
    let parsed = Unverified::parse_with_types(&text, &[EXAMPLE]);
    assert_eq!(parsed.err(), Some(SdJwtError::LastTildeMissing));
    let text = format!("{text}~");
    assert!(vectors.text("5.1_issuance.sdjwt").starts_with(&text));
    assert_eq!(vectors.verify(&text).claims()["nationalities"], json!([]));
}

#[test]
fn digests_are_of_the_text_and_not_of_what_it_says() {
    let Some(vectors) = Vectors::sd_jwt() else { return };
    let file = vectors.json("disclosure_hash_vectors.json");
    let issuer = SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(1));
    let outcome = |payload: Value, disclosure: &str| {
        let header = Map::from_iter([("typ".to_owned(), EXAMPLE.into())]);
        let jwt = jws::sign(header, payload.as_object().expect("an object"), &issuer).expect("it signs");
        let text = format!("{jwt}~{disclosure}~");
        let parsed = Unverified::parse_with_types(&text, &[EXAMPLE]).expect("it is an SD-JWT");
        parsed.verify(issuer.public_key()).map(Verified::into_claims).map(Value::Object)
    };
    let [claim, element] = file["vectors"].as_array().expect("vectors").as_slice() else { panic!("two vectors") };
    let text = |vector: &Value, member: &str| vector[member].as_str().expect("text").to_owned();
    let (claim_text, claim_digest) = (text(claim, "disclosure"), text(claim, "sha256_b64url"));
    let (element_text, element_digest) = (text(element, "disclosure"), text(element, "sha256_b64url"));

    assert_eq!(outcome(json!({"_sd": [claim_digest]}), &claim_text), Ok(json!({"family_name": "Möbius"})));
    assert_eq!(outcome(json!({"a": ["DE", {"...": element_digest}]}), &element_text), Ok(json!({"a": ["DE", "FR"]})));
    assert_eq!(
        outcome(json!({"_sd": [element_digest]}), &element_text),
        Err(SdJwtError::Disclosure { index: 0, problem: DisclosureError::ClaimDue })
    );
    for alternate in file["alternate_encodings_same_value"].as_array().expect("alternates") {
        let alternate = alternate.as_str().expect("text");
        // Other white space or escapes are another text, which this digest does not cover ...
        assert_eq!(outcome(json!({"_sd": [claim_digest]}), alternate), Err(SdJwtError::UnreferencedDisclosure(0)));
        // ... and which says the same under a digest of its own.
        let own = base64url::encode(yufu::crypto::sha256(alternate));
        assert_eq!(outcome(json!({"_sd": [own]}), alternate), Ok(json!({"family_name": "Möbius"})));
    }
}
