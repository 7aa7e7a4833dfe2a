//! The events of one card, opened, for its holder. What is read of the log once is remembered, so that an opening costs a
//! few pages of the log and not all of it.
//!
//! Four bytes an event say which card it is about, as far as it is about one, and a hash a page of 1024 events is what the
//! proofs are built of: a log of a hundred million events takes 400 MB. The first opening after a start reads the log
//! once, a second or two a million events; it is then followed from where it was read to.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    audit::{
        open::{OpenError, Opening},
        prove::{self, ProveError},
        seal::Seal,
    },
    format::{
        merkle::{self, Frontier, Hash},
        note::{NoteKey, NoteKeyError},
    },
    model::{event::LoggedEvent, ids::CardId},
    store::Store,
};

/// Events read at a time. A power of two, so that pages are subtrees.
const PAGE: u64 = 1024;

/// Opens the events of cards.
pub struct Openings {
    store: Arc<dyn Store>,
    seal: Arc<Seal>,
    read: Mutex<Read>,
}

/// What is remembered of the log.
#[derive(Default)]
struct Read {
    /// The beginning of the card's identifier, event by event; none where an event is about no card. Identifiers are
    /// random, so few events are looked at in vain.
    cards: Vec<Option<std::num::NonZeroU32>>,
    /// The roots of the pages that are complete.
    roots: Vec<Hash>,
    /// The page that is not.
    page: Frontier,
}

impl Openings {
    /// Of the cards in this store, under the checkpoints of this seal.
    pub fn new(store: Arc<dyn Store>, seal: Arc<Seal>) -> Self {
        Self { store, seal, read: Mutex::default() }
    }

    /// Every event about a card, oldest first, each with its proof under the newest checkpoint. Whose card it is, is the
    /// caller's to ask.
    pub fn of_card(&self, card: CardId) -> Result<Vec<Opening>, OpenError> {
        let sealed = self.seal.checkpoint_of(&*self.store)?;
        let size = sealed.head.size;
        let mut found = Vec::new();
        for logged in self.events_until(card, size)? {
            let path = merkle::inclusion_path(logged.event.number - 1, size).ok_or(ProveError::NoSuchEvent)?;
            let hashes = path.into_iter().map(|leaves| self.root(leaves)).collect::<Result<Vec<_>, _>>()?;
            let inclusion = hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
            found.push(Opening { logged, inclusion, checkpoint: sealed.note.to_string() });
        }
        Ok(found)
    }

    /// Every event about a card, oldest first, without proofs.
    pub fn events_of_card(&self, card: CardId) -> Result<Vec<LoggedEvent>, ProveError> {
        self.events_until(card, self.store.head().size)
    }

    /// The name of the log and the key that signs its heads, as a verifier is given them.
    pub fn key(&self) -> Result<NoteKey, NoteKeyError> {
        self.seal.key()
    }

    fn events_until(&self, card: CardId, size: u64) -> Result<Vec<LoggedEvent>, ProveError> {
        self.follow(size)?;
        let events = self.candidates(card, size).into_iter().map(|number| self.about(card, number));
        events.filter_map(Result::transpose).collect()
    }

    /// Reads on up to event `size`, page by page: who comes meanwhile goes on where the last page ended.
    fn follow(&self, size: u64) -> Result<(), ProveError> {
        loop {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let known = read.cards.len() as u64;
            if known >= size {
                return Ok(());
            }
            let limit = usize::try_from((size - known).min(PAGE)).unwrap_or(usize::MAX);
            let events = self.store.events(known + 1, limit)?;
            if events.is_empty() {
                return Err(ProveError::Gap(known + 1));
            }
            for logged in events.iter().take(limit) {
                read.take(logged)?;
            }
        }
    }

