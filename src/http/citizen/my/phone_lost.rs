//! The phone is gone: every card on it is suspended with one word.

use std::collections::BTreeMap;

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
                card::{reason, short},
                face::title,
            },
            page::Visitor,
            pages,
            session::{Citizen, HOME},
        },
        problem::Problem,
        route::{get, on},
    },
    model::{
        card::{Card, Reason, State as CardState},
        client::WalletInstance,
        party::Authority,
        sign_in::CitizenSession,
    },
    revocation::lifecycle::{LifecycleError, Order},
};

/// What the form calls every phone.
const ALL: &str = "all";

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages("/my/phone-lost", [get(get_route().to(page)), on(Method::POST, post_route().to(suspend))]));
}

/// One phone, as far as it is known: the installation of a wallet.
struct Phone {
    /// The installation; what the form calls it.
    instance: String,
    short: String,
    titles: Vec<String>,
    /// When the newest of its cards was fetched.
    since: String,
}

#[derive(Template)]
#[template(path = "citizen/my/phone-lost.html")]
struct PhoneLostPage<'a> {
    visitor: &'a Visitor,
    phones: Vec<Phone>,
    /// The titles of all cards that would be suspended.
    all: Vec<String>,
}

async fn page(citizen: Citizen, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    let cards = call(&state, move |state| state.self_service.cards(&session)).await??;
    let good: Vec<&Card> = cards.iter().filter(|card| is_meant(card, ALL)).collect();
    if good.is_empty() {
        return Ok(visitor.send_to(HOME));
    }
    let title_of = |card: &Card| title(&visitor, &state, &card.credential_type);
    let mut by_instance: BTreeMap<&WalletInstance, Vec<&Card>> = BTreeMap::new();
    for card in &good {
        if let Some(instance) = &card.instance {
            by_instance.entry(instance).or_default().push(card);
        }
    }
    let phones = by_instance.into_iter().map(|(instance, cards)| Phone {
        instance: instance.as_str().to_owned(),
        short: short(instance.as_str()),
        titles: cards.iter().map(|card| title_of(card)).collect(),
        since: cards.iter().map(|card| card.valid_from).max().map(|at| visitor.day(at)).unwrap_or_default(),
    });
    let phones = phones.collect();
    visitor.page(&PhoneLostPage { visitor: &visitor, phones, all: good.into_iter().map(title_of).collect() })
}

/// Whether a card is on the phone that is gone. One whose time is over too: the phone could have it renewed.
fn is_meant(card: &Card, phone: &str) -> bool {
    let is_on_it = card.instance.as_ref().is_some_and(|instance| instance.as_str() == phone);
    card.state == CardState::Active && (phone == ALL || is_on_it)
}

async fn suspend(citizen: Citizen, state: web::Data<State>, form: Form) -> Result<HttpResponse, Problem> {
    let (Form { visitor, mut fields }, session) = (form, citizen.session);
    let (reason, phone) = (reason(fields.take("reason").as_deref())?, fields.take("phone").unwrap_or_default());
    call(&state, move |state| stop(state, &session, reason, &phone)).await??;
    Ok(visitor.send_to("/my?done=suspended"))
}

/// Stops what is on the phone, with everything it may still fetch; and cards that no phone is known of, when all are meant.
fn stop(state: &State, session: &CitizenSession, reason: Reason, phone: &str) -> Result<(), Problem> {
    let (holder, order) = (Authority::Holder(session.person), Order { reason, note: None, until: None });
    for instance in state.self_service.instances(session)? {
        if phone == ALL || instance.as_str() == phone {
            good_enough(state.lifecycle.suspend_instance(&holder, &instance, &order))?;
        }
    }
    for card in state.self_service.cards(session)?.iter().filter(|card| is_meant(card, phone)) {
        good_enough(state.lifecycle.suspend(&holder, card.id, order.clone()))?;
    }
    Ok(())
}

/// What was revoked meanwhile, or went away, needs no suspending.
fn good_enough<T>(suspended: Result<T, LifecycleError>) -> Result<(), Problem> {
    match suspended {
        Ok(_) | Err(LifecycleError::Transition(_) | LifecycleError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
