//! An officer admits by hand where the service could not tell.

use std::collections::BTreeMap;

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
        extract::{Id, JsonBody},
        problem::{Problem, ProblemDocument, Words},
        route::{on, resource},
    },
    model::{
        admission::{AdmissionReason, steps},
        reason::{Decision, ReasonCode},
    },
    verification::{admission::AdmitError, presentation::PresentationId},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/presentations/{id}/admission", [on(Method::POST, post_route().to(admit))]));
}

/// Admission by hand: what comes before it, and what can be said of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct ByHand {
    /// The reasons that an officer can give.
    reasons: Vec<ReasonEntry>,
    /// What an officer does first, in this order, by the reason of an undetermined statement.
    steps: BTreeMap<&'static str, Vec<Words>>,
}

/// A reason for an admission by hand.
#[derive(Serialize, utoipa::ToSchema)]
struct ReasonEntry {
    code: &'static str,
    label: Words,
}

impl ByHand {
    /// All of it, in words.
    pub(super) fn table() -> Self {
        let reason = |reason: &AdmissionReason| ReasonEntry { code: reason.name(), label: reason.label().into() };
        let doubts = ReasonCode::ALL.iter().filter(|code| code.decision() == Decision::Undetermined);
        let steps = doubts.map(|code| (code.name(), steps(*code).into_iter().map(Words::from).collect()));
        Self { reasons: AdmissionReason::ALL.iter().map(reason).collect(), steps: steps.collect() }
    }
}

/// Why somebody is let pass. There is no free text, so that nobody is named.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewAdmission {
    /// One of `by_hand.reasons` of `/use-cases`.
    #[schema(value_type = String)]
    reason: AdmissionReason,
}

/// What was recorded.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct AdmissionView {
    #[schema(value_type = String)]
    reason: AdmissionReason,
    /// The reason of the statement: why the service could not tell.
    because: &'static str,
    admitted_at: String,
}

/// Admits by hand somebody of whom the service could not tell
#[utoipa::path(
    post, path = "/checkpoint/api/v1/presentations/{id}/admission", tag = "checkpoint", security(("bearer" = [])),
    params(("id" = String, Path, description = "The presentation, whose statement this checkpoint has seen")),
    request_body = NewAdmission,
    responses(
        (status = 201, description = "Recorded in the log; the person may pass", body = AdmissionView),
        (status = 404, description = "This checkpoint was shown no such decision lately", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The decision is not undetermined, or was admitted before", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn admit(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    Id(id): Id<PresentationId>,
    JsonBody(NewAdmission { reason }): JsonBody<NewAdmission>,
) -> Result<HttpResponse, Problem> {
    let authority = permit.authority();
    record(&state, move |state| state.admissions.admit(&authority, &id.to_string(), reason), reason).await
}

/// Admits, counts and says so, whatever kind of decision it was about.
pub(super) async fn record(
    state: &web::Data<State>,
    admit: impl FnOnce(&State) -> Result<crate::verification::admission::Admitted, AdmitError> + Send + 'static,
    reason: AdmissionReason,
) -> Result<HttpResponse, Problem> {
    let admitted = call(state, admit).await??;
    state.metrics.admitted(admitted.use_case.as_deref(), reason, admitted.because);
    let admitted_at = admitted.at.to_string();
    Ok(HttpResponse::Created().json(AdmissionView { reason, because: admitted.because.name(), admitted_at }))
}
