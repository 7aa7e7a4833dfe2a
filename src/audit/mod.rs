//! The log as others can hold us to it: signed tree heads, proofs against them, and the check of a whole data folder.
//!
//! A checksum in the log tells of accidents, not of an attacker, who computes it anew. What binds the past is the
//! signed tree head: once one has left the house, or lies in a folder, every event before it is fixed.

pub mod check;
pub mod heads;
pub mod open;
pub mod openings;
pub mod prove;
pub mod seal;

#[cfg(test)]
mod fixture;
