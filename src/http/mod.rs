//! The service over HTTP. The only place that names actix-web.
//!
//! A request passes `frame` (number, log line, headers, panics), the scope of its audience, and ends in a handler that
//! parses, makes one call and encodes. Handlers of administrators and checkpoints take an `auth::Permit`, whose type
//! says which capability the route asks for; the services behind them take the `Authority` that only a permit holds.

mod admin;
pub mod auth;
pub mod call;
pub mod checkpoint;
mod citizen;
pub mod connections;
mod document;
mod evidence;
pub mod extract;
mod frame;
mod fresh;
pub mod headers;
pub mod limits;
pub mod metrics;
pub mod oauth_error;
pub mod openapi;
mod page;
mod portions;
pub mod problem;
mod public;
mod qr;
mod route;
pub mod server;
mod standing;
mod state;
mod wallet;

pub use state::State;
