//! For everyone: lists, keys, types, the log, health, documentation and the start page. Nothing here asks who you are.

mod checkpoint_files;
mod checkpoint_page;
pub(super) mod health;
pub(super) mod keys;
pub(super) mod lists;
pub(super) mod log;
mod metrics;
mod start;
pub(super) mod trust;
pub(super) mod types;

use actix_web::web::ServiceConfig;

pub(super) use metrics::configure as configure_metrics;

/// The routes for everyone.
pub(super) fn configure(app: &mut ServiceConfig) {
    checkpoint_page::configure(app);
    health::configure(app);
    keys::configure(app);
    lists::configure(app);
    log::configure(app);
    start::configure(app);
    trust::configure(app);
    types::configure(app);
}
