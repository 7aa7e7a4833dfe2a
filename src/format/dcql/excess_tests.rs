use serde_json::{Value, json};

use super::*;
use crate::format::dcql::tests::{asked, card};

#[test]
fn asking_for_more_than_is_registered_is_seen() {
    let registered = {
        let mut query = card();
        query["claims"] = json!([{"path": ["name"]}, {"path": ["address"]}, {"path": ["age_over_18"], "values": [true]}]);
        query["trusted_authorities"] = json!([{"type": "aki", "values": ["AQID"]}]);
        Query::read(&asked(query)).expect("it is good")
    };
    let exceeds = |change: Value| {
        let mut query = card();
        query["trusted_authorities"] = json!([{"type": "aki", "values": ["AQID"]}]);
        for (member, value) in change.as_object().expect("members") {
            query[member.as_str()] = value.clone();
        }
        Query::read(&asked(query)).expect("it is good").exceeds(&registered).map(|excess| excess.what)
    };
    assert_eq!(registered.exceeds(&registered), None);
    assert_eq!(exceeds(json!({"claims": [{"path": ["address", "region"]}]})), None);
    assert_eq!(exceeds(json!({"claims": [{"path": ["age_over_18"], "values": [true]}]})), None);
    assert_eq!(exceeds(json!({"id": "other"})), Some(Exceeding::Credential));
    assert_eq!(exceeds(json!({"meta": {"vct_values": ["https://i.example/t", "x"]}})), Some(Exceeding::Credential));
    assert_eq!(exceeds(json!({"multiple": true})), Some(Exceeding::Multiple));
    let unbound = json!({"require_cryptographic_holder_binding": false});
    assert_eq!(exceeds(unbound), Some(Exceeding::WithoutHolderBinding));
    assert_eq!(exceeds(json!({"trusted_authorities": [{"type": "aki", "values": ["AQIE"]}]})), Some(Exceeding::Authority));
    assert_eq!(exceeds(json!({"claims": [{"path": ["id_number"]}]})), Some(Exceeding::Claim("id_number".to_owned())));
    assert_eq!(exceeds(json!({"claims": [{"path": ["age_over_18"]}]})), Some(Exceeding::Value("age_over_18".to_owned())));
}

#[test]
fn what_is_registered_as_an_alternative_is_not_asked_for_together() {
    let claims = |claims: Value, sets: Value| {
        let mut query = card();
        query["claims"] = claims;
        if !sets.is_null() {
            query["claim_sets"] = sets;
        }
        Query::read(&asked(query)).expect("it is good")
    };
    let both = json!([{"id": "a", "path": ["age_over_18"]}, {"id": "b", "path": ["birth_date"]}]);
    let either = claims(both.clone(), json!([["a"], ["b"]]));
    let together = Some(Excess { credential: "card".to_owned(), what: Exceeding::ClaimsTogether });
    assert_eq!(either.exceeds(&either), None);
    assert_eq!(claims(json!([{"path": ["birth_date"]}]), Value::Null).exceeds(&either), None);
    assert_eq!(claims(both.clone(), Value::Null).exceeds(&either), together);
    assert_eq!(claims(both.clone(), json!([["a"], ["a", "b"]])).exceeds(&either), together);
    assert_eq!(either.exceeds(&claims(both, Value::Null)), None);

    let cards = |ids: &[&str], sets: Value| {
        let cards: Vec<_> =
            ids.iter().map(|id| json!({"id": id, "format": "mso_mdoc", "meta": {"doctype_value": "t"}})).collect();
        let mut query = json!({"credentials": cards});
        if !sets.is_null() {
            query["credential_sets"] = sets;
        }
        Query::read(&query).expect("it is good")
    };
    let set = |options: Value| json!({"options": options});
    let either = cards(&["a", "b", "c"], json!([set(json!([["a"], ["b"]])), {"options": [["c"]], "required": false}]));
    let together = |id: &str| Some(Excess { credential: id.to_owned(), what: Exceeding::Together });
    assert_eq!(either.exceeds(&either), None);
    assert_eq!(cards(&["a"], Value::Null).exceeds(&either), None);
    assert_eq!(cards(&["b", "c"], Value::Null).exceeds(&either), None);
    assert_eq!(cards(&["a", "b"], Value::Null).exceeds(&either), together("a"));
    assert_eq!(cards(&["a", "b"], json!([set(json!([["b"], ["a"]]))])).exceeds(&either), None);
    assert_eq!(cards(&["a", "b"], json!([set(json!([["a"]])), set(json!([["b"]]))])).exceeds(&either), together("a"));
    // More choices than are compared are within nothing.
    let many = Value::from(vec![set(json!([["a"], ["b"], ["c"]])); 6]);
    assert_eq!(cards(&["a", "b", "c"], many).exceeds(&cards(&["a", "b", "c"], Value::Null)), together("a"));
}

