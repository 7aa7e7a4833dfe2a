//! DPoP (RFC 9449): proofs that are none, are for something else, or were used before, at the token endpoint and at the
//! credential endpoint.

use std::sync::Arc;

use serde_json::{Value, json};
use yufu::{
    base::base64url,
    crypto::{Algorithm, Signer, SoftwareKey},
    model::record::Query,
};

use super::{
    office::{at_once, key, raw},
    support::{
        Answer, TestService,
        attester::{Attester, Jwt},
        haip::{HaipWallet, Tokens},
        person,
    },
};

pub const TESTED: &[&str] = &[
    "NT-DPOP-01",
    "NT-DPOP-02",
    "NT-DPOP-03",
    "NT-DPOP-04",
    "NT-DPOP-05",
    "NT-DPOP-06",
    "NT-DPOP-07",
    "NT-DPOP-08",
    "NT-DPOP-09",
    "NT-DPOP-10",
    "NT-DPOP-11",
    "NT-DPOP-12",
    "NT-VCI-08",
    "OA-10",
    "OA-11",
    "OA-12",
];

pub(super) const TOKEN: &str = "/token";
const CREDENTIAL: &str = "/credential";

/// A service under HAIP, and a wallet that heard its nonces.
pub(super) struct Place {
    pub(super) service: TestService,
    pub(super) wallet: HaipWallet,
    person: String,
}

impl Place {
    pub(super) fn new() -> Self {
        let attester = Arc::new(Attester::new(1));
        Self::on(TestService::start_haip(&attester), &attester)
    }

    /// On a service under HAIP that believes this attester.
    pub(super) fn on(service: TestService, attester: &Arc<Attester>) -> Self {
        let wallet = service.haip_wallet(attester, 1);
        let person = service.register(&person(1));
        let place = Self { service, wallet, person };
        place.hear();
        place
    }

    /// The wallet hears nonces of both halves of the service that are good from now on; those of before are too old.
    pub(super) fn hear(&self) {
        let first = self.wallet.post_form_once(TOKEN, &self.wallet.offer_form(&self.offer(), None));
        first.oauth(400, "use_dpop_nonce");
        self.wallet.c_nonce();
    }

    pub(super) fn offer(&self) -> Value {
        let order = json!({"person_id": self.person, "credential_types": ["resident-id"], "tx_code": false});
        self.service.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone()
    }

    /// Redeems an offer with these `DPoP` headers.
    fn redeem(&self, offer: &Value, dpop: &[String]) -> Answer {
        let mut headers = self.wallet.server_headers(TOKEN);
        headers.retain(|(name, _)| *name != "dpop");
        headers.extend(dpop.iter().map(|proof| ("dpop", proof.clone())));
        let form = self.wallet.offer_form(offer, None);
        self.wallet.post_with(TOKEN, "application/x-www-form-urlencoded", &headers, form.as_bytes())
    }

    /// Asks for a card by these headers.
    fn fetch(&self, authorization: &str, dpop: &[String], order: &Value) -> Answer {
        let mut headers = vec![("authorization", authorization.to_owned())];
        headers.extend(dpop.iter().map(|proof| ("dpop", proof.clone())));
        self.wallet.post_with(CREDENTIAL, "application/json", &headers, order.to_string().as_bytes())
    }

    fn order(&self) -> Value {
        json!({"credential_configuration_id": "resident-id", "proofs": self.wallet.proofs(&[self.wallet.new_key()])})
    }

    /// A good proof for the token endpoint.
    pub(super) fn proof(&self) -> Jwt {
        self.wallet.proof(TOKEN, self.wallet.heard().server_nonce.as_deref(), None)
    }

    /// A good proof for the credential endpoint.
    fn proof_with(&self, token: &str) -> Jwt {
        self.wallet.proof(CREDENTIAL, self.wallet.heard().resource_nonce.as_deref(), Some(token))
    }

    pub(super) fn tokens(&self) -> Tokens {
        Tokens::read(&self.wallet.redeem_offer(&self.offer(), None))
    }

    fn cards(&self) -> usize {
        let query = Query::Cards { person: None, state: None, credential_type: None };
        self.service.service().store().find(&query, None, 100).expect("found").records.len()
    }

