//! A card as it is drawn, and as it stands.

use crate::{
    base::time::Timestamp,
    http::{State, citizen::page::Visitor, page::Language},
    model::{
        card::{Card, State as CardState},
        person::{Person, civil_date},
    },
};

/// Characters of an ID number that are shown.
const SHOWN: usize = 4;

/// How a card stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// It can be shown.
    Good,
    /// It cannot be shown for now.
    Suspended,
    /// Its time is over, and the wallet has not renewed it.
    Expired,
    /// It can never be shown again.
    Revoked,
}

/// What is drawn of a card.
pub(super) struct Face {
    pub id: String,
    /// The name of its type, for its colours and its mark.
    pub kind: String,
    pub title: String,
    pub holder: String,
    /// The end of the ID number.
    pub number: String,
    pub valid_until: String,
    pub standing: Standing,
    /// In a word or two.
    pub word: String,
}

impl Standing {
    /// How a card stands at `now`.
    pub(super) fn of(card: &Card, now: Timestamp) -> Self {
        match card.state {
            CardState::Revoked => Self::Revoked,
            CardState::Suspended => Self::Suspended,
            CardState::Active if card.valid_until <= now => Self::Expired,
            CardState::Active => Self::Good,
        }
    }

    /// Whether it is a thing of the past.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked)
    }

    /// Its name in style sheets.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Face {
    /// The face of a card of this person.
    pub(super) fn of(visitor: &Visitor, state: &State, person: &Person, card: &Card) -> Self {
        let standing = Standing::of(card, state.clock.now());
        let word = match standing {
            Standing::Good => visitor.say("有效", "Good"),
            Standing::Suspended => visitor.say("已暂停", "Suspended"),
            Standing::Expired => visitor.say("已过期", "Expired"),
            Standing::Revoked => visitor.say("已注销", "Revoked"),
        };
        let number = person.id_number.as_str();
        Self {
            id: card.id.to_string(),
            kind: card.credential_type.clone(),
            title: title(visitor, state, &card.credential_type),
            holder: person.name.clone(),
            number: number.chars().skip(number.len().saturating_sub(SHOWN)).collect(),
            valid_until: day_on_card(visitor, card.valid_until.plus_seconds(-1)),
            standing,
            word: word.to_owned(),
        }
    }
}

/// A day as cards have it: short.
fn day_on_card(visitor: &Visitor, at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Some(date) = civil_date(at) else { return String::new() };
    let (year, month, day) = (date.year(), date.month(), date.day());
    let name = MONTHS.get(usize::from(month).saturating_sub(1)).copied().unwrap_or_default();
    match visitor.language {
        Language::Chinese => format!("{year}.{month:02}.{day:02}"),
        Language::English => format!("{day} {name} {year}"),
    }
}

/// What people call a type.
pub(super) fn title(visitor: &Visitor, state: &State, name: &str) -> String {
    state.types.get(name).map_or(name, |of| visitor.text(&of.title)).to_owned()
}
