//! Whether the process lives, and whether it can do its work.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, route},
};
use serde::Serialize;

use crate::http::{
    State,
    problem::Words,
    route::{get, resource},
    standing::{Standing, Warning},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/health/live", [get(route().to(live))]));
    app.service(resource("/health/ready", [get(route().to(ready))]));
}

/// What `/health/live` says.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Liveness {
    /// Always `live`: a process that does not live does not answer.
    status: &'static str,
}

/// What `/health/ready` says.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Readiness {
    /// `ready`, `opening`, `read_only`, `guarded` or `unreachable`.
    status: &'static str,
    /// What that means and what to do.
    message: Words,
    /// What to look at although the service goes on.
    warnings: Vec<WarningView>,
    /// Events in the log.
    events: u64,
    /// How many of them were checked again since the start.
    checked_events: u64,
    /// For how long this node may have missed what others committed.
    lag_seconds: f64,
    /// Status lists that are served.
    status_lists: usize,
    /// How long ago the one of them that waited longest was signed; none before one was.
    oldest_list_seconds: Option<i64>,
}

/// What to look at.
#[derive(Serialize, utoipa::ToSchema)]
struct WarningView {
    /// A stable name; `docs/OPERATIONS.md` lists them.
    code: &'static str,
    /// What it means and what to do.
    message: Words,
}

/// Whether the process lives
#[utoipa::path(get, path = "/health/live", tag = "operation", responses((status = 200, description = "It lives", body = Liveness)))]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Liveness { status: "live" })
}

/// Whether the service can do all of its work
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "Only a part of it, and the body says why", body = Readiness),
    )
)]
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    let standing = Standing::of(&state);
    let seen = |warning: &Warning| WarningView { code: warning.name(), message: warning.words() };
    let body = Readiness {
        status: standing.status,
        warnings: standing.warnings.iter().map(seen).collect(),
        events: standing.health.events,
        checked_events: standing.health.checked_events,
        lag_seconds: standing.lag().as_secs_f64(),
        status_lists: state.store.board().lists().len(),
        oldest_list_seconds: standing.oldest_list_seconds,
        message: standing.message,
    };
    if standing.is_ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
