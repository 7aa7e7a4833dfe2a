//! One module for each command of `yufu`.

pub mod audit;
pub mod bench;
pub mod demo;
pub mod repair;
pub mod serve;
pub mod verify;
