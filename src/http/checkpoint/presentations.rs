//! Presentations from wallets: ordered, followed, answered by a browser, ended. Each is known to the token that ordered
//! it and to no other: to another checkpoint there is nothing at its address.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, ServiceConfig, delete as delete_route, post as post_route, put as put_route, route as get_route},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    follow::{Follower, Step},
    stream,
    view::{PresentationView, Shower},
};
use crate::{
    base::{
        limits::{LONG_POLL_SECONDS, PRESENTATION_ORDER_BYTES, RESPONSE_BODY_BYTES},
        time::Date,
    },
    http::{
        State,
        auth::{Permit, may},
        call::call_from_memory,
        extract::{Id, JsonBody, Params},
        problem::{Kind, Problem, ProblemDocument, Words},
        route::{get, on, resource},
    },
    model::ids::TokenId,
    verification::presentation::{Account, ExpectedFlight, Flow, Order, Outcome, Phase, PresentationId},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/presentations", [on(Method::POST, post_route().to(begin))]));
    app.service(resource("/presentations/{id}", [get(get_route().to(look)), on(Method::DELETE, delete_route().to(end))]));
    app.service(resource("/presentations/{id}/boarding-pass", [on(Method::PUT, put_route().to(add_boarding_pass))]));
    app.service(resource("/presentations/{id}/response", [on(Method::POST, post_route().to(respond))]));
}

/// What is asked for. A use case, a query, or both: then the query asks for no more than the use case registers.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewPresentation {
    /// The name of a use case.
    #[serde(default)]
    use_case: Option<String>,
    /// A DCQL query (OpenID4VP 1.0 section 6).
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    query: Option<Value>,
    /// `cross_device` (a QR code, the default), `same_device` (a link) or `dc_api` (the browser asks).
    #[schema(value_type = Option<String>)]
    #[serde(default = "cross_device")]
    flow: Flow,
    /// The text of the bar code on a boarding pass (IATA Resolution 792); it can come later.
    #[serde(default)]
    boarding_pass: Option<String>,
    /// The flight that is boarded here.
    #[serde(default)]
    flight: Option<FlightText>,
    /// Same device: where the wallet sends the person back to; the page of this service, or one of the account.
    #[serde(default)]
    redirect_uri: Option<String>,
    /// Browser: the origin of the page that asks; this service's own when left out.
    #[serde(default)]
    origin: Option<String>,
    /// What the holder is to confirm (OpenID4VP 1.0 section 8.4).
    #[schema(value_type = Vec<Object>)]
    #[serde(default)]
    transaction_data: Vec<Map<String, Value>>,
    /// `direct_post.jwt`, encrypted, or, for trying out on one machine, `direct_post`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    response_mode: PostMode,
    /// Whether the statement is wanted as a JWS too.
    #[serde(default)]
    signed: bool,
}

/// How the wallet posts its answer (OpenID4VP 1.0 section 8.2 and 8.3).
#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
pub(in crate::http) enum PostMode {
    /// Encrypted.
    #[default]
    #[serde(rename = "direct_post.jwt")]
    Encrypted,
    /// In the clear.
    #[serde(rename = "direct_post")]
    InTheClear,
}

/// A flight, as far as the gate knows it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct FlightText {
    /// The operating carrier, such as `CZ`.
    #[serde(default)]
    carrier: Option<String>,
    /// The number, with or without leading zeros.
    #[serde(default)]
    number: Option<String>,
    /// The day of departure, `YYYY-MM-DD`.
    #[serde(default)]
    date: Option<String>,
    /// The seat.
    #[serde(default)]
    seat: Option<String>,
}

/// A boarding pass.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BoardingPassText {
    /// The text of its bar code.
    boarding_pass: String,
}

/// What the browser gave: the members of the `DigitalCredential`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BrowserResponse {
    /// The protocol, as it was asked for.
    protocol: String,
    /// The data, such as `{"response":"<JWE>"}`.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

const fn cross_device() -> Flow {
    Flow::CrossDevice
}

