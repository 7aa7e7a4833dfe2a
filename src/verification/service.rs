//! Verification of a presentation already in hand, online: examine, look up, decide. Nothing is stored.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::Deserialize;

use super::{
    decide::decide,
    examine::{Examined, examine, examine_all},
    expectations::{AcceptedTypes, Expectations, HolderBinding},
    lookup::Wanted,
    policy::{Policy, WhenTooOld},
    statuses::Statuses,
    trust::Trust,
};
use crate::{
    base::{
        clock::Clock,
        limits::{NONCE_BYTES, VERIFICATIONS_FETCH_SECONDS},
        time::Timestamp,
    },
    model::statement::Statement,
};

/// `POST /checkpoint/api/v1/verifications`, as a checkpoint sends it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationRequest {
    /// The presentation: an SD-JWT VC with key binding, in the compact form.
    pub presentation: String,
    /// The nonce that the checkpoint gave to the wallet. May be missing where the policy says so.
    #[serde(default)]
    pub nonce: Option<String>,
    /// The checkpoint's identifier, as it gave it to the wallet.
    #[serde(default)]
    pub audience: Option<String>,
    /// Whatever differs from the default policy.
    #[serde(default)]
    pub policy: RequestedPolicy,
}

/// What a checkpoint may ask for otherwise than by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestedPolicy {
    /// Whether the presenter proves to be the holder; `required` unless said otherwise.
    #[serde(default)]
    pub holder_binding: Demand,
    /// Whether the proof has to answer a nonce; `required` unless said otherwise.
    #[serde(default)]
    pub nonce: Demand,
    /// The types that are accepted, each by its `vct`, or by its name where it is one of ours; all when missing.
    #[serde(default)]
    pub types: Option<BTreeSet<String>>,
    /// The oldest good status that is good enough, in seconds.
    #[serde(default)]
    pub max_status_age_seconds: Option<u32>,
    /// What follows when it is older.
    #[serde(default)]
    pub when_status_too_old: Option<Consequence>,
    /// Whether a credential that names no status is refused.
    #[serde(default)]
    pub require_status: bool,
}

/// Whether something is demanded.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// It has to be there.
    #[default]
    Required,
    /// It is not asked for.
    None,
}

/// What is decided when a status is too old.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// A person decides.
    Undetermined,
    /// Refused.
    Refused,
}

