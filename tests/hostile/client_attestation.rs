//! Wallet attestations (draft-ietf-oauth-attestation-based-client-auth in both generations, HAIP 1.0 section 4.4.1): wallets
//! that nobody vouches for, proofs by another key or for another server, and values that were shown before.

use std::sync::Arc;

use serde_json::{Value, json};
use yufu::{
    base::base64url,
    crypto::{Algorithm, Signer, SoftwareKey, x509::x5c_header},
    model::profile::Profile,
};

use super::{
    abroad::{INDEX, Identity, Issuer, STATUS_LIST, write_root},
    dpop::{Place, TOKEN},
    lying_host::{LyingHost, Reply},
    office::at_once,
    support::{
        Answer, TestService,
        attester::{Attester, Jwt, WALLET_ATTESTATION, WALLET_ATTESTATION_POP},
        haip::{HaipWallet, trust},
    },
};

pub const TESTED: &[&str] = &[
    "NT-ABCA-01",
    "NT-ABCA-02",
    "NT-ABCA-03",
    "NT-ABCA-04",
    "NT-ABCA-05",
    "NT-ABCA-06",
    "NT-ABCA-07",
    "NT-ABCA-08",
    "NT-ABCA-09",
    "NT-ABCA-10",
    "NT-ABCA-11",
    "NT-ABCA-12",
    "NT-ABCA-13",
    "NT-ABCA-14",
    "NT-ABCA-15",
    "NT-HAIP-04",
    "OA-08",
    "OA-09",
];

const ATTESTATION: &str = "oauth-client-attestation";
const POP: &str = "oauth-client-attestation-pop";
const CHALLENGE: &str = "oauth-client-attestation-challenge";
const INVALID: &str = "invalid_client_attestation";

/// What a request shows of the wallet.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) attestations: Vec<String>,
    pub(super) proofs: Vec<String>,
    pub(super) dpop: Vec<String>,
}

impl Shown {
    pub(super) fn good(wallet: &HaipWallet) -> Self {
        Self {
            attestations: vec![wallet.attester.sign(wallet.attestation())],
            proofs: vec![wallet.attestation_pop().sign(&wallet.instance)],
            dpop: vec![wallet.proof(TOKEN, wallet.heard().server_nonce.as_deref(), None).sign(&wallet.dpop)],
        }
    }

    fn attested_by(self, attestation: String) -> Self {
        Self { attestations: vec![attestation], ..self }
    }

    fn proved_by(self, proof: String) -> Self {
        Self { proofs: vec![proof], ..self }
    }

    /// Posts a form with it.
    fn post(&self, wallet: &HaipWallet, form: &str) -> Answer {
        let named =
            |name: &'static str, values: &[String]| values.iter().map(|value| (name, value.clone())).collect::<Vec<_>>();
        let headers = [named(ATTESTATION, &self.attestations), named(POP, &self.proofs), named("dpop", &self.dpop)].concat();
        wallet.post_with(TOKEN, "application/x-www-form-urlencoded", &headers, form.as_bytes())
    }

    pub(super) fn redeem(&self, place: &Place, offer: &Value) -> Answer {
        self.post(&place.wallet, &place.wallet.offer_form(offer, None))
    }
}

