//! Snapshots of what the log says, so that a start need not read all of it: `DATA/status/`, the newest two.
//!
//! A snapshot is believed only if its hash and the log key's signature hold and the log goes on exactly where it ends;
//! everything before is re-checked in the background. It attests as well: a log that ends before it has lost events.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    base::{base64url, limits::STATUS_LIST_ENTRIES},
    crypto::{PublicKey, Signer, sha256},
    format::merkle::{Frontier, Hash},
    model::{
        card::{State, StatusRef},
        checkpoint::CheckpointAccount,
        ids::{ListId, StoreId, TokenId},
        party::Role,
    },
    store::{
        TreeHead,
        log::{self, LogReader, Position, create_folder, sync_folder},
        sled::{
            guarded,
            replay::{End, Replay},
        },
        status_board::{BITS, PackedList},
    },
};

const DOMAIN: &[u8] = b"yufu-snapshot-v1";
const SCHEMA: u8 = 1;
const VALUES: usize = STATUS_LIST_ENTRIES * BITS as usize / 8;
const GIVEN: usize = STATUS_LIST_ENTRIES / 8;
/// SHA-256 of everything before, and a signature over it.
const SEAL: usize = 32 + 64;
/// How many are kept.
const KEPT: usize = 2;

/// Everything but the packed lists, which follow it in the same order.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    schema: u8,
    origin: StoreId,
    store: StoreId,
    frontier: Frontier,
    /// The last frame: segment, offset, number of its first event.
    last_frame: (u64, u64, u64),
    lists: Vec<(ListId, String, u64)>,
    roster: Vec<(String, TokenId, Role)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<(TokenId, CheckpointAccount)>,
}

/// Where the snapshots of a data folder lie.
fn folder(data: &Path) -> PathBuf {
    data.join("status")
}

/// A snapshot whose seal holds.
pub(super) struct Snapshot {
    header: Header,
    lists: Vec<u8>,
}

/// The part of the log that a snapshot stands for and that is still to be re-checked.
#[derive(Clone, Copy)]
pub(super) struct Skipped {
    pub(super) size: u64,
    pub(super) root: Hash,
}

/// The newest snapshot whose seal holds; others are passed over.
pub(super) fn newest(data: &Path, key: &PublicKey) -> Option<Snapshot> {
    let files = list(&folder(data)).ok()?;
    files.iter().rev().find_map(|path| Snapshot::read(&fs::read(path).ok()?, key))
}

/// Snapshots by rising event number.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "snapshot"));
    files.sort();
    Ok(files)
}

impl Snapshot {
    fn read(bytes: &[u8], key: &PublicKey) -> Option<Self> {
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        let (hash, signature) = seal.split_at_checked(32)?;
        if sha256(body) != *hash || key.verify(&[DOMAIN, hash].concat(), signature).is_err() {
            return None;
        }
        let (length, rest) = body.split_first_chunk()?;
        let (header, lists) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let header: Header = serde_json::from_slice(header).ok()?;
        let whole = header.schema == SCHEMA && lists.len() == header.lists.len().checked_mul(VALUES + GIVEN)?;
        whole.then(|| Self { header, lists: lists.to_vec() })
    }

    /// The last event it knows.
    pub(super) fn sequence(&self) -> u64 {
        self.header.frontier.size()
    }

    /// The state it holds, and where the log goes on; none when this log does not go on from it.
    pub(super) fn base(&self, data: &Path) -> Option<(Replay, Position, Skipped)> {
        let (log, Header { frontier, .. }) = (log::folder(data), &self.header);
        let mut first = Replay::default();
        let (at, frame) = LogReader::open(&log).ok()?.next_frame().ok()??;
        first.take(at, &frame);
        let (segment, offset, number) = self.header.last_frame;
        let mut reader = LogReader::open_at(&log, number, Position { segment, offset }).ok()?;
        let (at, last) = reader.next_frame().ok()??;
        if first.origin != Some(self.header.origin) || last.last() != frontier.size() {
            return None;
        }
        let mut replay = Replay {
            frontier: frontier.clone(),
            applied: last.applied,
            store: Some(self.header.store),
            origin: Some(self.header.origin),
            last_frame: Some((at, number)),
            ..Replay::default()
        };
        replay.index.note(number, at);
        for ((id, credential_type, last_change), packed) in
            self.header.lists.iter().zip(self.lists.chunks_exact(VALUES + GIVEN))
        {
            let (values, given) = packed.split_at_checked(VALUES)?;
            replay.board.install(*id, PackedList::restore(credential_type.clone(), values, given, *last_change)?);
        }
        for (token, account) in &self.header.accounts {
            replay.roster.install_account(*token, account.clone());
        }
        for (hash, token, role) in &self.header.roster {
            replay.roster.install(base64url::decode_array(hash).ok()?, *token, *role);
        }
        Some((replay, reader.position()?, Skipped { size: frontier.size(), root: frontier.root() }))
    }
}

