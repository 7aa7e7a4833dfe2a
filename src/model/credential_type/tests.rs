use serde_json::{Value, json};

use super::*;
use crate::{
    base::time::{Date, Timestamp},
    model::person::{
        PersonState, civil_date,
        tests_support::{person, today},
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-24T06:30:00Z").expect("a time")
}

fn built_in(name: &str) -> Arc<CredentialType> {
    CredentialTypes::built_in().expect("the shipped types are good").get(name).map(Arc::clone).expect("it ships")
}

fn names(path: &[&str]) -> Vec<PathStep> {
    path.iter().map(|s| if *s == "*" { PathStep::Every } else { PathStep::Name((*s).to_owned()) }).collect()
}

#[test]
fn the_resident_id_holds_what_the_register_knows() {
    let set = built_in("resident-id").claim_set(&person(), now(), today()).expect("eligible");
    let expected = json!({
        "name": "欧阳美玲",
        "family_name": "欧阳",
        "given_name": "美玲",
        "latin_family_name": "OU YANG",
        "latin_given_name": "MEI-LING",
        "sex": "female",
        "ethnicity": "汉",
        "birth_date": "1949-12-31",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "云岩区中华北路1号"},
        "id_number": "11010519491231002X",
        "issuing_authority": "贵州省电子证照签发中心",
        "issuing_country": "CN",
        "date_of_issuance": "2026-11-24",
        "date_of_expiry": "2026-12-23",
        "age_equal_or_over": {"12": true, "14": true, "16": true, "18": true, "60": true, "65": true},
    });
    assert_eq!(Value::Object(set.claims), expected);
    assert_eq!(set.valid_from.to_string(), "2026-11-24T00:00:00Z");
    assert_eq!(set.valid_until.to_string(), "2026-12-24T00:00:00Z");
    // The address and each of its parts: recursive disclosures. The ages' group is open, each age is not.
    for path in [&["address"][..], &["address", "region"], &["age_equal_or_over", "18"]] {
        assert!(set.disclosable.contains(&names(path)), "{path:?}");
    }
    for path in [&["portrait"][..], &["age_equal_or_over"], &["issuing_country"]] {
        assert!(!set.disclosable.contains(&names(path)), "{path:?}");
    }
    assert!(set.disclosable.is_sorted_by_key(Vec::len));
}

#[test]
fn the_transport_qualification_ends_with_what_it_rests_on() {
    let driver = built_in("transport-qualification");
    let set = driver.claim_set(&person(), now(), today()).expect("eligible");
    assert_eq!(set.claims["vehicle_classes"], json!(["A2", "B2"]));
    assert_eq!(set.claims["id_number"], json!("11010519491231002X"));
    assert_eq!(set.valid_until.to_string(), "2026-12-24T00:00:00Z");
    assert!(set.disclosable.contains(&names(&["vehicle_classes", "*"])));
    let mut ending = person();
    ending.qualifications[0].valid_until = today();
    let set = driver.claim_set(&ending, now(), today()).expect("eligible for the day");
    assert_eq!(set.valid_until.to_string(), "2026-11-24T16:00:00Z");
}

#[test]
fn who_is_not_eligible_is_told_why() {
    let (resident, driver) = (built_in("resident-id"), built_in("transport-qualification"));
    for state in [PersonState::Deceased, PersonState::MovedAway] {
        let mut gone = person();
        gone.state = state;
        assert_eq!(resident.eligible(&gone, today()).err(), Some(Ineligible::PersonNotActive(state)));
        assert_eq!(driver.claim_set(&gone, now(), today()), Err(Ineligible::PersonNotActive(state)));
    }
    let mut unqualified = person();
    unqualified.qualifications.clear();
    assert!(resident.eligible(&unqualified, today()).is_ok());
    assert_eq!(driver.eligible(&unqualified, today()).err(), Some(Ineligible::NoQualification));
    let mut over = person();
    over.qualifications[0].valid_until = Date::new(2026, 11, 23).expect("a day");
    let refused = Ineligible::QualificationNotValid {
        valid_from: over.qualifications[0].valid_from,
        valid_until: over.qualifications[0].valid_until,
    };
    assert_eq!(driver.eligible(&over, today()).err(), Some(refused));
}

