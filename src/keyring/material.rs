//! Everything secret a service signs and seals with, before anything was checked or written.

use crate::{
    base::{random::Random, secret::SecretKey, time::Timestamp},
    crypto::{
        Algorithm, Signer, SoftwareKey,
        sealer::SHARDS,
        x509::{self, AlternativeName, BuildError, Issuer, Subject, Validity},
    },
};

/// How long a development root is valid, in days: ten years.
const ROOT_DAYS: i64 = 3652;
/// How long development signing certificates are valid, in days: three years, longer than any card they sign.
const LEAF_DAYS: i64 = 1096;
const DAY_SECONDS: i64 = 86_400;

/// The algorithm of request objects, which every wallet has to know (HAIP 1.0 section 7).
pub(super) const REQUEST: Algorithm = Algorithm::Es256;

/// The curve of the key that decrypts requests for credentials: ECDH-ES on P-256, which every wallet has to know (HAIP 1.0
/// section 5).
pub(super) const CREDENTIAL_REQUEST: Algorithm = Algorithm::Es256;

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
    pub(super) request: Identity,
    pub(super) log: SoftwareKey,
    pub(super) access_token: SoftwareKey,
    /// Decrypts requests for credentials; it agrees and never signs.
    pub(super) credential_request: SoftwareKey,
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
        let root = Identity { key: root_key, chain: vec![root] };
        let identity = |common_name: &str| -> Result<Identity, BuildError> {
            let key = SoftwareKey::generate(signing, random);
            certify(key, common_name, AlternativeName::Uri(public_url), &root, now, random)
        };
        let secret = || SecretKey::new(random.array());
        Ok(Self {
            public_url: public_url.to_owned(),
            issuer: identity("yufu development issuer")?,
            status_list: identity("yufu development status lists")?,
            request: request_identity(SoftwareKey::generate(REQUEST, random), public_url, &root, now, random)?,
            log: SoftwareKey::generate(Algorithm::Ed25519, random),
            access_token: SoftwareKey::generate(Algorithm::Es256, random),
            development_root: Some(root),
            people: std::array::from_fn(|_| secret()),
            blind_index: secret(),
            index: secret(),
            code: secret(),
            credential_request: SoftwareKey::generate(CREDENTIAL_REQUEST, random),
        })
    }
}

/// The identity that asks for presentations, under a development root. Its certificate names the host and not the public
/// URL, so that nothing it signs passes for a credential of this service.
pub(super) fn request_identity(
    key: SoftwareKey,
    public_url: &str,
    root: &Identity,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Identity, BuildError> {
    let name = AlternativeName::Dns(dns_name(public_url));
    certify(key, "yufu development requests", name, root, now, random)
}

fn certify(
    key: SoftwareKey,
    common_name: &str,
    name: AlternativeName<'_>,
    root: &Identity,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Identity, BuildError> {
    let issuer = Issuer { certificate: root.chain.first().map(Vec::as_slice), signer: &root.key };
    let leaf = x509::leaf(subject(common_name), validity(now, LEAF_DAYS), key.public_key(), name, issuer, random)?;
    Ok(Identity { key, chain: vec![leaf] })
}

/// The DNS name of the host of a public URL. An address has none (RFC 5280 section 4.2.1.6): its machine calls itself
/// `localhost`, which is good for trying out.
pub fn dns_name(public_url: &str) -> &str {
    let authority = public_url.split_once("://").map_or(public_url, |(_, authority)| authority);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    if is_address { "localhost" } else { host }
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
