//! A wallet that shows more than it was asked for.

use serde_json::json;
use yufu::{base::base64url, crypto::sha256, format::sdjwt::present};

use super::{PORTRAIT, Scene, support::person, text, told};

/// What nobody asked for is not handed on, although the wallet showed it.
#[test]
fn what_was_not_asked_for_does_not_reach_the_checkpoint() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let (begun, asked) = scene.ask(&json!({"use_case": "age-over-18"}));
    let mut unsigned = scene.wallet.unsigned(&asked, "resident_id", &card);
    let asked_for = unsigned.bound.len();
    unsigned.bound = present(&card.credential, &|_| true, None).expect("everything");
    assert!(unsigned.bound.len() > asked_for + PORTRAIT.len());
    unsigned.claims.insert("sd_hash".to_owned(), base64url::encode(sha256(&unsigned.bound)).into());
    let response = json!({"vp_token": {"resident_id": [unsigned.sign(&card.key)]}, "state": asked.text("state")});
    scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &response)).good(200);
    let statement = begun.statement();
    assert_eq!(told(&statement), ("accepted", "accepted"));
    assert_eq!(statement["credential"]["claims"], json!({"age_equal_or_over": {"18": true}}));
    assert_eq!(statement["credentials"][0]["credential"], statement["credential"]);
    let whole = begun.look().to_string();
    let person = person(1);
    for told in [text(&person["id_number"]), "测试员", "SHIYUAN", "1990-03-07", "中华北路", PORTRAIT] {
        assert!(!whole.contains(told), "{told}");
    }
}
