//! The commit that answers a request, put together from its parts.

use super::{CredentialError, order::Ordered};
use crate::{
    issuance::{Ground, Registered, caller::Spending, grant::AccessError, nonce::FreshNonce, proof::ProofError},
    model::{
        grant::Grant,
        record::{Commit, Guard, Key, LeadsTo, OneTime, Record, Versioned, Write},
    },
    store::CommitError,
};

/// A commit that grows part by part, and knows what it means when a guard of it fails.
pub(in crate::issuance) struct Draft {
    commit: Commit,
    /// Guards before this one are settled by beginning anew.
    nonces_from: usize,
    /// Guards from this one on are of values shown with the access token.
    spending_from: usize,
    spending: Spending,
}

/// Why a draft was not committed.
pub(in crate::issuance) enum NotCommitted {
    /// Somebody was faster: what they left decides.
    Anew,
    /// It cannot be.
    Failed(CredentialError),
}

impl Draft {
    /// Over a grant and a person as they were read.
    pub(in crate::issuance) fn over(grant: &Versioned<Grant>, person: &Registered) -> Self {
        let guards = vec![
            Guard::Version(Key::Grant(grant.value.id), grant.version),
            Guard::Version(Key::Person(person.id), person.version),
        ];
        Self::of(guards)
    }

    /// Over these guards.
    pub(in crate::issuance) fn of(guards: Vec<Guard>) -> Self {
        let count = guards.len();
        Self {
            commit: Commit { guards, ..Commit::default() },
            nonces_from: count,
            spending_from: count,
            spending: Spending::default(),
        }
    }

    /// With more that has to be as it was read; before nonces are added.
    pub(in crate::issuance) fn holding(mut self, guards: impl IntoIterator<Item = Guard>) -> Self {
        self.commit.guards.extend(guards);
        self.nonces_from = self.commit.guards.len();
        self.spending_from = self.nonces_from;
        self
    }

    /// With records written.
    pub(in crate::issuance) fn writing(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.commit.writes.extend(writes);
        self
    }

    /// With copies ordered.
    pub(in crate::issuance) fn ordering(self, ordered: Ordered) -> Self {
        let mut with = self.holding(ordered.guards).writing(ordered.writes);
        with.commit.issue.push(ordered.issue);
        with.commit.events.extend(ordered.events);
        with
    }

    /// With nonces used up.
    pub(in crate::issuance) fn using(mut self, nonces: &[FreshNonce]) -> Self {
        self.commit.guards.extend(nonces.iter().map(|nonce| Guard::Absent(Key::OneTime(nonce.key))));
        self.spending_from = self.commit.guards.len();
        self.writing(nonces.iter().map(|nonce| {
            let used = OneTime { key: nonce.key, leads_to: LeadsTo::Used, expires_at: nonce.expires_at };
            Write::Put(Record::OneTime(used))
        }))
    }

    /// With what was shown with the access token used up; last.
    pub(in crate::issuance) fn spending(mut self, spending: &Spending) -> Self {
        self.commit.guards.extend(spending.guards());
        self.spending = spending.clone();
        self.writing(spending.writes())
    }
}

impl Ground {
    /// Commits a draft; gives what was issued.
    pub(in crate::issuance) fn commit(&self, draft: Draft) -> Result<Vec<crate::model::card::Card>, NotCommitted> {
        let Draft { commit, nonces_from, spending_from, spending } = draft;
        match self.store.commit(commit) {
            Ok(receipt) => Ok(receipt.issued),
            Err(CommitError::GuardFailed(guard)) if guard >= spending_from => {
                Err(NotCommitted::Failed(AccessError::from(spending.replayed(guard - spending_from)).into()))
            }
            Err(CommitError::GuardFailed(guard)) if guard >= nonces_from => {
                Err(NotCommitted::Failed(ProofError::NonceNotGood.into()))
            }
            Err(CommitError::GuardFailed(_)) => Err(NotCommitted::Anew),
            Err(error) => Err(NotCommitted::Failed(crate::issuance::Fault::from(error).into())),
        }
    }
}

impl<E: Into<CredentialError>> From<E> for NotCommitted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
