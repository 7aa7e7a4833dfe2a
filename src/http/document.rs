//! Documents that are the same for everyone: with a strong entity tag, for caches, readable by scripts of any site.

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header, web::Bytes};

use crate::{
    base::base64url,
    crypto::sha256,
    http::headers::{FOR_EVERY_SITE, has_already},
};

/// Answers with a document that caches may keep for `seconds`, or with 304 to one who has it.
pub(super) fn stored(request: &HttpRequest, media_type: &str, body: Bytes, seconds: u32) -> HttpResponse {
    let tag = format!("\"{}\"", base64url::encode(&sha256(&body)[..16]));
    if has_already(request.headers(), &[&tag]) {
        return with_headers(HttpResponse::NotModified(), &tag, seconds).finish();
    }
    with_headers(HttpResponse::Ok(), &tag, seconds).content_type(media_type).body(body)
}

/// Answers with a JSON document.
pub(super) fn json(request: &HttpRequest, value: &impl serde::Serialize, seconds: u32) -> HttpResponse {
    // What is served here are maps of text, which always serialise; an empty body would be no worse than a panic.
    let body = serde_json::to_vec(value).unwrap_or_default();
    stored(request, "application/json", body.into(), seconds)
}

pub(super) fn with_headers(mut response: HttpResponseBuilder, tag: &str, seconds: u32) -> HttpResponseBuilder {
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={seconds}")))
        .insert_header(FOR_EVERY_SITE);
    response
}
