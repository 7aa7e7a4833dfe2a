//! Cards that wait for an officer's word.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use serde::Serialize;

use crate::{
    http::{
        State,
        admin::{cursor, cursor_text},
        auth::{Permit, may},
        call::call,
        extract::{Id, Params},
        problem::{Problem, ProblemDocument},
        route::{get, on, resource},
    },
    model::{
        deferred::{DeferredIssuance, Word},
        ids::DeferredId,
    },
};

/// Approvals in one answer.
const PAGE: usize = 50;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/approvals", [get(get_route().to(find))]));
    app.service(resource("/approvals/{id}/approve", [on(Method::POST, post_route().to(approve))]));
    app.service(resource("/approvals/{id}/reject", [on(Method::POST, post_route().to(reject))]));
}

/// What an officer decides on.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct ApprovalView {
    id: String,
    /// `issuance`: a card that a wallet asked for.
    kind: &'static str,
    /// Whose card it will be.
    person_id: String,
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    credential_type: String,
    /// How many copies.
    copies: usize,
    /// `waiting`, `approved`, `rejected` or `delivered`.
    state: &'static str,
    asked_at: String,
    /// When it dies undecided.
    expires_at: String,
}

/// What waits, of one page.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct ApprovalsView {
    approvals: Vec<ApprovalView>,
    /// Give it back as `cursor` to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn view(deferred: &DeferredIssuance) -> ApprovalView {
    ApprovalView {
        id: deferred.id.to_string(),
        kind: "issuance",
        person_id: deferred.person.to_string(),
        credential_type: deferred.configuration.clone(),
        copies: deferred.holder_keys.len(),
        state: match deferred.word {
            Word::Waiting => "waiting",
            Word::Approved { .. } => "approved",
            Word::Denied { .. } => "rejected",
            Word::Delivered { .. } => "delivered",
        },
        asked_at: deferred.asked_at.to_string(),
        expires_at: deferred.expires_at.to_string(),
    }
}

/// What waits for an officer
#[utoipa::path(
    get, path = "/admin/api/v1/approvals", tag = "administration", security(("bearer" = [])),
    params(("cursor" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, description = "A page of what waits", body = ApprovalsView))
)]
pub(in crate::http) async fn find(
    permit: Permit<may::DecideIssuance>,
    state: web::Data<State>,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let after = cursor(params.take("cursor"))?;
    params.finish()?;
    let found = call(&state, move |state| state.approvals.waiting(&permit.authority(), after.as_deref(), PAGE)).await??;
    let approvals = found.waiting.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(ApprovalsView { approvals, next: cursor_text(found.next) }))
}

/// Agrees
#[utoipa::path(
    post, path = "/admin/api/v1/approvals/{id}/approve", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The approval")),
    responses(
        (status = 200, description = "Agreed; the wallet gets the card when it asks next", body = ApprovalView),
        (status = 404, description = "No such approval", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Decided already, or past its time", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn approve(
    permit: Permit<may::DecideIssuance>,
    state: web::Data<State>,
    Id(id): Id<DeferredId>,
) -> Result<HttpResponse, Problem> {
    decide(permit, state, id, true).await
}

/// Refuses
#[utoipa::path(
    post, path = "/admin/api/v1/approvals/{id}/reject", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The approval")),
    responses(
        (status = 200, description = "Refused; the wallet is told when it asks next", body = ApprovalView),
        (status = 404, description = "No such approval", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Decided already, or past its time", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn reject(
    permit: Permit<may::DecideIssuance>,
    state: web::Data<State>,
    Id(id): Id<DeferredId>,
) -> Result<HttpResponse, Problem> {
    decide(permit, state, id, false).await
}

async fn decide(
    permit: Permit<may::DecideIssuance>,
    state: web::Data<State>,
    id: DeferredId,
    approved: bool,
) -> Result<HttpResponse, Problem> {
    let decided = call(&state, move |state| state.approvals.decide(&permit.authority(), id, approved)).await??;
    Ok(HttpResponse::Ok().json(view(&decided)))
}
