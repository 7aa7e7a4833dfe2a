//! Status lists (draft-ietf-oauth-status-list section 8): bytes that were prepared once, with strong entity tags.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Bytes, ServiceConfig, route},
};
use serde::Serialize;

use crate::{
    http::{
        State,
        call::call_from_memory,
        document,
        extract::{Id, Params},
        headers::{accepts_gzip, has_already},
        problem::{Kind, Problem, ProblemDocument},
        route::{get, resource},
    },
    model::ids::ListId,
    revocation::publication::Published,
};

/// Seconds for which caches may keep a list. A verifier that wants it newer asks with its entity tag.
const SECONDS: u32 = 30;

/// How often, and after how long each time, it is looked whether a round of signing has brought the list: two seconds in all,
/// in which hundreds of lists are signed.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The media type of a status list token.
const MEDIA_TYPE: &str = "application/statuslist+jwt";

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/status-lists", [get(route().to(all))]));
    app.service(resource("/status-lists/{id}", [get(route().to(one))]));
}

/// Where every status list is.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct ListOfLists {
    status_lists: Vec<String>,
}

/// The addresses of all status lists
#[utoipa::path(
    get, path = "/status-lists", tag = "public",
    responses((status = 200, description = "Status list aggregation, section 9 of the draft", body = ListOfLists))
)]
pub(in crate::http) async fn all(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    document::json(&request, &ListOfLists { status_lists: state.publisher.uris() }, SECONDS)
}

/// The first version of a list that was opened within the last second, signed now: a card that was just issued names it.
async fn first_version(state: &web::Data<State>, id: ListId) -> Result<Arc<Published>, Problem> {
    for _ in 0..LOOKS {
        if !state.publisher.is_signing() {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        if let Some(list) = state.publisher.current(id) {
            return Ok(list);
        }
    }
    if state.publisher.is_signing() {
        return Err(Kind::NotReadyYet.into());
    }
    let list = call_from_memory(state, move |state| {
        if let Err(error) = state.publisher.publish(&*state.store, &*state.clock) {
            tracing::error!(%error, "a status list could not be signed");
        }
        state.publisher.current(id)
    });
    list.await?.ok_or(Kind::NotReadyYet.into())
}

/// A status list
///
/// A signed token (`typ` `statuslist+jwt`) with two bits for each of 2^20 entries: 0 valid, 1 invalid, 2 suspended.
#[utoipa::path(
    get, path = "/status-lists/{id}", tag = "public",
    params(("id" = u32, Path, description = "The number of the list")),
    responses(
        (status = 200, description = "The list", body = String, content_type = "application/statuslist+jwt"),
        (status = 304, description = "The list is still the one that `If-None-Match` names"),
        (status = 404, description = "No such list", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, description = "Asked for another time with `time`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn one(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<ListId>,
) -> Result<HttpResponse, Problem> {
    // Section 8.4: a service that keeps no history says so and does not pass the present off as the past.
    if Params::parse(request.query_string()).is_ok_and(|params| params.has("time")) {
        return Err(Kind::HistoryNotKept.into());
    }
    let list = match state.publisher.current(id) {
        Some(list) => list,
        None if state.store.board().list(id).is_none() => return Err(Kind::NotFound.into()),
        None => first_version(&state, id).await?,
    };
    let gzip = accepts_gzip(request.headers());
    let tag = if gzip { &list.gzip_etag } else { &list.etag };
    let is_known = has_already(request.headers(), &[&list.etag, &list.gzip_etag]);
    let response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let mut response = document::with_headers(response, tag, SECONDS);
    response.insert_header((header::VARY, "Accept-Encoding"));
    if is_known {
        return Ok(response.finish());
    }
    response.content_type(MEDIA_TYPE);
    Ok(if gzip {
        response.insert_header((header::CONTENT_ENCODING, "gzip")).body(Bytes::copy_from_slice(&list.gzip))
    } else {
        response.body(list.jwt.clone())
    })
}
