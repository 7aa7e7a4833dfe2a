//! What a wallet answered, examined. Pure but for the statuses, which the caller looks up.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::{error::ResponseError, plan::Plan, session::Asked, sessions::Taken};
use crate::{
    base::{
        limits::{KEY_BINDING_AGE_SECONDS, RESPONSE_BODY_BYTES},
        time::Timestamp,
    },
    crypto::jwe,
    format::{
        dcql::CredentialQuery,
        openid::presentation::{PostedResponse, ResponseError as Unreadable, VpToken, WalletError},
    },
    model::{
        reason::ReasonCode,
        statement::{CheckName, Statement},
    },
    verification::{
        Expectations, Fault, HolderBinding, Part, Rules, StatusAnswer, Trust, compose, compose::nothing_presented, examine,
        lookup::Wanted,
    },
};

/// What examining an answer came to.
pub(super) struct Verdict {
    /// What the checkpoint is told.
    pub statement: Statement,
    /// Whether the wallet is told that its answer was examined and fits: a decision about status or policy is the
    /// checkpoint's to tell.
    pub answer: Result<(), ResponseError>,
    /// The presentations by credential query, where they could be read.
    pub presentations: Map<String, Value>,
}

/// Examines the answer to a request. `look_up` is asked only for credentials that passed.
pub(super) fn examine_answer(
    posted: Result<PostedResponse, Unreadable>,
    taken: &Taken,
    trust: &Trust,
    at: Timestamp,
    look_up: &dyn Fn(&Wanted) -> Option<StatusAnswer>,
) -> Verdict {
    let read = posted.map_err(|error| Unread::malformed("response", error.to_string()));
    let read = read.and_then(|posted| open(posted, &taken.asked)).and_then(|vp_token| {
        VpToken::read(&vp_token, &taken.plan.query).map_err(|error| Unread::malformed("vp_token", error.to_string()))
    });
    match read {
        Ok(presentations) => examine_all(presentations, taken, trust, at, look_up),
        Err(Unread { fault, answer }) => Verdict { statement: nothing_presented(fault, at), answer, presentations: Map::new() },
    }
}

/// An answer without presentations.
struct Unread {
    fault: Fault,
    answer: Result<(), ResponseError>,
}

impl Unread {
    fn malformed(what: &'static str, error: impl Into<String>) -> Self {
        let fault = Fault { check: CheckName::Format, reason: ReasonCode::ResponseMalformed, error: error.into() };
        Self { fault, answer: Err(ResponseError::Malformed(what)) }
    }

    /// The wallet answered with an error, which is an answer (OpenID4VP 1.0 section 8.5).
    fn wallet_error(error: &WalletError) -> Self {
        let reason = match error {
            WalletError::AccessDenied => ReasonCode::DeclinedByHolder,
            _ => ReasonCode::WalletError,
        };
        Self { fault: Fault { check: CheckName::Query, reason, error: name_of(error).to_owned() }, answer: Ok(()) }
    }
}

/// The code of OpenID4VP 1.0 section 8.5.
const fn name_of(error: &WalletError) -> &'static str {
    match error {
        WalletError::AccessDenied => "access_denied",
        WalletError::InvalidRequest => "invalid_request",
        WalletError::InvalidClient => "invalid_client",
        WalletError::InvalidScope => "invalid_scope",
        WalletError::InvalidRequestUriMethod => "invalid_request_uri_method",
        WalletError::InvalidTransactionData => "invalid_transaction_data",
        WalletError::VpFormatsNotSupported => "vp_formats_not_supported",
        WalletError::WalletUnavailable => "wallet_unavailable",
        WalletError::Other => "another error of the wallet",
    }
}