/// The attestation itself, bad in one way.
fn bad_attestations(place: &Place) -> Vec<(&'static str, String, &'static str)> {
    let wallet = &place.wallet;
    let (attester, stranger) = (&wallet.attester, Attester::new(2));
    let good = || wallet.attestation();
    let now = place.now();
    let mut private = wallet.instance.public_key().to_jwk();
    private["d"] = base64url::encode([7; 32]).into();
    let (_, other_chain) = stranger.another_leaf();
    let with_anchor = [attester.chain.clone(), vec![attester.root.clone()]].concat();
    let own = SoftwareKey::generate(Algorithm::Es256, &*wallet.random);
    vec![
        ("NT-ABCA-03", attester.sign(good().header("typ", WALLET_ATTESTATION_POP)), INVALID),
        ("NT-ABCA-03 of a proof of a key", attester.sign(good().header("typ", "openid4vci-proof+jwt")), INVALID),
        ("NT-ABCA-03 none", attester.sign(good().header("typ", Value::Null)), INVALID),
        ("NT-ABCA-04", attester.sign(good().claim("exp", now - 60)), "use_fresh_attestation"),
        ("NT-ABCA-04 never", attester.sign(good().claim("exp", Value::Null)), INVALID),
        ("NT-ABCA-04 text", attester.sign(good().claim("exp", "tomorrow")), INVALID),
        ("NT-ABCA-04 not yet", attester.sign(good().claim("nbf", now + 61)), "use_fresh_attestation"),
        ("NT-ABCA-04 made in the future", attester.sign(good().claim("iat", now + 61)), "use_fresh_attestation"),
        (
            "NT-ABCA-05",
            stranger.sign(stranger.wallet_attestation(&wallet.client_id, wallet.instance.public_key(), wallet.now())),
            INVALID,
        ),
        ("NT-ABCA-05 by the leaf of another", attester.sign(good().header("x5c", x5c_header(&other_chain))), INVALID),
        (
            "NT-ABCA-05 self-signed",
            good().header("x5c", x5c_header(std::slice::from_ref(&attester.root))).sign(&attester.root_key),
            INVALID,
        ),
        ("NT-ABCA-05 with the anchor", attester.sign(good().header("x5c", x5c_header(&with_anchor))), INVALID),
        ("NT-ABCA-05 no certificates", attester.sign(good().header("x5c", Value::Null)), INVALID),
        (
            "NT-ABCA-05 a key of its own",
            good().header("x5c", Value::Null).header("jwk", own.public_key().to_jwk()).sign(&own),
            INVALID,
        ),
        ("NT-ABCA-05 signed by another key", good().sign(&own), INVALID),
        ("NT-ABCA-05 by the wallet itself", good().sign(&wallet.instance), INVALID),
        ("NT-ABCA-06", attester.sign(good().claim("sub", "another.example")), INVALID),
        ("NT-ABCA-06 none", attester.sign(good().claim("sub", Value::Null)), INVALID),
        ("NT-ABCA-06 empty", attester.sign(good().claim("sub", "")), INVALID),
        ("NT-ABCA-07 another instance", attester.sign(good().claim("cnf", json!({"jwk": own.public_key().to_jwk()}))), INVALID),
        ("NT-ABCA-12", attester.sign(good().claim("cnf", json!({"jwk": private}))), INVALID),
        ("NT-ABCA-12 symmetric", attester.sign(good().claim("cnf", json!({"jwk": {"kty": "oct", "k": "AAAA"}}))), INVALID),
        ("NT-ABCA-12 none", attester.sign(good().claim("cnf", Value::Null)), INVALID),
        ("NT-ABCA-12 by kid", attester.sign(good().claim("cnf", json!({"kid": wallet.instance.key_id()}))), INVALID),
        ("no JWT", "x".to_owned(), INVALID),
        ("a status nobody knows", attester.sign(good().claim("status", json!({"other": {}}))), INVALID),
    ]
}

/// The proof beside the attestation, bad in one way.
fn bad_proofs(place: &Place) -> Vec<(&'static str, String, &'static str)> {
    let wallet = &place.wallet;
    let url = &wallet.user.url;
    let now = place.now();
    let sign = |proof: Jwt| proof.sign(&wallet.instance);
    let good = || wallet.attestation_pop();
    vec![
        ("NT-ABCA-03", sign(good().header("typ", WALLET_ATTESTATION)), INVALID),
        ("NT-ABCA-03 of DPoP", sign(good().header("typ", "dpop+jwt")), INVALID),
        ("NT-ABCA-07", good().sign(&wallet.dpop), INVALID),
        ("NT-ABCA-07 with its key", good().header("jwk", wallet.dpop.public_key().to_jwk()).sign(&wallet.dpop), INVALID),
        ("NT-ABCA-08", sign(good().claim("aud", format!("{url}{TOKEN}"))), INVALID),
        ("NT-ABCA-08 with a slash", sign(good().claim("aud", format!("{url}/"))), INVALID),
        ("NT-ABCA-08 a list", sign(good().claim("aud", json!([url]))), INVALID),
        ("NT-ABCA-08 none", sign(good().claim("aud", Value::Null)), INVALID),
        ("NT-ABCA-09", sign(good().claim("iat", now - 361)), INVALID),
        ("NT-ABCA-09 future", sign(good().claim("iat", now + 61)), INVALID),
        ("NT-ABCA-09 none", sign(good().claim("iat", Value::Null)), INVALID),
        ("NT-ABCA-09 ended", sign(good().claim("exp", now - 60)), INVALID),
        ("NT-ABCA-09 not yet", sign(good().claim("nbf", now + 61)), INVALID),
        ("NT-ABCA-10 no jti", sign(good().claim("jti", Value::Null)), INVALID),
        ("NT-ABCA-06 iss", sign(good().claim("iss", "another.example")), INVALID),
        ("NT-ABCA-11", sign(good().claim("challenge", "5c1a9e10-29ff-4c2b-ae73-57c0957c09c4")), "use_attestation_challenge"),
        ("NT-ABCA-11 of our form", sign(good().claim("challenge", base64url::encode([0; 24]))), "use_attestation_challenge"),
        (
            "NT-ABCA-11 of the credential endpoint",
            sign(good().claim("challenge", wallet.heard().resource_nonce)),
            "use_attestation_challenge",
        ),
        ("NT-ABCA-11 a number", sign(good().claim("challenge", 7)), INVALID),
    ]
}

