//! The start page: what runs here and where to go.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, ServiceConfig, route},
};

use crate::{
    http::{
        State, document,
        extract::Params,
        headers::PAGE_POLICY,
        page::{Language, Words, fill},
        route::{get, resource},
    },
    model::credential_type::CredentialType,
    store::{Health, Mode},
};

const PAGE: &str = include_str!("../../../web/start.html");
const TYPE_CARD: &str = include_str!("../../../web/type-card.html");
const STYLE: &str = include_str!("../../../web/start.css");
const MARK: &str = include_str!("../../../web/tally.svg");

/// Seconds for which browsers keep pictures and styles.
const ASSET_SECONDS: u32 = 3600;

static CHINESE: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../web/start.zh-CN.toml")));
static ENGLISH: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../web/start.en.toml")));

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/", [get(route().to(start))]));
    app.service(resource("/assets/start.css", [get(route().to(style))]));
    app.service(resource("/assets/tally.svg", [get(route().to(mark))]));
}

async fn style(request: HttpRequest) -> HttpResponse {
    document::stored(&request, "text/css; charset=utf-8", STYLE.into(), ASSET_SECONDS)
}

async fn mark(request: HttpRequest) -> HttpResponse {
    document::stored(&request, "image/svg+xml", MARK.into(), ASSET_SECONDS)
}

/// A query of any kind still gets the page: links are shared with all sorts of tails.
async fn start(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let asked = Params::parse(request.query_string()).ok().and_then(|mut params| params.take("lang"));
    let language = Language::chosen(asked.as_deref(), request.headers());
    let types: Vec<_> = state.types.iter().map(AsRef::as_ref).collect();
    let lists = state.store.board().lists().len();
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .insert_header((header::CONTENT_LANGUAGE, language.tag()))
        .insert_header((header::VARY, "Accept-Language"))
        .body(page(language, &state.public_url, &state.store.health(), lists, &types))
}

fn page(language: Language, public_url: &str, health: &Health, lists: usize, types: &[&CredentialType]) -> String {
    let words = match language {
        Language::Chinese => &*CHINESE,
        Language::English => &*ENGLISH,
    };
    let mode = match health.mode {
        Mode::Normal => "normal",
        Mode::Opening => "opening",
        Mode::ReadOnly => "read-only",
        Mode::Guarded(_) => "guarded",
    };
    let texts = |name: &str| match name {
        "lang" => Some(language.tag().to_owned()),
        "mode" => Some(mode.to_owned()),
        "mode-words" => words.get(&format!("mode-{mode}")).cloned(),
        "public-url" => Some(public_url.to_owned()),
        "version-number" => Some(env!("CARGO_PKG_VERSION").to_owned()),
        "events" => Some(health.events.to_string()),
        "status-lists" => Some(lists.to_string()),
        name => words.get(name).cloned(),
    };
    let cards: String = types.iter().map(|of| type_card(language, of)).collect();
    let current = |this: Language| if this == language { "aria-current=\"true\"" } else { "" };
    let markup = [
        ("type-cards", cards.as_str()),
        ("current-zh", current(Language::Chinese)),
        ("current-en", current(Language::English)),
    ];
    fill(PAGE, &texts, &markup)
}

fn type_card(language: Language, of: &CredentialType) -> String {
    let in_language = |text: &crate::model::credential_type::Bilingual| match language {
        Language::Chinese => text.zh_cn.clone(),
        Language::English => text.en.clone(),
    };
    let texts = |name: &str| match name {
        "name" => Some(of.name.clone()),
        "title" => Some(in_language(&of.title)),
        "description" => Some(in_language(&of.description)),
        _ => None,
    };
    fill(TYPE_CARD, &texts, &[])
}

/// The words of one language. What is built in reads as TOML, which the test below holds.
fn words(text: &str) -> Words {
    toml::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::credential_type::CredentialTypes;

    fn health(mode: Mode) -> Health {
        Health { mode, store: None, checked_events: 0, events: 42, lag: Duration::ZERO, cautions: Vec::new() }
    }

    #[test]
    fn both_languages_have_the_same_words_and_every_one_is_used() {
        let names = |words: &Words| words.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&CHINESE), names(&ENGLISH));
        for name in CHINESE.keys() {
            assert!(name.starts_with("mode-") || PAGE.contains(&format!("{{{{{name}}}}}")), "{name} is used");
        }
    }

    #[test]
    fn every_place_of_the_page_is_filled_in_every_mode() {
        let types = CredentialTypes::built_in().expect("they are good");
        let types: Vec<_> = types.iter().map(AsRef::as_ref).collect();
        for language in [Language::Chinese, Language::English] {
            for mode in [Mode::Normal, Mode::Opening, Mode::ReadOnly, Mode::Guarded(crate::store::Damage::RecordsEmpty)] {
                let page = page(language, "https://id.example/<b>", &health(mode), 3, &types);
                assert!(
                    !page.contains("{{") && !page.contains("></dd>") && !page.contains("/\"></a>") && !page.contains("<b>")
                );
                assert!(
                    page.contains("https://id.example/&lt;b&gt;")
                        && page.contains("<dd>42</dd>")
                        && page.contains("<dd>3</dd>")
                );
                assert!(page.contains("/credential-types/resident-id\""));
                assert!(!page.contains("<script"), "the page works without scripts");
            }
        }
    }
}
