//! The `yufu` command.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    yufu::app::run(std::env::args_os().collect())
}
