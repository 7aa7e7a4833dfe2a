//! yufu (鱼符): issues signed electronic ID credentials to wallets, verifies them at checkpoints, and lets
//! administrators suspend and revoke them.
//!
//! Layers, bottom first; a module names only modules of earlier lines, which `tests/architecture.rs` holds:
//!
//! ```text
//! base < crypto < format < model < store, keyring, outbound < issuance, verification, revocation, audit
//!      < bridge, edge < http < app
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs, unused_qualifications)]
#![warn(clippy::expect_used, clippy::panic, clippy::todo, clippy::unimplemented, clippy::unwrap_used)]
#![warn(clippy::allow_attributes, clippy::allow_attributes_without_reason)]

pub mod app;
pub mod audit;
pub mod base;
pub mod crypto;
pub mod format;
pub mod http;
pub mod issuance;
pub mod keyring;
pub mod model;
pub mod outbound;
pub mod revocation;
pub mod store;
pub mod verification;
