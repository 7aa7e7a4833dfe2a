//! For checkpoints: presentations from wallets, and verification of one that is already in hand.

pub(super) mod admission;
pub mod follow;
pub(super) mod pair;
pub(super) mod presentations;
pub(super) mod shown;
mod stream;
pub(super) mod use_cases;
pub(super) mod verifications;
mod view;

use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::http::{
    auth::bearers_only,
    evidence,
    problem::{Kind, Problem},
};

/// The routes for checkpoints.
pub(super) fn configure(app: &mut ServiceConfig) {
    let nothing = web::to(|| async { Err::<HttpResponse, _>(Problem::new(Kind::NotFound)) });
    pair::configure(app);
    app.service(
        web::scope("/checkpoint/api/v1")
            .wrap(from_fn(bearers_only))
            .default_service(nothing)
            .configure(verifications::configure)
            .configure(presentations::configure)
            .configure(admission::configure)
            .configure(shown::configure)
            .configure(evidence::for_checkpoints)
            .configure(use_cases::configure),
    );
}
