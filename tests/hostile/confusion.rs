//! One kind of token where another is due, lists that speak for another issuer, and bytes that are no token at all.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yufu::{
    base::{limits::JWS_BYTES, random::SeededRandom},
    crypto::{
        Algorithm, Signer, SoftwareKey,
        access_token::{self, AccessTokenError},
        jwe::{self, DecryptionKey, Encryption, EncryptionKey, JweError},
        jws::{self, JwsError},
        x509::{self, Anchor, x5c_header},
    },
    format::{
        openid::presentation::REQUEST_OBJECT_TYPE,
        status::{Bits, StatusList, StatusListClaims, StatusListError, Unverified, sign},
    },
    issuance::credential::CredentialError,
    model::{
        reason::{Decision, ReasonCode as R},
        statement::{CheckName as C, StatusSource},
    },
    verification::{
        Finding, Policy, Trust, decide, examine,
        lists::in_lists,
        signed_statement::{self, StatementError},
    },
};

use super::{
    gate::{AUDIENCE, Gate, INDEX, LIST, NONCE, NOW, URL, asked, jwt, leaf, object, outcome, subject, validity},
    office::{Office, key, request, signed},
};

pub const TESTED: &[&str] = &["X-02", "JH-11", "NT-SVC-10", "SL-02", "NT-TSL-09"];

/// Every kind of JWT there is here. Each verifier takes its own and no other: those of wallets' headers in `token_types`.
pub const KINDS: [&str; 12] = [
    "dc+sd-jwt",
    "kb+jwt",
    "statuslist+jwt",
    "openid4vci-proof+jwt",
    "key-attestation+jwt",
    "oauth-client-attestation+jwt",
    "oauth-client-attestation-pop+jwt",
    "dpop+jwt",
    "at+jwt",
    "yufu-statement+jwt",
    "oauth-authz-req+jwt",
    "openidvci-issuer-metadata+jwt",
];

/// A token of one kind that fits everywhere but for its `typ`: the claims of all, the issuer's key and chain.
fn token(gate: &Gate, kind: &str) -> String {
    let mut header = gate.header();
    header.extend(object(json!({"typ": kind, "alg": gate.issuer.algorithm().jose_name()})));
    let mut claims = gate.claims();
    claims.extend(object(json!({
        "aud": AUDIENCE, "nonce": NONCE, "sub": LIST, "ttl": 300,
        "status_list": {"bits": 2, "lst": list(0).lst},
    })));
    jwt(&header, &claims, &gate.issuer)
}

fn list(value: u8) -> StatusListClaims {
    let mut list = StatusList::all_valid(Bits::Two, 1 << 17);
    list.set(INDEX.into(), value).expect("an entry");
    StatusListClaims {
        sub: LIST.to_owned(),
        iat: NOW,
        exp: Some(NOW.plus_seconds(3600)),
        ttl: Some(300),
        bits: Bits::Two,
        lst: StatusListClaims::encode(list.packed()).expect("a list"),
        aggregation_uri: None,
    }
}

