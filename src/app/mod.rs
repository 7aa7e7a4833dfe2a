//! The program: settings, the wiring of all parts, the commands, and the loops that run behind the service.

pub mod commands;
pub mod config;
pub mod demo;
