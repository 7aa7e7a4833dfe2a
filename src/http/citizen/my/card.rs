//! One card: how it stands, what happened to it, and the word that suspends it.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use askama::Template;

use crate::{
    http::{
        State,
        call::call,
        citizen::{
            form::Form,
            my::{
                face::{Face, Standing},
                history::{self, Line},
                undo::Undo,
            },
            page::Visitor,
            pages,
            session::Citizen,
        },
        extract::Id,
        problem::{Problem, Words},
        route::{get, on},
    },
    issuance::self_service::SelfServiceError,
    model::{
        card::{Card, NoticeEvent, Reason},
        event::LoggedEvent,
        ids::CardId,
        party::Authority,
        person::Person,
        sign_in::CitizenSession,
    },
    revocation::lifecycle::Order,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages("/my/cards/{id}", [get(get_route().to(card))]));
    app.service(pages("/my/cards/{id}/suspend", [on(Method::POST, post_route().to(suspend))]));
}

#[derive(Template)]
#[template(path = "citizen/my/card.html")]
struct CardPage<'a> {
    visitor: &'a Visitor,
    card: Face,
    valid: (String, String),
    copies: usize,
    instance: Option<String>,
    /// What the wallet said became of it.
    notice: Option<&'a str>,
    is_due: bool,
    undo: Undo,
    lines: Vec<Line>,
}

/// What the store has of one card.
struct Known {
    person: Person,
    card: Card,
    events: Option<Vec<LoggedEvent>>,
}

fn known(state: &State, session: &CitizenSession, id: CardId) -> Result<Known, SelfServiceError> {
    let card = state.self_service.card(session, id)?;
    let events = state.openings.events_of_card(id);
    let events = events.inspect_err(|error| tracing::error!(%error, "the events of a card cannot be read")).ok();
    Ok(Known { person: state.self_service.person(session)?.person, card, events })
}

async fn card(citizen: Citizen, state: web::Data<State>, Id(id): Id<CardId>) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    let asked = session.clone();
    let Known { person, card, events } = call(&state, move |state| known(state, &asked, id)).await??;
    let page = CardPage {
        visitor: &visitor,
        card: Face::of(&visitor, &state, &person, &card),
        valid: (visitor.day(card.valid_from), visitor.day(card.valid_until.plus_seconds(-1))),
        copies: card.copies.len(),
        instance: card.instance.as_ref().map(|instance| short(instance.as_str())),
        notice: card.notices.last().map(|notice| notice_words(&visitor, notice.event)),
        is_due: card.due_for_renewal,
        undo: Undo::of(&visitor, &card, &session, state.clock.now()),
        lines: history::lines(&visitor, &card, events.as_deref()),
    };
    visitor.page(&page)
}

/// Enough of a hash to tell one's own few phones apart.
pub(super) fn short(instance: &str) -> String {
    instance.chars().take(6).collect()
}

fn notice_words<'a>(visitor: &Visitor, event: NoticeEvent) -> &'a str {
    match event {
        NoticeEvent::CredentialAccepted => visitor.say("钱包已收存", "The wallet has stored it"),
        NoticeEvent::CredentialFailure => visitor.say("钱包未能收存", "The wallet could not store it"),
        NoticeEvent::CredentialDeleted => visitor.say("已在钱包中删除", "It was deleted in the wallet"),
    }
}

async fn suspend(citizen: Citizen, state: web::Data<State>, Id(id): Id<CardId>, form: Form) -> Result<HttpResponse, Problem> {
    let Form { visitor, mut fields } = form;
    let reason = reason(fields.take("reason").as_deref())?;
    let holder = Authority::Holder(citizen.session.person);
    let order = Order { reason, note: None, until: None };
    call(&state, move |state| state.lifecycle.suspend(&holder, id, order)).await??;
    Ok(visitor.send_to(&format!("/my/cards/{id}")))
}

/// What a holder can say of a card.
pub(super) fn reason(named: Option<&str>) -> Result<Reason, Problem> {
    match named {
        Some("lost") => Ok(Reason::Lost),
        Some("stolen") => Ok(Reason::Stolen),
        Some("other") => Ok(Reason::Other),
        _ => Err(Problem::field("reason", "invalid", Words::new("请选择原因", "choose a reason"))),
    }
}

impl CardPage<'_> {
    /// Also when its time is over: its wallet could have it renewed.
    fn can_be_suspended(&self) -> bool {
        matches!(self.card.standing, Standing::Good | Standing::Expired)
    }
}
