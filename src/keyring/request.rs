//! Keys whose purposes are younger than some folders: the one that signs requests, and the one that decrypts them.

use std::{fs, path::PathBuf};

use super::{
    KeyringError,
    file::{
        CREDENTIAL_REQUEST_KEY, Folder, REQUESTS, ROOT, ROOT_KEY, STAGING, chain_name, chain_pem, key_name, key_pem, make_dir,
        sync_dir, write,
    },
    material::{CREDENTIAL_REQUEST, REQUEST, dns_name, request_identity},
};
use crate::{
    base::{random::Random, time::Timestamp},
    crypto::{Algorithm, SoftwareKey},
};

impl Folder<'_> {
    /// Makes the key for requests in a development set that was made before there was one, and gives its file. A set of
    /// other keys is left as it is.
    pub(super) fn add_request_key(
        &self,
        public_url: &str,
        signing: Algorithm,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Option<PathBuf>, KeyringError> {
        let (key_name, chain_name) = (key_name(REQUESTS), chain_name(REQUESTS));
        let marker = self.marker(public_url)?;
        if self.has(&chain_name)? {
            return Ok(None);
        }
        let file = self.0.join(&key_name);
        if !marker.development {
            return match self.has(&key_name)? {
                true => Ok(None),
                false => Err(KeyringError::NoRequestKey { file, dns_name: dns_name(public_url).to_owned() }),
            };
        }
        for name in [ROOT_KEY, ROOT] {
            if !self.has(name)? {
                return Err(KeyringError::Missing { file: self.0.join(name) });
            }
        }
        let root = self.root(signing)?;
        // The key is moved in first: when the start ends between the two, the next makes the certificate for that key.
        let key = match self.has(&key_name)? {
            true => self.key(&key_name, REQUEST)?,
            false => {
                let key = SoftwareKey::generate(REQUEST, random);
                self.put(&key_name, &key_pem(&key))?;
                key
            }
        };
        let identity = request_identity(key, public_url, &root, now, random)?;
        self.put(&chain_name, &chain_pem(&identity.chain))?;
        Ok(Some(file))
    }

    /// Makes the key that decrypts requests for credentials in a set that was made before there was one, and gives its file.
    /// Nobody has to vouch for it (wallets take it from the metadata) and nothing was encrypted to it, so any set gets it.
    pub(super) fn add_decryption_key(&self, random: &dyn Random) -> Result<Option<PathBuf>, KeyringError> {
        if self.has(CREDENTIAL_REQUEST_KEY)? {
            return Ok(None);
        }
        self.put(CREDENTIAL_REQUEST_KEY, &key_pem(&SoftwareKey::generate(CREDENTIAL_REQUEST, random)))?;
        Ok(Some(self.0.join(CREDENTIAL_REQUEST_KEY)))
    }

    /// Writes one file aside and moves it into its place.
    fn put(&self, name: &str, content: &str) -> Result<(), KeyringError> {
        let (staging, to) = (self.0.join(STAGING), self.0.join(name));
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(|error| KeyringError::io(&staging, &error))?;
        }
        make_dir(&staging)?;
        write(&staging.join(name), content.as_bytes())?;
        fs::rename(staging.join(name), &to).map_err(|error| KeyringError::io(&to, &error))?;
        sync_dir(self.0)?;
        fs::remove_dir_all(&staging).map_err(|error| KeyringError::io(&staging, &error))
    }
}
