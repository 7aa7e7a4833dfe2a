//! Status lists as the world fetches them: signed anew within a second of a change, all changes of that second together,
//! and a few times within their time to live when nothing changes.
//!
//! Lists are read from the board, so they go on being published when the records cannot be read. Of several nodes one
//! signs and the others serve the very bytes that it signed (`among_nodes`).

mod among_nodes;
mod last_iat;

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock, TryLockError, atomic::AtomicBool},
    time::Duration,
};

use among_nodes::{AmongNodes, Round};
use flate2::{Compression, write::GzEncoder};
use last_iat::LastIat;
pub use last_iat::keep_newest;

use crate::{
    base::{base64url, clock::Clock, time::Timestamp},
    crypto::{SignError, Signer, sha256},
    format::status::{self, Bits, CompressError, StatusListClaims},
    model::ids::ListId,
    store::{
        Store,
        status_board::{BITS, PackedList, StatusBoard},
        watch::Pace,
    },
};

/// `ttl` of our lists, in seconds: after it a verifier fetches a fresh one. Five minutes is what an online verifier of
/// another service lags behind at most; our own checkpoints see a change at once or by the feed.
pub const TTL_SECONDS: u32 = 300;

/// Seconds from `iat` to `exp`: how long a verifier that cannot fetch may go on with what it has.
pub const LIFETIME_SECONDS: i64 = 24 * 3600;

/// An unchanged list is signed anew after this many seconds, so that what a verifier fetches is at most that old and
/// `ttl` is never used up before it is fetched.
const RENEWED_AFTER_SECONDS: i64 = TTL_SECONDS as i64 / 4;

/// Changes are gathered for nine tenths of a second, which leaves a tenth of the promised second for the signing.
const PACE: Pace = Pace { busy: Duration::from_millis(900), idle: Duration::from_secs(5) };

const _: () = assert!(BITS == Bits::Two.number(), "the board packs entries as they are published");

/// A list as it is served.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Published {
    /// The status list token.
    pub jwt: String,
    /// The same as a gzip body (RFC 1952), made once.
    pub gzip: Vec<u8>,
    /// Strong entity tag of the plain body, with its quotes.
    pub etag: String,
    /// Strong entity tag of the gzip body: another body has another tag (RFC 9110 section 8.8.3.3).
    pub gzip_etag: String,
    /// `iat`: what the list says was so at this time.
    pub signed_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// Why a list was not signed; the one before goes on being served until it expires.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("status list {list}: {cause}")]
pub struct PublishError {
    /// The list.
    pub list: ListId,
    /// What failed.
    #[source]
    pub cause: PublishCause,
}

/// What failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PublishCause {
    /// The signer.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The compressor of the list or of the body; neither fails on bytes in memory.
    #[error(transparent)]
    Compress(#[from] CompressError),
}

/// The newest version of one list and what it was made from.
#[derive(Clone)]
struct Version {
    published: Arc<Published>,
    /// The compressed list in base64url, kept so that an unchanged list is not compressed again.
    lst: Arc<str>,
    /// The last event that had changed the list when it was copied.
    last_change: u64,
    /// The last event that was known to stand on the board completely.
    shown: u64,
}

impl Version {
    /// Whether the list has changed since, or may have been copied while an event was half on the board.
    fn is_outdated(&self, list: &PackedList, shown: u64) -> bool {
        list.last_change() > self.last_change || self.last_change > self.shown && shown > self.shown
    }
}

/// Signs lists and keeps the newest version of each in memory.
pub struct Publisher {
    signer: Arc<dyn Signer>,
    x5c: Vec<Vec<u8>>,
    public_url: String,
    versions: RwLock<BTreeMap<ListId, Version>>,
    /// The newest `iat` of earlier processes; no list is dated before it.
    floor: Timestamp,
    /// One round at a time: `iat` of one list must not go back.
    round: Mutex<Option<LastIat>>,
    /// Whether the other nodes could not be reached in the last round.
    cut_off: AtomicBool,
}

impl Publisher {
    /// A publisher that has signed nothing yet. `x5c` are the signer's certificates as DER, leaf first, without the root.
    pub fn new(signer: Arc<dyn Signer>, x5c: &[Vec<u8>], public_url: &str) -> Self {
        Self {
            signer,
            x5c: x5c.to_vec(),
            public_url: public_url.to_owned(),
            versions: RwLock::default(),
            floor: Timestamp::default(),
            round: Mutex::default(),
            cut_off: AtomicBool::new(false),
        }
    }

    /// The same, for the lists of a data folder: no list is dated before those that earlier processes signed. `now` is
    /// only compared: an operator is told when the clock is behind.
    #[must_use]
    pub fn lasting(mut self, data: &Path, now: Timestamp) -> Self {
        let last = LastIat::open(data);
        self.floor = last.kept();
        if now < self.floor {
            tracing::error!(
                %now, floor = %self.floor,
                "the clock is behind the newest status list; set it right, or remove status/iat if it was ahead before"
            );
        }
        self.round = Mutex::new(Some(last));
        self
    }

    /// The newest version of a list; none when there is no such list, or when it was opened within the last second.
    pub fn current(&self, list: ListId) -> Option<Arc<Published>> {
        self.version(list).map(|version| version.published)
    }