/// Why a call cannot be answered with a statement: it is the checkpoint's mistake, and says nothing of the card.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// No nonce, and the policy does not do without.
    #[error("nonce is missing: give the nonce of the request, or a policy with \"nonce\":\"none\"")]
    NonceMissing,
    /// No audience.
    #[error("audience is missing: give the identifier under which the wallet was asked")]
    AudienceMissing,
    /// Empty, or longer than [`NONCE_BYTES`].
    #[error("{0} is empty or too long")]
    Length(&'static str),
    /// A nonce or audience that would not be looked at.
    #[error("{0} is given, but the policy does not ask for it")]
    NotAskedFor(&'static str),
}

/// How far a verification came without waiting.
#[derive(Clone, Debug)]
pub enum Begun {
    /// To its end.
    Decided(Box<Statement>),
    /// To a status that another issuer keeps: [`Verifier::finish`] fetches it.
    Waits(Box<Waiting>),
}

/// A presentation that was examined and waits for its status.
#[derive(Clone, Debug)]
pub struct Waiting {
    examined: Examined,
    wanted: Option<Wanted>,
    policy: Policy,
    at: Timestamp,
}

/// Verifies presentations with what this service knows.
#[derive(Clone)]
pub struct Verifier {
    statuses: Arc<Statuses>,
    clock: Arc<dyn Clock>,
    trust: Arc<Trust>,
}

impl Verifier {
    /// A verifier that believes whom `trust` believes.
    pub fn new(statuses: Arc<Statuses>, clock: Arc<dyn Clock>, trust: Arc<Trust>) -> Self {
        Self { statuses, clock, trust }
    }

    /// The statement about a presentation, as of now. A decision of any kind is `Ok`. May wait for the status list of
    /// another issuer, so it belongs into the blocking pool; [`begin`](Self::begin) does not.
    pub fn verify(&self, request: &VerificationRequest) -> Result<Statement, RequestError> {
        Ok(match self.begin(request)? {
            Begun::Decided(statement) => *statement,
            Begun::Waits(waiting) => self.finish(*waiting),
        })
    }

    /// As [`verify`](Self::verify), as far as it goes without waiting for anybody: to its end, unless the status of another
    /// issuer's credential is wanted.
    pub fn begin(&self, request: &VerificationRequest) -> Result<Begun, RequestError> {
        let expectations = self.expectations(request)?;
        let (policy, at) = (request.policy.decided(), self.clock.now());
        let examined = examine(&request.presentation, &self.trust, &expectations, at);
        let waiting = Waiting { wanted: examined.wanted_status(), examined, policy, at };
        Ok(match &waiting.wanted {
            Some(wanted) if !self.statuses.answers_at_once(wanted, &self.trust) => Begun::Waits(Box::new(waiting)),
            _ => Begun::Decided(Box::new(self.finish(waiting))),
        })
    }

    /// Looks the status up and decides. May wait, and belongs into the blocking pool.
    pub fn finish(&self, waiting: Waiting) -> Statement {
        let Waiting { examined, wanted, policy, at } = waiting;
        let answer = wanted.and_then(|wanted| self.statuses.look_up(&wanted, &self.trust));
        decide(examined, answer.as_slice(), &policy, at)
    }

    /// The statements about several presentations as of one moment, in their order, each the same as
    /// [`verify`](Self::verify) gives. Others' status lists are asked for within [`VERIFICATIONS_FETCH_SECONDS`] in all; a
    /// status that is not known then is undetermined. Belongs into the blocking pool.
    pub fn verify_all(&self, requests: &[VerificationRequest]) -> Vec<Result<Statement, RequestError>> {
        let (begun, at) = (self.clock.monotonic(), self.clock.now());
        let expectations: Vec<_> = requests.iter().map(|request| self.expectations(request)).collect();
        let well_formed = requests.iter().zip(&expectations).filter_map(|(request, expectations)| {
            expectations.as_ref().ok().map(|expectations| (request.presentation.as_str(), expectations))
        });
        let mut examined = examine_all(&well_formed.collect::<Vec<_>>(), &self.trust, at).into_iter();
        let end = begun + Duration::from_secs(VERIFICATIONS_FETCH_SECONDS);
        let conclude = |(request, expectations): (&VerificationRequest, Result<Expectations, RequestError>)| {
            expectations?;
            // One for each that is well-formed; without one nothing was examined, and nothing passes.
            let Some(examined) = examined.next() else { return Err(RequestError::Length("presentation")) };
            let may_wait = self.clock.monotonic() < end;
            let in_time = |wanted: &Wanted| may_wait || self.statuses.answers_at_once(wanted, &self.trust);
            let wanted = examined.wanted_status().filter(in_time);
            Ok(self.finish(Waiting { examined, wanted, policy: request.policy.decided(), at }))
        };
        requests.iter().zip(expectations).map(conclude).collect()
    }

    fn expectations(&self, request: &VerificationRequest) -> Result<Expectations, RequestError> {
        let policy = &request.policy;
        let (nonce, audience) = (bounded("nonce", &request.nonce)?, bounded("audience", &request.audience)?);
        let holder_binding = match (policy.holder_binding, policy.nonce) {
            (Demand::None, _) if nonce.is_some() => return Err(RequestError::NotAskedFor("nonce")),
            (Demand::None, _) if audience.is_some() => return Err(RequestError::NotAskedFor("audience")),
            (Demand::None, _) => HolderBinding::NotRequired,
            (Demand::Required, Demand::Required) if nonce.is_none() => return Err(RequestError::NonceMissing),
            (Demand::Required, _) => {
                HolderBinding::Required { nonce, audience: audience.ok_or(RequestError::AudienceMissing)? }
            }
        };
        let mut expectations = Expectations::new(holder_binding);
        if let Some(types) = &policy.types {
            expectations.types = AcceptedTypes::Only(types.iter().map(|name| self.vct(name)).collect());
        }
        Ok(expectations)
    }

    /// A name without a colon cannot be a `vct`, which is a URL or a URN.
    fn vct(&self, name: &str) -> String {
        match self.trust.own() {
            Some(own) if !name.contains(':') => format!("{}/credential-types/{name}", own.url),
            _ => name.to_owned(),
        }
    }
}

impl RequestedPolicy {
    fn decided(&self) -> Policy {
        let default = Policy::default();
        Policy {
            max_status_age_seconds: self.max_status_age_seconds.map_or(default.max_status_age_seconds, i64::from),
            when_too_old: match self.when_status_too_old {
                Some(Consequence::Refused) => WhenTooOld::Refused,
                Some(Consequence::Undetermined) | None => default.when_too_old,
            },
            requires_status: self.require_status,
        }
    }
}

fn bounded(name: &'static str, value: &Option<String>) -> Result<Option<String>, RequestError> {
    match value {
        Some(text) if text.is_empty() || text.len() > NONCE_BYTES => Err(RequestError::Length(name)),
        _ => Ok(value.clone()),
    }
}
