//! The token endpoint: a pre-authorised code for an access token, once (OpenID4VCI 1.0 section 6).

use subtle::ConstantTimeEq;

use crate::{
    format::openid::{
        form::FormError,
        offer::PRE_AUTHORIZED_CODE,
        token::{AuthorizationDetail, BadAuthorizationDetails, TokenRequest, TokenResponse},
    },
    issuance::{
        Fault, Ground,
        grant::{ACCESS_TOKEN_SECONDS, Grant, credential_identifier},
        offer::{WRONG_TX_CODES, is_over},
    },
    model::record::{Commit, Guard, Key, LeadsTo, Offer, Record, Versioned, Write},
    store::CommitError,
};

/// Longest code or identifier looked at, in bytes; our own codes have 43.
const MOST_BYTES: usize = 512;
/// An offer is written at most once for each wrong code, once for its redemption and once a card: a loop longer than
/// that is not ours to wait for.
const ATTEMPTS: usize = 32;

/// Why there is no token. The description of each says no more than its code does.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a form, or a parameter twice.
    #[error(transparent)]
    Form(#[from] FormError),
    /// `grant_type` is missing.
    #[error("grant_type is missing")]
    GrantTypeMissing,
    /// A grant that is not spoken here.
    #[error("grant_type is not supported")]
    GrantTypeNotSupported,
    /// `pre-authorized_code` is missing.
    #[error("pre-authorized_code is missing")]
    CodeMissing,
    /// The offer asks for a transaction code, and there is none.
    #[error("tx_code is missing")]
    TxCodeMissing,
    /// The offer asks for no transaction code, but there is one.
    #[error("tx_code was not asked for")]
    TxCodeUnexpected,
    /// `client_id` is empty, too long or not printable ASCII.
    #[error("client_id is malformed")]
    ClientMalformed,
    /// `authorization_details` is not understood, or asks for what was not offered.
    #[error(transparent)]
    AuthorizationDetails(#[from] BadAuthorizationDetails),
    /// The code is unknown, used, past its time or dead, or the transaction code is wrong: which, is not said.
    #[error("the code is not good, or not any more")]
    GrantNotGood,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl TokenError {
    /// The code of RFC 6749 section 5.2 and OpenID4VCI 1.0 section 6.3; none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Form(_)
            | Self::GrantTypeMissing
            | Self::CodeMissing
            | Self::TxCodeMissing
            | Self::TxCodeUnexpected
            | Self::ClientMalformed => "invalid_request",
            Self::GrantTypeNotSupported => "unsupported_grant_type",
            Self::AuthorizationDetails(_) => "invalid_authorization_details",
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

impl Tokens {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Reads a form and redeems its code.
    pub fn redeem_form(&self, body: &[u8]) -> Result<TokenResponse, TokenError> {
        self.redeem(&TokenRequest::parse(body)?)
    }

    /// Redeems a code. Of any number of calls with one code at one time exactly one succeeds; each wrong transaction code
    /// is counted on disk before it is answered.
    pub fn redeem(&self, request: &TokenRequest) -> Result<TokenResponse, TokenError> {
        match request.grant_type.as_deref() {
            None => return Err(TokenError::GrantTypeMissing),
            Some(PRE_AUTHORIZED_CODE) => {}
            Some(_) => return Err(TokenError::GrantTypeNotSupported),
        }
        let code = request.pre_authorized_code.as_deref().ok_or(TokenError::CodeMissing)?;
        let printable = |id: &str| id.len() <= MOST_BYTES && id.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if request.client_id.as_deref().is_some_and(|id| !printable(id)) {
            return Err(TokenError::ClientMalformed);
        }
        let details = request.authorization_details.as_deref().map(AuthorizationDetail::parse_list).transpose()?;
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: offer } = self.offer(code)?.ok_or(TokenError::GrantNotGood)?;
            if offer.redeemed || is_over(&offer, self.ground.clock.now()) {
                return Err(TokenError::GrantNotGood);
            }
            let good = self.tx_code_is_good(&offer, request.tx_code.as_deref())?;
            let granted = details.as_deref().filter(|_| good).map(|wanted| granted(wanted, &offer)).transpose()?;
            let guards = vec![Guard::Version(Key::Offer(offer.id), version)];
            let next = if good { self.redeemed(&offer) } else { with_wrong_try(&offer) };
            let commit = Commit { guards, writes: vec![Write::Put(Record::Offer(next))], ..Commit::default() };
            match self.ground.store.commit(commit) {
                Ok(_) if good => return Ok(self.answer(&offer, request, granted)?),
                Ok(_) => return Err(TokenError::GrantNotGood),
                // Another call was faster: what it left decides.
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    fn offer(&self, code: &str) -> Result<Option<Versioned<Offer>>, Fault> {
        if code.len() > MOST_BYTES {
            return Ok(None);
        }
        let store = &self.ground.store;
        let id = match store.get(&Key::OneTime(self.ground.code_hash(code)))?.map(|record| record.value) {
            Some(Record::OneTime(one_time)) => match one_time.leads_to {
                LeadsTo::Offer(id) => id,
                LeadsTo::Used | LeadsTo::Pairing(_) => return Ok(None),
            },
            _ => return Ok(None),
        };
        match store.get(&Key::Offer(id))? {
            Some(Versioned { version, value: Record::Offer(value) }) => Ok(Some(Versioned { version, value })),
            _ => Ok(None),
        }
    }

    fn tx_code_is_good(&self, offer: &Offer, given: Option<&str>) -> Result<bool, TokenError> {
        match (&offer.tx_code_hash, given) {
            (None, None) => Ok(true),
            (None, Some(_)) => Err(TokenError::TxCodeUnexpected),
            (Some(_), None) => Err(TokenError::TxCodeMissing),
            (Some(hash), Some(given)) => {
                let given = given.get(..given.len().min(MOST_BYTES)).unwrap_or_default();
                Ok(self.ground.tx_code_hash(offer.id, given).ct_eq(hash).into())
            }
        }
    }

    /// The offer lives on as long as the access token does.
    fn redeemed(&self, offer: &Offer) -> Offer {
        let token_ends = self.ground.clock.now().plus_seconds(ACCESS_TOKEN_SECONDS);
        Offer { redeemed: true, expires_at: offer.expires_at.max(token_ends), ..offer.clone() }
    }

    fn answer(
        &self,
        offer: &Offer,
        request: &TokenRequest,
        authorization_details: Option<Vec<AuthorizationDetail>>,
    ) -> Result<TokenResponse, Fault> {
        let mut grant = Grant::of_all(offer, request.client_id.clone());
        if let Some(details) = &authorization_details {
            grant.good_for = details.iter().flat_map(|detail| detail.credential_identifiers.clone()).collect();
        }
        Ok(TokenResponse {
            access_token: self.ground.access_token(&grant)?,
            token_type: "Bearer".to_owned(),
            expires_in: ACCESS_TOKEN_SECONDS,
            authorization_details: authorization_details.unwrap_or_default(),
        })
    }
}

fn with_wrong_try(offer: &Offer) -> Offer {
    Offer { wrong_tries: offer.wrong_tries.saturating_add(1).min(WRONG_TX_CODES), ..offer.clone() }
}

/// Each configuration asked for, once, with the identifier to ask for at the credential endpoint: the access token names
/// them, and one that named some hundred times the same would be longer than what is read back.
fn granted(wanted: &[AuthorizationDetail], offer: &Offer) -> Result<Vec<AuthorizationDetail>, BadAuthorizationDetails> {
    let mut granted: Vec<AuthorizationDetail> = Vec::new();
    for detail in wanted {
        let name = &detail.credential_configuration_id;
        if !offer.credential_types.contains(name) {
            return Err(BadAuthorizationDetails);
        }
        if granted.iter().all(|earlier| earlier.credential_configuration_id != *name) {
            let credential_identifiers = vec![credential_identifier(name)];
            granted.push(AuthorizationDetail { credential_identifiers, ..detail.clone() });
        }
    }
    Ok(granted)
}
