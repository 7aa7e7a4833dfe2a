//! Errors of issuance as problems (to administrators) and as errors of the protocol (to wallets).

use crate::{
    http::{
        oauth_error::OAuthError,
        problem::{FieldProblem, Kind, Problem, Words},
    },
    issuance::{
        Fault,
        authorize::{AuthorizationError, OpenError},
        credential::CredentialError,
        offer::OfferError,
        people::PeopleError,
        sign_in::{CodesError, MOST_LINES},
        token::TokenError,
        wallets::WalletsError,
    },
};

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Commit(error) => error.into(),
            Fault::Read(error) => error.into(),
            Fault::Sign(error) => error.into(),
            Fault::Busy => Kind::Busy.into(),
            Fault::TooOften(often) => often.into(),
            Fault::Sealed(_) | Fault::Record(_) | Fault::Make(_) | Fault::Clock => {
                // These name a kind of record or a step, never content.
                tracing::error!(%fault, "issuance failed on our side");
                Kind::Internal.into()
            }
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::NotAllowed(error) => error.into(),
            PeopleError::Fields(fields) => Self::fields(fields.into_iter().map(FieldProblem::from).collect()),
            PeopleError::IdNumberTaken => Kind::PersonExists.into(),
            PeopleError::NotFound => Kind::NotFound.into(),
            PeopleError::ChangedMeanwhile => Kind::ChangedMeanwhile.into(),
            PeopleError::TooManyWords => {
                Self::field("query", "too_long", Words::new("检索词过多", "the query has too many words"))
            }
            PeopleError::Fault(fault) => fault.into(),
        }
    }
}

impl From<OfferError> for Problem {
    fn from(error: OfferError) -> Self {
        let english = error.to_string();
        let field = |pointer: &str, code: &str, zh: &str| Self::field(pointer, code, Words::new(zh, &english));
        match error {
            OfferError::NotAllowed(error) => error.into(),
            OfferError::UnknownPerson => field("/person_id", "unknown_person", "没有此人"),
            OfferError::NoTypes => field("/credential_types", "empty", "至少指定一种证件"),
            OfferError::TxCodeWithoutCode => field("/tx_code", "not_offered", "验证码只能与预授权码一起使用"),
            OfferError::UnknownType(at) => {
                field(&format!("/credential_types/{at}"), "unknown_credential_type", "没有此证件种类")
            }
            OfferError::TypeTwice(at) => field(&format!("/credential_types/{at}"), "doubled", "证件种类重复"),
            OfferError::NotEligible { .. } => field("/credential_types", "not_eligible", "此人目前不符合该证件的签发条件"),
            OfferError::Fault(fault) => fault.into(),
        }
    }
}

impl From<WalletsError> for Problem {
    fn from(error: WalletsError) -> Self {
        let english = error.to_string();
        let field = |pointer: &str, code: &str, zh: &str| Self::field(pointer, code, Words::new(zh, &english));
        match error {
            WalletsError::NotAllowed(error) => error.into(),
            WalletsError::ClientId => field("/client_id", "invalid", "client_id 须为 1 至 512 个可打印 ASCII 字符"),
            WalletsError::Name => field("/name", "invalid", "名称须为 1 至 64 个字符，且不含控制字符"),
            WalletsError::TooManyAddresses => field("/redirect_uris", "too_many", "redirect_uris 过多"),
            WalletsError::Address(at) => {
                field(&format!("/redirect_uris/{at}"), "invalid", "须为 https 地址、本机地址或应用自有协议的地址，且不含片段")
            }
            WalletsError::AddressTwice(at) => field(&format!("/redirect_uris/{at}"), "doubled", "地址重复"),
            WalletsError::OtherClientId => field("/client_id", "fixed", "钱包的 client_id 不可更改；请登记另一个钱包"),
            WalletsError::Off => Kind::WalletOff.into(),
            WalletsError::ClientIdTaken => Kind::WalletExists.into(),
            WalletsError::NotFound => Kind::NotFound.into(),
            WalletsError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CodesError> for Problem {
    fn from(error: CodesError) -> Self {
        let english = error.to_string();
        match error {
            CodesError::NotAllowed(error) => error.into(),
            CodesError::NotFound => Kind::NotFound.into(),
            CodesError::NoLines => Self::field("", "empty", Words::new("没有给出身份号码，每行一个", english)),
            CodesError::TooManyLines => {
                Self::field("", "too_many", Words::new(format!("每次最多 {MOST_LINES} 个身份号码"), english))
            }
            CodesError::Fault(fault) => fault.into(),
        }
    }
}

impl From<TokenError> for OAuthError {
    fn from(error: TokenError) -> Self {
        match (error.code(), error) {
            (_, TokenError::Caller(error)) => error.into(),
            (Some(code), error) => Self::bad_request(code, &error.to_string()),
            (None, TokenError::Fault(fault)) => Problem::from(fault).into(),
            (None, _) => Problem::new(Kind::Internal).into(),
        }
    }
}

impl From<OpenError> for Problem {
    /// For the person in the browser; the wallet is told nothing of it.
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Form(_) | OpenError::NotPushed => Kind::InvalidRequest.into(),
            OpenError::Unknown | OpenError::OtherBrowser | OpenError::Answered => Kind::AuthorizationNotOpen.into(),
            OpenError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AuthorizationError> for OAuthError {
    fn from(error: AuthorizationError) -> Self {
        match (error.code(), error) {
            (_, AuthorizationError::Caller(error)) => error.into(),
            (Some(code), error) => Self::bad_request(code, &error.to_string()),
            (None, AuthorizationError::Fault(fault)) => Problem::from(fault).into(),
            (None, _) => Problem::new(Kind::Internal).into(),
        }
    }
}

impl From<CredentialError> for OAuthError {
    fn from(error: CredentialError) -> Self {
        match (error.code(), error) {
            (_, CredentialError::Access(error)) => error.into(),
            (Some(code), error) => Self::bad_request(code, &error.to_string()),
            (None, CredentialError::Fault(fault)) => Problem::from(fault).into(),
            (None, _) => Problem::new(Kind::Internal).into(),
        }
    }
}
