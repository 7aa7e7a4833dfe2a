//! One module for each command of `yufu`.

pub mod serve;
pub mod verify;
