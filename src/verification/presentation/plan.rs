//! An order once it was found good: what is fixed of a presentation.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    error::BeginError,
    order::{Account, Flow, Order, SERVICE},
};
use crate::{
    base::{
        limits::{RESULT_SECONDS_DEFAULT, TRANSACTION_DATA_BYTES, TRANSACTION_DATA_ENTRIES},
        origin::Origin,
    },
    format::{boarding_pass::BoardingPass, dcql::Query, openid::presentation::TransactionData, sdjwt::CREDENTIAL_TYPE},
    model::{
        ids::TokenId,
        use_case::{BoardingPassRule, UseCase, UseCases},
    },
    verification::boarding::ExpectedFlight,
};

/// What the holder is to confirm.
pub(super) struct Transaction {
    /// The entry as it stands in the request.
    pub entry: String,
    /// The credential queries whose credentials may confirm it.
    pub credential_ids: Vec<String>,
}

/// What is fixed of a presentation.
pub(super) struct Plan {
    pub token: TokenId,
    pub use_case: Option<Arc<UseCase>>,
    pub query: Query,
    pub flow: Flow,
    pub redirect_uri: Option<String>,
    /// The origin of the page that asks; empty but for the Digital Credentials API.
    pub origin: String,
    pub transactions: Vec<Transaction>,
    pub expected_flight: Option<ExpectedFlight>,
    pub in_the_clear: bool,
    pub signed_statement: bool,
    pub results_stay: Duration,
}

impl Plan {
    /// Checks an order. Nothing is begun that the account may not ask, or that no answer could satisfy.
    pub(super) fn of(order: Order, use_cases: &UseCases, own: &Origin) -> Result<Self, BeginError> {
        let use_case = use_case(&order, use_cases)?;
        let query = query(&order, use_case.as_deref())?;
        check_redirect(&order)?;
        let origin = origin(&order, own.as_str())?;
        if order.in_the_clear && !own.is_loopback() {
            return Err(BeginError::InTheClearNotAllowed);
        }
        let transactions = transactions(&order.transaction_data, &query, use_case.as_deref())?;
        let stay = use_case.as_ref().map_or(RESULT_SECONDS_DEFAULT, |case| case.results_seconds);
        Ok(Self {
            token: order.account.token,
            use_case,
            query,
            flow: order.flow,
            redirect_uri: order.redirect_uri,
            origin,
            transactions,
            expected_flight: order.expected_flight,
            in_the_clear: order.in_the_clear,
            signed_statement: order.signed_statement,
            results_stay: Duration::from_secs(u64::try_from(stay).unwrap_or_default()),
        })
    }

    /// Whether its code is replaced while it waits: a code that others can see, and no link that was followed.
    pub(super) const fn rotates(&self) -> bool {
        matches!(self.flow, Flow::CrossDevice)
    }

    /// The boarding pass in a bar code.
    pub(super) fn boarding_pass(&self, text: &str) -> Result<BoardingPass, BeginError> {
        if self.use_case.as_ref().is_some_and(|case| case.boarding_pass == BoardingPassRule::None) {
            return Err(BeginError::BoardingPass("this use case takes no boarding pass".to_owned()));
        }
        BoardingPass::parse(text).map_err(|error| BeginError::BoardingPass(error.to_string()))
    }
}

fn use_case(order: &Order, use_cases: &UseCases) -> Result<Option<Arc<UseCase>>, BeginError> {
    let Some(name) = &order.use_case else { return Ok(None) };
    if order.account.token == SERVICE {
        return use_cases.sign_in().cloned().map(Some).ok_or(BeginError::UseCaseUnknown);
    }
    let Account { use_cases: allowed, .. } = &order.account;
    // Whether there is one of that name is no business of an account that may not use it.
    if allowed.as_ref().is_some_and(|allowed| !allowed.contains(name)) {
        return Err(BeginError::UseCaseNotAllowed);
    }
    use_cases.get(name).cloned().map(Some).ok_or(BeginError::UseCaseUnknown)
}

