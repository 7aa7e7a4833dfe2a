//! Tree heads, signed: the checkpoint that is served, and the heads that are left beside the log.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use crate::{
    audit::heads::{self, HeadsFile},
    crypto::Signer,
    format::note::{Checkpoint, NoteError, NoteKey, NoteKeyError, NoteSignError},
    store::{Store, TreeHead, watch::Pace},
};

/// Heads are left beside the log at most once a second, each for all the events of that second.
const PACE: Pace = Pace { busy: Duration::from_secs(1), idle: Duration::from_secs(60) };

/// Why a tree head is not signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// A head of more events was signed before: events were taken away from the log.
    #[error("a head of {sealed} events was signed, but the log has only {events}")]
    LogBehind {
        /// Events under the signed head.
        sealed: u64,
        /// Events in the log.
        events: u64,
    },
    /// A head of as many events, but with another root, was signed before: the log was changed.
    #[error("another head of {0} events was signed before: the log was changed")]
    Forked(u64),
    /// The log has lost or changed events: a head over what is left would contradict an earlier one.
    #[error("the log is damaged, so its head is not signed")]
    LogDamaged,
    /// The other nodes of this service cannot be asked whether one of them has shown another head.
    #[error("the head cannot be kept for the other nodes, so it is not signed")]
    NotKept,
    /// The signer.
    #[error(transparent)]
    Sign(#[from] NoteSignError),
}

