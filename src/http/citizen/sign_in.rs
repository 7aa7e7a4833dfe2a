//! Signing in and out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web::{self, ServiceConfig, post, route},
};
use askama::Template;

use crate::{
    http::{
        State,
        call::call,
        citizen::{
            form::Form,
            page::{Visitor, is_local},
            pages,
            session::{HOME, SIGN_IN, session_of},
        },
        extract::Params,
        problem::Problem,
        route::{get, on},
    },
    issuance::sign_in::SignInError,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(SIGN_IN, [get(route().to(page)), on(Method::POST, post().to(sign_in))]));
    app.service(pages("/sign-out", [on(Method::POST, post().to(sign_out))]));
}

/// The page to sign in at.
#[derive(Template)]
#[template(path = "citizen/sign-in.html")]
struct SignInPage<'a> {
    visitor: &'a Visitor,
    /// Where to go on afterwards.
    back: Option<&'a str>,
    /// What was typed, so that nobody types it twice. Never the code.
    id_number: &'a str,
    told: Option<String>,
    id_number_wrong: Option<&'a str>,
    code_wrong: Option<&'a str>,
}

/// A recovery code, shown once.
#[derive(Template)]
#[template(path = "citizen/recovery-code.html")]
struct RecoveryCodePage<'a> {
    visitor: &'a Visitor,
    code: &'a str,
    next: &'a str,
}

async fn page(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let back = Params::parse(request.query_string()).ok().and_then(|mut params| back_from(&mut params));
    if session_of(&state, &visitor).await?.is_some() {
        return Ok(visitor.send_to(back.as_deref().unwrap_or(HOME)));
    }
    let page = SignInPage {
        visitor: &visitor,
        back: back.as_deref(),
        id_number: "",
        told: None,
        id_number_wrong: None,
        code_wrong: None,
    };
    visitor.page(&page)
}

async fn sign_in(form: Form, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Form { visitor, mut fields } = form;
    let back = back_from(&mut fields);
    let id_number = fields.take("id_number").unwrap_or_default();
    let code = zeroize::Zeroizing::new(fields.take("code").unwrap_or_default());
    let network = network(&request);
    let typed = id_number.clone();
    let signed_in = call(&state, move |state| state.sign_ins.with_code(&typed, &code, &network)).await?;
    let next = back.as_deref().unwrap_or(HOME);
    match signed_in {
        Ok(signed_in) => {
            let answer = match &signed_in.recovery_code {
                Some(code) => visitor.page(&RecoveryCodePage { visitor: &visitor, code: code.expose(), next })?,
                None => visitor.send_to(next),
            };
            Ok(visitor.signed_in(answer, &signed_in.secret))
        }
        Err(SignInError::Fault(fault)) => Err(fault.into()),
        Err(error) => refused(&visitor, back.as_deref(), &id_number, &error, &state),
    }
}

/// The same page, with what was wrong.
fn refused(
    visitor: &Visitor,
    back: Option<&str>,
    id_number: &str,
    error: &SignInError,
    state: &State,
) -> Result<HttpResponse, Problem> {
    let mut page = SignInPage { visitor, back, id_number, told: None, id_number_wrong: None, code_wrong: None };
    let mut status = StatusCode::OK;
    match error {
        SignInError::IdNumber(_) => {
            page.id_number_wrong = Some(
                visitor
                    .say("这不是有效的身份号码，请逐位核对", "This is not a valid ID number. Please check it digit by digit."),
            );
        }
        SignInError::CodeForm => {
            page.code_wrong = Some(
                visitor
                    .say("激活码为 12 位数字，恢复码为 20 位数字", "An activation code has 12 digits, a recovery code has 20."),
            );
        }
        SignInError::NotBefore(at) => {
            let seconds = at.seconds_since(state.clock.now()).max(1);
            page.told = Some(wait(visitor, seconds));
            status = StatusCode::TOO_MANY_REQUESTS;
        }
        SignInError::Wrong | SignInError::Unknown | SignInError::Fault(_) => {
            let words = visitor.say(
                "身份号码与代码不符，或代码已用过、已过期。请核对后再试；也可到窗口重新领取。",
                "The number and the code do not belong together, or the code was used or has expired. Check both and try again; a counter gives you a new code.",
            );
            page.told = Some(words.to_owned());
        }
    }
    visitor.page_with(status, &[], &page)
}

/// How long to wait, in the unit people count in.
fn wait(visitor: &Visitor, seconds: i64) -> String {
    let minutes = (seconds + 59) / 60;
    match (seconds <= 90, minutes) {
        (true, _) => visitor
            .say("尝试次数过多，请等待 {n} 秒后再试。", "Too many tries. Please wait {n} seconds, then try again.")
            .replace("{n}", &seconds.to_string()),
        (false, minutes) => visitor
            .say("尝试次数过多，请等待 {n} 分钟后再试。", "Too many tries. Please wait {n} minutes, then try again.")
            .replace("{n}", &minutes.to_string()),
    }
}

async fn sign_out(form: Form, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let visitor = form.visitor;
    if let Some(secret) = visitor.session().cloned() {
        call(&state, move |state| state.sign_ins.end(secret.expose())).await??;
    }
    Ok(visitor.signed_out(visitor.send_to(SIGN_IN)))
}

/// Where to go on, if it is a page of ours.
fn back_from(params: &mut Params) -> Option<String> {
    params.take("return").filter(|back| is_local(back))
}

/// The network that a request comes from, as tries of codes are counted: a whole address of IPv4, half of one of IPv6, which is
/// what one household has.
fn network(request: &HttpRequest) -> String {
    match request.peer_addr().map(|peer| peer.ip()) {
        Some(std::net::IpAddr::V4(address)) => address.to_string(),
        Some(std::net::IpAddr::V6(address)) => address.segments().iter().take(4).map(|part| format!("{part:x}:")).collect(),
        None => String::new(),
    }
}
