//! Suspensions that end by themselves.

use std::collections::BTreeMap;

use crate::{
    base::time::Timestamp,
    model::{
        card::{Card, Reason, State},
        event::What,
        ids::CardId,
        party::Authority,
        record::{Query, Record},
    },
    revocation::lifecycle::{Lifecycle, LifecycleError, Order},
    store::ReadError,
};

/// Cards read at a time.
const PAGE: usize = 256;

/// Events read at a time when an order has to be looked for in the log.
const EVENTS: u64 = 1024;

/// What one run did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Run {
    /// Cards that are good again.
    pub reinstated: usize,
    /// Cards that could not be reinstated now, with the reason; the next run tries them again.
    pub failed: Vec<(CardId, LifecycleError)>,
    /// Suspended cards whose order stands nowhere in the log: they stay suspended until an operator decides.
    pub without_order: Vec<CardId>,
}

/// Reinstates every card whose suspension ended at or before `now`, each on the authority of the event that gave the
/// end date. A run that is cut short is completed by the next.
pub fn run_due(lifecycle: &Lifecycle, now: Timestamp) -> Result<Run, ReadError> {
    let mut run = Run::default();
    let due = due_cards(lifecycle, now)?;
    let found = look_up_orders(lifecycle, &due)?;
    for card in &due {
        let Some(event) = card.suspension_event.or_else(|| found.get(&card.id).copied()) else {
            run.without_order.push(card.id);
            continue;
        };
        let order = Order { reason: reason_of(card), note: None, until: None };
        match lifecycle.reinstate(&Authority::Standing(event), card.id, order) {
            Ok(_) => run.reinstated += 1,
            Err(error) if no_longer_due(&error) => {}
            Err(error) => run.failed.push((card.id, error)),
        }
    }
    Ok(run)
}

/// All of them are read before the first is changed: changes would move the pages.
fn due_cards(lifecycle: &Lifecycle, now: Timestamp) -> Result<Vec<Card>, ReadError> {
    let (mut due, mut after) = (Vec::new(), None);
    loop {
        let page = lifecycle.store.find(&Query::SuspensionsEnded(now), after.as_deref(), PAGE)?;
        due.extend(page.records.into_iter().filter_map(|record| match record.value {
            Record::Card(card) => Some(card),
            _ => None,
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(due),
        }
    }
}

/// For cards that do not name the event that suspended them: one walk through the log from its end, until all are
/// found.
fn look_up_orders(lifecycle: &Lifecycle, due: &[Card]) -> Result<BTreeMap<CardId, u64>, ReadError> {
    let mut missing = due.iter().filter(|card| card.suspension_event.is_none()).count();
    let (mut found, mut end) = (BTreeMap::new(), lifecycle.store.head().size);
    while missing > 0 && end > 0 {
        let start = end.saturating_sub(EVENTS);
        let limit = usize::try_from(end - start).unwrap_or(usize::MAX);
        for logged in lifecycle.store.events(start + 1, limit)?.iter().rev() {
            let What::StateChanged { card, to: State::Suspended, .. } = logged.event.what else { continue };
            let asked = due.iter().any(|due| due.id == card && due.suspension_event.is_none());
            if asked && !found.contains_key(&card) {
                found.insert(card, logged.event.number);
                missing -= 1;
            }
        }
        end = start;
    }
    Ok(found)
}

/// A card keeps the reason of its suspension when it ends by itself: nobody gave a new one.
fn reason_of(card: &Card) -> Reason {
    card.history.last().and_then(|change| change.reason).unwrap_or(Reason::Other)
}

/// Somebody else reinstated, revoked or prolonged it in between.
fn no_longer_due(error: &LifecycleError) -> bool {
    matches!(error, LifecycleError::Transition(_) | LifecycleError::NotAllowed | LifecycleError::NotFound)
}
