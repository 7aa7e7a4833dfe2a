//! Cards: found, read, suspended, reinstated, revoked.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig, post as post_route, route as get_route},
};
use serde::{Deserialize, Serialize};

use crate::{
    base::time::Timestamp,
    http::{
        State,
        admin::{cursor, cursor_text},
        auth::{Permit, may},
        call::call,
        extract::{Id, JsonBody, Params},
        problem::{Kind, Problem, ProblemDocument, Words},
        route::{get, on, resource},
    },
    model::{
        card::{Card, NoticeEvent, Reason, State as CardState},
        ids::CardId,
        party::Actor,
        record::{Key, Query, Record},
    },
    revocation::lifecycle::{Lifecycle, Order},
};

/// Cards in one answer.
const PAGE: usize = 50;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/credentials", [get(get_route().to(find))]));
    app.service(resource("/credentials/{id}", [get(get_route().to(one))]));
    app.service(resource("/credentials/{id}/suspend", [on(Method::POST, post_route().to(suspend))]));
    app.service(resource("/credentials/{id}/reinstate", [on(Method::POST, post_route().to(reinstate))]));
    app.service(resource("/credentials/{id}/revoke", [on(Method::POST, post_route().to(revoke))]));
}

/// Why a card is changed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewOrder {
    /// One of the reason codes: `lost stolen damaged superseded deceased moved entitlement_lost fraud court_order error
    /// found other`.
    #[schema(value_type = String)]
    reason: Reason,
    /// For colleagues; sealed.
    #[serde(default)]
    note: Option<String>,
    /// When a suspension ends by itself (RFC 3339).
    #[serde(default)]
    until: Option<String>,
}

impl NewOrder {
    fn read(self) -> Result<Order, Problem> {
        let words = || Words::new("须为 RFC 3339 时间", "a time as RFC 3339 writes it is expected");
        let time = |text: String| Timestamp::parse_rfc3339(&text).ok_or_else(|| Problem::field("/until", "invalid", words()));
        Ok(Order { reason: self.reason, note: self.note, until: self.until.map(time).transpose()? })
    }
}

/// A card, without any claims.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct CardView {
    id: String,
    /// None when the record was rebuilt from the log, which names no person.
    person_id: Option<String>,
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    credential_type: String,
    /// `active`, `suspended` or `revoked`.
    #[schema(value_type = String)]
    state: CardState,
    suspended_until: Option<String>,
    due_for_renewal: bool,
    /// The installation of the wallet that has it, as a keyed hash; none when that proved no key.
    wallet_instance: Option<String>,
    /// First second of validity of the newest batch.
    valid_from: String,
    /// First second after it.
    valid_until: String,
    /// The newest batch, and those before it that were not past their time when it was made.
    copies: Vec<CopyView>,
    /// The newest renewals, oldest first.
    renewals: Vec<RenewalView>,
    /// What the wallet said became of it, oldest first.
    notices: Vec<NoticeView>,
    history: Vec<ChangeView>,
}

/// A batch that was added to the card.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct RenewalView {
    at: String,
    /// How many copies it has.
    copies: u32,
    valid_from: String,
    valid_until: String,
}

/// What a wallet said became of a batch (OpenID4VCI 1.0 section 11.1).
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct NoticeView {
    at: String,
    /// `credential_accepted`, `credential_failure` or `credential_deleted`.
    #[schema(value_type = String)]
    event: NoticeEvent,
}

/// Where the status of one copy stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct CopyView {
    /// The address of the status list.
    uri: String,
    /// The index in it.
    idx: u32,
    /// The first second at which the copy is not valid any more.
    valid_until: String,
}

/// One change of state.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct ChangeView {
    at: String,
    #[schema(value_type = String)]
    state: CardState,
    #[schema(value_type = Option<String>)]
    reason: Option<Reason>,
    note: Option<String>,
    #[schema(value_type = Object)]
    by: Actor,
}

/// Cards of one page.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct CardsView {
    credentials: Vec<CardView>,
    /// Give it back as `cursor` to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn view(public_url: &str, lifecycle: &Lifecycle, card: &Card) -> CardView {
    let copies = card.copies.iter().map(|copy| CopyView {
        uri: copy.status.list.uri(public_url),
        idx: copy.status.index,
        valid_until: card.end_of(copy).to_string(),
    });
    let renewals = card.renewals.iter().map(|batch| RenewalView {
        at: batch.at.to_string(),
        copies: batch.copies,
        valid_from: batch.valid_from.to_string(),
        valid_until: batch.valid_until.to_string(),
    });
    let notices = card.notices.iter().map(|notice| NoticeView { at: notice.at.to_string(), event: notice.event });
    let history = card.history.iter().map(|change| ChangeView {
        at: change.at.to_string(),
        state: change.state,
        reason: change.reason,
        note: change.sealed_note.as_deref().and_then(|sealed| lifecycle.note(card, sealed)),
        by: change.by,
    });
    CardView {
        id: card.id.to_string(),
        person_id: card.person.map(|person| person.to_string()),
        credential_type: card.credential_type.clone(),
        state: card.state,
        suspended_until: card.suspended_until.map(|until| until.to_string()),
        due_for_renewal: card.due_for_renewal,
        wallet_instance: card.instance.as_ref().map(|instance| instance.as_str().to_owned()),
        valid_from: card.valid_from.to_string(),
        valid_until: card.valid_until.to_string(),
        copies: copies.collect(),
        renewals: renewals.collect(),
        notices: notices.collect(),
        history: history.collect(),
    }
}

