//! What the frames held, examined and decided. Pure but for status and memory, which are asked by the functions given.

use serde_json::Value;

use super::{code::Codes, replay::Proof};
use crate::{
    base::{limits::SHOWN_WITHOUT_CODE_SECONDS, time::Timestamp},
    crypto::{jws, sha256},
    format::{
        dcql::CredentialQuery,
        sdjwt::{KEY_BINDING_TYPE, Unverified},
    },
    model::{
        ids::TokenId,
        reason::{Decision, ReasonCode as Reason},
        statement::{CheckName, Statement},
        use_case::{PICTURES, UseCase, WithoutCode},
    },
    verification::{
        Expectations, Fault, HolderBinding, Part, Rules, StatusAnswer, Trust, compose, compose::nothing_presented, examine,
        lookup::Wanted,
    },
};

/// The audience of a presentation that was made without a code: the wallet does not know where it stands.
pub(super) const ANYWHERE: &str = "urn:yufu:shown";

/// Whose presentation is decided, and by what.
pub(super) struct Asked<'a> {
    pub gate: TokenId,
    pub case: &'a UseCase,
    pub query: &'a CredentialQuery,
    pub codes: &'a Codes,
    pub trust: &'a Trust,
    pub at: Timestamp,
}

/// With what a presentation was made, as it says itself: nobody has checked it, and it only chooses what the presentation
/// will be held to.
enum MadeWith {
    /// The code of a gate: the nonce of this one that it has to have.
    Code(String),
    /// No code, and a nonce of its own.
    Nothing,
}

/// Examines and decides. `take` is asked for the proof of a presentation that passed, and says whether it is taken for the
/// first time; `None` when it cannot tell, and then there is no statement.
pub(super) fn decide(
    text: &str,
    asked: &Asked<'_>,
    rules: &Rules<'_>,
    look_up: &dyn Fn(&Wanted) -> Option<StatusAnswer>,
    take: &dyn Fn(Proof) -> Option<bool>,
) -> Option<Statement> {
    let shows = |name: &&str| Unverified::parse(text).is_ok_and(|one| one.dangerous_unverified_shows(name));
    if PICTURES.iter().any(shows) {
        // On a screen that the holder controls a picture proves nothing, whoever signed it.
        return Some(nothing_presented(fault(CheckName::Format, Reason::PresentationTooLarge, "a picture is in it"), asked.at));
    }
    let proof = text.rsplit_once('~').map(|(_, proof)| proof).unwrap_or_default();
    let made_with = MadeWith::read(proof, asked);
    let examined = examine(text, asked.trust, &made_with.expectations(asked), asked.at);
    let mut part = Part { query_id: Some(asked.query.id.clone()), examined, status: None };
    let mut doubt = None;
    if part.examined.refused().is_none() {
        let signed = proof.rsplit_once('.').map(|(signed, _)| signed).unwrap_or_default();
        if !take(sha256(signed))? {
            // A copy gives nothing to read.
            part.examined.credential.iter_mut().for_each(|credential| credential.claims.clear());
            doubt = Some(fault(CheckName::Nonce, Reason::PresentationReplayed, "it was shown before"));
        } else {
            doubt = made_with.doubt(asked.case);
        }
        if doubt.as_ref().is_none_or(|doubt| doubt.reason.decision() != Decision::Refused) {
            part.status = part.examined.wanted_status().as_ref().and_then(look_up);
        }
    }
    Some(compose(vec![part], doubt, rules, asked.at))
}

fn fault(check: CheckName, reason: Reason, error: &str) -> Fault {
    Fault { check, reason, error: error.to_owned() }
}

impl MadeWith {
    fn read(proof: &str, asked: &Asked<'_>) -> Self {
        let [current, earlier] = asked.codes.good(asked.gate, &asked.case.name, asked.at);
        let claims = jws::Unverified::parse(proof, &[KEY_BINDING_TYPE]).and_then(|proof| proof.dangerous_unverified_claims());
        let says = |name: &str, value: &str| claims.as_ref().is_ok_and(|claims| claims.get(name) == Some(&Value::from(value)));
        if says("aud", ANYWHERE) { Self::Nothing } else { Self::Code(if says("nonce", &earlier) { earlier } else { current }) }
    }

    fn expectations(&self, asked: &Asked<'_>) -> Expectations {
        let longest = asked.case.max_proof_age_seconds;
        // A code that can be photographed shows nothing without the holder's proof, also where a use case asks for none.
        let (nonce, audience, max_proof_age_seconds) = match self {
            Self::Code(nonce) => (Some(nonce.clone()), asked.codes.audience(asked.gate), longest),
            Self::Nothing => (None, ANYWHERE.to_owned(), longest.min(SHOWN_WITHOUT_CODE_SECONDS)),
        };
        let query = Some(asked.query.clone());
        Expectations { max_proof_age_seconds, query, ..Expectations::new(HolderBinding::Required { nonce, audience }) }
    }

    fn doubt(&self, case: &UseCase) -> Option<Fault> {
        let reason = match (self, case.shown_qr) {
            (Self::Code(_), _) => return None,
            (Self::Nothing, Some(WithoutCode::Amber)) => Reason::ShownWithoutRequest,
            (Self::Nothing, Some(WithoutCode::Refused) | None) => Reason::NonceMismatch,
        };
        Some(fault(CheckName::Nonce, reason, "it was made without the code of a gate"))
    }
}
