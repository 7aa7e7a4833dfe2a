use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

pub(super) fn asked(credential: Value) -> Value {
    json!({"credentials": [credential]})
}

pub(super) fn card() -> Value {
    json!({"id": "card", "format": "dc+sd-jwt", "meta": {"vct_values": ["https://i.example/t"]}})
}

fn with(member: &str, value: Value) -> Value {
    let mut query = card();
    query[member] = value;
    asked(query)
}

fn claim(path: Value) -> Value {
    with("claims", json!([{"path": path}]))
}

fn one(query: &Value) -> CredentialQuery {
    Query::read(query).expect("a good query").credentials.remove(0)
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "name": "鱼小符", "age_over_18": true, "level": 3, "address": {"region": "贵州省", "street_address": "1"},
        "nationalities": ["CN", "XX"], "degrees": [{"type": "b", "at": 1}, {"type": "m", "at": 2}],
    });
    claims.as_object().expect("an object").clone()
}

fn candidate(claims: &Map<String, Value>) -> Candidate<'_> {
    Candidate {
        format: "dc+sd-jwt",
        credential_type: "https://i.example/t",
        claims,
        authority_key_ids: &[],
        trusted_lists: &[],
        holder_bound: true,
    }
}

/// NT-VP-13: what is not as section 6 says is refused, each with the member named.
#[test]
fn a_malformed_query_is_refused_by_its_member() {
    use QueryError as E;
    let at = |pointer: &str| pointer.to_owned();
    let without = |member: &str| {
        let mut query = card();
        query.as_object_mut().expect("an object").remove(member);
        asked(query)
    };
    let twice = json!({"credentials": [card(), card()]});
    let sets = |sets: Value| json!({"credentials": [card()], "credential_sets": sets});
    let cases = [
        (json!([]), E::Malformed(at(""))),
        (json!({}), E::Missing(at("/credentials"))),
        (json!({"credentials": []}), E::Empty(at("/credentials"))),
        (json!({"credentials": {}}), E::Malformed(at("/credentials"))),
        (json!({"credentials": vec![card(); 17]}), E::TooLarge(at("/credentials"))),
        (twice, E::Twice(at("/credentials/1/id"))),
        (without("id"), E::Missing(at("/credentials/0/id"))),
        (without("format"), E::Missing(at("/credentials/0/format"))),
        (without("meta"), E::Missing(at("/credentials/0/meta"))),
        (with("id", json!("a b")), E::Malformed(at("/credentials/0/id"))),
        (with("id", json!("")), E::Malformed(at("/credentials/0/id"))),
        (with("id", json!("卡")), E::Malformed(at("/credentials/0/id"))),
        (with("id", json!(1)), E::Malformed(at("/credentials/0/id"))),
        (with("format", json!("jwt_vc_json")), E::Format(at("/credentials/0/format"))),
        (with("meta", json!({})), E::Missing(at("/credentials/0/meta/vct_values"))),
        (with("meta", json!({"vct_values": []})), E::Empty(at("/credentials/0/meta/vct_values"))),
        (with("meta", json!({"vct_values": [1]})), E::Malformed(at("/credentials/0/meta/vct_values/0"))),
        (with("multiple", json!("yes")), E::Malformed(at("/credentials/0/multiple"))),
        (with("claims", json!([])), E::Empty(at("/credentials/0/claims"))),
        (with("claims", json!([{}])), E::Missing(at("/credentials/0/claims/0/path"))),
        (claim(json!([])), E::Empty(at("/credentials/0/claims/0/path"))),
        (claim(json!(["a", -1])), E::Malformed(at("/credentials/0/claims/0/path/1"))),
        (claim(json!(["a", 1.5])), E::Malformed(at("/credentials/0/claims/0/path/1"))),
        (claim(json!(["a", true])), E::Malformed(at("/credentials/0/claims/0/path/1"))),
        (claim(json!([null])), E::Malformed(at("/credentials/0/claims/0/path"))),
        (claim(json!(vec!["a"; 17])), E::TooLarge(at("/credentials/0/claims/0/path"))),
        (claim(json!(["a".repeat(2049)])), E::TooLarge(at("/credentials/0/claims/0/path/0"))),
        (with("claims", json!([{"path": ["a"]}, {"path": ["a"]}])), E::Twice(at("/credentials/0/claims/1/path"))),
        (
            with("claims", json!([{"id": "x", "path": ["a"]}, {"id": "x", "path": ["b"]}])),
            E::Twice(at("/credentials/0/claims/1/id")),
        ),
        (with("claims", json!([{"path": ["a"], "values": []}])), E::Empty(at("/credentials/0/claims/0/values"))),
        (with("claims", json!([{"path": ["a"], "values": [1.5]}])), E::Malformed(at("/credentials/0/claims/0/values/0"))),
        (with("claims", json!([{"path": ["a"], "values": [null]}])), E::Malformed(at("/credentials/0/claims/0/values/0"))),
        (with("claim_sets", json!([["x"]])), E::Missing(at("/credentials/0/claims"))),
        (with("trusted_authorities", json!([])), E::Empty(at("/credentials/0/trusted_authorities"))),
        (
            with("trusted_authorities", json!([{"type": "aki", "values": ["a="]}])),
            E::Malformed(at("/credentials/0/trusted_authorities/0/values")),
        ),
        (sets(json!([])), E::Empty(at("/credential_sets"))),
        (sets(json!([{}])), E::Missing(at("/credential_sets/0/options"))),
        (sets(json!([{"options": []}])), E::Empty(at("/credential_sets/0/options"))),
        (sets(json!([{"options": [[]]}])), E::Empty(at("/credential_sets/0/options/0"))),
        (sets(json!([{"options": [["other"]]}])), E::Unresolved(at("/credential_sets/0/options/0/0"))),
    ];
    for (query, expected) in cases {
        assert_eq!(Query::read(&query), Err(expected), "{query}");
    }
}

