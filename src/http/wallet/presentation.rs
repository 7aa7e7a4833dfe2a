//! The wallet's side of OpenID4VP 1.0: a request is fetched once, and answered once.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, Payload, ServiceConfig, post as post_route, route as get_route},
};
use serde::Serialize;

use crate::{
    base::limits::{FORM_BODY_BYTES, RESPONSE_BODY_BYTES},
    format::openid::presentation::{FetchForm, REQUEST_OBJECT_TYPE},
    http::{
        State,
        call::call_from_memory,
        extract::{Id, MediaType, pass_over, read_body},
        headers::FOR_EVERY_SITE,
        oauth_error::{OAuthError, OAuthErrorDocument},
        problem::{Kind, Problem, ProblemDocument},
        route::{on, resource},
    },
    verification::presentation::{FetchError, RequestId, ResponseError, ResponseId},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    // Without HEAD: to ask for the headers of what can be had once would take it from the wallet.
    let requests = [on(Method::GET, get_route().to(request)), on(Method::POST, post_route().to(request_for_wallet))];
    app.service(resource("/requests/{id}", requests));
    app.service(resource("/responses/{id}", [on(Method::POST, post_route().to(respond))]));
}

/// What a wallet is told when its response was taken (OpenID4VP 1.0 section 8.2).
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Taken {
    /// Where to send the person, in the same-device flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
}

/// A request object, for one fetch
#[utoipa::path(
    get, path = "/requests/{id}", tag = "wallet",
    params(("id" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "A signed request object (OpenID4VP 1.0 section 5)", body = String, content_type = "application/oauth-authz-req+jwt"),
        (status = 404, description = "No such request, or past its time", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It was fetched before", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn request(state: web::Data<State>, Id(id): Id<RequestId>) -> Result<HttpResponse, Problem> {
    answer(&state, id, FetchForm::default()).await
}

/// A request object that carries the wallet's nonce, for one fetch
#[utoipa::path(
    post, path = "/requests/{id}", tag = "wallet",
    params(("id" = String, Path, description = "The request")),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded", description = "`wallet_nonce`, `wallet_metadata`"),
    responses(
        (status = 200, description = "A signed request object (OpenID4VP 1.0 section 5.10)", body = String, content_type = "application/oauth-authz-req+jwt"),
        (status = 400, description = "The form cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such request, or past its time", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It was fetched before", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn request_for_wallet(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<RequestId>,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let form = read_body(&request, body.into_inner(), MediaType::Form, FORM_BODY_BYTES).await?;
    let form = FetchForm::read(&form).map_err(|_| Problem::new(Kind::InvalidRequest))?;
    answer(&state, id, form).await
}

async fn answer(state: &web::Data<State>, id: RequestId, form: FetchForm) -> Result<HttpResponse, Problem> {
    let signed: Result<String, FetchError> =
        call_from_memory(state, move |state| state.presentations.request_object(id, form)).await?;
    let signed = signed?;
    Ok(HttpResponse::Ok().content_type(format!("application/{REQUEST_OBJECT_TYPE}")).insert_header(FOR_EVERY_SITE).body(signed))
}

/// A wallet's answer to a request
///
/// The first answer is the only one, whatever is in it.
#[utoipa::path(
    post, path = "/responses/{id}", tag = "wallet",
    params(("id" = String, Path, description = "The response")),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded", description = "`response`, or `error` (OpenID4VP 1.0 section 8)"),
    responses(
        (status = 200, description = "It was taken; the checkpoint has the decision", body = Taken),
        (status = 400, description = "`invalid_request` or `invalid_presentation`", body = OAuthErrorDocument),
    )
)]
pub(in crate::http) async fn respond(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<ResponseId>,
    body: Payload,
) -> Result<HttpResponse, OAuthError> {
    if !state.presentations.is_waited_for(id) {
        pass_over(body.into_inner(), RESPONSE_BODY_BYTES).await;
        return Err(refusal(ResponseError::NotOpen));
    }
    let form = read_body(&request, body.into_inner(), MediaType::Form, RESPONSE_BODY_BYTES).await?;
    let answered = call_from_memory(&state, move |state| state.presentations.respond(id, &form)).await?;
    if let Some(counted) = answered.counted {
        state.metrics.decided(counted.decision, counted.reason, counted.use_case.as_deref());
    }
    let redirect_uri = answered.answer.map_err(refusal)?;
    let no_store = (header::CACHE_CONTROL, "no-store");
    Ok(HttpResponse::Ok().insert_header(FOR_EVERY_SITE).insert_header(no_store).json(Taken { redirect_uri }))
}

/// In the words of the protocol (OpenID4VP 1.0 section 8.2); what exactly was wrong stands in the checkpoint's statement.
fn refusal(error: ResponseError) -> OAuthError {
    match error {
        ResponseError::Full => Problem::new(Kind::Busy).into(),
        ResponseError::InvalidPresentation => OAuthError::bad_request("invalid_presentation", &error.to_string()),
        ResponseError::NotOpen | ResponseError::Malformed(_) => OAuthError::bad_request("invalid_request", &error.to_string()),
    }
}
