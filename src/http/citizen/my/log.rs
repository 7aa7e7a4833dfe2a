//! The entries of the public log about one card, opened: what the log only shows as numbers, and that it stands there.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, ServiceConfig, get as get_route},
};
use askama::Template;
use serde_json::Value;

use crate::{
    audit::open::{OpenError, Opening},
    base::{base64url, json},
    http::{
        State,
        call::call,
        citizen::{
            my::history::{self, Line},
            page::Visitor,
            pages,
            session::Citizen,
        },
        extract::Id,
        problem::{Kind, Problem},
        route::get,
    },
    model::{ids::CardId, sign_in::CitizenSession},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages("/my/cards/{id}/log", [get(get_route().to(page))]));
    app.service(pages("/my/cards/{id}/log.json", [get(get_route().to(file))]));
}

/// An entry, opened.
struct Entry {
    line: Line,
    /// What stands in the public log.
    commitment: String,
    salt: String,
    /// The event as it is hashed.
    event: String,
    inclusion: Vec<String>,
}

#[derive(Template)]
#[template(path = "citizen/my/log.html")]
struct LogPage<'a> {
    visitor: &'a Visitor,
    id: String,
    entries: Vec<Entry>,
    checkpoint: String,
    key: String,
}

/// Opens the entries of a card of this person's.
fn openings(state: &State, session: &CitizenSession, id: CardId) -> Result<(Vec<Opening>, String), Problem> {
    let card = state.self_service.card(session, id)?;
    let openings = state.openings.of_card(card.id).map_err(|error| not_opened(&error))?;
    let key = state.openings.key().map_err(|_| Problem::new(Kind::SignerUnavailable))?;
    Ok((openings, key.to_string()))
}

pub(super) fn not_opened(error: &OpenError) -> Problem {
    tracing::error!(%error, "entries of the log were not opened");
    Kind::SignerUnavailable.into()
}

async fn page(citizen: Citizen, state: web::Data<State>, Id(id): Id<CardId>) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    let (openings, key) = call(&state, move |state| openings(state, &session, id)).await??;
    let checkpoint = openings.first().map(|opening| opening.checkpoint.clone()).unwrap_or_default();
    let entries = openings.iter().rev().map(|opening| entry(&visitor, opening)).collect();
    visitor.page(&LogPage { visitor: &visitor, id: id.to_string(), entries, checkpoint, key })
}

fn entry(visitor: &Visitor, opening: &Opening) -> Entry {
    Entry {
        line: history::of_event(visitor, &opening.logged.event),
        commitment: base64url::encode(opening.logged.commitment()),
        salt: base64url::encode(opening.logged.salt),
        event: String::from_utf8(json::canonical(&opening.logged.event).unwrap_or_default()).unwrap_or_default(),
        inclusion: opening.inclusion.clone(),
    }
}

/// For whoever checks them: with the key, and without asking us.
async fn file(citizen: Citizen, state: web::Data<State>, Id(id): Id<CardId>) -> Result<HttpResponse, Problem> {
    let (openings, key) = call(&state, move |state| openings(state, &citizen.session, id)).await??;
    let file = serde_json::json!({"log_key": key, "entries": openings});
    Ok(download(&format!("yufu-log-{id}.json"), &file))
}

/// A file to keep.
pub(super) fn download(name: &str, file: &Value) -> HttpResponse {
    let text = serde_json::to_string_pretty(file).unwrap_or_default();
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(text)
}
