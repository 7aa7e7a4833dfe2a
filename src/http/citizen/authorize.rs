//! A wallet asks for cards: the browser opens its request, the person signs in, sees who asks for what, and agrees or not.

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
            card::{DrawnCard, Holder, why_not},
            form::Form,
            page::Visitor,
            pages,
            recovery::{Onward, RecoveryCodePage},
            session::{session_of, sign_in_for},
        },
        extract::Id,
        problem::Problem,
        route::{get, on},
    },
    issuance::authorize::{OpenError, View},
    model::{credential_type::Ineligible, ids::AuthorizationId, sign_in::CitizenSession},
};

/// The authorization endpoint (RFC 6749 section 3.1); what was opened there goes on below it.
const AUTHORIZE: &str = "/authorize";

pub(super) fn configure(app: &mut ServiceConfig) {
    // Without HEAD: whoever looks at a link before the person does would take the one opening.
    app.service(pages(AUTHORIZE, [on(Method::GET, route().to(open))]));
    app.service(pages("/authorize/{id}", [get(route().to(page))]));
    app.service(pages("/authorize/{id}/agree", [on(Method::POST, post().to(agree))]));
    app.service(pages("/authorize/{id}/refuse", [on(Method::POST, post().to(refuse))]));
}

/// What the person is asked.
#[derive(Template)]
#[template(path = "citizen/authorize.html")]
struct ConsentPage<'a> {
    visitor: &'a Visitor,
    here: String,
    view: &'a View,
    holder: &'a Holder,
    /// The cards that the person gets by agreeing.
    cards: Vec<DrawnCard>,
    /// The titles of those they cannot have, and why.
    missing: Vec<(String, String)>,
    /// Whether the offer behind it was made to somebody else.
    is_for_another: bool,
}

/// What the page needs to know, read in one go.
struct Asked {
    view: View,
    holder: Option<Holder>,
    eligibility: Vec<(String, Option<Ineligible>)>,
    is_for_another: bool,
}

impl Asked {
    /// Whether agreeing would give anything.
    fn gives(&self) -> bool {
        !self.is_for_another && self.eligibility.iter().any(|(_, why_not)| why_not.is_none())
    }
}

/// The address of an authorisation that this browser opened.
fn address(id: AuthorizationId) -> String {
    format!("{AUTHORIZE}/{id}")
}

/// The authorisation that an address of ours leads back to, if it is one's and this browser may look at it: what people sign in
/// for is said where they sign in.
pub(super) async fn signing_in_for(visitor: &Visitor, state: &web::Data<State>, back: Option<&str>) -> Option<View> {
    let id = back?.strip_prefix(AUTHORIZE)?.strip_prefix('/')?.parse::<AuthorizationId>().ok()?;
    let browser = visitor.browser().clone();
    call(state, move |state| state.authorizations.view(id, browser.expose())).await.ok()?.ok()
}

async fn open(visitor: Visitor, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (query, browser) = (request.query_string().to_owned(), visitor.browser().clone());
    let opened = call(&state, move |state| state.authorizations.open(&query, Some(browser.expose()))).await??;
    // The request's own address is good once; what can be looked at again has another.
    Ok(visitor.send_to(&address(opened.id)))
}

async fn page(visitor: Visitor, state: web::Data<State>, Id(id): Id<AuthorizationId>) -> Result<HttpResponse, Problem> {
    let Some(session) = session_of(&state, &visitor).await? else {
        // What is over is said before anybody signs in for it.
        let browser = visitor.browser().clone();
        call(&state, move |state| state.authorizations.view(id, browser.expose())).await??;
        return Ok(visitor.send_to(&sign_in_for(&address(id))));
    };
    let asked = asked(&visitor, &state, id, &session).await?;
    let Some(holder) = &asked.holder else { return Ok(visitor.send_to(&sign_in_for(&address(id)))) };
    let (mut cards, mut missing) = (Vec::new(), Vec::new());
    for (name, reason) in &asked.eligibility {
        let Some(of) = state.types.get(name) else { continue };
        match reason {
            None => cards.push(DrawnCard::of(&visitor, of, Some(holder.clone()))),
            Some(reason) => missing.push((visitor.text(&of.title).to_owned(), why_not(&visitor, reason))),
        }
    }
    let Asked { view, is_for_another, .. } = &asked;
    let page =
        ConsentPage { visitor: &visitor, here: address(id), view, holder, cards, missing, is_for_another: *is_for_another };
    visitor.page_with(StatusCode::OK, &[&view.form_target], &page)
}

async fn asked(
    visitor: &Visitor,
    state: &web::Data<State>,
    id: AuthorizationId,
    session: &CitizenSession,
) -> Result<Asked, Problem> {
    let (browser, session) = (visitor.browser().clone(), session.clone());
    let asked = call(state, move |state| {
        let (authorizations, browser) = (&state.authorizations, browser.expose());
        let view = authorizations.view(id, browser)?;
        let person = state.sign_ins.person(&session)?;
        let eligibility = match person {
            Some(_) => authorizations.eligibility(id, browser, &session)?,
            None => Vec::new(),
        };
        let is_for_another = !authorizations.is_for(id, browser, &session)?;
        Ok::<_, OpenError>(Asked { view, holder: person.map(|known| Holder::of(&known.person)), eligibility, is_for_another })
    });
    Ok(asked.await??)
}

/// The person agrees. Whoever has no recovery code yet is shown one first, and goes on from there by the same form: a code for
/// the wallet is made when the browser leaves, for it is good for a minute only.
async fn agree(form: Form, state: web::Data<State>, Id(id): Id<AuthorizationId>) -> Result<HttpResponse, Problem> {
    let visitor = form.visitor;
    let Some(session) = session_of(&state, &visitor).await? else {
        return Ok(visitor.send_to(&sign_in_for(&address(id))));
    };
    let asked = asked(&visitor, &state, id, &session).await?;
    if asked.gives() {
        let own = session.clone();
        if let Some(made) = call(&state, move |state| state.sign_ins.first_recovery_code(&own)).await?? {
            let page = RecoveryCodePage {
                visitor: &visitor,
                code: made.code.expose(),
                holder: asked.holder.as_ref().map(|holder| holder.name.as_str()),
                made_on: visitor.day(state.clock.now()),
                onward: Onward::Agree { address: &address(id), client: &asked.view.client_name },
            };
            return visitor.page_with(StatusCode::OK, &[&asked.view.form_target], &page);
        }
    }
    let browser = visitor.browser().clone();
    let back = call(&state, move |state| state.authorizations.agree(id, browser.expose(), &session)).await??;
    Ok(visitor.send_to(&back.location))
}

/// The person does not agree, signed in or not.
async fn refuse(form: Form, state: web::Data<State>, Id(id): Id<AuthorizationId>) -> Result<HttpResponse, Problem> {
    let visitor = form.visitor;
    let browser = visitor.browser().clone();
    let back = call(&state, move |state| state.authorizations.refuse(id, browser.expose())).await??;
    Ok(visitor.send_to(&back.location))
}
