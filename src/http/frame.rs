//! Around every request: its number, its log line and counters, the headers of its answer, and the net under panics.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, Method,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use crate::{
    http::{
        State,
        citizen::failure,
        connections::Place,
        headers,
        oauth_error::OAuthError,
        portions,
        problem::{Kind, Problem},
    },
    issuance::limits::TooOften,
    store::Mode,
};

/// Carries the number of a request, so that a person's report finds the log line. Never taken from the client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is served while the store is guarded or its records are being opened: what the log and the lists in memory can
/// answer for. Anything else is refused before it is looked at, so a new route is refused until it is put here.
const SERVED_WHEN_GUARDED: [&str; 16] = [
    "/.well-known/jwks.json",
    "/.well-known/jwt-vc-issuer",
    "/assets/",
    "/checkpoint/api/v1/presentations",
    "/checkpoint/api/v1/shown/",
    "/checkpoint/api/v1/use-cases",
    "/checkpoint/api/v1/verifications",
    "/credential-types",
    "/docs",
    "/health/",
    "/log/",
    "/metrics",
    "/openapi.json",
    "/requests/",
    "/responses/",
    "/trust-list",
];

/// Endpoints whose callers are wallets, which read the errors of their protocol.
const PROTOCOL: [&str; 7] = ["/par", "/token", "/challenge", "/nonce", "/credential", "/deferred_credential", "/notification"];

/// What is known of a request before it is handed on.
struct Arrival {
    id: String,
    method: Method,
    at: Duration,
}

/// The outermost layer of the service.
pub(super) async fn frame<B: MessageBody + 'static>(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let arrival = Arrival {
        id: format!("{:016x}", u64::from_be_bytes(state.random.array())),
        method: request.method().clone(),
        at: state.clock.monotonic(),
    };
    let refused_connection = beyond(&request);
    let closes = refused_connection.is_some();
    let refused = refused_connection.or_else(|| refusal(&state, &request));
    let outcome = match refused {
        Some(error) => Ok(match failure::page_of(request.request(), &error) {
            Some(page) => request.into_response(page),
            None => request.error_response(error),
        }),
        None => match without_panic(next.call(request)).await {
            Ok(outcome) => outcome.map(ServiceResponse::map_into_boxed_body),
            Err(Panicked) => {
                state.metrics.panicked();
                tracing::error!(request = arrival.id, "a handler panicked");
                Err(Problem::new(Kind::Internal).into())
            }
        },
    };
    match outcome {
        Ok(mut response) => {
            let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
            finish(&state, &arrival, &route, response.response_mut());
            if closes {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            Ok(response.map_body(|_, body| portions::portioned(body, &state.clock)))
        }
        // Without its request an answer can only leave as an error; it gets the same headers as any other.
        Err(error) => {
            let mut response = error.error_response();
            finish(&state, &arrival, "unknown", &mut response);
            Err(InternalError::from_response("", response).into())
        }
    }
}

/// A connection beyond those there may be is told so and closed. Whoever looks whether the process lives is answered.
fn beyond(request: &ServiceRequest) -> Option<Error> {
    let beyond = request.conn_data::<Place>()?.beyond?;
    (!request.path().starts_with("/health/")).then(|| Problem::new(beyond.kind()).into())
}

fn refusal(state: &State, request: &ServiceRequest) -> Option<Error> {
    // TRACE would echo headers back to scripts; CONNECT is for proxies (THREATS HT-11).
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Some(Problem::method_not_allowed("GET, HEAD, POST, PUT, DELETE".to_owned()).into());
    }
    let path = request.path();
    let peer = request.peer_addr().map(|peer| peer.ip());
    if let Err(often) = state.limits.request(peer, request.headers(), request.method().as_str(), path) {
        return Some(too_often(path, often));
    }
    // The checkpoint page itself tells the officer what is served; what stands beneath its path is refused like the rest.
    let served = matches!(path, "/" | "/checkpoint")
        || path.starts_with("/status-lists")
        || SERVED_WHEN_GUARDED.iter().any(|part| path.starts_with(part));
    if served {
        return None;
    }
    let kind = match state.store.health().mode {
        Mode::Guarded(_) => Kind::Guarded,
        Mode::Opening => Kind::Opening,
        Mode::Normal | Mode::ReadOnly => return None,
    };
    let problem = Problem::new(kind);
    Some(if PROTOCOL.contains(&path) && kind == Kind::Opening { OAuthError::from(problem).into() } else { problem.into() })
}

/// One too many, in the words of who asks.
fn too_often(path: &str, often: TooOften) -> Error {
    if PROTOCOL.contains(&path) { OAuthError::from(often).into() } else { Problem::from(often).into() }
}

fn finish<B>(state: &State, arrival: &Arrival, route: &str, response: &mut HttpResponse<B>) {
    let took = state.clock.monotonic().saturating_sub(arrival.at);
    let status = response.status().as_u16();
    headers::complete(response.headers_mut(), state.public_url.starts_with("https://"));
    if let Ok(id) = HeaderValue::from_str(&arrival.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    state.metrics.answered(arrival.method.as_str(), route, status, took);
    // The pattern of the route and never the path: identifiers and codes stand in paths and queries.
    tracing::info!(
        request = arrival.id,
        method = arrival.method.as_str(),
        route,
        status,
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
}

struct Panicked;

/// Runs a future; a panic in it ends it and nothing else (THREATS F11, FT-16).
async fn without_panic<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = Box::pin(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => std::task::Poll::Ready(Err(Panicked)),
    })
    .await
}
