//! A disk that keeps what was synced, and of the rest what chance will have: what a power cut may leave.
//!
//! It is stricter than any file system in use. Of a file its last synced content is there, and of what was written later any
//! part; a length counts as one more write. Names in a folder are there as of the last sync of the folder, and of later
//! changes any first few. `sync_file_range` keeps nothing.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use crate::{scene::Dice, trace::Call};

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug)]
pub enum Unsynced {
    /// All of it is gone.
    Dropped,
    /// All of it is there.
    Kept,
    /// Each write is there or not, whatever came before it.
    Reordered,
    /// Each sector is there or not.
    Torn,
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

enum Naming {
    /// A file by its number; a folder has none.
    Put(PathBuf, Option<usize>),
    Remove(PathBuf),
}

/// Something that lasts after a sync, and what was done to it since: with the line in which that ended.
struct Lasting<T, C> {
    synced: T,
    later: Vec<(usize, C)>,
}

impl<T: Default, C> Default for Lasting<T, C> {
    fn default() -> Self {
        Self { synced: T::default(), later: Vec::new() }
    }
}

type Names = BTreeMap<PathBuf, Option<usize>>;

/// The disk under one folder.
pub struct Disk {
    root: PathBuf,
    files: Vec<Lasting<Vec<u8>, Change>>,
    folders: HashMap<PathBuf, Lasting<Names, Naming>>,
    /// As processes see them.
    names: Names,
    /// The file and the place of every open descriptor.
    open: HashMap<i64, (usize, usize)>,
}

impl Disk {
    /// Nothing but the folder.
    pub fn empty(root: &Path) -> Self {
        let folders = HashMap::from([(root.to_owned(), Lasting::default())]);
        Self { root: root.to_owned(), files: Vec::new(), folders, names: Names::new(), open: HashMap::new() }
    }

    /// A call begins: what it does may be on the disk from here on.
    pub fn begin(&mut self, call: &Call) {
        if !call.succeeded() {
            return;
        }
        let path = |nth: usize| PathBuf::from(String::from_utf8_lossy(call.texts.get(nth).map_or(&[], Vec::as_slice)).as_ref());
        match call.name.as_str() {
            "openat"
                if path(0).starts_with(&self.root) && call.rest.contains("O_CREAT") && !self.names.contains_key(&path(0)) =>
            {
                self.files.push(Lasting::default());
                self.rename(call, Naming::Put(path(0), Some(self.files.len() - 1)));
            }
            "openat" if call.rest.contains("O_TRUNC") => {
                if let Some(Some(file)) = self.names.get(&path(0)) {
                    self.files[*file].later.push((call.ended, Change::Length(0)));
                }
            }
            "mkdir" if path(0).starts_with(&self.root) => {
                self.folders.insert(path(0), Lasting::default());
                self.rename(call, Naming::Put(path(0), None));
            }
            "unlink" | "unlinkat" | "rmdir" if self.names.contains_key(&path(0)) => self.rename(call, Naming::Remove(path(0))),
            "rename" | "renameat" | "renameat2" => {
                if let Some(named) = self.names.get(&path(0)).copied() {
                    assert_eq!(path(0).parent(), path(1).parent(), "a name changes within its folder");
                    // Both or none: they are one change of one folder.
                    self.rename(call, Naming::Put(path(1), named));
                    self.rename(call, Naming::Remove(path(0)));
                }
            }
            "ftruncate" => self.change(call, Change::Length(call.numbers()[0] as usize)),
            "fallocate" => self.change(call, Change::Length((call.numbers()[1] + call.numbers()[2]) as usize)),
            "pwrite64" => self.write(call, call.numbers()[1] as usize),
            "write" => {
                let Some((_, at)) = call.fd.and_then(|fd| self.open.get(&fd)).copied() else { return };
                self.write(call, at);
                self.open.entry(call.fd.expect("it was looked up")).and_modify(|open| open.1 = at + written(call));
            }
            "close" => drop(call.fd.map(|fd| self.open.remove(&fd))),
            _ => {}
        }
    }

