//! The door between `jsonwebtoken` and this crate's keys.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, OnceLock},
};

use jsonwebtoken::{
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::ErrorKind,
};

use crate::crypto::{Algorithm, PublicKey, SignError, Signer};

/// Our algorithm as the library names it.
pub(super) fn library_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Ed25519 => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
    }
}

/// Installs the provider on first use; the library takes one for the life of the process.
pub(super) fn installed() -> bool {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, _| {
            let signer = IN_USE.with_borrow(Clone::clone).ok_or(ErrorKind::InvalidKeyFormat)?;
            if library_algorithm(signer.algorithm()) != *algorithm {
                return Err(ErrorKind::InvalidAlgorithm.into());
            }
            Ok(Box::new(LibrarySigner(signer)))
        },
        verifier_factory: |algorithm, key| {
            let bytes = key.try_get_as_bytes()?;
            let key = match algorithm {
                jsonwebtoken::Algorithm::EdDSA => PublicKey::ed25519(bytes),
                jsonwebtoken::Algorithm::ES256 => PublicKey::p256(bytes),
                _ => return Err(ErrorKind::InvalidAlgorithm.into()),
            };
            Ok(Box::new(LibraryVerifier(key.map_err(|_| ErrorKind::InvalidKeyFormat)?)))
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| PROVIDER.install_default().is_ok())
}

thread_local! {
    /// The signer of the call in progress: the library's factories are plain functions and cannot be handed one.
    static IN_USE: RefCell<Option<Arc<dyn Signer>>> = const { RefCell::new(None) };
    /// Why that signer did not sign: the library's error cannot carry it.
    static FAILURE: Cell<Option<SignError>> = const { Cell::new(None) };
}

/// Puts a signer in use on this thread until dropped.
pub(super) struct InUse;

impl InUse {
    pub(super) fn set(signer: &Arc<dyn Signer>) -> Self {
        IN_USE.set(Some(Arc::clone(signer)));
        Self
    }
}

/// Why the signer in use did not sign, after the library has said that it did not.
pub(super) fn failure() -> SignError {
    FAILURE.take().unwrap_or(SignError::Failed)
}

impl Drop for InUse {
    fn drop(&mut self) {
        IN_USE.set(None);
    }
}

struct LibrarySigner(Arc<dyn Signer>);

impl signature2::Signer<Vec<u8>> for LibrarySigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature2::Error> {
        self.0.sign(message).map_err(|error| {
            FAILURE.set(Some(error));
            signature2::Error::new()
        })
    }
}

impl JwtSigner for LibrarySigner {
    fn algorithm(&self) -> jsonwebtoken::Algorithm {
        library_algorithm(self.0.algorithm())
    }
}

struct LibraryVerifier(PublicKey);

impl signature2::Verifier<Vec<u8>> for LibraryVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature2::Error> {
        self.0.verify(message, signature).map_err(|_| signature2::Error::new())
    }
}

impl JwtVerifier for LibraryVerifier {
    fn algorithm(&self) -> jsonwebtoken::Algorithm {
        library_algorithm(self.0.algorithm())
    }
}
