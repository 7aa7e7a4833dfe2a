//! Others' lists in memory: bounded in number and bytes, each with its time, and what is remembered of one that is gone.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    base::{
        limits::{
            CLOCK_SKEW_SECONDS, FOREIGN_LIST_BYTES, FOREIGN_LIST_MEMORIES, FOREIGN_LISTS, FOREIGN_RETRY_MOST_SECONDS,
            FOREIGN_RETRY_SECONDS, FOREIGN_TTL_LEAST_SECONDS, FOREIGN_TTL_SECONDS, FOREIGN_TTL_UNSTATED_SECONDS,
        },
        time::Timestamp,
    },
    crypto::sha256,
    format::status::Verified,
    verification::lookup::Wanted,
};

/// Which list of which issuer, as a hash. An issuer that names another's list cannot spoil it for the other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(wanted: &Wanted) -> Self {
        Self(sha256([sha256(&wanted.issuer), sha256(&wanted.reference.uri)].concat()))
    }
}

/// The time of one look, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) wall: Timestamp,
    /// Refreshes and retries are measured by this one: it never goes back.
    pub(super) monotonic: Duration,
}

/// What is to be done for a list.
pub(super) enum Turn {
    /// Nothing: this copy is good.
    Use(Arc<Verified>),
    /// Nothing: it cannot be had for now, and this is why.
    GoWithout(String),
    /// Wait for the caller who fetches it.
    Wait,
    /// Fetch it. Nobody else does until [`ListCache::landed`] or [`ListCache::failed`] is called.
    Fetch {
        /// The `iat` of the newest copy so far.
        newest_seen: Option<Timestamp>,
    },
}

#[derive(Default)]
struct Entry {
    copy: Option<Arc<Verified>>,
    refresh_at: Duration,
    /// The same by the wall clock: a machine that slept wakes with old copies and a monotonic clock that stood still.
    refresh_at_wall: Option<Timestamp>,
    newest: Option<Timestamp>,
    under_way: bool,
    failures: u32,
    retry_at: Duration,
    why: String,
    used: u64,
}

impl Entry {
    /// The copy, unless it is past its `exp`, from when on it must not be relied on.
    fn usable(&self, wall: Timestamp) -> Option<&Arc<Verified>> {
        let expired = |copy: &&Arc<Verified>| copy.claims.exp.is_some_and(|exp| wall.seconds_since(exp) >= CLOCK_SKEW_SECONDS);
        self.copy.as_ref().filter(|copy| !expired(copy))
    }

    fn is_fresh(&self, now: Now) -> bool {
        now.monotonic < self.refresh_at && self.refresh_at_wall.is_some_and(|refresh_at| now.wall < refresh_at)
    }

    fn bytes(&self) -> usize {
        self.copy.as_ref().map_or(0, |copy| copy.list.packed().len())
    }
}

/// The lists.
#[derive(Default)]
pub(super) struct ListCache {
    entries: HashMap<Key, Entry>,
    copies: usize,
    bytes: usize,
    uses: u64,
}

impl ListCache {
    /// What is to be done for a list that is wanted now.
    pub(super) fn turn(&mut self, key: Key, now: Now) -> Turn {
        self.uses += 1;
        self.make_room_for_memory(key);
        let entry = self.entries.entry(key).or_default();
        entry.used = self.uses;
        if let Some(copy) = entry.usable(now.wall).filter(|_| entry.is_fresh(now)) {
            return Turn::Use(Arc::clone(copy));
        }
        if entry.under_way {
            return Turn::Wait;
        }
        if entry.failures > 0 && now.monotonic < entry.retry_at {
            return match entry.usable(now.wall) {
                Some(copy) => Turn::Use(Arc::clone(copy)),
                None => Turn::GoWithout(entry.why.clone()),
            };
        }
        entry.under_way = true;
        Turn::Fetch { newest_seen: entry.newest }
    }

    /// The copy at hand, fresh or not, for whoever cannot wait any longer.
    pub(super) fn at_hand(&self, key: Key, now: Now) -> Option<Arc<Verified>> {
        self.entries.get(&key)?.usable(now.wall).map(Arc::clone)
    }

    /// A fetch brought a list.
    pub(super) fn landed(&mut self, key: Key, mut list: Verified, now: Now) -> Arc<Verified> {
        // The list is unpacked; its compressed text would be kept for nothing.
        list.claims.lst = String::new();
        let list = Arc::new(list);
        let entry = self.entries.entry(key).or_default();
        self.bytes = self.bytes - entry.bytes() + list.list.packed().len();
        self.copies += usize::from(entry.copy.is_none());
        entry.newest = entry.newest.max(Some(list.claims.iat));
        let lifetime = lifetime(&list, now.wall);
        entry.refresh_at = now.monotonic + seconds(lifetime);
        entry.refresh_at_wall = Some(now.wall.plus_seconds(lifetime));
        (entry.under_way, entry.failures) = (false, 0);
        entry.copy = Some(Arc::clone(&list));
        self.drop_least_used(key);
        list
    }

