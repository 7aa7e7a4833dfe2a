//! `yufu audit verify`: the log of a data folder, recomputed from its files alone.

use std::{io::Write, path::PathBuf};

use crate::{
    audit::{
        check::{self, Report},
        seal,
    },
    base::base64url,
    format::note::{NoteKey, NoteKeyError},
    keyring::{Keyring, KeyringError},
};

/// Check the log of events
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Recompute the whole log of a data folder from its files, never from the records
    Verify(Arguments),
}

/// What is checked, and with which key.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The data folder
    #[arg(long, env = "YUFU_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// The folder of keys, whose log key has to have signed the heads beside the log
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
    /// The log's public key as name+hash+key, instead of the folder of keys: for auditors
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("--key: {0}")]
    Key(#[from] NoteKeyError),
    #[error(transparent)]
    Keys(#[from] KeyringError),
}

/// Checks, and tells what was found. Exit status: 0 all is well, 1 a fault, 3 wrong use.
pub fn run(command: &Command, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    let Command::Verify(arguments) = command;
    // Nobody is left to tell when a line cannot be written.
    match key(arguments) {
        Ok(key) => {
            let report = check::data_folder(&arguments.data, key.as_ref());
            let _ = output.write_all(words(&report, key.as_ref()).as_bytes());
            u8::from(report.fault.is_some())
        }
        Err(error) => {
            let _ = writeln!(errors, "yufu audit verify: {error}");
            3
        }
    }
}

fn key(arguments: &Arguments) -> Result<Option<NoteKey>, Failure> {
    if let Some(text) = &arguments.key {
        return Ok(Some(NoteKey::parse(text)?));
    }
    match Keyring::log_of(&arguments.keys)? {
        Some((public_url, key)) => Ok(Some(NoteKey::new(&seal::origin(&public_url), key)?)),
        None => Ok(None),
    }
}

fn words(report: &Report, key: Option<&NoteKey>) -> String {
    let mut text = match &report.fault {
        None => format!("✔ 日志完整  the log is whole: {} events\n", report.events),
        Some(fault) => {
            let first = fault.first_bad_event().map(|event| format!("（首个异常事件 {event}）")).unwrap_or_default();
            format!("✘ 日志异常{first}  {fault}\n")
        }
    };
    text += &format!("  root      {}\n", base64url::encode(report.root));
    text += &format!("  sealed    {} events under {} signed heads\n", report.sealed, report.heads);
    text += &match (key, report.signatures_checked) {
        (Some(key), true) => format!("  signed by {key}\n"),
        _ => "  signatures were not checked: name the folder of keys (--keys) or the log's key (--key)\n".to_owned(),
    };
    text
}
