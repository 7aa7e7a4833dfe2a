//! Capabilities as types, for `Permit<may::ReadCards>` in the signature of a handler.

use crate::model::party::Capability;

/// A type that stands for one capability.
pub trait May {
    /// The capability.
    const CAPABILITY: Capability;
}

macro_rules! may {
    ($($name:ident)*) => {$(
        #[doc = concat!("Stands for [`Capability::", stringify!($name), "`].")]
        pub enum $name {}

        impl May for $name {
            const CAPABILITY: Capability = Capability::$name;
        }
    )*};
}

may! {
    RegisterPeople ReadPeople OfferCards MakeSignInCodes DecideIssuance ReadCards ChangeCards ReadEvents ManageTokens ManageWallets
    Verify ReadEvidence
}