#[test]
fn a_token_of_one_kind_is_none_of_another() {
    let gate = Gate::new(Algorithm::Es256);
    let card = gate.card();
    let office = Office::new();
    let token_of_wallet = office.token(&["resident-id"]);
    let expected = access_token::Expectation { issuer: URL, audience: URL, now: NOW };
    let granted = object(json!({
        "iss": URL, "aud": URL, "sub": "an offer", "jti": "1", "iat": NOW.unix(), "exp": NOW.unix() + 300, "scope": "resident-id",
    }));
    let response_key = DecryptionKey::generate(&SeededRandom::new(3));
    for kind in KINDS {
        let token = token(&gate, kind);
        // As a credential.
        let statement = gate.decide(&gate.bind(&format!("{token}~"), |_, _| {}));
        let reason = if kind == "dc+sd-jwt" { (R::Accepted, None) } else { (R::TokenTypeWrong, Some(C::Format)) };
        assert_eq!(outcome(&statement), reason, "{kind} as a credential");
        // As a proof of possession, by the very key of the holder.
        let bound = gate.bind(&card, |header, _| drop(header.insert("typ".to_owned(), kind.into())));
        let reason = if kind == "kb+jwt" { (R::Accepted, None) } else { (R::HolderBindingInvalid, Some(C::HolderBinding)) };
        assert_eq!(outcome(&gate.decide(&bound)), reason, "{kind} as key binding");
        // As a status list.
        let read = Unverified::parse(&token).map(drop);
        let wrong = StatusListError::Jws(JwsError::WrongType);
        assert_eq!(read, if kind == "statuslist+jwt" { Ok(()) } else { Err(wrong) }, "{kind} as a list");
        // As an access token, by the very key of access tokens.
        let header = object(json!({"typ": kind, "alg": gate.issuer.algorithm().jose_name()}));
        let read = access_token::verify(&jwt(&header, &granted, &gate.issuer), gate.issuer.public_key(), &expected).map(drop);
        let wrong = AccessTokenError::Form(JwsError::WrongType);
        assert_eq!(read, if kind == "at+jwt" { Ok(()) } else { Err(wrong) }, "{kind} as an access token");
        // As a signed statement: of the right type it gets as far as who signs, whose certificate names no host.
        let checked = signed_statement::check(&token, &[gate.anchor()], NOW).err();
        let wrong = StatementError::from(JwsError::WrongType);
        let expected = if kind == "yufu-statement+jwt" { StatementError::Claim("jti") } else { wrong };
        assert_eq!(checked, Some(expected), "{kind} as a statement");
        // As a request, as a wallet reads it.
        let read = jws::Unverified::parse(&token, &[REQUEST_OBJECT_TYPE]).map(drop);
        let expected = if kind == REQUEST_OBJECT_TYPE { Ok(()) } else { Err(JwsError::WrongType) };
        assert_eq!(read, expected, "{kind} as a request");
        // As an encrypted response.
        let opened = jwe::decrypt(&token, &response_key, "ours", JWS_BYTES).map(drop);
        assert_eq!(opened, Err(JweError::Malformed), "{kind} as an encrypted response");
        // As a proof of a key for a card, by that very key.
        let (holder, mut header) = (key(1), office.header(&key(1)));
        header.insert("typ".to_owned(), kind.into());
        let proof = signed(&holder, header, office.claims(&office.nonce()));
        let fetched = office.fetch(&token_of_wallet, &request("resident-id", &[proof])).map(|answer| answer.credentials.len());
        let wrong = CredentialError::Proof(JwsError::WrongType.into());
        assert_eq!(fetched, if kind == "openid4vci-proof+jwt" { Ok(1) } else { Err(wrong) }, "{kind} as a proof");
    }
}

#[test]
fn an_encrypted_response_is_no_token_of_any_kind() {
    let gate = Gate::new(Algorithm::Es256);
    let key = DecryptionKey::generate(&SeededRandom::new(3));
    let recipient = EncryptionKey::from_jwk(&key.public_jwk("ours")).expect("a key");
    let content = json!({"vp_token": {}}).to_string();
    let sealed = jwe::encrypt(content.as_bytes(), &recipient, Encryption::A256Gcm, &SeededRandom::new(4)).expect("sealed");
    let malformed = (R::PresentationMalformed, Some(C::Format));
    assert_eq!(outcome(&gate.decide(&format!("{sealed}~"))), malformed);
    assert_eq!(outcome(&gate.decide(&gate.bind(&format!("{sealed}~"), |_, _| {}))), malformed);
    let in_place_of_proof = outcome(&gate.decide(&format!("{}{sealed}", gate.card())));
    assert_eq!(in_place_of_proof, (R::HolderBindingInvalid, Some(C::HolderBinding)));
    assert!(matches!(Unverified::parse(&sealed), Err(StatusListError::Jws(JwsError::Malformed))));
    assert_eq!(signed_statement::check(&sealed, &[gate.anchor()], NOW).err(), Some(JwsError::Malformed.into()));
    assert_eq!(jws::Unverified::parse(&sealed, &[REQUEST_OBJECT_TYPE]).map(drop), Err(JwsError::Malformed));
}

