//! The examples of OpenID4VP 1.0: queries (section 6) and claims path pointers (section 7.3).

use serde_json::{Value, json};
use yufu::format::dcql::Query;

/// Queries of the standard, with how many credentials each asks for.
const QUERIES: [(&str, usize); 7] = [
    ("simple", 1),
    ("simple_mdoc", 1),
    ("multi_credentials", 2),
    ("claims_alternatives", 1),
    ("credentials_alternatives", 5),
    ("complex_mdoc", 4),
    ("value_matching_simple", 1),
];

#[test]
fn the_queries_of_the_standard_are_read_and_written() {
    for (name, credentials) in QUERIES {
        let Some(value) = crate::json(&format!("oid4vp/query_lang/{name}.json")) else { return };
        let query = Query::read(&value).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(query.credentials.len(), credentials, "{name}");
        assert_eq!(Query::read(&query.to_json()), Ok(query), "{name}");
    }
}

#[test]
fn pointers_select_what_the_standard_says() {
    let Some(vector) = crate::json("oid4vp/claims_path_pointer_7.3.json") else { return };
    let claims = vector["credential"].as_object().expect("an object");
    let pointers = vector["pointers"].as_array().expect("a list");
    assert_eq!(pointers.len(), 5);
    for pointer in pointers {
        let query = json!({"credentials": [{
            "id": "c", "format": "dc+sd-jwt", "meta": {"vct_values": ["t"]}, "claims": [{"path": pointer["path"]}],
        }]});
        let query = Query::read(&query).expect("it is good");
        let selected = query.credentials[0].claims[0].path.select(claims).expect("it selects");
        let expected: Vec<&Value> = pointer["selects"].as_array().expect("a list").iter().collect();
        assert_eq!(selected, expected, "{pointer}");
    }
}
