//! A log of made-up events for the tests of this layer.

use std::sync::Arc;

use crate::{
    base::{random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey},
    format::{
        merkle::{Frontier, leaf_hash},
        note::NoteKey,
    },
    model::{
        event::{Event, LoggedEvent, What},
        ids::StoreId,
        party::Actor,
        record::{Commit, Key, Query, Record, Versioned},
    },
    store::{
        CommitError, Health, Mode, Page, ReadError, Receipt, Store, TreeHead,
        roster::Roster,
        status_board::StatusBoard,
        together::{Together, fake::Node},
        watch::Watch,
    },
};

pub const URL: &str = "https://id.example";

/// Event `number`, the same at each call.
pub fn event(number: u64) -> LoggedEvent {
    let what = match number {
        1 => What::StoreCreated { store: StoreId::from_bytes([1; 16]) },
        _ => What::PersonRegistered,
    };
    let event = Event { number, at: Timestamp::from_unix(1_795_500_000), actor: Actor::Service, what };
    LoggedEvent { event, salt: [number as u8; 16] }
}

/// The tree head over events.
pub fn head(events: &[LoggedEvent]) -> TreeHead {
    let tree: Frontier = events.iter().map(|logged| leaf_hash(&logged.commitment())).collect();
    TreeHead { size: tree.size(), root: tree.root() }
}

pub fn signer(seed: u64) -> Arc<dyn Signer> {
    Arc::new(SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(seed)))
}

pub fn key(seed: u64) -> NoteKey {
    crate::audit::seal::key(URL, &*signer(seed)).expect("a key of the log")
}

/// A store that holds nothing but a log.
#[derive(Default)]
pub struct LogOnly {
    pub events: Vec<LoggedEvent>,
    board: StatusBoard,
    roster: Roster,
    watch: Watch,
    node: Option<Node>,
}

impl LogOnly {
    /// The same at a table with other nodes.
    pub fn at(node: Node, count: u64) -> Self {
        Self { node: Some(node), ..Self::of(count) }
    }

    pub fn of(count: u64) -> Self {
        let store = Self { events: (1..=count).map(event).collect(), ..Self::default() };
        store.watch.announce(count);
        store
    }
}

impl Store for LogOnly {
    fn commit(&self, _: Commit) -> Result<Receipt, CommitError> {
        Err(CommitError::ReadOnly)
    }

    fn get(&self, _: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        Err(ReadError::Guarded)
    }

    fn find(&self, _: &Query, _: Option<&[u8]>, _: usize) -> Result<Page, ReadError> {
        Err(ReadError::Guarded)
    }

    fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        // As a store may: shorter pages than asked for.
        Ok(self.events.iter().skip(from as usize - 1).take(limit.min(7)).cloned().collect())
    }

    fn head(&self) -> TreeHead {
        head(&self.events)
    }

    fn board(&self) -> &StatusBoard {
        &self.board
    }

    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn watch(&self) -> &Watch {
        &self.watch
    }

    fn health(&self) -> Health {
        Health {
            mode: Mode::Normal,
            store: None,
            checked_events: 0,
            events: self.events.len() as u64,
            lag: std::time::Duration::ZERO,
            cautions: Vec::new(),
        }
    }

    fn together(&self) -> Option<&dyn Together> {
        self.node.as_ref().map(|node| node as &dyn Together)
    }
}
