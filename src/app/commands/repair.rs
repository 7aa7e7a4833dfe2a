//! `yufu repair`: new records from the log, when the store has lost what it had acknowledged.

use std::{io::Write, path::PathBuf};

use crate::app::wire::{RepairFailure, RepairReport, repair};

/// Make new records from the log after the store has lost data; the service must be stopped
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The data folder
    #[arg(long, env = "YUFU_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// The folder of keys
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
}

/// Repairs, and tells what was done. Exit status: 0 repaired or nothing to repair, 1 not repaired.
pub fn run(arguments: &Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    // Nobody is left to tell when a line cannot be written.
    match repair(&arguments.data, &arguments.keys) {
        Ok(report) => {
            let _ = output.write_all(words(&report).as_bytes());
            0
        }
        Err(RepairFailure::NotNeeded) => {
            let _ = writeln!(output, "✔ 无需修复  there is nothing to repair");
            0
        }
        Err(error) => {
            let _ = writeln!(errors, "yufu repair: {error}");
            1
        }
    }
}

fn words(report: &RepairReport) -> String {
    let mut text = format!("✔ 已修复  repaired: {}\n", report.damage);
    text += &format!("  cards     {}\n  people    {}\n", report.cards, report.people);
    if let Some(old) = &report.quarantine {
        text += &format!("  the old records are kept in {}\n", old.display());
    }
    text += "  codes, nonces and offers that were under way are void; wallets start anew\n";
    if !report.cards_without_person.is_empty() {
        text += &format!(
            "  {} cards have lost their person, whom only a backup can bring back:\n",
            report.cards_without_person.len()
        );
        text.extend(report.cards_without_person.iter().map(|card| format!("    {card}\n")));
    }
    text
}
