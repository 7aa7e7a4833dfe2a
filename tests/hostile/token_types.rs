//! X-02 for what wallets show of themselves: a token of one kind is none of another, though everything else in it fits.

use serde_json::json;
use yufu::crypto::Signer;

use super::{
    client_attestation::Shown,
    confusion::KINDS,
    dpop::{Place, TOKEN},
    support::attester::{Jwt, KEY_ATTESTATION},
};

fn as_kind(jwt: Jwt, kind: &str) -> Jwt {
    jwt.header("typ", kind)
}

/// What a verifier takes in place of its own kind: for each kind the status of the answer, and the code.
fn outcomes(place: &Place, code: &str, shown: impl Fn(&str) -> Shown) -> Vec<&'static str> {
    let offer = place.offer();
    let taken = |kind: &&&str| {
        let answer = shown(kind).redeem(place, &offer);
        if answer.status != 200 {
            answer.oauth(400, code);
        }
        answer.status == 200
    };
    KINDS.iter().filter(taken).copied().collect()
}

#[test]
fn each_header_of_a_wallet_takes_its_own_kind_of_token_only() {
    let place = Place::new();
    let wallet = &place.wallet;
    let good = || Shown::good(wallet);
    let dpop = |kind: &str| Shown { dpop: vec![as_kind(place.proof(), kind).sign(&wallet.dpop)], ..good() };
    assert_eq!(outcomes(&place, "invalid_dpop_proof", dpop), ["dpop+jwt"]);
    let attestation = |kind: &str| {
        let signed = wallet.attester.sign(as_kind(wallet.attestation(), kind));
        Shown { attestations: vec![signed], ..good() }
    };
    assert_eq!(outcomes(&place, "invalid_client_attestation", attestation), ["oauth-client-attestation+jwt"]);
    let proof = |kind: &str| Shown { proofs: vec![as_kind(wallet.attestation_pop(), kind).sign(&wallet.instance)], ..good() };
    assert_eq!(outcomes(&place, "invalid_client_attestation", proof), ["oauth-client-attestation-pop+jwt"]);
}

#[test]
fn a_key_attestation_is_no_other_kind_of_token() {
    // As a proof by itself, and inside of one.
    let place = Place::new();
    let wallet = &place.wallet;
    let tokens = place.tokens();
    for kind in KINDS {
        let key = wallet.new_key();
        let nonce = wallet.c_nonce();
        let made = wallet.attester.key_attestation(&[key.public_key()], Some(&nonce), wallet.now());
        let attestation = wallet.attester.sign(as_kind(made, kind));
        let inside = wallet.jwt_proof(&key, &nonce).header("key_attestation", attestation.as_str()).sign(&key);
        for proofs in [json!({"attestation": [attestation]}), json!({"jwt": [inside]})] {
            let order = json!({"credential_configuration_id": "resident-id", "proofs": proofs});
            if kind != KEY_ATTESTATION {
                wallet.post_json("/credential", &tokens.access_token, &order).oauth(400, "invalid_proof");
            }
        }
    }
    let (answer, _) = wallet.fetch(&tokens, "resident-id", 2);
    assert_eq!(answer.good(200)["credentials"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_one_header_takes_the_others_do_not() {
    // The very tokens of one good request, each in the place of each other.
    let place = Place::new();
    let wallet = &place.wallet;
    let Shown { attestations, proofs, dpop } = Shown::good(wallet);
    let token = vec![place.tokens().access_token];
    let offer = place.offer();
    for other in [&proofs, &dpop, &token] {
        let shown = Shown { attestations: other.clone(), ..Shown::good(wallet) };
        shown.redeem(&place, &offer).oauth(400, "invalid_client_attestation");
    }
    for other in [&attestations, &dpop, &token] {
        let shown = Shown { proofs: other.clone(), ..Shown::good(wallet) };
        shown.redeem(&place, &offer).oauth(400, "invalid_client_attestation");
    }
    for other in [&attestations, &proofs, &token] {
        let shown = Shown { dpop: other.clone(), ..Shown::good(wallet) };
        shown.redeem(&place, &offer).oauth(400, "invalid_dpop_proof");
    }
    // As access tokens they open nothing.
    for other in [&attestations, &proofs, &dpop] {
        let headers = [
            ("authorization", format!("DPoP {}", other[0])),
            ("dpop", wallet.proof("/credential", None, None).sign(&wallet.dpop)),
        ];
        wallet.post_with("/credential", "application/json", &headers, b"{}").oauth(401, "invalid_token");
    }
    let all = Shown { attestations, proofs, dpop };
    assert_eq!(all.redeem(&place, &offer).good(200)["token_type"], "DPoP", "in its own place, at {TOKEN}, each is good");
}
