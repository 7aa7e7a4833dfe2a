//! How much wallets have to prove: the profile of issuance.

use std::{fmt, str::FromStr};

/// A profile of issuance.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    /// A wallet may leave out DPoP, wallet attestation and key attestation; what it shows is checked all the same. For
    /// development on one machine.
    #[default]
    Open,
    /// OpenID4VC High Assurance Interoperability Profile 1.0 section 4: DPoP, wallet attestation and key attestation are
    /// required.
    Haip,
}

impl Profile {
    /// The name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Haip => "haip",
        }
    }

    /// Whether everything that HAIP names has to be shown.
    pub const fn is_haip(self) -> bool {
        matches!(self, Self::Haip)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Open, Self::Haip]
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| "open or haip is expected".to_owned())
    }
}
