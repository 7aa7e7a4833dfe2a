//! From a leaf through at most two intermediates to a trust anchor (RFC 5280 section 6.1, HAIP 1.0).

use super::certificate::{Certificate, CertificateError};
use crate::{
    base::{limits::X5C_CERTIFICATES, time::Timestamp},
    crypto::{KeyError, PublicKey, pem, sha256},
};

/// Most certificates between leaf and anchor: a country's root, one for a ministry, one for an office.
pub const MAX_INTERMEDIATES: usize = 2;

/// anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
const ANY_EXTENDED_KEY_USAGE: &str = "2.5.29.37.0";

/// Why a chain is refused. `position` counts the certificates of the chain, 0 is the leaf; the anchor stands one after
/// the last.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// No certificate at all.
    #[error("the certificate chain is empty")]
    Empty,
    /// More certificates than are ever needed.
    #[error("the chain has {certificates} certificates, more than allowed")]
    TooLong {
        /// How many there are.
        certificates: usize,
    },
    /// Not a DER certificate of version 3, too large, or an extension twice.
    #[error("certificate {position} is not a certificate")]
    Malformed {
        /// Which certificate.
        position: usize,
    },
    /// A key or signature algorithm other than P-256 with SHA-256 and Ed25519.
    #[error("certificate {position} uses an algorithm that is not supported")]
    AlgorithmNotSupported {
        /// Which certificate.
        position: usize,
    },
    /// A public key that is not acceptable.
    #[error("the key of certificate {position}: {error}")]
    Key {
        /// Which certificate.
        position: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A critical extension that is not understood, or a constraint on names or policies.
    #[error("certificate {position} has extension {oid}, which is critical and not understood")]
    UnhandledExtension {
        /// Which certificate.
        position: usize,
        /// The extension, in dotted form.
        oid: String,
    },
    /// The trust anchor stands in the chain; HAIP forbids it.
    #[error("certificate {position} is the trust anchor itself, which must not be sent")]
    AnchorIncluded {
        /// Which certificate.
        position: usize,
    },
    /// The leaf signed itself; HAIP forbids it.
    #[error("the leaf certificate is self-signed")]
    SelfSigned,
    /// A certificate does not name the next one as its issuer.
    #[error("certificate {position} was not issued by the next one")]
    Broken {
        /// Which certificate.
        position: usize,
    },
    /// No trust anchor is the issuer of the last certificate.
    #[error("the chain does not lead to a trust anchor")]
    Untrusted,
    /// The named issuer did not make the signature.
    #[error("the signature on certificate {position} does not verify")]
    BadSignature {
        /// Which certificate.
        position: usize,
    },
    /// No longer valid.
    #[error("certificate {position} expired at {not_after}")]
    Expired {
        /// Which certificate.
        position: usize,
        /// The last second of its validity.
        not_after: Timestamp,
    },
    /// Not yet valid.
    #[error("certificate {position} is valid from {not_before} only")]
    NotYetValid {
        /// Which certificate.
        position: usize,
        /// The first second of its validity.
        not_before: Timestamp,
    },
    /// An intermediate or anchor that may not sign certificates.
    #[error("certificate {position} may not sign certificates")]
    NotAnAuthority {
        /// Which certificate.
        position: usize,
    },
    /// The leaf is the certificate of an authority.
    #[error("the leaf is the certificate of an authority")]
    LeafIsAuthority,
    /// More intermediates follow than an authority allows (pathLenConstraint).
    #[error("certificate {position} allows {allowed} intermediates below it, and there are more")]
    PathTooLong {
        /// Which certificate.
        position: usize,
        /// How many it allows.
        allowed: u8,
    },
    /// The leaf's keyUsage is absent or lacks digitalSignature.
    #[error("the leaf may not make digital signatures")]
    KeyUsage,
    /// The leaf's extendedKeyUsage names other purposes only (RFC 5280 section 4.2.1.12).
    #[error("the leaf is for another purpose")]
    ExtendedKeyUsage,
}

/// Which authority an anchor is: its name and its key, so that a renewed certificate is the same one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AuthorityId([u8; 32]);

/// A certificate that is trusted because the operator says so.
#[derive(Clone, Debug)]
pub struct Anchor(Certificate);

