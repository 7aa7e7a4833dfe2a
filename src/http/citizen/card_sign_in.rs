//! Signing in by presenting one's card (OpenID4VP 1.0): on the phone that has the wallet, or with a code that it scans.
//!
//! ```text
//! /sign-in/card        which way
//! /sign-in/card/wait   the link or the code, until the wallet has answered
//! /sign-in/card/next   answers when there is something new to show, so that the page changes without scripts
//! /sign-in/card/back   where the wallet sends its own phone's browser, with the code that opens the answer
//! ```
//!
//! Which presentation is meant stands in a cookie of the browser that began it and in no address: whoever sees the screen, or
//! brings the wallet's link to another browser, signs nobody in there.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, ServiceConfig, get as get_route, post as post_route},
};
use askama::Template;

use crate::{
    format::openid::form as url_form,
    http::{
        State,
        call::{call, call_from_memory},
        citizen::{
            cookies::Cookie,
            form::Form,
            page::{Visitor, is_local},
            pages,
            session::{HOME, sign_in_for},
        },
        extract::Params,
        problem::{Kind, Problem},
        qr,
        route::{get, on},
    },
    issuance::sign_in::{SignInError, SignedIn},
    model::{
        reason::{Decision, ReasonCode},
        sign_in::SignInMethod,
        statement::Statement,
    },
    verification::presentation::{Flow, LookError, Order, Outcome, Phase, PresentationId, SERVICE, View},
};

/// Where it begins.
const CARD: &str = "/sign-in/card";
/// The page that waits.
const WAIT: &str = "/sign-in/card/wait";
/// Answers when the page that waits has something new.
const NEXT: &str = "/sign-in/card/next";
/// Where wallets send people back to.
const BACK: &str = "/sign-in/card/back";

/// Longest wait of one request; proxies end one that says nothing for longer.
const LONGEST_WAIT_SECONDS: u32 = 25;

/// How often one who waits looks whether the service stops.
const TICK: Duration = Duration::from_secs(1);

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(CARD, [get(get_route().to(choose)), on(Method::POST, post_route().to(begin))]));
    app.service(pages(WAIT, [get(get_route().to(wait))]));
    // Without HEAD: they sign in, which is had once.
    app.service(pages(NEXT, [on(Method::GET, get_route().to(next))]));
    app.service(pages(BACK, [on(Method::GET, get_route().to(back))]));
}

/// Where somebody signs in by showing a card and goes on there; none where there is no such card.
pub(super) fn link(state: &State, back: Option<&str>) -> Option<String> {
    state.use_cases.sign_in().map(|_| Onward(back.unwrap_or(HOME).to_owned()).at(CARD))
}

/// Where somebody goes on, and what of it stands in addresses.
struct Onward(String);

impl Onward {
    fn take(params: &mut Params) -> Self {
        Self(params.take("return").filter(|back| is_local(back)).unwrap_or_else(|| HOME.to_owned()))
    }

    fn of(request: &HttpRequest) -> Self {
        Self::take(&mut Params::parse(request.query_string()).unwrap_or_default())
    }

    /// This page of ours, with the way on.
    fn at(&self, page: &str) -> String {
        if self.0 == HOME { page.to_owned() } else { format!("{page}?return={}", url_form::encode(&self.0)) }
    }
}

#[derive(Template)]
#[template(path = "citizen/card-sign-in/choose.html")]
struct ChoosePage<'a> {
    visitor: &'a Visitor,
    back: &'a str,
    other_way: String,
    told: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "citizen/card-sign-in/wait.html")]
struct WaitPage<'a> {
    visitor: &'a Visitor,
    /// A wallet has the request.
    is_fetched: bool,
    /// The code in SVG, for a wallet on another device.
    code: Option<String>,
    /// The links, for a wallet on this one.
    links: Option<(String, String)>,
    cancel: String,
    go_on: String,
}

async fn choose(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if state.use_cases.sign_in().is_none() {
        return Err(Kind::NotFound.into());
    }
    show_choice(&visitor, &Onward::of(&request), None)
}

