//! `yufu migrate-store`: the store of a service, moved from a data folder to a database or back.

use std::{io::Write, path::PathBuf};

use crate::{
    app::wire::{Place, migrate},
    base::base64url,
};

/// Move the store from one kind to another, checked; the service must be stopped
///
/// The old store is left as it was and marked, so that it is not served again by accident.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The store that is: sled:DIR (its data folder) or postgres://...
    #[arg(long, value_name = "sled:DIR|URL")]
    pub from: Place,
    /// Where it is to be, and where nothing is yet
    #[arg(long, value_name = "sled:DIR|URL")]
    pub to: Place,
    /// The folder of keys
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
}

/// Moves it, and tells what was moved. Exit status: 0 moved, 1 not moved.
pub fn run(arguments: &Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    let Arguments { from, to, keys } = arguments;
    // Nobody is left to tell when a line cannot be written.
    match migrate(from, to, keys) {
        Ok(moved) => {
            let (events, root) = (moved.extent.head.size, base64url::encode(moved.extent.head.root));
            let _ = write!(
                output,
                "✔ 已迁移  moved: {events} events, {rows} rows, the same on both sides\n  root      {root}\n  \
                 the old store {from} is as it was, and marked: it will not be served again\n",
                rows = moved.rows.rows
            );
            0
        }
        Err(error) => {
            let _ = writeln!(errors, "yufu migrate-store: {error}");
            1
        }
    }
}
