//! Metrics, on a listener of their own.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, route},
};

use crate::{
    http::{
        State,
        metrics::Gauges,
        route::{get, resource},
    },
    store::Mode,
};

pub(in crate::http) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/metrics", [get(route().to(metrics))]));
}

async fn metrics(state: web::Data<State>) -> HttpResponse {
    let health = state.store.health();
    let now = Gauges {
        events: health.events,
        status_lists: state.store.board().lists().len(),
        calls_inside: state.door.inside(),
        presentations: state.presentations.count(),
        followers: state.followers.count(),
        writable: health.mode == Mode::Normal,
    };
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.metrics.render(now))
}
