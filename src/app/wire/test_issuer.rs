//! The test issuer, when the settings ask for one.

use crate::{
    app::{
        config::Config,
        wire::{Materials, StartError},
    },
    issuance::test_issuer::TestIssuer,
    store::Mode,
};

/// The test issuer with its people registered. A store that takes no writes has none until it is repaired.
pub(super) fn open(config: &Config, from: &Materials, notes: &mut Vec<String>) -> Result<Option<TestIssuer>, StartError> {
    if !config.identity.test_issuer || from.store.health().mode != Mode::Normal {
        return Ok(None);
    }
    let issuer = TestIssuer::open(&from.ground())?;
    notes.push(format!("a test issuer: everybody gets cards of made-up people, see {}/wallet-vendors", from.public_url));
    Ok(Some(issuer))
}
