//! What happened to a card, line by line: as the log has it, or, when the log cannot be read, as the card remembers it.

use crate::{
    base::time::Timestamp,
    http::citizen::{my::words, page::Visitor},
    model::{
        card::{Card, State},
        event::{Event, LoggedEvent, What},
    },
};

/// One line.
pub(super) struct Line {
    /// The number of its entry in the log.
    pub number: Option<u64>,
    pub when: String,
    pub what: String,
    /// For style sheets.
    pub kind: &'static str,
    pub who: String,
}

/// The lines of a card, the newest first.
pub(super) fn lines(visitor: &Visitor, card: &Card, events: Option<&[LoggedEvent]>) -> Vec<Line> {
    let mut lines: Vec<Line> = match events {
        Some(events) => events.iter().map(|logged| of_event(visitor, &logged.event)).collect(),
        None => remembered(visitor, card),
    };
    lines.reverse();
    lines
}

/// The line of an event.
pub(super) fn of_event(visitor: &Visitor, event: &Event) -> Line {
    let (what, kind) = match &event.what {
        What::Issued { .. } => (visitor.say("签发到钱包", "Issued to a wallet").to_owned(), "good"),
        What::Renewed { .. } => (visitor.say("自动更新", "Renewed").to_owned(), "good"),
        What::StateChanged { to, reason, until, .. } => (changed(visitor, *to, Some(*reason), *until), name(*to)),
        _ => (visitor.say("签发未完成", "The issuing was not completed").to_owned(), "revoked"),
    };
    let (when, who) = (visitor.moment(event.at), words::actor(visitor, event.actor).to_owned());
    Line { number: Some(event.number), when, what, kind, who }
}

fn remembered(visitor: &Visitor, card: &Card) -> Vec<Line> {
    let line = |(at, change): (usize, &crate::model::card::Change)| Line {
        number: None,
        when: visitor.moment(change.at),
        what: if at == 0 {
            visitor.say("签发到钱包", "Issued to a wallet").to_owned()
        } else {
            changed(visitor, change.state, change.reason, None)
        },
        kind: name(change.state),
        who: words::actor(visitor, change.by).to_owned(),
    };
    card.history.iter().enumerate().map(line).collect()
}

fn changed(visitor: &Visitor, to: State, reason: Option<crate::model::card::Reason>, until: Option<Timestamp>) -> String {
    let mut text = words::change(visitor, to).to_owned();
    if let Some(reason) = reason {
        text += visitor.say("：", ": ");
        text += words::reason(visitor, reason);
    }
    if let Some(until) = until {
        text += &visitor.say("（至 {at}）", " (until {at})").replace("{at}", &visitor.moment(until));
    }
    text
}

const fn name(state: State) -> &'static str {
    match state {
        State::Active => "good",
        State::Suspended => "suspended",
        State::Revoked => "revoked",
    }
}