#[test]
fn an_age_is_reached_on_the_birthday_in_china() {
    let mut child = person();
    child.birth_date = Date::new(2008, 11, 24).expect("a day");
    let resident = built_in("resident-id");
    let is_18 = |at: &str| {
        let at = Timestamp::parse_rfc3339(at).expect("a time");
        let set = resident.claim_set(&child, at, civil_date(at).expect("a day")).expect("eligible");
        set.claims["age_equal_or_over"]["18"].clone()
    };
    assert_eq!(is_18("2026-11-23T15:59:59Z"), json!(false));
    assert_eq!(is_18("2026-11-23T16:00:00Z"), json!(true));
}

#[test]
fn metadata_say_path_language_and_disclosure_of_every_claim() {
    let resident = built_in("resident-id");
    let metadata = resident.type_metadata("https://id.example");
    assert_eq!(metadata["vct"], json!("https://id.example/credential-types/resident-id"));
    assert_eq!(metadata["name"], json!("Resident ID"));
    assert_eq!(metadata["display"][0]["locale"], json!("zh-CN"));
    assert_eq!(metadata["display"][0]["name"], json!("居民电子身份证"));
    assert_eq!(metadata["display"][1]["rendering"]["simple"]["text_color"], json!("#ffffff"));
    let logo = metadata["display"][1]["rendering"]["simple"]["logo"]["uri"].as_str().expect("text");
    assert!(logo.starts_with("data:image/svg+xml;base64,"), "{logo}");
    assert_eq!(metadata["claims"].as_array().map(Vec::len), Some(resident.claims.len()));
    let region = json!({
        "path": ["address", "region"],
        "display": [{"locale": "zh-CN", "label": "省级行政区"}, {"locale": "en", "label": "Province"}],
        "mandatory": true,
        "sd": "always",
    });
    assert!(metadata["claims"].as_array().expect("a list").contains(&region));
    let metadata = built_in("transport-qualification").credential_metadata("https://id.example");
    assert_eq!(metadata["claims"][2]["path"], json!(["vehicle_classes", null]));
    assert_eq!(metadata["claims"][0]["display"][1], json!({"locale": "en", "name": "Certificate number"}));
    assert_eq!(metadata["display"][1]["name"], json!("Road freight driver qualification"));
    let logo = "https://id.example/credential-types/transport-qualification/logo.svg";
    assert_eq!(metadata["display"][0]["logo"]["uri"], json!(logo));
}

#[test]
fn a_type_is_found_by_its_vct_and_no_other() {
    let types = CredentialTypes::built_in().expect("good types");
    let find = |vct: &str| types.by_vct("https://id.example", vct).map(|found| found.name.clone());
    assert_eq!(find("https://id.example/credential-types/resident-id").as_deref(), Some("resident-id"));
    for other in ["https://id.example/credential-types/Resident-id", "https://id.exampl/credential-types/resident-id", ""] {
        assert_eq!(find(other), None, "{other}");
    }
}

const SMALL: &str = r##"
name = "small"
validity_days = 1
requires = "active_person"
title = { "zh-CN" = "小", en = "Small" }
description = { "zh-CN" = "小", en = "Small" }
looks = { background_color = "#000000", text_color = "#ffffff", logo_svg = "<svg/>", logo_alt_text = { "zh-CN" = "无", en = "None" } }
[[claims]]
path = ["given_name"]
label = { "zh-CN" = "名", en = "Given name" }
from = "given_name"
sd = "allowed"
"##;

#[test]
fn a_new_type_is_a_new_file_and_a_file_may_replace_a_shipped_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let absent = folder.path().join("absent");
    assert_eq!(CredentialTypes::load(&absent).expect("nothing added").iter().count(), 2);
    std::fs::write(folder.path().join("small.toml"), SMALL).expect("written");
    std::fs::write(folder.path().join("resident-id.toml"), SMALL.replace("\"small\"", "\"resident-id\"")).expect("written");
    std::fs::write(folder.path().join("README.md"), "not a type").expect("written");
    let types = CredentialTypes::load(folder.path()).expect("good files");
    let names: Vec<_> = types.iter().map(|t| (t.name.as_str(), t.claims.len())).collect();
    assert_eq!(names, [("resident-id", 1), ("small", 1), ("transport-qualification", 10)]);
}