#[test]
fn sets_of_claims_name_claims_that_have_names() {
    let sets = |claims: Value, sets: Value| {
        let mut query = card();
        query["claims"] = claims;
        query["claim_sets"] = sets;
        Query::read(&asked(query))
    };
    let nameless = sets(json!([{"path": ["a"]}]), json!([["a"]]));
    assert_eq!(nameless, Err(QueryError::Missing("/credentials/0/claims/0/id".to_owned())));
    let unknown = sets(json!([{"id": "a", "path": ["a"]}]), json!([["b"]]));
    assert_eq!(unknown, Err(QueryError::Unresolved("/credentials/0/claim_sets/0/0".to_owned())));
    assert!(sets(json!([{"id": "a", "path": ["a"]}]), json!([["a"]])).is_ok());
}

#[test]
fn an_mdoc_is_asked_for_by_namespace_and_element() {
    let query = |path: Value| {
        Query::read(&asked(json!({
            "id": "l", "format": "mso_mdoc", "meta": {"doctype_value": "org.iso.18013.5.1.mDL"},
            "claims": [{"path": path, "intent_to_retain": true}],
        })))
    };
    let good = query(json!(["org.iso.18013.5.1", "portrait"])).expect("it is good");
    assert_eq!(good.credentials[0].meta, Meta::Mdoc("org.iso.18013.5.1.mDL".to_owned()));
    assert_eq!(good.credentials[0].claims[0].intent_to_retain, Some(true));
    for path in [json!(["a"]), json!(["a", "b", "c"]), json!(["a", null]), json!(["a", 0])] {
        assert_eq!(query(path), Err(QueryError::Malformed("/credentials/0/claims/0/path".to_owned())));
    }
}

#[test]
fn unknown_members_are_ignored() {
    let mut query = card();
    query["colour"] = json!("red");
    let query = json!({"credentials": [query], "shape": 1});
    assert_eq!(Query::read(&query).expect("it is good").to_json(), asked(card()));
}

