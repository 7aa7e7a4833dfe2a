//! Makes certificates; signs through a [`Signer`], so the authority's key may live in a hardware module.

use std::time::Duration;

use der::{
    DateTime, Decode, Encode, Tag,
    asn1::{Any, BitString, Ia5String, ObjectIdentifier, SetOfVec},
};
use ed25519_dalek::ed25519::signature::Keypair;
use x509_cert::{
    AlgorithmIdentifier, Certificate, SubjectPublicKeyInfo, TbsCertificate,
    attr::AttributeTypeAndValue,
    builder::{Builder, CertificateBuilder, profile::BuilderProfile},
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
            SubjectKeyIdentifier, name::GeneralName,
        },
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
    serial_number::SerialNumber,
    spki::{Document, DynSignatureAlgorithmIdentifier, EncodePublicKey, SubjectPublicKeyInfoRef},
};

use super::spki;
use crate::{
    base::{random::Random, time::Timestamp},
    crypto::{PublicKey, SignError, Signer},
};

/// Why a certificate was not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// A name, URI, purpose or time that a certificate cannot hold, or an issuer's certificate that is none.
    #[error("a certificate cannot hold this")]
    NotEncodable,
    /// The authority's key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<der::Error> for BuildError {
    fn from(_: der::Error) -> Self {
        Self::NotEncodable
    }
}

/// The name of the one a certificate speaks about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Country (ISO 3166-1 alpha-2), for example `CN`.
    pub country: &'a str,
    /// Organisation.
    pub organization: &'a str,
    /// Common name.
    pub common_name: &'a str,
}

/// When a certificate is valid, both seconds included.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
}

/// What a certificate's key may do.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// Sign certificates (keyCertSign, cRLSign), with so many intermediates below; `None` sets no bound.
    Authority(Option<u8>),
    /// Sign anything else (digitalSignature).
    Leaf,
}

/// What stands in a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Whom it speaks about.
    pub subject: Subject<'a>,
    /// Their key.
    pub public_key: &'a PublicKey,
    /// When it is valid.
    pub validity: Validity,
    /// What the key may do.
    pub role: Role,
    /// URIs of subjectAltName.
    pub uris: &'a [&'a str],
    /// DNS names of subjectAltName.
    pub dns_names: &'a [&'a str],
    /// Purposes of extendedKeyUsage in dotted form; no extension when empty.
    pub extended_key_usages: &'a [&'a str],
}

/// Under which name a leaf is known beside its subject.
#[derive(Clone, Copy, Debug)]
pub enum AlternativeName<'a> {
    /// A URI: whose signatures vouch for what a service of that URL says.
    Uri(&'a str),
    /// A DNS name: whose signatures vouch for who asks from that host.
    Dns(&'a str),
}

/// Who signs a certificate.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// The authority's certificate; `None` when the certificate signs itself.
    pub certificate: Option<&'a [u8]>,
    /// The authority's key.
    pub signer: &'a dyn Signer,
}

/// A self-signed root that may certify leaves and, below it, up to two intermediates.
pub fn root(subject: Subject<'_>, validity: Validity, signer: &dyn Signer, random: &dyn Random) -> Result<Vec<u8>, BuildError> {
    let request = Request {
        subject,
        public_key: signer.public_key(),
        validity,
        role: Role::Authority(u8::try_from(super::MAX_INTERMEDIATES).ok()),
        uris: &[],
        dns_names: &[],
        extended_key_usages: &[],
    };
    issue(&request, Issuer { certificate: None, signer }, random)
}

/// A leaf for `public_key` that carries `name`, signed by the authority of `certificate`.
pub fn leaf(
    subject: Subject<'_>,
    validity: Validity,
    public_key: &PublicKey,
    name: AlternativeName<'_>,
    issuer: Issuer<'_>,
    random: &dyn Random,
) -> Result<Vec<u8>, BuildError> {
    let (uris, dns_names): (&[&str], &[&str]) = match &name {
        AlternativeName::Uri(uri) => (&[uri], &[]),
        AlternativeName::Dns(dns_name) => (&[], &[dns_name]),
    };
    let request = Request { subject, public_key, validity, role: Role::Leaf, uris, dns_names, extended_key_usages: &[] };
    issue(&request, issuer, random)
}

