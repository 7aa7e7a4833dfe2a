//! Presentations over the wire: a checkpoint asks, a wallet answers, and one statement comes of it.

mod support;

use serde_json::json;
use support::{TestService, person};

const PRESENTATIONS: &str = "/checkpoint/api/v1/presentations";

#[test]
fn a_wallet_scans_the_code_and_the_gate_sees_green() {
    let service = TestService::start();
    let (gate, wallet) = (service.checkpoint(), service.wallet(1));
    let card = wallet.take_resident_id(&service, &person(1));
    let begun = gate.post(PRESENTATIONS, &json!({"use_case": "age-over-18"})).good(201);
    assert_eq!(begun["state"], "waiting");
    let link = begun["authorization_request"].as_str().expect("a link");
    let asked = wallet.open(link);
    let path = format!("{PRESENTATIONS}/{}", begun["id"].as_str().expect("an id"));
    assert_eq!(gate.get(&path).good(200)["state"], "fetched");
    let id = asked.claims["dcql_query"]["credentials"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(wallet.answer(&asked, &[(&id, &card)]).good(200), json!({}));
    let seen = gate.get(&path).good(200);
    assert_eq!(seen["state"], "answered");
    assert_eq!(seen["statement"]["decision"], "accepted", "{seen}");
    assert_eq!(seen["statement"]["credentials"][0]["query_id"], id);
    wallet.answer(&asked, &[(&id, &card)]).oauth(400, "invalid_request");
    service.checkpoint().get(&path).problem(404, "not_found");
}
