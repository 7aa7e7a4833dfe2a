//! What a wallet reads before it asks for anything.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig, route},
};

use crate::http::{
    State, document,
    route::{get, resource},
};

/// Seconds for which metadata may be kept: it changes with a start of the service at the earliest.
const SECONDS: u32 = 300;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/.well-known/openid-credential-issuer", [get(route().to(issuer))]));
    app.service(resource("/.well-known/oauth-authorization-server", [get(route().to(authorization_server))]));
}

/// What this issuer offers and where
#[utoipa::path(
    get, path = "/.well-known/openid-credential-issuer", tag = "wallet",
    responses((status = 200, description = "Credential issuer metadata (OpenID4VCI 1.0 section 12.2)", body = Object))
)]
pub(in crate::http) async fn issuer(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    document::json(&request, &state.metadata.issuer(), SECONDS)
}

/// How to get an access token
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "wallet",
    responses((status = 200, description = "Authorization server metadata (RFC 8414)", body = Object))
)]
pub(in crate::http) async fn authorization_server(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    document::json(&request, &state.metadata.authorization_server(), SECONDS)
}
