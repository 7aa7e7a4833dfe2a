//! The wall clock is stepped (FT-06): it is told of, no list goes back in time, and what lives in memory only is not touched.

use serde_json::{Value, json};
use yufu::base::{base64url, clock::Clock};

use crate::store::Stand;

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// `iat` of the list as it is served.
fn list_date(stand: &Stand) -> i64 {
    stand.service.service().tick();
    let token = stand.service.anon().get("/status-lists/1").text();
    let claims = base64url::decode(token.split('.').nth(1).expect("claims")).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["iat"].as_i64().expect("a date")
}

#[test]
fn a_clock_that_is_stepped_is_told_of_and_dates_no_list_back() {
    for step in [-10, -HOUR, -YEAR, HOUR] {
        let stand = Stand::new();
        let before = list_date(&stand);
        stand.service.clock.set_wall(stand.service.clock.now().plus_seconds(step));
        stand.service.service().tick();
        assert_eq!((stand.warns("clock_stepped"), stand.ready().0), (true, 200), "{step}");
        stand.revoke().good(200);
        assert!(list_date(&stand) >= before, "{step}");
        stand.service.clock.set_wall(stand.service.clock.now().plus_seconds(-step));
        stand.service.service().tick();
        assert!(!stand.warns("clock_stepped"), "{step}");
        assert!(list_date(&stand) >= before, "{step}");
    }
}

#[test]
fn what_a_checkpoint_waits_for_lasts_as_long_as_it_was_promised_whatever_the_clock_says() {
    for step in [-YEAR, -HOUR, HOUR, YEAR] {
        let stand = Stand::new();
        let begun = stand.gate.post("/checkpoint/api/v1/presentations", &json!({"use_case": "boarding"})).good(201);
        let path = format!("/checkpoint/api/v1/presentations/{}", begun["id"].as_str().expect("an id"));
        stand.service.clock.set_wall(stand.service.clock.now().plus_seconds(step));
        stand.service.service().tick();
        assert_eq!(stand.gate.get(&path).good(200)["state"], "waiting", "{step}");
        stand.service.clock.advance(600);
        stand.service.service().tick();
        assert_ne!(stand.gate.get(&path).json()["state"], "waiting", "{step}: and not longer");
    }
}
