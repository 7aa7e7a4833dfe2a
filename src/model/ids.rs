//! Identifiers as types of their own, so that one cannot stand where another is due.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::random::Random;

/// The text is not an identifier of this service.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an identifier")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier, a random UUID.
            pub fn random(random: &dyn Random) -> Self {
                Self(random.uuid())
            }

            /// From its 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Its 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Reads the lower-case hyphenated form and no other, so that one thing has one address.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
                if id.hyphenated().to_string() == text { Ok(Self(id)) } else { Err(NotAnId) }
            }
        }
    };
}

id! {
    /// A person of the register.
    PersonId
}
id! {
    /// A card: what a person has of one type in one wallet. `/credentials/{id}` names it.
    CardId
}
id! {
    /// An offer of one or more cards to one person.
    OfferId
}
id! {
    /// A bearer token of an operator or checkpoint; not its secret.
    TokenId
}
id! {
    /// Evidence of one decision, kept for a checkpoint.
    EvidenceId
}
id! {
    /// An authorisation that a wallet asked for: from the pushed request to the code that was redeemed.
    AuthorizationId
}
id! {
    /// What a person granted to a wallet: access and refresh tokens stand for it.
    GrantId
}
id! {
    /// An issuance that waits for an officer's word.
    DeferredId
}
id! {
    /// A wallet product that is registered as a client.
    WalletId
}
id! {
    /// A store: made once, written into the store and into the log beside it, so that neither is taken for another's.
    StoreId
}

/// A status list. `/status-lists/{id}` serves it; numbers are given in order of opening and tell nothing else.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ListId(pub u32);

impl ListId {
    /// The list's URI under the service's public URL: `status.status_list.uri` of the credentials in it, and `sub` of its
    /// token.
    pub fn uri(self, public_url: &str) -> String {
        format!("{public_url}/status-lists/{self}")
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ListId {
    type Err = NotAnId;

    /// Decimal digits without a sign or leading zeros.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match text.parse() {
            Ok(number) if Self(number).to_string() == text => Ok(Self(number)),
            _ => Err(NotAnId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_one_address() {
        let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        assert_eq!(text.parse::<CardId>().map(|id| id.to_string()), Ok(text.to_owned()));
        for other in [
            "67E55044-10b1-426f-9247-bb680e5fe0c8",
            "67e5504410b1426f9247bb680e5fe0c8",
            "{67e55044-10b1-426f-9247-bb680e5fe0c8}",
            "",
        ] {
            assert_eq!(other.parse::<CardId>(), Err(NotAnId), "{other}");
        }
        assert_eq!("12".parse(), Ok(ListId(12)));
        assert_eq!(ListId(12).uri("https://id.example"), "https://id.example/status-lists/12");
        for other in ["012", "+1", "-1", "4294967296", "", "1 "] {
            assert_eq!(other.parse::<ListId>(), Err(NotAnId), "{other}");
        }
    }
}
