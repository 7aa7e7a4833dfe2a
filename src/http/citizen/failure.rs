//! Problems as pages.

use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
};
use askama::Template;

use crate::http::{
    citizen::page::Visitor,
    problem::{Kind, Problem, Words},
};

/// What went wrong, in words.
#[derive(Template)]
#[template(path = "citizen/failure.html")]
struct FailurePage<'a> {
    visitor: &'a Visitor,
    heading: &'a str,
    words: &'a str,
    code: &'static str,
}

/// Shows a problem as a page, with its status and its headers.
pub(super) async fn as_page<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let asked = request.request().clone();
    let answered = match next.call(request).await {
        Ok(answered) => answered.map_into_boxed_body(),
        Err(error) => {
            let answer = error.error_response();
            // The error is kept with its answer, as it is when a handler gives it back.
            let answer = error.as_error::<Problem>().and_then(|problem| shown(&asked, problem)).unwrap_or(answer);
            return Ok(ServiceResponse::new(asked, answer));
        }
    };
    let page = answered.response().error().and_then(Error::as_error::<Problem>).and_then(|problem| shown(&asked, problem));
    Ok(match page {
        Some(page) => ServiceResponse::new(asked, page),
        None => answered,
    })
}

/// Where the pages of citizens stand.
const PAGES: [&str; 4] = ["/authorize", "/sign-in", "/sign-out", "/my"];

/// The page of what was refused before it came to a page of citizens; none where it was on its way to anything else.
pub(in crate::http) fn page_of(request: &HttpRequest, refused: &Error) -> Option<HttpResponse> {
    let path = request.path();
    let is_below = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !PAGES.into_iter().any(is_below) {
        return None;
    }
    shown(request, refused.as_error::<Problem>()?)
}

/// The page of a problem; none when it cannot be made, and the document says it instead.
fn shown(request: &HttpRequest, problem: &Problem) -> Option<HttpResponse> {
    let visitor = Visitor::of(request).ok()?;
    let document = problem.error_response();
    let mut words = problem.words();
    if document.status().is_server_error() {
        // What an operator has to do about it is no concern of theirs.
        words = Words::new(
            "请稍后再试。如果一直这样，请到服务窗口，并告知下方代码。",
            "Please try again later. If it stays like this, tell a counter the code below.",
        );
    }
    let heading = match problem.kind() {
        Kind::NotFound => visitor.say("没有这个页面", "There is no such page"),
        Kind::FormNotOurs => visitor.say("请再试一次", "Please try again"),
        Kind::AuthorizationNotOpen => visitor.say("这个请求已失效", "This request is over"),
        Kind::TooOften => {
            words = Words::new("请求过于频繁，请等一会儿再试。", "That was too often. Please wait a little, then try again.");
            visitor.say("请稍候", "Please wait a moment")
        }
        _ if document.status().is_server_error() => visitor.say("服务暂时不可用", "The service is not available right now"),
        _ => visitor.say("未能完成", "That did not work"),
    };
    let page =
        FailurePage { visitor: &visitor, heading, words: visitor.say(&words.zh, &words.en), code: problem.kind().code() };
    let mut page = visitor.page_with(document.status(), &[], &page).ok()?;
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = document.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    Some(page)
}