#[test]
fn a_wallet_that_nobody_vouches_for_gets_no_token_and_the_code_stays_good() {
    let place = Place::new();
    let offer = place.offer();
    let good = || Shown::good(&place.wallet);
    let mut rows: Vec<(&str, Shown, &str)> = vec![
        ("NT-HAIP-04 no attestation", Shown { attestations: vec![], proofs: vec![], ..good() }, "invalid_client"),
        ("NT-HAIP-04 no DPoP", Shown { dpop: vec![], ..good() }, "invalid_dpop_proof"),
        ("NT-ABCA-01 no attestation", Shown { attestations: vec![], ..good() }, INVALID),
        ("NT-ABCA-01, NT-ABCA-13 no proof", Shown { proofs: vec![], ..good() }, INVALID),
        ("NT-ABCA-01 no proof of any kind", Shown { proofs: vec![], dpop: vec![], ..good() }, INVALID),
        ("NT-ABCA-01 empty", good().proved_by(String::new()), INVALID),
        ("NT-ABCA-02", Shown { attestations: [good().attestations, good().attestations].concat(), ..good() }, INVALID),
        ("NT-ABCA-02 two proofs", Shown { proofs: [good().proofs, good().proofs].concat(), ..good() }, INVALID),
        ("ABCA-01 the old form", good().attested_by(format!("{}~{}", good().attestations[0], good().proofs[0])), INVALID),
    ];
    rows.extend(bad_attestations(&place).into_iter().map(|(line, text, code)| (line, good().attested_by(text), code)));
    rows.extend(bad_proofs(&place).into_iter().map(|(line, text, code)| (line, good().proved_by(text), code)));
    for (line, shown, code) in rows {
        let answer = shown.redeem(&place, &offer);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(code)), "{line}: {}", answer.text());
        let challenges = answer.headers.get_all(CHALLENGE).iter().count();
        assert_eq!(challenges, usize::from(code == "use_attestation_challenge"), "{line}");
    }
    // NT-HAIP-04, NT-ABCA-06: the client of the form is the client of the attestation, or it is left out.
    let form = place.wallet.offer_form(&offer, None);
    good().post(&place.wallet, &form.replace("wallet.example", "another.example")).oauth(400, INVALID);
    let answer = good().post(&place.wallet, &form.replace("client_id=wallet.example&", ""));
    assert_eq!(answer.good(200)["token_type"], "DPoP");
    assert!(!answer.header(CHALLENGE).is_empty());
}

#[test]
fn both_generations_are_taken() {
    let place = Place::new();
    let wallet = &place.wallet;
    let now = place.now();
    // -07: `iss` in both, and here `nbf` and `exp`; -10: neither, and no `iat` in the attestation.
    let older = Shown::good(wallet).proved_by(wallet.attestation_pop().claim("exp", now + 60).sign(&wallet.instance));
    older.redeem(&place, &place.offer()).good(200);
    let newer =
        ["iss", "nbf", "iat", "wallet_name"].iter().fold(wallet.attestation(), |made, name| made.claim(name, Value::Null));
    let proof = wallet.attestation_pop().claim("iss", Value::Null).sign(&wallet.instance);
    let newer = Shown::good(wallet).attested_by(wallet.attester.sign(newer)).proved_by(proof);
    newer.redeem(&place, &place.offer()).good(200);
}

#[test]
fn a_challenge_is_given_and_good_for_five_minutes() {
    // NT-ABCA-11
    let place = Place::new();
    let answer = place.wallet.user.send("POST", "/challenge", &[], b"");
    assert_eq!(answer.header("cache-control"), "no-store");
    place.wallet.ask_challenge();
    let offers = [place.offer(), place.offer(), place.offer()];
    Shown::good(&place.wallet).redeem(&place, &offers[0]).good(200);
    place.service.clock.advance(299);
    Shown::good(&place.wallet).redeem(&place, &offers[1]).good(200);
    place.service.clock.advance(1);
    // The DPoP nonce is as old; the challenge is asked for when that is fresh.
    let wallet = &place.wallet;
    let nonce = wallet.user.send("POST", "/challenge", &[], b"").good(200)["attestation_challenge"].clone();
    let shown = Shown { dpop: vec![wallet.proof(TOKEN, nonce.as_str(), None).sign(&wallet.dpop)], ..Shown::good(wallet) };
    let refused = shown.redeem(&place, &offers[2]);
    refused.oauth(400, "use_attestation_challenge");
    let proof = wallet.attestation_pop().claim("challenge", refused.header(CHALLENGE)).sign(&wallet.instance);
    shown.proved_by(proof).redeem(&place, &offers[2]).good(200);
}

