//! How citizens show who they are: codes handed out to them, and the sessions of their browsers.

use serde::{Deserialize, Serialize};

use crate::{base::time::Timestamp, model::ids::PersonId};

/// What one person can sign in with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignInCodes {
    /// Whose.
    pub person: PersonId,
    /// Handed out at a counter or by letter; good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<HashedCode>,
    /// Given at the first pick-up, for the day on which the phone is gone; good once, then there is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<HashedCode>,
}

/// How often somebody tried to sign in with one ID number. It is kept by a keyed hash of the number, whether or not
/// somebody has it: the delays do not tell who is registered.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignInTries {
    /// Tries since the last that was good.
    pub count: u32,
    /// No code is looked at before this time: it moves further away with each try.
    pub not_before: Timestamp,
}

/// A code as it is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HashedCode {
    /// Argon2id in the PHC form.
    pub hash: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// The province's login by OpenID Connect.
    Province,
    /// ID number and activation code.
    ActivationCode,
    /// ID number and recovery code.
    RecoveryCode,
    /// Presenting the own card.
    Presentation,
}

/// A session of a citizen's browser. It is found by a keyed hash of the secret in the browser's cookie.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CitizenSession {
    /// Who.
    pub person: PersonId,
    /// How they showed it.
    pub method: SignInMethod,
    /// When.
    pub signed_in_at: Timestamp,
}
