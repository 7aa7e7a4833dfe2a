//! Presentations that wallets show as QR codes: the gate's short-lived code, and the decision on what the gate has read.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, post as post_route},
};
use serde::{Deserialize, Serialize};

use super::presentations::{FlightText, flight};
use crate::{
    base::limits::SHOWN_BODY_BYTES,
    http::{
        State,
        auth::{Permit, may},
        call::call_from_memory,
        extract::JsonBody,
        problem::{Problem, ProblemDocument},
        qr,
        route::{on, resource},
    },
    model::statement::Statement,
    verification::{
        presentation::PresentationId,
        shown::{ShownCode, ShownOrder},
    },
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/shown/codes", [on(Method::POST, post_route().to(code))]));
    app.service(resource("/shown/decisions", [on(Method::POST, post_route().to(decide))]));
}

/// For what a code is shown.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CodeOrder {
    /// A use case that takes presentations shown as QR codes.
    use_case: String,
}

/// The code that this checkpoint shows now (`docs/PRESENTATION-QR.md`).
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct CodeView {
    /// The nonce in it.
    code: String,
    /// This checkpoint's identifier in it: the audience of the holder's proof.
    audience: String,
    /// The text of its QR code.
    qr_text: String,
    /// Its QR code, in SVG.
    qr_svg: String,
    /// From when on another is shown. This one is good for as long again.
    expires_at: String,
}

impl From<ShownCode> for CodeView {
    fn from(ShownCode { code, audience, qr_text, valid_until }: ShownCode) -> Self {
        Self { code, audience, qr_svg: qr::svg(&qr_text), qr_text, expires_at: valid_until.to_string() }
    }
}

/// What this checkpoint has read.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Read {
    use_case: String,
    /// The texts of the QR codes, in any order, each once or more.
    frames: Vec<String>,
    /// The text of the bar code of a boarding pass.
    #[serde(default)]
    boarding_pass: Option<String>,
    /// The flight that is boarded here.
    #[serde(default)]
    flight: Option<FlightText>,
}

/// The decision.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct DecisionView {
    /// Names the decision for an admission by hand: `/presentations/{id}/admission`. The statement itself is not kept.
    id: String,
    #[schema(value_type = Object)]
    statement: Statement,
}

/// The code to show now, which a wallet takes as nonce
#[utoipa::path(
    post, path = "/checkpoint/api/v1/shown/codes", tag = "checkpoint", security(("bearer" = [])),
    request_body = CodeOrder,
    responses(
        (status = 200, description = "The code", body = CodeView),
        (status = 400, description = "There is no such use case, or it takes no QR codes", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Not for this checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn code(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    JsonBody(order): JsonBody<CodeOrder>,
) -> Result<HttpResponse, Problem> {
    let code = state.shown.code(permit.token(), &order.use_case)?;
    Ok(HttpResponse::Ok().json(CodeView::from(code)))
}

/// Decides on a presentation that a wallet showed as QR codes
///
/// Answers 200 with a statement for every decision. A presentation is taken once; made without this checkpoint's code it is
/// undetermined at best.
#[utoipa::path(
    post, path = "/checkpoint/api/v1/shown/decisions", tag = "checkpoint", security(("bearer" = [])),
    request_body = Read,
    responses(
        (status = 200, description = "The statement", body = DecisionView),
        (status = 400, description = "The codes are not those of one presentation, or the call is malformed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Not for this checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "This checkpoint took too many lately", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn decide(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    JsonBody(read): JsonBody<Read, SHOWN_BODY_BYTES>,
) -> Result<HttpResponse, Problem> {
    let (who, use_case) = (permit.token(), read.use_case.clone());
    let order = ShownOrder {
        use_case: read.use_case,
        frames: read.frames,
        boarding_pass: read.boarding_pass,
        expected_flight: read.flight.map(flight).transpose()?,
    };
    let statement = call_from_memory(&state, move |state| state.shown.decide(who, &order)).await??;
    state.metrics.decided(statement.decision, statement.reason, Some(&use_case));
    let id = PresentationId::random(&*state.random).to_string();
    state.admissions.note(who, &id, Some(&use_case), &statement);
    Ok(HttpResponse::Ok().json(DecisionView { id, statement }))
}