/// Makes any certificate and gives its DER. The serial number is 127 random bits (RFC 5280 section 4.1.2.2).
pub fn issue(request: &Request<'_>, issuer: Issuer<'_>, random: &dyn Random) -> Result<Vec<u8>, BuildError> {
    let subject = name(&request.subject)?;
    let issuer_name = match issuer.certificate {
        Some(der) => Certificate::from_der(der)?.tbs_certificate().subject().clone(),
        None => subject.clone(),
    };
    let mut serial: [u8; 16] = random.array();
    serial[0] = serial[0] & 0x7f | 0x40;
    let validity = x509_cert::time::Validity::new(time(request.validity.not_before)?, time(request.validity.not_after)?);
    let profile = Profile { subject, issuer: issuer_name, extensions: extensions(request)? };
    let key = spki::public_key_info(request.public_key)?;
    let refused = |_| BuildError::NotEncodable;
    let mut builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, key).map_err(refused)?;
    let authority = Authority(issuer.signer);
    let signed = builder.finalize(&authority).map_err(refused)?;
    let signature = spki::certificate_signature(issuer.signer.algorithm(), &issuer.signer.sign(&signed)?)?;
    let certificate = builder.assemble(BitString::from_bytes(&signature)?, &authority).map_err(refused)?;
    Ok(certificate.to_der()?)
}

fn name(subject: &Subject<'_>) -> Result<Name, BuildError> {
    const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
    const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    let country = subject.country;
    if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Err(BuildError::NotEncodable);
    }
    let mut names = RdnSequence::default();
    for (oid, tag, text) in [
        (COUNTRY, Tag::PrintableString, country),
        (ORGANIZATION, Tag::Utf8String, subject.organization),
        (COMMON_NAME, Tag::Utf8String, subject.common_name),
    ] {
        let value = Any::new(tag, text.as_bytes())?;
        names.push(RelativeDistinguishedName::from(SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }])?));
    }
    Ok(Name::from_der(&names.to_der()?)?)
}

/// Everything but the two key identifiers, which the profile adds.
fn extensions(request: &Request<'_>) -> Result<Vec<Extension>, BuildError> {
    // `false`/`true`: not critical, critical, as RFC 5280 section 4.2.1 asks for each.
    let (authority, usage) = match request.role {
        Role::Authority(path) => {
            (Some(BasicConstraints { ca: true, path_len_constraint: path }), KeyUsages::KeyCertSign | KeyUsages::CRLSign)
        }
        Role::Leaf => (None, KeyUsages::DigitalSignature.into()),
    };
    let mut all = vec![extension(true, &KeyUsage(usage))?];
    if let Some(constraints) = authority {
        all.push(extension(true, &constraints)?);
    }
    let uri = |uri: &&str| Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?));
    let dns_name = |name: &&str| Ok(GeneralName::DnsName(Ia5String::new(name)?));
    let names = request.uris.iter().map(uri).chain(request.dns_names.iter().map(dns_name));
    let names = names.collect::<der::Result<Vec<_>>>()?;
    if !names.is_empty() {
        all.push(extension(false, &SubjectAltName(names))?);
    }
    if !request.extended_key_usages.is_empty() {
        let oid = |text: &&str| ObjectIdentifier::new(text).map_err(|_| BuildError::NotEncodable);
        let usages = request.extended_key_usages.iter().map(oid).collect::<Result<Vec<_>, _>>()?;
        all.push(extension(false, &ExtendedKeyUsage(usages))?);
    }
    Ok(all)
}

fn extension<T: der::oid::AssociatedOid + Encode>(critical: bool, value: &T) -> der::Result<Extension> {
    (critical, value).to_extension(&Name::default(), &[])
}

fn time(at: Timestamp) -> Result<x509_cert::time::Time, BuildError> {
    let seconds = u64::try_from(at.unix()).map_err(|_| BuildError::NotEncodable)?;
    Ok(DateTime::from_unix_duration(Duration::from_secs(seconds))?.into())
}

struct Profile {
    subject: Name,
    issuer: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        subject: SubjectPublicKeyInfoRef<'_>,
        issuer: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let mut all = self.extensions.clone();
        all.push(extension(false, &SubjectKeyIdentifier::try_from(subject)?)?);
        all.push(extension(false, &AuthorityKeyIdentifier::try_from(issuer)?)?);
        Ok(all)
    }
}

/// A [`Signer`] as the certificate builder wants to see one; it is asked for its key and algorithm only.
struct Authority<'a>(&'a dyn Signer);

#[derive(Clone)]
struct AuthorityKey(PublicKey);

impl Keypair for Authority<'_> {
    type VerifyingKey = AuthorityKey;

    fn verifying_key(&self) -> AuthorityKey {
        AuthorityKey(self.0.public_key().clone())
    }
}

impl EncodePublicKey for AuthorityKey {
    fn to_public_key_der(&self) -> x509_cert::spki::Result<Document> {
        Ok(SubjectPublicKeyInfo::to_der(&spki::public_key_info(&self.0)?)?.try_into()?)
    }
}

impl DynSignatureAlgorithmIdentifier for Authority<'_> {
    fn signature_algorithm_identifier(&self) -> x509_cert::spki::Result<AlgorithmIdentifier> {
        Ok(spki::signature_identifier(self.0.algorithm()))
    }
}
