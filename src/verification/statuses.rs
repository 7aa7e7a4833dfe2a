//! The status of a credential, wherever it stands: on our own board, or in the list of another issuer.

use std::sync::Arc;

use super::{
    foreign_lists::ForeignLists,
    lookup::{StatusAnswer, Wanted, on_own_board},
    trust::Trust,
};
use crate::{
    base::{clock::Clock, time::Timestamp},
    outbound::FetchForeign,
    store::Store,
};

/// Looks statuses up between [`examine`](super::examine()) and [`decide`](super::decide()).
pub struct Statuses {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    foreign: Option<ForeignLists>,
}

impl Statuses {
    /// Our own statuses by the board of `store`, and others' lists by `fetch`. One `Statuses` serves one set of anchors:
    /// a list that was verified under the trust of one lookup answers the next one.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, fetch: Arc<dyn FetchForeign>) -> Self {
        let foreign = Some(ForeignLists::new(fetch, Arc::clone(&clock)));
        Self { store, clock, foreign }
    }

    /// Our own statuses only; nothing is fetched.
    pub fn own_only(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, foreign: None }
    }

    /// Whether a look-up answers at once, because nothing has to be asked of anybody.
    pub fn answers_at_once(&self, wanted: &Wanted, trust: &Trust) -> bool {
        trust.is_own(&wanted.issuer) || self.foreign.is_none()
    }

    /// What is known of a status; `None` when nobody here can know, which `decide` takes as not known.
    ///
    /// A [`Wanted`] exists only for a credential that passed its examination, so a forged one makes nobody ask anything
    /// anywhere (draft-ietf-oauth-status-list section 8.3). For another issuer's credential this may wait up to
    /// [`FOREIGN_FETCH_SECONDS`](crate::base::limits::FOREIGN_FETCH_SECONDS): call it in the blocking pool.
    pub fn look_up(&self, wanted: &Wanted, trust: &Trust) -> Option<StatusAnswer> {
        if let Some(own) = trust.own().filter(|own| own.url == wanted.issuer) {
            return on_own_board(wanted, self.store.board(), &own.url, self.as_of());
        }
        let finding = self.foreign.as_ref()?.look_up(wanted, trust);
        Some(StatusAnswer { reference: wanted.reference.clone(), finding })
    }

    /// Up to when the board is known to show everything. A part of a second counts as a whole one: a statement never says
    /// that something is known for a later moment than it is.
    fn as_of(&self) -> Timestamp {
        let lag = self.store.lag();
        let seconds = lag.as_secs().saturating_add(u64::from(lag.subsec_nanos() > 0));
        self.clock.now().plus_seconds(-i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}
