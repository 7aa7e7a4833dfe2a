//! Verification in two pure steps: [`examine`](examine::examine) what was presented, then
//! [`decide`](decide::decide) with what is known of its status.
//!
//! No clock, no socket and no store inside either: the online endpoint, the command line, an offline checkpoint, the
//! fuzzers and the benchmarks run one code. Between the two steps the caller looks up the status that the first one
//! names, and it names one only for a credential that passed (draft-ietf-oauth-status-list section 8.3): a forged
//! credential makes nobody ask anything anywhere.

pub mod admission;

mod answer;
mod authenticate;
pub mod boarding;
mod checks;
pub mod compose;
pub mod decide;
pub mod evidence;
pub mod examine;
pub mod expectations;
pub mod foreign_lists;
mod list_cache;
pub mod lists;
pub mod lookup;
pub mod policy;
pub mod presentation;
pub mod request_object;
pub mod same_person;
pub mod service;
pub mod shown;
pub mod signed_statement;
pub mod statuses;
pub mod trust;

pub use compose::{Fault, Part, Rules, compose};
pub use decide::decide;
pub use examine::{Examined, examine, examine_all};
pub use expectations::{AcceptedTypes, Expectations, HolderBinding};
pub use lookup::{Finding, StatusAnswer};
pub use policy::{Policy, WhenTooOld};
pub use statuses::Statuses;
pub use trust::{Issuers, OwnIssuer, Trust};

#[cfg(test)]
mod tests;
