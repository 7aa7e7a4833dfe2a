//! Private keys as PKCS#8 (RFC 5958, version 0): what `openssl genpkey` writes and `openssl pkey` reads.

use der::{
    Decode, Reader, SliceReader,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
};
use zeroize::Zeroizing;

use crate::{
    base::secret::SecretKey,
    crypto::{Algorithm, KeyError, SoftwareKey},
};

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// Around a P-256 scalar: version 0, id-ecPublicKey with prime256v1, and an ECPrivateKey (RFC 5915) without the
/// optional public key.
const P256_PREFIX: [u8; 35] = [
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20,
];

/// Around an Ed25519 seed: version 0, id-Ed25519, and the seed in two octet strings (RFC 8410 section 7).
const ED25519_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The DER of a private key.
pub fn encode(algorithm: Algorithm, secret: &SecretKey) -> Zeroizing<Vec<u8>> {
    let prefix = match algorithm {
        Algorithm::Ed25519 => ED25519_PREFIX.as_slice(),
        Algorithm::Es256 => P256_PREFIX.as_slice(),
    };
    Zeroizing::new([prefix, secret.expose()].concat())
}

/// Reads DER. A public key that stands beside the private one is not believed but computed anew. Any other type of key
/// is [`KeyError::Unsupported`].
pub fn decode(der: &[u8]) -> Result<SoftwareKey, KeyError> {
    let (algorithm, secret) = read(der).map_err(|_| KeyError::Malformed)?;
    SoftwareKey::from_secret(algorithm.ok_or(KeyError::Unsupported)?, secret.ok_or(KeyError::Malformed)?)
}

type Read = (Option<Algorithm>, Option<SecretKey>);

fn read(der: &[u8]) -> der::Result<Read> {
    let mut reader = SliceReader::new(der)?;
    let read = reader.sequence(|info| {
        u8::decode(info)?;
        let algorithm = info.sequence(|identifier| {
            let oid = ObjectIdentifier::decode(identifier)?;
            let curve = Option::<AnyRef<'_>>::decode(identifier)?.and_then(|curve| curve.decode_as().ok());
            Ok::<_, der::Error>(match (oid, curve) {
                (ED25519, None) => Some(Algorithm::Ed25519),
                (EC_PUBLIC_KEY, Some(P256)) => Some(Algorithm::Es256),
                _ => None,
            })
        })?;
        let key: &OctetStringRef = Decode::decode(info)?;
        skip_rest(info)?;
        let secret = match algorithm {
            Some(Algorithm::Ed25519) => <&OctetStringRef>::from_der(key.as_bytes())?.as_bytes(),
            Some(Algorithm::Es256) => ec_scalar(key.as_bytes())?,
            None => &[],
        };
        Ok::<_, der::Error>((algorithm, secret.try_into().ok().map(SecretKey::new)))
    })?;
    reader.finish()?;
    Ok(read)
}

/// The scalar of an ECPrivateKey (RFC 5915 section 3).
fn ec_scalar(der: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(der)?;
    let scalar = reader.sequence(|key| {
        u8::decode(key)?;
        let scalar = <&OctetStringRef>::decode(key)?;
        skip_rest(key)?;
        Ok::<_, der::Error>(scalar.as_bytes())
    })?;
    reader.finish()?;
    Ok(scalar)
}

fn skip_rest(reader: &mut SliceReader<'_>) -> der::Result<()> {
    while !reader.is_finished() {
        reader.tlv_bytes()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::random::SeededRandom,
        crypto::{Signer, pem},
    };

    #[test]
    fn what_is_written_is_read_again_and_no_cut_of_it() {
        for algorithm in Algorithm::ALL {
            let key = SoftwareKey::generate(algorithm, &SeededRandom::new(4));
            let der = encode(algorithm, key.secret());
            assert_eq!(decode(&der).map(|key| key.key_id().to_owned()), Ok(key.key_id().to_owned()));
            for at in 0..der.len() {
                assert_eq!(decode(&der[..at]).err(), Some(KeyError::Malformed), "cut at {at}");
            }
            assert_eq!(decode(&[der.as_slice(), &[0]].concat()).err(), Some(KeyError::Malformed));
        }
    }

    #[test]
    fn keys_of_openssl_are_read() {
        // Made by `openssl genpkey`: the P-256 key with its public key beside it, X25519, and P-384.
        let read = |text: &str| decode(&pem::decode(pem::PRIVATE_KEY, text).expect("it is PEM")[0]);
        let p256 = include_str!("testdata/p256.key.pem");
        assert_eq!(read(p256).map(|key| key.algorithm()), Ok(Algorithm::Es256));
        assert_eq!(read(include_str!("testdata/ed25519.key.pem")).map(|key| key.algorithm()), Ok(Algorithm::Ed25519));
        for other in [include_str!("testdata/x25519.key.pem"), include_str!("testdata/p384.key.pem")] {
            assert_eq!(read(other).err(), Some(KeyError::Unsupported));
        }
    }
}
