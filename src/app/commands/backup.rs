//! `yufu backup`: an encrypted copy of the store, made while the service works.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    app::wire::{BackupFailure, Trailer, backup},
    base::random::SystemRandom,
    crypto::age::{self, KeyTextError, Recipient},
};

/// Make an encrypted copy of the store, while the service works or when it is stopped
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The file to write, which must not be there yet, or "-" for standard output
    #[arg(long, value_name = "FILE|-")]
    pub to: PathBuf,
    /// The age public key (age1...) to encrypt to, or a file of such keys; may be given several times
    #[arg(long, value_name = "AGE1...|FILE", required = true)]
    pub recipient: Vec<String>,
    /// The data folder
    #[arg(long, env = "YUFU_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// The folder of keys, which are not part of the backup
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("--recipient {0}: {1}")]
    Recipient(String, KeyTextError),
    #[error("--recipient {0}: {1}")]
    RecipientFile(String, io::Error),
    #[error("{} is there already; a backup never takes the place of another one\n该文件已存在，备份不会覆盖原有文件", .0.display())]
    Exists(PathBuf),
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    #[error(transparent)]
    Backup(#[from] BackupFailure),
}

/// Makes the backup, and tells of it. Exit status: 0 made, 1 not made.
pub fn run(arguments: &Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    let to_output = arguments.to == Path::new("-");
    let made = recipients(&arguments.recipient).and_then(|recipients| match to_output {
        true => encrypted(arguments, &recipients, output),
        false => into_file(arguments, &recipients),
    });
    // Nobody is left to tell when a line cannot be written.
    match made {
        Ok(trailer) => {
            let words = words(&trailer);
            let _ = if to_output { errors.write_all(words.as_bytes()) } else { output.write_all(words.as_bytes()) };
            0
        }
        Err(error) => {
            let _ = writeln!(errors, "yufu backup: {error}");
            1
        }
    }
}

fn words(trailer: &Trailer) -> String {
    format!(
        "✔ 已备份  backed up: {} events, {} rows, as of {}\n  \
         密钥不在备份中，请另行保管密钥目录  the keys are not in it: keep a copy of their folder elsewhere\n",
        trailer.events, trailer.rows, trailer.ended_at
    )
}

fn recipients(named: &[String]) -> Result<Vec<Recipient>, Failure> {
    let mut recipients = Vec::new();
    for name in named {
        if name.starts_with("age1") {
            recipients.push(Recipient::parse(name).map_err(|error| Failure::Recipient(name.clone(), error))?);
        } else {
            let text = fs::read_to_string(name).map_err(|error| Failure::RecipientFile(name.clone(), error))?;
            let found = Recipient::parse_file(&text).map_err(|error| Failure::Recipient(name.clone(), error))?;
            if found.is_empty() {
                return Err(Failure::Recipient(name.clone(), KeyTextError::Recipient));
            }
            recipients.extend(found);
        }
    }
    Ok(recipients)
}

/// The file has its name only when the backup is whole and on disk.
fn into_file(arguments: &Arguments, recipients: &[Recipient]) -> Result<Trailer, Failure> {
    let to = &arguments.to;
    if to.exists() {
        return Err(Failure::Exists(to.clone()));
    }
    let mut name = to.clone().into_os_string();
    name.push(".part");
    let part = PathBuf::from(name);
    let failed = |error| Failure::File(part.clone(), error);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(failed)?;
    let made = written(arguments, recipients, &file).and_then(|trailer| {
        file.sync_all().and_then(|()| fs::rename(&part, to)).and_then(|()| sync_folder_of(to)).map_err(failed)?;
        Ok(trailer)
    });
    if made.is_err() {
        // A part of a backup is none.
        let _ = fs::remove_file(&part);
    }
    made
}

fn written(arguments: &Arguments, recipients: &[Recipient], mut file: &File) -> Result<Trailer, Failure> {
    encrypted(arguments, recipients, &mut file)
}

fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn encrypted(arguments: &Arguments, recipients: &[Recipient], to: &mut dyn Write) -> Result<Trailer, Failure> {
    let failed = |error| Failure::File(arguments.to.clone(), error);
    let mut to = age::encrypt(recipients, &SystemRandom, BufWriter::new(to)).map_err(failed)?;
    let trailer = backup(&arguments.data, &arguments.keys, &mut to)?;
    to.finish().and_then(|mut to| to.flush()).map_err(failed)?;
    Ok(trailer)
}
