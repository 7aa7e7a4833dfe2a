//! Copies the embedded store while it works.
//!
//! sled's files must not be copied while it is open (THREATS F3), and the log alone names no person; so the rows are read
//! through sled, with what is written meanwhile behind them (`tap`), and the events from the log's files up to the event
//! at which the rows ended.

use std::path::Path;

use crate::{
    format::merkle::{Frontier, leaf_hash},
    store::{
        ReadError, TreeHead,
        log::LogReader,
        rows::{
            Rows,
            encoding::{IDENTITY, Identity},
        },
        sled::{SledStore, records::Records},
        transfer::{Digesting, Extent, Row, RowsDigest, Sink, Source, TransferError},
    },
};

/// Rows read in one go, and events handed on in one.
const PAGE: usize = 1_000;

impl Source for SledStore {
    fn copy(&self, to: &mut dyn Sink) -> Result<Extent, TransferError> {
        let Identity { store, sequence } = copy_rows(self.believed()?, to)?;
        let head = copy_events(self.shared.folder(), sequence, to)?;
        Ok(Extent { store, head })
    }

    fn digest(&self) -> Result<RowsDigest, TransferError> {
        digest(self.believed()?)
    }
}

/// The digest of all rows but the identity.
pub(super) fn digest(records: &Records) -> Result<RowsDigest, TransferError> {
    let mut digest = Digesting::default();
    for row in records.scan(&[], None) {
        let (key, value) = row?;
        if key != IDENTITY {
            digest.add(&key, &value);
        }
    }
    Ok(digest.finish())
}

/// Copies all rows; gives what they said of themselves at the end.
fn copy_rows(records: &Records, to: &mut dyn Sink) -> Result<Identity, TransferError> {
    let tapped = records.tap().open().ok_or(TransferError::Busy)?;
    let mut identity = None;
    let mut give = |rows: Vec<Row>| {
        let (own, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(key, _)| key == IDENTITY);
        identity = own.into_iter().next_back().and_then(|(_, value)| value).or(identity.take());
        if rows.is_empty() { Ok(()) } else { to.rows(rows) }
    };
    let mut after: Option<Vec<u8>> = None;
    loop {
        // In this order: what was taken before the rows are read is not newer than they are.
        give(tapped.take()?)?;
        let page: Vec<_> = records.scan(&[], after.as_deref()).take(PAGE).collect::<Result<_, _>>()?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        give(page.into_iter().map(|(key, value)| (key, Some(value))).collect())?;
    }
    give(tapped.close()?)?;
    let identity = identity.and_then(|bytes| Identity::decode(&bytes).ok());
    Ok(identity.ok_or(ReadError::Damaged("the store"))?)
}

/// Copies the events of the log in `folder` up to number `last`; gives the tree over them.
pub(super) fn copy_events(folder: &Path, last: u64, to: &mut dyn Sink) -> Result<TreeHead, TransferError> {
    let mut tree = Frontier::new();
    let mut page = Vec::with_capacity(PAGE);
    let not_whole = |tree: &Frontier| TransferError::LogNotWhole(tree.size().saturating_add(1));
    let mut reader = LogReader::open(folder).map_err(|_| not_whole(&tree))?;
    while tree.size() < last {
        let Ok(Some((_, frame))) = reader.next_frame() else { return Err(not_whole(&tree)) };
        for logged in frame.events.into_iter().filter(|logged| logged.event.number <= last) {
            tree.append(leaf_hash(&logged.commitment()));
            page.push(logged);
        }
        if page.len() >= PAGE {
            to.events(std::mem::take(&mut page))?;
        }
    }
    if !page.is_empty() {
        to.events(page)?;
    }
    Ok(TreeHead { size: tree.size(), root: tree.root() })
}
