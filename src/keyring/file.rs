//! A folder of keys: its layout, how it is made at once or not at all, and what is asked of each file.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    KeyringError,
    anchors::anchors,
    material::{CREDENTIAL_REQUEST, Identity, Material, REQUEST, dns_name},
};
use crate::{
    base::{base64url, secret::SecretKey, time::Timestamp},
    crypto::{
        Algorithm, KeyError, PublicKey, Signer, SoftwareKey, pem, pkcs8,
        sealer::SHARDS,
        x509::{Anchor, ChainError, Leaf, check_own_chain, verify_chain},
    },
};

/// Says whose keys these are; written last, so that a folder with it is whole.
const MARKER: &str = "keyring.toml";
/// Where a new set is written before it takes its place.
pub(super) const STAGING: &str = ".new";
const PEOPLE: &str = "people";
const ISSUER: &str = "issuer";
const STATUS_LIST: &str = "status-list";
pub(super) const REQUESTS: &str = "request";
const LOG: &str = "log.key.pem";
const ACCESS_TOKEN: &str = "access-token.key.pem";
pub(super) const CREDENTIAL_REQUEST_KEY: &str = "credential-request.key.pem";
pub(super) const ROOT_KEY: &str = "development-root.key.pem";
pub(super) const ROOT: &str = "development-root.cert.pem";
const BLIND_INDEX: &str = "blind-index.key";
const INDEX: &str = "index.key";
const CODE: &str = "code.key";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    public_url: String,
    pub(super) development: bool,
}

pub(super) struct Folder<'a>(pub(super) &'a Path);