    pub(super) fn now(&self) -> i64 {
        self.wallet.now().unix()
    }
}

/// What makes a proof bad at either endpoint: its line, the proof, and the code.
fn bad_proofs(place: &Place, good: &dyn Fn() -> Jwt) -> Vec<(&'static str, Vec<String>, &'static str)> {
    let key = &place.wallet.dpop;
    let sign = |proof: Jwt| vec![proof.sign(key)];
    let unsigned = |alg: &str| {
        let Jwt { mut header, claims } = good();
        header.insert("alg".to_owned(), alg.into());
        vec![raw(key, &Value::Object(header), &claims)]
    };
    let mut private = key.public_key().to_jwk();
    private["d"] = base64url::encode([7; 32]).into();
    let other = SoftwareKey::generate(Algorithm::Es256, &*place.wallet.random);
    let url = &place.wallet.user.url;
    let now = place.now();
    vec![
        ("NT-DPOP-01", vec![good().sign(key), good().sign(key)], "invalid_dpop_proof"),
        ("NT-DPOP-01 in one header", vec![format!("{}, {}", good().sign(key), good().sign(key))], "invalid_dpop_proof"),
        ("NT-DPOP-01 empty", vec![String::new()], "invalid_dpop_proof"),
        ("NT-DPOP-02", sign(good().header("typ", "jwt")), "invalid_dpop_proof"),
        ("NT-DPOP-02 none", sign(good().header("typ", Value::Null)), "invalid_dpop_proof"),
        ("NT-DPOP-02 in capitals", sign(good().header("typ", "DPoP+JWT")), "invalid_dpop_proof"),
        ("NT-DPOP-03", unsigned("HS256"), "invalid_dpop_proof"),
        ("NT-DPOP-03 none", unsigned("none"), "invalid_dpop_proof"),
        ("NT-DPOP-03 of another key type", unsigned("EdDSA"), "invalid_dpop_proof"),
        ("NT-DPOP-04", sign(good().header("jwk", private)), "invalid_dpop_proof"),
        ("NT-DPOP-04 symmetric", sign(good().header("jwk", json!({"kty": "oct", "k": "AAAA"}))), "invalid_dpop_proof"),
        ("OA-10 no jwk", sign(good().header("jwk", Value::Null).header("kid", "1")), "invalid_dpop_proof"),
        ("OA-10 by another key", vec![good().sign(&other)], "invalid_dpop_proof"),
        ("NT-DPOP-05 htm", sign(good().claim("htm", "GET")), "invalid_dpop_proof"),
        ("NT-DPOP-05 htm in small letters", sign(good().claim("htm", "post")), "invalid_dpop_proof"),
        ("NT-DPOP-05 no htm", sign(good().claim("htm", Value::Null)), "invalid_dpop_proof"),
        ("NT-DPOP-05 htu", sign(good().claim("htu", format!("{url}/nonce"))), "invalid_dpop_proof"),
        ("NT-DPOP-05 another host", sign(good().claim("htu", "https://evil.example/token")), "invalid_dpop_proof"),
        ("NT-DPOP-05 no htu", sign(good().claim("htu", Value::Null)), "invalid_dpop_proof"),
        ("NT-DPOP-06 https", sign(good().claim("htu", url.replace("http:", "https:") + TOKEN)), "invalid_dpop_proof"),
        ("NT-DPOP-07 old", sign(good().claim("iat", now - 361)), "invalid_dpop_proof"),
        ("NT-DPOP-07 future", sign(good().claim("iat", now + 61)), "invalid_dpop_proof"),
        ("NT-DPOP-07 text", sign(good().claim("iat", now.to_string())), "invalid_dpop_proof"),
        ("NT-DPOP-07 none", sign(good().claim("iat", Value::Null)), "invalid_dpop_proof"),
        ("OA-10 no jti", sign(good().claim("jti", Value::Null)), "invalid_dpop_proof"),
        ("OA-10 empty jti", sign(good().claim("jti", "")), "invalid_dpop_proof"),
        ("OA-10 too long", sign(good().claim("jti", "x".repeat(8192))), "invalid_dpop_proof"),
        ("NT-DPOP-09 missing", sign(good().claim("nonce", Value::Null)), "use_dpop_nonce"),
        ("NT-DPOP-09 foreign", sign(good().claim("nonce", "eyJ7S_zG.eyJH0-Z.HX4w-7v")), "use_dpop_nonce"),
        ("NT-DPOP-09 of our form", sign(good().claim("nonce", base64url::encode([0; 24]))), "use_dpop_nonce"),
        ("NT-DPOP-09 a number", sign(good().claim("nonce", 7)), "invalid_dpop_proof"),
    ]
}

