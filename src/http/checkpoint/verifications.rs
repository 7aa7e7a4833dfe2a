//! Verification of presentations that are already in hand: one, or several in one call.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::Method,
    web::{self, Bytes, ServiceConfig, post as route},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    base::{
        json,
        limits::{VERIFICATION_BODY_BYTES, VERIFICATIONS_BODY_BYTES, VERIFICATIONS_OF_CALL},
    },
    http::{
        State,
        auth::{Permit, may},
        call::call_from_memory,
        extract::{MediaType, from_value, read_body},
        problem::{Kind, Problem, ProblemDocument, Words},
        route::{on, resource},
    },
    model::statement::Statement,
    verification::service::{Begun, VerificationRequest},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/verifications", [on(Method::POST, route().to(verify))]));
}

/// Verifies a presentation, or several
///
/// Answers 200 with a statement for every decision; 400 only for a malformed call. `docs/REASONS.md` lists the reasons.
/// A list of up to 256 is answered with a list in the same order: each of its members is verified as if it had been sent
/// alone, and answered with its statement, which has a `decision`, or with the problem document of a malformed one, which
/// has a `code`. Many at once cost less than as many calls, most of all under issuers that sign with Ed25519.
#[utoipa::path(
    post, path = "/checkpoint/api/v1/verifications", tag = "checkpoint",
    security(("bearer" = [])),
    request_body(content = Object, description = "`presentation`, `nonce`, `audience`, `policy`; or a list of these, at most 256 and 2 MiB"),
    responses(
        (status = 200, description = "The statement; for a list, a list of statements and problems", body = Object),
        (status = 400, description = "The call is malformed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No good token", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Not the token of a checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The presentation, or the list, is too large", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn verify(
    _permit: Permit<may::Verify>,
    state: web::Data<State>,
    asked: Asked,
) -> Result<HttpResponse, Problem> {
    let body = match asked {
        Asked::One(request) => return Ok(HttpResponse::Ok().json(one(&state, &request).await?)),
        Asked::Several(body) => body,
    };
    let answers = call_from_memory(&state, move |state| several(state, &body)).await??;
    Ok(HttpResponse::Ok().content_type("application/json").body(answers))
}

/// What the body asks.
pub(in crate::http) enum Asked {
    /// One verification.
    One(Box<VerificationRequest>),
    /// A list, to be read in the blocking pool.
    Several(Bytes),
}

impl FromRequest for Asked {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_body(&request, payload, MediaType::Json, VERIFICATIONS_BODY_BYTES).await?;
            if body.trim_ascii_start().starts_with(b"[") {
                return Ok(Self::Several(body));
            }
            if body.len() > VERIFICATION_BODY_BYTES {
                return Err(Kind::BodyTooLarge.into());
            }
            let value = json::parse(&body).map_err(|_| Kind::InvalidJson)?;
            Ok(Self::One(Box::new(from_value(value).map_err(|error| Problem::fields(vec![error.into()]))?)))
        })
    }
}

/// Computed here on the worker: a few signatures, and nothing to wait for. Only where another issuer's status list is wanted
/// does it go on in the blocking pool.
async fn one(state: &web::Data<State>, request: &VerificationRequest) -> Result<Statement, Problem> {
    let statement = match state.verifier.begin(request)? {
        Begun::Decided(statement) => *statement,
        Begun::Waits(waiting) => call_from_memory(state, move |state| state.verifier.finish(*waiting)).await?,
    };
    state.metrics.decided(statement.decision, statement.reason, None);
    Ok(statement)
}

/// The answer to one member of a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Statement(Box<Statement>),
    Problem(ProblemDocument),
}

/// The answers to a list, as JSON.
fn several(state: &State, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let members = match json::parse(body) {
        Ok(Value::Array(members)) if (1..=VERIFICATIONS_OF_CALL).contains(&members.len()) => members,
        Ok(_) => {
            let zh = format!("列表须有 1 至 {VERIFICATIONS_OF_CALL} 项");
            let words = Words::new(zh, format!("the list has to have 1 to {VERIFICATIONS_OF_CALL} members"));
            return Err(Problem::field("", "invalid", words));
        }
        Err(_) => return Err(Kind::InvalidJson.into()),
    };
    let (mut requests, mut malformed) = (Vec::with_capacity(members.len()), Vec::with_capacity(members.len()));
    for member in members {
        match from_value::<VerificationRequest>(member) {
            Ok(request) => {
                requests.push(request);
                malformed.push(None);
            }
            Err(error) => malformed.push(Some(Problem::fields(vec![error.into()]))),
        }
    }
    let mut statements = state.verifier.verify_all(&requests).into_iter();
    let answer = |(place, malformed): (usize, Option<Problem>)| {
        let outcome = match malformed {
            Some(problem) => Err(problem),
            None => statements.next().map_or(Err(Kind::Internal.into()), |statement| statement.map_err(Problem::from)),
        };
        match outcome {
            Ok(statement) => {
                state.metrics.decided(statement.decision, statement.reason, None);
                Answer::Statement(Box::new(statement))
            }
            Err(problem) => Answer::Problem(problem.within(&format!("/{place}")).document()),
        }
    };
    let answers: Vec<Answer> = malformed.into_iter().enumerate().map(answer).collect();
    serde_json::to_vec(&answers).map_err(|_| Kind::Internal.into())
}
