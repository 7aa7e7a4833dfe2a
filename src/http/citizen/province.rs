//! Signing in by the province's login: there and back.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, ServiceConfig, route},
};
use askama::Template;

use crate::{
    http::{
        State,
        call::call,
        citizen::{
            page::{Visitor, is_local},
            pages,
            session::{HOME, SIGN_IN, sign_in_for},
        },
        extract::Params,
        problem::{Kind, Problem},
        route::get,
    },
    issuance::sign_in::{
        SignInError,
        province::{CALLBACK, CameBack, LoginAnswer, ProvinceError},
    },
    outbound::LoginError,
};

/// Where browsers leave from.
const LEAVE: &str = "/sign-in/province";

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(LEAVE, [get(route().to(leave))]));
    app.service(pages(CALLBACK, [get(route().to(come_back))]));
}

/// The link that leaves for the login and comes back to this page of ours; none where there is no such login.
pub(super) fn link(state: &State, back: Option<&str>) -> Option<String> {
    let back = sign_in_for(back.unwrap_or(HOME));
    state.province.as_ref().map(|_| format!("{LEAVE}{}", back.strip_prefix(SIGN_IN).unwrap_or_default()))
}

/// Nobody was signed in.
#[derive(Template)]
#[template(path = "citizen/province-failed.html")]
struct FailedPage<'a> {
    visitor: &'a Visitor,
    heading: &'a str,
    words: &'a str,
    /// The page to sign in at, with the way back.
    again: &'a str,
}

async fn leave(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let params = Params::parse(request.query_string()).ok();
    let back = params.and_then(|mut params| params.take("return")).filter(|back| is_local(back));
    let (browser, language, way) = (visitor.browser().clone(), visitor.language.tag(), back.clone());
    let address = call(&state, move |state| {
        let province = state.province.as_ref().ok_or(Problem::new(Kind::NotFound))?;
        Ok::<_, Problem>(province.begin(browser.expose(), way.as_deref(), language))
    });
    match address.await?? {
        Ok(address) => Ok(visitor.send_to(&address)),
        Err(error) => failed(&visitor, back.as_deref(), &error.into()),
    }
}

async fn come_back(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut params = Params::parse(request.query_string()).map_err(|_| Kind::InvalidRequest)?;
    let answer =
        LoginAnswer { state: params.take("state").unwrap_or_default(), code: params.take("code"), iss: params.take("iss") };
    let browser = visitor.browser().clone();
    let came = call(&state, move |state| {
        let province = state.province.as_ref().ok_or(Problem::new(Kind::NotFound))?;
        Ok::<_, Problem>(province.finish(&state.sign_ins, browser.expose(), &answer))
    });
    let CameBack { back, signed_in } = came.await??;
    match signed_in {
        Ok(signed_in) => {
            let answer = visitor.send_to(back.as_deref().filter(|back| is_local(back)).unwrap_or(HOME));
            Ok(visitor.signed_in(answer, &signed_in.secret))
        }
        Err(ProvinceError::SignIn(SignInError::Fault(fault))) => Err(fault.into()),
        Err(error) => failed(&visitor, back.as_deref(), &error),
    }
}

/// Why, in words, and the way back to where it began.
fn failed(visitor: &Visitor, back: Option<&str>, error: &ProvinceError) -> Result<HttpResponse, Problem> {
    let say = |chinese, english| visitor.say(chinese, english);
    let (status, heading, words) = match error {
        ProvinceError::Stale => (
            StatusCode::BAD_REQUEST,
            say("请重新登录", "Please sign in again"),
            say(
                "这次登录已过期、已用过，或不是从这个浏览器开始的。",
                "This sign-in is too old, was used already, or did not begin in this browser.",
            ),
        ),
        ProvinceError::Refused => (
            StatusCode::OK,
            say("没有登录", "You are not signed in"),
            say(
                "省级统一登录没有确认您的身份，也许您取消了登录。",
                "The province's login did not confirm who you are. Perhaps you cancelled it.",
            ),
        ),
        ProvinceError::SignIn(_) => (
            StatusCode::OK,
            say("登记册中没有您", "You are not in the register"),
            say(
                "省级统一登录确认了您的身份，但居民登记册中没有这个身份号码。请到服务窗口办理。",
                "The province's login knows you, but the register of residents does not have your ID number. Please go to a counter.",
            ),
        ),
        ProvinceError::Login(error) => {
            // The reason names a step and never a person.
            tracing::warn!(%error, "the province's login did not log anybody in");
            login_failed(visitor, error)
        }
    };
    let again = sign_in_for(back.unwrap_or(HOME));
    visitor.page_with(status, &[], &FailedPage { visitor, heading, words, again: &again })
}

fn login_failed<'a>(visitor: &Visitor, error: &LoginError) -> (StatusCode, &'a str, &'a str) {
    let say = |chinese, english| visitor.say(chinese, english);
    match error {
        LoginError::Unusable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            say("统一登录暂时不可用", "The province's login is not available right now"),
            say("请稍后再试，或用激活码登录。", "Please try again later, or sign in with an activation code."),
        ),
        LoginError::NoIdNumber => (
            StatusCode::OK,
            say("缺少身份号码", "Your ID number is missing"),
            say(
                "您的统一登录账户没有提供身份号码。请先在统一登录中完成实名认证，或用激活码登录。",
                "Your account at the province's login has no ID number. Complete it there first, or sign in with an activation code.",
            ),
        ),
        LoginError::CodeRefused | LoginError::OtherIssuer | LoginError::Token(_) => (
            StatusCode::BAD_REQUEST,
            say("请重新登录", "Please sign in again"),
            say("统一登录的答复无法确认。", "The answer of the province's login could not be confirmed."),
        ),
    }
}
