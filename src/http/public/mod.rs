//! For everyone: lists, keys, types, the log, health, documentation and the start page. Nothing here asks who you are.

pub(super) mod health;
mod metrics;
mod start;
pub(super) mod types;

use actix_web::web::ServiceConfig;

pub(super) use metrics::configure as configure_metrics;

/// The routes for everyone.
pub(super) fn configure(app: &mut ServiceConfig) {
    health::configure(app);
    start::configure(app);
    types::configure(app);
}
