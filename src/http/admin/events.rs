//! The events of the log with their openings, for auditors. Reading them is itself an event.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, route as get_route},
};
use serde::Serialize;

use crate::{
    http::{
        State,
        auth::{Permit, may},
        call::call,
        extract::Params,
        problem::{Problem, ProblemDocument},
        route::{get, resource},
    },
    model::{
        event::{EventDraft, LoggedEvent, What},
        party::{Authority, Capability},
        record::Commit,
    },
};

/// Events in one answer unless fewer or more are asked for.
const PAGE: usize = 100;

/// Most events in one answer.
const MOST: usize = 500;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/events", [get(get_route().to(read))]));
}

/// A page of events.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct EventsView {
    /// Each with its salt; event n is leaf n - 1 of the log's tree.
    #[schema(value_type = Vec<Object>)]
    events: Vec<LoggedEvent>,
    /// The number to go on from.
    next: u64,
}

/// Reads events of the log with their openings
#[utoipa::path(
    get, path = "/admin/api/v1/events", tag = "administration", security(("bearer" = [])),
    params(
        ("from" = Option<u64>, Query, description = "The first number; 1 when left out"),
        ("limit" = Option<u32>, Query, description = "At most so many, up to 500"),
    ),
    responses(
        (status = 200, description = "Events in their order", body = EventsView),
        (status = 403, description = "Neither auditor nor administrator", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn read(
    permit: Permit<may::ReadEvents>,
    state: web::Data<State>,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let from = params.take_parsed("from")?.unwrap_or(1);
    let limit = params.take_parsed::<u16>("limit")?.map_or(PAGE, usize::from).clamp(1, MOST);
    params.finish()?;
    let events = call(&state, move |state| read_and_say_so(state, &permit.authority(), from, limit)).await??;
    let next = events.last().map_or(from, |last| last.event.number.saturating_add(1));
    Ok(HttpResponse::Ok().json(EventsView { events, next }))
}

/// Nothing is shown unless the log says that it was shown.
fn read_and_say_so(state: &State, authority: &Authority, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, Problem> {
    authority.require(Capability::ReadEvents)?;
    let events = state.store.events(from, limit)?;
    let what = What::EventsRead { from, count: events.len() as u64 };
    let event = EventDraft { at: state.clock.now(), actor: authority.actor(), what };
    state.store.commit(Commit { events: vec![event], ..Commit::default() })?;
    Ok(events)
}
