//! Records as rows: one ordered map of byte keys, which every database has. What a commit does to them, how records and
//! their secondary indexes are written, and how searches walk them stands here once; an implementation of the store
//! brings the map, the order of commits and the disk.

pub(in crate::store) mod encoding;
pub(in crate::store) mod group;
pub(in crate::store) mod overlay;
pub(in crate::store) mod pools;
pub(in crate::store) mod query;
pub(in crate::store) mod redo;

use crate::store::ReadError;

/// A key and what stands under it.
pub(in crate::store) type Row = (Vec<u8>, Vec<u8>);

/// A key and the value it gets; none removes it.
pub(in crate::store) type Change = (Vec<u8>, Option<Vec<u8>>);

/// Rows in the order of their keys as unsigned bytes.
pub(in crate::store) trait Rows {
    /// The value under a key.
    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// Rows whose key begins with `prefix`, in order, from behind `after` on. Read as it is walked.
    fn scan<'a>(&'a self, prefix: &[u8], after: Option<&[u8]>) -> Box<dyn Iterator<Item = Result<Row, ReadError>> + 'a>;
}
