//! Signing in and out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web::{self, ServiceConfig, post, route},
};
use askama::Template;

use crate::{
    base::time::Timestamp,
    http::{
        State,
        call::call,
        citizen::{
            authorize::signing_in_for,
            card_sign_in,
            form::Form,
            page::{Visitor, is_local},
            pages, province,
            recovery::{Onward, RecoveryCodePage},
            session::{HOME, SIGN_IN, session_of, sign_in_for},
        },
        extract::Params,
        problem::Problem,
        route::{get, on},
    },
    issuance::{authorize::View, sign_in::SignInError},
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
    /// What for, when a wallet asked.
    wanted: Option<&'a Wanted>,
    /// The link to the province's login.
    province: Option<String>,
    /// The link to signing in by showing a card.
    card: Option<String>,
    /// What was typed, so that nobody types it twice. Never the code.
    id_number: &'a str,
    told: Option<String>,
    id_number_wrong: Option<&'a str>,
    code_wrong: Option<&'a str>,
}

/// What somebody signs in for.
struct Wanted {
    view: View,
    /// The titles of the cards.
    titles: String,
}

impl<'a> SignInPage<'a> {
    fn new(visitor: &'a Visitor, state: &State, back: Option<&'a str>, wanted: Option<&'a Wanted>) -> Self {
        let province = province::link(state, back);
        let card = card_sign_in::link(state, back);
        Self { visitor, back, wanted, province, card, id_number: "", told: None, id_number_wrong: None, code_wrong: None }
    }

    fn answer(&self, status: StatusCode) -> Result<HttpResponse, Problem> {
        // Whoever does not want to go on is sent back to the wallet by a form.
        let places: Vec<&str> = self.wanted.iter().map(|wanted| wanted.view.form_target.as_str()).collect();
        self.visitor.page_with(status, &places, self)
    }
}

/// What the address to go on to says that somebody wants.
async fn wanted(visitor: &Visitor, state: &web::Data<State>, back: Option<&str>) -> Option<Wanted> {
    let view = signing_in_for(visitor, state, back).await?;
    let types = view.configurations.iter().filter_map(|name| state.types.get(name));
    let titles: Vec<&str> = types.map(|of| visitor.text(&of.title)).collect();
    let titles = titles.join(visitor.say("、", ", "));
    Some(Wanted { view, titles })
}

async fn page(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let back = Params::parse(request.query_string()).ok().and_then(|mut params| back_from(&mut params));
    if session_of(&state, &visitor).await?.is_some() {
        return Ok(visitor.send_to(back.as_deref().unwrap_or(HOME)));
    }
    let wanted = wanted(&visitor, &state, back.as_deref()).await;
    SignInPage::new(&visitor, &state, back.as_deref(), wanted.as_ref()).answer(StatusCode::OK)
}

async fn sign_in(form: Form, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Form { visitor, mut fields } = form;
    let back = back_from(&mut fields);
    let id_number = fields.take("id_number").unwrap_or_default();
    let code = zeroize::Zeroizing::new(fields.take("code").unwrap_or_default());
    let peer = request.peer_addr().map(|peer| peer.ip());
    let network = state.limits.network(peer, request.headers());
    let typed = id_number.clone();
    let before = visitor.session().cloned();
    let signed_in = call(&state, move |state| {
        let signed_in = state.sign_ins.with_code(&typed, &code, network.as_deref())?;
        // Nobody needs two sessions; one that is not ended now ends by itself.
        let _ = before.map(|secret| state.sign_ins.end(secret.expose()));
        Ok(signed_in)
    });
    let signed_in = signed_in.await?;
    let next = back.as_deref().unwrap_or(HOME);
    match signed_in {
        Ok(signed_in) => {
            let answer = match &signed_in.recovery_code {
                Some(code) => visitor.page(&RecoveryCodePage {
                    visitor: &visitor,
                    code: code.expose(),
                    holder: None,
                    made_on: visitor.day(state.clock.now()),
                    onward: Onward::Page(next),
                })?,
                None => visitor.send_to(next),
            };
            Ok(visitor.signed_in(answer, &signed_in.secret))
        }
        Err(SignInError::Fault(fault)) => Err(fault.into()),
        Err(error) => {
            let wanted = wanted(&visitor, &state, back.as_deref()).await;
            let mut page = SignInPage::new(&visitor, &state, back.as_deref(), wanted.as_ref());
            page.id_number = &id_number;
            page.refused(&error, state.clock.now())
        }
    }
}

impl SignInPage<'_> {
    /// The same page, with what was wrong.
    fn refused(mut self, error: &SignInError, now: Timestamp) -> Result<HttpResponse, Problem> {
        let visitor = self.visitor;
        let mut status = StatusCode::OK;
        match error {
            SignInError::IdNumber(_) => {
                let words = visitor.say(
                    "这不是有效的身份号码，请逐位核对。",
                    "This is not a valid ID number. Please check it digit by digit.",
                );
                self.id_number_wrong = Some(words);
            }
            SignInError::CodeForm => {
                let words = visitor.say(
                    "激活码为 12 位数字，恢复码为 20 位数字。",
                    "An activation code has 12 digits, a recovery code has 20.",
                );
                self.code_wrong = Some(words);
            }
            SignInError::NotBefore(at) => {
                self.told = Some(wait(visitor, at.seconds_since(now).max(1)));
                status = StatusCode::TOO_MANY_REQUESTS;
            }
            SignInError::Wrong | SignInError::Unknown | SignInError::Fault(_) => {
                let words = visitor.say(
                    "身份号码与代码不符，或代码已用过、已过期。请核对后再试；也可到窗口重新领取。",
                    "The number and the code do not belong together, or the code was used or has expired. Check both and try again; a counter can give you a new code.",
                );
                self.told = Some(words.to_owned());
            }
        }
        self.answer(status)
    }
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
    let Form { visitor, mut fields } = form;
    if let Some(secret) = visitor.session().cloned() {
        call(&state, move |state| state.sign_ins.end(secret.expose())).await??;
    }
    let back = back_from(&mut fields).unwrap_or_default();
    Ok(visitor.signed_out(visitor.send_to(&sign_in_for(&back))))
}

/// Where to go on, if it is a page of ours.
fn back_from(params: &mut Params) -> Option<String> {
    params.take("return").filter(|back| is_local(back))
}
