//! A card as the pages draw it.

use crate::{
    http::citizen::page::Visitor,
    model::{
        credential_type::{CredentialType, Ineligible},
        id_number::IdNumber,
        person::{Person, PersonState},
    },
};

/// A card of a type, as `citizen/card.html` draws it.
pub(in crate::http) struct DrawnCard {
    /// The name of the type, which gives its colours and its logo.
    pub(in crate::http) name: String,
    /// What people call it.
    pub(in crate::http) title: String,
    /// What stands in it, in words.
    pub(in crate::http) contents: String,
    /// Whose, as far as it is shown.
    pub(in crate::http) holder: Option<Holder>,
}

/// Whose a card is, so that people see it is their own and others over their shoulder learn little.
#[derive(Clone)]
pub(in crate::http) struct Holder {
    /// The name.
    pub(in crate::http) name: String,
    /// The number without its middle.
    pub(in crate::http) number: String,
}

impl Holder {
    /// Of a person.
    pub(in crate::http) fn of(person: &Person) -> Self {
        Self { name: person.name.clone(), number: masked(&person.id_number) }
    }
}

impl DrawnCard {
    /// A card of this type in the language of the page.
    pub(in crate::http) fn of(visitor: &Visitor, of: &CredentialType, holder: Option<Holder>) -> Self {
        let top = of.claims.iter().filter(|claim| claim.path.len() == 1);
        let labels: Vec<&str> = top.map(|claim| visitor.text(&claim.label)).collect();
        Self {
            name: of.name.clone(),
            title: visitor.text(&of.title).to_owned(),
            contents: labels.join(visitor.say("、", ", ")),
            holder,
        }
    }
}

/// The number without the birth date and most of the sequence.
fn masked(number: &IdNumber) -> String {
    let text = number.as_str();
    format!("{}··········{}", text.get(..6).unwrap_or_default(), text.get(16..).unwrap_or_default())
}

/// Why a person cannot be issued a type, to that person.
pub(in crate::http) fn why_not(visitor: &Visitor, reason: &Ineligible) -> String {
    match reason {
        Ineligible::PersonNotActive(PersonState::MovedAway) => visitor
            .say("登记显示您已迁出本省，请在现居住地申领。", "You are registered as living elsewhere; apply there.")
            .to_owned(),
        Ineligible::PersonNotActive(_) => {
            visitor.say("登记状态不允许签发。", "Your registration does not allow it.").to_owned()
        }
        Ineligible::NoQualification => {
            visitor.say("没有登记您的此项资格。", "You are not registered with this qualification.").to_owned()
        }
        Ineligible::QualificationNotValid { valid_from, valid_until } => visitor
            .say("您的此项资格有效期为 {from} 至 {until}。", "Your qualification is valid from {from} to {until}.")
            .replace("{from}", &visitor.date(*valid_from))
            .replace("{until}", &visitor.date(*valid_until)),
        Ineligible::ClaimMissing(_) => visitor
            .say("登记信息不完整，请到窗口补充。", "Your registration is incomplete; a counter can complete it.")
            .to_owned(),
    }
}