#[test]
fn a_bad_proof_gets_no_token_and_leaves_the_code_good() {
    let place = Place::new();
    let offer = place.offer();
    for (line, proofs, code) in bad_proofs(&place, &|| place.proof()) {
        let answer = place.redeem(&offer, &proofs);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(code)), "{line}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store", "{line}");
        assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), usize::from(code == "use_dpop_nonce"), "{line}");
    }
    // A nonce of the other half of the service is foreign too.
    let resource = place.wallet.heard().resource_nonce;
    place
        .redeem(&offer, &[place.wallet.proof(TOKEN, resource.as_deref(), None).sign(&place.wallet.dpop)])
        .oauth(400, "use_dpop_nonce");
    place.redeem(&offer, &[]).oauth(400, "invalid_dpop_proof");
    let answer = place.redeem(&offer, &[place.proof().sign(&place.wallet.dpop)]);
    assert_eq!((answer.good(200)["token_type"].as_str(), answer.json()["expires_in"].as_i64()), (Some("DPoP"), Some(900)));
    assert!(!answer.header("dpop-nonce").is_empty());
    assert!(answer.header("access-control-expose-headers").contains("DPoP-Nonce"));
}

#[test]
fn spellings_of_one_address_are_one_address() {
    // NT-DPOP-06: these pass.
    let place = Place::new();
    let url = place.wallet.user.url.clone();
    for same in [url.replace("http:", "HTTP:"), format!("{url}/token?a=b"), format!("{url}/token#x"), format!("{url}/%74oken")]
    {
        let htu = if same.contains("oken") { same } else { same + TOKEN };
        place.redeem(&place.offer(), &[place.proof().claim("htu", htu).sign(&place.wallet.dpop)]).good(200);
    }
}

#[test]
fn an_old_nonce_is_replaced_and_the_new_one_is_good() {
    // NT-DPOP-09
    let place = Place::new();
    place.service.clock.advance(299);
    place.redeem(&place.offer(), &[place.proof().sign(&place.wallet.dpop)]).good(200);
    place.service.clock.advance(1);
    let refused = place.redeem(&place.offer(), &[place.proof().sign(&place.wallet.dpop)]);
    refused.oauth(400, "use_dpop_nonce");
    let fresh = refused.header("dpop-nonce").to_owned();
    let proof = place.wallet.proof(TOKEN, Some(&fresh), None).sign(&place.wallet.dpop);
    place.redeem(&place.offer(), &[proof]).good(200);
}

