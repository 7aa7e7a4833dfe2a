//! Signing in anew, for what an open session is not enough for.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, post as post_route},
};

use crate::http::{
    State,
    call::call,
    citizen::{
        form::Form,
        page::is_local,
        pages,
        session::{HOME, sign_in_for},
    },
    problem::Problem,
    route::on,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages("/my/sign-in-again", [on(Method::POST, post_route().to(again))]));
}

/// Ends the session, and leads back here once there is another.
async fn again(form: Form, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let Form { visitor, mut fields } = form;
    let back = fields.take("return").filter(|back| is_local(back)).unwrap_or_else(|| HOME.to_owned());
    if let Some(secret) = visitor.session().cloned() {
        call(&state, move |state| state.sign_ins.end(secret.expose())).await??;
    }
    Ok(visitor.signed_out(visitor.send_to(&sign_in_for(&back))))
}
