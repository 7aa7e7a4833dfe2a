//! The authorisation code flow: a wallet pushes what it asks for, a browser opens it once, the person who signed in there
//! agrees or refuses, and the browser takes the answer back.
//!
//! ```text
//! wallet:  push -> request_uri
//! browser: open -> (sign in) -> view -> agree | refuse -> back to the wallet with a code or an error
//! wallet:  Tokens::redeem
//! ```

mod push;
mod steps;

use std::sync::Arc;

use crate::{
    base::secret::Secret,
    crypto::keyed_hash,
    format::openid::{
        authorization::{PushedResponse, REQUEST_URI},
        form::FormError,
        token::BadAuthorizationDetails,
    },
    issuance::{Fault, Ground, caller::CallerError},
    model::{
        authorization::Authorization,
        client::WalletClient,
        ids::AuthorizationId,
        record::{Key, LeadsTo, OneTimeKey, Record, Versioned},
        redirect::Admitted,
    },
};

/// How long a pushed request waits to be opened, in seconds: the wallet opens the browser at once.
pub const PUSHED_SECONDS: i64 = 90;
/// How long the person has to sign in and agree, in seconds.
pub const OPEN_SECONDS: i64 = 15 * 60;
/// Life of a code, in seconds: the wallet redeems it at once (RFC 6749 section 4.1.2 asks for ten minutes at most).
pub const CODE_SECONDS: i64 = 60;
/// How long a code that was redeemed is remembered, in seconds: shown again within, it ends what it gave.
pub const REPLAY_SECONDS: i64 = 24 * 3600;

/// Why a pushed request is refused. The description of each names what a developer has to correct.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthorizationError {
    /// Not a form, or a parameter twice.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Who calls is not known, or not proved.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// A parameter that is needed is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter that has no place in a pushed request.
    #[error("{0} cannot be pushed")]
    NotPushable(&'static str),
    /// Another response type than `code`.
    #[error("response_type has to be code")]
    ResponseType,
    /// Another response mode than `query`.
    #[error("response_mode has to be query, or left out")]
    ResponseMode,
    /// The client is not registered, or was switched off.
    #[error("the client is not registered here")]
    ClientUnknown,
    /// The client did not register this address.
    #[error("redirect_uri is not registered for this client")]
    RedirectUri,
    /// `state` is too long, or not printable ASCII.
    #[error("state has to be printable ASCII of at most {STATE_BYTES} characters")]
    State,
    /// Another method than S256.
    #[error("code_challenge_method has to be S256")]
    ChallengeMethod,
    /// Not the base64url of a SHA-256.
    #[error("code_challenge is not one of S256")]
    Challenge,
    /// No scope that is issued here, or one that the offer does not offer.
    #[error("scope names nothing that can be had")]
    Scope,
    /// `authorization_details` is not understood, or asks for what is not issued here or not offered.
    #[error(transparent)]
    AuthorizationDetails(#[from] BadAuthorizationDetails),
    /// The offer that `issuer_state` came from is unknown, used or past its time.
    #[error("issuer_state belongs to no offer that is open")]
    IssuerState,
    /// The access token is to be for somebody else.
    #[error("resource is not this issuer")]
    Resource,
    /// `dpop_jkt` is no thumbprint, or not that of the DPoP proof beside it (RFC 9449 section 10.1).
    #[error("dpop_jkt is not the thumbprint of the key that was proved")]
    DpopKey,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Longest `state`, in bytes.
const STATE_BYTES: usize = 2048;

impl AuthorizationError {
    /// The code of RFC 6749 section 4.1.2.1, RFC 9126 section 2.3 and RFC 8707 section 2; none when the fault is ours.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Form(_)
            | Self::Missing(_)
            | Self::NotPushable(_)
            | Self::ResponseMode
            | Self::RedirectUri
            | Self::State
            | Self::ChallengeMethod
            | Self::Challenge
            | Self::IssuerState
            | Self::DpopKey => "invalid_request",
            Self::Caller(error) => return error.code(),
            Self::ResponseType => "unsupported_response_type",
            Self::ClientUnknown => "invalid_client",
            Self::Scope => "invalid_scope",
            Self::AuthorizationDetails(_) => "invalid_authorization_details",
            Self::Resource => "invalid_target",
            Self::Fault(_) => return None,
        })
    }
}

