//! Several cards in one answer: one person's, and each of them good.

use serde_json::json;

use super::{
    PORTRAIT, Scene, check,
    support::{driver, wallet::HeldCard},
    told, with_portrait,
};

/// The cards of one driver.
struct Driver {
    resident_id: HeldCard,
    qualification: HeldCard,
    id_number: String,
}

impl Driver {
    fn new(scene: &Scene, sequence: u16) -> Self {
        let driver = with_portrait(driver(sequence));
        let person = scene.service.register(&driver);
        let take = |kind| scene.wallet.take(&scene.service, &person, kind);
        let id_number = super::text(&driver["id_number"]).to_owned();
        Self { resident_id: take("resident-id"), qualification: take("transport-qualification"), id_number }
    }
}

fn show(scene: &Scene, resident_id: &HeldCard, qualification: &HeldCard) -> serde_json::Value {
    scene.show(&json!({"use_case": "freight-driver"}), &[("resident_id", resident_id), ("qualification", qualification)])
}

#[test]
fn two_cards_of_one_driver_are_accepted_and_of_two_people_refused() {
    let scene = Scene::new();
    let (one, other) = (Driver::new(&scene, 1), Driver::new(&scene, 2));
    let statement = show(&scene, &one.resident_id, &one.qualification);
    assert_eq!(told(&statement), ("accepted", "accepted"));
    let [first, second] = &statement["credentials"].as_array().expect("credentials")[..] else { panic!("two cards") };
    assert_eq!((&first["query_id"], &second["query_id"]), (&json!("resident_id"), &json!("qualification")));
    assert_eq!((check(first, "same_person"), check(second, "same_person")), ("passed", "passed"));
    let claims = json!({"name": "测试员", "id_number": one.id_number, "portrait": PORTRAIT});
    assert_eq!(first["credential"]["claims"], claims);
    let claims = json!({
        "document_number": "5201000001", "qualification_valid_until": "2030-12-31", "id_number": one.id_number,
        "vehicle_classes": ["A2", "B2"],
    });
    assert_eq!(second["credential"]["claims"], claims);
    // Each card is good and the wallet holds both keys: they are two people's all the same.
    let statement = show(&scene, &one.resident_id, &other.qualification);
    assert_eq!(told(&statement), ("refused", "not_same_person"));
    assert_eq!((check(&statement, "same_person"), check(&statement, "holder_binding")), ("failed", "passed"));
}

#[test]
fn the_card_that_is_not_good_decides_and_is_the_one_that_is_told_of() {
    let scene = Scene::new();
    let driver = Driver::new(&scene, 1);
    let show = || show(&scene, &driver.resident_id, &driver.qualification);
    let type_of = |name: &str| format!("{}/credential-types/{name}", scene.service.url());
    scene.service.revoke(&driver.qualification);
    let statement = show();
    assert_eq!(told(&statement), ("refused", "credential_revoked"));
    assert_eq!(statement["credential"]["type"], type_of("transport-qualification"));
    assert_eq!(statement["status"]["value"], "invalid");
    assert_eq!(statement["credentials"][0]["status"]["value"], "valid");
    assert_eq!(check(&statement["credentials"][0], "status"), "passed");
    // Of two that are refused the first in the query.
    scene.service.change(&driver.resident_id, "suspend", &json!({"reason": "lost"}));
    let statement = show();
    assert_eq!(told(&statement), ("refused", "credential_suspended"));
    assert_eq!(statement["credential"]["type"], type_of("resident-id"));
}
