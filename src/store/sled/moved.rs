//! `DATA/moved`: where the store of a data folder was moved to. It stays where it was, untouched, and is not served again
//! by accident: two stores that go on from one history would give the same indices to different people.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::store::{log::sync_folder, sled::OpenError};

const FILE: &str = "moved";

/// Notes where the store of a data folder was moved to.
pub fn mark_moved(data: &Path, to: &str) -> io::Result<()> {
    let mut file = File::create(data.join(FILE))?;
    writeln!(file, "{to}")?;
    file.sync_all()?;
    sync_folder(data)
}

/// Refuses a data folder whose store was moved.
pub(super) fn check(data: &Path) -> Result<(), OpenError> {
    match fs::read_to_string(data.join(FILE)) {
        Ok(to) => Err(OpenError::Moved(to.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}
