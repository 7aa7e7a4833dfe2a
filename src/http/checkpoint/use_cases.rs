//! The use cases that a checkpoint may ask for, in words.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as route},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::{
        State,
        auth::{Permit, may},
        checkpoint::admission::ByHand,
        problem::{ProblemDocument, Words},
        route::{on, resource},
    },
    model::{
        credential_type::Bilingual,
        use_case::{AskedClaim, AskedCredential, AskedStep, BoardingPassRule, UseCase, WithoutCode},
    },
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/use-cases", [on(Method::GET, route().to(list))]));
}

/// The use cases that this checkpoint may ask for.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct UseCaseList {
    use_cases: Vec<UseCaseEntry>,
    /// What an officer does when the service could not tell.
    by_hand: ByHand,
}

/// One use case.
#[derive(Serialize, utoipa::ToSchema)]
struct UseCaseEntry {
    /// Its name, as `use_case` of a presentation.
    name: String,
    /// What people call it.
    title: Words,
    /// Why the citizen is asked.
    purpose: Words,
    /// What is asked for.
    credentials: Vec<CredentialEntry>,
    /// `none`, `optional` or `required`.
    boarding_pass: &'static str,
    /// What follows when a wallet shows its answer as a QR without the gate's code: `amber` or `refused`; null when answers
    /// shown as a QR are not taken at all.
    shown_qr: Option<&'static str>,
    /// The types of transaction data that may be confirmed.
    transaction_data_types: Vec<String>,
    /// For how many days encrypted evidence is kept; null when nothing is kept.
    evidence_days: Option<u16>,
    /// How long a result can be read, in seconds.
    results_seconds: i64,
}

/// One credential that is asked for.
#[derive(Serialize, utoipa::ToSchema)]
struct CredentialEntry {
    /// Its name in the query and in the statement.
    id: String,
    /// What people call it.
    title: Words,
    /// The claims.
    claims: Vec<ClaimEntry>,
}

/// One claim that is asked for.
#[derive(Serialize, utoipa::ToSchema)]
struct ClaimEntry {
    /// Where it stands (OpenID4VP 1.0 section 7).
    #[schema(value_type = Vec<Object>)]
    path: Vec<Value>,
    /// What people call it.
    label: Words,
    /// The values that are good enough; empty when every value is.
    #[schema(value_type = Vec<Object>)]
    values: Vec<Value>,
    /// Whether an answer without it is never good enough.
    needed: bool,
}

/// The use cases that this checkpoint may ask for
///
/// Those its account is limited to, or all; by name.
#[utoipa::path(
    get, path = "/checkpoint/api/v1/use-cases", tag = "checkpoint",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The use cases", body = UseCaseList),
        (status = 401, description = "No good token", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Not the token of a checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn list(permit: Permit<may::Verify>, state: web::Data<State>) -> HttpResponse {
    let account = state.store.roster().account(permit.token());
    let use_cases = state.use_cases.iter().filter(|case| account.allows(&case.name)).map(|case| entry(case)).collect();
    HttpResponse::Ok().json(UseCaseList { use_cases, by_hand: ByHand::table() })
}

fn entry(case: &UseCase) -> UseCaseEntry {
    UseCaseEntry {
        name: case.name.clone(),
        title: words(&case.title),
        purpose: words(&case.purpose),
        credentials: case.credentials.iter().map(credential).collect(),
        boarding_pass: match case.boarding_pass {
            BoardingPassRule::None => "none",
            BoardingPassRule::Optional => "optional",
            BoardingPassRule::Required => "required",
        },
        shown_qr: case.shown_qr.map(|rule| match rule {
            WithoutCode::Amber => "amber",
            WithoutCode::Refused => "refused",
        }),
        transaction_data_types: case.transaction_data_types.iter().cloned().collect(),
        evidence_days: case.evidence.map(|rule| rule.days),
        results_seconds: case.results_seconds,
    }
}

fn credential(asked: &AskedCredential) -> CredentialEntry {
    let claims = asked.claims.iter().map(|claim| claim_entry(asked, claim)).collect();
    CredentialEntry { id: asked.id.clone(), title: words(&asked.title), claims }
}

fn claim_entry(asked: &AskedCredential, claim: &AskedClaim) -> ClaimEntry {
    let step = |step: &AskedStep| match step {
        AskedStep::Name(name) => name.as_str().into(),
        AskedStep::Index(index) => (*index).into(),
        AskedStep::Every => Value::Null,
    };
    ClaimEntry {
        path: claim.path.iter().map(step).collect(),
        label: words(&claim.label),
        values: claim.values.clone(),
        needed: asked.needs(claim),
    }
}

fn words(text: &Bilingual) -> Words {
    Words::new(&text.zh_cn, &text.en)
}
