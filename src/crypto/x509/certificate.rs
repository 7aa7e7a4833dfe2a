//! One certificate, taken apart once: everything the path rules ask of it, and the bytes its signature covers.

use der::oid::AssociatedOid;
use der::{Decode, Encode, Reader, SliceReader};
use x509_cert::{
    Certificate as Parsed, TbsCertificate, Version,
    ext::{
        Extension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
            name::GeneralName,
        },
    },
};

use super::spki;
use crate::{
    base::{limits::CERTIFICATE_BYTES, time::Timestamp},
    crypto::{Algorithm, KeyError, PublicKey},
};

/// Why one certificate is not accepted, whatever stands beside it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// Not a DER certificate of version 3, longer than [`CERTIFICATE_BYTES`], or an extension twice.
    #[error("not a certificate")]
    Malformed,
    /// A key or signature algorithm other than P-256 with SHA-256 and Ed25519.
    #[error("key or signature algorithm not supported")]
    AlgorithmNotSupported,
    /// Its public key is not acceptable.
    #[error("its key: {0}")]
    Key(KeyError),
    /// An extension that constrains what the certificate is good for and is not processed here (RFC 5280 section 4.2).
    #[error("extension {0} is critical and not understood")]
    UnhandledExtension(String),
    /// No certificate authority: basicConstraints without cA, or keyUsage without keyCertSign.
    #[error("not the certificate of an authority")]
    NotAnAuthority,
    /// The PEM text does not hold exactly one certificate.
    #[error("not one certificate in PEM")]
    NotOnePem,
}

impl From<der::Error> for CertificateError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// What a certificate says of itself, for people to read; nothing vouches for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFacts {
    /// The subject's name (RFC 4514).
    pub subject: String,
    /// The last second of its validity.
    pub not_after: Timestamp,
}

impl CertificateFacts {
    /// Reads a DER certificate.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let read = Certificate::from_der(der)?;
        Ok(Self { subject: read.subject_text, not_after: read.not_after })
    }
}

/// A certificate of which everything was understood.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    /// The received bytes of TBSCertificate: signatures cover these, never a second encoding.
    signed: Vec<u8>,
    signature_algorithm: Algorithm,
    signature: Vec<u8>,
    /// Names as DER; compared byte by byte, stricter than RFC 5280 section 7.1.
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) subject_text: String,
    pub(super) public_key: PublicKey,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// `Some` for an authority, with how many intermediates may follow it.
    pub(super) authority: Option<Option<u8>>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usages: Option<Vec<String>>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) uris: Vec<String>,
    pub(super) dns_names: Vec<String>,
}

