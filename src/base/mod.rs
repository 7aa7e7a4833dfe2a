//! Ground of the house: time, randomness, limits, secrets and the two text encodings everything else stands on.
//!
//! Nothing here names another module of the crate. The clock and the source of randomness are traits, so that whole
//! journeys run in tests at a chosen time with a chosen seed.

pub mod base64url;
pub mod clock;
pub mod json;
pub mod limits;
pub mod origin;
pub mod random;
pub mod secret;
pub mod time;
