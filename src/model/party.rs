//! Who acts, and what each may do. Permission is a value: a service that changes something takes an [`Authority`].

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::model::ids::{NotAnId, PersonId, TokenId};

/// What the bearer of a token is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Does everything.
    Administrator,
    /// Registers people and offers cards.
    Registrar,
    /// Finds cards, suspends, reinstates and revokes them.
    Revoker,
    /// Reads.
    Auditor,
    /// Has the checkpoint API and nothing else.
    Checkpoint,
}

/// What a route or service asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Capability {
    /// Register and correct people.
    RegisterPeople,
    /// Find and read people.
    ReadPeople,
    /// Offer cards.
    OfferCards,
    /// Make codes with which people sign in.
    MakeSignInCodes,
    /// Agree to cards that wait for an officer's word, or refuse them.
    DecideIssuance,
    /// Find and read cards.
    ReadCards,
    /// Suspend, reinstate, revoke.
    ChangeCards,
    /// Read the events of the log with their openings.
    ReadEvents,
    /// Make and switch off tokens.
    ManageTokens,
    /// Register and switch off wallets.
    ManageWallets,
    /// Verify presentations, and open the evidence kept for the own checkpoint.
    Verify,
    /// Open anybody's evidence.
    ReadEvidence,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Administrator, Self::Registrar, Self::Revoker, Self::Auditor, Self::Checkpoint];

    /// Whether the role has the capability. An administrator has all but [`Capability::Verify`]: a decision at a gate
    /// is counted for the checkpoint that made it.
    pub const fn allows(self, capability: Capability) -> bool {
        use Capability as C;
        match self {
            Self::Administrator => !matches!(capability, C::Verify),
            Self::Registrar => {
                matches!(
                    capability,
                    C::RegisterPeople | C::ReadPeople | C::OfferCards | C::MakeSignInCodes | C::DecideIssuance | C::ReadCards
                )
            }
            Self::Revoker => matches!(capability, C::ReadPeople | C::ReadCards | C::ChangeCards),
            Self::Auditor => matches!(capability, C::ReadPeople | C::ReadCards | C::ReadEvents | C::ReadEvidence),
            Self::Checkpoint => matches!(capability, C::Verify),
        }
    }

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Registrar => "registrar",
            Self::Revoker => "revoker",
            Self::Auditor => "auditor",
            Self::Checkpoint => "checkpoint",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(NotAnId)
    }
}

/// An authenticated bearer of a token. Made in `http/auth` only (held by `tests/architecture.rs`), apart from the
/// service's own first start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Operator {
    token: TokenId,
    role: Role,
}

impl Operator {
    /// States that the bearer of `token` was authenticated just now and has `role`.
    pub const fn authenticated(token: TokenId, role: Role) -> Self {
        Self { token, role }
    }

    /// The token that was shown.
    pub const fn token(&self) -> TokenId {
        self.token
    }

    /// Its role.
    pub const fn role(&self) -> Role {
        self.role
    }
}

/// On whose word something is done. The event of the change records it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Authority {
    /// An operator, in person or by a program with a token.
    Operator(Operator),
    /// The holder of the cards, for own cards only.
    Holder(PersonId),
    /// A stored order, such as the end date of a suspension; the number of the event that gave it.
    Standing(u64),
}

/// The authority does not reach as far as what was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not allowed")]
pub struct NotAllowed;

impl Authority {
    /// Passes when an operator's role has the capability. A holder or standing order has none of these at large: the
    /// services that accept one of them say so themselves.
    pub fn require(&self, capability: Capability) -> Result<(), NotAllowed> {
        match self {
            Self::Operator(operator) if operator.role.allows(capability) => Ok(()),
            _ => Err(NotAllowed),
        }
    }

    /// How the event names this authority.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Operator(operator) => Actor::Operator { token: operator.token },
            Self::Holder(_) => Actor::Holder,
            Self::Standing(event) => Actor::Standing { event: *event },
        }
    }
}

/// Who acted, as an event records it: nothing personal.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// The bearer of this token.
    Operator {
        /// The token.
        token: TokenId,
    },
    /// The holder of the card; the event's card says whose.
    Holder,
    /// A standing order.
    Standing {
        /// The number of the event that gave the order.
        event: u64,
    },
    /// The wallet that redeemed an offer.
    Wallet,
    /// The service itself: first start, repair.
    Service,
}
