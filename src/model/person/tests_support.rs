//! A person for unit tests. Nobody: the number is the example printed in GB 11643-1999.

use serde_json::{Map, Value, json};

use crate::{base::time::Date, model::person::Person};

/// The JSON of the person.
pub(crate) fn json() -> Map<String, Value> {
    let value = json!({
        "id_number": "11010519491231002X",
        "family_name": "欧阳",
        "given_name": "美玲",
        "latin_family_name": "OU YANG",
        "latin_given_name": "MEI-LING",
        "sex": "female",
        "ethnicity": "汉",
        "birth_date": "1949-12-31",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "云岩区中华北路1号"},
        "qualifications": [{
            "type": "transport-qualification",
            "number": "520100000001",
            "valid_from": "2024-01-01",
            "valid_until": "2029-12-31",
            "data": {"vehicle_classes": ["A2", "B2"], "category": "道路货物运输驾驶员"}
        }]
    });
    value.as_object().cloned().expect("an object")
}

/// The day the tests live on.
pub(crate) fn today() -> Date {
    Date::new(2026, 11, 24).expect("a day")
}

/// The person.
pub(crate) fn person() -> Person {
    Person::read(&json(), today()).expect("a good person")
}
