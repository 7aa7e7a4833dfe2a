//! A pushed request: everything in it is checked before it is kept, so that the browser has nothing left to say
//! (RFC 9126, OpenID4VCI 1.0 section 5.1).

use crate::{
    base::{base64url, time::Timestamp},
    format::openid::{
        authorization::{AuthorizationRequest, PushedResponse},
        token::{AuthorizationDetail, BadAuthorizationDetails},
    },
    issuance::{
        authorize::{AuthorizationError, Authorizations, PUSHED_SECONDS, STATE_BYTES},
        caller::{Caller, Shown},
        offer::is_over,
    },
    model::{
        authorization::{Authorization, Step},
        ids::AuthorizationId,
        record::{Commit, Guard, Key, LeadsTo, Offer, OneTime, Record, Write},
        redirect::is_same,
    },
    store::CommitError,
};

use super::Fault;

/// What a request asks for.
struct Asked {
    configurations: Vec<String>,
    by_identifier: bool,
}

impl Authorizations {
    /// Takes a request from a wallet; gives the name under which a browser opens it, once and soon.
    pub fn push(&self, shown: &Shown, body: &[u8]) -> Result<PushedResponse, AuthorizationError> {
        let request = AuthorizationRequest::parse(body)?;
        let caller = self.ground.caller(shown, request.client_id.as_deref())?;
        self.check_form(&request)?;
        let expires_at = self.ground.clock.now().plus_seconds(PUSHED_SECONDS);
        let authorization = self.authorization(&caller, request, expires_at)?;
        let secret = base64url::encode(self.ground.random.array::<32>());
        let key = self.ground.request_uri_hash(&secret);
        let one_time = OneTime { key, leads_to: LeadsTo::Authorization(authorization.id), expires_at };
        let mut guards = vec![Guard::Absent(Key::Authorization(authorization.id)), Guard::Absent(Key::OneTime(key))];
        let own = guards.len();
        guards.extend(caller.spending.guards());
        let mut writes = vec![Write::Put(Record::Authorization(authorization)), Write::Put(Record::OneTime(one_time))];
        writes.extend(caller.spending.writes());
        match self.ground.store.commit(Commit { guards, writes, ..Commit::default() }) {
            Ok(_) => Ok(Self::answer_of_push(&secret)),
            Err(CommitError::GuardFailed(at)) if at >= own => Err(caller.spending.replayed(at - own).into()),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// What can be said of a request by itself.
    fn check_form(&self, request: &AuthorizationRequest) -> Result<(), AuthorizationError> {
        if let Some(name) = request.by_object {
            return Err(AuthorizationError::NotPushable(name));
        }
        match request.response_type.as_deref() {
            Some("code") => {}
            None => return Err(AuthorizationError::Missing("response_type")),
            Some(_) => return Err(AuthorizationError::ResponseType),
        }
        if request.response_mode.as_deref().is_some_and(|mode| mode != "query") {
            return Err(AuthorizationError::ResponseMode);
        }
        let printable = |state: &str| state.len() <= STATE_BYTES && state.bytes().all(|c| (0x20..0x7f).contains(&c));
        if request.state.as_deref().is_some_and(|state| !printable(state)) {
            return Err(AuthorizationError::State);
        }
        if !request.resource.iter().all(|resource| self.ground.is_resource(resource)) {
            return Err(AuthorizationError::Resource);
        }
        let challenge = request.code_challenge.as_deref().ok_or(AuthorizationError::Missing("code_challenge"))?;
        // Left out, it would mean `plain` (RFC 7636 section 4.3), which shows the verifier to whoever sees the request.
        if request.code_challenge_method.as_deref() != Some("S256") {
            return Err(AuthorizationError::ChallengeMethod);
        }
        base64url::decode_array::<32>(challenge).map(drop).map_err(|_| AuthorizationError::Challenge)
    }

    fn authorization(
        &self,
        caller: &Caller,
        request: AuthorizationRequest,
        expires_at: Timestamp,
    ) -> Result<Authorization, AuthorizationError> {
        let client_id = request.client_id.as_deref().ok_or(AuthorizationError::Missing("client_id"))?;
        let redirect_uri = request.redirect_uri.as_deref().ok_or(AuthorizationError::Missing("redirect_uri"))?;
        self.check_client(client_id, redirect_uri)?;
        let dpop_jkt = dpop_key(caller, request.dpop_jkt.as_deref())?;
        let offer = request.issuer_state.as_deref().map(|state| self.offer_of(state)).transpose()?;
        let Asked { configurations, by_identifier } = self.asked(&request, offer.as_ref())?;
        Ok(Authorization {
            id: AuthorizationId::random(&*self.ground.random),
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state: request.state,
            code_challenge: request.code_challenge.unwrap_or_default(),
            configurations,
            by_identifier,
            offered_to: offer.as_ref().map(|offer| offer.person),
            offer: offer.map(|offer| offer.id),
            instance: caller.instance.clone(),
            attested: caller.attested,
            dpop_jkt,
            step: Step::Pushed,
            expires_at,
        })
    }

    /// Passes when the client is known and may be sent back there. Where the answer goes is believed from the register or
    /// the operator's settings, never from the request.
    fn check_client(&self, client_id: &str, redirect_uri: &str) -> Result<(), AuthorizationError> {
        let client = self.ground.wallet_client(client_id)?;
        if client.as_ref().is_some_and(|client| client.switched_off_at.is_some()) {
            return Err(AuthorizationError::ClientUnknown);
        }
        let admitted = !self.ground.profile.is_haip() && self.admitted.iter().any(|one| one.admits(redirect_uri));
        match client {
            Some(client) if client.redirect_uris.iter().any(|registered| is_same(registered, redirect_uri)) => Ok(()),
            _ if admitted => Ok(()),
            Some(_) => Err(AuthorizationError::RedirectUri),
            None => Err(AuthorizationError::ClientUnknown),
        }
    }

    /// The open offer that gave this `issuer_state`.
    fn offer_of(&self, issuer_state: &str) -> Result<Offer, AuthorizationError> {
        let offer = self.ground.offer_by_state(issuer_state)?;
        let now = self.ground.clock.now();
        offer.filter(|offer| !offer.redeemed && !is_over(offer, now)).ok_or(AuthorizationError::IssuerState)
    }

    /// The configurations that are asked for, each once. Scopes nobody knows are ignored (OpenID4VCI 1.0 section 5.1.2),
    /// configurations nobody knows are not. Who comes with an offer and asks for nothing gets what is offered, and nothing
    /// beyond it.
    fn asked(&self, request: &AuthorizationRequest, offer: Option<&Offer>) -> Result<Asked, AuthorizationError> {
        let can_be_had = |name: &str| {
            self.ground.types.get(name).is_some()
                && offer.is_none_or(|offer| offer.credential_types.iter().any(|offered| offered == name))
        };
        let mut configurations: Vec<String> = Vec::new();
        let details = request.authorization_details.as_deref().map(AuthorizationDetail::parse_list).transpose()?;
        let by_identifier = details.is_some();
        for name in details.into_iter().flatten().map(|detail| detail.credential_configuration_id) {
            if !can_be_had(&name) {
                return Err(BadAuthorizationDetails.into());
            }
            if !configurations.contains(&name) {
                configurations.push(name);
            }
        }
        for name in request.scope.iter().flat_map(|scope| scope.split(' ')) {
            if can_be_had(name) && !configurations.iter().any(|known| known == name) {
                configurations.push(name.to_owned());
            }
        }
        if let (true, Some(offer)) = (request.scope.is_none() && !by_identifier, offer) {
            configurations.clone_from(&offer.credential_types);
        }
        if configurations.is_empty() { Err(AuthorizationError::Scope) } else { Ok(Asked { configurations, by_identifier }) }
    }
}

/// The key that the code will be bound to: the one that was proved, or the one that is named (RFC 9449 section 10).
fn dpop_key(caller: &Caller, named: Option<&str>) -> Result<Option<String>, AuthorizationError> {
    match (&caller.dpop_jkt, named) {
        (Some(proved), Some(named)) if proved != named => Err(AuthorizationError::DpopKey),
        (None, Some(named)) if base64url::decode_array::<32>(named).is_err() => Err(AuthorizationError::DpopKey),
        (proved, named) => Ok(proved.clone().or_else(|| named.map(str::to_owned))),
    }
}
