//! A presentation that a wallet shows as QR codes, decided at a gate (`docs/PRESENTATION-QR.md`; no standard covers it).
//!
//! The gate shows a short-lived code, which the wallet takes as nonce. Without it a presentation is never better than
//! undetermined, and only where the use case takes it at all. Each presentation is taken once.

mod code;
mod decide;
mod replay;

use std::sync::Arc;

pub use code::ShownCode;

use code::Codes;
use replay::{Replays, Taken};

use serde_json::Value;

use super::{
    Rules, Statuses, Trust,
    boarding::ExpectedFlight,
    evidence::{Evidence, Keeping},
    lookup::Wanted,
};
use crate::{
    base::clock::Clock,
    format::{
        boarding_pass::{BoardingPass, BoardingPassError},
        presentation_qr::{self, PresentationQrError},
    },
    keyring::Keyring,
    model::{
        ids::TokenId,
        statement::Statement,
        use_case::{BoardingPassRule, EvidenceRule, UseCase, UseCases},
    },
    store::Store,
};

/// What the service stands on.
pub struct Ground {
    /// What checkpoints may ask for.
    pub use_cases: Arc<UseCases>,
    /// Whom we believe.
    pub trust: Arc<Trust>,
    /// Looks statuses up.
    pub statuses: Arc<Statuses>,
    /// Keeps evidence.
    pub evidence: Evidence,
    /// The accounts of checkpoints, and what was taken already.
    pub store: Arc<dyn Store>,
    /// Tells lifetimes.
    pub clock: Arc<dyn Clock>,
    /// Makes codes.
    pub keyring: Arc<Keyring>,
    /// The public URL, which a gate's identifier begins with.
    pub public_url: String,
}

/// What a gate has read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ShownOrder {
    /// The use case.
    pub use_case: String,
    /// The texts of the QR codes, in any order, each once or more.
    pub frames: Vec<String>,
    /// The text of the bar code on a boarding pass.
    pub boarding_pass: Option<String>,
    /// The flight that is boarded here, where the gate knows.
    pub expected_flight: Option<ExpectedFlight>,
}

/// Why there is neither code nor decision. It says nothing of a card.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ShownError {
    /// There is no such use case.
    #[error("there is no such use case")]
    UseCaseUnknown,
    /// The account is limited to other use cases.
    #[error("this checkpoint is not registered for this use case")]
    UseCaseNotAllowed,
    /// The use case takes no presentation shown as QR codes, or asks for several cards, which one is too small for.
    #[error("this use case takes no presentation shown as QR codes")]
    NotTaken,
    /// The frames are not those of one presentation.
    #[error(transparent)]
    Frames(#[from] PresentationQrError),
    /// The use case takes no boarding pass.
    #[error("this use case takes no boarding pass")]
    BoardingPassNotTaken,
    /// The boarding pass cannot be read.
    #[error(transparent)]
    BoardingPass(#[from] BoardingPassError),
    /// So many were taken lately that no more can be remembered.
    #[error("more presentations than can be remembered")]
    Full,
}

/// Decides on presentations shown as QR codes.
pub struct ShownPresentations {
    ground: Ground,
    codes: Codes,
    replays: Replays,
}

impl ShownPresentations {
    /// None taken yet.
    pub fn new(ground: Ground) -> Self {
        let codes = Codes { keyring: Arc::clone(&ground.keyring), public_url: ground.public_url.clone() };
        Self { ground, codes, replays: Replays::default() }
    }

    /// The code that this checkpoint shows now for a use case.
    pub fn code(&self, who: TokenId, use_case: &str) -> Result<ShownCode, ShownError> {
        self.use_case(who, use_case)?;
        Ok(self.codes.at(who, use_case, self.ground.clock.now()))
    }

    /// The decision on what this checkpoint read. A decision of any kind is `Ok`; one that is not refused takes the
    /// presentation, here and at every other gate.
    pub fn decide(&self, who: TokenId, order: &ShownOrder) -> Result<Statement, ShownError> {
        let case = self.use_case(who, &order.use_case)?;
        let pass = order.boarding_pass.as_deref();
        if pass.is_some() && case.boarding_pass == BoardingPassRule::None {
            return Err(ShownError::BoardingPassNotTaken);
        }
        let pass = pass.map(BoardingPass::parse).transpose()?;
        let text = presentation_qr::collect(order.frames.iter().map(String::as_str))?;
        // One presentation is all that there is room for.
        let [query] = case.query_shown().credentials.as_slice() else { return Err(ShownError::NotTaken) };
        let (clock, trust) = (&self.ground.clock, self.ground.trust.of_use_case(case));
        let (codes, at, now) = (&self.codes, clock.now(), clock.monotonic());
        let asked = decide::Asked { gate: who, case, query, codes, trust: &trust, at };
        let rules = Rules::of(Some(case), pass.as_ref(), order.expected_flight.as_ref());
        let take = |proof: replay::Proof| match self.replays.take(who, proof, now) {
            Taken::First => Some(replay::take_in(&*self.ground.store, proof, at)),
            Taken::Again => Some(false),
            Taken::Full => None,
        };
        let look_up = |wanted: &Wanted| self.ground.statuses.look_up(wanted, &trust);
        let mut statement = decide::decide(&text, &asked, &rules, &look_up, &take).ok_or(ShownError::Full)?;
        self.keep(who, case, &mut statement, text);
        Ok(statement)
    }

    fn use_case(&self, who: TokenId, name: &str) -> Result<&UseCase, ShownError> {
        // Whether there is one of that name is no business of an account that may not use it.
        if !self.ground.store.roster().account(who).allows(name) {
            return Err(ShownError::UseCaseNotAllowed);
        }
        let case = self.ground.use_cases.get(name).ok_or(ShownError::UseCaseUnknown)?;
        if case.shown_qr.is_some() && case.credentials.len() == 1 { Ok(case) } else { Err(ShownError::NotTaken) }
    }

    /// Keeps evidence of a decision, if its use case says so. That it could not be kept stands in the statement.
    fn keep(&self, who: TokenId, case: &UseCase, statement: &mut Statement, presentation: String) {
        let Some(EvidenceRule { days }) = case.evidence else { return };
        let keeping = Keeping { checkpoint: who, use_case: &case.name, days };
        if let Err(error) = self.ground.evidence.keep(keeping, statement, Value::from(presentation)) {
            tracing::error!(%error, "evidence was not kept");
        }
    }
}

#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;
