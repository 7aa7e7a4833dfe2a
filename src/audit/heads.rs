//! `DATA/log/heads`: the signed tree heads of a log, one after the other, so that a later change of any event before
//! them shows.
//!
//! Each head is a signed note of five lines (origin, size, root, an empty line, the signature). Heads are appended without
//! a sync: one that a crash takes away is signed again. The newest head covers every event before it; older ones tell
//! where a change lies, so most of them are dropped in time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::store::log;

/// Lines of one note.
const LINES: usize = 5;

/// When so many heads lie in the file it is thinned out; at a head a second that is after four hours and a half, and the
/// file stays under 4 MB.
const MOST_HEADS: usize = 16 * 1024;

/// The newest heads that are kept all.
const NEWEST_KEPT: usize = 4 * 1024;

/// Of the older ones one in so many is kept.
const OLDER_KEPT_ONE_IN: usize = 64;

/// The file of heads in a data folder.
pub fn path(data: &Path) -> PathBuf {
    log::folder(data).join("heads")
}

/// The heads of a folder in their order, as text that nobody has checked; empty when there is no file. A last one that is
/// not whole, as a crash leaves it, is left out.
pub fn read(data: &Path) -> io::Result<Vec<String>> {
    match fs::read(path(data)) {
        Ok(bytes) => Ok(split(&bytes).0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The whole notes of a file, and the bytes they take.
fn split(bytes: &[u8]) -> (Vec<String>, usize) {
    let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let notes: Vec<_> = lines.chunks_exact(LINES).map(<[_]>::concat).filter(|note| note.ends_with(b"\n")).collect();
    let length = notes.iter().map(Vec::len).sum();
    (notes.iter().map(|note| String::from_utf8_lossy(note).into_owned()).collect(), length)
}

/// The file, open for appending. One process has it: the one that writes the log.
#[derive(Debug)]
pub struct HeadsFile {
    path: PathBuf,
    file: File,
    length: u64,
    count: usize,
    newest: Option<String>,
}

impl HeadsFile {
    /// Opens the file of a data folder, or makes it; the folder of the log has to exist. Cuts off a head that is not
    /// whole.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = path(data);
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (notes, length) = split(&bytes);
        let length = length as u64;
        let newest = notes.last().cloned();
        let mut heads = Self { path, file, length, count: notes.len(), newest };
        heads.cut()?;
        Ok(heads)
    }

    /// The last head in the file, unchecked.
    pub fn newest(&self) -> Option<&str> {
        self.newest.as_deref()
    }

    /// Appends a signed note of five lines, or nothing.
    pub fn append(&mut self, note: &str) -> io::Result<()> {
        if self.count >= MOST_HEADS {
            self.thin_out()?;
        }
        // What an earlier failure left behind, if it could not be cut off then.
        self.cut()?;
        if let Err(error) = self.file.write_all(note.as_bytes()) {
            self.cut()?;
            return Err(error);
        }
        self.length += note.len() as u64;
        self.count += 1;
        self.newest = Some(note.to_owned());
        Ok(())
    }

    /// Cuts off what stands behind the last whole head.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }

    /// Writes the file anew aside, without most of the older heads, and puts it in place.
    fn thin_out(&mut self) -> io::Result<()> {
        let (notes, _) = split(&fs::read(&self.path)?);
        let older = notes.len().saturating_sub(NEWEST_KEPT);
        let kept = notes.iter().enumerate().filter(|(at, _)| *at >= older || at % OLDER_KEPT_ONE_IN == 0);
        let kept: Vec<_> = kept.map(|(_, note)| note.as_str()).collect();
        let text = kept.concat();
        let aside = self.path.with_extension("new");
        let mut file = File::create(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &self.path)?;
        (self.file, self.length, self.count) = (file, text.len() as u64, kept.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(n: usize) -> String {
        format!("origin\n{n}\nroot\n\n— origin signature{n}\n")
    }

    fn folder() -> tempfile::TempDir {
        let data = tempfile::tempdir().expect("a folder");
        fs::create_dir(log::folder(data.path())).expect("a folder in it");
        data
    }

    #[test]
    fn heads_are_read_in_the_order_in_which_they_were_appended() {
        let data = folder();
        assert_eq!(read(data.path()).expect("no file is no head"), Vec::<String>::new());
        for n in 0_usize..3 {
            let mut file = HeadsFile::open(data.path()).expect("it opens");
            assert_eq!(file.newest(), n.checked_sub(1).map(note).as_deref());
            file.append(&note(n)).expect("it is written");
        }
        assert_eq!(read(data.path()).expect("it is read"), [note(0), note(1), note(2)]);
    }

    #[test]
    fn a_head_that_is_not_whole_is_cut_off() {
        for keep in 1..note(1).len() {
            let data = folder();
            fs::write(path(data.path()), format!("{}{}", note(0), &note(1).get(..keep).unwrap_or("o"))).expect("written");
            assert_eq!(read(data.path()).expect("it is read"), [note(0)], "{keep}");
            HeadsFile::open(data.path()).and_then(|mut file| file.append(&note(2))).expect("it is written");
            assert_eq!(read(data.path()).expect("it is read"), [note(0), note(2)], "{keep}");
        }
    }

    #[test]
    fn a_full_file_keeps_the_newest_heads_and_some_of_the_others() {
        let data = folder();
        let mut file = HeadsFile::open(data.path()).expect("it opens");
        for n in 0..=MOST_HEADS {
            file.append(&note(n)).expect("it is written");
        }
        let heads = read(data.path()).expect("it is read");
        let older = (MOST_HEADS - NEWEST_KEPT) / OLDER_KEPT_ONE_IN;
        assert_eq!(heads.len(), older + NEWEST_KEPT + 1);
        assert_eq!((&heads[0], &heads[1]), (&note(0), &note(OLDER_KEPT_ONE_IN)));
        assert_eq!(heads.last(), Some(&note(MOST_HEADS)));
        file.append(&note(0)).expect("it is written");
        assert_eq!(read(data.path()).expect("it is read").len(), heads.len() + 1);
    }
}
