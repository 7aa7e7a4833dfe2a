//! The commits that wait together: each is checked against the records and the commits before it, and either adds its
//! changes and events to the group or adds nothing.

use crate::{
    base::random::Random,
    model::{
        card::{IssueOrder, State},
        event::{Event, EventDraft, LoggedEvent, What},
        ids::{CardId, PersonId},
        party::Actor,
        record::{Commit, Guard, Key, Record, Write},
    },
    store::{
        CommitError, ReadError, Receipt,
        rows::{Change, Rows, encoding, overlay::Overlay, pools::Pools},
        status_board::StatusBoard,
    },
};

/// A group in the making.
pub(in crate::store) struct Group<'a> {
    overlay: Overlay<'a>,
    board: &'a StatusBoard,
    random: &'a dyn Random,
    pools: Pools,
    events: Vec<LoggedEvent>,
    next: u64,
    /// Whether everything admitted so far follows from its events; asked for by [`proving`](Self::proving).
    follows: Option<bool>,
}

/// What a group does.
pub(in crate::store) struct Decided {
    pub(in crate::store) changes: Vec<Change>,
    pub(in crate::store) events: Vec<LoggedEvent>,
    pub(in crate::store) pools: Pools,
}

impl<'a> Group<'a> {
    /// An empty group whose first event will have the number `next`.
    pub(in crate::store) fn new(
        records: &'a dyn Rows,
        board: &'a StatusBoard,
        random: &'a dyn Random,
        pools: Pools,
        next: u64,
    ) -> Self {
        Self { overlay: Overlay::over(records), board, random, pools, events: Vec::new(), next, follows: None }
    }

    /// The same, and each commit is tried: do its events alone lead to exactly what it writes?
    #[must_use]
    pub(in crate::store) fn proving(mut self) -> Self {
        self.follows = Some(true);
        self
    }

    /// Whether the changes of every admitted commit follow from its events, so that whoever has the events can make them
    /// again. Only a group that was [`proving`](Self::proving) can tell.
    pub(in crate::store) fn follows_from_events(&self) -> bool {
        self.follows == Some(true)
    }

    /// Takes a commit into the group, or refuses it and leaves the group as it was.
    pub(in crate::store) fn admit(&mut self, commit: Commit) -> Result<Receipt, CommitError> {
        let (events, pools) = (self.events.len(), (!commit.issue.is_empty()).then(|| self.pools.clone()));
        let admitted = self.try_admit(commit);
        match &admitted {
            Ok(_) => {
                if self.follows == Some(true) {
                    let own = self.events.get(events..).unwrap_or_default();
                    self.follows = Some(self.overlay.follows_from(own));
                }
                self.overlay.keep();
            }
            Err(_) => {
                self.overlay.discard();
                self.events.truncate(events);
                if let Some(pools) = pools {
                    self.pools = pools;
                }
            }
        }
        admitted
    }

    /// Everything the admitted commits do.
    pub(in crate::store) fn decide(self) -> Decided {
        Decided { changes: self.overlay.into_changes().collect(), events: self.events, pools: self.pools }
    }

    fn try_admit(&mut self, commit: Commit) -> Result<Receipt, CommitError> {
        // A record that cannot be read is in the way of this commit only, and trying again does no harm.
        let unreadable = |_: ReadError| CommitError::Unavailable;
        for (place, guard) in commit.guards.iter().enumerate() {
            if !self.holds(guard).map_err(unreadable)? {
                return Err(CommitError::GuardFailed(place));
            }
        }
        for write in &commit.writes {
            match write {
                Write::Put(record) => self.overlay.put(record),
                Write::Remove(key) => self.overlay.remove(key),
            }
            .map_err(unreadable)?;
        }
        let mut receipt = Receipt::default();
        for order in commit.issue {
            self.issue(order, commit.guards.len(), &mut receipt)?;
        }
        for draft in commit.events {
            receipt.events.push(self.log(draft));
        }
        Ok(receipt)
    }

    fn holds(&self, guard: &Guard) -> Result<bool, ReadError> {
        match guard {
            Guard::Absent(key) => Ok(self.overlay.version(key)? == 0),
            Guard::Version(key, version) => Ok(*version != 0 && self.overlay.version(key)? == *version),
            Guard::NoPersonWith(index) => Ok(!self.overlay.any(&encoding::people_with(index))?),
            Guard::NoOtherCard { person, credential_type, known } => self.no_other_card(*person, credential_type, known),
        }
    }

    fn no_other_card(&self, person: PersonId, credential_type: &str, known: &[CardId]) -> Result<bool, ReadError> {
        for key in self.overlay.keys(&encoding::cards_of(person))? {
            let Some(Record::Card(card)) = encoding::indexed_key(&key).map_or(Ok(None), |key| self.overlay.read(&key))? else {
                continue;
            };
            let counts = card.state != State::Revoked && card.instance.is_some();
            if counts && card.credential_type == credential_type && !known.contains(&card.id) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn issue(&mut self, order: IssueOrder, guards: usize, receipt: &mut Receipt) -> Result<(), CommitError> {
        let drawn = self.pools.draw(self.board, &order.credential_type, order.holder_keys.len());
        let drawn = drawn.map_err(|_| CommitError::Unavailable)?;
        let (at, by) = (order.at, order.by);
        for list in drawn.opened {
            let what = What::ListOpened { list, credential_type: order.credential_type.clone() };
            receipt.events.push(self.log(EventDraft { at, actor: Actor::Service, what }));
        }
        let unreadable = |_: ReadError| CommitError::Unavailable;
        let (card, what) = if order.renews {
            let found = self.overlay.get(&Key::Card(order.id)).map_err(unreadable)?;
            let Some(Record::Card(card)) = found else { return Err(CommitError::GuardFailed(guards)) };
            order.renew(&card, &drawn.copies).map_err(|_| CommitError::GuardFailed(guards))?
        } else {
            order.complete(&drawn.copies)
        };
        self.overlay.put(&Record::Card(card.clone())).map_err(unreadable)?;
        receipt.events.push(self.log(EventDraft { at, actor: by, what }));
        receipt.issued.push(card);
        Ok(())
    }

    fn log(&mut self, draft: EventDraft) -> u64 {
        let number = self.next.saturating_add(self.events.len() as u64);
        let event = Event { number, at: draft.at, actor: draft.actor, what: draft.what };
        self.events.push(LoggedEvent { event, salt: self.random.array() });
        number
    }
}
