//! The register of people.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, ServiceConfig, post as post_route, put as put_route, route as get_route},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    http::{
        State,
        admin::{cursor, cursor_text},
        auth::{Permit, may},
        call::call,
        extract::{Id, JsonBody, Params},
        problem::{Problem, ProblemDocument, Words},
        route::{get, on, resource},
    },
    issuance::Registered,
    model::{ids::PersonId, person::Person},
};

/// People in one answer, unless fewer are asked for.
const PAGE: usize = 50;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/people", [get(get_route().to(find)), on(Method::POST, post_route().to(register))]));
    app.service(resource("/people/{id}", [get(get_route().to(one)), on(Method::PUT, put_route().to(change))]));
}

/// Who was registered.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct PersonCreated {
    person_id: String,
}

#[derive(Serialize)]
struct PersonView<'a> {
    person_id: String,
    version: u64,
    #[serde(flatten)]
    person: &'a Person,
}

impl<'a> From<&'a Registered> for PersonView<'a> {
    fn from(registered: &'a Registered) -> Self {
        Self { person_id: registered.id.to_string(), version: registered.version, person: &registered.person }
    }
}

#[derive(Serialize)]
struct PeopleView<'a> {
    people: Vec<PersonView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn answer(registered: &Registered) -> HttpResponse {
    let tag = format!("\"{}\"", registered.version);
    HttpResponse::Ok().insert_header((header::ETAG, tag)).json(PersonView::from(registered))
}

/// Registers a person
#[utoipa::path(
    post, path = "/admin/api/v1/people", tag = "administration", security(("bearer" = [])),
    request_body(content = Object, description = "The person: `id_number`, `family_name`, `given_name`, ..."),
    responses(
        (status = 201, description = "Registered", body = PersonCreated),
        (status = 400, description = "Fields are wrong; all of them are named", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Registered already", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn register(
    permit: Permit<may::RegisterPeople>,
    state: web::Data<State>,
    JsonBody(fields): JsonBody<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let id = call(&state, move |state| state.people.register(&permit.authority(), &fields)).await??;
    let location = format!("/admin/api/v1/people/{id}");
    let created = PersonCreated { person_id: id.to_string() };
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(created))
}

/// Finds people
#[utoipa::path(
    get, path = "/admin/api/v1/people", tag = "administration", security(("bearer" = [])),
    params(
        ("query" = Option<String>, Query, description = "A whole ID number, or beginnings of names"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "At most so many, up to 100"),
    ),
    responses((status = 200, description = "Those who answer to every word", body = Object))
)]
pub(in crate::http) async fn find(
    permit: Permit<may::ReadPeople>,
    state: web::Data<State>,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let query = params.take("query").unwrap_or_default();
    let (after, limit) = (cursor(params.take("cursor"))?, params.take_parsed::<u16>("limit")?);
    params.finish()?;
    let limit = limit.map_or(PAGE, usize::from).max(1);
    let found = call(&state, move |state| state.people.search(&permit.authority(), &query, after.as_deref(), limit));
    let found = found.await??;
    let people = found.people.iter().map(PersonView::from).collect();
    Ok(HttpResponse::Ok().json(PeopleView { people, next: cursor_text(found.next) }))
}

/// One person
#[utoipa::path(
    get, path = "/admin/api/v1/people/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The person")),
    responses(
        (status = 200, description = "The person, with the version as entity tag", body = Object),
        (status = 404, description = "No such person", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn one(
    permit: Permit<may::ReadPeople>,
    state: web::Data<State>,
    Id(id): Id<PersonId>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(&call(&state, move |state| state.people.get(&permit.authority(), id)).await??))
}

/// Corrects a person
///
/// `If-Match` with the entity tag that was read refuses to write over someone else's change. `state` `deceased` revokes
/// all cards in the same commit; another name or number marks them for renewal.
#[utoipa::path(
    put, path = "/admin/api/v1/people/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The person")),
    request_body(content = Object, description = "The whole person"),
    responses(
        (status = 200, description = "Corrected", body = Object),
        (status = 400, description = "Fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such person", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The number is another's, or someone changed the person meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn change(
    permit: Permit<may::RegisterPeople>,
    state: web::Data<State>,
    request: HttpRequest,
    Id(id): Id<PersonId>,
    JsonBody(fields): JsonBody<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let seen = version_seen(&request)?;
    let changed = call(&state, move |state| state.people.change(&permit.authority(), id, &fields, seen)).await??;
    Ok(answer(&changed))
}

/// The version that `If-Match` names; none when the header is missing or says `*`.
fn version_seen(request: &HttpRequest) -> Result<Option<u64>, Problem> {
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(None) };
    if value == "*" {
        return Ok(None);
    }
    let tag = value.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    let words = Words::new("If-Match 须为读取时得到的 ETag", "If-Match has to be the ETag of the person as it was read");
    tag.map(Some).ok_or_else(|| Problem::field("If-Match", "invalid", words))
}
