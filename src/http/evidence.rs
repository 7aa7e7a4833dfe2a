//! Evidence of decisions, by its identifier: for the checkpoint it was kept for, and for auditors. Each reading is an event.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, route as get_route},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::{
        State,
        auth::{Permit, may},
        call::call,
        extract::Id,
        problem::{Problem, ProblemDocument},
        route::{get, resource},
    },
    model::{ids::EvidenceId, statement::Statement},
    verification::evidence::Opened,
};

pub(super) fn for_checkpoints(app: &mut ServiceConfig) {
    app.service(resource("/evidence/{id}", [get(get_route().to(own))]));
}

pub(super) fn for_auditors(app: &mut ServiceConfig) {
    app.service(resource("/evidence/{id}", [get(get_route().to(any))]));
}

/// Evidence of one decision.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EvidenceView {
    id: String,
    /// The token of the checkpoint that decided.
    checkpoint: String,
    use_case: String,
    /// When it was kept (RFC 3339).
    kept_at: String,
    /// The last day on which it can be read, in UTC.
    kept_until: String,
    /// What was decided, with the claims that were disclosed.
    #[schema(value_type = Object)]
    statement: Statement,
    /// The presentation that the decision rests on, as it came: each part of the `vp_token`.
    #[schema(value_type = Object)]
    presentation: Value,
}

impl From<Opened> for EvidenceView {
    fn from(opened: Opened) -> Self {
        Self {
            id: opened.id.to_string(),
            checkpoint: opened.checkpoint.to_string(),
            use_case: opened.use_case,
            kept_at: opened.kept_at.to_string(),
            kept_until: opened.until.to_string(),
            statement: opened.content.statement,
            presentation: opened.content.presentation,
        }
    }
}

/// Reads evidence kept for this checkpoint
///
/// The reading is an event of the log. The time that evidence is kept is the use case's; after it nobody can read it.
#[utoipa::path(
    get, path = "/checkpoint/api/v1/evidence/{id}", tag = "checkpoint", security(("bearer" = [])),
    params(("id" = String, Path, description = "The evidence, as `evidence.id` of the statement names it")),
    responses(
        (status = 200, description = "The evidence", body = EvidenceView),
        (status = 403, description = "Not the token of a checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is none of this name, or it is another checkpoint's", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "Its time is over", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn own(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    Id(id): Id<EvidenceId>,
) -> Result<HttpResponse, Problem> {
    let opened = call(&state, move |state| state.evidence.open_own(&permit.authority(), id)).await??;
    Ok(HttpResponse::Ok().json(EvidenceView::from(opened)))
}

/// Reads anybody's evidence
///
/// For auditors. The reading is an event of the log.
#[utoipa::path(
    get, path = "/admin/api/v1/evidence/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The evidence, as the event `evidence_kept` names it")),
    responses(
        (status = 200, description = "The evidence", body = EvidenceView),
        (status = 403, description = "Neither auditor nor administrator", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is none of this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "Its time is over", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn any(
    permit: Permit<may::ReadEvidence>,
    state: web::Data<State>,
    Id(id): Id<EvidenceId>,
) -> Result<HttpResponse, Problem> {
    let opened = call(&state, move |state| state.evidence.open(&permit.authority(), id)).await??;
    Ok(HttpResponse::Ok().json(EvidenceView::from(opened)))
}
