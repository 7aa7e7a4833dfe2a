//! A holder's own suspension, undone within a day by signing in anew.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use askama::Template;

use crate::{
    base::time::Timestamp,
    http::{
        State,
        call::call,
        citizen::{
            form::Form,
            my::face::Face,
            page::Visitor,
            pages,
            session::{Citizen, HOME},
        },
        problem::Problem,
        route::{get, on},
    },
    issuance::self_service::SelfServiceError,
    model::{
        card::Card,
        own_suspension::{UNDO_SECONDS, UndoError},
        sign_in::CitizenSession,
    },
    revocation::lifecycle::LifecycleError,
};

/// Where suspensions are undone.
const UNDO: &str = "/my/undo";

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(UNDO, [get(get_route().to(page)), on(Method::POST, post_route().to(undo))]));
}

/// How far a suspension is the holder's to undo.
pub(super) enum Undo {
    /// There is nothing to undo, or it is not the holder's.
    No,
    /// It was, until the day was over.
    TooLate,
    /// Until then, after signing in anew.
    After(String),
    /// Until then, now.
    Now(String),
}

impl Undo {
    /// Of one card.
    pub(super) fn of(visitor: &Visitor, card: &Card, session: &CitizenSession, now: Timestamp) -> Self {
        let until = || {
            let at = card.own_suspension().map(|own| own.at.plus_seconds(UNDO_SECONDS));
            at.map(|at| visitor.moment(at)).unwrap_or_default()
        };
        match card.can_be_undone(session.signed_in_at, now) {
            Ok(()) => Self::Now(until()),
            Err(UndoError::SignInAnew) => Self::After(until()),
            Err(UndoError::TooLate) => Self::TooLate,
            Err(UndoError::NotOwn) => Self::No,
        }
    }
}

#[derive(Template)]
#[template(path = "citizen/my/undo.html")]
struct UndoPage<'a> {
    visitor: &'a Visitor,
    /// Those that can be undone, each with its end.
    cards: Vec<(Face, String)>,
    /// Whether the holder has signed in since the last of them was suspended.
    is_now: bool,
}

async fn page(citizen: Citizen, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    let asked = session.clone();
    let read = call(&state, move |state| -> Result<_, SelfServiceError> {
        Ok((state.self_service.person(&asked)?, state.self_service.cards(&asked)?))
    });
    let (registered, cards) = read.await??;
    let (now, mut is_now, mut shown) = (state.clock.now(), true, Vec::new());
    for card in &cards {
        let until = match Undo::of(&visitor, card, &session, now) {
            Undo::Now(until) => until,
            Undo::After(until) => {
                is_now = false;
                until
            }
            Undo::No | Undo::TooLate => continue,
        };
        shown.push((Face::of(&visitor, &state, &registered.person, card), until));
    }
    if shown.is_empty() {
        return Ok(visitor.send_to(HOME));
    }
    visitor.page(&UndoPage { visitor: &visitor, cards: shown, is_now })
}

async fn undo(citizen: Citizen, state: web::Data<State>, form: Form) -> Result<HttpResponse, Problem> {
    let (visitor, session) = (form.visitor, citizen.session);
    let undone = call(&state, move |state| give_back(state, &session)).await??;
    Ok(visitor.send_to(if undone { "/my?done=undone" } else { UNDO }))
}

/// Gives back what is the holder's to undo: phones with what they may fetch, and cards that no phone is known of.
fn give_back(state: &State, session: &CitizenSession) -> Result<bool, Problem> {
    let (person, signed_in_at, mut undone) = (session.person, session.signed_in_at, false);
    for instance in state.self_service.instances(session)? {
        undone |= was_undone(state.lifecycle.undo_instance(person, signed_in_at, &instance))?;
    }
    for card in state.self_service.cards(session)? {
        undone |= was_undone(state.lifecycle.undo(person, signed_in_at, card.id))?;
    }
    Ok(undone)
}

/// What is not the holder's to undo, or not any more, stays as it is.
fn was_undone<T>(undone: Result<T, LifecycleError>) -> Result<bool, Problem> {
    match undone {
        Ok(_) => Ok(true),
        Err(LifecycleError::Undo(_) | LifecycleError::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
