//! The wallet that proves what it is, in a service of the open profile: nothing that it shows more than it has to stands in
//! its way.

mod support;

use std::sync::Arc;

use serde_json::json;
use support::{TestService, attester::Attester, person};

#[test]
fn a_wallet_that_proves_more_than_it_must_has_its_card() {
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start_trusting(&attester);
    let wallet = service.haip_wallet(&attester, 1);
    let order = json!({"person_id": service.register(&person(1)), "credential_types": ["resident-id"], "tx_code": false});
    let offered = service.admin().post("/admin/api/v1/offers", &order).good(201);
    let tokens = support::haip::Tokens::read(&wallet.redeem_offer(&offered["credential_offer"], None));
    assert!(["Bearer", "DPoP"].contains(&tokens.token_type.as_str()));
}