#[test]
fn a_bad_file_is_refused_with_the_key_named() {
    let read = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        file::read("small.toml", &SMALL.replacen(from, to, 1)).expect_err("a bad file").to_string()
    };
    let nested = "sd = \"allowed\"\n[[claims]]\npath = [\"given_name\", \"first\"]\nlabel = { \"zh-CN\" = \"\", en = \"\" }\nfrom = \"name\"\nsd = \"never\"";
    for (from, to, named) in [
        ("validity_days = 1", "validity_days = 1\nvalidty = 2", "unknown field `validty`"),
        ("from = \"given_name\"", "form = \"given_name\"", "unknown field `form`"),
        ("en = \"Given name\"", "fr = \"Prénom\"", "unknown field `fr`"),
        ("sd = \"allowed\"", "sd = \"sometimes\"", "unknown variant `sometimes`"),
        ("sd = \"allowed\"", "", "missing field `sd`"),
        ("name = \"small\"", "name = \"Small\"", "small.toml: name: must be lower-case letters"),
        ("name = \"small\"", "name = \"other\"", "small.toml: name: must be the name of the file"),
        ("validity_days = 1", "validity_days = 0", "validity_days: must be from 1 to 366"),
        ("#ffffff", "white", "text_color: must be #rrggbb"),
        ("<svg/>", "<svg onload='x()'/>", "logo_svg: must be an SVG picture"),
        ("[\"given_name\"]", "[]", "the path is empty"),
        ("[\"given_name\"]", "[\"exp\"]", "the format keeps for itself"),
        ("[\"given_name\"]", "[\"*\"]", "must begin with a name"),
        ("[\"given_name\"]", "[\"given_name\", \"x\"]", "the claim around it is not declared"),
        ("from = \"given_name\"", "from = \"password\"", "`from` names no known source"),
        ("from = \"given_name\"", "from = \"age_over:0\"", "`from` names no known source"),
        ("from = \"given_name\"", "from = \"qualification:number\"", "the type does not require one"),
        ("sd = \"allowed\"", nested, "the claim around it has a source of its own"),
    ] {
        let message = read(from, to);
        assert!(message.contains(named), "{to}: {message}");
    }
}

#[test]
fn how_a_type_is_issued_is_read_from_its_file() {
    let read = |lines: &str| file::read("small.toml", &SMALL.replacen("[[claims]]", &format!("{lines}\n[[claims]]"), 1));
    assert_eq!(read("").map(|read| read.issuing), Ok(Issuing::default()));
    let text = "[issuing]\napproval = \"officer\"\ndecoys = 16\n[issuing.key_attestation]\nkey_storage = [\"iso_18045_high\"]";
    let key_attestation =
        KeyAttestationRule { key_storage: vec!["iso_18045_high".to_owned()], user_authentication: Vec::new() };
    assert_eq!(read(text).map(|read| read.issuing), Ok(Issuing { approval: true, decoys: 16, key_attestation }));
    for (lines, named) in [
        ("[issuing]\napproval = \"nobody\"", "unknown variant `nobody`"),
        ("[issuing]\ndecoy = 1", "unknown field `decoy`"),
        ("[issuing]\ndecoys = 17", "issuing.decoys: must be from 0 to 16"),
        ("[issuing.key_attestation]\nkey_storage = [\"\"]", "issuing.key_attestation.key_storage: must be a list"),
        ("[issuing.key_attestation]\nuser_authentication = [\"a b\"]", "issuing.key_attestation.user_authentication: must be"),
        ("[issuing.key_attestation]\nlevel = [\"iso_18045_high\"]", "unknown field `level`"),
    ] {
        let message = read(lines).expect_err("a bad file").to_string();
        assert!(message.contains(named), "{lines}: {message}");
    }
}
