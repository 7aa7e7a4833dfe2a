//! The signed head of the log.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, ServiceConfig, route},
};

use crate::http::{
    State,
    call::call_from_memory,
    headers::FOR_EVERY_SITE,
    problem::{Kind, Problem, ProblemDocument},
    route::{get, resource},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/log/checkpoint", [get(route().to(checkpoint))]));
}

/// The signed head of the log
///
/// A C2SP checkpoint: origin, number of events and RFC 6962 root, signed with Ed25519.
#[utoipa::path(
    get, path = "/log/checkpoint", tag = "public",
    responses(
        (status = 200, description = "The newest head", body = String, content_type = "text/plain"),
        (status = 503, description = "It cannot be signed now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn checkpoint(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let sealed = call_from_memory(&state, |state| state.seal.checkpoint_of(&*state.store)).await?;
    let sealed = sealed.map_err(|error| {
        tracing::error!(%error, "the head of the log was not signed");
        Kind::SignerUnavailable
    })?;
    let mut response = HttpResponse::Ok();
    response.content_type("text/plain; charset=utf-8").insert_header(FOR_EVERY_SITE);
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    Ok(response.body(sealed.note.to_string()))
}