#[test]
fn a_condition_is_not_left_out() {
    let query = |claims: Value, sets: Value| {
        let mut query = card();
        for (member, value) in [("claims", claims), ("claim_sets", sets)] {
            if !value.is_null() {
                query[member] = value;
            }
        }
        Query::read(&asked(query)).expect("it is good")
    };
    let adult = json!({"id": "adult", "path": ["age_over_18"], "values": [true]});
    let name = json!({"id": "name", "path": ["name"]});
    let registered = query(json!([adult, name]), Value::Null);
    let dropped = |asked: &Query| asked.drops_condition(&registered).map(|excess| excess.what);
    let missing = Some(Exceeding::Value("age_over_18".to_owned()));
    assert_eq!(dropped(&registered), None);
    assert_eq!(dropped(&query(json!([adult]), Value::Null)), None);
    assert_eq!(dropped(&query(json!([name]), Value::Null)), missing);
    assert_eq!(dropped(&query(Value::Null, Value::Null)), missing);
    assert_eq!(dropped(&query(json!([adult, name]), json!([["adult"], ["name"]]))), missing);
    assert_eq!(dropped(&query(json!([adult, name]), json!([["adult", "name"], ["adult"]]))), None);
    // Where it is one way of several already, it binds nobody.
    let loose = query(json!([adult, name]), json!([["adult"], ["name"]]));
    assert_eq!(query(json!([name]), Value::Null).drops_condition(&loose), None);
}

#[test]
fn a_credential_that_is_needed_is_not_left_out() {
    let query = |ids: &[&str], sets: Value| {
        let named = |id: &&str| {
            let mut card = card();
            card["id"] = (*id).into();
            card
        };
        let mut query = json!({"credentials": ids.iter().map(named).collect::<Vec<_>>()});
        if !sets.is_null() {
            query["credential_sets"] = sets;
        }
        Query::read(&query).expect("it is good")
    };
    let both = query(&["id", "licence"], Value::Null);
    let without = |asked: &Query, registered: &Query| asked.drops_condition(registered).map(|excess| excess.what);
    let missing = Some(Exceeding::Without("licence was asked for".to_owned()));
    assert_eq!(without(&both, &both), None);
    assert_eq!(without(&query(&["id"], Value::Null), &both), missing);
    assert_eq!(without(&query(&["id", "licence"], json!([{"options": [["id"], ["id", "licence"]]}])), &both), missing);
    let optional = json!([{"options": [["id"]]}, {"options": [["licence"]], "required": false}]);
    assert_eq!(without(&query(&["id", "licence"], optional.clone()), &both), missing);
    // What is optional may go.
    assert_eq!(without(&query(&["id"], Value::Null), &query(&["id", "licence"], optional)), None);
    let either = query(&["id", "licence"], json!([{"options": [["id"], ["licence"]]}]));
    assert_eq!(without(&query(&["id"], Value::Null), &either), None);
}
