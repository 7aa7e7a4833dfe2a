//! The random names of a presentation and its requests.

use std::{fmt, str::FromStr};

use crate::{
    base::{base64url, random::Random},
    model::ids::NotAnId,
};

/// Random bytes of a name: 128 bits, as OpenID4VP 1.0 section 13.3 and 14.3 ask of what must not be guessed, and no more,
/// since one of them stands in a QR code.
const BYTES: usize = 16;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name([u8; BYTES]);

        impl $name {
            /// A new one.
            pub fn random(random: &dyn Random) -> Self {
                Self(random.array())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base64url::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            /// Whoever knows it may use it: logs do not show it.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let bytes = base64url::decode(text).map_err(|_| NotAnId)?;
                bytes.try_into().map(Self).map_err(|_| NotAnId)
            }
        }
    };
}

name! {
    /// A presentation, for the checkpoint that asked for it: the transaction of OpenID4VP 1.0 section 13.3. No wallet ever
    /// sees it.
    PresentationId
}
name! {
    /// A request: in `request_uri`, and in the QR code.
    RequestId
}
name! {
    /// Where the answer to a request goes: in `response_uri`, which stands in the signed request only.
    ResponseId
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn a_name_reads_back_and_nothing_else_does() {
        let id = RequestId::random(&SeededRandom::new(1));
        let text = id.to_string();
        assert_eq!(text.len(), 22);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(format!("{id:?}"), "RequestId(..)");
        for other in ["", "AA", &text[1..], &format!("{text}A"), &format!("{text}="), "AAAAAAAAAAAAAAAAAAAAAB"] {
            assert_eq!(other.parse::<RequestId>(), Err(NotAnId), "{other}");
        }
    }
}