impl Certificate {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > CERTIFICATE_BYTES {
            return Err(CertificateError::Malformed);
        }
        let parsed = Parsed::from_der(der)?;
        let tbs = parsed.tbs_certificate();
        if tbs.version() != Version::V3 || parsed.signature_algorithm() != tbs.signature() {
            return Err(CertificateError::Malformed);
        }
        refuse_unhandled(tbs.extensions().map_or(&[], Vec::as_slice))?;
        let constraints: Option<BasicConstraints> = extension(tbs)?;
        let authority_key: Option<AuthorityKeyIdentifier> = extension(tbs)?;
        let subject_key: Option<SubjectKeyIdentifier> = extension(tbs)?;
        let usages: Option<ExtendedKeyUsage> = extension(tbs)?;
        let (uris, dns_names) = alternative_names(extension(tbs)?);
        Ok(Self {
            der: der.to_vec(),
            signed: signed_bytes(der)?,
            signature_algorithm: spki::signature_algorithm(tbs.signature())?,
            signature: parsed.signature().as_bytes().ok_or(CertificateError::Malformed)?.to_vec(),
            issuer: tbs.issuer().to_der()?,
            subject: tbs.subject().to_der()?,
            subject_text: tbs.subject().to_string(),
            public_key: spki::public_key(tbs.subject_public_key_info())?,
            not_before: timestamp(tbs.validity().not_before),
            not_after: timestamp(tbs.validity().not_after),
            authority: constraints.filter(|constraints| constraints.ca).map(|constraints| constraints.path_len_constraint),
            key_usage: extension(tbs)?,
            extended_key_usages: usages.map(|usages| usages.0.iter().map(ToString::to_string).collect()),
            subject_key_id: subject_key.map(|id| id.0.as_bytes().to_vec()),
            authority_key_id: authority_key.and_then(|id| id.key_identifier).map(|id| id.as_bytes().to_vec()),
            uris,
            dns_names,
        })
    }

    /// Whether `issuer` may be who signed this one, by name and, where both state one, by key identifier
    /// (RFC 5280 sections 6.1.3 (a)(4) and 4.2.1.1).
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        let keys_agree = match (&self.authority_key_id, &issuer.subject_key_id) {
            (Some(wanted), Some(had)) => wanted == had,
            _ => true,
        };
        self.issuer == issuer.subject && keys_agree
    }

    /// Whether `key` made the signature on this certificate.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signature_algorithm == key.algorithm()
            && spki::raw_signature(self.signature_algorithm, &self.signature)
                .is_some_and(|raw| key.verify(&self.signed, &raw).is_ok())
    }

    /// Whether it may sign certificates (RFC 5280 section 6.1.4 (k) and (n); keyUsage is required by section 4.2.1.3).
    pub(super) fn may_certify(&self) -> bool {
        self.authority.is_some() && self.key_usage.as_ref().is_some_and(KeyUsage::key_cert_sign)
    }
}

/// Of the critical extensions only these are processed; name and policy constraints refuse a certificate even when they
/// are not marked critical, against RFC 5280 sections 4.2.1.10 and 4.2.1.11.
fn refuse_unhandled(extensions: &[Extension]) -> Result<(), CertificateError> {
    const HANDLED: [der::asn1::ObjectIdentifier; 6] = [
        AuthorityKeyIdentifier::OID,
        BasicConstraints::OID,
        ExtendedKeyUsage::OID,
        KeyUsage::OID,
        SubjectAltName::OID,
        SubjectKeyIdentifier::OID,
    ];
    const CONSTRAINING: [&str; 3] = ["2.5.29.30", "2.5.29.36", "2.5.29.54"];
    for extension in extensions {
        let oid = extension.extn_id.to_string();
        if (extension.critical && !HANDLED.contains(&extension.extn_id)) || CONSTRAINING.contains(&oid.as_str()) {
            return Err(CertificateError::UnhandledExtension(oid));
        }
    }
    Ok(())
}

/// The one extension of a type; two of one type are an error (RFC 5280 section 4.2).
fn extension<T>(tbs: &TbsCertificate) -> Result<Option<T>, CertificateError>
where
    T: for<'a> Decode<'a, Error = der::Error> + AssociatedOid,
{
    Ok(tbs.get_extension::<T>()?.map(|(_, value)| value))
}

/// URIs and DNS names; names of other kinds are not used.
fn alternative_names(names: Option<SubjectAltName>) -> (Vec<String>, Vec<String>) {
    let (mut uris, mut dns_names) = (vec![], vec![]);
    for name in names.map_or_else(Vec::new, |names| names.0) {
        match name {
            GeneralName::UniformResourceIdentifier(uri) => uris.push(uri.to_string()),
            GeneralName::DnsName(name) => dns_names.push(name.to_string()),
            _ => {}
        }
    }
    (uris, dns_names)
}

fn signed_bytes(der: &[u8]) -> der::Result<Vec<u8>> {
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|certificate| {
        let signed = certificate.tlv_bytes()?.to_vec();
        certificate.tlv_bytes()?;
        certificate.tlv_bytes()?;
        Ok(signed)
    })
}

fn timestamp(time: x509_cert::time::Time) -> Timestamp {
    Timestamp::from_unix(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}
