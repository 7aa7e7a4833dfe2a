//! The end of what is kept about a person.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use askama::Template;

use crate::{
    http::{
        State,
        call::call,
        citizen::{form::Form, page::Visitor, pages, session::Citizen},
        problem::Problem,
        route::{get, on},
    },
    issuance::self_service::SelfServiceError,
};

/// Where data are erased.
const ERASE: &str = "/my/erase";

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(ERASE, [get(get_route().to(page)), on(Method::POST, post_route().to(erase))]));
}

#[derive(Template)]
#[template(path = "citizen/my/erase.html")]
struct ErasePage<'a> {
    visitor: &'a Visitor,
    is_fresh: bool,
    is_under_investigation: bool,
    /// The box was left empty.
    is_unsure: bool,
}

#[derive(Template)]
#[template(path = "citizen/my/erased.html")]
struct ErasedPage<'a> {
    visitor: &'a Visitor,
    revoked: usize,
}

async fn page(citizen: Citizen, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    show(&citizen, &state, false).await
}

async fn show(citizen: &Citizen, state: &web::Data<State>, is_unsure: bool) -> Result<HttpResponse, Problem> {
    let (visitor, session) = (&citizen.visitor, citizen.session.clone());
    let is_fresh = state.self_service.is_fresh(&session);
    let kept = call(state, move |state| state.self_service.is_under_investigation(&session)).await??;
    visitor.page(&ErasePage { visitor, is_fresh, is_under_investigation: kept, is_unsure })
}

async fn erase(citizen: Citizen, state: web::Data<State>, form: Form) -> Result<HttpResponse, Problem> {
    let Form { visitor, mut fields } = form;
    if fields.take("sure").as_deref() != Some("yes") {
        return show(&citizen, &state, true).await;
    }
    let session = citizen.session;
    match call(&state, move |state| state.self_service.erase(&session)).await? {
        Ok(erased) => {
            let page = visitor.page(&ErasedPage { visitor: &visitor, revoked: erased.revoked })?;
            Ok(visitor.signed_out(page))
        }
        Err(SelfServiceError::SignInAnew | SelfServiceError::UnderInvestigation) => Ok(visitor.send_to(ERASE)),
        Err(error) => Err(error.into()),
    }
}
