//! From an offer to a card.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Payload, ServiceConfig, post as post_route, route as get_route},
};

use crate::{
    base::limits::FORM_BODY_BYTES,
    http::{
        State,
        call::call,
        extract::{Id, MediaType, read_body},
        fresh::{DPOP_NONCE, refresh},
        headers::{EXPOSED, FOR_EVERY_SITE},
        oauth_error::{OAuthError, OAuthErrorDocument},
        problem::{Kind, Problem, ProblemDocument},
        route::{get, on, resource},
    },
    issuance::{caller::Shown, freshness::Server},
    model::ids::OfferId,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/offers/{id}", [get(get_route().to(offer))]));
    app.service(resource("/par", [on(Method::POST, post_route().to(push))]));
    app.service(resource("/token", [on(Method::POST, post_route().to(token))]));
    app.service(resource("/challenge", [on(Method::POST, post_route().to(challenge))]));
    app.service(resource("/nonce", [on(Method::POST, post_route().to(nonce))]));
}

/// An offer by reference
#[utoipa::path(
    get, path = "/offers/{id}", tag = "wallet",
    params(("id" = String, Path, description = "The offer")),
    responses(
        (status = 200, description = "The credential offer (OpenID4VCI 1.0 section 4.1.3)", body = Object),
        (status = 404, description = "No such offer, or past its time or redeemed", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn offer(state: web::Data<State>, Id(id): Id<OfferId>) -> Result<HttpResponse, Problem> {
    let offer = call(&state, move |state| state.offers.object(id)).await??;
    Ok(HttpResponse::Ok().json(offer.ok_or(Problem::new(Kind::NotFound))?))
}

/// An authorisation request, pushed
///
/// The answer's `request_uri` is opened in a browser at `/authorize`, once and soon.
#[utoipa::path(
    post, path = "/par", tag = "wallet",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded", description = "`client_id`, `response_type`, `redirect_uri`, `state`, `scope`, `authorization_details`, `code_challenge`, `code_challenge_method`, `issuer_state`, `dpop_jkt`"),
    responses(
        (status = 201, description = "`request_uri` and `expires_in` (RFC 9126 section 2.2)", body = Object),
        (status = 400, description = "The error of the protocol", body = OAuthErrorDocument),
    )
)]
pub(in crate::http) async fn push(
    request: HttpRequest,
    state: web::Data<State>,
    body: Payload,
) -> Result<HttpResponse, OAuthError> {
    let form = read_body(&request, body.into_inner(), MediaType::Form, FORM_BODY_BYTES).await?;
    let shown = shown(&request, "/par");
    let mut answer = HttpResponse::Created();
    refresh(&mut answer, &state, &shown, Server::Authorization);
    let pushed = call(&state, move |state| state.authorizations.push(&shown, &form)).await??;
    Ok(answer.insert_header(FOR_EVERY_SITE).json(pushed))
}

/// A code for an access token
#[utoipa::path(
    post, path = "/token", tag = "wallet",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded", description = "`grant_type`, and `pre-authorized_code` with `tx_code`, or `code` with `client_id`, `redirect_uri` and `code_verifier`, or `refresh_token`"),
    responses(
        (status = 200, description = "An access token (OpenID4VCI 1.0 section 6.2)", body = Object),
        (status = 400, description = "The error of the protocol", body = OAuthErrorDocument),
    )
)]
pub(in crate::http) async fn token(
    request: HttpRequest,
    state: web::Data<State>,
    body: Payload,
) -> Result<HttpResponse, OAuthError> {
    let form = read_body(&request, body.into_inner(), MediaType::Form, FORM_BODY_BYTES).await?;
    let shown = shown(&request, "/token");
    let mut answer = HttpResponse::Ok();
    refresh(&mut answer, &state, &shown, Server::Authorization);
    let token = call(&state, move |state| state.access_tokens.redeem_form(&shown, &form)).await??;
    Ok(answer.insert_header(FOR_EVERY_SITE).json(token))
}

/// A challenge for the proof of a wallet attestation
#[utoipa::path(
    post, path = "/challenge", tag = "wallet",
    responses((status = 200, description = "`attestation_challenge`, good for some minutes", body = Object))
)]
pub(in crate::http) async fn challenge(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().insert_header(FOR_EVERY_SITE).json(state.freshness.challenge())
}

/// A fresh nonce for proofs
#[utoipa::path(
    post, path = "/nonce", tag = "wallet",
    responses((
        status = 200, description = "`c_nonce` (OpenID4VCI 1.0 section 7)", body = Object,
        headers(("DPoP-Nonce" = String, description = "The nonce for the DPoP proof of the next request for a card")),
    ))
)]
pub(in crate::http) async fn nonce(state: web::Data<State>) -> HttpResponse {
    // The next request is the one for the card: it is spared being told so (section 7.2).
    HttpResponse::Ok()
        .insert_header(FOR_EVERY_SITE)
        .insert_header(EXPOSED)
        .insert_header((DPOP_NONCE, state.freshness.nonce(Server::Resource)))
        .json(state.nonces.issue())
}

/// What the headers of a request to the endpoint at `path` say of who sends it.
pub(in crate::http) fn shown(request: &HttpRequest, path: &'static str) -> Shown {
    let all = |name: &str| {
        let values = request.headers().get_all(name);
        // What is no text is no credential; it must not count as absent.
        values.map(|value| value.to_str().unwrap_or_default().to_owned()).collect()
    };
    Shown {
        method: "POST",
        path,
        dpop: all("dpop"),
        attestation: all("oauth-client-attestation"),
        attestation_pop: all("oauth-client-attestation-pop"),
        authorization: all("authorization"),
    }
}