/// NT-VP-04, NT-VP-05, NT-VP-15: type, claims, values, authority and holder binding are looked at again.
#[test]
fn a_credential_is_held_to_its_query() {
    let claims = claims();
    let good = candidate(&claims);
    assert_eq!(one(&asked(card())).check(&good), Ok(()));
    assert_eq!(one(&asked(card())).check(&Candidate { format: "mso_mdoc", ..good }), Err(Mismatch::Format));
    assert_eq!(one(&asked(card())).check(&Candidate { credential_type: "https://i.example/t2", ..good }), Err(Mismatch::Type));
    let unbound = Candidate { holder_bound: false, ..good };
    assert_eq!(one(&asked(card())).check(&unbound), Err(Mismatch::HolderBinding));
    assert_eq!(one(&with("require_cryptographic_holder_binding", json!(false))).check(&unbound), Ok(()));
    let cases = [
        (json!(["name"]), Value::Null, None),
        (json!(["surname"]), Value::Null, Some(Mismatch::ClaimMissing("surname".to_owned()))),
        (json!(["name", "first"]), Value::Null, Some(Mismatch::ClaimMissing("name.first".to_owned()))),
        (json!(["nationalities", 2]), Value::Null, Some(Mismatch::ClaimMissing("nationalities[2]".to_owned()))),
        (json!(["age_over_18"]), json!([true]), None),
        (json!(["age_over_18"]), json!(["true", 1]), Some(Mismatch::ClaimValue("age_over_18".to_owned()))),
        (json!(["level"]), json!([2, 3]), None),
        (json!(["level"]), json!(["3"]), Some(Mismatch::ClaimValue("level".to_owned()))),
        (json!(["degrees", null, "type"]), json!(["m"]), None),
        (json!(["degrees", null, "type"]), json!(["d"]), Some(Mismatch::ClaimValue("degrees[].type".to_owned()))),
    ];
    for (path, values, expected) in cases {
        let mut claim = json!({"path": path});
        if !values.is_null() {
            claim["values"] = values;
        }
        let query = one(&with("claims", json!([claim])));
        assert_eq!(query.check(&good).err(), expected, "{claim}");
    }
}

#[test]
fn one_of_the_authorities_stands_behind_the_issuer() {
    let claims = claims();
    let (ids, lists) = ([vec![1, 2, 3]], ["https://list.example/cn".to_owned()]);
    let candidate = Candidate { authority_key_ids: &ids, trusted_lists: &lists, ..candidate(&claims) };
    let check = |authorities: Value| one(&with("trusted_authorities", authorities)).check(&candidate);
    assert_eq!(check(json!([{"type": "aki", "values": ["AQID"]}])), Ok(()));
    assert_eq!(check(json!([{"type": "aki", "values": ["AQIE"]}])), Err(Mismatch::Authority));
    assert_eq!(check(json!([{"type": "etsi_tl", "values": ["https://list.example/cn"]}])), Ok(()));
    assert_eq!(check(json!([{"type": "etsi_tl", "values": ["https://list.example/"]}])), Err(Mismatch::Authority));
    assert_eq!(check(json!([{"type": "openid_federation", "values": ["AQID"]}])), Err(Mismatch::Authority));
    let either = json!([{"type": "aki", "values": ["AQIE"]}, {"type": "etsi_tl", "values": ["https://list.example/cn"]}]);
    assert_eq!(check(either), Ok(()));
}

#[test]
fn the_first_set_of_claims_that_is_there_is_enough() {
    let mut query = card();
    query["claims"] = json!([
        {"id": "a", "path": ["surname"]}, {"id": "b", "path": ["birth_date"]}, {"id": "c", "path": ["name"]},
    ]);
    query["claim_sets"] = json!([["a", "b"], ["c"]]);
    let query = one(&asked(query));
    let mut claims = claims();
    assert_eq!(query.check(&candidate(&claims)), Ok(()));
    claims.remove("name");
    assert_eq!(query.check(&candidate(&claims)), Err(Mismatch::ClaimMissing("surname".to_owned())));
}

