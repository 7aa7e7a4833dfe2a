//! For operators, by bearer token: people, offers, cards, events, tokens, wallets.

pub(super) mod approvals;
pub(super) mod cards;
pub(super) mod events;
pub(super) mod offers;
pub(super) mod pairings;
pub(super) mod people;
pub(super) mod sign_in_codes;
pub(super) mod tokens;
pub(super) mod wallets;

use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::{
    base::base64url,
    http::{
        auth::bearers_only,
        evidence,
        problem::{Kind, Problem, Words},
    },
};

/// The routes for operators.
pub(super) fn configure(app: &mut ServiceConfig) {
    let nothing = web::to(|| async { Err::<HttpResponse, _>(Problem::new(Kind::NotFound)) });
    app.service(
        web::scope("/admin/api/v1")
            .wrap(from_fn(bearers_only))
            .default_service(nothing)
            .configure(people::configure)
            .configure(offers::configure)
            .configure(sign_in_codes::configure)
            .configure(approvals::configure)
            .configure(cards::configure)
            .configure(events::configure)
            .configure(tokens::configure)
            .configure(pairings::configure)
            .configure(wallets::configure)
            .configure(evidence::for_auditors),
    );
}

/// Where a page goes on, as clients carry it: opaque.
fn cursor_text(next: Option<Vec<u8>>) -> Option<String> {
    next.map(base64url::encode)
}

/// Longest cursor taken, in bytes: the keys of the store are far shorter.
const CURSOR_BYTES: usize = 256;

/// Reads a cursor back. Whatever it says, the store only goes on from there in its own order.
fn cursor(text: Option<String>) -> Result<Option<Vec<u8>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let bytes = base64url::decode(&text).ok().filter(|bytes| bytes.len() <= CURSOR_BYTES);
    let words = Words::new("cursor 无效，请使用上一页返回的值", "the cursor is not one that a page gave");
    bytes.map(Some).ok_or_else(|| Problem::field("cursor", "invalid", words))
}