#[test]
fn a_proof_is_taken_once_at_the_token_endpoint_of_sixteen() {
    // NT-DPOP-08: one proof, sixteen codes, so that nothing but the proof can decide.
    let mut place = Place::new();
    let offers: Vec<_> = (0..16).map(|_| place.offer()).collect();
    let proof = [place.proof().sign(&place.wallet.dpop)];
    let answers = at_once(16, |n| place.redeem(&offers[n as usize], &proof));
    let good: Vec<_> = (0..16).filter(|n| answers[*n].status == 200).collect();
    assert_eq!(good.len(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| answer.oauth(400, "invalid_dpop_proof"));
    // The refused codes are good still, and the proof is not, after a restart as well.
    let left = &offers[(good[0] + 1) % 16];
    place.service.restart();
    place.redeem(left, &proof).oauth(400, "invalid_dpop_proof");
    place.redeem(left, &[place.proof().sign(&place.wallet.dpop)]).good(200);
    // One identifier under two keys is two proofs.
    let jti = place.wallet.token();
    place.redeem(&place.offer(), &[place.proof().claim("jti", jti.as_str()).sign(&place.wallet.dpop)]).good(200);
    let other = SoftwareKey::generate(Algorithm::Es256, &*place.wallet.random);
    let proof = place.proof().claim("jti", jti).header("jwk", other.public_key().to_jwk()).sign(&other);
    place.redeem(&place.offer(), &[proof]).good(200);
}

#[test]
fn a_bad_proof_gets_no_card_and_leaves_the_token_good() {
    let place = Place::new();
    let token = place.tokens().access_token;
    let authorization = format!("DPoP {token}");
    let order = place.order();
    let mut rows = bad_proofs(&place, &|| place.proof_with(&token));
    let key = &place.wallet.dpop;
    rows.push(("NT-DPOP-10 missing", vec![place.proof_with(&token).claim("ath", Value::Null).sign(key)], "invalid_dpop_proof"));
    rows.push(("NT-DPOP-10 other", vec![place.proof_with("another").sign(key)], "invalid_dpop_proof"));
    rows.push((
        "NT-DPOP-10 padded",
        vec![place.proof_with(&token).claim("ath", base64url::encode(&token)).sign(key)],
        "invalid_dpop_proof",
    ));
    rows.push(("a missing proof", vec![], "invalid_dpop_proof"));
    let other = SoftwareKey::generate(Algorithm::Es256, &*place.wallet.random);
    let by_other = place.proof_with(&token).header("jwk", other.public_key().to_jwk()).sign(&other);
    rows.push(("NT-DPOP-11", vec![by_other], "invalid_token"));
    let at_server = place.wallet.heard().server_nonce;
    rows.push((
        "NT-DPOP-09 of the token endpoint",
        vec![place.proof_with(&token).claim("nonce", at_server).sign(key)],
        "use_dpop_nonce",
    ));
    for (line, proofs, code) in rows {
        let answer = place.fetch(&authorization, &proofs, &order);
        answer.oauth(401, code);
        let challenge = format!(r#"DPoP realm="yufu", error="{code}", algs="ES256 EdDSA""#);
        assert_eq!(answer.header("www-authenticate"), challenge, "{line}");
        assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), usize::from(code == "use_dpop_nonce"), "{line}");
    }
    // NT-DPOP-12, OA-11, NT-VCI-08: as Bearer it is a stolen token, with a proof or without.
    let proof = [place.proof_with(&token).sign(key)];
    for (authorization, proofs) in [
        (format!("Bearer {token}"), &[][..]),
        (format!("Bearer {token}"), &proof),
        (token.clone(), &proof),
        (format!("Basic {token}"), &proof),
    ] {
        place.fetch(&authorization, proofs, &order).oauth(401, "invalid_token");
    }
    // OA-12: in the address nothing is looked for.
    let path = format!("{CREDENTIAL}?access_token={token}");
    let headers = [("dpop", proof[0].clone())];
    place.wallet.post_with(&path, "application/json", &headers, order.to_string().as_bytes()).oauth(401, "invalid_token");
    assert_eq!(place.cards(), 0);
    let answer = place.fetch(&authorization, &proof, &order);
    assert_eq!(answer.good(200)["credentials"].as_array().map(Vec::len), Some(1));
    assert!(!answer.header("dpop-nonce").is_empty());
    // NT-DPOP-08: the whole request again is a replay; with a new proof it is a wallet that lost the answer.
    place.fetch(&authorization, &proof, &order).oauth(401, "invalid_dpop_proof");
    place.fetch(&authorization, &[place.proof_with(&token).sign(key)], &order).good(200);
    assert_eq!(place.cards(), 1);
}

#[test]
fn a_proof_is_taken_once_at_the_credential_endpoint_of_sixteen() {
    // NT-DPOP-08
    let place = Place::new();
    let token = place.tokens().access_token;
    let (order, proof) = (place.order(), [place.proof_with(&token).sign(&place.wallet.dpop)]);
    let answers = at_once(16, |_| place.fetch(&format!("DPoP {token}"), &proof, &order));
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| answer.oauth(401, "invalid_dpop_proof"));
    assert_eq!(place.cards(), 1);
}

