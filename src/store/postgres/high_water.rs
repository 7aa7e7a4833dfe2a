//! The highest event this node has answered for or read, kept outside the database: one that ends before it has lost
//! events. It is written with every group and brought to the disk a second later at most, so that only a node that
//! loses its power in the same second as the database loses events can miss it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    base::base64url,
    store::{TreeHead, log::sync_folder, postgres::settings::OpenError},
};

/// Number in 20 digits, root in base64url, checksum in 8 hexadecimal digits, a blank between each, a new line.
const LINE_BYTES: usize = 20 + 1 + 43 + 1 + 8 + 1;

/// The file.
pub(super) struct HighWater {
    file: File,
    is_behind: AtomicBool,
}

/// Where it lies.
fn path(folder: &Path) -> PathBuf {
    folder.join("high-water")
}

impl HighWater {
    /// Opens or makes the file in `folder`; with what it says, none when it was not there.
    pub(super) fn open(folder: &Path) -> Result<(Self, Option<TreeHead>), OpenError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path(folder))?;
        let mut line = vec![0; LINE_BYTES];
        let is_new = file.metadata()?.len() == 0;
        let found = if is_new {
            None
        } else {
            file.read_exact_at(&mut line, 0).map_err(|_| OpenError::HighWater)?;
            Some(decode(&line).ok_or(OpenError::HighWater)?)
        };
        if is_new {
            sync_folder(folder)?;
        }
        Ok((Self { file, is_behind: AtomicBool::new(false) }, found))
    }

    /// Notes a head. One write in place; see [`sync`](Self::sync).
    pub(super) fn note(&self, head: TreeHead) -> io::Result<()> {
        self.file.write_all_at(&encode(head), 0)?;
        self.is_behind.store(true, Ordering::Release);
        Ok(())
    }

    /// Brings what was noted to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        if self.is_behind.swap(false, Ordering::AcqRel) { self.file.sync_data() } else { Ok(()) }
    }
}

fn encode(head: TreeHead) -> Vec<u8> {
    let text = format!("{:020} {}", head.size, base64url::encode(head.root));
    let sum = crc32fast::hash(text.as_bytes());
    format!("{text} {sum:08x}\n").into_bytes()
}

fn decode(line: &[u8]) -> Option<TreeHead> {
    let (text, sum) = std::str::from_utf8(line).ok()?.trim_end_matches('\n').rsplit_once(' ')?;
    if u32::from_str_radix(sum, 16) != Ok(crc32fast::hash(text.as_bytes())) {
        return None;
    }
    let (size, root) = text.split_once(' ')?;
    Some(TreeHead { size: size.parse().ok()?, root: base64url::decode_array(root).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_found_and_a_damaged_note_is_no_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let head = |size| TreeHead { size, root: [size as u8; 32] };
        let (water, found) = HighWater::open(folder.path()).expect("it is made");
        assert_eq!(found, None);
        for size in [1, 70_000, u64::MAX] {
            water.note(head(size)).expect("it is written");
            water.sync().expect("it is synced");
            assert_eq!(HighWater::open(folder.path()).expect("it opens").1, Some(head(size)));
        }
        let whole = std::fs::read(path(folder.path())).expect("it is there");
        assert_eq!(whole.len(), LINE_BYTES);
        for at in [0, 25, 70] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(path(folder.path()), &bytes).expect("it is written");
            assert_eq!(HighWater::open(folder.path()).err(), Some(OpenError::HighWater));
        }
        std::fs::write(path(folder.path()), &whole[..30]).expect("it is written");
        assert_eq!(HighWater::open(folder.path()).err(), Some(OpenError::HighWater));
    }
}
