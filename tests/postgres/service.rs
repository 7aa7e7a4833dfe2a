//! The whole service on a database.

use serde_json::json;

use crate::support::{TestService, person, postgres::Cluster};

#[test]
fn a_service_on_a_database_registers_offers_and_finds_everything_after_a_restart() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.fresh_database();
    let mut service = TestService::start_with(|config| config.storage.store = url.parse().expect("it never fails"));
    let administrator = service.admin();
    let made = administrator.post("/admin/api/v1/people", &person(1)).good(201);
    let id = made["person_id"].as_str().expect("an identifier").to_owned();
    let asked = json!({"person_id": id, "credential_types": ["resident-id"], "tx_code": false});
    administrator.post("/admin/api/v1/offers", &asked).good(201);
    let events = service.service().store().head().size;
    assert!(!service.data().join("store").exists(), "nothing is kept in the embedded store");
    service.restart();
    assert_eq!(service.service().store().head().size, events);
    let administrator = service.admin();
    administrator.get(&format!("/admin/api/v1/people/{id}")).good(200);
    assert_eq!(administrator.get("/health/ready").status, 200);
}