fn card_state(params: &mut Params) -> Result<Option<CardState>, Problem> {
    match params.take("state").as_deref() {
        None => Ok(None),
        Some("active") => Ok(Some(CardState::Active)),
        Some("suspended") => Ok(Some(CardState::Suspended)),
        Some("revoked") => Ok(Some(CardState::Revoked)),
        Some(_) => {
            let words = Words::new("须为 active、suspended 或 revoked", "active, suspended or revoked is expected");
            Err(Problem::field("state", "invalid", words))
        }
    }
}

/// Finds cards
#[utoipa::path(
    get, path = "/admin/api/v1/credentials", tag = "administration", security(("bearer" = [])),
    params(
        ("person_id" = Option<String>, Query, description = "Whose"),
        ("state" = Option<String>, Query, description = "`active`, `suspended` or `revoked`"),
        ("type" = Option<String>, Query, description = "The name of a type"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses((status = 200, description = "A page of cards", body = CardsView))
)]
pub(in crate::http) async fn find(
    _permit: Permit<may::ReadCards>,
    state: web::Data<State>,
    mut params: Params,
) -> Result<HttpResponse, Problem> {
    let (person, credential_type) = (params.take_parsed("person_id")?, params.take("type"));
    let query = Query::Cards { person, state: card_state(&mut params)?, credential_type };
    let after = cursor(params.take("cursor"))?;
    params.finish()?;
    let view = call(&state, move |state| {
        let page = state.store.find(&query, after.as_deref(), PAGE)?;
        let cards = page.records.iter().filter_map(|record| match &record.value {
            Record::Card(card) => Some(view(&state.public_url, &state.lifecycle, card)),
            _ => None,
        });
        Ok::<_, Problem>(CardsView { credentials: cards.collect(), next: cursor_text(page.next) })
    });
    Ok(HttpResponse::Ok().json(view.await??))
}

/// One card
#[utoipa::path(
    get, path = "/admin/api/v1/credentials/{id}", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The card")),
    responses(
        (status = 200, description = "The card", body = CardView),
        (status = 404, description = "No such card", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn one(
    _permit: Permit<may::ReadCards>,
    state: web::Data<State>,
    Id(id): Id<CardId>,
) -> Result<HttpResponse, Problem> {
    let view = call(&state, move |state| match state.store.get(&Key::Card(id))?.map(|record| record.value) {
        Some(Record::Card(card)) => Ok(view(&state.public_url, &state.lifecycle, &card)),
        _ => Err(Problem::new(Kind::NotFound)),
    });
    Ok(HttpResponse::Ok().json(view.await??))
}

/// Suspends a card, or changes the end of its suspension
#[utoipa::path(
    post, path = "/admin/api/v1/credentials/{id}/suspend", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The card")),
    request_body = NewOrder,
    responses(
        (status = 200, description = "Suspended; on disk, and every verification sees it", body = CardView),
        (status = 404, description = "No such card", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The card is revoked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn suspend(
    permit: Permit<may::ChangeCards>,
    state: web::Data<State>,
    Id(id): Id<CardId>,
    JsonBody(order): JsonBody<NewOrder>,
) -> Result<HttpResponse, Problem> {
    change(state, order, move |lifecycle, order| lifecycle.suspend(&permit.authority(), id, order)).await
}

/// Ends a suspension
#[utoipa::path(
    post, path = "/admin/api/v1/credentials/{id}/reinstate", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The card")),
    request_body = NewOrder,
    responses(
        (status = 200, description = "Good again", body = CardView),
        (status = 404, description = "No such card", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Not suspended, or revoked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn reinstate(
    permit: Permit<may::ChangeCards>,
    state: web::Data<State>,
    Id(id): Id<CardId>,
    JsonBody(order): JsonBody<NewOrder>,
) -> Result<HttpResponse, Problem> {
    change(state, order, move |lifecycle, order| lifecycle.reinstate(&permit.authority(), id, order)).await
}

/// Revokes a card for good
///
/// Revoking a revoked card answers 200 again and changes nothing.
#[utoipa::path(
    post, path = "/admin/api/v1/credentials/{id}/revoke", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The card")),
    request_body = NewOrder,
    responses(
        (status = 200, description = "Revoked; on disk, and every verification sees it", body = CardView),
        (status = 404, description = "No such card", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn revoke(
    permit: Permit<may::ChangeCards>,
    state: web::Data<State>,
    Id(id): Id<CardId>,
    JsonBody(order): JsonBody<NewOrder>,
) -> Result<HttpResponse, Problem> {
    change(state, order, move |lifecycle, order| lifecycle.revoke(&permit.authority(), id, order)).await
}

async fn change<E: Into<Problem>>(
    state: web::Data<State>,
    order: NewOrder,
    act: impl FnOnce(&Lifecycle, Order) -> Result<Card, E> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let order = order.read()?;
    let changed = call(&state, move |state| {
        let card = act(&state.lifecycle, order).map_err(Into::into)?;
        Ok::<_, Problem>(view(&state.public_url, &state.lifecycle, &card))
    });
    Ok(HttpResponse::Ok().json(changed.await??))
}