fn show_choice(visitor: &Visitor, onward: &Onward, told: Option<&str>) -> Result<HttpResponse, Problem> {
    let page = ChoosePage { visitor, back: &onward.0, other_way: sign_in_for(&onward.0), told };
    visitor.page(&page)
}

async fn begin(form: Form, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let Form { visitor, mut fields } = form;
    let onward = Onward::take(&mut fields);
    let is_here = fields.take("wallet").as_deref() == Some("here");
    let redirect_uri = is_here.then(|| format!("{}{}", state.public_url, onward.at(BACK)));
    let view = call_from_memory(&state, move |state| state.presentations.begin(Order::sign_in(redirect_uri))).await??;
    let cookie = Cookie::Presentation.set(&view.id.to_string(), is_https(&state));
    Ok(with_cookie(visitor.send_to(&onward.at(WAIT)), &cookie))
}

async fn wait(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let onward = Onward::of(&request);
    let Some((_, view, revision)) = begun(&state, &request) else { return over(&visitor, &onward) };
    if view.phase == Phase::Expired {
        return over(&visitor, &onward);
    }
    let mut go_on = onward.at(NEXT);
    go_on += if go_on.contains('?') { "&" } else { "?" };
    go_on += &format!("since={revision}");
    let invitation = view.invitation.as_ref();
    let is_cross = view.flow == Flow::CrossDevice;
    let page = WaitPage {
        visitor: &visitor,
        is_fetched: view.phase != Phase::Waiting,
        code: invitation.filter(|_| is_cross).map(|invitation| qr::svg(&invitation.authorization_request)),
        links: invitation.filter(|_| !is_cross).map(|link| (link.authorization_request.clone(), link.haip_request.clone())),
        cancel: onward.at(CARD),
        go_on: go_on.clone(),
    };
    let mut answer = visitor.page(&page)?;
    // The browser goes on by itself and is answered once there is something new; till then it shows this page.
    if let Ok(value) = header::HeaderValue::from_str(&format!("1; url={go_on}")) {
        answer.headers_mut().insert(header::REFRESH, value);
    }
    Ok(answer)
}

async fn next(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut params = Params::parse(request.query_string()).unwrap_or_default();
    let (onward, since) = (Onward::take(&mut params), params.take("since").and_then(|since| since.parse::<u64>().ok()));
    match changed(&state, &request, since).await {
        Some((id, View { outcome: Some(Outcome::Decided { statement, .. }), .. }, _)) => {
            conclude(&visitor, &state, &onward, id, *statement).await
        }
        Some(_) => Ok(visitor.send_to(&onward.at(WAIT))),
        None => over(&visitor, &onward),
    }
}

/// What this browser began, once its count of changes is another, or as it stands when the wait was long enough.
async fn changed(state: &State, request: &HttpRequest, since: Option<u64>) -> Option<(PresentationId, View, u64)> {
    for _ in 0..LONGEST_WAIT_SECONDS {
        // Looking does what is due for it, such as replacing its code.
        let (id, _, revision) = begun(state, request)?;
        if Some(revision) != since || state.followers.are_let_go() {
            break;
        }
        let mut changes = state.presentations.changes(SERVICE, id).ok()?;
        let _ = tokio::time::timeout(TICK, changes.wait_for(|revision| Some(*revision) != since)).await;
    }
    begun(state, request)
}

async fn back(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut params = Params::parse(request.query_string()).unwrap_or_default();
    let (onward, code) = (Onward::take(&mut params), params.take("response_code"));
    let (Some(id), Some(code)) = (presentation(&state, &request), code) else { return elsewhere(&visitor, &onward) };
    match state.presentations.look(SERVICE, id, Some(&code)) {
        Ok(View { outcome: Some(Outcome::Decided { statement, .. }), .. }) => {
            conclude(&visitor, &state, &onward, id, *statement).await
        }
        Ok(_) | Err(LookError::WrongCode) => elsewhere(&visitor, &onward),
        Err(_) => over(&visitor, &onward),
    }
}

/// The presentation that this browser began.
fn presentation(state: &State, request: &HttpRequest) -> Option<PresentationId> {
    Cookie::Presentation.read(request.headers(), is_https(state))?.parse().ok()
}

