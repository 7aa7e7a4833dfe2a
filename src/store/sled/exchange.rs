//! Puts restored records, and a restored log where there is one, into the place of what lies in a data folder. A crash on
//! the way leaves a store that opens guarded, and is carried on by the next `restore`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::store::{
    log::{self, create_folder, sync_folder},
    sled::{folder, target::put_log_in_place},
};

/// How far an exchange is, in `restoring/exchange`: a word, and the folder for what was there before.
const FILE: &str = "exchange";
const OUT: &str = "out";
const IN: &str = "in";

/// Where what is to be put in place is made.
pub(super) fn folder_of(data: &Path) -> PathBuf {
    data.join("restoring")
}

/// Puts what lies in `restoring/` in place; gives where the old things are, if there were any.
pub(super) fn exchange(data: &Path) -> io::Result<Option<PathBuf>> {
    let mut free = (1_u32..).map(|n| format!("before-restore-{n}"));
    let before = free.find(|name| !data.join(name).exists()).unwrap_or_default();
    note(data, OUT, &before)?;
    carry_on(data, OUT, &before)
}

/// Carries on an exchange that was interrupted; none when there was none.
pub(super) fn resume(data: &Path) -> io::Result<Option<Option<PathBuf>>> {
    let Ok(text) = fs::read_to_string(folder_of(data).join(FILE)) else { return Ok(None) };
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [step @ (OUT | IN), before] if before.starts_with("before-restore-") && !before.contains('/') => {
            carry_on(data, step, before).map(Some)
        }
        // It was not whole on disk, so nothing had been moved.
        _ => Ok(None),
    }
}

fn carry_on(data: &Path, step: &str, before: &str) -> io::Result<Option<PathBuf>> {
    let (staged, aside) = (folder_of(data), data.join(before));
    let with_log = log::folder(&staged).exists();
    if step == OUT {
        create_folder(&aside)?;
        move_if_there(&folder(data), &folder(&aside))?;
        if with_log {
            move_files(&log::folder(data), &log::folder(&aside), |name| name != "lock")?;
            move_files(&data.join("status"), &aside.join("status"), |name| name.ends_with(".snapshot"))?;
        }
        sync_folder(&aside)?;
        sync_folder(data)?;
        note(data, IN, before)?;
    }
    move_if_there(&folder(&staged), &folder(data))?;
    if with_log {
        put_log_in_place(&staged, data)?;
    }
    sync_folder(data)?;
    fs::remove_dir_all(&staged)?;
    // Nothing was there: then there is nothing to keep.
    let kept = fs::remove_dir(&aside).is_err();
    Ok(kept.then_some(aside))
}

fn note(data: &Path, step: &str, before: &str) -> io::Result<()> {
    let (path, new) = (folder_of(data).join(FILE), folder_of(data).join("exchange.new"));
    let mut file = File::create(&new)?;
    writeln!(file, "{step} {before}")?;
    file.sync_all()?;
    fs::rename(new, path)?;
    sync_folder(&folder_of(data))
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    if from.exists() { fs::rename(from, to) } else { Ok(()) }
}

fn move_files(from: &Path, to: &Path, which: fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if which(&entry.file_name().to_string_lossy()) {
            create_folder(to)?;
            fs::rename(entry.path(), to.join(entry.file_name()))?;
        }
    }
    sync_folder(from)
}
