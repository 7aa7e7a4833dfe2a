//! What a wallet reads before it asks for anything.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName, HeaderValue},
    web::{self, ServiceConfig, route},
};

use crate::{
    format::openid::{languages, metadata::SIGNED_METADATA_MEDIA_TYPE},
    http::{
        State,
        call::call,
        document,
        problem::{Problem, ProblemDocument},
        route::{get, resource},
    },
    issuance::signed_metadata::{self, LANGUAGES},
};

/// Seconds for which metadata may be kept: it changes with a start of the service at the earliest.
const SECONDS: u32 = 300;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/.well-known/openid-credential-issuer", [get(route().to(issuer))]));
    app.service(resource("/.well-known/oauth-authorization-server", [get(route().to(authorization_server))]));
}

/// What this issuer offers and where
///
/// As JSON, or, for who prefers `application/jwt`, the same signed. `Accept-Language` keeps names in those languages only.
#[utoipa::path(
    get, path = "/.well-known/openid-credential-issuer", tag = "wallet",
    params(
        ("Accept" = Option<String>, Header, description = "application/jwt for the signed form (section 12.2.3)"),
        ("Accept-Language" = Option<String>, Header, description = "The languages of names (section 12.2.2)"),
    ),
    responses(
        (status = 200, description = "Credential issuer metadata (OpenID4VCI 1.0 section 12.2)", body = Object),
        (status = 503, description = "Nothing can be signed now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn issuer(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let wanted = languages::wanted(&all_values(&request, header::ACCEPT_LANGUAGE), &LANGUAGES);
    let signed = languages::prefers(&all_values(&request, header::ACCEPT), SIGNED_METADATA_MEDIA_TYPE, "application/json");
    let mut response = if signed {
        let named = wanted.clone();
        let token = call(&state, move |state| state.signed_metadata.token(&named)).await??;
        document::stored(&request, SIGNED_METADATA_MEDIA_TYPE, token.into(), SECONDS)
    } else {
        document::json(&request, &signed_metadata::document(&state.metadata.issuer(), &wanted)?, SECONDS)
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language"));
    if let Ok(languages) = HeaderValue::from_str(&wanted.join(", "))
        && !wanted.is_empty()
    {
        headers.insert(header::CONTENT_LANGUAGE, languages);
    }
    Ok(response)
}

/// Every value of a header that may stand several times, as one list (RFC 9110 section 5.3).
fn all_values(request: &HttpRequest, name: HeaderName) -> String {
    let values = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

/// How to get an access token
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "wallet",
    responses((status = 200, description = "Authorization server metadata (RFC 8414)", body = Object))
)]
pub(in crate::http) async fn authorization_server(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    document::json(&request, &state.metadata.authorization_server(), SECONDS)
}
