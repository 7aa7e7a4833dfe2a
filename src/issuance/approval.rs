//! What officers say to cards that were asked for and wait (OpenID4VCI 1.0 section 9).

use crate::{
    issuance::{Fault, Ground},
    model::{
        deferred::{DeferredIssuance, Word},
        event::{EventDraft, What},
        ids::DeferredId,
        party::{Authority, Capability, NotAllowed},
        record::{Commit, Guard, Key, Query, Record, Write},
    },
    store::CommitError,
};

/// Why nothing was decided.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ApprovalError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No such issuance waits, or waited.
    #[error("there is no such issuance")]
    NotFound,
    /// It was decided before, or is past its time.
    #[error("the issuance was decided already, or is past its time")]
    Decided,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A page of what waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitingPage {
    /// What waits.
    pub waiting: Vec<DeferredIssuance>,
    /// Where the next page begins.
    pub next: Option<Vec<u8>>,
}

/// The officers' desk.
#[derive(Clone)]
pub struct Approvals {
    ground: Ground,
}

impl Approvals {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// What waits and is not past its time.
    pub fn waiting(&self, authority: &Authority, after: Option<&[u8]>, limit: usize) -> Result<WaitingPage, ApprovalError> {
        authority.require(Capability::DecideIssuance)?;
        let now = self.ground.clock.now();
        let page = self.ground.store.find(&Query::Deferred, after, limit).map_err(Fault::from)?;
        let waiting = page.records.into_iter().filter_map(|record| match record.value {
            Record::Deferred(deferred) if now < deferred.expires_at => Some(deferred),
            _ => None,
        });
        Ok(WaitingPage { waiting: waiting.collect(), next: page.next })
    }

    /// Says yes or no, once. The event says of which type and by whom; of whom, stands only in the store.
    pub fn decide(&self, authority: &Authority, id: DeferredId, approved: bool) -> Result<DeferredIssuance, ApprovalError> {
        authority.require(Capability::DecideIssuance)?;
        let Authority::Operator(operator) = authority else { return Err(NotAllowed.into()) };
        let found = self.ground.deferred(id)?.ok_or(ApprovalError::NotFound)?;
        let at = self.ground.clock.now();
        if found.value.word != Word::Waiting || at >= found.value.expires_at {
            return Err(ApprovalError::Decided);
        }
        let by = operator.token();
        let word = if approved { Word::Approved { by } } else { Word::Denied { by } };
        let decided = DeferredIssuance { word, ..found.value };
        let what = What::IssuanceDecided { credential_type: decided.configuration.clone(), approved };
        let commit = Commit {
            guards: vec![Guard::Version(Key::Deferred(id), found.version)],
            writes: vec![Write::Put(Record::Deferred(decided.clone()))],
            events: vec![EventDraft { at, actor: authority.actor(), what }],
            ..Commit::default()
        };
        match self.ground.store.commit(commit) {
            Ok(_) => Ok(decided),
            // Only a decision changes it, or its end.
            Err(CommitError::GuardFailed(_)) => Err(ApprovalError::Decided),
            Err(error) => Err(Fault::from(error).into()),
        }
    }
}
