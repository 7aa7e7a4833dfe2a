//! Private keys behind a trait: in a file today, in a hardware module without a change for those who sign.

use aws_lc_rs::{
    rand::SystemRandom as LibraryRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::{
    base::{base64url, random::Random, secret::SecretKey},
    crypto::{Algorithm, KeyError, PublicKey, pkcs8},
};

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignError {
    /// The key is out of reach: a hardware token removed, or its answer too late.
    #[error("the signing key is not available")]
    Unavailable,
    /// The cryptographic library or token refused.
    #[error("signing failed")]
    Failed,
}

/// Signs with one private key that it does not give away.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// The key's identifier, written as `kid`: the base64url thumbprint of its JWK (RFC 7638).
    fn key_id(&self) -> &str;

    /// The raw 64-byte signature over `message`.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The algorithm of the key.
    fn algorithm(&self) -> Algorithm {
        self.public_key().algorithm()
    }
}

/// A private key held in the memory of this process.
pub struct SoftwareKey {
    secret: Scalar,
    bytes: SecretKey,
    public: PublicKey,
    id: String,
}

enum Scalar {
    Ed25519(Box<SigningKey>),
    P256(Box<EcdsaKeyPair>),
}

impl SoftwareKey {
    /// A new key from `random`. For P-256 a draw outside 1 to n-1 (one in 2^32) is drawn again.
    pub fn generate(algorithm: Algorithm, random: &dyn Random) -> Self {
        loop {
            if let Ok(key) = Self::from_secret(algorithm, SecretKey::new(random.array())) {
                return key;
            }
        }
    }

    /// From the 32 bytes of the private key: the seed of Ed25519 (RFC 8032 section 5.1.5), the scalar of P-256.
    pub fn from_secret(algorithm: Algorithm, bytes: SecretKey) -> Result<Self, KeyError> {
        let (secret, public) = match algorithm {
            Algorithm::Ed25519 => {
                let key = SigningKey::from_bytes(bytes.expose());
                let public = PublicKey::ed25519(key.verifying_key().as_bytes())?;
                (Scalar::Ed25519(Box::new(key)), public)
            }
            Algorithm::Es256 => {
                let der = pkcs8::encode(algorithm, &bytes);
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| KeyError::Malformed)?;
                let public = PublicKey::p256(key.public_key().as_ref())?;
                (Scalar::P256(Box::new(key)), public)
            }
        };
        let id = base64url::encode(public.thumbprint());
        Ok(Self { secret, bytes, public, id })
    }

    /// The 32 bytes that [`from_secret`](Self::from_secret) takes, for writing a key file.
    pub fn secret(&self) -> &SecretKey {
        &self.bytes
    }
}

impl Signer for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn key_id(&self) -> &str {
        &self.id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.secret {
            Scalar::Ed25519(key) => Ok(key.sign(message).to_bytes().to_vec()),
            Scalar::P256(key) => {
                let signature = key.sign(&LibraryRandom::new(), message).map_err(|_| SignError::Failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl std::fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftwareKey({:?})", self.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn what_a_key_signs_its_public_half_verifies() {
        for algorithm in Algorithm::ALL {
            let key = SoftwareKey::generate(algorithm, &SeededRandom::new(1));
            let signature = key.sign(b"message").expect("a software key signs");
            assert_eq!(signature.len(), 64);
            assert!(key.public_key().verify(b"message", &signature).is_ok());
            assert!(key.public_key().verify(b"massage", &signature).is_err());
            let again = SoftwareKey::from_secret(algorithm, key.secret().clone()).expect("the same key");
            assert_eq!(again.key_id(), key.key_id());
        }
    }

    #[test]
    fn a_scalar_out_of_range_is_no_key() {
        for bytes in [[0; 32], [0xff; 32]] {
            assert_eq!(SoftwareKey::from_secret(Algorithm::Es256, SecretKey::new(bytes)).err(), Some(KeyError::Malformed));
        }
    }
}
