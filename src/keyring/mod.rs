//! The service's own keys by purpose, and the anchors it trusts.
//!
//! Keys lie in a folder ([`Keyring::open_or_create`]): a first start makes a development set, any later start finds it
//! or refuses by name of the file, and never makes one key anew beside others. Callers see [`Signer`]s only, so that a
//! hardware module can take a key's place.

mod anchors;
mod attesters;
mod error;
pub mod evidence;
mod file;
mod material;
mod request;
mod trust;

pub use anchors::{anchors, tls_roots};
pub use attesters::{KEY_ATTESTERS, WALLET_ATTESTERS, attesters};
pub use error::{KeyringError, TrustListFault};
pub use material::dns_name;
pub use trust::{TrustList, TrustPurpose, trust_lists};

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    base::{clock::Clock, random::Random, secret::SecretKey},
    crypto::{
        Algorithm, KeyError, PublicKey, Sealer, Signer,
        jwe::DecryptionKey,
        x509::{Anchor, BuildError},
    },
};
use material::Material;

/// What a key is for. No key serves two purposes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Signs credentials.
    Issuer,
    /// Signs status lists.
    StatusList,
    /// Signs checkpoints of the log and snapshots; always Ed25519, as C2SP signed notes want.
    Log,
    /// Signs access tokens, which only this service reads; always ES256.
    AccessToken,
    /// Signs requests for presentations; always ES256, which every wallet has to know.
    Request,
}

/// The keys of one service.
pub struct Keyring {
    issuer: Arc<dyn Signer>,
    issuer_x5c: Vec<Vec<u8>>,
    status_list: Arc<dyn Signer>,
    status_list_x5c: Vec<Vec<u8>>,
    request: Arc<dyn Signer>,
    request_x5c: Vec<Vec<u8>>,
    log: Arc<dyn Signer>,
    access_token: Arc<dyn Signer>,
    decryption: Arc<DecryptionKey>,
    anchors: Vec<Anchor>,
    trust_lists: Vec<TrustList>,
    wallet_attesters: Vec<Anchor>,
    key_attesters: Vec<Anchor>,
    development: bool,
    new: bool,
    added: Vec<PathBuf>,
    index: SecretKey,
    code: SecretKey,
    sealer: Sealer,
}

