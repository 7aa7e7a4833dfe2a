//! Whether the process lives, and whether it can do its work.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, route},
};
use serde::Serialize;

use crate::{
    http::{
        State,
        problem::Words,
        route::{get, resource},
    },
    store::Mode,
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
    /// `ready`, `read_only` or `guarded`.
    status: &'static str,
    /// What that means and what to do.
    message: Words,
    /// Events in the log.
    events: u64,
    /// How many of them were checked again since the start.
    checked_events: u64,
    /// Status lists that are served.
    status_lists: usize,
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
    let health = state.store.health();
    let (status, message) = match &health.mode {
        Mode::Normal => ("ready", Words::new("服务正常", "the service does all of its work")),
        Mode::Opening => {
            ("opening", Words::new("正在打开存储，核验已可用", "the records are being opened; verification works already"))
        }
        Mode::ReadOnly => (
            "read_only",
            Words::new("写入曾出错，重启前只读", "writing failed; the store only reads until the service is restarted"),
        ),
        Mode::Guarded(damage) => {
            let english = format!("{damage}; stop the service and run `yufu repair`");
            ("guarded", Words::new("存储曾丢失数据；请停止服务并运行 yufu repair", english))
        }
    };
    let body = Readiness {
        status,
        message,
        events: health.events,
        checked_events: health.checked_events,
        status_lists: state.store.board().lists().len(),
    };
    if health.mode == Mode::Normal { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
