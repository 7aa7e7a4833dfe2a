//! What a restored store has to learn beyond its backup: what the log says behind it, and what was found invalid or
//! suspended in lists that were signed before.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{limits::STATUS_LIST_ENTRIES, time::Timestamp},
    model::{
        card::{Card, Change as CardChange, Reason, State, StatusRef},
        event::{LoggedEvent, What},
        ids::{CardId, ListId},
        party::Actor,
        record::{Key, Record},
    },
    store::{
        ReadError,
        rows::{Change, Rows, encoding, overlay::Overlay},
        sled::{guarded::severity, rebuild::Rebuild, records::Records},
        status_board::StatusBoard,
    },
};

/// Indices told of in one event.
const MOST_IN_ONE_EVENT: usize = 10_000;

/// Lists between the last one that is known and the first one that is opened after a loss: as many may have been opened in
/// what was lost, and none of their indices is given again. More than sixty million cards fit into them.
const LISTS_LEFT_OUT: u32 = 64;

/// What cannot be brought back from a log that names no person.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NotInLog {
    /// People registered since the backup.
    pub people_registered: u64,
    /// Corrections of people's data since the backup.
    pub people_changed: u64,
    /// People erased since the backup, who are in it: they have to be erased again.
    pub people_erased: u64,
    /// Wallets registered or changed since the backup.
    pub wallets: u64,
    /// Evidence kept since the backup.
    pub evidence: u64,
}

/// What the events behind a backup do to its records.
pub(super) struct Followed {
    pub(super) changes: Vec<Change>,
    pub(super) cards_without_person: Vec<CardId>,
    pub(super) not_in_log: NotInLog,
}

/// Works out what the events of `tail` do to the records of a backup that ends before them.
pub(super) fn follow(records: &Records, tail: &[LoggedEvent]) -> Result<Followed, ReadError> {
    let events = || tail.iter().map(|logged| &logged.event);
    let void = events().filter_map(|event| match event.what {
        What::IssueVoided { event, .. } => Some(event),
        _ => None,
    });
    let mut rebuild = Rebuild::without(void.collect());
    let mut overlay = Overlay::over(records);
    let tokens = events().filter_map(|event| match event.what {
        What::TokenCreated { token, .. } | What::TokenSwitchedOff { token } => Some(Key::Token(token)),
        _ => None,
    });
    let cards = events().filter_map(|event| event.what.card()).map(Key::Card);
    for key in cards.chain(tokens).collect::<BTreeSet<_>>() {
        overlay.get(&key)?.into_iter().for_each(|record| rebuild.know(record));
    }
    let known: BTreeSet<CardId> = rebuild.without_person().into_iter().collect();
    let mut not_in_log = NotInLog::default();
    for event in events() {
        rebuild.take(event);
        match &event.what {
            What::WalletSwitchedOff { wallet } => {
                if let Some(Record::Wallet(mut wallet)) = overlay.get(&Key::Wallet(*wallet))? {
                    wallet.switched_off_at.get_or_insert(event.at);
                    overlay.put(&Record::Wallet(wallet))?;
                }
            }
            What::EvidenceDestroyed { evidence, .. } => overlay.remove(&Key::Evidence(*evidence))?,
            What::PersonRegistered => not_in_log.people_registered += 1,
            What::PersonChanged => not_in_log.people_changed += 1,
            What::PersonErased => not_in_log.people_erased += 1,
            What::WalletRegistered { .. } | What::WalletChanged { .. } => not_in_log.wallets += 1,
            What::EvidenceKept { .. } => not_in_log.evidence += 1,
            _ => {}
        }
    }
    let cards_without_person = rebuild.without_person().into_iter().filter(|card| !known.contains(card)).collect();
    for record in rebuild.into_records() {
        overlay.put(&record)?;
    }
    overlay.keep();
    Ok(Followed { changes: overlay.into_changes().collect(), cards_without_person, not_in_log })
}

/// Indices that read worse elsewhere than on a board.
#[derive(Default)]
pub(super) struct Worse(BTreeMap<StatusRef, State>);

/// What becomes of them.
pub(super) struct Reapplied {
    pub(super) changes: Vec<Change>,
    pub(super) events: Vec<What>,
    /// How many indices.
    pub(super) found: u64,
}

impl Worse {
    /// Holds one list against the board.
    pub(super) fn compare(&mut self, board: &StatusBoard, list: ListId, value: impl Fn(u32) -> Option<u8>) {
        let here = board.list(list);
        for index in 0..STATUS_LIST_ENTRIES as u32 {
            let there = value(index).unwrap_or_default();
            if there == 0 {
                continue;
            }
            let known = here.as_ref().and_then(|list| list.entry(index)).map_or(0, |entry| entry.value);
            let at = StatusRef { list, index };
            let worst = severity(known).max(self.0.get(&at).map_or(0, |state| severity(state.list_value())));
            if severity(there) > worst {
                let state = if severity(there) == 1 { State::Suspended } else { State::Revoked };
                self.0.insert(at, state);
            }
        }
    }

    /// Gives them back to the cards that have them, as far as there are such cards.
    pub(super) fn reapply(mut self, records: &Records, at: Timestamp) -> Result<Reapplied, ReadError> {
        let (found, mut events, mut overlay) = (self.0.len() as u64, Vec::new(), Overlay::over(records));
        if found > 0 {
            for row in records.scan(&[encoding::CARD], None) {
                let (key, value) = row?;
                let Record::Card(mut card) = encoding::decode(&key, &value)?.value else { continue };
                if let Some(what) = self.taken_by(&mut card, at) {
                    overlay.put(&Record::Card(card))?;
                    overlay.keep();
                    events.push(what);
                }
            }
        }
        for state in [State::Suspended, State::Revoked] {
            let left: Vec<StatusRef> = self.0.iter().filter(|(_, to)| **to == state).map(|(at, _)| *at).collect();
            let told = |copies: &[StatusRef]| What::StatusFound { copies: copies.to_vec(), to: state };
            events.extend(left.chunks(MOST_IN_ONE_EVENT).map(told));
        }
        Ok(Reapplied { changes: overlay.into_changes().collect(), events, found })
    }

    /// The change of a card of which an index was found; all its copies go with it.
    fn taken_by(&mut self, card: &mut Card, at: Timestamp) -> Option<What> {
        let copies: Vec<StatusRef> = card.copies.iter().map(|copy| copy.status).collect();
        let to = copies.iter().filter_map(|copy| self.0.get(copy)).max().copied().filter(|to| *to > card.state)?;
        self.0.retain(|at, _| !copies.contains(at));
        let (from, reason) = (card.state, Reason::Other);
        let change = CardChange { at, state: to, reason: Some(reason), sealed_note: None, by: Actor::Service };
        card.redo(change, None, 0);
        Some(What::StateChanged { card: card.id, copies, from, to, until: None, reason })
    }
}

/// Lists that have to be opened where it is not known which indices were given: one for each type, behind every list that
/// may have been opened.
pub(super) fn fresh_lists(board: &StatusBoard, others: impl Iterator<Item = ListId>) -> Vec<What> {
    let lists = board.lists();
    let last = lists.iter().map(|(id, _)| id.0).chain(others.map(|id| id.0)).max().unwrap_or(0);
    let types: BTreeSet<&str> = lists.iter().map(|(_, list)| list.credential_type()).filter(|name| !name.is_empty()).collect();
    let numbers = last.saturating_add(LISTS_LEFT_OUT).saturating_add(1)..;
    numbers.zip(types).map(|(n, name)| What::ListOpened { list: ListId(n), credential_type: name.to_owned() }).collect()
}
