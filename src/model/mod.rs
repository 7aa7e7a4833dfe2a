//! What the service remembers, and the rules of its change: pure values, no store, no clock, no socket.

pub mod admission;
pub mod authorization;
pub mod card;
pub mod checkpoint;
pub mod client;
pub mod credential_type;
pub mod deferred;
pub mod event;
pub mod grant;
pub mod id_number;
pub mod ids;
pub mod own_suspension;
pub mod party;
pub mod permutation;
pub mod person;
pub mod profile;
pub mod reason;
pub mod record;
pub mod redirect;
pub mod sign_in;
pub mod statement;
pub mod use_case;
