//! What can be put between a service and what it rests on: tests put faults there, as a disk, a database or the hardware
//! of a key would.

use std::{sync::Arc, time::Duration};

use crate::{
    crypto::Signer,
    http::{call::Patience, connections::STALLED},
    store::Store,
};

/// Puts something between.
pub type Around<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T>>;

/// What stands between.
pub struct Between {
    /// Around the store.
    pub store: Around<dyn Store>,
    /// Around the key that signs status lists.
    pub list_signer: Around<dyn Signer>,
    /// How long callers wait.
    pub patience: Patience,
    /// How long a client may take nothing of an answer.
    pub stalled: Duration,
}

impl Default for Between {
    /// Nothing, as in service.
    fn default() -> Self {
        Self {
            store: Box::new(|store| store),
            list_signer: Box::new(|signer| signer),
            patience: Patience::default(),
            stalled: STALLED,
        }
    }
}
