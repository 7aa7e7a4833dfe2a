//! Metrics, on a listener of their own.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, route},
};

use crate::http::{
    State,
    metrics::Gauges,
    route::{get, resource},
    standing::Standing,
};

pub(in crate::http) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/metrics", [get(route().to(metrics))]));
}

async fn metrics(state: web::Data<State>) -> HttpResponse {
    let standing = Standing::of(&state);
    let now = Gauges {
        status_lists: state.store.board().lists().len(),
        calls_inside: state.door.inside(),
        calls_late: state.door.late(),
        connections: state.connections.open(),
        presentations: state.presentations.count(),
        followers: state.followers.count(),
        clock: &state.clock_watch,
        standing: &standing,
    };
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.metrics.render(&now))
}
