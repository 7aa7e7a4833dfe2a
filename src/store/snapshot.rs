//! Snapshots of what the events tell, so that a start need not read all of them: `DATA/status/`, the newest two.
//!
//! A snapshot is believed only if its hash and the log key's signature hold and the log goes on exactly where it ends,
//! which the store that reads it has to see to; everything before is re-checked in the background. It attests as well: a
//! log that ends before it has lost events.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    base::{base64url, limits::STATUS_LIST_ENTRIES},
    crypto::{PublicKey, Signer, sha256},
    format::merkle::Frontier,
    model::{
        checkpoint::CheckpointAccount,
        ids::{ListId, StoreId, TokenId},
        party::Role,
    },
    store::{
        TreeHead,
        log::{create_folder, sync_folder},
        status_board::{BITS, PackedList},
        told::Told,
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
    /// Where the last event stands; three numbers whose meaning is the log's own.
    last_frame: Place,
    lists: Vec<(ListId, String, u64)>,
    roster: Vec<(String, TokenId, Role)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<(TokenId, CheckpointAccount)>,
}

/// Where the last event of a snapshot stands in its log. In files: segment, offset, number of the frame's first event.
pub(in crate::store) type Place = (u64, u64, u64);

/// Where the snapshots of a data folder lie.
fn folder(data: &Path) -> PathBuf {
    data.join("status")
}

/// A snapshot whose seal holds.
pub(in crate::store) struct Snapshot {
    header: Header,
    lists: Vec<u8>,
}

/// The newest snapshot whose seal holds; others are passed over.
pub(in crate::store) fn newest(data: &Path, key: &PublicKey) -> Option<Snapshot> {
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
    pub(in crate::store) fn sequence(&self) -> u64 {
        self.header.frontier.size()
    }

    /// The tree over the events it knows.
    pub(in crate::store) fn head(&self) -> TreeHead {
        TreeHead { size: self.header.frontier.size(), root: self.header.frontier.root() }
    }

    /// Whose log it is of.
    pub(in crate::store) const fn origin(&self) -> StoreId {
        self.header.origin
    }

    /// Where the last event stands.
    pub(in crate::store) const fn place(&self) -> Place {
        self.header.last_frame
    }

    /// Whether it calls a token good.
    pub(in crate::store) fn is_good(&self, token: TokenId) -> bool {
        self.header.roster.iter().any(|(_, good, _)| *good == token)
    }

    /// Its lists.
    pub(in crate::store) fn lists(&self) -> impl Iterator<Item = (ListId, PackedList)> {
        self.header.lists.iter().zip(self.lists.chunks_exact(VALUES + GIVEN)).filter_map(
            |((id, credential_type, last_change), packed)| {
                let (values, given) = packed.split_at_checked(VALUES)?;
                Some((*id, PackedList::restore(credential_type.clone(), values, given, *last_change)?))
            },
        )
    }

    /// What the events up to its last one told.
    pub(in crate::store) fn tell(&self) -> Option<Told> {
        let (store, origin) = (Some(self.header.store), Some(self.header.origin));
        let told = Told { frontier: self.header.frontier.clone(), store, origin, ..Told::default() };
        for (id, list) in self.lists() {
            told.board.install(id, list);
        }
        for (token, account) in &self.header.accounts {
            told.roster.install_account(*token, account.clone());
        }
        for (hash, token, role) in &self.header.roster {
            told.roster.install(base64url::decode_array(hash).ok()?, *token, *role);
        }
        Some(told)
    }
}

/// Writes a snapshot of `told`, whose last event stands at `place`, aside, signs it, renames it into place and removes all
/// but the newest two.
pub(in crate::store) fn write(data: &Path, told: &Told, place: Place, signer: &dyn Signer) -> io::Result<()> {
    let folder = folder(data);
    let bytes = encode(told, place, signer).ok_or(io::ErrorKind::InvalidData)?;
    create_folder(&folder)?;
    let aside = folder.join("snapshot.new");
    let mut file = File::create(&aside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&aside, folder.join(format!("{:020}.snapshot", told.last())))?;
    sync_folder(&folder)?;
    let files = list(&folder)?;
    files.iter().rev().skip(KEPT).try_for_each(fs::remove_file)
}

fn encode(told: &Told, last_frame: Place, signer: &dyn Signer) -> Option<Vec<u8>> {
    let lists = told.board.lists();
    let roster = told.roster.entries();
    let header = Header {
        schema: SCHEMA,
        origin: told.origin?,
        store: told.store?,
        frontier: told.frontier.clone(),
        last_frame,
        lists: lists.iter().map(|(id, list)| (*id, list.credential_type().to_owned(), list.last_change())).collect(),
        roster: roster.into_iter().map(|(hash, token, role)| (base64url::encode(hash), token, role)).collect(),
        accounts: told.roster.accounts().into_iter().map(|(token, account)| (token, (*account).clone())).collect(),
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
