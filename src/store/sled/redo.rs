//! After a crash between log and records: what the log says more than the records is redone or made void. Nobody was
//! told that any of it had happened.

use std::collections::BTreeSet;

use crate::{
    model::{
        card::StatusRef,
        event::{Event, LoggedEvent, What},
        ids::CardId,
        record::{Key, Record},
    },
    store::{
        ReadError,
        rows::{Change, overlay::Overlay, redo::redo_event},
        sled::records::Records,
    },
};

/// What has to be done to bring records and log together.
pub(super) struct Redo {
    /// Changes of records that were redone.
    pub(super) changes: Vec<Change>,
    /// Events that make the rest void.
    pub(super) compensations: Vec<What>,
}

/// Works out what the events of `tail`, which the records do not hold, call for.
pub(super) fn redo(records: &Records, tail: &[LoggedEvent]) -> Result<Redo, ReadError> {
    // A crash can come while an earlier crash is being made good: what was made void then is not made void again.
    let settled: BTreeSet<u64> = tail.iter().filter_map(|logged| settles(&logged.event.what)).collect();
    let mut overlay = Overlay::over(records);
    let mut compensations = Vec::new();
    for event in tail.iter().map(|logged| &logged.event) {
        redo_event(&mut overlay, event)?;
        let Event { number, what, .. } = event;
        let open = !settled.contains(number);
        match what {
            // Registered for the first time, or anew after it was switched off.
            What::WalletRegistered { wallet } if open && !is_registered(overlay.get(&Key::Wallet(*wallet))?) => {
                compensations.push(What::NotApplied { event: *number });
            }
            What::Issued { card, copies, .. } | What::Renewed { card, copies, .. }
                if open && !has_batch(&overlay, card, copies)? =>
            {
                compensations.push(What::IssueVoided { event: *number, card: *card, copies: copies.clone() });
            }
            // Nobody was given its secret; the log must not call it good.
            What::TokenCreated { token, .. } if open && overlay.get(&Key::Token(*token))?.is_none() => {
                compensations.push(What::TokenSwitchedOff { token: *token });
                compensations.push(What::NotApplied { event: *number });
            }
            What::EvidenceKept { evidence, .. } if open && overlay.get(&Key::Evidence(*evidence))?.is_none() => {
                compensations.push(What::NotApplied { event: *number });
            }
            What::PersonRegistered
            | What::PersonChanged
            | What::WalletChanged { .. }
            | What::EventsRead { .. }
            | What::AdmittedByHand { .. }
            | What::EvidenceOpened { .. }
            | What::SignInCodesMade { .. }
            | What::IssuanceDecided { .. }
            | What::PersonExported
            | What::PersonErased
                if open =>
            {
                compensations.push(What::NotApplied { event: *number });
            }
            // Lists and the log's own affairs live in the log alone.
            _ => {}
        }
        overlay.keep();
    }
    Ok(Redo { changes: overlay.into_changes().collect(), compensations })
}

fn has_batch(overlay: &Overlay<'_>, card: &CardId, copies: &[StatusRef]) -> Result<bool, ReadError> {
    let Some(Record::Card(card)) = overlay.get(&Key::Card(*card))? else { return Ok(false) };
    Ok(copies.iter().all(|at| card.copies.iter().any(|copy| copy.status == *at)))
}

fn is_registered(record: Option<Record>) -> bool {
    matches!(record, Some(Record::Wallet(wallet)) if wallet.switched_off_at.is_none())
}

fn settles(what: &What) -> Option<u64> {
    match what {
        What::IssueVoided { event, .. } | What::NotApplied { event } => Some(*event),
        _ => None,
    }
}
