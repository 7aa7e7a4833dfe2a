//! Codes that give a device the token of a checkpoint.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, post as post_route},
};
use serde::{Deserialize, Serialize};

use crate::{
    http::{
        State,
        auth::{Permit, may},
        call::call,
        extract::JsonBody,
        problem::{Problem, ProblemDocument},
        qr,
        route::{on, resource},
    },
    model::checkpoint::CheckpointAccount,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/pairings", [on(Method::POST, post_route().to(create))]));
}

/// The checkpoint whose token the code will give.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewPairing {
    /// What the checkpoint is called.
    name: String,
    /// The use cases it is limited to; any when left out.
    #[serde(default)]
    use_cases: Option<Vec<String>>,
    /// Where wallets may send people back to: https, or http on the machine itself.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// Origins of pages that may ask by the Digital Credentials API, besides this service's own.
    #[serde(default)]
    origins: Vec<String>,
}

/// A pairing. Its code is shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct PairingMade {
    /// The identifier of the token that the code will give: look it up, or switch it off, under `/tokens/{id}`.
    pairing_id: String,
    code: String,
    /// The page for checkpoints, which redeems the code.
    link: String,
    /// The link as a QR code, in SVG.
    qr_svg: String,
    expires_at: String,
}

/// Makes a code that a device redeems, once, for the token of a checkpoint
#[utoipa::path(
    post, path = "/admin/api/v1/pairings", tag = "administration", security(("bearer" = [])),
    request_body = NewPairing,
    responses(
        (status = 201, description = "Made; the code is shown this once and works for five minutes", body = PairingMade),
        (status = 400, description = "Not a name, or not an account", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn create(
    permit: Permit<may::ManageTokens>,
    state: web::Data<State>,
    JsonBody(new): JsonBody<NewPairing>,
) -> Result<HttpResponse, Problem> {
    let NewPairing { name, use_cases, redirect_uris, origins } = new;
    let account = CheckpointAccount { use_cases, redirect_uris, origins };
    let made = call(&state, move |state| state.operator_tokens.offer_pairing(&permit.authority(), &name, account));
    let offered = made.await??;
    // What stands behind `#` never reaches a server or its logs.
    let link = format!("{}/checkpoint#pair={}", state.public_url, offered.code.expose());
    let made = PairingMade {
        pairing_id: offered.token.to_string(),
        code: offered.code.expose().clone(),
        qr_svg: qr::svg(&link),
        link,
        expires_at: offered.expires_at.to_string(),
    };
    Ok(HttpResponse::Created().json(made))
}