/// Why the heads beside the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    /// The file.
    #[error("the file of signed heads: {0}")]
    Io(#[from] io::Error),
    /// The key of the log.
    #[error(transparent)]
    Key(#[from] NoteKeyError),
    /// The newest head was not signed by the key of the log, or is damaged.
    #[error("the newest signed head: {0}")]
    Head(#[from] NoteError),
}

/// The name of a service's log: its public URL without the scheme, and `/log`.
pub fn origin(public_url: &str) -> String {
    let rest = public_url.strip_prefix("https://").or_else(|| public_url.strip_prefix("http://"));
    format!("{}/log", rest.unwrap_or(public_url))
}

/// The key of a service's log, as verifiers are given it.
pub fn key(public_url: &str, signer: &dyn Signer) -> Result<NoteKey, NoteKeyError> {
    NoteKey::new(&origin(public_url), signer.public_key().clone())
}

/// The newest head beside the log of a data folder, checked; none when there is none.
pub fn attested(signer: &dyn Signer, public_url: &str, data: &Path) -> Result<Option<TreeHead>, HeadsError> {
    let key = key(public_url, signer)?;
    let newest = heads::read(data)?.pop().map(|note| Checkpoint::open(&note, &key)).transpose()?;
    Ok(newest.map(|newest| TreeHead { size: newest.size, root: newest.root }))
}

/// A signed tree head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    /// The tree head.
    pub head: TreeHead,
    /// The checkpoint: a signed note.
    pub note: Arc<str>,
}

/// Signs tree heads of one log and never two that contradict each other.
pub struct Seal {
    signer: Arc<dyn Signer>,
    origin: String,
    /// The newest head signed by an earlier process, as far as it was left beside the log.
    earlier: Option<Checkpoint>,
    newest: Mutex<Option<Sealed>>,
    heads: Mutex<Option<HeadsFile>>,
}

impl Seal {
    /// A seal that leaves no heads behind, for logs that are not in files.
    pub fn new(signer: Arc<dyn Signer>, public_url: &str) -> Self {
        Self { signer, origin: origin(public_url), earlier: None, newest: Mutex::default(), heads: Mutex::default() }
    }

    /// A seal for the log of a data folder, which leaves its heads there and is bound by those that lie there.
    pub fn open(signer: Arc<dyn Signer>, public_url: &str, data: &Path) -> Result<Self, HeadsError> {
        Self::open_moved(signer, public_url, None, data)
    }

    /// The same for a service that may have moved here from `former`, under whose name its heads were signed till then.
    pub fn open_moved(
        signer: Arc<dyn Signer>,
        public_url: &str,
        former: Option<&str>,
        data: &Path,
    ) -> Result<Self, HeadsError> {
        let heads = HeadsFile::open(data)?;
        let open = |note| -> Result<Checkpoint, HeadsError> {
            match (Checkpoint::open(note, &key(public_url, &*signer)?), former) {
                (Err(NoteError::NotSigned), Some(former)) => Ok(Checkpoint::open(note, &key(former, &*signer)?)?),
                (opened, _) => Ok(opened?),
            }
        };
        let earlier = heads.newest().map(open).transpose()?;
        Ok(Self { earlier, heads: Mutex::new(Some(heads)), ..Self::new(signer, public_url) })
    }

    /// The name of the log and the key that signs its heads.
    pub fn key(&self) -> Result<NoteKey, NoteKeyError> {
        NoteKey::new(&self.origin, self.signer.public_key().clone())
    }

    /// The checkpoint of a store's log; none of a log that has lost events. Of several nodes none shows a head before it is
    /// kept for all of them; while it cannot be, the newest one that was is shown.
    pub fn checkpoint_of(&self, store: &dyn Store) -> Result<Sealed, SealError> {
        if !store.board().is_complete() {
            return Err(SealError::LogDamaged);
        }
        let (head, newest) = (store.head(), self.newest());
        let Some(together) = store.together() else { return self.checkpoint(head) };
        if let Some(newest) = newest.as_ref().filter(|newest| newest.head == head) {
            return Ok(newest.clone());
        }
        match together.keep_head(head) {
            Ok(true) => self.checkpoint(head),
            Ok(false) => Err(SealError::Forked(head.size)),
            Err(_) => newest.ok_or(SealError::NotKept),
        }
    }

    fn newest(&self) -> Option<Sealed> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The checkpoint of the log: a signed note, made once for each head. A caller who comes with an older head than
    /// another before gets the newer checkpoint.
    pub fn checkpoint(&self, head: TreeHead) -> Result<Sealed, SealError> {
        if let Some(earlier) = &self.earlier {
            if head.size < earlier.size {
                return Err(SealError::LogBehind { sealed: earlier.size, events: head.size });
            }
            if head.size == earlier.size && head.root != earlier.root {
                return Err(SealError::Forked(head.size));
            }
        }
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sealed) = newest.as_ref().filter(|sealed| sealed.head.size >= head.size) {
            let forked = sealed.head.size == head.size && sealed.head.root != head.root;
            return if forked { Err(SealError::Forked(head.size)) } else { Ok(sealed.clone()) };
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: head.size, root: head.root };
        let sealed = Sealed { head, note: checkpoint.sign(&*self.signer)?.into() };
        Ok(newest.insert(sealed).clone())
    }

    /// Leaves signed heads beside the log until `stop` is set, and a last one then.
    pub fn run(&self, store: &dyn Store, stop: &AtomicBool) {
        store.watch().follow(PACE, stop, |_| self.leave_head(store));
        self.leave_head(store);
    }

    fn leave_head(&self, store: &dyn Store) {
        if !store.board().is_complete() || store.head().size == 0 {
            return;
        }
        match self.checkpoint_of(store).map_err(LeaveError::from).and_then(|sealed| self.leave(&sealed.note)) {
            // Nothing is lost: the next head covers what this one would have.
            Ok(()) | Err(LeaveError::Seal(SealError::NotKept)) => {}
            Err(error) => tracing::error!(%error, "no signed head could be left beside the log"),
        }
    }

    /// Signs a head and leaves it beside the log, unless the newest that lies there is the same.
    pub fn try_leave_head(&self, head: TreeHead) -> Result<(), LeaveError> {
        if head.size == 0 { Ok(()) } else { self.leave(&self.checkpoint(head)?.note) }
    }

    fn leave(&self, note: &str) -> Result<(), LeaveError> {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &mut *heads else { return Ok(()) };
        // Ed25519 signatures are deterministic: the same head is the same note.
        if file.newest() == Some(note) {
            return Ok(());
        }
        Ok(file.append(note)?)
    }
}