impl Anchor {
    /// Reads a DER certificate. It has to be an authority's, with keyCertSign; whether it is in its time is asked
    /// at each use.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Certificate::from_der(der)?;
        if certificate.may_certify() { Ok(Self(certificate)) } else { Err(CertificateError::NotAnAuthority) }
    }

    /// Reads the one certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let mut all = Self::all_from_pem(text)?;
        match (all.pop(), all.is_empty()) {
            (Some(anchor), true) => Ok(anchor),
            _ => Err(CertificateError::NotOnePem),
        }
    }

    /// Reads every certificate of a PEM text; a text without any is an error.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem::decode(pem::CERTIFICATE, text).map_err(|_| CertificateError::NotOnePem)?;
        if blocks.is_empty() {
            return Err(CertificateError::NotOnePem);
        }
        blocks.iter().map(|der| Self::from_der(der)).collect()
    }

    /// The certificate as it was read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The subject's name (RFC 4514).
    pub fn subject(&self) -> &str {
        &self.0.subject_text
    }

    /// The identifier of its key, where the certificate states one.
    pub fn key_id(&self) -> Option<&[u8]> {
        self.0.subject_key_id.as_deref()
    }

    /// Which authority it is.
    pub fn authority(&self) -> AuthorityId {
        AuthorityId(sha256([&sha256(&self.0.subject)[..], self.0.public_key.as_bytes()].concat()))
    }

    /// The last second of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// The anchor's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }
}

/// What a verified chain says about the one who signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
    /// The key to check signatures with.
    pub public_key: PublicKey,
    /// The subject's name (RFC 4514).
    pub subject: String,
    /// URIs of subjectAltName.
    pub uris: Vec<String>,
    /// DNS names of subjectAltName.
    pub dns_names: Vec<String>,
    /// Purposes of extendedKeyUsage in dotted form; `None` when the extension is absent.
    pub extended_key_usages: Option<Vec<String>>,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
    /// The first second in which the whole chain holds, its anchor included.
    pub holds_from: Timestamp,
    /// The last such second.
    pub holds_until: Timestamp,
    /// The authority that the chain leads to; none for a chain of one's own, whose authority need not be known here.
    pub authority: Option<AuthorityId>,
    /// The authority key identifier of each certificate that has one, leaf first: what `aki` of a query means
    /// (OpenID4VP 1.0 section 6.1.1.1).
    pub authority_key_ids: Vec<Vec<u8>>,
}

/// Verifies a chain for a leaf without a stated purpose: extendedKeyUsage absent, or anyExtendedKeyUsage.
pub fn verify_chain(x5c: &[Vec<u8>], anchors: &[Anchor], at: Timestamp) -> Result<Leaf, ChainError> {
    verify_chain_for(x5c, anchors, at, &[])
}

/// Verifies a chain, leaf first (RFC 7515 section 4.1.6), at a time. A leaf with extendedKeyUsage is accepted when it
/// names one of `purposes` (dotted form) or anyExtendedKeyUsage. Every intermediate counts for pathLenConstraint, a
/// self-issued one too. No allowance is made for clocks that differ.
pub fn verify_chain_for(x5c: &[Vec<u8>], anchors: &[Anchor], at: Timestamp, purposes: &[&str]) -> Result<Leaf, ChainError> {
    let chain = parse(x5c, anchors)?;
    let leaf = check_all_but_anchor(&chain, at)?;
    check_purpose(leaf, purposes)?;
    let anchor = check_anchor(&chain, anchors, at)?;
    let authority_key_ids = chain.iter().filter_map(|certificate| certificate.authority_key_id.clone()).collect();
    let all = || chain.iter().chain([&anchor.0]);
    Ok(Leaf {
        authority: Some(anchor.authority()),
        authority_key_ids,
        holds_from: all().map(|one| one.not_before).max().unwrap_or(leaf.not_before),
        holds_until: all().map(|one| one.not_after).min().unwrap_or(leaf.not_after),
        ..Leaf::from(leaf)
    })
}

/// Checks a chain of one's own whose anchor others trust, and this side need not know: everything that
/// [`verify_chain_for`] asks but who vouches for it and for which purpose. The anchor must not stand in it all the same.
pub fn check_own_chain(x5c: &[Vec<u8>], at: Timestamp) -> Result<Leaf, ChainError> {
    let chain = parse(x5c, &[])?;
    let leaf = check_all_but_anchor(&chain, at)?;
    match chain.iter().rposition(|certificate| certificate.is_signed_by(&certificate.public_key)) {
        Some(position) => Err(ChainError::AnchorIncluded { position }),
        None => Ok(Leaf::from(leaf)),
    }
}

fn check_all_but_anchor(chain: &[Certificate], at: Timestamp) -> Result<&Certificate, ChainError> {
    let (leaf, intermediates) = chain.split_first().ok_or(ChainError::Empty)?;
    check_leaf(leaf)?;
    for (position, certificate) in (1..).zip(intermediates) {
        check_authority(certificate, position)?;
    }
    for (position, certificate) in chain.iter().enumerate() {
        check_time(certificate, position, at)?;
    }
    check_signatures(chain)?;
    Ok(leaf)
}

