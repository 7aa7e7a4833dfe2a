//! Rows of the database as the shared code of both stores walks them: what was fetched in advance is not asked for
//! again, everything else is fetched when it is met.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
};

use crate::store::{
    ReadError,
    postgres::sql::{Range, end_of},
    rows::{Row, Rows, encoding},
};

/// Rows of the first page of a walk, and of the largest one.
const FIRST_PAGE: usize = 64;
const LARGEST_PAGE: usize = 1024;

/// Asks the database.
pub(super) trait Fetch {
    /// The rows that are there of these keys, in any order.
    fn values(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Row>, ReadError>;

    /// Rows of a range in order, at most `limit`.
    fn range(&self, range: Range, limit: usize) -> Result<Vec<Row>, ReadError>;
}

/// Rows over the database. It lives for one search or one group of commits.
pub(super) struct FetchedRows<F> {
    fetch: F,
    values: RefCell<HashMap<Vec<u8>, Option<Vec<u8>>>>,
    /// All rows that begin with these prefixes.
    prefixes: RefCell<HashMap<Vec<u8>, Vec<Row>>>,
}

impl<F: Fetch> FetchedRows<F> {
    pub(super) fn new(fetch: F) -> Self {
        Self { fetch, values: RefCell::default(), prefixes: RefCell::default() }
    }

    /// Who asks.
    pub(super) const fn fetch(&self) -> &F {
        &self.fetch
    }

    /// Takes what was fetched of `keys`; a key without a row has none.
    pub(super) fn know(&self, keys: Vec<Vec<u8>>, found: Vec<Row>) {
        let mut values = self.values.borrow_mut();
        values.extend(keys.into_iter().map(|key| (key, None)));
        values.extend(found.into_iter().map(|(key, value)| (key, Some(value))));
    }

    /// Takes all rows that begin with each of `prefixes`, unless there were `limit`: then there may be more.
    pub(super) fn know_prefixes(&self, prefixes: Vec<Vec<u8>>, found: Vec<(Vec<u8>, Row)>, limit: usize) {
        let mut known = self.prefixes.borrow_mut();
        known.extend(prefixes.into_iter().map(|prefix| (prefix, Vec::new())));
        for (prefix, row) in found {
            known.entry(prefix).or_default().push(row);
        }
        known.retain(|_, rows| rows.len() < limit);
    }

    /// The records to which index rows lead, of those whose prefix is known.
    pub(super) fn led_to(&self) -> Vec<Vec<u8>> {
        let known = self.prefixes.borrow();
        known.values().flatten().filter_map(|(key, _)| encoding::indexed_key(key)).collect()
    }

    fn page(&self, range: Range, limit: usize) -> Result<VecDeque<Row>, ReadError> {
        let rows = self.fetch.range(range, limit)?;
        let led_to: Vec<_> = rows.iter().filter_map(|(key, _)| encoding::indexed_key(key)).collect();
        if !led_to.is_empty() {
            let found = self.fetch.values(led_to.clone())?;
            self.know(led_to, found);
        }
        Ok(rows.into())
    }
}

impl<F: Fetch> Rows for FetchedRows<F> {
    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(value) = self.values.borrow().get(key) {
            return Ok(value.clone());
        }
        let found = self.fetch.values(vec![key.to_vec()])?.pop().map(|(_, value)| value);
        self.values.borrow_mut().insert(key.to_vec(), found.clone());
        Ok(found)
    }

    fn scan<'a>(&'a self, prefix: &[u8], after: Option<&[u8]>) -> Box<dyn Iterator<Item = Result<Row, ReadError>> + 'a> {
        let known = if after.is_none() { self.prefixes.borrow().get(prefix).cloned() } else { None };
        if let Some(rows) = known {
            return Box::new(rows.into_iter().map(Ok));
        }
        let from = after.filter(|after| *after >= prefix);
        let mut walk = Walk {
            rows: self,
            next: Some(Range { from: from.unwrap_or(prefix).to_vec(), is_behind: from.is_some(), to: end_of(prefix) }),
            page: VecDeque::new(),
            limit: FIRST_PAGE,
        };
        Box::new(std::iter::from_fn(move || walk.next_row()))
    }
}

struct Walk<'a, F> {
    rows: &'a FetchedRows<F>,
    /// What is still to be fetched.
    next: Option<Range>,
    page: VecDeque<Row>,
    limit: usize,
}

impl<F: Fetch> Walk<'_, F> {
    fn next_row(&mut self) -> Option<Result<Row, ReadError>> {
        if self.page.is_empty() {
            let range = self.next.take()?;
            let to = range.to.clone();
            match self.rows.page(range, self.limit) {
                Ok(page) => self.page = page,
                Err(error) => return Some(Err(error)),
            }
            if self.page.len() == self.limit {
                self.next = self.page.back().map(|(key, _)| Range { from: key.clone(), is_behind: true, to });
            }
            self.limit = (self.limit * 4).min(LARGEST_PAGE);
        }
        self.page.pop_front().map(Ok)
    }
}