/// Why no head was left beside the log.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// It was not signed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The file.
    #[error("the file of signed heads: {0}")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        audit::{
            fixture::{LogOnly, URL, key, signer},
            heads,
        },
        base::{clock::ManualClock, time::Timestamp},
        store::{log, together::fake::Table},
    };

    fn head(size: u64, root: u8) -> TreeHead {
        TreeHead { size, root: [root; 32] }
    }

    fn folder() -> tempfile::TempDir {
        let data = tempfile::tempdir().expect("a folder");
        fs::create_dir(log::folder(data.path())).expect("a folder in it");
        data
    }

    #[test]
    fn a_log_is_named_by_the_address_of_its_service() {
        assert_eq!(origin("https://id.example"), "id.example/log");
        assert_eq!(origin("http://127.0.0.1:8080"), "127.0.0.1:8080/log");
        assert_eq!(key(1).name(), "id.example/log");
    }

    #[test]
    fn no_two_heads_that_contradict_each_other_are_signed() {
        let seal = Seal::new(signer(1), URL);
        let five = seal.checkpoint(head(5, 5)).expect("it is signed");
        assert_eq!(
            Checkpoint::open(&five.note, &key(1)),
            Ok(Checkpoint { origin: "id.example/log".to_owned(), size: 5, root: [5; 32] })
        );
        let again = seal.checkpoint(head(5, 5)).expect("it is there");
        assert!(Arc::ptr_eq(&again.note, &five.note), "it is made once");
        assert_eq!(seal.checkpoint(head(5, 6)), Err(SealError::Forked(5)));
        assert_eq!(seal.checkpoint(head(4, 4)).map(|sealed| sealed.head), Ok(head(5, 5)), "a reader who was slow");
        assert_eq!(seal.checkpoint(head(6, 6)).map(|sealed| sealed.head), Ok(head(6, 6)));
    }

    #[test]
    fn heads_left_beside_the_log_bind_the_next_process() {
        let data = folder();
        let open = || Seal::open(signer(1), URL, data.path());
        let seal = open().expect("there is no head yet");
        for size in [0, 3, 3, 5] {
            seal.try_leave_head(head(size, 1)).expect("it is left");
        }
        let left = heads::read(data.path()).expect("it is read");
        let sizes: Vec<_> = left.iter().map(|note| Checkpoint::open(note, &key(1)).map(|left| left.size)).collect();
        assert_eq!(sizes, [Ok(3), Ok(5)]);
        drop(seal);

        let seal = open().expect("the newest head is good");
        assert_eq!(seal.checkpoint(head(4, 1)), Err(SealError::LogBehind { sealed: 5, events: 4 }));
        assert_eq!(seal.checkpoint(head(5, 2)), Err(SealError::Forked(5)));
        assert_eq!(seal.checkpoint(head(5, 1)).map(|sealed| sealed.head), Ok(head(5, 1)));
        seal.try_leave_head(head(5, 1)).expect("it lies there");
        assert_eq!(heads::read(data.path()).expect("it is read"), left);

        let other = Seal::open(signer(2), URL, data.path()).err();
        assert!(matches!(other, Some(HeadsError::Head(NoteError::NotSigned))), "{other:?}");
    }

    #[test]
    fn the_loop_leaves_a_last_head_when_it_stops() {
        let (data, store) = (folder(), LogOnly::of(4));
        let seal = Seal::open(signer(1), URL, data.path()).expect("there is no head yet");
        seal.run(&store, &AtomicBool::new(true));
        let left = heads::read(data.path()).expect("it is read");
        let sealed = seal.checkpoint(store.head()).expect("it is signed");
        assert_eq!(left, [sealed.note.to_string()]);
    }

    #[test]
    fn a_head_that_other_nodes_cannot_be_told_of_is_not_shown_and_another_root_never() {
        let table = Table::new(&ManualClock::at(Timestamp::from_unix(1_795_500_000)));
        let of = |count, name| LogOnly::at(table.node(name), count);
        let (one, other) = (Seal::new(signer(1), URL), Seal::new(signer(1), URL));
        let sealed = one.checkpoint_of(&of(4, 1)).expect("it is signed");
        assert_eq!(other.checkpoint_of(&of(4, 2)).as_ref(), Ok(&sealed));

        table.set_away(true);
        assert_eq!(one.checkpoint_of(&of(5, 1)).as_ref(), Ok(&sealed), "the newest that was kept");
        assert_eq!(Seal::new(signer(1), URL).checkpoint_of(&of(5, 1)), Err(SealError::NotKept));
        table.set_away(false);

        let mut changed = of(5, 2);
        changed.events[2].salt = [9; 16];
        assert!(other.checkpoint_of(&changed).is_ok(), "nobody has shown five yet");
        assert_eq!(one.checkpoint_of(&of(5, 1)), Err(SealError::Forked(5)));
        assert_eq!(one.checkpoint_of(&of(6, 1)).map(|sealed| sealed.head.size), Ok(6));
    }

    #[test]
    fn no_head_is_signed_over_a_log_that_has_lost_events() {
        let (data, store) = (folder(), LogOnly::of(4));
        store.board().mark_incomplete();
        let seal = Seal::open(signer(1), URL, data.path()).expect("there is no head yet");
        assert_eq!(seal.checkpoint_of(&store), Err(SealError::LogDamaged));
        seal.run(&store, &AtomicBool::new(true));
        assert_eq!(heads::read(data.path()).expect("it is read"), Vec::<String>::new());
    }
}
