//! The register of people: who is registered, found, corrected; and what a correction does to the cards.

use serde_json::{Map, Value};

use crate::{
    issuance::{Fault, Ground, Registered, register::blind_index},
    model::{
        card::{Card, Circumstance, Reason, State},
        credential_type::Requirement,
        event::{EventDraft, What},
        ids::PersonId,
        party::{Actor, Authority, Capability, NotAllowed},
        person::{FieldError, Person, PersonState, Problem, Token, search_tokens},
        record::{Commit, Guard, Key, Query, Record, Write},
    },
    store::CommitError,
};

/// How often a change is tried again when others change the same records at that moment.
const ATTEMPTS: usize = 8;
/// Records read at once when all cards of a person are looked for.
const PAGE: usize = 100;
/// Most people in one answer of a search.
const MOST_FOUND: usize = 100;
/// Most words in a search: a name has fewer, and each costs a keyed hash and a look-up.
const MOST_WORDS: usize = 8;

/// Why a call on the register did nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PeopleError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Fields are bad; all of them are named.
    #[error("{} fields are not acceptable", .0.len())]
    Fields(Vec<FieldError>),
    /// Somebody with this identity number is registered already.
    #[error("a person with this ID number is registered already")]
    IdNumberTaken,
    /// There is no such person.
    #[error("there is no such person")]
    NotFound,
    /// The person was changed since the version that was named.
    #[error("the person was changed meanwhile")]
    ChangedMeanwhile,
    /// More words than a search takes.
    #[error("a search takes at most {MOST_WORDS} words")]
    TooManyWords,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// People found, and where the search goes on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// Who.
    pub people: Vec<Registered>,
    /// Give it back to go on; none at the end. Opaque.
    pub next: Option<Vec<u8>>,
}

/// The register.
#[derive(Clone)]
pub struct People {
    ground: Ground,
}

/// What a correction does to the person's cards.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Effect {
    Nothing,
    Renewal,
    Revocation,
}

impl People {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Registers the person whose fields stand in `fields` (DESIGN section 5).
    pub fn register(&self, authority: &Authority, fields: &Map<String, Value>) -> Result<PersonId, PeopleError> {
        authority.require(Capability::RegisterPeople)?;
        self.put(authority.actor(), fields)
    }

    /// The same on nobody's word, for the people of the test issuer.
    pub(super) fn register_for_tests(&self, fields: &Map<String, Value>) -> Result<PersonId, PeopleError> {
        self.put(Actor::Service, fields)
    }

