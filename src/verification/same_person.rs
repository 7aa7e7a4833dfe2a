//! Whether the credentials of one answer belong to one person.

use serde_json::{Map, Value};

use crate::model::{
    reason::ReasonCode,
    use_case::{SamePersonBy, SamePersonRule},
};

/// What the comparison came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SamePerson {
    /// One person's.
    Same,
    /// Not one person's.
    Different,
    /// It cannot be told: a claim that is needed is not there.
    Unknown,
}

impl SamePerson {
    /// The reason of a check that did not pass.
    pub const fn reason(self) -> Option<ReasonCode> {
        match self {
            Self::Same => None,
            Self::Different => Some(ReasonCode::NotSamePerson),
            Self::Unknown => Some(ReasonCode::SamePersonUnknown),
        }
    }
}

/// Compares what two credentials disclosed. Both have to be verified: claims that no issuer vouches for tell nothing.
///
/// By ID number: they are equal. By name and birth date: both are equal, and where both credentials disclose an ID number
/// it is equal too, since two people may share a name and a birthday.
pub fn compare(one: &Map<String, Value>, other: &Map<String, Value>, by: SamePersonBy) -> SamePerson {
    let id_number = equal(one, other, "id_number", |text| text.to_ascii_uppercase());
    match by {
        SamePersonBy::IdNumber => id_number,
        SamePersonBy::NameAndBirthDate => {
            let as_written = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let found = [equal(one, other, "name", as_written), equal(one, other, "birth_date", str::to_owned)];
            if id_number == SamePerson::Different || found.contains(&SamePerson::Different) {
                SamePerson::Different
            } else if found.contains(&SamePerson::Unknown) {
                SamePerson::Unknown
            } else {
                SamePerson::Same
            }
        }
    }
}

/// Compares all credentials that a rule names, each with each: several may answer to one id. Fewer than two of them, or
/// none for one of the ids, leave it unknown.
pub fn compare_all<'a>(
    rule: &SamePersonRule,
    shown: impl IntoIterator<Item = (&'a str, &'a Map<String, Value>)>,
) -> SamePerson {
    let shown: Vec<_> = shown.into_iter().filter(|(id, _)| rule.credentials.iter().any(|named| named == id)).collect();
    let answered = |id: &String| shown.iter().any(|(named, _)| named == id);
    let mut outcome = if rule.credentials.iter().all(answered) { SamePerson::Same } else { SamePerson::Unknown };
    for (at, (_, one)) in shown.iter().enumerate() {
        for (_, other) in shown.iter().skip(at + 1) {
            match compare(one, other, rule.by) {
                SamePerson::Same => {}
                SamePerson::Unknown => outcome = SamePerson::Unknown,
                SamePerson::Different => return SamePerson::Different,
            }
        }
    }
    outcome
}

