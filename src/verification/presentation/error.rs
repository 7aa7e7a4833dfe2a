//! Why a call was not done.

use crate::verification::request_object::RequestSignError;

/// Why a presentation was not begun.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BeginError {
    /// Neither use case nor query.
    #[error("neither a use case nor a query is given")]
    NothingAsked,
    /// There is no such use case.
    #[error("there is no such use case")]
    UseCaseUnknown,
    /// The account is limited to other use cases.
    #[error("this checkpoint is not registered for this use case")]
    UseCaseNotAllowed,
    /// The account is limited to use cases, and this is a query of its own.
    #[error("this checkpoint asks by use case only")]
    QueryNotAllowed,
    /// The query is not as OpenID4VP 1.0 section 6 wants it.
    #[error("query: {0}")]
    Query(String),
    /// The query asks for more than the use case registers.
    #[error("the query asks for more than the use case registers: {0}")]
    AsksTooMuch(String),
    /// The boarding pass cannot be read.
    #[error("boarding pass: {0}")]
    BoardingPass(String),
    /// Same device without an address to come back to.
    #[error("redirect_uri is missing: the same-device flow comes back to a page")]
    RedirectUriMissing,
    /// An address to come back to in a flow that does not come back.
    #[error("redirect_uri is for the same-device flow only")]
    RedirectUriNotUsed,
    /// The address to come back to is not registered with the account.
    #[error("redirect_uri is not registered with this checkpoint")]
    RedirectUriNotAllowed,
    /// An origin in a flow that has none.
    #[error("origin is for the Digital Credentials API only")]
    OriginNotUsed,
    /// The origin is neither ours nor registered with the account.
    #[error("origin is not registered with this checkpoint")]
    OriginNotAllowed,
    /// The transaction data is not as OpenID4VP 1.0 section 8.4 wants it.
    #[error("transaction_data: {0}")]
    TransactionData(&'static str),
    /// An answer in the clear, where others could read it.
    #[error("answers in the clear are taken only where the public URL is this machine itself")]
    InTheClearNotAllowed,
    /// Too many presentations of this checkpoint are open.
    #[error("too many presentations of this checkpoint are open")]
    TooManyOfCheckpoint,
    /// Too many presentations are open in all.
    #[error("too many presentations are open")]
    TooMany,
    /// The request was not signed.
    #[error(transparent)]
    Sign(#[from] RequestSignError),
}

/// Why a presentation was not shown to who asks, or not changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LookError {
    /// There is none of this name, or none any more, or it is another checkpoint's: the same answer.
    #[error("there is no such presentation")]
    NotFound,
    /// The response code is wrong; after a few of them the result is destroyed.
    #[error("the response code is wrong")]
    WrongCode,
    /// It is over: what was to be changed cannot change any more.
    #[error("the presentation is over")]
    Over,
    /// The boarding pass cannot be read, or the use case takes none.
    #[error("the boarding pass cannot be read")]
    BoardingPass,
    /// Too many results are at hand. Nothing was taken.
    #[error("too many results are at hand")]
    Full,
}

/// Why a wallet got no request object.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// There is no such request, or it is past its time.
    #[error("there is no such request")]
    Unknown,
    /// It was fetched before.
    #[error("the request was fetched before")]
    Used,
    /// It was not signed.
    #[error(transparent)]
    Sign(#[from] RequestSignError),
}

/// Why a response was not taken, as the wallet is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResponseError {
    /// There is no such request, it is past its time, or it was answered: the same answer.
    #[error("there is no open request here")]
    NotOpen,
    /// Too many results are at hand. Nothing was taken, and the wallet may try again.
    #[error("too many results are at hand")]
    Full,
    /// A protocol fault: `invalid_request`. The request is spent, and the checkpoint sees why.
    #[error("the response cannot be read: {0}")]
    Malformed(&'static str),
    /// A presentation fails its checks: `invalid_presentation`.
    #[error("a presentation is not valid or does not answer the request")]
    InvalidPresentation,
}
