//! For checkpoints: presentations from wallets, and verification of one that is already in hand.

pub(super) mod admission;
pub mod follow;
pub(super) mod pair;
pub(super) mod presentations;
pub(super) mod shown;
mod stream;
pub(super) mod use_cases;
mod view;

use actix_web::{
    HttpResponse,
    http::Method,
    middleware::from_fn,
    web::{self, ServiceConfig, post as route},
};

use crate::{
    base::limits::VERIFICATION_BODY_BYTES,
    http::{
        State,
        auth::{Permit, bearers_only, may},
        call::call_from_memory,
        evidence,
        extract::JsonBody,
        problem::{Kind, Problem, ProblemDocument},
        route::{on, resource},
    },
    verification::service::VerificationRequest,
};

/// The routes for checkpoints.
pub(super) fn configure(app: &mut ServiceConfig) {
    let nothing = web::to(|| async { Err::<HttpResponse, _>(Problem::new(Kind::NotFound)) });
    pair::configure(app);
    app.service(
        web::scope("/checkpoint/api/v1")
            .wrap(from_fn(bearers_only))
            .default_service(nothing)
            .service(resource("/verifications", [on(Method::POST, route().to(verify))]))
            .configure(presentations::configure)
            .configure(admission::configure)
            .configure(shown::configure)
            .configure(evidence::for_checkpoints)
            .configure(use_cases::configure),
    );
}

/// Verifies a presentation
///
/// Answers 200 with a statement for every decision; 400 only for a malformed call. `docs/REASONS.md` lists the reasons.
#[utoipa::path(
    post, path = "/checkpoint/api/v1/verifications", tag = "checkpoint",
    security(("bearer" = [])),
    request_body(content = Object, description = "`presentation`, `nonce`, `audience`, `policy`"),
    responses(
        (status = 200, description = "The statement", body = Object),
        (status = 400, description = "The call is malformed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No good token", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Not the token of a checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The presentation is too large", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn verify(
    _permit: Permit<may::Verify>,
    state: web::Data<State>,
    JsonBody(request): JsonBody<VerificationRequest, VERIFICATION_BODY_BYTES>,
) -> Result<HttpResponse, Problem> {
    let statement = call_from_memory(&state, move |state| state.verifier.verify(&request)).await??;
    state.metrics.decided(statement.decision, statement.reason, None);
    Ok(HttpResponse::Ok().json(statement))
}
