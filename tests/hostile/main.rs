//! What strangers send to do harm: tables whose rows are named by their line in the checklist of the standards (NT-..) and
//! in the list of attacks (SL-.., SD-.., ..), each with the exact refusal.
//!
//! A line that needs a later issue waits in `later.toml`, with that issue's subject and what it waits for (`later_rows`).

mod abroad;
mod administration;
mod answers;
mod authorization;
mod bound_codes;
mod client_attestation;
mod codes;
mod confusion;
mod deferred;
mod desk;
mod dpop;
mod envelope;
mod fetching;
mod foreign_lists;
mod gate;
mod haip;
mod http;
mod issuance;
mod jose;
mod key_attestation;
mod key_binding;
mod later_rows;
mod lying_host;
mod nothing_fetched;
mod office;
mod openid;
mod openid4vp;
mod requests;
mod same_device;
mod sdjwt;
mod sdjwt_forge;
mod server;
mod sessions;
mod signatures;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod token_types;
mod verification;

use std::collections::BTreeSet;

/// The lines each module tests.
const TESTED: &[&[&str]] = &[
    administration::TESTED,
    answers::TESTED,
    authorization::TESTED,
    bound_codes::TESTED,
    client_attestation::TESTED,
    codes::TESTED,
    confusion::TESTED,
    deferred::TESTED,
    dpop::TESTED,
    fetching::TESTED,
    foreign_lists::TESTED,
    haip::TESTED,
    http::TESTED,
    issuance::TESTED,
    jose::TESTED,
    key_attestation::TESTED,
    key_binding::TESTED,
    nothing_fetched::TESTED,
    openid::TESTED,
    openid4vp::TESTED,
    requests::TESTED,
    sdjwt::TESTED,
    sessions::TESTED,
    signatures::TESTED,
    status::TESTED,
    verification::TESTED,
];

/// Subjects of the later issues that lines may wait for.
const LATER_ISSUES: [&str; 3] = [
    "The gate: OpenID4VP 1.0 at airport boarding",
    "Any wallet gets its card: OpenID4VCI 1.0 complete, at the HAIP 1.0 profile",
    "The second format: ISO 18013-5 mdoc",
];

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Later {
    row: Vec<LaterRow>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LaterRow {
    id: String,
    issue: String,
    /// The feature that is not there yet; `later_rows` knows by which sign it shows.
    waits_for: String,
    why: String,
}

fn later() -> Vec<LaterRow> {
    toml::from_str::<Later>(include_str!("later.toml")).expect("later.toml has the form it states").row
}

fn tested() -> BTreeSet<&'static str> {
    TESTED.iter().copied().flatten().copied().collect()
}

#[test]
fn a_line_that_waits_names_its_issue_and_reason_and_is_not_tested_yet() {
    let mut seen = BTreeSet::new();
    for row in later() {
        assert!(LATER_ISSUES.contains(&row.issue.as_str()), "{}: no such issue: {}", row.id, row.issue);
        assert!(row.why.len() > 20, "{}: say why it waits", row.id);
        assert!(!tested().contains(row.id.as_str()), "{} is tested: take it out of later.toml", row.id);
        assert!(seen.insert(row.id.clone()), "{} stands twice", row.id);
    }
}

/// Fails unless every line `prefix`01 to `prefix`NN is tested or waits.
pub fn assert_complete(prefix: &str, last: u32) {
    let later: BTreeSet<String> = later().into_iter().map(|row| row.id).collect();
    for line in (1..=last).map(|n| format!("{prefix}{n:02}")) {
        assert!(tested().contains(line.as_str()) || later.contains(&line), "{line} is neither tested nor in later.toml");
    }
}