impl<'a> Folder<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self(dir)
    }

    /// Keeps other processes out while a set is looked for and made; makes the folder when it is not there.
    pub(super) fn lock(&self) -> Result<File, KeyringError> {
        make_dir(self.0)?;
        let locked = File::open(self.0).and_then(|dir| dir.lock().map(|()| dir));
        locked.map_err(|error| KeyringError::io(self.0, &error))
    }

    /// Whether any file of a set is here. One is enough: then the others have to be here too.
    pub(super) fn holds_keys(&self) -> Result<bool, KeyringError> {
        for name in names(true) {
            if self.has(&name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file is here; a link that leads nowhere is: what it should lead to is missing, not never made.
    pub(super) fn has(&self, name: &str) -> Result<bool, KeyringError> {
        let file = self.0.join(name);
        match fs::symlink_metadata(&file) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(KeyringError::io(&file, &error)),
        }
    }

    /// Writes a whole set aside and moves it into its place, the marker last. A crash before the set is whole leaves
    /// nothing that counts; a crash while it moves is finished by the next start.
    pub(super) fn create(&self, material: &Material) -> Result<(), KeyringError> {
        let staging = self.0.join(STAGING);
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(|error| KeyringError::io(&staging, &error))?;
        }
        fs::set_permissions(self.0, fs::Permissions::from_mode(0o700)).map_err(|error| KeyringError::io(self.0, &error))?;
        make_dir(&staging.join(PEOPLE))?;
        for (name, content) in files(material) {
            write(&staging.join(&name), content.as_bytes())?;
        }
        sync_dir(&staging.join(PEOPLE))?;
        sync_dir(&staging)?;
        self.finish_interrupted_creation().map(drop)
    }

    /// Moves a set that was written whole, and not yet or not fully moved; tells whether there was one.
    pub(super) fn finish_interrupted_creation(&self) -> Result<bool, KeyringError> {
        let staging = self.0.join(STAGING);
        if !staging.join(MARKER).exists() {
            return Ok(false);
        }
        make_dir(&self.0.join(PEOPLE))?;
        for name in names(true) {
            let (from, to) = (staging.join(&name), self.0.join(&name));
            if from.exists() {
                if self.has(&name)? {
                    return Err(KeyringError::Io { file: to, kind: io::ErrorKind::AlreadyExists });
                }
                if name == MARKER {
                    sync_dir(&self.0.join(PEOPLE))?;
                    sync_dir(self.0)?;
                }
                fs::rename(&from, &to).map_err(|error| KeyringError::io(&to, &error))?;
            }
        }
        sync_dir(self.0)?;
        fs::remove_dir_all(&staging).map_err(|error| KeyringError::io(&staging, &error))?;
        Ok(true)
    }

    /// Reads a set and asks everything of it that can be asked at a start.
    pub(super) fn read(&self, public_url: &str, signing: Algorithm, now: Timestamp) -> Result<Material, KeyringError> {
        let marker = self.marker(public_url)?;
        if let Some(name) = names(marker.development).into_iter().find(|name| !self.0.join(name).exists()) {
            return Err(KeyringError::Missing { file: self.0.join(name) });
        }
        let anchors = anchors(self.0)?;
        let identity = |name: &str| self.identity(name, public_url, signing, &anchors, now);
        let shard = |shard: usize| self.secret(&format!("{PEOPLE}/{shard:x}.key"));
        let people: Vec<SecretKey> = (0..SHARDS).map(shard).collect::<Result<_, _>>()?;
        Ok(Material {
            public_url: marker.public_url,
            issuer: identity(ISSUER)?,
            status_list: identity(STATUS_LIST)?,
            request: self.request_identity(public_url, now)?,
            log: self.key(LOG, Algorithm::Ed25519)?,
            access_token: self.key(ACCESS_TOKEN, Algorithm::Es256)?,
            credential_request: self.key(CREDENTIAL_REQUEST_KEY, CREDENTIAL_REQUEST)?,
            development_root: if marker.development { Some(self.root(signing)?) } else { None },
            people: people.try_into().map_err(|_| KeyringError::Missing { file: self.0.join(PEOPLE) })?,
            blind_index: self.secret(BLIND_INDEX)?,
            index: self.secret(INDEX)?,
            code: self.secret(CODE)?,
        })
    }

    /// The public URL of the set, and the public key of its log.
    pub(super) fn log(&self) -> Result<Option<(String, PublicKey)>, KeyringError> {
        let Some(marker) = read_marker(self.0)? else { return Ok(None) };
        Ok(Some((marker.public_url, self.key(LOG, Algorithm::Ed25519)?.public_key().clone())))
    }

    pub(super) fn marker(&self, public_url: &str) -> Result<Marker, KeyringError> {
        let file = self.0.join(MARKER);
        let marker = read_marker(self.0)?.ok_or_else(|| KeyringError::Missing { file: file.clone() })?;
        if marker.public_url != public_url {
            return Err(KeyringError::OtherAddress { file, found: marker.public_url, expected: public_url.to_owned() });
        }
        Ok(marker)
    }

    fn identity(
        &self,
        name: &str,
        public_url: &str,
        signing: Algorithm,
        anchors: &[Anchor],
        now: Timestamp,
    ) -> Result<Identity, KeyringError> {
        let (identity, leaf) = self.certified(name, signing, |chain| verify_chain(chain, anchors, now))?;
        if !leaf.uris.iter().any(|uri| uri == public_url) {
            let (file, found) = (self.0.join(chain_name(name)), leaf.uris.join(" "));
            return Err(KeyringError::OtherAddress { file, found, expected: public_url.to_owned() });
        }
        Ok(identity)
    }

    /// Who asks is vouched for by an authority that wallets trust; that it may vouch for cards too is not asked.
    fn request_identity(&self, public_url: &str, now: Timestamp) -> Result<Identity, KeyringError> {
        let (identity, leaf) = self.certified(REQUESTS, REQUEST, |chain| check_own_chain(chain, now))?;
        let expected = dns_name(public_url);
        if !leaf.dns_names.iter().any(|name| name == expected) {
            let (file, found) = (self.0.join(chain_name(REQUESTS)), leaf.dns_names.join(" "));
            return Err(KeyringError::OtherHost { file, found, expected: expected.to_owned() });
        }
        Ok(identity)
    }

    fn certified(
        &self,
        name: &str,
        algorithm: Algorithm,
        check: impl FnOnce(&[Vec<u8>]) -> Result<Leaf, ChainError>,
    ) -> Result<(Identity, Leaf), KeyringError> {
        let key_name = key_name(name);
        let key = self.key(&key_name, algorithm)?;
        let file = self.0.join(chain_name(name));
        let chain = certificates(&file)?;
        let leaf = check(&chain).map_err(|error| match error {
            ChainError::Expired { not_after, .. } => KeyringError::Expired { file: file.clone(), not_after },
            error => KeyringError::Chain { file: file.clone(), error },
        })?;
        if &leaf.public_key != key.public_key() {
            return Err(KeyringError::Mismatch { key: self.0.join(key_name), certificate: file });
        }
        Ok((Identity { key, chain }, leaf))
    }

    pub(super) fn root(&self, signing: Algorithm) -> Result<Identity, KeyringError> {
        let key = self.key(ROOT_KEY, signing)?;
        let file = self.0.join(ROOT);
        let text = read_text(&file)?;
        let anchor = Anchor::from_pem(&text).map_err(|error| KeyringError::Anchor { file: file.clone(), error })?;
        if anchor.public_key() != key.public_key() {
            return Err(KeyringError::Mismatch { key: self.0.join(ROOT_KEY), certificate: file });
        }
        Ok(Identity { key, chain: vec![anchor.der().to_vec()] })
    }

    pub(super) fn key(&self, name: &str, expected: Algorithm) -> Result<SoftwareKey, KeyringError> {
        let file = self.0.join(name);
        let malformed = || KeyringError::Malformed { file: file.clone(), expected: "one PKCS#8 private key in PEM" };
        let text = read_private(&file)?;
        let mut blocks = Zeroizing::new(pem::decode(pem::PRIVATE_KEY, &text).map_err(|_| malformed())?);
        let der = Zeroizing::new(blocks.pop().filter(|_| blocks.is_empty()).ok_or_else(malformed)?);
        let key = pkcs8::decode(&der).map_err(|error| match error {
            KeyError::Unsupported => KeyringError::WrongType { file: file.clone(), found: None, expected },
            _ => malformed(),
        })?;
        match key.algorithm() {
            found if found == expected => Ok(key),
            found => Err(KeyringError::WrongType { file, found: Some(found), expected }),
        }
    }

    fn secret(&self, name: &str) -> Result<SecretKey, KeyringError> {
        let file = self.0.join(name);
        let text = read_private(&file)?;
        let bytes = base64url::decode_array(text.trim_ascii_end());
        bytes.map(SecretKey::new).map_err(|_| KeyringError::Malformed { file, expected: "32 bytes in base64url" })
    }
}

