//! The token endpoint: a code or a refresh token for an access token, once (OpenID4VCI 1.0 section 6). One file a grant
//! type; each makes or changes a grant in one commit and leaves the answer to this one.

mod authorization_code;
mod pre_authorized;
mod refresh;

use crate::{
    base::secret::Secret,
    format::openid::{
        form::FormError,
        offer::{AUTHORIZATION_CODE, PRE_AUTHORIZED_CODE},
        token::{AuthorizationDetail, BadAuthorizationDetails, REFRESH_TOKEN, TokenRequest, TokenResponse},
    },
    issuance::{
        Fault, Ground,
        caller::{Caller, CallerError, Shown},
        dpop::DpopError,
        grant::credential_identifier,
    },
    model::grant::Grant,
};

/// Longest code or identifier looked at, in bytes; our own codes have 43.
const MOST_BYTES: usize = 512;

/// A record is written a few times by those who redeem: a loop longer than that is not ours to wait for.
const ATTEMPTS: usize = 32;

/// Why there is no token. The description of each says no more than its code does.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a form, or a parameter twice.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Who calls is not known, or not proved.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// `grant_type` is missing.
    #[error("grant_type is missing")]
    GrantTypeMissing,
    /// A grant that is not spoken here.
    #[error("grant_type is not supported")]
    GrantTypeNotSupported,
    /// A parameter that the grant type needs is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The offer asks for no transaction code, but there is one.
    #[error("tx_code was not asked for")]
    TxCodeUnexpected,
    /// `authorization_details` is not understood, or asks for what was not offered.
    #[error(transparent)]
    AuthorizationDetails(#[from] BadAuthorizationDetails),
    /// The access token is to be for somebody else.
    #[error("resource is not this issuer")]
    Resource,
    /// The wallet was switched off.
    #[error("the client is not registered here any more")]
    ClientOff,
    /// A scope other than what was granted.
    #[error("scope has to be what was granted, or to be left out")]
    Scope,
    /// The code or token is unknown, used, past its time or dead, or the transaction code is wrong: which, is not said.
    #[error("the code is not good, or not any more")]
    GrantNotGood,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl TokenError {
    /// The code of RFC 6749 section 5.2 and OpenID4VCI 1.0 section 6.3; none when the fault is ours.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Form(_) | Self::GrantTypeMissing | Self::Missing(_) | Self::TxCodeUnexpected => "invalid_request",
            Self::Caller(error) => return error.code(),
            Self::GrantTypeNotSupported => "unsupported_grant_type",
            Self::AuthorizationDetails(_) => "invalid_authorization_details",
            Self::Resource => "invalid_target",
            Self::ClientOff => "invalid_client",
            Self::Scope => "invalid_scope",
            Self::GrantNotGood => "invalid_grant",
            Self::Fault(_) => return None,
        })
    }
}

/// The token endpoint.
#[derive(Clone)]
pub struct Tokens {
    ground: Ground,
}

/// What a grant type gave: the grant as it stands in the store, and what only the answer says.
struct Given {
    grant: Grant,
    refresh_token: Option<Secret<String>>,
}

impl Tokens {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Reads a form and redeems what it shows.
    pub fn redeem_form(&self, shown: &Shown, body: &[u8]) -> Result<TokenResponse, TokenError> {
        self.redeem(shown, &TokenRequest::parse(body)?)
    }

    /// Redeems a code or refresh token. Of any number of calls with one code at one time exactly one succeeds.
    pub fn redeem(&self, shown: &Shown, request: &TokenRequest) -> Result<TokenResponse, TokenError> {
        let redeem: fn(&Self, &Caller, &TokenRequest) -> Result<Given, TokenError> = match request.grant_type.as_deref() {
            None => return Err(TokenError::GrantTypeMissing),
            Some(PRE_AUTHORIZED_CODE) => Self::redeem_pre_authorized,
            Some(AUTHORIZATION_CODE) => Self::redeem_authorization_code,
            Some(REFRESH_TOKEN) => Self::redeem_refresh_token,
            Some(_) => return Err(TokenError::GrantTypeNotSupported),
        };
        if !request.resource.iter().all(|resource| self.ground.is_resource(resource)) {
            return Err(TokenError::Resource);
        }
        let caller = self.ground.caller(shown, request.client_id.as_deref())?;
        self.check_client_is_on(caller.client_id.as_deref())?;
        if self.ground.profile.is_haip() && caller.dpop_jkt.is_none() {
            return Err(CallerError::from(DpopError::Missing).into());
        }
        Ok(self.answer(redeem(self, &caller, request)?)?)
    }

    /// A wallet that was switched off gets no more tokens, whatever it shows.
    fn check_client_is_on(&self, client_id: Option<&str>) -> Result<(), TokenError> {
        let Some(client_id) = client_id else { return Ok(()) };
        match self.ground.wallet_client(client_id)? {
            Some(client) if client.switched_off_at.is_some() => Err(TokenError::ClientOff),
            _ => Ok(()),
        }
    }

    fn answer(&self, given: Given) -> Result<TokenResponse, Fault> {
        let Given { grant, refresh_token } = given;
        let (access_token, expires_in) = self.ground.access_token(&grant)?;
        let details = grant.configurations.iter().filter(|_| grant.by_identifier).map(|name| AuthorizationDetail {
            detail_type: AuthorizationDetail::TYPE.to_owned(),
            credential_configuration_id: name.clone(),
            credential_identifiers: vec![credential_identifier(name)],
        });
        Ok(TokenResponse {
            access_token,
            token_type: if grant.dpop_jkt.is_some() { "DPoP" } else { "Bearer" }.to_owned(),
            expires_in,
            scope: (!grant.by_identifier).then(|| grant.configurations.join(" ")),
            refresh_token: refresh_token.map(|token| token.expose().clone()),
            authorization_details: details.collect(),
        })
    }
}

/// Each configuration asked for, once, of those that can be had: a grant that named some hundred times the same would be
/// longer than what is read back.
fn narrowed(wanted: &[AuthorizationDetail], can_be_had: &[String]) -> Result<Vec<String>, BadAuthorizationDetails> {
    let mut granted: Vec<String> = Vec::new();
    for detail in wanted {
        let name = &detail.credential_configuration_id;
        if !can_be_had.contains(name) {
            return Err(BadAuthorizationDetails);
        }
        if !granted.contains(name) {
            granted.push(name.clone());
        }
    }
    Ok(granted)
}
