//! Keys for an agreement on P-256: the private one that a service keeps for one request, and the public ones of others.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{ECDH_ES, JweError, agreement::Derivation};
use crate::{
    base::{base64url, random::Random, secret::Secret},
    crypto::{KeyError, PublicKey},
};

/// Longest identifier of a key, in bytes: thumbprints have 43 characters, addresses some hundred.
const KID_BYTES: usize = 1024;

/// A private key that decrypts. It is held by the cryptographic library, which wipes it when it is dropped, and cannot be
/// taken out.
pub struct DecryptionKey {
    private: PrivateKey,
    public: PublicKey,
}

impl DecryptionKey {
    /// A new key from `random`. A draw outside 1 to n-1 (one in 2^32) is drawn again.
    pub fn generate(random: &dyn Random) -> Self {
        loop {
            if let Ok(key) = Self::from_secret(&Zeroizing::new(random.array())) {
                return key;
            }
        }
    }

    /// From the 32 bytes of the scalar, as a JWK has them in `d`.
    pub fn from_secret(scalar: &[u8; 32]) -> Result<Self, KeyError> {
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar).map_err(|_| KeyError::Malformed)?;
        let public = private.compute_public_key().map_err(|_| KeyError::Malformed)?;
        Ok(Self { private, public: PublicKey::p256(public.as_ref())? })
    }

    /// The public half as wallets get it: a JWK with `kid`, `use` and `alg` (OpenID4VP 1.0 section 5.1 asks for the first
    /// and the last).
    pub fn public_jwk(&self, kid: &str) -> Map<String, Value> {
        let mut jwk = match self.public.to_jwk() {
            Value::Object(jwk) => jwk,
            // A JWK is an object.
            _ => Map::new(),
        };
        jwk.insert("kid".to_owned(), kid.into());
        jwk.insert("use".to_owned(), "enc".into());
        jwk.insert("alg".to_owned(), ECDH_ES.into());
        jwk
    }

    /// The SHA-256 thumbprint of the public half (RFC 7638), as the session transcript of an mdoc wants it (OpenID4VP 1.0
    /// appendix B.2.6).
    pub fn thumbprint(&self) -> [u8; 32] {
        self.public.thumbprint()
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The content key agreed with the owner of `other`, which has to be a point of the curve.
    pub(super) fn agree(&self, other: &[u8], derivation: &Derivation<'_>) -> Result<Secret<Vec<u8>>, JweError> {
        let other = UnparsedPublicKey::new(&ECDH_P256, other);
        agree(&self.private, other, JweError::NotDecrypted, |agreed| Ok(derivation.content_key(agreed)))
    }
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecryptionKey({})", base64url::encode(self.thumbprint()))
    }
}

/// Somebody's public key to encrypt to, with the identifier they gave it, if they gave one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EncryptionKey {
    public: PublicKey,
    kid: Option<String>,
}

impl EncryptionKey {
    /// Reads a JWK of `EC`/`P-256` with `kid` and `alg` `ECDH-ES`; a `use` other than `enc` and a private member are refused.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        Self::from_unnamed_jwk(jwk).and_then(|key| if key.kid.is_some() { Ok(key) } else { Err(KeyError::Malformed) })
    }

    /// As [`from_jwk`](Self::from_jwk), and `kid` may be missing: a wallet gives one key with its request (OpenID4VCI 1.0
    /// section 8.2).
    pub fn from_unnamed_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if jwk.contains_key("d") {
            return Err(KeyError::Private);
        }
        let fits = jwk.get("alg").is_some_and(|alg| alg == ECDH_ES) && jwk.get("use").is_none_or(|purpose| purpose == "enc");
        let curve = jwk.get("kty").is_some_and(|kty| kty == "EC") && jwk.get("crv").is_some_and(|crv| crv == "P-256");
        if !fits || !curve {
            return Err(KeyError::Unsupported);
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= KID_BYTES => Some(kid.clone()),
            Some(_) => return Err(KeyError::Malformed),
        };
        let point = point_of_jwk(jwk).ok_or(KeyError::Malformed)?;
        Ok(Self { public: PublicKey::p256(&point)?, kid })
    }

    /// Its identifier.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }
}

/// The uncompressed point of a public JWK of P-256; whether it lies on the curve is for the agreement to see.
pub(super) fn point_of_jwk(jwk: &Map<String, Value>) -> Option<[u8; 65]> {
    let text = |member: &str| jwk.get(member).and_then(Value::as_str);
    if text("kty") != Some("EC") || text("crv") != Some("P-256") || jwk.contains_key("d") {
        return None;
    }
    let coordinate = |member: &str| base64url::decode_array::<32>(text(member)?).ok();
    let mut point = [4; 65];
    point[1..33].copy_from_slice(&coordinate("x")?);
    point[33..].copy_from_slice(&coordinate("y")?);
    Some(point)
}