/// NT-VP-03: a required set that is not there.
#[test]
fn the_credentials_together_answer_the_query() {
    let three: Vec<_> = ["a", "b", "c"]
        .map(|id| {
            let mut card = card();
            card["id"] = id.into();
            card
        })
        .into();
    let all = Query::read(&json!({"credentials": three})).expect("it is good");
    let answered = |query: &Query, ids: &[&str]| query.check_answered(&ids.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(answered(&all, &["a", "b", "c"]), Ok(()));
    assert_eq!(answered(&all, &["a", "c"]), Err(Unanswered::Credential("b".to_owned())));
    let sets = json!([{"options": [["a", "b"], ["c"]]}, {"options": [["b"]], "required": false}]);
    let sets = Query::read(&json!({"credentials": three, "credential_sets": sets})).expect("it is good");
    for good in [&["a", "b"][..], &["c"], &["a", "b", "c"]] {
        assert_eq!(answered(&sets, good), Ok(()), "{good:?}");
    }
    for bad in [&["a"][..], &["b"], &[]] {
        assert_eq!(answered(&sets, bad), Err(Unanswered::Set(0)), "{bad:?}");
    }
}

#[test]
fn what_was_not_asked_for_is_not_read_further() {
    let paths = json!([
        {"path": ["name"]}, {"path": ["address", "region"]}, {"path": ["degrees", null, "type"]}, {"path": ["nationalities", 1]},
        {"path": ["surname"]}, {"path": ["level", "x"]},
    ]);
    let query = one(&with("claims", paths));
    let kept = json!({
        "name": "鱼小符", "address": {"region": "贵州省"}, "degrees": [{"type": "b"}, {"type": "m"}], "nationalities": ["XX"],
    });
    assert_eq!(Value::Object(query.asked_for(&claims())), kept);
    assert_eq!(one(&asked(card())).asked_for(&claims()), Map::new());
}

/// Queries as the standard allows them.
fn any_query() -> impl Strategy<Value = Value> {
    let text = "[a-z:/.]{1,8}";
    let step = prop_oneof![text.prop_map(Value::from), (0_u32..9).prop_map(Value::from), Just(Value::Null)];
    let path = (text, prop::collection::vec(step, 0..4)).prop_map(|(first, rest)| {
        let steps = std::iter::once(Value::from(first)).chain(rest);
        steps.collect::<Value>()
    });
    let value =
        prop_oneof![text.prop_map(Value::from), any::<i64>().prop_map(Value::from), any::<bool>().prop_map(Value::from)];
    let claim = (path, prop::collection::vec(value, 0..3));
    let authority = (prop::sample::select(vec!["etsi_tl", "openid_federation", "other"]), prop::collection::vec(text, 1..3));
    let credential = (
        prop::collection::vec(text, 1..3),
        prop::collection::vec(claim, 0..5),
        prop::option::of(authority),
        any::<(bool, bool, bool)>(),
    );
    let credentials = prop::collection::vec(credential, 1..4);
    (credentials, any::<(bool, bool)>()).prop_map(|(credentials, (with_sets, required))| {
        let count = credentials.len();
        let written =
            credentials.into_iter().enumerate().map(|(place, (types, claims, authority, (multiple, bound, sets)))| {
                let mut query = json!({"id": format!("c{place}"), "format": "dc+sd-jwt", "meta": {"vct_values": types}});
                query["multiple"] = multiple.into();
                query["require_cryptographic_holder_binding"] = bound.into();
                if let Some((kind, values)) = authority {
                    query["trusted_authorities"] = json!([{"type": kind, "values": values}]);
                }
                let mut written: Vec<Value> = Vec::new();
                for (path, values) in claims {
                    if written.iter().all(|other| other["path"] != path) {
                        let mut claim = json!({"id": format!("k{}", written.len()), "path": path});
                        if !values.is_empty() {
                            claim["values"] = values.into();
                        }
                        written.push(claim);
                    }
                }
                if !written.is_empty() {
                    if sets {
                        query["claim_sets"] = json!([["k0"], [format!("k{}", written.len() - 1)]]);
                    }
                    query["claims"] = written.into();
                }
                query
            });
        let mut query = json!({"credentials": written.collect::<Vec<_>>()});
        if with_sets {
            query["credential_sets"] = json!([{"options": [["c0"], [format!("c{}", count - 1)]], "required": required}]);
        }
        query
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "credentials",
        "id",
        "format",
        "meta",
        "vct_values",
        "claims",
        "path",
        "values",
        "claim_sets",
        "credential_sets",
        "options",
        "multiple",
        "trusted_authorities",
        "type",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(json!("dc+sd-jwt")),
    ];
    leaf.prop_recursive(5, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_good_query_is_read_and_reads_back_equal_and_asks_for_no_more_than_itself(value in any_query()) {
        let query = Query::read(&value).expect("it is good");
        prop_assert_eq!(&Query::read(&query.to_json()), &Ok(query.clone()));
        prop_assert_eq!(query.exceeds(&query), None);
    }

    #[test]
    fn reading_never_panics_and_what_is_written_reads_back(value in any_json(), claims in any_json()) {
        if let Ok(query) = Query::read(&value) {
            prop_assert_eq!(Query::read(&query.to_json()), Ok(query));
        }
        let query = Query::read(&asked(json!({
            "id": "c", "format": "dc+sd-jwt", "meta": {"vct_values": ["t"]}, "claims": [{"path": ["meta", null, "id"]}],
        }))).expect("it is good");
        if let Value::Object(claims) = claims {
            let _ = query.credentials[0].check(&candidate(&claims));
            let _ = query.credentials[0].asked_for(&claims);
        }
    }
}