/// Compares a claim that is a text and not empty in both.
fn equal(one: &Map<String, Value>, other: &Map<String, Value>, claim: &str, written: fn(&str) -> String) -> SamePerson {
    let text = |claims: &Map<String, Value>| {
        let text = claims.get(claim).and_then(Value::as_str).map(written);
        text.filter(|text| !text.is_empty())
    };
    match (text(one), text(other)) {
        (Some(one), Some(other)) if one == other => SamePerson::Same,
        (Some(_), Some(_)) => SamePerson::Different,
        _ => SamePerson::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn by_id_number_the_numbers_are_equal_and_nothing_else_counts() {
        let number = |number: Value| json!({"id_number": number, "name": "鱼小符"});
        let rows = [
            (number(json!("520103199003070029")), number(json!("520103199003070029")), SamePerson::Same),
            // GB 11643-1999 section 5: the check character is X; some registers write it small.
            (number(json!("11010519491231002X")), number(json!("11010519491231002x")), SamePerson::Same),
            (number(json!("520103199003070029")), number(json!("520103199003070037")), SamePerson::Different),
            (number(json!("520103199003070029")), number(json!("520103199003070029 ")), SamePerson::Different),
            (number(json!("520103199003070029")), json!({"name": "鱼小符"}), SamePerson::Unknown),
            (number(json!("")), number(json!("")), SamePerson::Unknown),
            (number(json!(520)), number(json!(520)), SamePerson::Unknown),
            (number(json!(null)), number(json!(null)), SamePerson::Unknown),
            (number(json!(["5"])), number(json!(["5"])), SamePerson::Unknown),
            (json!({}), json!({}), SamePerson::Unknown),
        ];
        for (one, other, expected) in rows {
            let (a, b) = (claims(&one), claims(&other));
            assert_eq!(compare(&a, &b, SamePersonBy::IdNumber), expected, "{one} {other}");
            assert_eq!(compare(&b, &a, SamePersonBy::IdNumber), expected, "{other} {one}");
        }
    }

    #[test]
    fn by_name_and_birth_date_both_are_equal_and_no_id_number_speaks_against_it() {
        let rows = [
            (json!({"name": "鱼小符", "birth_date": "1990-03-07"}), SamePerson::Same),
            (json!({"name": "鱼小符", "birth_date": "1990-03-07", "id_number": "520103199003070029"}), SamePerson::Same),
            (json!({"name": "鱼小符", "birth_date": "1990-03-07", "id_number": "520103199003070037"}), SamePerson::Different),
            (json!({"name": "鱼小符", "birth_date": "1990-03-08"}), SamePerson::Different),
            (json!({"name": "鱼大符", "birth_date": "1990-03-07"}), SamePerson::Different),
            (json!({"name": "鱼大符"}), SamePerson::Different),
            (json!({"name": "鱼小符"}), SamePerson::Unknown),
            (json!({"birth_date": "1990-03-07"}), SamePerson::Unknown),
            // Equal numbers do not stand in for what the rule asks.
            (json!({"id_number": "520103199003070029"}), SamePerson::Unknown),
        ];
        let one = claims(&json!({"name": " 鱼小符 ", "birth_date": "1990-03-07", "id_number": "520103199003070029"}));
        for (other, expected) in rows {
            let b = claims(&other);
            assert_eq!(compare(&one, &b, SamePersonBy::NameAndBirthDate), expected, "{other}");
            assert_eq!(compare(&b, &one, SamePersonBy::NameAndBirthDate), expected, "{other}");
        }
    }

    #[test]
    fn every_credential_of_a_rule_is_compared_with_every_other() {
        let credentials = ["a", "b"].map(str::to_owned).to_vec();
        let rule = SamePersonRule { credentials, by: SamePersonBy::IdNumber };
        let [one, two, none] = [json!({"id_number": "1"}), json!({"id_number": "2"}), json!({})].map(|value| claims(&value));
        let rows = [
            (vec![("a", &one), ("b", &one)], SamePerson::Same),
            (vec![("a", &one), ("b", &two)], SamePerson::Different),
            (vec![("a", &one), ("b", &one), ("c", &two)], SamePerson::Same),
            (vec![("a", &one), ("b", &one), ("b", &two)], SamePerson::Different),
            // A difference outweighs what cannot be told.
            (vec![("a", &none), ("b", &one), ("b", &two)], SamePerson::Different),
            (vec![("a", &one), ("b", &none)], SamePerson::Unknown),
            (vec![("a", &one)], SamePerson::Unknown),
        ];
        for (at, (shown, expected)) in rows.into_iter().enumerate() {
            assert_eq!(compare_all(&rule, shown), expected, "row {at}");
        }
    }

    #[test]
    fn only_what_differs_is_refused() {
        assert_eq!(SamePerson::Same.reason(), None);
        assert_eq!(SamePerson::Different.reason(), Some(ReasonCode::NotSamePerson));
        assert_eq!(SamePerson::Unknown.reason(), Some(ReasonCode::SamePersonUnknown));
    }
}
