//! What the service remembers, and the rules of its change: pure values, no store, no clock, no socket.

pub mod admission;
pub mod card;
pub mod checkpoint;
pub mod credential_type;
pub mod event;
pub mod id_number;
pub mod ids;
pub mod party;
pub mod permutation;
pub mod person;
pub mod reason;
pub mod record;
pub mod statement;
pub mod use_case;
