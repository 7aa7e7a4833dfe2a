//! The program: settings, the wiring of all parts, the commands, and the loops that run behind the service.

pub mod bench;
pub mod commands;
pub mod config;
pub mod control;
pub mod demo;
pub mod telemetry;
pub mod wire;

use std::{ffi::OsString, io, process::ExitCode};

use crate::{
    app::config::{Command, ReadError},
    base::clock::SystemClock,
};

/// Exit status of a command line or settings file that is wrong, and of a service that does not start.
const USAGE: u8 = 3;

/// Runs the command that `args` (the program's name first) ask for.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let cli = match config::read(args) {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let (mut input, mut output, mut errors) = (io::stdin(), io::stdout(), io::stderr());
    match cli.command.unwrap_or_else(|| Command::Serve(Box::new(cli.serve))) {
        Command::Serve(options) => match commands::serve::run(*options, &mut output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("yufu: {error}");
                ExitCode::from(USAGE)
            }
        },
        Command::Verify(arguments) => {
            commands::verify::run(&arguments, &SystemClock::new(), &mut input, &mut output, &mut errors).into()
        }
        Command::Demo(arguments) => commands::demo::run(&arguments, &mut output, &mut errors).into(),
        Command::Audit { command } => commands::audit::run(&command, &mut output, &mut errors).into(),
        Command::Bench(arguments) => commands::bench::run(&arguments, &mut output, &mut errors).into(),
        Command::Backup(arguments) => commands::backup::run(&arguments, &mut output, &mut errors).into(),
        Command::Restore(arguments) => commands::restore::run(&arguments, &mut input, &mut output, &mut errors).into(),
        Command::MigrateStore(arguments) => commands::migrate_store::run(&arguments, &mut output, &mut errors).into(),
        Command::Keys { command } => commands::keys::run(&command, &mut output, &mut errors).into(),
        Command::Repair(arguments) => commands::repair::run(&arguments, &mut output, &mut errors).into(),
    }
}

/// Help and version come this way too, and are no failure.
fn refused(error: &ReadError) -> ExitCode {
    if let ReadError::CommandLine(error) = error {
        // When not even standard error takes it, the exit status still says it.
        let _ = error.print();
        return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
    }
    eprintln!("yufu: {error}");
    ExitCode::from(USAGE)
}
