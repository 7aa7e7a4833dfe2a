//! The credential endpoint as a wallet of the profile `haip` meets it: attested keys, cards that an officer agrees to,
//! encryption end to end, and what the wallet says in the end.

mod support;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value, json};
use support::{
    Answer, TestService,
    attester::{Attester, Jwt},
    haip::{HaipWallet, Tokens, cards::credentials},
    person,
};
use yufu::{
    base::{base64url, random::SeededRandom},
    crypto::{
        Signer, SoftwareKey,
        jwe::{self, DecryptionKey, Encryption, EncryptionKey},
    },
    model::{
        card::NoticeEvent,
        record::{Query, Record},
    },
};

const DAY: u64 = 24 * 3600;

/// A service of the profile `haip`, and a wallet.
struct Place {
    service: TestService,
    wallet: HaipWallet,
}

impl Place {
    fn new() -> Self {
        let attester = Arc::new(Attester::new(1));
        let service = TestService::start_haip(&attester);
        let wallet = service.haip_wallet(&attester, 1);
        Self { service, wallet }
    }

    /// The same, where a type file has these lines more at its beginning.
    fn with_type(lines: &str) -> Self {
        let attester = Arc::new(Attester::new(1));
        let types = tempfile::tempdir().expect("a folder");
        let shipped = include_str!("../credential-types/resident-id.toml");
        let text = shipped.replace("[issuing.key_attestation]", &format!("[issuing]\n{lines}\n[issuing.key_attestation]"));
        assert_ne!(text, shipped);
        std::fs::write(types.path().join("resident-id.toml"), text).expect("it is written");
        let service = TestService::start_with(|config| {
            config.identity.profile = Some(yufu::model::profile::Profile::Haip);
            config.storage.credential_types = Some(types.path().to_owned());
            support::haip::trust(&attester, &config.storage.keys);
        });
        let wallet = service.haip_wallet(&attester, 1);
        // The types are read at a start; the folder may go.
        Self { service, wallet }
    }

    fn tokens(&self, person: &Value) -> Tokens {
        let order = json!({"person_id": self.service.register(person), "credential_types": ["resident-id"], "tx_code": false});
        let offered = self.service.admin().post("/admin/api/v1/offers", &order).good(201);
        Tokens::read(&self.wallet.redeem_offer(&offered["credential_offer"], None))
    }

    fn ask(&self, tokens: &Tokens, proofs: Value) -> Answer {
        let order = json!({"credential_configuration_id": "resident-id", "proofs": proofs});
        self.wallet.post_json("/credential", &tokens.access_token, &order)
    }

    /// The one approval that waits.
    fn approval(&self) -> Value {
        let listed = self.service.registrar().get("/admin/api/v1/approvals").good(200);
        let [approval] = listed["approvals"].as_array().expect("a list").as_slice() else { panic!("one: {listed}") };
        approval.clone()
    }

    fn decide(&self, approval: &Value, verb: &str) -> Answer {
        let id = approval["id"].as_str().expect("an id");
        self.service.registrar().send("POST", &format!("/admin/api/v1/approvals/{id}/{verb}"), &[], b"")
    }
}

fn needs_approval(sequence: u16) -> Value {
    let mut person = person(sequence);
    person["cards_need_approval"] = json!(true);
    person
}

fn claims(credential: &str) -> Map<String, Value> {
    let payload = credential.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&base64url::decode(payload).expect("base64url")).expect("claims")
}

