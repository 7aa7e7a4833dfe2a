//! `yufu keys`: keys that are no part of the service's own folder of keys.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use crate::{
    base::random::SystemRandom,
    crypto::age::{Identity, KeyTextError, Recipient},
};

/// Make keys that do not lie in the folder of keys
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Make the key that opens backups, as age-keygen does; keep it away from the service
    BackupIdentity {
        /// The file for the secret key, which must not be there yet
        file: PathBuf,
    },
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    #[error(transparent)]
    Key(#[from] KeyTextError),
}

/// Makes it and names its public half. Exit status: 0 made, 1 not made.
pub fn run(command: &Command, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    let Command::BackupIdentity { file } = command;
    // Nobody is left to tell when a line cannot be written.
    match backup_identity(file) {
        Ok(recipient) => {
            let _ = writeln!(output, "✔ 备份公钥  public key for --recipient:\n{recipient}");
            0
        }
        Err(error) => {
            let _ = writeln!(errors, "yufu keys: {error}");
            1
        }
    }
}

fn backup_identity(path: &PathBuf) -> Result<Recipient, Failure> {
    let failed = |error| Failure::File(path.clone(), error);
    let identity = Identity::generate(&SystemRandom);
    let recipient = identity.recipient()?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let text = identity.to_text();
    let written = writeln!(file, "# public key: {recipient}").and_then(|()| file.write_all(text.as_bytes()));
    written.and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(recipient)
}
