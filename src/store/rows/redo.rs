//! What an event says of a record, done to it once more. A change that gives nothing but this need not be on disk itself:
//! its event is enough.

use crate::{
    base::time::Timestamp,
    model::{
        card::Change as CardChange,
        event::{Event, What},
        ids::CardId,
        record::{Key, Record},
    },
    store::{ReadError, rows::overlay::Overlay},
};

/// Redoes the event where its record is; gives whether it is of a kind that can be redone.
pub(in crate::store) fn redo_event(overlay: &mut Overlay<'_>, event: &Event) -> Result<bool, ReadError> {
    let Event { number, at, actor, what } = event;
    match what {
        What::StateChanged { card, to, until, reason, .. } => {
            let reason = Some(*reason);
            let change = CardChange { at: *at, state: *to, reason, sealed_note: None, by: *actor };
            change_card(overlay, *card, change, (*until, *number))?;
        }
        What::TokenSwitchedOff { token } => {
            if let Some(Record::Token(mut token)) = overlay.get(&Key::Token(*token))? {
                token.switched_off_at.get_or_insert(*at);
                overlay.put(&Record::Token(token))?;
            }
        }
        What::WalletSwitchedOff { wallet } => {
            if let Some(Record::Wallet(mut wallet)) = overlay.get(&Key::Wallet(*wallet))? {
                wallet.switched_off_at.get_or_insert(*at);
                overlay.put(&Record::Wallet(wallet))?;
            }
        }
        // Its key was destroyed before; a record that stayed would only be found and destroyed once more.
        What::EvidenceDestroyed { evidence, .. } => overlay.remove(&Key::Evidence(*evidence))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn change_card(
    overlay: &mut Overlay<'_>,
    card: CardId,
    change: CardChange,
    (until, event): (Option<Timestamp>, u64),
) -> Result<(), ReadError> {
    if let Some(Record::Card(mut card)) = overlay.get(&Key::Card(card))? {
        card.redo(change, until, event);
        overlay.put(&Record::Card(card))?;
    }
    Ok(())
}