impl Snapshot {
    /// Takes into `replay`, whose log has lost what the snapshot knows, every index, suspension and revocation, and
    /// takes out every token the snapshot does not call good.
    fn harden(&self, replay: &Replay) {
        for ((id, credential_type, _), packed) in self.header.lists.iter().zip(self.lists.chunks_exact(VALUES + GIVEN)) {
            let Some((values, given)) = packed.split_at_checked(VALUES) else { continue };
            let Some(list) = PackedList::restore(credential_type.clone(), values, given, 0) else { continue };
            let at = |index| StatusRef { list: *id, index };
            for state in [State::Suspended, State::Revoked] {
                let reads = |index: &u32| list.entry(*index).is_some_and(|entry| entry.value == state.list_value());
                let copies = (0..STATUS_LIST_ENTRIES as u32).filter(reads).map(at).collect();
                guarded::worsen(replay, credential_type, copies, state);
            }
            let given = |index: &u32| list.entry(*index).is_some_and(|entry| entry.given);
            let copies = (0..STATUS_LIST_ENTRIES as u32).filter(given).map(at).collect();
            guarded::worsen(replay, credential_type, copies, State::Active);
        }
        let good = |token: &TokenId| self.header.roster.iter().any(|(_, good, _)| good == token);
        for (_, token, _) in replay.roster.entries().into_iter().filter(|(_, token, _)| !good(token)) {
            guarded::switch_off(replay, token);
        }
    }
}

/// Writes a snapshot of `replay` aside, signs it, renames it into place and removes all but the newest two.
pub(super) fn write(data: &Path, replay: &Replay, signer: &dyn Signer) -> io::Result<()> {
    let folder = folder(data);
    let bytes = encode(replay, signer).ok_or(io::ErrorKind::InvalidData)?;
    create_folder(&folder)?;
    let aside = folder.join("snapshot.new");
    let mut file = File::create(&aside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&aside, folder.join(format!("{:020}.snapshot", replay.last())))?;
    sync_folder(&folder)?;
    let files = list(&folder)?;
    files.iter().rev().skip(KEPT).try_for_each(fs::remove_file)
}

fn encode(replay: &Replay, signer: &dyn Signer) -> Option<Vec<u8>> {
    let (at, number) = replay.last_frame?;
    let lists = replay.board.lists();
    let roster = replay.roster.entries();
    let header = Header {
        schema: SCHEMA,
        origin: replay.origin?,
        store: replay.store?,
        frontier: replay.frontier.clone(),
        last_frame: (at.segment, at.offset, number),
        lists: lists.iter().map(|(id, list)| (*id, list.credential_type().to_owned(), list.last_change())).collect(),
        roster: roster.into_iter().map(|(hash, token, role)| (base64url::encode(hash), token, role)).collect(),
        accounts: replay.roster.accounts().into_iter().map(|(token, account)| (token, (*account).clone())).collect(),
    };
    let header = serde_json::to_vec(&header).ok()?;
    let mut bytes = u32::try_from(header.len()).ok()?.to_be_bytes().to_vec();
    bytes.extend(header);
    for (_, list) in lists {
        bytes.extend(list.packed_values());
        bytes.extend(list.packed_given());
    }
    let hash = sha256(&bytes);
    let signature = signer.sign(&[DOMAIN, &hash].concat()).ok()?;
    bytes.extend(hash);
    bytes.extend(signature);
    Some(bytes)
}

/// The log as it is found: from the newest snapshot on if the log goes on from one and `from_snapshot` allows it,
/// otherwise all of it.
pub(super) struct FoundLog {
    pub(super) replay: Replay,
    pub(super) end: End,
    pub(super) position: Option<Position>,
    /// The last event that a snapshot attests.
    pub(super) attested: u64,
    pub(super) skipped: Option<Skipped>,
}

/// Reads the log of a data folder.
pub(super) fn read_log(
    data: &Path,
    key: &PublicKey,
    expected: Option<TreeHead>,
    from_snapshot: bool,
) -> Result<FoundLog, log::LogError> {
    let folder = log::folder(data);
    let snapshot = newest(data, key);
    let mut attested = snapshot.as_ref().map_or(0, Snapshot::sequence);
    if let Some((mut replay, at, skipped)) = snapshot.as_ref().filter(|_| from_snapshot).and_then(|found| found.base(data)) {
        replay.expected = expected;
        let (end, position) = replay.read(&folder, Some(at))?;
        // What a damaged log says is gathered from all of it.
        if !matches!(end, End::Damaged(_)) {
            return Ok(FoundLog { replay, end, position, attested, skipped: Some(skipped) });
        }
    }
    let mut replay = Replay { expected, ..Replay::default() };
    let (end, position) = replay.read(&folder, None)?;
    match snapshot {
        // The log of another store, with our key, would be another matter.
        Some(snapshot) if replay.origin.is_some_and(|origin| origin != snapshot.header.origin) => attested = 0,
        Some(snapshot) if attested > replay.last() => snapshot.harden(&replay),
        _ => {}
    }
    Ok(FoundLog { replay, end, position, attested, skipped: None })
}