pub(super) fn key_name(identity: &str) -> String {
    format!("{identity}.key.pem")
}

pub(super) fn chain_name(identity: &str) -> String {
    format!("{identity}.chain.pem")
}

/// The files of a set, the marker last.
fn names(development: bool) -> Vec<String> {
    let mut names: Vec<_> =
        [ISSUER, STATUS_LIST, REQUESTS].iter().flat_map(|name| [key_name(name), chain_name(name)]).collect();
    names.extend([LOG, ACCESS_TOKEN, CREDENTIAL_REQUEST_KEY, BLIND_INDEX, INDEX, CODE].map(str::to_owned));
    names.extend((0..SHARDS).map(|shard| format!("{PEOPLE}/{shard:x}.key")));
    if development {
        names.extend([ROOT_KEY, ROOT].map(str::to_owned));
    }
    names.push(MARKER.to_owned());
    names
}

pub(super) fn key_pem(key: &SoftwareKey) -> String {
    pem::encode(pem::PRIVATE_KEY, &pkcs8::encode(key.algorithm(), key.secret()))
}

pub(super) fn chain_pem(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect()
}

/// The content of each file of a set, the marker last.
fn files(material: &Material) -> Vec<(String, Zeroizing<String>)> {
    let secret = |secret: &SecretKey| base64url::encode(secret.expose()) + "\n";
    let mut files = Vec::new();
    let identities = [(ISSUER, &material.issuer), (STATUS_LIST, &material.status_list), (REQUESTS, &material.request)];
    for (name, identity) in identities {
        files.push((key_name(name), key_pem(&identity.key)));
        files.push((chain_name(name), chain_pem(&identity.chain)));
    }
    files.push((LOG.to_owned(), key_pem(&material.log)));
    files.push((ACCESS_TOKEN.to_owned(), key_pem(&material.access_token)));
    files.push((CREDENTIAL_REQUEST_KEY.to_owned(), key_pem(&material.credential_request)));
    if let Some(root) = &material.development_root {
        files.push((ROOT_KEY.to_owned(), key_pem(&root.key)));
        files.push((ROOT.to_owned(), chain_pem(&root.chain)));
    }
    for (shard, people) in material.people.iter().enumerate() {
        files.push((format!("{PEOPLE}/{shard:x}.key"), secret(people)));
    }
    for (name, value) in [(BLIND_INDEX, &material.blind_index), (INDEX, &material.index), (CODE, &material.code)] {
        files.push((name.to_owned(), secret(value)));
    }
    let marker = format!(
        "# Whose keys lie here. A development set was made by a first start; it is not for citizens.\n\
         public_url = {}\ndevelopment = {}\n",
        toml::Value::from(material.public_url.as_str()),
        material.development_root.is_some(),
    );
    files.push((MARKER.to_owned(), marker));
    files.into_iter().map(|(name, content)| (name, Zeroizing::new(content))).collect()
}

