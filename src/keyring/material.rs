//! Everything secret a service signs and seals with, before anything was checked or written.

use crate::{
    base::{random::Random, secret::SecretKey, time::Timestamp},
    crypto::{
        Algorithm, Signer, SoftwareKey,
        sealer::SHARDS,
        x509::{self, BuildError, Issuer, Subject, Validity},
    },
};

/// How long a development root is valid, in days: ten years.
const ROOT_DAYS: i64 = 3652;
/// How long development signing certificates are valid, in days: three years, longer than any card they sign.
const LEAF_DAYS: i64 = 1096;
const DAY_SECONDS: i64 = 86_400;

/// A key with the certificates that vouch for it, leaf first.
pub(super) struct Identity {
    pub(super) key: SoftwareKey,
    pub(super) chain: Vec<Vec<u8>>,
}

/// A whole set of keys.
pub(super) struct Material {
    pub(super) public_url: String,
    pub(super) issuer: Identity,
    pub(super) status_list: Identity,
    pub(super) log: SoftwareKey,
    pub(super) access_token: SoftwareKey,
    /// The root above the two identities, of a development set; its chain is itself.
    pub(super) development_root: Option<Identity>,
    pub(super) people: [SecretKey; SHARDS],
    pub(super) blind_index: SecretKey,
    pub(super) index: SecretKey,
    pub(super) code: SecretKey,
}

impl Material {
    /// A new development set: its own root, and certificates for `public_url`.
    pub(super) fn development(
        public_url: &str,
        signing: Algorithm,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, BuildError> {
        let root_key = SoftwareKey::generate(signing, random);
        let root = x509::root(subject("yufu development root"), validity(now, ROOT_DAYS), &root_key, random)?;
        let identity = |common_name: &str| -> Result<Identity, BuildError> {
            let key = SoftwareKey::generate(signing, random);
            let issuer = Issuer { certificate: Some(&root), signer: &root_key };
            let times = validity(now, LEAF_DAYS);
            let leaf = x509::leaf(subject(common_name), times, key.public_key(), public_url, issuer, random)?;
            Ok(Identity { key, chain: vec![leaf] })
        };
        let secret = || SecretKey::new(random.array());
        Ok(Self {
            public_url: public_url.to_owned(),
            issuer: identity("yufu development issuer")?,
            status_list: identity("yufu development status lists")?,
            log: SoftwareKey::generate(Algorithm::Ed25519, random),
            access_token: SoftwareKey::generate(Algorithm::Es256, random),
            development_root: Some(Identity { key: root_key, chain: vec![root] }),
            people: std::array::from_fn(|_| secret()),
            blind_index: secret(),
            index: secret(),
            code: secret(),
        })
    }
}

fn subject(common_name: &str) -> Subject<'_> {
    Subject { country: "CN", organization: "yufu development", common_name }
}

/// From the start of the day before, so that a clock set back a little still finds them valid.
fn validity(now: Timestamp, days: i64) -> Validity {
    let today = now.date().map_or(now, crate::base::time::Date::start);
    let not_before = today.plus_seconds(-DAY_SECONDS);
    Validity { not_before, not_after: not_before.plus_seconds(days * DAY_SECONDS) }
}
