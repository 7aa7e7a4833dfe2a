//! The one map from the errors of every layer to problems. No wildcards: a new error has to be given its place.

use crate::{
    base::limits::{NONCE_BYTES, NOTE_BYTES},
    crypto::SignError,
    http::{
        auth::tokens::TokensError,
        problem::{Kind, Problem, Words},
    },
    model::{
        card::TransitionError,
        checkpoint::{AccountError, AccountWrong},
        party::NotAllowed,
    },
    revocation::lifecycle::LifecycleError,
    store::{CommitError, ReadError},
    verification::{evidence::OpenError, service::RequestError},
};

impl From<NotAllowed> for Problem {
    fn from(NotAllowed: NotAllowed) -> Self {
        Kind::Forbidden.into()
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Guarded => Kind::Guarded,
            ReadError::Damaged(_) => Kind::Internal,
            ReadError::Unavailable => Kind::StoreUnavailable,
        }
        .into()
    }
}

impl From<CommitError> for Problem {
    /// Services tell what a failed guard means; one that gets here raced with another change.
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::GuardFailed(_) => Kind::ChangedMeanwhile,
            CommitError::Unavailable => Kind::StoreUnavailable,
            CommitError::OutcomeUnknown => Kind::OutcomeUnknown,
            CommitError::ReadOnly => Kind::ReadOnly,
        }
        .into()
    }
}

impl From<SignError> for Problem {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Unavailable => Kind::SignerUnavailable,
            SignError::Failed => Kind::Internal,
        }
        .into()
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let english = error.to_string();
        match error {
            RequestError::NonceMissing => Self::field("/nonce", "missing", Words::new("缺少 nonce", english)),
            RequestError::AudienceMissing => Self::field("/audience", "missing", Words::new("缺少 audience", english)),
            RequestError::Length(member) => {
                let zh = format!("为空或超过 {NONCE_BYTES} 字节");
                Self::field(&format!("/{member}"), "invalid", Words::new(zh, english))
            }
            RequestError::NotAskedFor(member) => {
                Self::field(&format!("/{member}"), "not_asked_for", Words::new("按策略不应给出此字段", english))
            }
        }
    }
}

impl From<TokensError> for Problem {
    fn from(error: TokensError) -> Self {
        match error {
            TokensError::NotAllowed(error) => error.into(),
            TokensError::Name => {
                Self::field("/name", "invalid", Words::new("名称须为 1 至 100 个可见字符", TokensError::Name.to_string()))
            }
            TokensError::Account(error) => error.into(),
            TokensError::PairingNotOpen => Kind::PairingNotOpen.into(),
            TokensError::NotFound => Kind::NotFound.into(),
            TokensError::LastAdministrator => Kind::LastAdministrator.into(),
            TokensError::Commit(error) => error.into(),
            TokensError::Read(error) => error.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(AccountError { member, wrong }: AccountError) -> Self {
        use AccountWrong as W;
        let at = |place: usize| format!("/{member}/{place}");
        let (pointer, code, zh) = match wrong {
            W::NotACheckpoint => (format!("/{member}"), "not_for_this_role", "只有检查点令牌才有此字段".to_owned()),
            W::Empty => (format!("/{member}"), "empty", "至少指定一个用途，或省略该字段".to_owned()),
            W::TooMany(most) => (format!("/{member}"), "too_many", format!("最多 {most} 项")),
            W::Twice(place) => (at(place), "twice", "该项重复".to_owned()),
            W::UseCase(place) => (at(place), "unknown_use_case", "没有此用途".to_owned()),
            W::Address(place) => (at(place), "invalid", "须为不带片段的 https 绝对地址（本机可用 http）".to_owned()),
            W::Origin(place) => (at(place), "invalid", "须为规范写法的 https 源（本机可用 http）".to_owned()),
        };
        Self::field(&pointer, code, Words::new(zh, wrong.to_string()))
    }
}

impl From<LifecycleError> for Problem {
    fn from(error: LifecycleError) -> Self {
        let english = error.to_string();
        match error {
            LifecycleError::NotFound => Kind::NotFound.into(),
            LifecycleError::NotAllowed => Kind::Forbidden.into(),
            LifecycleError::NoteTooLong => {
                Self::field("/note", "too_long", Words::new("备注过长", format!("the note is longer than {NOTE_BYTES} bytes")))
            }
            LifecycleError::EndWithoutSuspension => {
                Self::field("/until", "invalid", Words::new("只有暂停才有结束时间", english))
            }
            LifecycleError::Transition(error) => error.into(),
            // Citizens are told on their own pages what they can do.
            LifecycleError::Undo(_) => Kind::CardNotSuspended.into(),
            LifecycleError::Contended => Kind::ChangedMeanwhile.into(),
            LifecycleError::Read(error) => error.into(),
            LifecycleError::Store(error) => error.into(),
        }
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotAllowed(error) => error.into(),
            OpenError::NotFound => Kind::NotFound.into(),
            OpenError::Destroyed => Kind::EvidenceDestroyed.into(),
            OpenError::Key(_) | OpenError::Sealed(_) => {
                tracing::error!(%error, "evidence cannot be opened");
                Kind::EvidenceUnreadable.into()
            }
            OpenError::Malformed => Kind::Internal.into(),
            OpenError::Read(error) => error.into(),
            OpenError::Commit(error) => error.into(),
        }
    }
}

impl From<TransitionError> for Problem {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::Revoked => Kind::CardRevoked.into(),
            TransitionError::NotSuspended => Kind::CardNotSuspended.into(),
            TransitionError::EndNotInFuture => {
                Self::field("/until", "not_in_future", Words::new("结束时间须在将来", error.to_string()))
            }
        }
    }
}