#[test]
fn a_list_speaks_for_its_own_issuer() {
    let gate = Gate::new(Algorithm::Es256);
    let random = SeededRandom::new(5);
    let root = SoftwareKey::generate(Algorithm::Es256, &random);
    let root_der = x509::root(subject("neighbour"), validity(), &root, &random).expect("a root");
    let neighbour = SoftwareKey::generate(Algorithm::Es256, &random);
    let chain = |uri| vec![leaf(&neighbour, uri, &root, &root_der)];
    let anchors = vec![gate.anchor(), Anchor::from_der(&root_der).expect("an anchor")];
    let types = [gate.claims()["vct"].as_str().expect("a type").to_owned()].into();
    let trust = Trust::new(anchors).with_own_issuer(URL.to_owned(), types, &gate.x5c, NOW);

    let presentation = gate.present(&gate.card());
    let finding = |lists: &[&str]| {
        let wanted = examine(&presentation, &trust, &asked(), NOW).wanted_status().expect("it passed");
        in_lists(&wanted, lists, &trust, NOW).map(|answer| answer.finding)
    };
    let ours = |value| sign(&list(value), &gate.x5c, &gate.issuer).expect("a list");
    let theirs = sign(&list(0), &chain("https://neighbour.example"), &neighbour).expect("a list");
    let in_our_name = sign(&list(0), &chain(URL), &neighbour).expect("a list");
    let without_chain = sign(&list(0), &[], &gate.issuer).expect("a list");
    let other_list = StatusListClaims { sub: format!("{LIST}0"), ..list(0) };
    let other_list = sign(&other_list, &gate.x5c, &gate.issuer).expect("a list");

    let known = |value| Some(Finding::Known { value, known_since: NOW, source: StatusSource::List, issued_by_us: None });
    assert_eq!(finding(&[&ours(1)]), known(1));
    assert_eq!(finding(&[]), None);
    assert_eq!(finding(&[&other_list]), None, "another list of ours is no answer");
    // SL-02, NT-TSL-09: a good list, but not by whom the credential is from.
    for wrong in [&theirs, &in_our_name, &without_chain] {
        let Some(Finding::Unavailable(why)) = finding(&[wrong]) else { panic!("it was believed") };
        assert!(why.contains("not signed by the issuer"), "{why}");
        assert_eq!(finding(&[wrong, &ours(2)]), known(2), "a bad list does not hide a good one");
    }
    // NT-SVC-10: COSE_Sign1 with an empty map, as text and as base64url.
    for cwt in ["\u{00d2}\u{0084}C\u{00a1}\u{0001}&\u{00a0}A\u{00a0}@", "0oRDoQEmoEGgQA", ""] {
        let examined = examine(&presentation, &trust, &asked(), NOW);
        let wanted = examined.wanted_status().expect("it passed");
        let answer = in_lists(&wanted, &[cwt], &trust, NOW).expect("an answer");
        let statement = decide(examined, &[answer], &Policy::default(), NOW);
        assert_eq!(outcome(&statement), (R::StatusUnavailable, Some(C::StatusKnown)));
        assert_eq!(statement.decision, Decision::Undetermined);
    }
}

#[test]
fn a_key_in_the_header_of_a_list_is_nobodys() {
    let gate = Gate::new(Algorithm::Es256);
    let thief = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(8));
    let mut header = Map::new();
    header.extend(object(json!({"typ": "statuslist+jwt", "alg": "ES256", "jwk": thief.public_key().to_jwk()})));
    let claims = object(json!({
        "sub": LIST, "iat": NOW.unix(), "exp": NOW.unix() + 900, "ttl": 300, "status_list": {"bits": 2, "lst": list(0).lst},
    }));
    let forged = jwt(&header, &claims, &thief);
    header.insert("x5c".to_owned(), x5c_header(&gate.x5c));
    let borrowed = jwt(&header, &claims, &thief);
    let wanted = examine(&gate.present(&gate.card()), &gate.trust(), &asked(), NOW).wanted_status().expect("it passed");
    for list in [&forged, &borrowed] {
        let answer = in_lists(&wanted, &[list.as_str()], &gate.trust(), NOW).expect("an answer");
        assert!(matches!(answer.finding, Finding::Unavailable(_)), "{:?}", answer.finding);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever stands at a gate's door, it is answered, and nobody passes with it.
    #[test]
    fn no_bytes_pass_and_none_are_fatal(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let gate = Gate::new(Algorithm::Ed25519);
        let statement = gate.decide(&String::from_utf8_lossy(&bytes));
        prop_assert_eq!(statement.decision, Decision::Refused);
        prop_assert_eq!(statement.checks.len(), C::ALL.len());
    }

    /// One character of a good presentation changed, left out, doubled or put in.
    #[test]
    fn no_altered_presentation_passes(at in any::<prop::sample::Index>(), how in 0..4, with in "[A-Za-z0-9_~.=-]") {
        let gate = Gate::new(Algorithm::Ed25519);
        let good = gate.present(&gate.card());
        let at = at.index(good.len());
        let (before, rest) = good.split_at(at);
        let (this, after) = rest.split_at(1);
        let altered = match how {
            0 => format!("{before}{with}{after}"),
            1 => format!("{before}{after}"),
            2 => format!("{before}{this}{this}{after}"),
            _ => format!("{before}{with}{this}{after}"),
        };
        prop_assume!(altered != good);
        prop_assert_eq!(gate.decide(&altered).decision, Decision::Refused);
    }

    /// Claims of any shape under a good signature.
    #[test]
    fn no_claims_are_fatal(name in "(iss|vct|iat|nbf|exp|cnf|status|_sd|_sd_alg|\\.\\.\\.|aka_vcts|name)", value in any_json()) {
        let gate = Gate::new(Algorithm::Ed25519);
        let before = gate.claims().get(&name).cloned();
        let same = before.as_ref() == Some(&value);
        let statement = gate.decide(&gate.forge(|_, claims| drop(claims.insert(name.clone(), value))));
        prop_assert_eq!(statement.checks.len(), C::ALL.len());
        let decides = matches!(name.as_str(), "iss" | "vct" | "cnf" | "status");
        prop_assert!(!decides || same || statement.decision == Decision::Refused, "{:?}", statement);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("(_sd|\\.\\.\\.|jwk|status_list|idx|uri|a)", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
