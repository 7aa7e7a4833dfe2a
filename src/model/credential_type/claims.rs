//! From a person to the claims of a credential.

use serde_json::{Map, Value};

use crate::{
    base::time::{Date, Timestamp},
    model::{
        credential_type::{Claim, CredentialType, Disclosure, PathStep, PersonField, QualificationField, Requirement, Source},
        person::{Person, PersonState, Qualification},
    },
};

const SECONDS_A_DAY: i64 = 24 * 3600;

/// Why a person is not issued a type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Ineligible {
    /// The person died or lives elsewhere.
    #[error("the person is {}", .0.name())]
    PersonNotActive(PersonState),
    /// The person has no qualification of this type.
    #[error("the person has no qualification for this type")]
    NoQualification,
    /// There is one, but not on this day: it ended, or has not begun.
    #[error("the qualification is valid from {valid_from} to {valid_until}")]
    QualificationNotValid {
        /// First day of validity.
        valid_from: Date,
        /// Last day of validity.
        valid_until: Date,
    },
    /// A claim every credential of the type has is not in the register.
    #[error("the register lacks {0}")]
    ClaimMissing(String),
}

/// What goes into a credential beside the issuer's own claims.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimSet {
    /// The claims.
    pub claims: Map<String, Value>,
    /// The paths that become disclosures, outer ones first. Each names something in `claims`.
    pub disclosable: Vec<Vec<PathStep>>,
    /// First second of validity: the beginning of the UTC day, so that copies fetched at different hours look alike.
    pub valid_from: Timestamp,
    /// First second after validity.
    pub valid_until: Timestamp,
}

impl CredentialType {
    /// Whether `person` can be issued this type on the civil day; the qualification it rests on, if it needs one.
    pub fn eligible<'a>(&self, person: &'a Person, day: Date) -> Result<Option<&'a Qualification>, Ineligible> {
        if person.state != PersonState::Active {
            return Err(Ineligible::PersonNotActive(person.state));
        }
        let qualification = match self.requires {
            Requirement::ActivePerson => None,
            Requirement::Qualification => Some(self.qualification(person, day)?),
        };
        for claim in self.claims.iter().filter(|claim| claim.mandatory && claim.source != Source::Group) {
            let known = match &claim.source {
                Source::Person(field) => person_value(*field, person).is_some(),
                Source::Qualification(field) => qualification.and_then(|q| qualification_value(field, q)).is_some(),
                _ => true,
            };
            if !known {
                return Err(Ineligible::ClaimMissing(path_text(&claim.path)));
            }
        }
        Ok(qualification)
    }

    fn qualification<'a>(&self, person: &'a Person, day: Date) -> Result<&'a Qualification, Ineligible> {
        if let Some(qualification) = person.qualification(&self.name, day) {
            return Ok(qualification);
        }
        let latest = person.qualifications.iter().filter(|q| q.credential_type == self.name).max_by_key(|q| q.valid_until);
        Err(latest.map_or(Ineligible::NoQualification, |q| Ineligible::QualificationNotValid {
            valid_from: q.valid_from,
            valid_until: q.valid_until,
        }))
    }

    /// The claims of a credential for `person`, issued at `now`, which is on the civil day `day`. The copies end with the
    /// qualification they rest on.
    pub fn claim_set(&self, person: &Person, now: Timestamp, day: Date) -> Result<ClaimSet, Ineligible> {
        let qualification = self.eligible(person, day)?;
        let valid_from = Timestamp::from_unix(now.unix().div_euclid(SECONDS_A_DAY) * SECONDS_A_DAY);
        let mut valid_until = valid_from.plus_seconds(i64::from(self.validity_days) * SECONDS_A_DAY);
        if let Some(qualification) = qualification {
            // The last day in China ends eight hours before the last day in UTC does: the earlier end is the safe one.
            let end = qualification.valid_until.start().plus_seconds(SECONDS_A_DAY - 8 * 3600);
            valid_until = valid_until.min(end);
        }
        let last_day = valid_until.plus_seconds(-1).date().unwrap_or(day);
        let mut claims = Map::new();
        for claim in &self.claims {
            let value = match &claim.source {
                Source::Group => None,
                Source::Person(field) => person_value(*field, person),
                Source::AgeOver(years) => Some((person.birth_date.full_years_until(day) >= i32::from(*years)).into()),
                Source::Qualification(field) => qualification.and_then(|q| qualification_value(field, q)),
                Source::Text(text) => Some(text.as_str().into()),
                Source::IssuedOn => Some(day.to_string().into()),
                Source::ValidUntil => Some(last_day.to_string().into()),
            };
            if let Some(value) = value {
                put(&mut claims, &claim.path, value);
            }
        }
        let hidden = self.claims.iter().filter(|claim| claim.disclosure != Disclosure::Never);
        let mut disclosable: Vec<_> = hidden.filter(|claim| stands(&claims, claim)).map(|claim| claim.path.clone()).collect();
        disclosable.sort_by_key(Vec::len);
        Ok(ClaimSet { claims, disclosable, valid_from, valid_until })
    }
}

fn person_value(field: PersonField, person: &Person) -> Option<Value> {
    use PersonField as P;
    Some(match field {
        P::IdNumber => person.id_number.as_str().into(),
        P::Name => person.name.as_str().into(),
        P::FamilyName => person.family_name.as_str().into(),
        P::GivenName => person.given_name.as_str().into(),
        P::LatinFamilyName => person.latin_family_name.as_str().into(),
        P::LatinGivenName => person.latin_given_name.as_str().into(),
        P::Sex => person.sex.name().into(),
        P::Ethnicity => person.ethnicity.as_str().into(),
        P::BirthDate => person.birth_date.to_string().into(),
        P::Region => person.address.region.as_str().into(),
        P::Locality => person.address.locality.as_str().into(),
        P::StreetAddress => person.address.street_address.as_str().into(),
        P::Portrait => person.portrait.as_deref()?.into(),
    })
}

fn qualification_value(field: &QualificationField, qualification: &Qualification) -> Option<Value> {
    Some(match field {
        QualificationField::Number => qualification.number.as_str().into(),
        QualificationField::ValidFrom => qualification.valid_from.to_string().into(),
        QualificationField::ValidUntil => qualification.valid_until.to_string().into(),
        QualificationField::Data(name) => qualification.data.get(name).filter(|value| !value.is_null())?.clone(),
    })
}

/// Puts a value under its path; the file was checked, so every step but the last leads into a group.
fn put(claims: &mut Map<String, Value>, path: &[PathStep], value: Value) {
    match path {
        [PathStep::Name(last)] => {
            claims.insert(last.clone(), value);
        }
        [PathStep::Name(name), rest @ ..] => {
            let inner = claims.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
        _ => {}
    }
}

/// Whether the claim's path selects something.
fn stands(claims: &Map<String, Value>, claim: &Claim) -> bool {
    let Some((PathStep::Name(first), rest)) = claim.path.split_first() else { return false };
    let mut here = claims.get(first);
    for step in rest {
        here = match step {
            PathStep::Name(name) => here.and_then(|value| value.get(name)),
            PathStep::Every => here.and_then(|value| value.get(0)),
        };
    }
    here.is_some()
}

/// A path in words: `address.region`, `vehicle_classes.*`.
pub(super) fn path_text(path: &[PathStep]) -> String {
    let steps: Vec<_> = path.iter().map(|step| if let PathStep::Name(name) = step { name } else { "*" }).collect();
    steps.join(".")
}
