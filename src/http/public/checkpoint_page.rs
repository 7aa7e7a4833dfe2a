//! The checkpoint page: what an officer at a gate works with, in the browser of a phone, a tablet or a desk.
//!
//! The page is the same for everyone and holds no secret; what it shows it gets from the checkpoint API with the token
//! that the officer signs in with. Its scripts are modules as they stand in `web/checkpoint/`, built by nothing.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName},
    web::{ServiceConfig, route},
};

use super::checkpoint_files::{self, FOLDER};
use crate::http::{
    extract::Params,
    headers::CHECKPOINT_PAGE_POLICY,
    page::{Language, fill},
    route::{get, resource},
};

const PAGE: &str = include_str!("../../../web/checkpoint/page.html");

/// The page may use the camera; nobody else, and nothing but the camera.
const PERMISSIONS: (HeaderName, &str) =
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=()");

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/checkpoint", [get(route().to(page))]));
    checkpoint_files::configure(app);
}

async fn page(request: HttpRequest) -> HttpResponse {
    let asked = Params::parse(request.query_string()).ok().and_then(|mut params| params.take("lang"));
    let language = Language::chosen(asked.as_deref(), request.headers());
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CHECKPOINT_PAGE_POLICY))
        .insert_header(PERMISSIONS)
        .insert_header((header::CONTENT_LANGUAGE, language.tag()))
        .insert_header((header::VARY, "Accept-Language"))
        .body(filled(language))
}

fn filled(language: Language) -> String {
    let title = match language {
        Language::Chinese => "查验点 · 鱼符",
        Language::English => "Checkpoint · yufu",
    };
    let texts = |name: &str| match name {
        "lang" => Some(language.tag().to_owned()),
        "title" => Some(title.to_owned()),
        _ => None,
    };
    let modules: String = checkpoint_files::page_modules()
        .map(|path| format!("<link rel=\"modulepreload\" href=\"{FOLDER}{path}\">\n"))
        .collect();
    fill(PAGE, &texts, &[("modules", modules.trim_end())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_no_script_or_style_of_its_own_and_loads_from_here_only() {
        for language in [Language::Chinese, Language::English] {
            let page = filled(language);
            assert!(page.contains(&format!("lang=\"{}\"", language.tag())) && !page.contains("{{"), "{page}");
            assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"), "{page}");
            for (_, rest) in page.match_indices("<script").map(|(at, found)| page.split_at(at + found.len())) {
                assert!(rest.starts_with(" type=\"module\" src=\"/assets/checkpoint/"), "{rest}");
            }
            assert!(!page.contains("://"), "nothing from elsewhere");
        }
    }
}