#[test]
fn a_proof_is_taken_once_of_sixteen_and_after_a_restart() {
    // NT-ABCA-10, OA-09: one proof, sixteen codes, each with a DPoP proof of its own.
    let mut place = Place::new();
    let offers: Vec<_> = (0..16).map(|_| place.offer()).collect();
    let proof = place.wallet.attestation_pop().sign(&place.wallet.instance);
    let shown: Vec<_> = (0..16).map(|_| Shown::good(&place.wallet).proved_by(proof.clone())).collect();
    let answers = at_once(16, |n| shown[n as usize].redeem(&place, &offers[n as usize]));
    let good: Vec<_> = (0..16).filter(|n| answers[*n].status == 200).collect();
    assert_eq!(good.len(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| answer.oauth(400, INVALID));
    let left = &offers[(good[0] + 1) % 16];
    place.service.restart();
    Shown::good(&place.wallet).proved_by(proof).redeem(&place, left).oauth(400, INVALID);
    Shown::good(&place.wallet).redeem(&place, left).good(200);
}

#[test]
fn one_proof_for_both_is_by_one_key() {
    // NT-ABCA-13, attest_jwt_client_auth_dpop: the DPoP proof is the proof of the attestation, and its nonce the challenge.
    let place = Place::new();
    let wallet = &place.wallet;
    let challenge = wallet.ask_challenge();
    let by = |key: &SoftwareKey| {
        let proof = wallet.proof(TOKEN, Some(&challenge), None).header("jwk", key.public_key().to_jwk()).sign(key);
        Shown { proofs: vec![], dpop: vec![proof], ..Shown::good(wallet) }
    };
    let offer = place.offer();
    by(&wallet.dpop).redeem(&place, &offer).oauth(400, INVALID);
    let by_instance = by(&wallet.instance);
    assert_eq!(by_instance.redeem(&place, &offer).good(200)["token_type"], "DPoP");
    by_instance.redeem(&place, &place.offer()).oauth(400, "invalid_dpop_proof");
    // A bad attestation is not made good by it.
    let stranger = Attester::new(2);
    let foreign = stranger.wallet_attestation(&wallet.client_id, wallet.instance.public_key(), wallet.now());
    by(&wallet.instance).attested_by(stranger.sign(foreign)).redeem(&place, &place.offer()).oauth(400, INVALID);
}

#[test]
fn long_headers_arrive_and_endless_ones_do_not() {
    // ABCA-10: a chain of three large certificates is read; what no chain needs is refused before it is taken apart.
    let place = Place::new();
    let wallet = &place.wallet;
    let long = wallet.attester.sign(wallet.attestation().claim("wallet_name", "x".repeat(30_000)));
    assert!(long.len() > 40_000);
    Shown::good(wallet).attested_by(long).redeem(&place, &place.offer()).good(200);
    let longer = wallet.attester.sign(wallet.attestation().claim("wallet_name", "x".repeat(40_000)));
    Shown::good(wallet).attested_by(longer).redeem(&place, &place.offer()).oauth(400, INVALID);
}

#[test]
fn a_refresh_token_is_good_with_the_key_of_its_wallet_instance_only() {
    // NT-ABCA-14
    let place = Place::new();
    let tokens = place.tokens();
    let refresh = tokens.refresh_token.as_deref().expect("a refresh token");
    let mut other = place.service.haip_wallet(&place.wallet.attester, 2);
    other.refresh(refresh).oauth(400, "invalid_grant");
    // The same DPoP key does not help, nor another wallet of the same maker.
    other.dpop = place.service.haip_wallet(&place.wallet.attester, 1).dpop;
    other.refresh(refresh).oauth(400, "invalid_grant");
    other.client_id = "another.example".to_owned();
    other.refresh(refresh).oauth(400, "invalid_grant");
    let renewed = place.wallet.refresh(refresh).good(200);
    assert_eq!((&renewed["token_type"], renewed["refresh_token"] != refresh), (&json!("DPoP"), true));
}

#[test]
fn a_revoked_attestation_is_refused_and_so_is_one_whose_status_cannot_be_told() {
    // NT-ABCA-15
    let host = LyingHost::start(|_| Reply::status(404, &[], ""));
    let maker = Issuer::at(&host.url(), 31);
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start_with(|config| {
        config.identity.profile = Some(Profile::Haip);
        trust(&attester, &config.storage.keys);
        write_root(&config.storage.keys.join("trust/wallet-attesters/abroad.pem"), &maker.identity.root_der);
        config.outbound.allow_fetch = vec!["127.0.0.0/8".parse().expect("a block")];
    });
    let place = Place::on(service, &attester);
    let redeem = |index: u32, uri: &str| {
        let status = json!({"status_list": {"idx": index, "uri": uri}});
        let made = place.wallet.attestation().header("x5c", x5c_header(&maker.identity.x5c)).claim("iss", host.url());
        let attestation = made.claim("status", status).sign(&maker.identity.key);
        let answer = Shown::good(&place.wallet).attested_by(attestation).redeem(&place, &place.offer());
        (answer.status, answer.json()["error_description"].as_str().unwrap_or_default().to_owned())
    };
    let list = maker.list_url();
    let unknown = (400, "the status of the wallet attestation cannot be told".to_owned());
    let revoked = (400, "the wallet attestation was revoked".to_owned());
    assert_eq!(redeem(INDEX, &list), unknown);
    assert_eq!(redeem(INDEX, "https://elsewhere.example/status-lists/1"), unknown);
    for (value, seconds, expected) in [(0, 300, (200, String::new())), (1, 600, revoked.clone()), (2, 900, revoked.clone())] {
        place.service.clock.advance(300);
        place.hear();
        let reply = maker.serves(value, |claims| claims.iat = claims.iat.plus_seconds(seconds));
        host.now(move |_| reply.clone());
        assert_eq!(redeem(INDEX, &list), expected, "{value}");
    }
    assert_eq!(redeem(1 << 20, &list), revoked);
    // A list that another trusted attester signed does not speak for this one.
    place.service.clock.advance(300);
    place.hear();
    let stranger = Identity::new("https://attester.example", 32);
    let signed = maker.list_by(&stranger, 0, |claims| claims.iat = claims.iat.plus_seconds(1200));
    host.now(move |_| Reply::good(STATUS_LIST, &signed));
    assert_eq!(redeem(INDEX, &list).0, 400);
}

#[test]
fn a_start_under_haip_without_an_attester_says_that_nobody_can_come_and_what_to_do() {
    let says = |service: &TestService| {
        let notes = service.service().notes();
        notes.iter().filter(|note| note.contains("no wallet can fetch a card yet")).cloned().collect::<Vec<_>>()
    };
    let mut service = TestService::start_with(|config| config.identity.profile = Some(Profile::Haip));
    let folder = service.keys().join("trust/wallet-attesters");
    let notes = says(&service);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains(&format!("{}/", folder.display())) && notes[0].contains("尚未信任任何证明机构"), "{notes:?}");
    // What it says is what helps.
    let attester = Arc::new(Attester::new(1));
    attester.trusted_for_wallets(&service.keys());
    service.restart();
    assert!(says(&service).is_empty());
    let place = Place::on(service, &attester);
    assert_eq!(place.tokens().token_type, "DPoP");
    assert!(says(&TestService::start()).is_empty(), "nothing has to be shown there");
}

