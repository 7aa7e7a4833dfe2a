//! Which store a service has.

use std::{convert::Infallible, fmt, str::FromStr};

#[cfg(feature = "postgres")]
use crate::store::postgres::Address;

/// Where records and events are kept. Reading it never fails: an address that is none is refused together with the other
/// settings, because the message of a command line repeats what was typed, and that may hold a password.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum StoreChoice {
    /// In the data folder.
    #[default]
    Sled,
    /// In a PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres(Box<Address>),
    /// Nowhere: why the setting says nothing.
    Unusable(String),
}

impl FromStr for StoreChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "sled" { Self::Sled } else { Self::database(text) })
    }
}

impl StoreChoice {
    #[cfg(feature = "postgres")]
    fn database(text: &str) -> Self {
        match text.parse::<Address>() {
            Ok(address) => Self::Postgres(Box::new(address)),
            Err(error) => Self::Unusable(error.to_string()),
        }
    }

    #[cfg(not(feature = "postgres"))]
    fn database(_: &str) -> Self {
        Self::Unusable("this yufu was built without PostgreSQL (feature `postgres`)".to_owned())
    }

    /// The database, if it is one.
    #[cfg(feature = "postgres")]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Postgres(address) => Some(address),
            _ => None,
        }
    }

    /// Why nothing can be kept there.
    pub(super) fn fault(&self) -> Option<&str> {
        match self {
            Self::Unusable(why) => Some(why),
            _ => None,
        }
    }
}

impl fmt::Display for StoreChoice {
    /// Without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sled => f.write_str("sled"),
            #[cfg(feature = "postgres")]
            Self::Postgres(address) => address.fmt(f),
            Self::Unusable(why) => f.write_str(why),
        }
    }
}

/// Where notifications of the database are heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListenChoice {
    /// Nowhere.
    Off,
    /// At this address of the database.
    At(StoreChoice),
}

impl FromStr for ListenChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text == "off" { Ok(Self::Off) } else { text.parse().map(Self::At) }
    }
}

impl ListenChoice {
    /// Why nothing can be heard there.
    pub(super) fn fault(&self) -> Option<&str> {
        match self {
            Self::Off => None,
            Self::At(StoreChoice::Sled) => Some("only a PostgreSQL database sends notifications"),
            Self::At(at) => at.fault(),
        }
    }
}

impl fmt::Display for ListenChoice {
    /// Without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(at) => at.fmt(f),
        }
    }
}
