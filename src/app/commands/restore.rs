//! `yufu restore`: a store from a backup, without giving back what was taken away since.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    app::wire::{NotInLog, RestoreFailure, RestoreReport, restore},
    base::time::Timestamp,
    crypto::age::{self, Identity, KeyTextError},
    store::sled::RestoreError,
};

/// Restore the store from a backup; the service must be stopped
///
/// What was revoked, suspended or switched off after the backup stays so where anything still knows of it: the log in the data
/// folder, and status lists kept elsewhere.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The backup, or "-" for standard input
    #[arg(long, value_name = "FILE|-")]
    pub from: PathBuf,
    /// The file with the age secret key that opens it
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
    /// A status list token (JWT) of this service that was kept elsewhere; may be given several times
    ///
    /// What it says is revoked or suspended is so again.
    #[arg(long, value_name = "FILE")]
    pub since: Vec<PathBuf>,
    /// The end of the backup, as this command says it, to accept the loss of what happened since and nothing vouches for
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub accept_loss_since: Option<Timestamp>,
    /// The data folder
    #[arg(long, env = "YUFU_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// The folder of keys
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    #[error("--identity {}: {}", .0.display(), .1)]
    Identity(PathBuf, KeyTextError),
    #[error("--from: {0}\n无法解开备份")]
    Open(#[from] age::OpenError),
    #[error(transparent)]
    Restore(#[from] RestoreFailure),
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "a time such as 2026-11-24T06:00:00Z is expected".to_owned())
}

/// Restores, and tells what was done. Exit status: 0 restored, 1 not restored.
pub fn run(arguments: &Arguments, input: &mut dyn Read, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    // Nobody is left to tell when a line cannot be written.
    match restored(arguments, input) {
        Ok(report) => {
            let _ = output.write_all(words(&report).as_bytes());
            0
        }
        Err(error) => {
            let _ = writeln!(errors, "yufu restore: {error}");
            if let Failure::Restore(RestoreFailure::Restore(RestoreError::LossNotAccepted { backup_at, .. })) = &error {
                let _ = errors.write_all(ways(*backup_at).as_bytes());
            }
            1
        }
    }
}

fn restored(arguments: &Arguments, input: &mut dyn Read) -> Result<RestoreReport, Failure> {
    let text = fs::read_to_string(&arguments.identity);
    let text = Zeroizing::new(text.map_err(|error| Failure::File(arguments.identity.clone(), error))?);
    let identities = Identity::parse_file(&text).map_err(|error| Failure::Identity(arguments.identity.clone(), error))?;
    let mut file;
    let from: &mut dyn Read = if arguments.from == Path::new("-") {
        input
    } else {
        file = File::open(&arguments.from).map_err(|error| Failure::File(arguments.from.clone(), error))?;
        &mut file
    };
    let mut backup = age::decrypt(&identities, from)?;
    let Arguments { data, keys, since, accept_loss_since, .. } = arguments;
    Ok(restore(data, keys, &mut backup, since, *accept_loss_since)?)
}

/// What can be done when nothing vouches for the time since the backup.
fn ways(backup_at: Timestamp) -> String {
    format!(
        "  备份之后的注销、冻结与停用记录无从得知。可将原日志目录放回数据目录，或用 --since 提供备份之后签发的各状态列表；\n  \
         若确认接受损失，请加 --accept-loss-since {backup_at}\n  \
         Put the folder log/ of the lost service into the data folder, or name every status list that was signed since with \
         --since;\n  to accept the loss, add --accept-loss-since {backup_at}\n"
    )
}

fn words(report: &RestoreReport) -> String {
    let mut text = format!("✔ 已恢复  restored: {} events, as of {}\n", report.backup, report.backup_at);
    text += &match report.redone {
        Some(events) => format!("  {events} later events of the log in place were done again\n"),
        None => {
            "  what happened since is lost but for what is said below; new status lists were begun, and who follows the log \
                 will see that it was cut: tell them\n"
                .to_owned()
        }
    };
    text += &format!("  {} indices were revoked or suspended since, and are so again\n", report.found);
    if report.tokens_switched_off > 0 {
        text += &format!("  {} tokens were switched off since, and are so again\n", report.tokens_switched_off);
    }
    text += &format!("  {} tokens are good: look through them (GET /admin/api/v1/tokens)\n", report.good_tokens);
    text += "  codes, sessions, offers, grants and approvals are void; citizens need new sign-in codes, wallets start anew\n";
    text += &not_in_log(&report.not_in_log);
    if !report.cards_without_person.is_empty() {
        text += &format!("  {} cards have lost their person:\n", report.cards_without_person.len());
        text.extend(report.cards_without_person.iter().map(|card| format!("    {card}\n")));
    }
    if let Some(aside) = &report.aside {
        text += &format!("  what was there before is kept in {}; it holds people\n", aside.display());
    }
    text
}

fn not_in_log(lost: &NotInLog) -> String {
    let lines = [
        (lost.people_erased, "people were erased since, and are there again: erase them once more"),
        (lost.people_registered, "people were registered since, and are not there"),
        (lost.people_changed, "corrections of people's data since are not there"),
        (lost.wallets, "registrations or changes of wallets since are not there"),
        (lost.evidence, "pieces of evidence kept since are not there"),
    ];
    lines.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("  {count} {what}\n")).collect()
}
