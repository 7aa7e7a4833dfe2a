//! One module for each command of `yufu`.

pub mod verify;
