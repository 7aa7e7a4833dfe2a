//! What citizens see and do of their own, under `/my`: cards and what happened to them, the word that suspends one or all of
//! a lost phone, a copy of everything, and an end to it. Where a card was shown stands nowhere here: only the wallet knows.

mod again;
mod card;
mod data;
mod erase;
mod face;
mod history;
mod home;
mod log;
mod phone_lost;
mod recovery;
mod undo;
mod words;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{ServiceConfig, get as get_route},
};

use crate::{
    http::{
        document,
        problem::{Kind, Problem},
        route::{get, resource},
    },
    issuance::self_service::SelfServiceError,
};

const STYLE: &str = include_str!("../../../../web/citizen/my.css");

/// Seconds for which browsers keep styles.
const STYLE_SECONDS: u32 = 3600;

/// The page of one's own data.
const DATA: &str = "/my/data";

/// The routes under `/my`.
pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/assets/my.css", [get(get_route().to(style))]));
    home::configure(app);
    card::configure(app);
    log::configure(app);
    phone_lost::configure(app);
    undo::configure(app);
    data::configure(app);
    erase::configure(app);
    recovery::configure(app);
    again::configure(app);
}

async fn style(request: HttpRequest) -> HttpResponse {
    document::stored(&request, "text/css; charset=utf-8", STYLE.into(), STYLE_SECONDS)
}

impl From<SelfServiceError> for Problem {
    fn from(error: SelfServiceError) -> Self {
        match error {
            SelfServiceError::NotFound => Kind::NotFound.into(),
            // The pages tell this before anybody asks for what it refuses.
            SelfServiceError::SignInAnew | SelfServiceError::UnderInvestigation => Kind::Forbidden.into(),
            SelfServiceError::Fault(fault) => fault.into(),
        }
    }
}
