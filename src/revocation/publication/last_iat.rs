//! `DATA/status/iat`: the newest `iat` that was signed, so that a restart with a clock that is behind does not sign an
//! older list than verifiers have already seen (checklist NT-TSL-15).

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    base::time::Timestamp,
    store::log::{create_folder, sync_folder},
};

/// The file, and what stands in it.
pub(super) struct LastIat {
    folder: PathBuf,
    kept: Timestamp,
}

impl LastIat {
    /// What an earlier process kept; nothing when there is no file, or none with a number of seconds.
    pub(super) fn open(data: &Path) -> Self {
        let folder = data.join("status");
        let text = fs::read_to_string(folder.join("iat")).unwrap_or_default();
        let kept = text.trim_ascii().parse().map_or_else(|_| Timestamp::default(), Timestamp::from_unix);
        Self { folder, kept }
    }

    /// The newest `iat` so far.
    pub(super) const fn kept(&self) -> Timestamp {
        self.kept
    }

    /// Puts a newer `iat` on disk, before a list carries it.
    pub(super) fn keep(&mut self, iat: Timestamp) -> io::Result<()> {
        if iat <= self.kept {
            return Ok(());
        }
        create_folder(&self.folder)?;
        let aside = self.folder.join("iat.new");
        let mut file = File::create(&aside)?;
        writeln!(file, "{}", iat.unix())?;
        file.sync_all()?;
        fs::rename(aside, self.folder.join("iat"))?;
        sync_folder(&self.folder)?;
        self.kept = iat;
        Ok(())
    }
}

/// Notes for the next start that no list of a data folder may be dated before `iat`.
pub fn keep_newest(data: &Path, iat: Timestamp) -> io::Result<()> {
    LastIat::open(data).keep(iat)
}