fn query(order: &Order, use_case: Option<&UseCase>) -> Result<Query, BeginError> {
    let own = |json: &Value| Query::read(json).map_err(|error| BeginError::Query(error.to_string()));
    let query = match (&order.query, use_case) {
        (None, None) => return Err(BeginError::NothingAsked),
        (None, Some(case)) => case.query().clone(),
        (Some(_), None) if order.account.use_cases.is_some() => return Err(BeginError::QueryNotAllowed),
        (Some(json), None) => own(json)?,
        (Some(json), Some(case)) => {
            let query = own(json)?;
            case.narrow(&query).map_err(|excess| BeginError::AsksTooMuch(excess.to_string()))?;
            query
        }
    };
    match query.credentials.iter().find(|asked| asked.meta.format() != CREDENTIAL_TYPE) {
        None => Ok(query),
        Some(asked) => {
            let (id, format) = (&asked.id, asked.meta.format());
            Err(BeginError::Query(format!("{CREDENTIAL_TYPE} is verified here, and {id} asks for {format}")))
        }
    }
}

/// The address is compared whole: a prefix would let a page of somebody else's in.
fn check_redirect(order: &Order) -> Result<(), BeginError> {
    match (&order.redirect_uri, order.flow) {
        (None, Flow::SameDevice) => Err(BeginError::RedirectUriMissing),
        (Some(_), Flow::CrossDevice | Flow::DcApi) => Err(BeginError::RedirectUriNotUsed),
        (Some(uri), Flow::SameDevice) if !order.account.redirect_uris.contains(uri) => Err(BeginError::RedirectUriNotAllowed),
        _ => Ok(()),
    }
}

fn origin(order: &Order, own_origin: &str) -> Result<String, BeginError> {
    match (&order.origin, order.flow) {
        (None, Flow::DcApi) => Ok(own_origin.to_owned()),
        (Some(origin), Flow::DcApi) if origin == own_origin || order.account.origins.contains(origin) => Ok(origin.clone()),
        (Some(_), Flow::DcApi) => Err(BeginError::OriginNotAllowed),
        (None, _) => Ok(String::new()),
        (Some(_), _) => Err(BeginError::OriginNotUsed),
    }
}

fn transactions(
    entries: &[Map<String, Value>],
    query: &Query,
    use_case: Option<&UseCase>,
) -> Result<Vec<Transaction>, BeginError> {
    if entries.len() > TRANSACTION_DATA_ENTRIES {
        return Err(BeginError::TransactionData("too many entries"));
    }
    entries.iter().map(|entry| transaction(entry.clone(), query, use_case)).collect()
}

fn transaction(mut entry: Map<String, Value>, query: &Query, use_case: Option<&UseCase>) -> Result<Transaction, BeginError> {
    let wrong = |what| Err(BeginError::TransactionData(what));
    let Some(Value::String(transaction_type)) = entry.remove("type") else { return wrong("type is missing") };
    if use_case.is_some_and(|case| !case.transaction_data_types.contains(&transaction_type)) {
        return wrong("the use case does not register this type");
    }
    let ids = entry.remove("credential_ids");
    let ids = ids.as_ref().and_then(Value::as_array).map(|ids| ids.iter().map(|id| id.as_str().map(str::to_owned)).collect());
    let Some(Some(credential_ids)): Option<Option<Vec<String>>> = ids else { return wrong("credential_ids is missing") };
    // Only a proof of the holder carries the hashes (OpenID4VP 1.0 section 8.4).
    let can_confirm = |id: &String| query.credential(id).is_some_and(|asked| asked.require_cryptographic_holder_binding);
    if credential_ids.is_empty() || !credential_ids.iter().all(can_confirm) {
        return wrong("credential_ids names no credential of the query that proves its holder");
    }
    if entry.remove("transaction_data_hashes_alg").is_some() {
        return wrong("transaction_data_hashes_alg is ours to choose");
    }
    let entry = TransactionData { transaction_type, credential_ids: credential_ids.clone(), details: entry }.encode();
    if entry.len() > TRANSACTION_DATA_BYTES {
        return wrong("an entry is too long");
    }
    Ok(Transaction { entry, credential_ids })
}