/// The same as it stands, with the count of its changes.
fn begun(state: &State, request: &HttpRequest) -> Option<(PresentationId, View, u64)> {
    let id = presentation(state, request)?;
    // The count first: a change in between is seen by the one who waits for another count.
    let revision = *state.presentations.changes(SERVICE, id).ok()?.borrow();
    Some((id, state.presentations.look(SERVICE, id, None).ok()?, revision))
}

/// Signs in, or says why not. The statement is forgotten either way.
async fn conclude(
    visitor: &Visitor,
    state: &web::Data<State>,
    onward: &Onward,
    id: PresentationId,
    statement: Statement,
) -> Result<HttpResponse, Problem> {
    // It may be gone already, since results do not stay for long.
    let _ = state.presentations.forget(SERVICE, id);
    let reason = statement.reason;
    let signed_in = match own_number(&statement, &state.public_url) {
        Some(number) => Some(call(state, move |state| state.sign_ins.by_id_number(&number, SignInMethod::Presentation)).await?),
        None => None,
    };
    let answer = match signed_in {
        Some(Ok(SignedIn { secret, .. })) => visitor.signed_in(visitor.send_to(&onward.0), &secret),
        Some(Err(SignInError::Fault(fault))) => return Err(fault.into()),
        Some(Err(_)) => show_choice(visitor, onward, Some(nobody(visitor)))?,
        None => show_choice(visitor, onward, Some(refused(visitor, reason)))?,
    };
    Ok(with_cookie(answer, &Cookie::Presentation.removed(is_https(state))))
}

/// The ID number of a card of ours that was found good.
fn own_number(statement: &Statement, public_url: &str) -> Option<String> {
    let credential = statement.credential.as_ref().filter(|_| statement.decision == Decision::Accepted)?;
    let number = credential.claims.get("id_number").filter(|_| credential.issuer == public_url)?;
    number.as_str().map(str::to_owned)
}

fn refused<'a>(visitor: &Visitor, reason: ReasonCode) -> &'a str {
    match reason {
        ReasonCode::DeclinedByHolder => visitor.say("您在钱包中取消了出示。", "You declined in your wallet."),
        ReasonCode::CredentialSuspended => visitor.say(
            "这张证件已暂停使用，不能用来登录。请改用身份号码和恢复码。",
            "This card is suspended, so it signs nobody in. Use your ID number and recovery code instead.",
        ),
        ReasonCode::CredentialRevoked => visitor.say(
            "这张证件已注销，不能用来登录。请改用身份号码和恢复码。",
            "This card is revoked, so it signs nobody in. Use your ID number and recovery code instead.",
        ),
        _ => visitor.say(
            "没能核对您的证件。请确认钱包里有本机构签发的、未过期的居民电子身份证，再试一次。",
            "Your card could not be checked. Make sure that your wallet has a resident ID issued here that is still valid, and try again.",
        ),
    }
}

fn nobody<'a>(visitor: &Visitor) -> &'a str {
    visitor.say("这张证件不再对应任何登记的人。", "This card leads to nobody who is registered here any more.")
}

/// Its time is over, or this browser began nothing.
fn over(visitor: &Visitor, onward: &Onward) -> Result<HttpResponse, Problem> {
    show_choice(visitor, onward, Some(visitor.say("时间已过，请重新开始。", "The time for it is over. Please begin again.")))
}

/// The wallet sent somebody to a browser that began nothing, or something else.
fn elsewhere(visitor: &Visitor, onward: &Onward) -> Result<HttpResponse, Problem> {
    let words = visitor.say(
        "钱包把您送到了另一个浏览器。请回到您开始登录的浏览器，或在这里重新开始。",
        "The wallet sent you to another browser. Go back to the one in which you began, or begin again here.",
    );
    show_choice(visitor, onward, Some(words))
}

fn is_https(state: &State) -> bool {
    state.public_url.starts_with("https://")
}

fn with_cookie(mut answer: HttpResponse, line: &str) -> HttpResponse {
    // Names and values of ours are printable ASCII.
    if let Ok(value) = header::HeaderValue::from_str(line) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}
