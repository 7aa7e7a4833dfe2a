//! The command line, completed from the environment and `yufu.toml`.

use std::{ffi::OsString, fs, io, path::PathBuf};

use clap::{ArgMatches, CommandFactory, FromArgMatches, parser::ValueSource};

use crate::app::{
    commands::{audit, backup, bench, demo, keys, migrate_store, repair, restore, verify},
    config::{FileError, ServeOptions, file},
};

/// The settings file that is read when there is one and no other is named.
const DEFAULT_FILE: &str = "yufu.toml";

/// 鱼符: issues signed electronic ID credentials, verifies them at checkpoints, suspends and revokes them
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "yufu", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The settings file; without this, yufu.toml in the current folder, if there is one
    #[arg(long, env = "YUFU_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub serve: ServeOptions,
}

/// What `yufu` can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Run the service (this is what happens without any command)
    Serve(Box<ServeOptions>),
    /// Verify a presentation without a network
    Verify(Box<verify::Arguments>),
    /// Play the life of a card against a running service, or one of its own
    Demo(demo::Arguments),
    /// Check the log of events
    Audit {
        /// What to check.
        #[command(subcommand)]
        command: audit::Command,
    },
    /// Measure a deployment under a load of known arrivals, or fill an empty store with samples
    Bench(Box<bench::Arguments>),
    /// Make an encrypted copy of the store, while the service works or when it is stopped
    Backup(backup::Arguments),
    /// Restore the store from a backup; the service must be stopped
    Restore(restore::Arguments),
    /// Move the store from one kind to another, checked; the service must be stopped
    MigrateStore(migrate_store::Arguments),
    /// Make keys that do not lie in the folder of keys
    Keys {
        /// Which.
        #[command(subcommand)]
        command: keys::Command,
    },
    /// Make new records from the log after the store has lost data; the service must be stopped
    Repair(repair::Arguments),
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The command line is wrong, or asks for help or the version.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The settings file cannot be read.
    #[error("{}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The settings file is wrong.
    #[error("{}: {error}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: FileError,
    },
    /// A value in the settings file is wrong.
    #[error("{}: {}", file.display(), error.render())]
    Value {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: clap::Error,
    },
}

/// Reads a command line (the program's name first), the environment, and the settings file.
///
/// The file's values are appended as flags of the chosen command, each unless a flag or a variable already says it: so
/// all three are read by one parser, and a value means the same wherever it stands.
pub fn read(args: Vec<OsString>) -> Result<Cli, ReadError> {
    let matches = Cli::command().try_get_matches_from(&args)?;
    let Some((file, text)) = settings_file(&matches)? else {
        return Ok(Cli::from_arg_matches(&matches)?);
    };
    let pairs = file::pairs(&text, &options()).map_err(|error| ReadError::File { file: file.clone(), error })?;
    let (command, chosen) = chosen(&matches);
    let unsaid = pairs.into_iter().filter(|(key, _)| is_unsaid(&command, chosen, key));
    let args = args.into_iter().chain(unsaid.map(|(key, value)| format!("--{key}={value}").into()));
    let matches = Cli::command().try_get_matches_from(args).map_err(|error| ReadError::Value { file, error })?;
    Ok(Cli::from_arg_matches(&matches)?)
}

/// Every option of `serve` that the file may set.
pub(super) fn options() -> Vec<String> {
    let command = ServeOptions::augment(clap::Command::new("serve"));
    let names = command.get_arguments().filter_map(|arg| arg.get_long());
    names.filter(|name| *name != "check").map(str::to_owned).collect()
}

impl ServeOptions {
    fn augment(command: clap::Command) -> clap::Command {
        <Self as clap::Args>::augment_args(command)
    }
}

fn settings_file(matches: &ArgMatches) -> Result<Option<(PathBuf, String)>, ReadError> {
    let named = matches.get_one::<PathBuf>("config").cloned();
    let file = named.clone().unwrap_or_else(|| DEFAULT_FILE.into());
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some((file, text))),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::Unreadable { file, error }),
    }
}

/// The command that was chosen, down to the last subcommand, with what was said of it.
fn chosen(matches: &ArgMatches) -> (clap::Command, &ArgMatches) {
    let (mut command, mut said) = (Cli::command(), matches);
    while let Some((name, inner)) = said.subcommand() {
        if let Some(found) = command.find_subcommand(name).cloned() {
            command = found;
        }
        said = inner;
    }
    (command, said)
}

fn is_unsaid(command: &clap::Command, said: &ArgMatches, option: &str) -> bool {
    let Some(arg) = command.get_arguments().find(|arg| arg.get_long() == Some(option)) else { return false };
    !matches!(said.value_source(arg.get_id().as_str()), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}
