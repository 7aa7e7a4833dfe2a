//! The keys whose signatures others check.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig, route},
};

use crate::http::{
    State, document,
    route::{get, resource},
};

/// Seconds for which caches may keep keys: a key that was withdrawn must not be believed much longer.
const SECONDS: u32 = 300;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/.well-known/jwks.json", [get(route().to(jwks))]));
    app.service(resource("/.well-known/jwt-vc-issuer", [get(route().to(issuer))]));
}

/// Public keys: of credentials, of status lists, of the log and of requests
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "public",
    responses((status = 200, description = "A JSON Web Key Set (RFC 7517)", body = Object))
)]
pub(in crate::http) async fn jwks(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    document::json(&request, &state.metadata.keys(), SECONDS)
}

/// The issuer's key for verifiers of SD-JWT VC
#[utoipa::path(
    get, path = "/.well-known/jwt-vc-issuer", tag = "public",
    responses((status = 200, description = "JWT VC issuer metadata", body = Object))
)]
pub(in crate::http) async fn issuer(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    document::json(&request, &state.metadata.jwt_vc_issuer(), SECONDS)
}
