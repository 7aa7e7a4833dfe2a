//! For wallets: OpenID4VCI 1.0 with the pre-authorised code, and OpenID4VP 1.0.

pub(super) mod credential;
pub(super) mod issuance;
pub(super) mod metadata;
pub(super) mod presentation;

use actix_web::web::ServiceConfig;

/// The routes for wallets.
pub(super) fn configure(app: &mut ServiceConfig) {
    metadata::configure(app);
    issuance::configure(app);
    credential::configure(app);
    presentation::configure(app);
}
