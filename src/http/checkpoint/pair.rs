//! A device redeems a pairing code. Whoever has the code may: it is the permission.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, post as post_route},
};
use serde::{Deserialize, Serialize};

use crate::http::{
    State,
    call::call,
    extract::JsonBody,
    problem::{Problem, ProblemDocument},
    route::{on, resource},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/checkpoint/pair", [on(Method::POST, post_route().to(redeem))]));
}

/// A code.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PairingCode {
    /// As the link of the pairing has it.
    code: String,
}

/// The device's token. It is shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Paired {
    token: String,
    /// What the checkpoint is called.
    name: String,
    /// The use cases it is limited to; left out where it may ask for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    use_cases: Option<Vec<String>>,
}

/// Redeems a pairing code for the token of a checkpoint
#[utoipa::path(
    post, path = "/checkpoint/pair", tag = "checkpoint",
    request_body = PairingCode,
    responses(
        (status = 201, description = "The token, shown this once", body = Paired),
        (status = 404, description = "The code is unknown, used or past its time", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn redeem(
    state: web::Data<State>,
    JsonBody(PairingCode { code }): JsonBody<PairingCode>,
) -> Result<HttpResponse, Problem> {
    let (token, secret) = call(&state, move |state| state.operator_tokens.redeem_pairing(&code)).await??;
    let paired = Paired { token: secret.expose().clone(), name: token.name, use_cases: token.account.use_cases };
    Ok(HttpResponse::Created().json(paired))
}