/// Why a browser is not shown an authorisation. None of it is told to the wallet: a browser without its own request has
/// no address to be believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// The query cannot be read.
    #[error(transparent)]
    Form(#[from] FormError),
    /// No `request_uri`: requests have to be pushed.
    #[error("a request has to be pushed first")]
    NotPushed,
    /// The request is unknown, past its time, or was pushed by another client.
    #[error("the request is unknown or past its time")]
    Unknown,
    /// Another browser opened it.
    #[error("the request was opened in another browser")]
    OtherBrowser,
    /// It was agreed to or refused already.
    #[error("the request was answered already")]
    Answered,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A request that a browser opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The authorisation.
    pub id: AuthorizationId,
    /// What the browser has to show from now on; kept in a cookie.
    pub browser: Secret<String>,
}

/// What a person is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// The authorisation.
    pub id: AuthorizationId,
    /// The name of the wallet as it was registered; `client_id` for one that a policy admitted.
    pub client_name: String,
    /// Its `client_id`.
    pub client_id: String,
    /// Where the person is sent afterwards: a host, or the scheme of an app.
    pub return_host: String,
    /// The same as a page with a form that leads there has to allow it.
    pub form_target: String,
    /// Which cards it asks for.
    pub configurations: Vec<String>,
    /// Whether it comes from an offer, to which one person only can agree.
    pub from_offer: bool,
}

/// Where the browser goes with the answer.
#[derive(Clone, Eq, PartialEq)]
pub struct SendBack {
    /// The address. It may hold a code: not for logs.
    pub location: String,
}

impl std::fmt::Debug for SendBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SendBack { .. }")
    }
}

/// The authorisations.
#[derive(Clone)]
pub struct Authorizations {
    ground: Ground,
    admitted: Arc<[Admitted]>,
}

impl Authorizations {
    /// On this ground; under the open profile wallets nobody registered may be sent back to where `admitted` says.
    pub fn new(ground: Ground, admitted: impl Into<Arc<[Admitted]>>) -> Self {
        Self { ground, admitted: admitted.into() }
    }

    fn answer_of_push(secret: &str) -> PushedResponse {
        PushedResponse { request_uri: format!("{REQUEST_URI}{secret}"), expires_in: PUSHED_SECONDS }
    }
}

impl Ground {
    fn request_uri_hash(&self, secret: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "request uri", secret.as_bytes())
    }

    fn browser_hash(&self, secret: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "browser of an authorization", secret.as_bytes())
    }

    /// The key under which the store finds the authorisation of a code.
    pub(super) fn authorization_code_hash(&self, code: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "authorization code", code.as_bytes())
    }

    /// The authorisation that a one-time thing leads to.
    pub(super) fn authorization_by(&self, key: OneTimeKey) -> Result<Option<Versioned<Authorization>>, Fault> {
        match self.store.get(&Key::OneTime(key))?.map(|record| record.value) {
            Some(Record::OneTime(one_time)) => match one_time.leads_to {
                LeadsTo::Authorization(id) => self.authorization(id),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The authorisation of this identifier.
    pub(super) fn authorization(&self, id: AuthorizationId) -> Result<Option<Versioned<Authorization>>, Fault> {
        match self.store.get(&Key::Authorization(id))? {
            None => Ok(None),
            Some(Versioned { version, value: Record::Authorization(value) }) => Ok(Some(Versioned { version, value })),
            Some(_) => Err(Fault::Record("an authorization")),
        }
    }

    /// The registered wallet of this `client_id`, switched off or not.
    pub(super) fn wallet_client(&self, client_id: &str) -> Result<Option<WalletClient>, Fault> {
        match self.store.get(&Key::Wallet(WalletClient::id_of(client_id)))?.map(|record| record.value) {
            None => Ok(None),
            Some(Record::Wallet(wallet)) if wallet.client_id == client_id => Ok(Some(wallet)),
            Some(_) => Err(Fault::Record("a wallet")),
        }
    }

    /// Whether a `resource` is this issuer (RFC 8707): its identifier, or the endpoint at which access tokens are shown.
    pub(super) fn is_resource(&self, resource: &str) -> bool {
        resource.strip_prefix(&*self.public_url).is_some_and(|rest| matches!(rest, "" | "/" | "/credential"))
    }
}
