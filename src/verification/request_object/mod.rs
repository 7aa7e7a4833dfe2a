//! Who asks: the client identifier of this verifier, and its signature on request objects (OpenID4VP 1.0 sections 5.9,
//! 5.10 and 12, RFC 9101).

mod attestation;

use std::{fmt, str::FromStr, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    base::{base64url, time::Timestamp},
    crypto::{
        SignError, Signer, jws, sha256,
        x509::{ChainError, check_own_chain, x5c_header},
    },
    format::openid::presentation::{REQUEST_OBJECT_TYPE, RequestClaims},
    keyring::{Keyring, Purpose, dns_name},
};
pub use attestation::AttestationError;
use attestation::VerifierAttestation;

/// How the verifier names itself to wallets (section 5.9.3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientIdPrefix {
    /// `x509_hash`: by the hash of its certificate, the one that HAIP 1.0 section 5 allows.
    #[default]
    X509Hash,
    /// `x509_san_dns`: by the DNS name in its certificate.
    X509SanDns,
    /// `redirect_uri`: by where it is answered, unsigned. Anybody can claim that, so it is for trying out.
    RedirectUri,
    /// `verifier_attestation`: by what an authority that wallets know wrote about it (section 12).
    VerifierAttestation,
}

impl ClientIdPrefix {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::X509Hash, Self::X509SanDns, Self::RedirectUri, Self::VerifierAttestation];

    /// The prefix without its colon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X509Hash => "x509_hash",
            Self::X509SanDns => "x509_san_dns",
            Self::RedirectUri => "redirect_uri",
            Self::VerifierAttestation => "verifier_attestation",
        }
    }

    /// Whether requests under it are signed.
    pub const fn is_signed(self) -> bool {
        !matches!(self, Self::RedirectUri)
    }
}

impl fmt::Display for ClientIdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no prefix that is spoken here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("x509_hash, x509_san_dns, redirect_uri or verifier_attestation is expected")]
pub struct NotAPrefix;

impl FromStr for ClientIdPrefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        Self::ALL.into_iter().find(|prefix| prefix.name() == text).ok_or(NotAPrefix)
    }
}

/// Why a verifier cannot name itself as it was told to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityError {
    /// The chain of the key for requests; HAIP 1.0 section 5 wants it without its anchor, and the leaf not self-signed.
    #[error("the certificate of the key for requests: {0}")]
    Chain(#[from] ChainError),
    /// The certificate and the key are not of one another.
    #[error("the certificate is of another key than the one for requests")]
    OtherKey,
    /// The leaf does not carry the host from which wallets are asked.
    #[error("the certificate of the key for requests does not carry the DNS name {0}")]
    OtherHost(String),
    /// No attestation, or one that wallets would refuse.
    #[error("the verifier attestation: {0}")]
    Attestation(#[from] AttestationError),
}

/// Why a request was not signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestSignError {
    /// Under `redirect_uri` requests must not be signed (section 5.9.3).
    #[error("requests under this client identifier prefix are not signed")]
    Unsigned,
    /// What vouches for this verifier is past its time; wallets would refuse the request.
    #[error("what vouches for this verifier expired at {0}")]
    Expired(Timestamp),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Names this verifier to wallets and signs its requests.
pub struct RequestSigner {
    signer: Arc<dyn Signer>,
    identity: Identity,
    /// Members of the JWS header that vouch for the key.
    header: Map<String, Value>,
    good_until: Timestamp,
}

enum Identity {
    Fixed { client_id: String },
    ResponseUri,
}

impl RequestSigner {
    /// The identity under `prefix`, with the key for requests of `keyring`. `attestation` is the content of the file of
    /// that name, looked at for [`ClientIdPrefix::VerifierAttestation`] only.
    pub fn new(
        prefix: ClientIdPrefix,
        keyring: &Keyring,
        public_url: &str,
        attestation: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let (signer, x5c) = (keyring.signer(Purpose::Request), keyring.x5c(Purpose::Request));
        Self::with_key(prefix, signer, x5c, dns_name(public_url), attestation, now)
    }

    /// As [`new`](Self::new), with a key and its certificates, leaf first, from elsewhere.
    pub fn with_key(
        prefix: ClientIdPrefix,
        signer: Arc<dyn Signer>,
        x5c: &[Vec<u8>],
        host: &str,
        attestation: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        if prefix == ClientIdPrefix::VerifierAttestation {
            let attestation = VerifierAttestation::read(attestation, signer.public_key(), now)?;
            let client_id = format!("{prefix}:{}", attestation.subject);
            let header = Map::from_iter([("jwt".to_owned(), attestation.text.into())]);
            return Ok(Self { signer, identity: Identity::Fixed { client_id }, header, good_until: attestation.expires_at });
        }
        let leaf = check_own_chain(x5c, now)?;
        if &leaf.public_key != signer.public_key() {
            return Err(IdentityError::OtherKey);
        }
        let identity = match prefix {
            ClientIdPrefix::X509SanDns if !leaf.dns_names.iter().any(|name| name == host) => {
                return Err(IdentityError::OtherHost(host.to_owned()));
            }
            ClientIdPrefix::X509SanDns => Identity::Fixed { client_id: format!("{prefix}:{host}") },
            ClientIdPrefix::RedirectUri => Identity::ResponseUri,
            ClientIdPrefix::X509Hash | ClientIdPrefix::VerifierAttestation => {
                let hash = x5c.first().map(sha256).unwrap_or_default();
                Identity::Fixed { client_id: format!("{}:{}", ClientIdPrefix::X509Hash, base64url::encode(hash)) }
            }
        };
        let header = Map::from_iter([("x5c".to_owned(), x5c_header(x5c))]);
        Ok(Self { signer, identity, header, good_until: leaf.not_after })
    }

    /// The client identifier with its prefix, for a request that is answered at `response_uri`: the `client_id` in and
    /// beside the request, and the audience of every key binding that answers it (section 14.10).
    pub fn client_id(&self, response_uri: &str) -> String {
        match &self.identity {
            Identity::Fixed { client_id } => client_id.clone(),
            Identity::ResponseUri => format!("{}:{response_uri}", ClientIdPrefix::RedirectUri),
        }
    }

    /// Whether requests are signed; otherwise they go as parameters of a link, or unsigned to the browser.
    pub const fn is_signed(&self) -> bool {
        matches!(self.identity, Identity::Fixed { .. })
    }

    /// The request object: a compact JWS of the type `oauth-authz-req+jwt` whose header vouches for its key.
    pub fn sign(&self, claims: &RequestClaims, now: Timestamp) -> Result<String, RequestSignError> {
        if !self.is_signed() {
            return Err(RequestSignError::Unsigned);
        }
        if now > self.good_until {
            return Err(RequestSignError::Expired(self.good_until));
        }
        let mut header = self.header.clone();
        header.insert("typ".to_owned(), REQUEST_OBJECT_TYPE.into());
        Ok(jws::sign(header, &claims.to_map(), &*self.signer)?)
    }
}

impl fmt::Debug for RequestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestSigner({})", self.client_id("..."))
    }
}

#[cfg(test)]
mod tests;
