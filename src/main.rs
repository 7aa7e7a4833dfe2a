//! The `yufu` command.

#![forbid(unsafe_code)]

fn main() {}