/// The marker of a folder; `None` when it has none.
pub(super) fn read_marker(dir: &Path) -> Result<Option<Marker>, KeyringError> {
    let file = dir.join(MARKER);
    match fs::read_to_string(&file) {
        Ok(text) => match toml::from_str(&text) {
            Ok(marker) => Ok(Some(marker)),
            Err(_) => Err(KeyringError::Malformed { file, expected: "`public_url` and `development` in TOML" }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyringError::io(&file, &error)),
    }
}

fn certificates(file: &Path) -> Result<Vec<Vec<u8>>, KeyringError> {
    let expected = "certificates in PEM";
    let chain = pem::decode(pem::CERTIFICATE, &read_text(file)?).unwrap_or_default();
    if chain.is_empty() { Err(KeyringError::Malformed { file: file.to_owned(), expected }) } else { Ok(chain) }
}

fn read_text(file: &Path) -> Result<String, KeyringError> {
    fs::read_to_string(file).map_err(|error| KeyringError::io(file, &error))
}

/// Reads a file that nobody but its owner may read or write.
pub(super) fn read_private(file: &Path) -> Result<Zeroizing<String>, KeyringError> {
    let metadata = fs::metadata(file).map_err(|error| KeyringError::io(file, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Exposed { file: file.to_owned(), mode });
    }
    read_text(file).map(Zeroizing::new)
}

pub(super) fn make_dir(dir: &Path) -> Result<(), KeyringError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| KeyringError::io(dir, &error))
}

/// Writes a new file, private unless its name says it holds certificates or the marker, and waits for the disk.
pub(super) fn write(file: &PathBuf, content: &[u8]) -> Result<(), KeyringError> {
    let public = [".chain.pem", ".cert.pem", MARKER].iter().any(|end| file.to_string_lossy().ends_with(end));
    let mode = if public { 0o644 } else { 0o600 };
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).and_then(|mut open| {
        open.write_all(content)?;
        open.sync_all()
    });
    written.map_err(|error| KeyringError::io(file, &error))
}

pub(super) fn sync_dir(dir: &Path) -> Result<(), KeyringError> {
    File::open(dir).and_then(|open| open.sync_all()).map_err(|error| KeyringError::io(dir, &error))
}