/// Decrypts, compares `state`, and gives `vp_token`.
fn open(posted: PostedResponse, asked: &Asked) -> Result<Value, Unread> {
    let (posted, in_the_clear) = match (posted, &asked.key) {
        (PostedResponse::Encrypted(text), Some(key)) => {
            let kid = asked.response.to_string();
            let opened = jwe::decrypt(&text, key, &kid, RESPONSE_BODY_BYTES);
            let opened = opened.map_err(|error| Unread::malformed("response", error.to_string()))?;
            let posted = PostedResponse::from_decrypted(opened.plaintext.expose());
            (posted.map_err(|error| Unread::malformed("response", error.to_string()))?, false)
        }
        (PostedResponse::Encrypted(_), None) => return Err(Unread::malformed("response", "nothing was to be encrypted")),
        (plain, _) => (plain, true),
    };
    let (outcome, state) = match posted {
        PostedResponse::Error { error, state } => (Err(Unread::wallet_error(&error)), state),
        PostedResponse::Plain { .. } if in_the_clear && asked.key.is_some() => {
            return Err(Unread::malformed("response", "not encrypted, as was asked for"));
        }
        PostedResponse::Plain { vp_token, state } => (Ok(vp_token), state),
        PostedResponse::Encrypted(_) => return Err(Unread::malformed("response", "encrypted twice")),
    };
    let same = |ours: &String| state.as_ref().is_some_and(|theirs| bool::from(ours.as_bytes().ct_eq(theirs.as_bytes())));
    if !asked.state.as_ref().is_none_or(same) {
        return Err(Unread::malformed("state", "state is missing or another request's"));
    }
    outcome
}

fn examine_all(
    presentations: VpToken,
    taken: &Taken,
    trust: &Trust,
    at: Timestamp,
    look_up: &dyn Fn(&Wanted) -> Option<StatusAnswer>,
) -> Verdict {
    let Taken { plan, boarding_pass, asked, .. } = taken;
    let trust = plan.use_case.as_deref().map_or(Cow::Borrowed(trust), |case| trust.of_use_case(case));
    let mut parts = Vec::new();
    // In the order of the query, so that who decides does not hang on names.
    for query in &plan.query.credentials {
        for text in presentations.of(&query.id) {
            let examined = examine(text, &trust, &expectations(query, text, plan, asked), at);
            parts.push(Part { query_id: Some(query.id.clone()), examined, status: None });
        }
    }
    let fault = fault(&parts, plan);
    let fits = fault.is_none() && parts.iter().all(|part| part.examined.refused().is_none());
    if fits {
        // One answer with something forged in it makes nobody ask anything anywhere.
        for part in &mut parts {
            part.status = part.examined.wanted_status().as_ref().and_then(look_up);
        }
    }
    let rules = Rules::of(plan.use_case.as_deref(), boarding_pass.as_deref(), plan.expected_flight.as_ref());
    let statement = compose(parts, fault, &rules, at);
    let answer = if fits { Ok(()) } else { Err(ResponseError::InvalidPresentation) };
    let of_query = |query: &CredentialQuery| {
        let texts = presentations.of(&query.id);
        (!texts.is_empty()).then(|| (query.id.clone(), Value::from(texts)))
    };
    Verdict { statement, answer, presentations: plan.query.credentials.iter().filter_map(of_query).collect() }
}

fn expectations(query: &CredentialQuery, text: &str, plan: &Plan, asked: &Asked) -> Expectations {
    // A presentation that is bound although it need not be has to be bound to this request (RFC 9901 section 7.3).
    let is_bound = !text.ends_with('~');
    let binding = if query.require_cryptographic_holder_binding || is_bound {
        HolderBinding::Required { nonce: Some(asked.nonce.clone()), audience: asked.audience.clone() }
    } else {
        HolderBinding::NotRequired
    };
    let confirms = plan.transactions.iter().filter(|transaction| transaction.credential_ids.contains(&query.id));
    Expectations {
        max_proof_age_seconds: plan.use_case.as_ref().map_or(KEY_BINDING_AGE_SECONDS, |case| case.max_proof_age_seconds),
        query: Some(query.clone()),
        transaction_data: confirms.map(|transaction| transaction.entry.clone()).collect(),
        ..Expectations::new(binding)
    }
}

/// What is missing in the answer as a whole: credentials that were asked for, or a transaction that nobody confirmed.
fn fault(parts: &[Part], plan: &Plan) -> Option<Fault> {
    let answered: BTreeSet<_> = parts.iter().filter_map(|part| part.query_id.as_deref()).collect();
    if let Err(unanswered) = plan.query.check_answered(&answered) {
        let (check, reason) = (CheckName::Query, ReasonCode::QueryNotAnswered);
        return Some(Fault { check, reason, error: unanswered.to_string() });
    }
    let confirmed = |entry: &String| parts.iter().any(|part| part.examined.confirms(entry));
    if plan.transactions.iter().all(|transaction| confirmed(&transaction.entry)) {
        return None;
    }
    let (check, reason) = (CheckName::TransactionData, ReasonCode::TransactionDataMismatch);
    Some(Fault { check, reason, error: "transaction data was not confirmed".to_owned() })
}