    /// When the published list that waited longest was signed; none before one was.
    pub fn oldest(&self) -> Option<Timestamp> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        versions.values().map(|version| version.published.signed_at).min()
    }

    /// Whether a round of signing is under way. Who asks for a list waits beside it and not behind it: a key that hangs
    /// must not take the seats of those who ask for something else.
    pub fn is_signing(&self) -> bool {
        matches!(self.round.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// The URIs of all published lists, for the aggregation (section 9 of the draft).
    pub fn uris(&self) -> Vec<String> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        versions.keys().map(|list| list.uri(&self.public_url)).collect()
    }

    /// Signs every list of `board` that has changed since it was last signed, was never signed, or is a quarter of its
    /// `ttl` old; gives how many. `shown` is the last event known to stand on the board (the store's watch), read before
    /// the call.
    ///
    /// `iat` never goes back: while the clock is behind the last `iat` of a list, that `iat` is kept, and the list is
    /// signed only when it has changed. A list that fails does not keep the others from being signed; the first error is
    /// given. A board that has lost events is not signed at all: a new list without a revocation would take the place of
    /// older ones that have it.
    pub fn publish_due(&self, board: &StatusBoard, shown: u64, now: Timestamp) -> Result<usize, PublishError> {
        if !board.is_complete() {
            return Ok(0);
        }
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut signed, mut failed) = (0, None);
        for (id, list) in board.lists() {
            let last = self.version(id);
            if !is_due(last.as_ref(), &list, shown, now) {
                continue;
            }
            keep(&mut round, now);
            match self.sign(id, &list, last.as_ref(), shown, now) {
                Ok(version) => {
                    self.versions.write().unwrap_or_else(PoisonError::into_inner).insert(id, version);
                    signed += 1;
                }
                Err(cause) => failed = failed.or(Some(PublishError { list: id, cause })),
            }
        }
        failed.map_or(Ok(signed), Err)
    }

    /// Publishes what is due of a store's lists, now: signed here, or taken up where another node of the service signed
    /// it. A list that nobody has signed yet is signed by whichever node is asked first. Gives how many were signed here.
    pub fn publish(&self, store: &dyn Store, clock: &dyn Clock) -> Result<usize, PublishError> {
        let shown = store.watch().last();
        match store.together() {
            None => self.publish_due(store.board(), shown, clock.now()),
            Some(together) => {
                let among = AmongNodes { store, together, shown, now: clock.now() };
                self.publish_among_nodes(&among, true).map(|round| round.signed)
            }
        }
    }

    /// Publishes until `stop` is set: at once, then whenever the store has new events, within a second of each.
    pub fn run(&self, store: &dyn Store, clock: &dyn Clock, stop: &AtomicBool) {
        store.watch().follow_at(stop, |shown| {
            let (published, pace) = match store.together() {
                None => (self.publish_due(store.board(), shown, clock.now()).map(drop), PACE),
                Some(together) => {
                    let among = AmongNodes { store, together, shown, now: clock.now() };
                    let round = self.publish_among_nodes(&among, false);
                    let pace = round.as_ref().map_or(PACE, Round::pace);
                    (round.map(drop), pace)
                }
            };
            if let Err(error) = published {
                tracing::error!(%error, "a status list could not be signed; the last one goes on being served");
            }
            pace
        });
    }

    fn version(&self, list: ListId) -> Option<Version> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(&list).cloned()
    }

    fn sign(
        &self,
        id: ListId,
        list: &PackedList,
        last: Option<&Version>,
        shown: u64,
        now: Timestamp,
    ) -> Result<Version, PublishCause> {
        // Read before the values are copied: a change in between is in the copy, and the list is signed once too often.
        let last_change = list.last_change();
        let unchanged = last.filter(|last| !last.is_outdated(list, shown));
        let lst = match unchanged {
            Some(last) => Arc::clone(&last.lst),
            None => StatusListClaims::encode(&list.packed_values())?.into(),
        };
        let iat = last.map_or(now, |last| now.max(last.published.signed_at)).max(self.floor);
        let exp = iat.plus_seconds(LIFETIME_SECONDS);
        let claims = StatusListClaims {
            sub: id.uri(&self.public_url),
            iat,
            exp: Some(exp),
            ttl: Some(TTL_SECONDS),
            bits: Bits::Two,
            lst: lst.to_string(),
            aggregation_uri: Some(format!("{}/status-lists", self.public_url)),
        };
        let jwt = status::sign(&claims, &self.x5c, &*self.signer)?;
        let published = Arc::new(Published::new(jwt, iat, exp)?);
        Ok(Version { published, lst, last_change, shown })
    }
}

/// Whether a list has to be signed: never signed, changed since, or old.
fn is_due(last: Option<&Version>, list: &PackedList, shown: u64, now: Timestamp) -> bool {
    last.is_none_or(|last| {
        last.is_outdated(list, shown) || now.seconds_since(last.published.signed_at) >= RENEWED_AFTER_SECONDS
    })
}

/// Puts a date on disk before a list carries it. A full disk is no reason to stop publishing.
fn keep(round: &mut Option<LastIat>, iat: Timestamp) {
    if let Some(Err(error)) = round.as_mut().map(|last| last.keep(iat)) {
        tracing::warn!(%error, "the date of the newest status list could not be kept");
    }
}

impl Published {
    fn new(jwt: String, signed_at: Timestamp, expires_at: Timestamp) -> Result<Self, CompressError> {
        // base64url of compressed bytes has no repetitions, so nothing but the fastest level pays.
        let mut gzip = GzEncoder::new(Vec::with_capacity(jwt.len()), Compression::fast());
        let gzip = gzip.write_all(jwt.as_bytes()).and_then(|()| gzip.finish()).map_err(|_| CompressError)?;
        let tag = base64url::encode(sha256(&jwt));
        let (etag, gzip_etag) = (format!("\"{tag}\""), format!("\"{tag}.gzip\""));
        Ok(Self { jwt, gzip, etag, gzip_etag, signed_at, expires_at })
    }
}

#[cfg(test)]
mod among_nodes_tests;
#[cfg(test)]
mod tests;
