//! The keys of evidence: one for each last day of evidence, in a folder of their own beside the other keys, made when the
//! first evidence of that day is kept and destroyed when the day is over.
//!
//! They lie outside the store on purpose: whatever old bytes a disk, a backup or a copy of the data folder still holds,
//! evidence does not open once its key is gone. Nodes of one service share the folder.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    KeyringError,
    file::{make_dir, read_private, sync_dir, write},
};
use crate::base::{base64url, random::Random, secret::SecretKey, time::Date};

/// The folder, in the folder of keys.
const FOLDER: &str = "evidence";
const EXTENSION: &str = "key";
/// 32 bytes in base64url and the end of the line.
const FILE_BYTES: usize = 44;

/// The keys of evidence in a folder of keys.
#[derive(Clone, Debug)]
pub struct EvidenceKeys {
    folder: PathBuf,
}

impl EvidenceKeys {
    /// The keys in `keys`. Nothing is made before the first is needed.
    pub fn in_folder(keys: &Path) -> Self {
        Self { folder: keys.join(FOLDER) }
    }

    /// The key of `day`, made when there is none. When this returns, the key is on disk: evidence sealed under it can be
    /// opened after a crash.
    pub fn sealing_key(&self, day: Date, random: &dyn Random) -> Result<SecretKey, KeyringError> {
        if let Some(key) = self.opening_key(day)? {
            return Ok(key);
        }
        make_dir(&self.folder)?;
        // Written aside and linked into its place, so that of two nodes one makes the key and both read the same.
        let (file, aside) = (self.file(day), self.folder.join(format!(".{}", base64url::encode(random.array::<16>()))));
        let text = Zeroizing::new(base64url::encode(random.array::<32>()) + "\n");
        write(&aside, text.as_bytes())?;
        let linked = fs::hard_link(&aside, &file);
        let removed = fs::remove_file(&aside);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(KeyringError::io(&file, &error)),
            _ => removed.map_err(|error| KeyringError::io(&aside, &error))?,
        }
        sync_dir(&self.folder)?;
        if let Some(parent) = self.folder.parent() {
            sync_dir(parent)?;
        }
        self.opening_key(day)?.ok_or(KeyringError::Missing { file })
    }

    /// The key of `day`; none when there never was one or it is destroyed.
    pub fn opening_key(&self, day: Date) -> Result<Option<SecretKey>, KeyringError> {
        let file = self.file(day);
        match read_private(&file) {
            Ok(text) => {
                let bytes = base64url::decode_array(text.trim_ascii_end());
                let malformed = |_| KeyringError::Malformed { file, expected: "32 bytes in base64url" };
                bytes.map(|bytes| Some(SecretKey::new(bytes))).map_err(malformed)
            }
            Err(KeyringError::Io { kind: io::ErrorKind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Destroys the key of every day before `today`; how many there were. When this returns, none of them is on disk by
    /// its name, and their bytes were written over.
    pub fn destroy_before(&self, today: Date) -> Result<u32, KeyringError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(KeyringError::io(&self.folder, &error)),
        };
        let mut destroyed = 0;
        for entry in entries {
            let file = entry.map_err(|error| KeyringError::io(&self.folder, &error))?.path();
            if day_of(&file).is_some_and(|day| day < today) {
                destroy(&file)?;
                destroyed += 1;
            }
        }
        if destroyed > 0 {
            sync_dir(&self.folder)?;
        }
        Ok(destroyed)
    }

    fn file(&self, day: Date) -> PathBuf {
        self.folder.join(format!("{day}.{EXTENSION}"))
    }
}

fn day_of(file: &Path) -> Option<Date> {
    let extension = file.extension()?.to_str()?;
    (extension == EXTENSION).then(|| Date::parse(file.file_stem()?.to_str()?).ok()).flatten()
}

/// Overwrites and removes a key. On disks that write elsewhere (flash, copies on write) the old bytes may stay for a
/// while: such a disk wants encryption below, as docs/OPERATIONS.md says. One that another node removed meanwhile is gone.
fn destroy(file: &Path) -> Result<(), KeyringError> {
    let overwritten = OpenOptions::new().write(true).open(file).and_then(|mut open| {
        open.write_all(&[b'0'; FILE_BYTES])?;
        open.sync_all()
    });
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match overwritten.and_then(|()| fs::remove_file(file)) {
        Err(error) if !gone(&error) => Err(KeyringError::io(file, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::base::random::SeededRandom;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a date")
    }

    #[test]
    fn a_day_has_one_key_and_days_have_different_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keys, random) = (EvidenceKeys::in_folder(folder.path()), SeededRandom::new(1));
        let (one, two) = (day("2026-11-24"), day("2026-11-25"));
        assert!(keys.opening_key(one).expect("no key yet").is_none());
        let first = keys.sealing_key(one, &random).expect("a key");
        assert_eq!(keys.sealing_key(one, &random).expect("the same").expose(), first.expose());
        let again = EvidenceKeys::in_folder(folder.path()).opening_key(one).expect("readable").expect("there");
        assert_eq!(again.expose(), first.expose());
        assert_ne!(keys.sealing_key(two, &random).expect("another").expose(), first.expose());
        let mode = |file: &str| fs::metadata(folder.path().join(file)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("evidence"), mode("evidence/2026-11-24.key")), (0o700, 0o600));
        assert_eq!(fs::read_dir(folder.path().join("evidence")).expect("a folder").count(), 2, "nothing is left aside");
    }

    #[test]
    fn days_that_are_over_lose_their_keys_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keys, random) = (EvidenceKeys::in_folder(folder.path()), SeededRandom::new(1));
        assert_eq!(keys.destroy_before(day("2026-11-25")), Ok(0));
        for text in ["2026-11-23", "2026-11-24", "2026-11-25"] {
            keys.sealing_key(day(text), &random).expect("a key");
        }
        let other = folder.path().join("evidence/notes.txt");
        fs::write(&other, "2026-11-01").expect("written");
        let linked = folder.path().join("old-link");
        fs::hard_link(folder.path().join("evidence/2026-11-24.key"), &linked).expect("linked");
        assert_eq!(keys.destroy_before(day("2026-11-25")), Ok(2));
        let there = |text| keys.opening_key(day(text)).expect("readable").is_some();
        assert_eq!(["2026-11-23", "2026-11-24", "2026-11-25"].map(there), [false, false, true]);
        assert_eq!(fs::read(&linked).expect("readable"), [b'0'; FILE_BYTES], "its bytes were written over");
        assert!(other.exists());
        assert_eq!(keys.destroy_before(day("2026-11-25")), Ok(0));
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keys, random) = (EvidenceKeys::in_folder(folder.path()), SeededRandom::new(1));
        let today = day("2026-11-24");
        keys.sealing_key(today, &random).expect("a key");
        let file = folder.path().join("evidence/2026-11-24.key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
        assert_eq!(keys.opening_key(today).err(), Some(KeyringError::Exposed { file: file.clone(), mode: 0o640 }));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
        fs::write(&file, "AAAA\n").expect("written");
        let malformed = KeyringError::Malformed { file, expected: "32 bytes in base64url" };
        assert_eq!(keys.sealing_key(today, &random).err(), Some(malformed));
    }
}
