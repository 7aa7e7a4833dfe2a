//! Who holds a good token, as the log says: a token that was switched off stays off whatever becomes of the records.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    base::base64url,
    model::{
        checkpoint::CheckpointAccount,
        event::{Event, What},
        ids::TokenId,
        party::Role,
    },
};

/// Good tokens by the SHA-256 of their secret.
#[derive(Default)]
pub struct Roster {
    good: RwLock<HashMap<[u8; 32], (TokenId, Role)>>,
    /// What checkpoints may ask for, where there is something to say.
    accounts: RwLock<HashMap<TokenId, Arc<CheckpointAccount>>>,
}

impl Roster {
    /// Whose token this is the hash of; none when it was never made or was switched off.
    pub fn bearer(&self, hash: &[u8; 32]) -> Option<(TokenId, Role)> {
        self.good.read().unwrap_or_else(PoisonError::into_inner).get(hash).copied()
    }

    /// Whether a token is good now.
    pub fn is_good(&self, token: TokenId) -> bool {
        self.good.read().unwrap_or_else(PoisonError::into_inner).values().any(|(good, _)| *good == token)
    }

    /// The account of a checkpoint's token.
    pub fn account(&self, token: TokenId) -> Arc<CheckpointAccount> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(&token).cloned().unwrap_or_default()
    }

    /// Every account that has something to say, for snapshots.
    pub fn accounts(&self) -> Vec<(TokenId, Arc<CheckpointAccount>)> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let mut accounts: Vec<_> = accounts.iter().map(|(token, account)| (*token, Arc::clone(account))).collect();
        accounts.sort_unstable_by_key(|(token, _)| *token);
        accounts
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

    /// Puts an account in place, as read from a snapshot.
    pub fn install_account(&self, token: TokenId, account: CheckpointAccount) {
        if !account.is_plain() {
            self.accounts.write().unwrap_or_else(PoisonError::into_inner).insert(token, Arc::new(account));
        }
    }

    /// Takes up what an event says of tokens. Called by the store, in the order of the events.
    pub fn apply(&self, event: &Event) {
        match &event.what {
            What::TokenCreated { token, role, hash, account } => {
                // Its limit is there before the token is good.
                self.install_account(*token, account.clone());
                // A hash that does not decode names no secret at all, so such a token is never good.
                if let Ok(hash) = base64url::decode_array(hash) {
                    self.install(hash, *token, *role);
                }
            }
            What::TokenSwitchedOff { token } => {
                self.good.write().unwrap_or_else(PoisonError::into_inner).retain(|_, (good, _)| good != token);
                self.accounts.write().unwrap_or_else(PoisonError::into_inner).remove(token);
            }
            _ => {}
        }
    }
}