    /// A fetch brought nothing. Gives the copy at hand, if it still may be used.
    pub(super) fn failed(&mut self, key: Key, why: &str, now: Now) -> Option<Arc<Verified>> {
        let entry = self.entries.entry(key).or_default();
        let doubled = FOREIGN_RETRY_SECONDS.saturating_mul(1_i64.checked_shl(entry.failures).unwrap_or(i64::MAX));
        entry.retry_at = now.monotonic + seconds(doubled.clamp(FOREIGN_RETRY_SECONDS, FOREIGN_RETRY_MOST_SECONDS));
        // More doublings than this change nothing.
        entry.failures = (entry.failures + 1).min(16);
        entry.under_way = false;
        why.clone_into(&mut entry.why);
        entry.usable(now.wall).map(Arc::clone)
    }

    fn drop_least_used(&mut self, but: Key) {
        while self.copies > FOREIGN_LISTS || self.bytes > FOREIGN_LIST_BYTES {
            let with_copy = self.entries.iter_mut().filter(|(key, entry)| **key != but && entry.copy.is_some());
            let Some((_, entry)) = with_copy.min_by_key(|(_, entry)| entry.used) else { return };
            self.bytes -= entry.bytes();
            self.copies -= 1;
            entry.copy = None;
        }
    }

    /// Forgets the list whose last use is longest ago, when there are too many to remember.
    fn make_room_for_memory(&mut self, key: Key) {
        if self.entries.len() < FOREIGN_LIST_MEMORIES || self.entries.contains_key(&key) {
            return;
        }
        let idle = self.entries.iter().filter(|(_, entry)| !entry.under_way && entry.copy.is_none());
        if let Some(oldest) = idle.min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key) {
            self.entries.remove(&oldest);
        }
    }
}

