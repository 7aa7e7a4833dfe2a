//! For citizens, in the browser of a phone or a desk: pages that work without scripts, in Chinese and English.
//!
//! ```text
//! Visitor   who looks at a page: language, browser, the token of its forms      (any page)
//! Citizen   a visitor who is signed in; anybody else is sent to sign in         (pages of their own)
//! Form      what a form of ours sent, from a page of ours in the same browser   (every POST)
//! ```
//!
//! Handlers answer `Result<HttpResponse, Problem>` as everywhere; [`pages`] shows a problem as a page.

mod assets;
mod authorize;
pub(super) mod card;
mod card_sign_in;
mod cookies;
pub(super) mod failure;
mod form;
mod my;
pub(super) mod page;
mod province;
pub(super) mod recovery;
pub(super) mod session;
mod sign_in;
mod vendors;

use actix_web::{
    Resource,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::ServiceConfig,
};

use crate::http::route::{Entry, resource};

/// The routes for citizens.
pub(super) fn configure(app: &mut ServiceConfig) {
    assets::configure(app);
    authorize::configure(app);
    sign_in::configure(app);
    province::configure(app);
    card_sign_in::configure(app);
    my::configure(app);
    vendors::configure(app);
}

/// A resource whose problems are shown as pages.
pub(super) fn pages(
    path: &str,
    entries: impl IntoIterator<Item = Entry>,
) -> Resource<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = actix_web::Error, InitError = ()>,
> {
    resource(path, entries).wrap(from_fn(failure::as_page))
}