impl Keyring {
    /// The keys in `dir`, made there as a development set when it holds none. Certificates have to be valid now, lead
    /// to an anchor in `dir`, belong to their keys and carry `public_url`.
    pub fn open_or_create(
        dir: &Path,
        public_url: &str,
        signing: Algorithm,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, KeyringError> {
        let folder = file::Folder::new(dir);
        let _lock = folder.lock()?;
        let new = !folder.finish_interrupted_creation()? && !folder.holds_keys()?;
        if new {
            folder.create(&Material::development(public_url, signing, clock.now(), random)?)?;
        }
        let mut added = Vec::from_iter(folder.add_request_key(public_url, signing, clock.now(), random)?);
        added.extend(folder.add_decryption_key(random)?);
        let material = folder.read(public_url, signing, clock.now())?;
        let unfit = |_| KeyringError::Malformed { file: dir.join(file::CREDENTIAL_REQUEST_KEY), expected: "a key of P-256" };
        let keyring = Self::from_material(material, anchors(dir)?).map_err(unfit)?;
        let (wallet_attesters, key_attesters) = (attesters(dir, WALLET_ATTESTERS)?, attesters(dir, KEY_ATTESTERS)?);
        Ok(Self { new, added, trust_lists: trust_lists(dir)?, wallet_attesters, key_attesters, ..keyring })
    }

    /// The public URL that a folder of keys belongs to and the public key of its log; none when it holds no keys. For
    /// commands that work beside the service.
    pub fn log_of(dir: &Path) -> Result<Option<(String, PublicKey)>, KeyringError> {
        file::Folder::new(dir).log()
    }

    /// A development set that is never written, for tests, benches and the demo.
    pub fn in_memory(
        public_url: &str,
        signing: Algorithm,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, KeyringError> {
        let material = Material::development(public_url, signing, clock.now(), random)?;
        let root = material.development_root.iter().flat_map(|root| &root.chain);
        let anchors = root.map(|der| Anchor::from_der(der)).collect::<Result<_, _>>();
        // What was just made is an authority's certificate; an error here could only be one of making it.
        let anchors = anchors.map_err(|_| BuildError::NotEncodable)?;
        Ok(Self::from_material(material, anchors).map_err(|_| BuildError::NotEncodable)?)
    }

    fn from_material(material: Material, anchors: Vec<Anchor>) -> Result<Self, KeyError> {
        let decryption = DecryptionKey::from_secret(material.credential_request.secret().expose())?;
        Ok(Self {
            issuer: Arc::new(material.issuer.key),
            issuer_x5c: material.issuer.chain,
            status_list: Arc::new(material.status_list.key),
            status_list_x5c: material.status_list.chain,
            request: Arc::new(material.request.key),
            request_x5c: material.request.chain,
            log: Arc::new(material.log),
            access_token: Arc::new(material.access_token),
            decryption: Arc::new(decryption),
            anchors,
            trust_lists: Vec::new(),
            wallet_attesters: Vec::new(),
            key_attesters: Vec::new(),
            development: material.development_root.is_some(),
            new: true,
            added: Vec::new(),
            index: material.index,
            code: material.code,
            sealer: Sealer::new(material.people, material.blind_index),
        })
    }

    /// The key for a purpose.
    pub fn signer(&self, purpose: Purpose) -> Arc<dyn Signer> {
        let signer = match purpose {
            Purpose::Issuer => &self.issuer,
            Purpose::StatusList => &self.status_list,
            Purpose::Log => &self.log,
            Purpose::AccessToken => &self.access_token,
            Purpose::Request => &self.request,
        };
        Arc::clone(signer)
    }

    /// The certificates for a purpose as DER, leaf first, without the root; none for keys that need none.
    pub fn x5c(&self, purpose: Purpose) -> &[Vec<u8>] {
        match purpose {
            Purpose::Issuer => &self.issuer_x5c,
            Purpose::StatusList => &self.status_list_x5c,
            Purpose::Request => &self.request_x5c,
            Purpose::Log | Purpose::AccessToken => &[],
        }
    }

    /// Whom this service trusts: the development root, if it is a development set, and `trust/*.pem`.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Whom this service trusts under conditions: the lists in `trust/<name>/`, in the order of their names.
    pub fn trust_lists(&self) -> &[TrustList] {
        &self.trust_lists
    }

    /// The same keys, trusting these to attest wallets and keys instead. For keys that are never written.
    pub fn with_attesters(self, wallet_attesters: Vec<Anchor>, key_attesters: Vec<Anchor>) -> Self {
        Self { wallet_attesters, key_attesters, ..self }
    }

    /// Who may attest wallets: the certificates in `trust/wallet-attesters/`.
    pub fn wallet_attesters(&self) -> &[Anchor] {
        &self.wallet_attesters
    }

    /// Who may attest the keys of wallets: the certificates in `trust/key-attesters/`.
    pub fn key_attesters(&self) -> &[Anchor] {
        &self.key_attesters
    }

    /// Whether these are keys that a first start made, good for trying and not for citizens.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Whether this start made the keys. A service that finds data and new keys must not go on: the folder of its keys
    /// is empty or not mounted, and nothing it sealed can be opened.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// The key files that this start made for purposes that its set was older than.
    pub fn added(&self) -> &[PathBuf] {
        &self.added
    }

    /// Decrypts requests for credentials (OpenID4VCI 1.0 section 10). Its `kid` is its thumbprint.
    pub fn decryption(&self) -> &DecryptionKey {
        &self.decryption
    }

    /// The key of the permutation that places cards in status lists.
    pub fn index_key(&self) -> &SecretKey {
        &self.index
    }

    /// The key of stored codes and of nonces.
    pub fn code_key(&self) -> &SecretKey {
        &self.code
    }

    /// Seals and finds people.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("issuer", &self.issuer.key_id()).field("development", &self.development).finish()
    }
}

#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod tests;