#[test]
fn where_nothing_has_to_be_shown_what_is_shown_is_checked() {
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start();
    let wallet = service.haip_wallet(&attester, 1);
    let order = json!({
        "person_id": service.register(&super::support::person(1)), "credential_types": ["resident-id"], "tx_code": false,
    });
    let offer = service.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone();
    let form = wallet.offer_form(&offer, None);
    Shown { dpop: vec![], ..Shown::good(&wallet) }.post(&wallet, &form).oauth(400, INVALID);
    let bare = Shown { attestations: vec![], proofs: vec![], dpop: vec![] };
    assert_eq!(bare.post(&wallet, &form).good(200)["token_type"], "Bearer");
}

#[test]
fn an_authority_for_cards_vouches_for_no_wallet() {
    // NT-ABCA-05: the development root of the service itself is an anchor for cards.
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start_with(|config| {
        let trust = config.storage.keys.join("trust");
        std::fs::create_dir_all(&trust).expect("a folder");
        let root = yufu::crypto::pem::encode(yufu::crypto::pem::CERTIFICATE, &attester.root);
        std::fs::write(trust.join("root.pem"), root).expect("written");
    });
    let wallet = service.haip_wallet(&attester, 1);
    Shown { dpop: vec![], ..Shown::good(&wallet) }.post(&wallet, "grant_type=authorization_code&code=x").oauth(400, INVALID);
}
