//! Credential types: what they are called, which claims they have, how they look.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, ServiceConfig, route},
};
use base64::Engine;
use serde::Serialize;

use crate::http::{
    State, document,
    extract::Id,
    headers::PAGE_POLICY,
    problem::{Kind, Problem, ProblemDocument, Words},
    route::{get, resource},
};

/// Seconds for which type metadata may be kept: a type changes with a start of the service at the earliest.
const SECONDS: u32 = 300;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/credential-types", [get(route().to(list))]));
    app.service(resource("/credential-types/{id}", [get(route().to(metadata))]));
    app.service(resource("/credential-types/{id}/logo.svg", [get(route().to(logo))]));
}

/// The types that are issued here.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TypeList {
    credential_types: Vec<TypeEntry>,
}

/// One type.
#[derive(Serialize, utoipa::ToSchema)]
struct TypeEntry {
    /// Its name.
    name: String,
    /// Its identifier in credentials, which is also the address of its metadata.
    vct: String,
    /// What people call it.
    title: Words,
    /// What it is for.
    description: Words,
}

/// The credential types that are issued here
#[utoipa::path(
    get, path = "/credential-types", tag = "public",
    responses((status = 200, description = "All types, by name", body = TypeList))
)]
pub(super) async fn list(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let entry = |of: &crate::model::credential_type::CredentialType| TypeEntry {
        name: of.name.clone(),
        vct: of.vct(&state.public_url),
        title: Words::new(&of.title.zh_cn, &of.title.en),
        description: Words::new(&of.description.zh_cn, &of.description.en),
    };
    let credential_types = state.types.iter().map(|of| entry(of)).collect();
    document::json(&request, &TypeList { credential_types }, SECONDS)
}

/// Type metadata of an SD-JWT VC
///
/// As draft-ietf-oauth-sd-jwt-vc section 5.2 has it; the address is the `vct` of the credentials.
#[utoipa::path(
    get, path = "/credential-types/{id}", tag = "public",
    params(("id" = String, Path, description = "The name of a type")),
    responses(
        (status = 200, description = "The metadata", body = Object),
        (status = 404, description = "No such type", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn metadata(
    request: HttpRequest,
    state: web::Data<State>,
    Id(name): Id<String>,
) -> Result<HttpResponse, Problem> {
    let of = state.types.get(&name).ok_or(Problem::new(Kind::NotFound))?;
    Ok(document::json(&request, &of.type_metadata(&state.public_url), SECONDS))
}

/// The logo as a picture of its own, for pages whose policy allows no pictures of unknown origin.
async fn logo(request: HttpRequest, state: web::Data<State>, Id(name): Id<String>) -> Result<HttpResponse, Problem> {
    let of = state.types.get(&name).ok_or(Problem::new(Kind::NotFound))?;
    let encoded = of.looks.logo.strip_prefix("data:image/svg+xml;base64,");
    let picture = encoded.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let mut response =
        document::stored(&request, "image/svg+xml", picture.ok_or(Problem::new(Kind::NotFound))?.into(), SECONDS);
    // A picture opened by itself is a page, and this one came from an operator's file.
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(PAGE_POLICY));
    Ok(response)
}