#[test]
fn what_is_told_of_a_card_is_told_with_a_proof_of_its_own() {
    // NT-DPOP-08 at an endpoint that says the same twice without harm.
    let place = Place::new();
    let wallet = &place.wallet;
    let tokens = place.tokens();
    let (answer, _) = wallet.fetch(&tokens, "resident-id", 1);
    let told = json!({"notification_id": answer.good(200)["notification_id"], "event": "credential_accepted"});
    let path = "/notification";
    let nonce = wallet.heard().resource_nonce;
    let proof = |path| wallet.proof(path, nonce.as_deref(), Some(&tokens.access_token)).sign(&wallet.dpop);
    let tell = |proof: &str| {
        let headers = [("authorization", format!("DPoP {}", tokens.access_token)), ("dpop", proof.to_owned())];
        wallet.post_with(path, "application/json", &headers, told.to_string().as_bytes())
    };
    tell(&proof(CREDENTIAL)).oauth(401, "invalid_dpop_proof");
    let once = proof(path);
    assert_eq!(tell(&once).status, 204);
    tell(&once).oauth(401, "invalid_dpop_proof");
    assert_eq!(tell(&proof(path)).status, 204);
}

#[test]
fn a_bound_token_lives_a_quarter_of_an_hour_and_an_unbound_one_five_minutes() {
    // NT-VCI-08
    let place = Place::new();
    let token = place.tokens().access_token;
    let order = place.order();
    place.service.clock.advance(899);
    place.wallet.c_nonce();
    let proof = place.proof_with(&token).sign(&place.wallet.dpop);
    // Good as a token; what is asked for with it is too old.
    place.fetch(&format!("DPoP {token}"), &[proof], &order).oauth(400, "invalid_proof");
    place.service.clock.advance(1);
    let proof = place.proof_with(&token).sign(&place.wallet.dpop);
    place.fetch(&format!("DPoP {token}"), &[proof], &order).oauth(401, "invalid_token");
    // Where nothing has to be proved, a token that is bound to nobody is not taken for a bound one.
    let service = TestService::start();
    let offered = json!({"person_id": service.register(&person(1)), "credential_types": ["resident-id"], "tx_code": false});
    let offer = service.admin().post("/admin/api/v1/offers", &offered).good(201)["credential_offer"].clone();
    let wallet = service.haip_wallet(&Arc::new(Attester::new(1)), 1);
    let answer = wallet.post_with(
        TOKEN,
        "application/x-www-form-urlencoded",
        &[],
        wallet.offer_form(&offer, None).replace("client_id=wallet.example&", "").as_bytes(),
    );
    assert_eq!((answer.good(200)["token_type"].as_str(), answer.json()["expires_in"].as_i64()), (Some("Bearer"), Some(300)));
    let token = answer.json()["access_token"].as_str().expect("a token").to_owned();
    wallet.c_nonce();
    let nonce = wallet.heard().resource_nonce;
    let proof = wallet.proof(CREDENTIAL, nonce.as_deref(), Some(&token)).sign(&wallet.dpop);
    let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
    wallet.post_with(CREDENTIAL, "application/json", &headers, b"{}").oauth(401, "invalid_token");
}

#[test]
fn weak_keys_and_keys_of_the_other_algorithm_are_told_apart() {
    let place = Place::new();
    let ed = key(2);
    let proof = place.proof().header("jwk", ed.public_key().to_jwk()).sign(&ed);
    place.redeem(&place.offer(), &[proof]).good(200);
    let identity = base64url::encode([[1].as_slice(), &[0; 31]].concat());
    let weak = json!({"kty": "OKP", "crv": "Ed25519", "x": identity});
    let proof = place.proof().header("jwk", weak).sign(&ed);
    place.redeem(&place.offer(), &[proof]).oauth(400, "invalid_dpop_proof");
    let short = json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"});
    let proof = place.proof().header("jwk", short).sign(&ed);
    place.redeem(&place.offer(), &[proof]).oauth(400, "invalid_dpop_proof");
}
