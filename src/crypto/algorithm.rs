//! The signature algorithms spoken here.

use std::fmt;

/// A signature algorithm together with its curve and hash.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), strict verification. Written `EdDSA` for wallets that do not know RFC 9864 yet.
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4); signatures are the 64 raw bytes r and s.
    Es256,
}

impl Algorithm {
    /// Every algorithm, in the order in which metadata lists them.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Ed25519];

    /// The name we write into `alg`.
    pub const fn jose_name(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The name of RFC 9864, which leaves no curve open.
    pub const fn fully_specified_name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::Es256 => "ES256",
        }
    }

    /// Reads `alg`, case-sensitively. `EdDSA` and, as RFC 9864 names it, `Ed25519` mean the same key type here.
    pub fn from_jose_name(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.jose_name())
    }
}
