//! Bytes to types and back, pure: no clock, no socket, no store.

pub mod boarding_pass;
pub mod dcql;
pub mod merkle;
pub mod note;
pub mod openid;
pub mod presentation_qr;
pub mod sdjwt;
pub mod status;
