//! What the pages load: one style sheet, and one that gives each credential type its colours.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig, route},
};

use crate::{
    http::{
        State, document,
        route::{get, resource},
    },
    model::credential_type::CredentialType,
};

const STYLE: &str = include_str!("../../../web/citizen/citizen.css");

/// Seconds for which browsers keep styles.
const SECONDS: u32 = 3600;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/assets/citizen.css", [get(route().to(style))]));
    app.service(resource("/assets/cards.css", [get(route().to(cards))]));
}

async fn style(request: HttpRequest) -> HttpResponse {
    document::stored(&request, "text/css; charset=utf-8", STYLE.into(), SECONDS)
}

/// `card-NAME` for each type: pages have no styles of their own.
async fn cards(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let rules: String = state.types.iter().map(|of| rule(of)).collect();
    document::stored(&request, "text/css; charset=utf-8", rules.into(), SECONDS)
}

/// Colours are `#rrggbb` and names letters, digits and hyphens: the type's file was refused otherwise.
fn rule(of: &CredentialType) -> String {
    let CredentialType { name, looks, .. } = of;
    format!(".card-{name} {{ --card: {}; --on-card: {}; }}\n", looks.background_color, looks.text_color)
}
