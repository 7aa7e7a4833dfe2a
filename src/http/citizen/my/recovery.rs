//! A new recovery code, in place of the one before.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use askama::Template;

use crate::http::{
    State,
    call::call,
    citizen::{
        form::Form,
        page::Visitor,
        pages,
        recovery::{Onward, RecoveryCodePage},
        session::{Citizen, HOME},
    },
    problem::Problem,
    route::{get, on},
};

/// Where recovery codes are made.
const RECOVERY: &str = "/my/recovery-code";

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(RECOVERY, [get(get_route().to(page)), on(Method::POST, post_route().to(renew))]));
}

#[derive(Template)]
#[template(path = "citizen/my/recovery.html")]
struct RecoveryPage<'a> {
    visitor: &'a Visitor,
    is_fresh: bool,
}

async fn page(citizen: Citizen, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    visitor.page(&RecoveryPage { visitor: &visitor, is_fresh: state.self_service.is_fresh(&session) })
}

/// Who has a recovery code can sign in for years: an open session is not enough to get one.
async fn renew(citizen: Citizen, state: web::Data<State>, form: Form) -> Result<HttpResponse, Problem> {
    let (visitor, session) = (form.visitor, citizen.session);
    if !state.self_service.is_fresh(&session) {
        return Ok(visitor.send_to(RECOVERY));
    }
    let made = call(&state, move |state| -> Result<_, Problem> {
        Ok((state.self_service.person(&session)?, state.sign_ins.renew_recovery_code(&session)?))
    });
    let (registered, made) = made.await??;
    let (code, made_on) = (made.code.expose(), visitor.day(state.clock.now()));
    let (holder, onward) = (Some(registered.person.name.as_str()), Onward::Page(HOME));
    visitor.page(&RecoveryCodePage { visitor: &visitor, code, holder, made_on, onward })
}
