//! Publication by the nodes of one service. Who holds the lease signs what is due and shelves it, the others take it up
//! from the shelf and serve the same bytes under the same tag. The lease saves work; what keeps lists from going back is
//! the shelf, which takes nothing that is older in date or in events than what lies there.
//!
//! A node that does not reach the others signs nothing: its board may miss what they revoked, and a new date on it would
//! say that it does not. It goes on serving the lists it has, which expire.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{PublishError, Published, Publisher, Version, is_due, keep, last_iat::LastIat};
use crate::{
    base::time::Timestamp,
    format::status::{Expectation, Unverified},
    store::{
        ReadError, Store,
        together::{Shelved, Together},
        watch::Pace,
    },
};

/// The lease of the node that signs.
const LEASE: &str = "publication";

/// How long a node signs alone, counted from the last list it signed. When it dies the others wait that long.
const LEASE_LASTS: Duration = Duration::from_secs(3);

/// How old the newest word from the other nodes may be when a list is signed: the second that a change may take to be
/// published.
const LONGEST_LAG: Duration = Duration::from_secs(1);

/// A node whose lists are as they should be looks at the shelf this often for those that were only renewed.
const CALM: Pace = Pace { busy: Duration::from_millis(100), idle: Duration::from_secs(1) };

/// A node that waits for a list of another one looks this often.
const WAITING: Pace = Pace { busy: Duration::from_millis(100), idle: Duration::from_millis(100) };

/// After signing, changes are gathered as on a single node.
const SIGNING: Pace = Pace { busy: super::PACE.busy, idle: CALM.idle };

/// What a round works with.
pub(super) struct AmongNodes<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) together: &'a dyn Together,
    /// The last event known to stand on the board, read before the round.
    pub(super) shown: u64,
    pub(super) now: Timestamp,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Round {
    /// Lists signed here.
    pub(super) signed: usize,
    /// Whether a list is due that was neither signed here nor found on the shelf.
    pub(super) waits: bool,
}

impl Round {
    /// When the next round should be.
    pub(super) const fn pace(&self) -> Pace {
        match self {
            Self { waits: true, .. } => WAITING,
            Self { signed: 0, .. } => CALM,
            Self { .. } => SIGNING,
        }
    }
}

impl Publisher {
    /// One round; see [`Publisher::publish`]. When `first` is set, lists that have no version yet are signed without the
    /// lease too: somebody waits for one.
    pub(super) fn publish_among_nodes(&self, among: &AmongNodes<'_>, first: bool) -> Result<Round, PublishError> {
        if !among.store.board().is_complete() {
            return Ok(Round::default());
        }
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.take_up(among, &mut round).and_then(|()| self.sign_due(among, &mut round, first));
        let done = match done {
            // Two nodes were asked for the same first version at once: the other one's is there by now.
            Ok(Ok(Round { waits: true, .. })) if first => self.take_up(among, &mut round).and(done),
            done => done,
        };
        let cut_off = self.cut_off.swap(done.is_err(), Ordering::AcqRel);
        match done {
            Ok(done) => {
                if cut_off {
                    tracing::info!("the other nodes are reached again: status lists are published");
                }
                done
            }
            Err(error) => {
                if !cut_off {
                    tracing::error!(%error, "the other nodes are not reached: status lists are served as they are");
                }
                Ok(Round::default())
            }
        }
    }

    /// Puts newer lists of other nodes in the place of those here.
    fn take_up(&self, among: &AmongNodes<'_>, round: &mut Option<LastIat>) -> Result<(), ReadError> {
        loop {
            let have: Vec<_> = {
                let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
                versions.iter().map(|(id, version)| (*id, version.published.signed_at, version.last_change)).collect()
            };
            let mut taken = 0;
            for shelved in among.together.shelved(&have)? {
                let Some(version) = self.version_of(&shelved) else {
                    tracing::error!(list = %shelved.list, "a list of another node is not signed by our key, and is not served");
                    continue;
                };
                // The next process here, perhaps without that database, dates none before it.
                keep(round, shelved.signed_at);
                self.versions.write().unwrap_or_else(PoisonError::into_inner).insert(shelved.list, version);
                taken += 1;
            }
            // There may be more of them; each is newer than the one before, so this ends.
            if taken == 0 {
                return Ok(());
            }
        }
    }

    /// A list from the shelf, checked: whatever else the database holds, what is served as ours was signed by us.
    pub(super) fn version_of(&self, shelved: &Shelved) -> Option<Version> {
        let uri = shelved.list.uri(&self.public_url);
        let expected = Expectation { uri: &uri, at: shelved.signed_at, newest_seen: None };
        let token = Unverified::parse(&shelved.token).and_then(|token| token.verify(self.signer.public_key(), &expected));
        let claims = token.ok()?.claims;
        if claims.iat != shelved.signed_at || claims.exp != Some(shelved.expires_at) {
            return None;
        }
        let published = Published::new(shelved.token.to_string(), shelved.signed_at, shelved.expires_at).ok()?;
        let (last_change, shown) = (shelved.last_change, shelved.shown);
        Some(Version { published: Arc::new(published), lst: claims.lst.into(), last_change, shown })
    }

    /// Signs and shelves what is due, if this node is the one to do it.
    fn sign_due(
        &self,
        among: &AmongNodes<'_>,
        round: &mut Option<LastIat>,
        first: bool,
    ) -> Result<Result<Round, PublishError>, ReadError> {
        let AmongNodes { store, together, shown, now } = *among;
        let due = |last: Option<&Version>, list: &_| is_due(last, list, shown, now);
        let lists = store.board().lists().into_iter().map(|(id, list)| (id, list, self.version(id)));
        let lists: Vec<_> = lists.filter(|(_, list, last)| due(last.as_ref(), list)).collect();
        if lists.is_empty() {
            return Ok(Ok(Round::default()));
        }
        if store.lag() > LONGEST_LAG {
            return Err(ReadError::Unavailable);
        }
        let leads = together.lease(LEASE, LEASE_LASTS)?;
        let (mut done, mut failed) = (Round::default(), None);
        for (id, list, last) in lists {
            let may = leads || first && last.is_none();
            // A board that has not heard of what is published has nothing to add, and while an event is half on the board
            // it is no time to copy it: the half would go out to all nodes.
            let is_behind = last.as_ref().is_some_and(|last| list.last_change() < last.last_change);
            if !may || is_behind || list.last_change() > shown {
                done.waits = true;
                continue;
            }
            keep(round, now);
            match self.sign(id, &list, last.as_ref(), shown, now) {
                Ok(version) if together.shelve(&version.shelved(id))? => {
                    self.versions.write().unwrap_or_else(PoisonError::into_inner).insert(id, version);
                    done.signed += 1;
                }
                // Another node has signed a newer one meanwhile; it is taken up in the next round.
                Ok(_) => done.waits = true,
                Err(cause) => failed = failed.or(Some(PublishError { list: id, cause })),
            }
        }
        Ok(failed.map_or(Ok(done), Err))
    }
}

impl Version {
    fn shelved(&self, list: crate::model::ids::ListId) -> Shelved {
        Shelved {
            list,
            token: self.published.jwt.as_str().into(),
            signed_at: self.published.signed_at,
            expires_at: self.published.expires_at,
            last_change: self.last_change,
            shown: self.shown,
        }
    }
}