#[test]
fn the_copies_of_a_batch_have_nothing_in_common_but_the_card() {
    let place = Place::new();
    let tokens = place.tokens(&person(1));
    place.service.clock.advance(7777);
    let tokens = Tokens::read(&place.wallet.refresh(tokens.refresh_token.as_deref().expect("one")));
    let keys: Vec<SoftwareKey> = (0..10).map(|_| place.wallet.new_key()).collect();
    let answer = place.ask(&tokens, place.wallet.attestation_proofs(&keys)).good(200);
    let copies: Vec<_> = credentials(&answer).iter().map(|text| claims(text)).collect();
    assert_eq!(copies.len(), 10);
    for (copy, key) in copies.iter().zip(&keys) {
        assert_eq!(copy["cnf"]["jwk"], key.public_key().to_jwk());
        for time in ["iat", "nbf", "exp"] {
            assert_eq!(copy[time].as_i64().map(|at| at % 86_400), Some(0), "{time}");
        }
    }
    let indices: BTreeSet<_> =
        copies.iter().map(|copy| copy["status"]["status_list"]["idx"].as_u64().expect("an index")).collect();
    let digests: BTreeSet<_> =
        copies.iter().flat_map(|copy| copy["_sd"].as_array().expect("digests").iter().map(Value::to_string)).collect();
    let count: usize = copies.iter().map(|copy| copy["_sd"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!((indices.len(), digests.len()), (10, count));
    let sorted: Vec<_> = indices.iter().copied().collect();
    assert!(sorted.windows(2).any(|pair| pair[1] != pair[0] + 1), "in no order of their own: {sorted:?}");
}

#[test]
fn keys_without_an_attestation_of_the_level_asked_for_get_no_card() {
    let place = Place::new();
    let metadata = place.service.anon().get("/.well-known/openid-credential-issuer").good(200);
    let proof_types = &metadata["credential_configurations_supported"]["resident-id"]["proof_types_supported"];
    let levels = json!(["iso_18045_high", "iso_18045_moderate"]);
    let required = json!({"key_storage": levels, "user_authentication": levels});
    let expected = json!({"proof_signing_alg_values_supported": ["ES256", "EdDSA"], "key_attestations_required": required});
    assert_eq!(*proof_types, json!({"jwt": expected, "attestation": expected}));
    let tokens = place.tokens(&person(1));
    let (wallet, key) = (&place.wallet, place.wallet.new_key());
    let nonce = wallet.c_nonce();
    let attest = |change: fn(Jwt) -> Jwt| {
        wallet.attester.sign(change(wallet.attester.key_attestation(&[key.public_key()], Some(&nonce), wallet.now())))
    };
    let bare = json!({"jwt": [wallet.jwt_proof(&key, &nonce).sign(&key)]});
    for (proofs, words) in [
        (bare, "a key attestation is needed"),
        (
            json!({"attestation": [attest(|jwt| jwt.claim("key_storage", json!(["iso_18045_basic"])))]}),
            "key attestation: key_storage is not at a level that is accepted",
        ),
        (
            json!({"attestation": [attest(|jwt| jwt.claim("key_storage", "iso_18045_high"))]}),
            "key attestation: key_storage is not at a level that is accepted",
        ),
        (
            json!({"attestation": [attest(|jwt| jwt.claim("user_authentication", Value::Null))]}),
            "key attestation: user_authentication is not at a level that is accepted",
        ),
    ] {
        let refused = place.ask(&tokens, proofs);
        refused.oauth(400, "invalid_proof");
        assert_eq!(refused.json()["error_description"], words);
    }
    let lower = attest(|jwt| jwt.claim("key_storage", json!(["other", "iso_18045_moderate"])));
    assert_eq!(credentials(&place.ask(&tokens, json!({"attestation": [lower]})).good(200)).len(), 1);
}

#[test]
fn an_officer_agrees_while_the_wallet_waits_and_renewal_asks_nobody() {
    let mut place = Place::new();
    let tokens = place.tokens(&needs_approval(1));
    let (answer, keys) = place.wallet.fetch(&tokens, "resident-id", 3);
    let waiting = answer.good(202);
    assert_eq!((answer.header("cache-control"), &waiting["interval"]), ("no-store", &json!(30)));
    let transaction = json!({"transaction_id": waiting["transaction_id"]});
    let poll =
        |place: &Place, tokens: &Tokens| place.wallet.post_json("/deferred_credential", &tokens.access_token, &transaction);
    assert_eq!(poll(&place, &tokens).good(202), waiting);
    let approval = place.approval();
    assert_eq!(
        (&approval["kind"], &approval["type"], &approval["copies"]),
        (&json!("issuance"), &json!("resident-id"), &json!(3))
    );
    // Days go by and the service starts anew: the transaction and the officer's word are on disk.
    place.service.clock.advance(20 * DAY);
    assert_eq!(place.decide(&approval, "approve").good(200)["state"], json!("approved"));
    place.decide(&approval, "reject").problem(409, "decided_already");
    place.service.restart();
    place.wallet.forget();
    poll(&place, &tokens).oauth(401, "invalid_token");
    let tokens = Tokens::read(&place.wallet.refresh(tokens.refresh_token.as_deref().expect("one")));
    let card = poll(&place, &tokens).good(200);
    let holders: Vec<_> = credentials(&card).iter().map(|text| claims(text)["cnf"]["jwk"].clone()).collect();
    assert_eq!(holders, keys.iter().map(|key| key.public_key().to_jwk()).collect::<Vec<_>>());
    poll(&place, &tokens).oauth(400, "invalid_transaction_id");
    // What is renewed was agreed to.
    let tokens = Tokens::read(&place.wallet.refresh(tokens.refresh_token.as_deref().expect("one")));
    let (renewed, _) = place.wallet.fetch(&tokens, "resident-id", 2);
    assert_eq!(credentials(&renewed.good(200)).len(), 2);
    let cards = place.service.admin().get("/admin/api/v1/credentials").good(200);
    assert_eq!(cards["credentials"].as_array().map(Vec::len), Some(1), "one card: {cards}");
}

#[test]
fn a_type_can_ask_for_an_officer_and_the_wallet_is_told_of_a_no() {
    let place = Place::with_type("approval = \"officer\"\ndecoys = 4");
    let tokens = place.tokens(&person(1));
    let (answer, _) = place.wallet.fetch(&tokens, "resident-id", 1);
    let transaction = json!({"transaction_id": answer.good(202)["transaction_id"]});
    let approval = place.approval();
    assert_eq!(place.decide(&approval, "reject").good(200)["state"], json!("rejected"));
    place.decide(&approval, "approve").problem(409, "decided_already");
    let refused = place.wallet.post_json("/deferred_credential", &tokens.access_token, &transaction);
    refused.oauth(400, "credential_request_denied");
    assert_eq!(refused.json()["error_description"], "this credential was not approved");
}

#[test]
fn decoys_stand_beside_the_digests_where_a_type_says_so() {
    let digests = |place: &Place| {
        let (answer, _) = place.wallet.fetch(&place.tokens(&person(1)), "resident-id", 1);
        let text = credentials(&answer.good(200)).remove(0);
        (claims(&text)["_sd"].as_array().map_or(0, Vec::len), text.split('~').count())
    };
    let (plain, with_decoys) = (Place::new(), Place::with_type("decoys = 4"));
    let ((few, disclosures), (many, same)) = (digests(&plain), digests(&with_decoys));
    assert_eq!((many, same), (few + 4, disclosures));
}

#[test]
fn a_card_goes_from_issuer_to_wallet_under_encryption() {
    let place = Place::new();
    let metadata = place.service.anon().get("/.well-known/openid-credential-issuer").good(200);
    let request = &metadata["credential_request_encryption"];
    assert_eq!(
        (&request["enc_values_supported"], &request["zip_values_supported"]),
        (&json!(["A256GCM", "A128GCM"]), &json!(["DEF"]))
    );
    assert_eq!(metadata["credential_response_encryption"]["alg_values_supported"], json!(["ECDH-ES"]));
    let jwk = request["jwks"]["keys"][0].as_object().expect("a key");
    let (to, own) =
        (EncryptionKey::from_jwk(jwk).expect("a key to encrypt to"), DecryptionKey::generate(&SeededRandom::new(4)));
    let tokens = place.tokens(&person(1));
    let key = [place.wallet.new_key()];
    let order = json!({
        "credential_configuration_id": "resident-id",
        "proofs": place.wallet.proofs(&key),
        "credential_response_encryption": {"jwk": own.public_jwk("mine"), "enc": "A128GCM", "zip": "DEF"},
    });
    place.wallet.post_json("/credential", &tokens.access_token, &order).oauth(400, "invalid_encryption_parameters");
    let text = order.to_string();
    let sealed = jwe::encrypt_deflated(text.as_bytes(), &to, Encryption::A256Gcm, &SeededRandom::new(5)).expect("sealed");
    let answer = place.wallet.post_resource("/credential", &tokens.access_token, "application/jwt", sealed.as_bytes());
    assert_eq!(
        (answer.status, answer.header("content-type"), answer.header("cache-control")),
        (200, "application/jwt", "no-store")
    );
    let opened = jwe::decrypt_inflating(&answer.text(), &own, "mine", (1 << 20, 1 << 20)).expect("to us");
    let card: Value = serde_json::from_slice(opened.plaintext.expose()).expect("JSON");
    assert_eq!((opened.encryption, credentials(&card).len()), (Encryption::A128Gcm, 1));
    // Errors are never encrypted (section 8.3.1), and bodies of other kinds are not taken.
    let refused = place.wallet.post_resource("/credential", &tokens.access_token, "application/jwt", b"x");
    refused.oauth(400, "invalid_encryption_parameters");
    for media in ["text/plain", "application/jwt, application/json", "application/jose"] {
        place.wallet.post_resource("/credential", &tokens.access_token, media, sealed.as_bytes()).oauth(415, "invalid_request");
    }
    let long = vec![b'A'; 400 * 1024];
    place.wallet.post_resource("/credential", &tokens.access_token, "application/jwt", &long).oauth(413, "invalid_request");
}

#[test]
fn what_the_wallet_says_of_a_card_stands_in_its_record() {
    let place = Place::new();
    let tokens = place.tokens(&person(1));
    let (answer, _) = place.wallet.fetch(&tokens, "resident-id", 1);
    let id = answer.good(200)["notification_id"].clone();
    let say = |tokens: &Tokens, event: &str| {
        let body = json!({"notification_id": id, "event": event, "event_description": "for developers"});
        place.wallet.post_json("/notification", &tokens.access_token, &body)
    };
    let taken = say(&tokens, "credential_accepted");
    assert_eq!((taken.status, taken.body.len()), (204, 0), "{}", taken.text());
    say(&tokens, "credential_eaten").oauth(400, "invalid_notification_request");
    // Weeks later, with another access token of the same wallet.
    place.service.clock.advance(14 * DAY);
    let tokens = Tokens::read(&place.wallet.refresh(tokens.refresh_token.as_deref().expect("one")));
    assert_eq!(say(&tokens, "credential_deleted").status, 204);
    let stranger = place.service.haip_wallet(&place.wallet.attester, 2);
    let theirs = {
        let order =
            json!({"person_id": place.service.register(&person(2)), "credential_types": ["resident-id"], "tx_code": false});
        let offered = place.service.admin().post("/admin/api/v1/offers", &order).good(201);
        Tokens::read(&stranger.redeem_offer(&offered["credential_offer"], None))
    };
    let body = json!({"notification_id": id, "event": "credential_failure"});
    stranger.post_json("/notification", &theirs.access_token, &body).oauth(400, "invalid_notification_id");
    let query = Query::Cards { person: None, state: None, credential_type: None };
    let page = place.service.service().store().find(&query, None, 10).expect("a search");
    let [Record::Card(card)] = page.records.iter().map(|record| &record.value).collect::<Vec<_>>()[..] else {
        panic!("one card")
    };
    let events: Vec<_> = card.notices.iter().map(|notice| notice.event).collect();
    assert_eq!(events, [NoticeEvent::CredentialAccepted, NoticeEvent::CredentialDeleted]);
}
