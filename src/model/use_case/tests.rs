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
    assert_eq!(boarding.query().to_json(), query(&paths));
    // A QR has no room for the portrait.
    assert_eq!(boarding.query_shown().to_json(), query(&json!([["name"], ["latin_family_name"], ["latin_given_name"]])));
    assert_eq!(boarding.boarding_pass, BoardingPassRule::Required);
    assert_eq!(boarding.shown_qr, Some(WithoutCode::Amber));
    assert_eq!((boarding.evidence, boarding.results_seconds), (None, 120));
}

const PAGE: &str = include_str!("../../../docs/USE-CASES.md");

fn example() -> &'static str {
    PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has an example")
}

/// Reads a file of this text.
fn read(name: &str, text: &str) -> Result<UseCase, UseCaseFileError> {
    file::read(&format!("{name}.toml"), text, file::Surroundings { types: &types(), public_url: URL })
}

fn asks_for(asked: &AskedCredential) -> String {
    let of = asked.vct_values[0].rsplit('/').next().expect("a last part");
    let claim = |claim: &AskedClaim| {
        let step = |step: &AskedStep| match step {
            AskedStep::Name(name) => name.clone(),
            AskedStep::Index(index) => index.to_string(),
            AskedStep::Every => "*".to_owned(),
        };
        let path: Vec<_> = claim.path.iter().map(step).collect();
        let values: String = claim.values.iter().map(|value| format!(" = {value}")).collect();
        let needed = asked.needs(claim);
        let named = format!("`{}`{values}", path.join("."));
        if needed { named } else { format!("[{named}]") }
    };
    format!("`{of}`: {}", asked.claims.iter().map(claim).collect::<Vec<_>>().join(", "))
}

fn row(case: &UseCase) -> String {
    let StatusRule { max_age_seconds, when_too_old, required } = case.status;
    assert!(required && case.issuers == TrustedIssuers::Anchored && case.credential_sets.is_empty(), "{}", case.name);
    let otherwise = if when_too_old == WhenTooOld::Refused { "refused" } else { "undetermined" };
    let mut rules = vec![
        format!("proof at most {} s old", case.max_proof_age_seconds),
        format!("status at most {max_age_seconds} s old, else {otherwise}"),
    ];
    match case.boarding_pass {
        BoardingPassRule::None => {}
        BoardingPassRule::Optional => rules.push("boarding pass optional".to_owned()),
        BoardingPassRule::Required => rules.push("boarding pass required".to_owned()),
    }
    rules.extend(case.same_person.iter().map(|rule| match rule.by {
        SamePersonBy::IdNumber => "same person by ID number".to_owned(),
        SamePersonBy::NameAndBirthDate => "same person by name and birth date".to_owned(),
    }));
    rules.extend(case.evidence.map(|rule| format!("evidence kept for {} days", rule.days)));
    rules.extend(case.shown_qr.map(|rule| match rule {
        WithoutCode::Amber => "shown as QR, without the code amber".to_owned(),
        WithoutCode::Refused => "shown as QR, without the code refused".to_owned(),
    }));
    let asked: Vec<_> = case.credentials.iter().map(asks_for).collect();
    format!("| `{}` | {} | {} |\n", case.name, asked.join("; "), rules.join("; "))
}

#[test]
fn the_page_says_what_ships() {
    let rows: String = shipped().iter().map(|case| row(case)).collect();
    let table = format!("| use case | asks for | further rules |\n|---|---|---|\n{rows}\n");
    assert!(PAGE.contains(&table), "docs/USE-CASES.md has to hold this table:\n{table}");
}

#[test]
fn the_example_of_the_page_is_a_use_case_with_every_key_and_the_page_explains_each() {
    let case = read("car-rental", example()).expect("the example is good");
    assert_eq!(case.evidence, Some(EvidenceRule { days: 90 }));
    let tables = PAGE.split("## Its keys").nth(1).expect("the page explains the keys");
    let (of_file, of_credential) = tables.split_once("One `[[credentials]]`").expect("and those of a credential");
    let text: toml::Table = example().parse().expect("TOML");
    for (key, explained) in [(&text, of_file), (text["credentials"][1].as_table().expect("a table"), of_credential)]
        .into_iter()
        .flat_map(|(table, explained)| table.keys().map(move |key| (key, explained)))
    {
        let names = |row: &str| row.split(" | ").next().is_some_and(|cell| cell.contains(&format!("`{key}`")));
        assert!(explained.lines().filter(|line| line.starts_with("| `")).any(names), "`{key}` is not explained");
    }
    // An unknown key is answered with those there are: the example has them all.
    let error = read("car-rental", &format!("colour = 1\n{}", example())).expect_err("no such key").to_string();
    let known = error.rsplit("expected one of ").next().expect("the keys there are");
    let known: BTreeSet<_> = known.trim().split(", ").map(|key| key.trim_matches('`')).collect();
    assert_eq!(known, text.keys().map(String::as_str).collect());
}

#[test]
fn a_query_may_ask_for_less_than_is_registered_and_never_for_more() {
    let of = |value: Value| Query::read(&value).expect("a query");
    let asking = |vct: &str, claims: Value| {
        let meta = json!({"vct_values": [vct]});
        of(json!({"credentials": [{"id": "resident_id", "format": "dc+sd-jwt", "meta": meta, "claims": claims}]}))
    };
    let own = "https://id.example/credential-types/resident-id";
    let boarding = get("boarding");
    assert_eq!(boarding.narrow(boarding.query()), Ok(()));
    assert_eq!(boarding.narrow(boarding.query_shown()), Ok(()));
    assert_eq!(boarding.narrow(&asking(own, json!([{"path": ["name"]}]))), Ok(()));
    let refused = |case: &UseCase, query: &Query| case.narrow(query).expect_err("it asks for more").to_string();
    for (claims, said) in [
        (json!([{"path": ["name"]}, {"path": ["id_number"]}]), "resident_id: not the claim id_number"),
        (json!([{"path": ["address", "region"]}]), "resident_id: not the claim address.region"),
    ] {
        assert_eq!(refused(&boarding, &asking(own, claims)), said);
    }
    let other = asking("https://id.example/credential-types/transport-qualification", json!([{"path": ["name"]}]));
    assert_eq!(refused(&boarding, &other), "resident_id: not this credential");
    // Whether someone is of age, but not an answer "no".
    let any_answer = asking(own, json!([{"path": ["age_equal_or_over", "18"]}]));
    let said = "resident_id: the claim age_equal_or_over.18 only as one of its registered values";
    assert_eq!(refused(&get("age-over-18"), &any_answer), said);
}