impl From<&Certificate> for Leaf {
    fn from(leaf: &Certificate) -> Self {
        Self {
            public_key: leaf.public_key.clone(),
            subject: leaf.subject_text.clone(),
            uris: leaf.uris.clone(),
            dns_names: leaf.dns_names.clone(),
            extended_key_usages: leaf.extended_key_usages.clone(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            holds_from: leaf.not_before,
            holds_until: leaf.not_after,
            authority: None,
            authority_key_ids: leaf.authority_key_id.iter().cloned().collect(),
        }
    }
}

fn parse(x5c: &[Vec<u8>], anchors: &[Anchor]) -> Result<Vec<Certificate>, ChainError> {
    let too_long = ChainError::TooLong { certificates: x5c.len() };
    if x5c.len() > X5C_CERTIFICATES {
        return Err(too_long);
    }
    let chain: Vec<_> = (0..).zip(x5c).map(|(position, der)| read(der, position)).collect::<Result<_, _>>()?;
    // By name and key: a renewed anchor in place of the old one is the anchor all the same.
    let is_anchor = |certificate: &Certificate| {
        let same = |anchor: &Anchor| anchor.0.subject == certificate.subject && anchor.0.public_key == certificate.public_key;
        anchors.iter().any(same)
    };
    if let Some(position) = chain.iter().position(is_anchor) {
        return Err(ChainError::AnchorIncluded { position });
    }
    if chain.len() > MAX_INTERMEDIATES + 1 {
        return Err(too_long);
    }
    Ok(chain)
}

fn read(der: &[u8], position: usize) -> Result<Certificate, ChainError> {
    Certificate::from_der(der).map_err(|error| match error {
        CertificateError::AlgorithmNotSupported => ChainError::AlgorithmNotSupported { position },
        CertificateError::Key(error) => ChainError::Key { position, error },
        CertificateError::UnhandledExtension(oid) => ChainError::UnhandledExtension { position, oid },
        CertificateError::NotAnAuthority => ChainError::NotAnAuthority { position },
        CertificateError::Malformed | CertificateError::NotOnePem => ChainError::Malformed { position },
    })
}

fn check_leaf(leaf: &Certificate) -> Result<(), ChainError> {
    if leaf.issuer == leaf.subject && leaf.is_signed_by(&leaf.public_key) {
        return Err(ChainError::SelfSigned);
    }
    if leaf.authority.is_some() {
        return Err(ChainError::LeafIsAuthority);
    }
    if !leaf.key_usage.as_ref().is_some_and(|usage| usage.digital_signature()) {
        return Err(ChainError::KeyUsage);
    }
    Ok(())
}

fn check_purpose(leaf: &Certificate, purposes: &[&str]) -> Result<(), ChainError> {
    let fits = |usage: &String| usage == ANY_EXTENDED_KEY_USAGE || purposes.contains(&usage.as_str());
    match &leaf.extended_key_usages {
        Some(usages) if !usages.iter().any(fits) => Err(ChainError::ExtendedKeyUsage),
        _ => Ok(()),
    }
}

/// `position` of an authority less one is the number of intermediates below it.
fn check_authority(certificate: &Certificate, position: usize) -> Result<(), ChainError> {
    if !certificate.may_certify() {
        return Err(ChainError::NotAnAuthority { position });
    }
    match certificate.authority.flatten() {
        Some(allowed) if position > usize::from(allowed) + 1 => Err(ChainError::PathTooLong { position, allowed }),
        _ => Ok(()),
    }
}

fn check_time(certificate: &Certificate, position: usize, at: Timestamp) -> Result<(), ChainError> {
    if at < certificate.not_before {
        return Err(ChainError::NotYetValid { position, not_before: certificate.not_before });
    }
    if at > certificate.not_after {
        return Err(ChainError::Expired { position, not_after: certificate.not_after });
    }
    Ok(())
}

fn check_signatures(chain: &[Certificate]) -> Result<(), ChainError> {
    for (position, (certificate, issuer)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
        if !certificate.names_as_issuer(issuer) {
            return Err(ChainError::Broken { position });
        }
        if !certificate.is_signed_by(&issuer.public_key) {
            return Err(ChainError::BadSignature { position });
        }
    }
    Ok(())
}

/// Any anchor that fits will do: an authority that renewed its certificate or its key stands in the list twice. Two that
/// fit have the same name and key.
fn check_anchor<'a>(chain: &[Certificate], anchors: &'a [Anchor], at: Timestamp) -> Result<&'a Anchor, ChainError> {
    let last = chain.last().ok_or(ChainError::Empty)?;
    let mut outcome = Err(ChainError::Untrusted);
    for anchor in anchors.iter().filter(|anchor| last.names_as_issuer(&anchor.0)) {
        outcome = if last.is_signed_by(&anchor.0.public_key) {
            let usable = check_authority(&anchor.0, chain.len()).and_then(|()| check_time(&anchor.0, chain.len(), at));
            usable.map(|()| anchor)
        } else {
            Err(ChainError::BadSignature { position: chain.len() - 1 })
        };
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
