//! Cards for access tokens: at once, or after an officer agreed, and what became of them.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
    web::{self, Bytes, Payload, ServiceConfig, post as post_route},
};

use crate::{
    base::limits::{ENCRYPTED_REQUEST_BYTES, FORM_BODY_BYTES, JSON_BODY_BYTES},
    http::{
        State,
        call::call,
        extract::{MediaType, read_body},
        fresh::refresh,
        headers::FOR_EVERY_SITE,
        oauth_error::{OAuthError, OAuthErrorDocument},
        route::{on, resource},
        wallet::issuance::shown,
    },
    issuance::{
        credential::{Body, Content, Reply},
        freshness::Server,
    },
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/credential", [on(Method::POST, post_route().to(credential))]));
    app.service(resource("/deferred_credential", [on(Method::POST, post_route().to(deferred_credential))]));
    app.service(resource("/notification", [on(Method::POST, post_route().to(notification))]));
}

/// Proofs of keys for a card
#[utoipa::path(
    post, path = "/credential", tag = "wallet",
    security(("bearer" = [])),
    request_body(content(
        (Object = "application/json"), (String = "application/jwt"),
    ), description = "`credential_configuration_id` or `credential_identifier`, `proofs.jwt` or `proofs.attestation`, and `credential_response_encryption`; or all of it as a JWE to the key of the metadata"),
    responses(
        (status = 200, description = "The credentials (OpenID4VCI 1.0 section 8.3); a JWE when that was asked for", body = Object),
        (status = 202, description = "They are still to come: an officer has to agree", body = Object),
        (status = 400, description = "The error of the protocol", body = OAuthErrorDocument),
        (status = 401, description = "The access token is not good", body = OAuthErrorDocument),
    )
)]
pub(in crate::http) async fn credential(
    request: HttpRequest,
    state: web::Data<State>,
    body: Payload,
) -> Result<HttpResponse, OAuthError> {
    let shown = shown(&request, "/credential");
    // Strangers do not fill memory with bodies. The token is checked again with the body, which may have taken seconds.
    let first = shown.clone();
    call(&state, move |state| state.credentials.accepts(&first)).await??;
    let (media, body) = read_either(&request, body).await?;
    let mut response = HttpResponse::Ok();
    refresh(&mut response, &state, &shown, Server::Resource);
    let reply = call(&state, move |state| state.credentials.issue(&shown, as_body(media, &body))).await??;
    Ok(answer(response, reply))
}

/// A card that an officer had to agree to
#[utoipa::path(
    post, path = "/deferred_credential", tag = "wallet",
    security(("bearer" = [])),
    request_body(content(
        (Object = "application/json"), (String = "application/jwt"),
    ), description = "`transaction_id`, and `credential_response_encryption`; or both as a JWE to the key of the metadata"),
    responses(
        (status = 200, description = "The credentials (OpenID4VCI 1.0 section 9.2); a JWE when that was asked for", body = Object),
        (status = 202, description = "They are still to come", body = Object),
        (status = 400, description = "The error of the protocol", body = OAuthErrorDocument),
        (status = 401, description = "The access token is not good", body = OAuthErrorDocument),
    )
)]
pub(in crate::http) async fn deferred_credential(
    request: HttpRequest,
    state: web::Data<State>,
    body: Payload,
) -> Result<HttpResponse, OAuthError> {
    let shown = shown(&request, "/deferred_credential");
    let first = shown.clone();
    call(&state, move |state| state.credentials.accepts(&first)).await??;
    let (media, body) = read_either(&request, body).await?;
    let mut response = HttpResponse::Ok();
    refresh(&mut response, &state, &shown, Server::Resource);
    let reply = call(&state, move |state| state.credentials.fetch_deferred(&shown, as_body(media, &body))).await??;
    Ok(answer(response, reply))
}

/// What became of a card in the wallet
#[utoipa::path(
    post, path = "/notification", tag = "wallet",
    security(("bearer" = [])),
    request_body(content = Object, description = "`notification_id`, `event` (`credential_accepted`, `credential_failure` or `credential_deleted`), `event_description`"),
    responses(
        (status = 204, description = "Taken (OpenID4VCI 1.0 section 11.2)"),
        (status = 400, description = "The error of the protocol", body = OAuthErrorDocument),
        (status = 401, description = "The access token is not good", body = OAuthErrorDocument),
    )
)]
pub(in crate::http) async fn notification(
    request: HttpRequest,
    state: web::Data<State>,
    body: Payload,
) -> Result<HttpResponse, OAuthError> {
    let shown = shown(&request, "/notification");
    let first = shown.clone();
    call(&state, move |state| state.notifications.accepts(&first)).await??;
    let body = read_body(&request, body.into_inner(), MediaType::Json, FORM_BODY_BYTES).await?;
    let mut response = HttpResponse::NoContent();
    refresh(&mut response, &state, &shown, Server::Resource);
    call(&state, move |state| state.notifications.take(&shown, &body)).await??;
    Ok(response.insert_header(FOR_EVERY_SITE).finish())
}

/// The body of a request that may be encrypted.
async fn read_either(request: &HttpRequest, body: Payload) -> Result<(MediaType, Bytes), OAuthError> {
    let media = MediaType::announced(request, [MediaType::Json, MediaType::Jwt]);
    let most = if media == MediaType::Jwt { ENCRYPTED_REQUEST_BYTES } else { JSON_BODY_BYTES };
    Ok((media, read_body(request, body.into_inner(), media, most).await?))
}

fn as_body(media: MediaType, bytes: &[u8]) -> Body<'_> {
    match media {
        MediaType::Jwt => Body::Jwt(bytes),
        _ => Body::Json(bytes),
    }
}

fn answer(mut response: HttpResponseBuilder, reply: Reply) -> HttpResponse {
    response.status(if reply.deferred { StatusCode::ACCEPTED } else { StatusCode::OK }).insert_header(FOR_EVERY_SITE);
    match reply.content {
        Content::Json(content) => response.json(content),
        Content::Jwt(text) => response.insert_header((header::CONTENT_TYPE, "application/jwt")).body(text),
    }
}
