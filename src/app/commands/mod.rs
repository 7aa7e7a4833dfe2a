//! One module for each command of `yufu`.

pub mod audit;
pub mod backup;
pub mod bench;
pub mod demo;
pub mod keys;
pub mod migrate_store;
pub mod repair;
pub mod restore;
pub mod serve;
pub mod verify;