    /// A call has ended: what it synced stays.
    pub fn end(&mut self, call: &Call) {
        let path = Path::new(&call.path);
        match call.name.as_str() {
            "openat" if call.succeeded() => {
                let name = String::from_utf8_lossy(&call.texts[0]).into_owned();
                if let Some(Some(file)) = self.names.get(Path::new(&name)) {
                    self.open.insert(call.result.expect("it succeeded"), (*file, 0));
                }
            }
            "lseek" if call.succeeded() => {
                let at = call.result.expect("it succeeded") as usize;
                call.fd.map(|fd| self.open.entry(fd).and_modify(|open| open.1 = at));
            }
            _ if !call.syncs() => {}
            _ => {
                let done = |ended: &usize| *ended < call.began;
                if let Some(folder) = self.folders.get_mut(path) {
                    let covered = folder.later.iter().take_while(|(ended, _)| done(ended)).count();
                    folder.later.drain(..covered).for_each(|(_, naming)| name(&mut folder.synced, &naming));
                } else if let Some((file, _)) = call.fd.and_then(|fd| self.open.get(&fd)) {
                    let file = &mut self.files[*file];
                    let (covered, later) = std::mem::take(&mut file.later).into_iter().partition(|(ended, _)| done(ended));
                    file.later = later;
                    let covered: Vec<(usize, Change)> = covered;
                    covered.iter().for_each(|(_, change)| write(&mut file.synced, change, |_| true));
                }
            }
        }
    }

    fn rename(&mut self, call: &Call, naming: Naming) {
        name(&mut self.names, &naming);
        let (Naming::Put(path, _) | Naming::Remove(path)) = &naming;
        let folder = path.parent().and_then(|folder| self.folders.get_mut(folder));
        folder.expect("its folder was made before").later.push((call.ended, naming));
    }

    fn change(&mut self, call: &Call, change: Change) {
        if let Some((file, _)) = call.fd.and_then(|fd| self.open.get(&fd)) {
            self.files[*file].later.push((call.ended, change));
        }
    }

    fn write(&mut self, call: &Call, at: usize) {
        self.change(call, Change::Write { at, bytes: call.bytes()[..written(call)].to_vec() });
    }

    /// Lays what a power cut leaves into the folder `to`. Gives how many changes were not synced.
    pub fn image(&self, to: &Path, rule: Unsynced, dice: &Dice) -> usize {
        self.folder(&self.root, to, rule, dice)
    }

    fn folder(&self, of: &Path, to: &Path, rule: Unsynced, dice: &Dice) -> usize {
        fs::create_dir_all(to).expect("the folder is made");
        let folder = &self.folders[of];
        let (mut names, mut unsynced) = (folder.synced.clone(), folder.later.len());
        let kept = match rule {
            Unsynced::Dropped => 0,
            Unsynced::Kept => folder.later.len(),
            Unsynced::Reordered | Unsynced::Torn => dice.below(folder.later.len() + 1),
        };
        folder.later[..kept].iter().for_each(|(_, naming)| name(&mut names, naming));
        for (path, file) in names {
            let to = to.join(path.file_name().expect("it has a name"));
            match file {
                None => unsynced += self.folder(&path, &to, rule, dice),
                Some(file) => {
                    let file = &self.files[file];
                    let mut content = file.synced.clone();
                    for (_, change) in &file.later {
                        let whole = dice.below(2) == 0;
                        write(&mut content, change, |_| match rule {
                            Unsynced::Dropped => false,
                            Unsynced::Kept => true,
                            Unsynced::Reordered => whole,
                            Unsynced::Torn => dice.below(2) == 0,
                        });
                    }
                    unsynced += file.later.len();
                    fs::write(to, content).expect("it is written");
                }
            }
        }
        unsynced
    }
}

fn written(call: &Call) -> usize {
    call.result.map_or(0, |result| result as usize)
}

fn name(names: &mut Names, naming: &Naming) {
    match naming {
        Naming::Put(path, file) => drop(names.insert(path.clone(), *file)),
        Naming::Remove(path) => drop(names.remove(path)),
    }
}

/// Makes a change to a file, sector by sector, as far as it is kept.
fn write(content: &mut Vec<u8>, change: &Change, mut kept: impl FnMut(usize) -> bool) {
    match change {
        Change::Length(length) => {
            if kept(0) {
                content.resize(*length, 0);
            }
        }
        Change::Write { at, bytes } => {
            let mut from = 0;
            while from < bytes.len() {
                let to = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
                if kept(from) {
                    content.resize(content.len().max(at + to), 0);
                    content[at + from..at + to].copy_from_slice(&bytes[from..to]);
                }
                from = to;
            }
        }
    }
}