/// Seconds for which a copy is used before a newer one is asked for: `ttl`, else until `exp`, both within our own bounds
/// (draft-ietf-oauth-status-list sections 8.2 and 13.7).
fn lifetime(list: &Verified, at: Timestamp) -> i64 {
    let stated = list.claims.ttl.map(i64::from).or_else(|| list.claims.exp.map(|exp| exp.seconds_since(at)));
    stated.unwrap_or(FOREIGN_TTL_UNSTATED_SECONDS).clamp(FOREIGN_TTL_LEAST_SECONDS, FOREIGN_TTL_SECONDS)
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::status::{Bits, StatusList, StatusListClaims};

    const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

    fn key(number: u64) -> Key {
        Key(sha256(number.to_be_bytes()))
    }

    fn after(seconds: u64) -> Now {
        Now { wall: NOW.plus_seconds(seconds.cast_signed()), monotonic: Duration::from_secs(seconds) }
    }

    fn list(iat: i64, ttl: Option<u32>, exp: Option<i64>, entries: usize) -> Verified {
        let claims = StatusListClaims {
            sub: "https://id.example/1".to_owned(),
            iat: NOW.plus_seconds(iat),
            exp: exp.map(|exp| NOW.plus_seconds(exp)),
            ttl,
            bits: Bits::Eight,
            lst: "kept for nothing".to_owned(),
            aggregation_uri: None,
        };
        Verified { claims, list: StatusList::all_valid(Bits::Eight, entries) }
    }

    fn turn(cache: &mut ListCache, of: u64, at: u64) -> &'static str {
        match cache.turn(key(of), after(at)) {
            Turn::Use(_) => "use",
            Turn::GoWithout(_) => "go without",
            Turn::Wait => "wait",
            Turn::Fetch { .. } => "fetch",
        }
    }

    #[test]
    fn a_list_is_fetched_once_a_time_to_live_and_by_one_caller() {
        let mut cache = ListCache::default();
        assert_eq!([turn(&mut cache, 1, 0), turn(&mut cache, 1, 0), turn(&mut cache, 2, 0)], ["fetch", "wait", "fetch"]);
        assert_eq!(cache.landed(key(1), list(0, Some(60), None, 8), after(1)).claims.lst, "");
        assert_eq!([turn(&mut cache, 1, 1), turn(&mut cache, 1, 60)], ["use", "use"]);
        assert_eq!([turn(&mut cache, 1, 61), turn(&mut cache, 1, 61)], ["fetch", "wait"]);
    }

    #[test]
    fn neither_clock_alone_keeps_a_copy() {
        let mut cache = ListCache::default();
        let mut turn = |wall: i64, monotonic| {
            let now = Now { wall: NOW.plus_seconds(wall), monotonic: Duration::from_secs(monotonic) };
            let fetches = matches!(cache.turn(key(1), now), Turn::Fetch { .. });
            if fetches {
                cache.landed(key(1), list(wall, Some(60), None, 8), now);
            }
            fetches
        };
        let (slept, set_back) = ([turn(0, 0), turn(59, 0), turn(60, 0)], [turn(0, 59), turn(0, 60)]);
        assert_eq!((slept, set_back), ([true, false, true], [false, true]));
    }

    #[test]
    fn time_to_live_is_held_to_our_bounds() {
        for (ttl, exp, seconds) in [
            (Some(1), None, FOREIGN_TTL_LEAST_SECONDS),
            (Some(600), Some(60), 600),
            (Some(2_000_000), None, FOREIGN_TTL_SECONDS),
            (None, Some(900), 900),
            (None, Some(10_000_000), FOREIGN_TTL_SECONDS),
            (None, None, FOREIGN_TTL_UNSTATED_SECONDS),
        ] {
            assert_eq!(lifetime(&list(0, ttl, exp, 8), NOW), seconds, "{ttl:?} {exp:?}");
        }
    }

    #[test]
    fn failures_are_remembered_longer_and_longer_and_an_old_copy_serves_until_it_expires() {
        let mut cache = ListCache::default();
        assert_eq!(turn(&mut cache, 1, 0), "fetch");
        assert!(cache.failed(key(1), "down", after(0)).is_none());
        let tries: Vec<u64> = (0..200)
            .filter(|at| {
                let fetches = turn(&mut cache, 1, *at) == "fetch";
                if fetches {
                    cache.failed(key(1), "down", after(*at));
                }
                fetches
            })
            .collect();
        assert_eq!(tries, [5, 15, 35, 75, 135, 195]);
        assert!(matches!(cache.turn(key(1), after(200)), Turn::GoWithout(why) if why == "down"));
        assert_eq!(turn(&mut cache, 1, 255), "fetch");
        cache.landed(key(1), list(255, Some(10), Some(300), 8), after(255));
        assert_eq!(turn(&mut cache, 1, 265), "fetch");
        assert!(cache.failed(key(1), "down", after(265)).is_some());
        assert_eq!([turn(&mut cache, 1, 266), turn(&mut cache, 1, 269)], ["use", "use"]);
        assert_eq!(turn(&mut cache, 1, 270), "fetch");
        let past = 300 + CLOCK_SKEW_SECONDS.cast_unsigned();
        assert!(cache.at_hand(key(1), after(past - 1)).is_some() && cache.at_hand(key(1), after(past)).is_none());
        assert!(cache.failed(key(1), "down", after(past)).is_none());
    }

    #[test]
    fn the_newest_time_outlives_the_copy() {
        let mut cache = ListCache::default();
        assert_eq!(turn(&mut cache, 1, 0), "fetch");
        cache.landed(key(1), list(100, None, None, FOREIGN_LIST_BYTES), after(0));
        assert_eq!(turn(&mut cache, 2, 0), "fetch");
        cache.landed(key(2), list(0, None, None, 1), after(0));
        assert_eq!((cache.copies, cache.bytes), (1, 1));
        let newest = match cache.turn(key(1), after(1)) {
            Turn::Fetch { newest_seen } => newest_seen,
            _ => panic!("the copy is gone"),
        };
        assert_eq!(newest, Some(NOW.plus_seconds(100)));
    }

    #[test]
    fn as_many_are_kept_and_remembered_as_is_allowed() {
        let mut cache = ListCache::default();
        let lists = FOREIGN_LISTS as u64 + 3;
        for number in 0..lists {
            cache.turn(key(number), after(0));
            cache.landed(key(number), list(0, None, None, 1), after(0));
        }
        assert_eq!((cache.copies, cache.bytes), (FOREIGN_LISTS, FOREIGN_LISTS));
        assert_eq!([turn(&mut cache, 2, 0), turn(&mut cache, 3, 0)], ["fetch", "use"]);
        cache.entries.extend((lists..2 * FOREIGN_LIST_MEMORIES as u64).map(|number| (key(number), Entry::default())));
        let before = cache.entries.len();
        cache.turn(key(u64::MAX), after(0));
        assert_eq!(cache.entries.len(), before);
    }
}
