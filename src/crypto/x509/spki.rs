//! Keys and signatures in the forms that certificates give them (RFC 5480, RFC 5758, RFC 8410).

use der::{
    Decode, Encode, Reader, SliceReader,
    asn1::{Any, ObjectIdentifier, UintRef},
};
use x509_cert::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::certificate::CertificateError;
use crate::crypto::{Algorithm, PublicKey};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Reads a key; named curve P-256 as an uncompressed point, or Ed25519.
pub(super) fn public_key(info: &SubjectPublicKeyInfo) -> Result<PublicKey, CertificateError> {
    let bytes = info.subject_public_key.as_bytes().ok_or(CertificateError::Malformed)?;
    let parameters = info.algorithm.parameters.as_ref();
    let key = match info.algorithm.oid {
        ED25519 if parameters.is_none() => PublicKey::ed25519(bytes),
        EC_PUBLIC_KEY if parameters.and_then(|curve| curve.decode_as().ok()) == Some(P256) => PublicKey::p256(bytes),
        _ => return Err(CertificateError::AlgorithmNotSupported),
    };
    key.map_err(CertificateError::Key)
}

/// Writes a key as SubjectPublicKeyInfo.
pub(super) fn public_key_info(key: &PublicKey) -> der::Result<SubjectPublicKeyInfo> {
    let algorithm = match key.algorithm() {
        Algorithm::Ed25519 => AlgorithmIdentifier { oid: ED25519, parameters: None },
        Algorithm::Es256 => AlgorithmIdentifier { oid: EC_PUBLIC_KEY, parameters: Some(Any::encode_from(&P256)?) },
    };
    Ok(SubjectPublicKeyInfo { algorithm, subject_public_key: der::asn1::BitString::from_bytes(key.as_bytes())? })
}

/// The algorithm that a certificate says it is signed with; its parameters have to be absent (RFC 5758 section 3.2,
/// RFC 8410 section 3).
pub(super) fn signature_algorithm(identifier: &AlgorithmIdentifier) -> Result<Algorithm, CertificateError> {
    match identifier.oid {
        ECDSA_WITH_SHA256 if identifier.parameters.is_none() => Ok(Algorithm::Es256),
        ED25519 if identifier.parameters.is_none() => Ok(Algorithm::Ed25519),
        _ => Err(CertificateError::AlgorithmNotSupported),
    }
}

/// The identifier of an algorithm.
pub(super) fn signature_identifier(algorithm: Algorithm) -> AlgorithmIdentifier {
    let oid = match algorithm {
        Algorithm::Es256 => ECDSA_WITH_SHA256,
        Algorithm::Ed25519 => ED25519,
    };
    AlgorithmIdentifier { oid, parameters: None }
}

/// The raw 64 bytes of a certificate's signature: Ed25519 as it stands, ECDSA from its SEQUENCE of r and s
/// (RFC 5480 appendix A). DER only, each number below 2^256.
pub(super) fn raw_signature(algorithm: Algorithm, bytes: &[u8]) -> Option<[u8; 64]> {
    if algorithm == Algorithm::Ed25519 {
        return bytes.try_into().ok();
    }
    let mut reader = SliceReader::new(bytes).ok()?;
    let (r, s) = reader.sequence(|numbers| Ok::<_, der::Error>((UintRef::decode(numbers)?, UintRef::decode(numbers)?))).ok()?;
    reader.finish().ok()?;
    let mut raw = [0; 64];
    for (number, at) in [(r, 32), (s, 64)] {
        let number = number.as_bytes();
        let start: usize = at - 32;
        let place = raw.get_mut(start + 32_usize.checked_sub(number.len())?..at)?;
        place.copy_from_slice(number);
    }
    Some(raw)
}

/// The reverse of [`raw_signature`].
pub(super) fn certificate_signature(algorithm: Algorithm, raw: &[u8]) -> der::Result<Vec<u8>> {
    if algorithm == Algorithm::Ed25519 {
        return Ok(raw.to_vec());
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    vec![UintRef::new(r)?, UintRef::new(s)?].to_der()
}
