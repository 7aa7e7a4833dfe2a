//! Everything that is kept about a person, for that person to take along.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use askama::Template;
use serde_json::{Value, json};

use crate::{
    audit::open::Opening,
    http::{
        State,
        call::call,
        citizen::{
            form::Form,
            my::{
                DATA,
                log::{download, not_opened},
            },
            page::Visitor,
            pages,
            session::Citizen,
        },
        problem::{Kind, Problem},
        route::{get, on},
    },
    model::{person::Person, sign_in::CitizenSession},
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(DATA, [get(get_route().to(page))]));
    app.service(pages("/my/data/export", [on(Method::POST, post_route().to(export))]));
}

#[derive(Template)]
#[template(path = "citizen/my/data.html")]
struct DataPage<'a> {
    visitor: &'a Visitor,
    person: &'a Person,
    birth_date: String,
    is_fresh: bool,
}

async fn page(citizen: Citizen, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    let is_fresh = state.self_service.is_fresh(&session);
    let registered = call(&state, move |state| state.self_service.person(&session)).await??;
    let person = &registered.person;
    visitor.page(&DataPage { visitor: &visitor, person, birth_date: visitor.date(person.birth_date), is_fresh })
}

async fn export(citizen: Citizen, state: web::Data<State>, form: Form) -> Result<HttpResponse, Problem> {
    let session = citizen.session;
    match call(&state, move |state| everything(state, &session)).await? {
        Ok(file) => Ok(download("yufu-my-data.json", &file)),
        Err(NotExported::SignInAnew) => Ok(form.visitor.send_to(DATA)),
        Err(NotExported::Problem(problem)) => Err(problem),
    }
}

/// Why there is no copy.
enum NotExported {
    SignInAnew,
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for NotExported {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// What the records have and what the log has, in one file.
fn everything(state: &State, session: &CitizenSession) -> Result<Value, NotExported> {
    if !state.self_service.is_fresh(session) {
        return Err(NotExported::SignInAnew);
    }
    let mut entries: Vec<Opening> = Vec::new();
    for card in state.self_service.cards(session)? {
        entries.extend(state.openings.of_card(card.id).map_err(|error| not_opened(&error))?);
    }
    let key = state.openings.key().map_err(|_| Problem::new(Kind::SignerUnavailable))?;
    let export = state.self_service.export(session)?;
    let mut file = serde_json::to_value(export).map_err(|_| Problem::new(Kind::Internal))?;
    file["log"] = json!({"key": key.to_string(), "entries": entries});
    Ok(file)
}
