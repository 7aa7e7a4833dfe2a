use serde_json::json;

use super::*;

const URL: &str = "https://id.example";

fn types() -> CredentialTypes {
    CredentialTypes::built_in().expect("the shipped types are good")
}

fn shipped() -> UseCases {
    UseCases::load(None, &types(), URL).expect("the shipped use cases are good")
}

fn get(name: &str) -> Arc<UseCase> {
    Arc::clone(shipped().get(name).expect("it ships"))
}

#[test]
fn every_built_in_use_case_fits_the_built_in_types() {
    let cases = shipped();
    assert_eq!(cases.left_out(), []);
    let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["age-over-18", "boarding", "freight-driver", "hotel-check-in", "security-check"]);
}

#[test]
fn boarding_asks_for_names_and_face_and_no_more() {
    let boarding = get("boarding");
    let paths = json!([["name"], ["latin_family_name"], ["latin_given_name"], ["portrait"]]);
    let query = |paths: &Value| {
        let claims: Value = paths.as_array().expect("paths").iter().map(|path| json!({"path": path})).collect();
        let meta = json!({"vct_values": ["https://id.example/credential-types/resident-id"]});
        json!({"credentials": [{"id": "resident_id", "format": "dc+sd-jwt", "meta": meta, "claims": claims}]})
    };
    assert_eq!(boarding.to_dcql(), query(&paths));
    // A QR has no room for the portrait.
    assert_eq!(boarding.to_dcql_shown(), query(&json!([["name"], ["latin_family_name"], ["latin_given_name"]])));
    assert_eq!(boarding.boarding_pass, BoardingPassRule::Required);
    assert_eq!(boarding.shown_qr, Some(WithoutCode::Amber));
    assert_eq!((boarding.evidence, boarding.results_seconds), (None, 120));
}