/// Asks a wallet for a presentation
#[utoipa::path(
    post, path = "/checkpoint/api/v1/presentations", tag = "checkpoint", security(("bearer" = [])),
    request_body = NewPresentation,
    responses(
        (status = 201, description = "A wallet can answer now", body = PresentationView),
        (status = 400, description = "Nothing is asked for, or something that cannot be", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "More than this checkpoint may ask for", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many are open", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn begin(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    JsonBody(new): JsonBody<NewPresentation, PRESENTATION_ORDER_BYTES>,
) -> Result<HttpResponse, Problem> {
    let order = order(&state, &permit, new)?;
    let view = call_from_memory(&state, move |state| state.presentations.begin(order)).await??;
    let id = view.id;
    let revision = state.presentations.changes(permit.token(), id).map_or(0, |changes| *changes.borrow());
    let address = format!("/checkpoint/api/v1/presentations/{id}");
    let shown = Shower { state, token: permit.token() }.show(view, revision);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address)).json(shown))
}

fn order(state: &State, permit: &Permit<may::Verify>, new: NewPresentation) -> Result<Order, Problem> {
    let registered = state.store.roster().account(permit.token());
    let mut redirect_uris = registered.redirect_uris.clone();
    // The service's own page needs no registration, as its origin needs none.
    redirect_uris.push(format!("{}/checkpoint", state.public_url));
    let account = Account {
        token: permit.token(),
        use_cases: registered.use_cases.clone(),
        redirect_uris,
        origins: registered.origins.clone(),
    };
    Ok(Order {
        account,
        use_case: new.use_case,
        query: new.query,
        flow: new.flow,
        boarding_pass: new.boarding_pass,
        expected_flight: new.flight.map(flight).transpose()?,
        redirect_uri: new.redirect_uri,
        origin: new.origin,
        transaction_data: new.transaction_data,
        in_the_clear: new.response_mode == PostMode::InTheClear,
        signed_statement: new.signed,
    })
}

pub(super) fn flight(text: FlightText) -> Result<ExpectedFlight, Problem> {
    let words = || Words::new("须为 YYYY-MM-DD 形式的日期", "a date as YYYY-MM-DD is expected");
    let date = text.date.map(|date| Date::parse(&date).map_err(|_| Problem::field("/flight/date", "not_a_date", words())));
    Ok(ExpectedFlight { carrier: text.carrier, number: text.number, date: date.transpose()?, seat: text.seat })
}