    fn put(&self, actor: Actor, fields: &Map<String, Value>) -> Result<PersonId, PeopleError> {
        let person = self.read(fields)?;
        let id = PersonId::random(&*self.ground.random);
        let commit = Commit {
            guards: vec![self.number_is_free(&person), Guard::Absent(Key::Person(id))],
            writes: vec![Write::Put(Record::Person(self.ground.seal_person(id, &person)?))],
            events: vec![EventDraft { at: self.ground.clock.now(), actor, what: What::PersonRegistered }],
            issue: Vec::new(),
        };
        match self.ground.store.commit(commit) {
            Ok(_) => Ok(id),
            Err(CommitError::GuardFailed(0)) => Err(PeopleError::IdNumberTaken),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// The person of this identifier.
    pub fn get(&self, authority: &Authority, id: PersonId) -> Result<Registered, PeopleError> {
        authority.require(Capability::ReadPeople)?;
        self.ground.person(id)?.ok_or(PeopleError::NotFound)
    }

    /// People that answer to every word of `query`: a whole ID number, or beginnings of names; everybody when it is
    /// empty. At most `limit` and 100; `after` is [`Found::next`].
    pub fn search(&self, authority: &Authority, query: &str, after: Option<&[u8]>, limit: usize) -> Result<Found, PeopleError> {
        authority.require(Capability::ReadPeople)?;
        let tokens = search_tokens(query);
        if tokens.len() > MOST_WORDS {
            return Err(PeopleError::TooManyWords);
        }
        let sealer = self.ground.keyring.sealer();
        let query = Query::People(tokens.iter().map(|token| blind_index(sealer, token)).collect());
        let page = self.ground.store.find(&query, after, limit.min(MOST_FOUND)).map_err(Fault::from)?;
        let people = page.records.into_iter().map(|record| self.ground.open_person(record));
        Ok(Found { people: people.collect::<Result<_, _>>()?, next: page.next })
    }

    /// Replaces what is registered of a person, as long as it still stands in version `seen`, when one is named. One
    /// commit also revokes every card of a person who died, and marks the cards for renewal when name or number changed.
    pub fn change(
        &self,
        authority: &Authority,
        id: PersonId,
        fields: &Map<String, Value>,
        seen: Option<u64>,
    ) -> Result<Registered, PeopleError> {
        authority.require(Capability::RegisterPeople)?;
        let person = self.read(fields)?;
        for _ in 0..ATTEMPTS {
            let before = self.ground.person(id)?.ok_or(PeopleError::NotFound)?;
            if seen.is_some_and(|seen| seen != before.version) {
                return Err(PeopleError::ChangedMeanwhile);
            }
            let effect = effect(&before.person, &person);
            let mut commit = self.on_cards(authority, id, effect)?;
            let number_changed = before.person.id_number != person.id_number;
            if number_changed {
                commit.guards.insert(0, self.number_is_free(&person));
            }
            commit.guards.push(Guard::Version(Key::Person(id), before.version));
            commit.writes.push(Write::Put(Record::Person(self.ground.seal_person(id, &person)?)));
            commit.events.insert(0, self.event(authority, What::PersonChanged));
            match self.ground.store.commit(commit) {
                Ok(_) => {
                    self.sweep(authority, id, effect)?;
                    return self.ground.person(id)?.ok_or(PeopleError::NotFound);
                }
                Err(CommitError::GuardFailed(0)) if number_changed => return Err(PeopleError::IdNumberTaken),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// A card that was fetched between the look for cards and the commit is not in it. None can come after the commit:
    /// issuing is guarded by the person's version. So what is left is revoked now.
    fn sweep(&self, authority: &Authority, id: PersonId, effect: Effect) -> Result<(), PeopleError> {
        if effect != Effect::Revocation {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let commit = self.on_cards(authority, id, effect)?;
            if commit.writes.is_empty() {
                return Ok(());
            }
            match self.ground.store.commit(commit) {
                Ok(_) | Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// What the effect does to the cards there are, guarded by their versions.
    fn on_cards(&self, authority: &Authority, id: PersonId, effect: Effect) -> Result<Commit, Fault> {
        let mut commit = Commit::default();
        if effect == Effect::Nothing {
            return Ok(commit);
        }
        let (at, by) = (self.ground.clock.now(), authority.actor());
        for (version, mut card) in self.cards(id)? {
            let key = Key::Card(card.id);
            if effect == Effect::Revocation {
                let why = Circumstance { at, reason: Reason::Deceased, sealed_note: None, by };
                // A card that is revoked already stays as it is.
                let Ok((revoked, what)) = card.revoke(why) else { continue };
                commit.events.push(EventDraft { at, actor: by, what });
                card = revoked;
            } else if card.due_for_renewal || card.state == State::Revoked || card.valid_until <= at {
                continue;
            } else {
                card.due_for_renewal = true;
            }
            commit.guards.push(Guard::Version(key, version));
            commit.writes.push(Write::Put(Record::Card(card)));
        }
        Ok(commit)
    }

    fn cards(&self, person: PersonId) -> Result<Vec<(u64, Card)>, Fault> {
        let query = Query::Cards { person: Some(person), state: None, credential_type: None };
        let (mut cards, mut after) = (Vec::new(), None);
        loop {
            let page = self.ground.store.find(&query, after.as_deref(), PAGE)?;
            for record in page.records {
                let Record::Card(card) = record.value else { return Err(Fault::Record("a card")) };
                cards.push((record.version, card));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(cards),
            }
        }
    }

    fn read(&self, fields: &Map<String, Value>) -> Result<Person, PeopleError> {
        let (_, today) = self.ground.today()?;
        let person = Person::read(fields, today).map_err(PeopleError::Fields)?;
        let known = |name: &str| self.ground.types.get(name).is_some_and(|t| t.requires == Requirement::Qualification);
        let unknown = person.qualifications.iter().enumerate().filter(|(_, q)| !known(&q.credential_type));
        let errors: Vec<_> = unknown
            .map(|(at, _)| FieldError { field: format!("qualifications[{at}].type"), problem: Problem::UnknownCredentialType })
            .collect();
        if errors.is_empty() { Ok(person) } else { Err(PeopleError::Fields(errors)) }
    }

    fn number_is_free(&self, person: &Person) -> Guard {
        Guard::NoPersonWith(blind_index(self.ground.keyring.sealer(), &Token::id_number(&person.id_number)))
    }

    fn event(&self, authority: &Authority, what: What) -> EventDraft {
        EventDraft { at: self.ground.clock.now(), actor: authority.actor(), what }
    }
}

fn effect(before: &Person, after: &Person) -> Effect {
    match after.state {
        PersonState::Deceased => Effect::Revocation,
        _ if after.differs_in_name_or_number(before) => Effect::Renewal,
        _ => Effect::Nothing,
    }
}
