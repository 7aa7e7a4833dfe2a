//! The claims a verifier decides by: their names and their forms.

use serde_json::{Map, Value};

use crate::base::time::Timestamp;

/// Claims that are never selectively disclosable, neither whole nor in part (SD-JWT VC section 2.2.2.3). `sub` and `iat`
/// may be.
pub const REGISTERED: [&str; 8] = ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];

/// Why the claims do not form a credential (SD-JWT VC section 2.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClaimFormError {
    /// The claim is required and not there.
    #[error("claim {0} is missing")]
    Missing(&'static str),
    /// The claim is there, but not of the type the standard gives it.
    #[error("claim {0} has the wrong form")]
    Malformed(&'static str),
}

/// The registered claim of this name, if it is one.
pub(super) fn registered(name: &str) -> Option<&'static str> {
    REGISTERED.into_iter().find(|registered| *registered == name)
}

/// Holds the forms of SD-JWT VC section 2.2.2: `vct` a non-empty string, required; the others, where present, of their
/// type. Whether a time has passed, and who the issuer is, is for the caller to judge.
pub(super) fn check_forms(claims: &Map<String, Value>) -> Result<(), ClaimFormError> {
    let vct = claims.get("vct").ok_or(ClaimFormError::Missing("vct"))?;
    for name in REGISTERED.into_iter().chain(["iat"]) {
        let Some(value) = claims.get(name) else { continue };
        let good = match name {
            "iat" | "nbf" | "exp" => numeric_date(value).is_some(),
            "cnf" | "status" => value.is_object(),
            "aka_vcts" => value.as_array().is_some_and(|types| !types.is_empty() && types.iter().all(is_text)),
            _ => is_text(value),
        };
        if !good {
            return Err(ClaimFormError::Malformed(name));
        }
    }
    // Section 2.2.2.2: the further types do not repeat the first.
    match claims.get("aka_vcts").and_then(Value::as_array) {
        Some(types) if types.contains(vct) => Err(ClaimFormError::Malformed("aka_vcts")),
        _ => Ok(()),
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// Reads a `NumericDate` (RFC 7519 section 2), whose fraction of a second is cut off downwards; `None` when it is no
/// number, or beyond what 2^53 seconds can say.
pub fn numeric_date(value: &Value) -> Option<Timestamp> {
    const LAST: i64 = 1 << 53;
    let seconds = match (value.as_i64(), value.as_f64()) {
        (Some(whole), _) => whole,
        (None, Some(fraction)) if fraction.abs() <= LAST as f64 => fraction.floor() as i64,
        _ => return None,
    };
    (-LAST..=LAST).contains(&seconds).then(|| Timestamp::from_unix(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_of_registered_claims_are_held() {
        let check = |value: Value| check_forms(value.as_object().expect("an object"));
        let good =
            json!({"vct": "urn:a", "iss": "https://a", "exp": 1, "nbf": 1.5, "cnf": {}, "status": {}, "aka_vcts": ["urn:b"]});
        assert_eq!(check(good), Ok(()));
        assert_eq!(check(json!({"iss": "https://a"})), Err(ClaimFormError::Missing("vct")));
        for (name, bad) in [
            ("vct", json!(7)),
            ("vct", json!("")),
            ("iss", json!(["https://a"])),
            ("exp", json!("1")),
            ("exp", json!(1e300)),
            ("exp", json!(null)),
            ("nbf", json!(u64::MAX)),
            ("iat", json!({})),
            ("cnf", json!("key")),
            ("status", json!([])),
            ("vct#integrity", json!(1)),
            ("aka_vcts", json!([])),
            ("aka_vcts", json!([1])),
            ("aka_vcts", json!(["urn:a"])),
        ] {
            let mut claims = json!({"vct": "urn:a"});
            claims[name] = bad.clone();
            assert_eq!(check(claims), Err(ClaimFormError::Malformed(name)), "{name}: {bad}");
        }
    }

    #[test]
    fn a_numeric_date_loses_its_fraction_downwards() {
        for (value, seconds) in [(json!(1.9), Some(1)), (json!(-0.5), Some(-1)), (json!(7), Some(7)), (json!(true), None)] {
            assert_eq!(numeric_date(&value).map(Timestamp::unix), seconds, "{value}");
        }
    }
}