/// A presentation as it stands, at once, after its next change, or as a stream of events
///
/// With `Accept: text/event-stream` the answer is a stream of the events `request`, `fetched`, `result` and `expired`, each
/// with the presentation as data.
#[utoipa::path(
    get, path = "/checkpoint/api/v1/presentations/{id}", tag = "checkpoint", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The presentation"),
        ("wait" = Option<u64>, Query, description = "Answer after the next change, or after so many seconds, up to 25"),
        ("after" = Option<u64>, Query, description = "With `wait`: the `revision` seen last; answer at once if there is a later one"),
        ("response_code" = Option<String>, Query, description = "Same device: what the wallet sent the person back with"),
    ),
    responses(
        (status = 200, description = "The presentation", body = PresentationView),
        (status = 403, description = "The response code is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such presentation of this checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "This checkpoint follows too many", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn look(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    Id(id): Id<PresentationId>,
    request: HttpRequest,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let (wait, after) = (params.take_parsed::<u64>("wait")?, params.take_parsed::<u64>("after")?);
    let code = params.take("response_code");
    params.finish()?;
    let token = permit.token();
    let shower = Shower { state: web::Data::clone(&state), token };
    let mut revision = 0;
    // HEAD asks for the headers of an answer, not for the wait before it.
    if request.method() == Method::GET {
        let mut follower = Follower::begin(&state, token, id)?;
        if takes_events(&request) && code.is_none() {
            follower.look()?;
            return Ok(stream::answer(follower, shower));
        }
        revision = wait_for_change(&mut follower, wait.unwrap_or(0).min(LONG_POLL_SECONDS), after).await?;
    }
    let view = state.presentations.look(token, id, code.as_deref())?;
    Ok(HttpResponse::Ok().json(shower.show(view, revision)))
}

fn takes_events(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|media| media.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream")))
}

/// Waits until there is a change that the caller has not seen, or nothing more will change; gives the count of changes.
async fn wait_for_change(follower: &mut Follower, seconds: u64, after: Option<u64>) -> Result<u64, Problem> {
    let (view, revision) = follower.look()?;
    let is_over = matches!(view.phase, Phase::Answered | Phase::Expired);
    if seconds == 0 || is_over || after.is_some_and(|seen| seen != revision) {
        return Ok(revision);
    }
    let waiting = async {
        loop {
            match follower.step().await {
                Step::Quiet => {}
                Step::Changed | Step::Closing => return Ok(()),
                Step::SwitchedOff => return Err(Problem::new(Kind::InvalidToken)),
            }
        }
    };
    // When the time is over the presentation is shown as it stands.
    tokio::time::timeout(Duration::from_secs(seconds), waiting).await.unwrap_or(Ok(()))?;
    Ok(follower.look()?.1)
}

/// Adds or replaces the boarding pass, until the answer comes
#[utoipa::path(
    put, path = "/checkpoint/api/v1/presentations/{id}/boarding-pass", tag = "checkpoint", security(("bearer" = [])),
    params(("id" = String, Path, description = "The presentation")),
    request_body = BoardingPassText,
    responses(
        (status = 200, description = "It will be matched", body = PresentationView),
        (status = 400, description = "It cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such presentation of this checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The answer came already", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn add_boarding_pass(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    Id(id): Id<PresentationId>,
    JsonBody(BoardingPassText { boarding_pass }): JsonBody<BoardingPassText, PRESENTATION_ORDER_BYTES>,
) -> Result<HttpResponse, Problem> {
    let view = state.presentations.add_boarding_pass(permit.token(), id, &boarding_pass)?;
    let revision = state.presentations.changes(permit.token(), id).map_or(0, |changes| *changes.borrow());
    Ok(HttpResponse::Ok().json(Shower { state, token: permit.token() }.show(view, revision)))
}

/// Takes the answer that a browser gave to the page (OpenID4VP 1.0 appendix A)
#[utoipa::path(
    post, path = "/checkpoint/api/v1/presentations/{id}/response", tag = "checkpoint", security(("bearer" = [])),
    params(("id" = String, Path, description = "The presentation")),
    request_body = BrowserResponse,
    responses(
        (status = 200, description = "Decided; the statement says how", body = PresentationView),
        (status = 404, description = "No such presentation of this checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It was answered already, or is not for a browser", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn respond(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    Id(id): Id<PresentationId>,
    JsonBody(BrowserResponse { protocol, data }): JsonBody<BrowserResponse, RESPONSE_BODY_BYTES>,
) -> Result<HttpResponse, Problem> {
    let token = permit.token();
    check_protocol(&state, token, id, &protocol)?;
    let bytes = serde_json::to_vec(&data).map_err(|_| Kind::InvalidJson)?;
    let view = call_from_memory(&state, move |state| state.presentations.respond_dc_api(token, id, &bytes)).await??;
    if let Some(Outcome::Decided { statement, .. }) = &view.outcome {
        state.metrics.decided(statement.decision, statement.reason, view.use_case.as_deref());
    }
    let revision = state.presentations.changes(token, id).map_or(0, |changes| *changes.borrow());
    Ok(HttpResponse::Ok().json(Shower { state, token }.show(view, revision)))
}

/// An answer of another protocol answers another question.
fn check_protocol(state: &State, token: TokenId, id: PresentationId, protocol: &str) -> Result<(), Problem> {
    let view = state.presentations.look(token, id, None)?;
    let Some(asked) = &view.digital else { return Err(Kind::PresentationOver.into()) };
    let requests = asked["requests"].as_array();
    if requests.is_some_and(|requests| requests.iter().any(|request| request["protocol"] == protocol)) {
        return Ok(());
    }
    let words = Words::new("与请求的 protocol 不同", "this is not the protocol that was asked for");
    Err(Problem::field("/protocol", "invalid", words))
}

/// Ends a presentation; its result is forgotten
#[utoipa::path(
    delete, path = "/checkpoint/api/v1/presentations/{id}", tag = "checkpoint", security(("bearer" = [])),
    params(("id" = String, Path, description = "The presentation")),
    responses(
        (status = 204, description = "It is ended"),
        (status = 404, description = "No such presentation of this checkpoint", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn end(
    permit: Permit<may::Verify>,
    state: web::Data<State>,
    Id(id): Id<PresentationId>,
) -> Result<HttpResponse, Problem> {
    state.presentations.forget(permit.token(), id)?;
    Ok(HttpResponse::NoContent().finish())
}
