//! What is wrong with an order of a checkpoint, for people.

use crate::{
    http::problem::{Kind, Problem, Words},
    verification::{
        admission::AdmitError,
        presentation::{BeginError, FetchError, LookError},
        request_object::RequestSignError,
    },
};

impl From<BeginError> for Problem {
    fn from(error: BeginError) -> Self {
        use BeginError as E;
        let english = error.to_string();
        let field = |pointer, code, zh| Self::field(pointer, code, Words::new(zh, english));
        match error {
            E::NothingAsked => field("/use_case", "missing", "须给出 use_case 或 query"),
            E::UseCaseUnknown => field("/use_case", "unknown_use_case", "没有此用途"),
            E::UseCaseNotAllowed => Kind::UseCaseNotAllowed.into(),
            E::QueryNotAllowed => Kind::QueryNotAllowed.into(),
            E::Query(_) => field("/query", "invalid", "query 不符合 OpenID4VP 1.0 第 6 节"),
            E::AsksTooMuch(_) => Kind::AsksTooMuch.into(),
            E::BoardingPass(_) => pass_unreadable(),
            E::RedirectUriMissing => field("/redirect_uri", "missing", "同机流程须给出 redirect_uri"),
            E::RedirectUriNotUsed => field("/redirect_uri", "not_asked_for", "只有同机流程才用 redirect_uri"),
            E::RedirectUriNotAllowed => Kind::RedirectUriNotAllowed.into(),
            E::OriginNotUsed => field("/origin", "not_asked_for", "只有浏览器流程才用 origin"),
            E::OriginNotAllowed => Kind::OriginNotAllowed.into(),
            E::TransactionData(_) => field("/transaction_data", "invalid", "transaction_data 不符合 OpenID4VP 1.0 第 8.4 节"),
            E::TooManyOfCheckpoint => Kind::TooManyOpen.into(),
            E::TooMany => Kind::Busy.into(),
            E::InTheClearNotAllowed => field("/response_mode", "not_allowed", "只有本机试用时才允许不加密的回答"),
            E::Sign(error) => error.into(),
        }
    }
}

impl From<LookError> for Problem {
    fn from(error: LookError) -> Self {
        match error {
            LookError::NotFound => Kind::NotFound.into(),
            LookError::WrongCode => Kind::ResponseCodeWrong.into(),
            LookError::Over => Kind::PresentationOver.into(),
            LookError::BoardingPass => pass_unreadable(),
            LookError::Full => Kind::Busy.into(),
        }
    }
}

impl From<FetchError> for Problem {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unknown => Kind::NotFound.into(),
            FetchError::Used => Kind::RequestUsed.into(),
            FetchError::Sign(error) => error.into(),
        }
    }
}

impl From<RequestSignError> for Problem {
    fn from(error: RequestSignError) -> Self {
        match error {
            RequestSignError::Sign(error) => error.into(),
            // The operator has to renew what names this verifier; nobody else can do anything.
            RequestSignError::Expired(_) => Kind::SignerUnavailable.into(),
            RequestSignError::Unsigned => Kind::Internal.into(),
        }
    }
}

/// Whatever is wrong with it: what is printed on it is not repeated.
pub(super) fn pass_unreadable() -> Problem {
    let words = Words::new(
        "登机牌条码无法读取，或此用途不用登机牌",
        "the bar code cannot be read, or the use case takes no boarding pass",
    );
    Problem::field("/boarding_pass", "invalid", words)
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::NotAllowed(error) => error.into(),
            AdmitError::NotFound => Kind::NotFound.into(),
            AdmitError::NotUndetermined => Kind::NotUndetermined.into(),
            AdmitError::Already => Kind::AdmittedAlready.into(),
            AdmitError::Commit(error) => error.into(),
        }
    }
}
