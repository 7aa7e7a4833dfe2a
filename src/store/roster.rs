//! Who holds a good token, as the log says: a token that was switched off stays off whatever becomes of the records.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use crate::{
    base::base64url,
    model::{
        event::{Event, What},
        ids::TokenId,
        party::Role,
    },
};

/// Good tokens by the SHA-256 of their secret.
#[derive(Default)]
pub struct Roster {
    good: RwLock<HashMap<[u8; 32], (TokenId, Role)>>,
}

impl Roster {
    /// Whose token this is the hash of; none when it was never made or was switched off.
    pub fn bearer(&self, hash: &[u8; 32]) -> Option<(TokenId, Role)> {
        self.good.read().unwrap_or_else(PoisonError::into_inner).get(hash).copied()
    }

    /// Every good token, for snapshots.
    pub fn entries(&self) -> Vec<([u8; 32], TokenId, Role)> {
        let good = self.good.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<_> = good.iter().map(|(hash, (token, role))| (*hash, *token, *role)).collect();
        entries.sort_unstable();
        entries
    }

    /// Puts a token in place, as read from a snapshot.
    pub fn install(&self, hash: [u8; 32], token: TokenId, role: Role) {
        self.good.write().unwrap_or_else(PoisonError::into_inner).insert(hash, (token, role));
    }

    /// Takes up what an event says of tokens. Called by the store, in the order of the events.
    pub fn apply(&self, event: &Event) {
        match &event.what {
            What::TokenCreated { token, role, hash } => {
                // A hash that does not decode names no secret at all, so such a token is never good.
                if let Ok(hash) = base64url::decode_array(hash) {
                    self.install(hash, *token, *role);
                }
            }
            What::TokenSwitchedOff { token } => {
                self.good.write().unwrap_or_else(PoisonError::into_inner).retain(|_, (good, _)| good != token);
            }
            _ => {}
        }
    }
}