    /// The numbers of the events that may be about the card.
    fn candidates(&self, card: CardId, size: u64) -> Vec<u64> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let beginning = beginning(card);
        let of_card = (1..=size).zip(&read.cards).filter(|(_, of)| **of == Some(beginning));
        of_card.map(|(number, _)| number).collect()
    }

    /// The event of this number, when it is about the card.
    fn about(&self, card: CardId, number: u64) -> Result<Option<LoggedEvent>, ProveError> {
        let logged = self.store.events(number, 1)?.into_iter().next();
        let logged = logged.filter(|logged| logged.event.number == number).ok_or(ProveError::Gap(number))?;
        Ok(Some(logged).filter(|logged| logged.event.what.card() == Some(card)))
    }

    /// The root over leaves that are a subtree.
    fn root(&self, leaves: Range<u64>) -> Result<Hash, ProveError> {
        let length = leaves.end - leaves.start;
        if length == PAGE
            && let Some(root) = self.page_root(leaves.start / PAGE)
        {
            return Ok(root);
        }
        if length <= PAGE {
            return prove::root(&*self.store, leaves);
        }
        let middle = leaves.start + length.next_power_of_two() / 2;
        Ok(merkle::node_hash(&self.root(leaves.start..middle)?, &self.root(middle..leaves.end)?))
    }

    fn page_root(&self, page: u64) -> Option<Hash> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(page).ok().and_then(|page| read.roots.get(page).copied())
    }
}

impl Read {
    fn take(&mut self, logged: &LoggedEvent) -> Result<(), ProveError> {
        let number = self.cards.len() as u64 + 1;
        if logged.event.number != number {
            return Err(ProveError::Gap(number));
        }
        self.cards.push(logged.event.what.card().map(beginning));
        self.page.append(merkle::leaf_hash(&logged.commitment()));
        if self.page.size() == PAGE {
            self.roots.push(std::mem::take(&mut self.page).root());
        }
        Ok(())
    }
}

fn beginning(card: CardId) -> std::num::NonZeroU32 {
    let [a, b, c, d, ..] = *card.as_bytes();
    std::num::NonZeroU32::new(u32::from_be_bytes([a, b, c, d])).unwrap_or(std::num::NonZeroU32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::fixture::{LogOnly, URL, event, signer},
        base::time::Timestamp,
        model::{
            card::{Reason, State},
            event::What,
        },
    };

    const CARD: CardId = CardId::from_bytes([7; 16]);
    /// Another card that begins alike.
    const ALIKE: CardId = CardId::from_bytes([7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    /// Event `number` is about a card.
    fn about(number: u64, card: CardId) -> LoggedEvent {
        let mut logged = event(number);
        let (from, to, reason) = (State::Active, State::Suspended, Reason::Lost);
        logged.event.what = What::StateChanged { card, copies: Vec::new(), from, to, until: None::<Timestamp>, reason };
        logged
    }

    /// A log in which every event of `numbers` is about the card, and the one after each about one that begins alike.
    fn log(count: u64, numbers: &[u64]) -> LogOnly {
        let mut store = LogOnly::of(count);
        for number in numbers {
            store.events[*number as usize - 1] = about(*number, CARD);
            store.events[*number as usize] = about(number + 1, ALIKE);
        }
        store
    }

    fn openings(store: LogOnly) -> Openings {
        Openings::new(Arc::new(store), Arc::new(Seal::new(signer(1), URL)))
    }

    #[test]
    fn the_events_of_a_card_and_no_others_are_opened_and_believed() {
        for count in [9, 1024, 1025, 3000, 5121] {
            let last = count - 1;
            let mut numbers = vec![2, 5, last.min(1024), last.min(1030), last.min(2050), last];
            numbers.dedup();
            let openings = openings(log(count, &numbers));
            let events = openings.events_of_card(CARD).expect("they are read");
            assert_eq!(events.iter().map(|one| one.event.number).collect::<Vec<_>>(), numbers, "{count}");
            for again in [false, true] {
                let opened = openings.of_card(CARD).expect("they are opened");
                assert_eq!(opened.iter().map(|one| one.logged.event.number).collect::<Vec<_>>(), numbers, "{count} {again}");
                for one in &opened {
                    assert_eq!(
                        one.verify(&openings.key().expect("a key")).map(|checkpoint| checkpoint.size),
                        Ok(count),
                        "{count}"
                    );
                }
            }
            assert_eq!(openings.of_card(CardId::from_bytes([8; 16])), Ok(Vec::new()));
        }
    }

    #[test]
    fn an_opening_is_the_one_that_an_auditor_gets() {
        let openings = openings(log(2500, &[3, 1500]));
        for one in openings.of_card(CARD).expect("they are opened") {
            let number = one.logged.event.number;
            assert_eq!(Opening::of(&*openings.store, &openings.seal, number), Ok(one));
        }
    }

    #[test]
    fn a_gap_in_the_log_is_an_error_and_no_shorter_answer() {
        let mut store = log(30, &[4]);
        store.events.remove(10);
        assert_eq!(openings(store).of_card(CARD), Err(OpenError::Prove(ProveError::Gap(11))));
    }
}
