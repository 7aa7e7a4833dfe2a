//! What happened to a card, in words.

use crate::{
    http::citizen::page::Visitor,
    model::{
        card::{Reason, State},
        party::Actor,
        sign_in::SignInMethod,
    },
};

/// What a change to this state is called.
pub(super) fn change<'a>(visitor: &Visitor, to: State) -> &'a str {
    match to {
        State::Active => visitor.say("恢复使用", "Good again"),
        State::Suspended => visitor.say("暂停使用", "Suspended"),
        State::Revoked => visitor.say("注销", "Revoked for good"),
    }
}

/// Why.
pub(super) fn reason<'a>(visitor: &Visitor, reason: Reason) -> &'a str {
    match reason {
        Reason::Lost => visitor.say("丢失", "lost"),
        Reason::Stolen => visitor.say("被盗", "stolen"),
        Reason::Damaged => visitor.say("损坏", "damaged"),
        Reason::Superseded => visitor.say("已由新证件取代", "a newer card took its place"),
        Reason::Deceased => visitor.say("持证人去世", "the holder died"),
        Reason::Moved => visitor.say("户籍迁出", "moved away"),
        Reason::EntitlementLost => visitor.say("资格失效", "the entitlement ended"),
        Reason::Fraud => visitor.say("涉嫌冒用", "suspected misuse"),
        Reason::CourtOrder => visitor.say("依法院决定", "by order of a court"),
        Reason::Error => visitor.say("签发有误", "issued in error"),
        Reason::Found => visitor.say("已找回", "found again"),
        Reason::Other => visitor.say("其他原因", "another reason"),
    }
}

/// By whom.
pub(super) fn actor<'a>(visitor: &Visitor, actor: Actor) -> &'a str {
    match actor {
        Actor::Operator { .. } => visitor.say("工作人员", "an officer"),
        Actor::Holder => visitor.say("您本人", "you"),
        Actor::Standing { .. } => visitor.say("按原定期限", "as ordered before"),
        Actor::Wallet => visitor.say("您的钱包", "your wallet"),
        Actor::Service => visitor.say("系统", "the service"),
    }
}

/// How somebody signed in.
pub(super) fn method<'a>(visitor: &Visitor, method: SignInMethod) -> &'a str {
    match method {
        SignInMethod::Province => visitor.say("省统一身份认证", "the province's login"),
        SignInMethod::ActivationCode => visitor.say("激活码", "an activation code"),
        SignInMethod::RecoveryCode => visitor.say("恢复码", "a recovery code"),
        SignInMethod::Presentation => visitor.say("出示证件", "showing your card"),
    }
}
