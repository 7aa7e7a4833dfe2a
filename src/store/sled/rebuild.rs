//! Records as the log alone can give them back: cards without their person, tokens without their name.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        card::{Card, Change, Copy, Renewal, State, StatusRef},
        event::{Event, What},
        ids::{CardId, EvidenceId, TokenId},
        record::{Record, Token},
    },
    store::{
        rows::{Rows, encoding},
        sled::records::Records,
    },
};

/// What the log knows of cards and tokens, then what could be added to it.
#[derive(Default)]
pub(super) struct Rebuild {
    cards: BTreeMap<CardId, Card>,
    tokens: BTreeMap<TokenId, Token>,
    /// The first index of each batch of a card, by which an older record of it is known.
    firsts: BTreeMap<CardId, Vec<StatusRef>>,
    /// Events that issued what never had a record.
    void: BTreeSet<u64>,
    /// Evidence that was kept and not yet destroyed.
    evidence: BTreeSet<EvidenceId>,
    /// What stands in the old records only: people, settings, and the content of evidence.
    others: Vec<Record>,
}

impl Rebuild {
    /// Of a log in which these events were made void.
    pub(super) fn without(void: BTreeSet<u64>) -> Self {
        Self { void, ..Self::default() }
    }

    /// A card or token as it was before the events that are taken up.
    pub(super) fn know(&mut self, record: Record) {
        match record {
            Record::Card(card) => drop(self.cards.insert(card.id, card)),
            Record::Token(token) => drop(self.tokens.insert(token.id, token)),
            _ => {}
        }
    }

    /// Takes up an event, in order.
    pub(super) fn take(&mut self, event: &Event) {
        if self.void.contains(&event.number) {
            return;
        }
        match &event.what {
            What::Issued { card, credential_type, copies, valid_from, valid_until } => {
                self.firsts.entry(*card).or_default().extend(copies.first());
                let copies = copies.iter().map(without_key).collect();
                let issued = Change { at: event.at, state: State::Active, reason: None, sealed_note: None, by: event.actor };
                let rebuilt = Card {
                    id: *card,
                    person: None,
                    credential_type: credential_type.clone(),
                    offer: None,
                    instance: None,
                    grant: None,
                    notices: Vec::new(),
                    copies,
                    valid_from: *valid_from,
                    valid_until: *valid_until,
                    renewals: Vec::new(),
                    state: State::Active,
                    suspended_until: None,
                    suspension_event: None,
                    due_for_renewal: false,
                    history: vec![issued],
                };
                self.cards.insert(*card, rebuilt);
            }
            What::Renewed { card, copies, valid_from, valid_until } => {
                if let Some(found) = self.cards.get_mut(card) {
                    self.firsts.entry(*card).or_default().extend(copies.first());
                    let count = u32::try_from(copies.len()).unwrap_or(u32::MAX);
                    let (valid_from, valid_until) = (*valid_from, *valid_until);
                    let batch = Renewal { at: event.at, copies: count, valid_from, valid_until };
                    found.add_batch(batch, copies.iter().map(without_key));
                }
            }
            What::StateChanged { card, to, until, reason, .. } => {
                if let Some(card) = self.cards.get_mut(card) {
                    let reason = Some(*reason);
                    let change = Change { at: event.at, state: *to, reason, sealed_note: None, by: event.actor };
                    card.redo(change, *until, event.number);
                }
            }
            What::TokenCreated { token, role, account, .. } => {
                let (id, role, account) = (*token, *role, account.clone());
                let made = Token { id, name: String::new(), role, created_at: event.at, switched_off_at: None, account };
                self.tokens.insert(*token, made);
            }
            What::EvidenceKept { evidence, .. } => drop(self.evidence.insert(*evidence)),
            What::EvidenceDestroyed { evidence, .. } => drop(self.evidence.remove(evidence)),
            What::TokenSwitchedOff { token } => {
                if let Some(token) = self.tokens.get_mut(token) {
                    token.switched_off_at.get_or_insert(event.at);
                }
            }
            _ => {}
        }
    }

    /// Adds what the old records still give. They are believed in what the log does not know, and only there.
    pub(super) fn complete(&mut self, old: &Records) {
        for tag in [encoding::CARD, encoding::TOKEN, encoding::PERSON, encoding::EVIDENCE, encoding::SETTING] {
            for (key, value) in old.scan(&[tag], None).map_while(Result::ok) {
                match encoding::decode(&key, &value).map(|record| record.value) {
                    Ok(Record::Card(old)) => self.complete_card(old),
                    Ok(Record::Token(old)) => {
                        if let Some(token) = self.tokens.get_mut(&old.id) {
                            token.name = old.name;
                        }
                    }
                    // Without its key it is nothing; the key is destroyed on its day, repair or not.
                    Ok(Record::Evidence(old)) if self.evidence.contains(&old.id) => self.others.push(Record::Evidence(old)),
                    Ok(record @ (Record::Person(_) | Record::Setting { .. })) => self.others.push(record),
                    // Offers, codes and nonces may have been used up since, so they are void; and what cannot be read
                    // stays lost.
                    _ => {}
                }
            }
        }
    }

    fn complete_card(&mut self, old: Card) {
        let Some(card) = self.cards.get_mut(&old.id) else { return };
        let firsts = self.firsts.get(&old.id).map_or(&[][..], Vec::as_slice);
        // The old record may be from before the last renewals, but one of its batches is one that the log knows.
        if card.credential_type != old.credential_type || !old.copies.iter().any(|copy| firsts.contains(&copy.status)) {
            return;
        }
        card.person = old.person;
        card.instance = old.instance;
        card.notices = old.notices;
        for copy in &mut card.copies {
            if let Some(known) = old.copies.iter().find(|known| known.status == copy.status) {
                copy.holder_key.clone_from(&known.holder_key);
            }
        }
        card.due_for_renewal |= old.due_for_renewal && old.renewals.last() == card.renewals.last();
        // The notes are not in the log; a change is the same change if everything else agrees.
        for (change, noted) in card.history.iter_mut().zip(old.history) {
            if (change.at, change.state, change.reason) == (noted.at, noted.state, noted.reason) {
                change.sealed_note = noted.sealed_note;
            }
        }
    }

    /// Cards whose person only a backup can bring back.
    pub(super) fn without_person(&self) -> Vec<CardId> {
        self.cards.values().filter(|card| card.person.is_none()).map(|card| card.id).collect()
    }

    /// How many cards and people there are.
    pub(super) fn counts(&self) -> (u64, u64) {
        let people = self.others.iter().filter(|record| matches!(record, Record::Person(_))).count();
        (self.cards.len() as u64, people as u64)
    }

    /// All records.
    pub(super) fn into_records(self) -> impl Iterator<Item = Record> {
        let cards = self.cards.into_values().map(Record::Card);
        cards.chain(self.tokens.into_values().map(Record::Token)).chain(self.others)
    }
}

/// The log does not say to which key a copy is bound.
fn without_key(status: &StatusRef) -> Copy {
    Copy { status: *status, holder_key: String::new(), valid_until: None }
}
