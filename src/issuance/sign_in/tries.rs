//! Growing delays between tries of codes.
//!
//! Tries are counted twice: those with one ID number from one network, which soon have to wait long, and those with the
//! number from anywhere, which have to wait a minute at most. So a stranger who tries the numbers of others keeps nobody
//! out for long, and many strangers together still get no more than one try a minute at a code of twelve digits.
//!
//! A try is counted on disk before its code is looked at: of any number that come at one time no more are looked at than
//! would be one after another.

use crate::{
    base::time::Timestamp,
    crypto::keyed_hash,
    issuance::{
        Fault,
        sign_in::{SignInError, SignIns},
    },
    model::{
        id_number::IdNumber,
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Write},
        sign_in::SignInTries,
    },
    store::CommitError,
};

/// Tries are forgotten when nobody tried for a day.
const REMEMBERED_SECONDS: i64 = 24 * 3600;
/// How often a try is counted again when others are counted at that moment.
const ATTEMPTS: usize = 16;

/// How delays grow.
struct Pace {
    /// Tries without one.
    free: u32,
    /// The first, in seconds; each further one is twice as long.
    first: i64,
    /// The longest.
    most: i64,
}

/// For tries from one network: three free, then 15 seconds, at most a quarter of an hour.
const FROM_HERE: Pace = Pace { free: 3, first: 15, most: 15 * 60 };
/// For tries from anywhere: twenty free, then 5 seconds, at most a minute.
const FROM_ANYWHERE: Pace = Pace { free: 20, first: 5, most: 60 };

impl Pace {
    /// Seconds to wait after so many tries.
    fn delay(&self, count: u32) -> i64 {
        match count.checked_sub(self.free) {
            None => 0,
            Some(beyond) => self.first.saturating_mul(1_i64.checked_shl(beyond.min(32)).unwrap_or(i64::MAX)).min(self.most),
        }
    }
}

/// A try that was counted.
pub(super) struct Counted {
    keys: Vec<OneTimeKey>,
}

impl Counted {
    /// A good try makes those before it forgotten.
    pub(super) fn forgotten(&self) -> impl Iterator<Item = Write> + '_ {
        self.keys.iter().map(|key| Write::Remove(Key::OneTime(*key)))
    }
}

impl SignIns {
    /// Counts a try with this number from this network, or says from when on one is taken. Behind a proxy that nobody named
    /// the network is not known, and everybody would share it: then the second count stands alone.
    pub(super) fn count(&self, number: &IdNumber, network: Option<&str>) -> Result<Counted, SignInError> {
        let key = |domain: &str, data: &str| keyed_hash(self.ground.keyring.code_key(), domain, data.as_bytes());
        let from = |network| (key("sign-in tries from", &format!("{}{network}", number.as_str())), FROM_HERE);
        let mut counts = vec![(key("sign-in tries", number.as_str()), FROM_ANYWHERE)];
        counts.extend(network.map(from));
        for _ in 0..ATTEMPTS {
            let now = self.ground.clock.now();
            let mut commit = Commit::default();
            for (key, pace) in &counts {
                let (guard, tries) = self.tries(*key, now)?;
                if now < tries.not_before {
                    return Err(SignInError::NotBefore(tries.not_before));
                }
                let count = tries.count.saturating_add(1);
                let not_before = now.plus_seconds(pace.delay(count));
                let leads_to = LeadsTo::SignInTries(SignInTries { count, not_before });
                let expires_at = now.plus_seconds(REMEMBERED_SECONDS);
                commit.guards.push(guard);
                commit.writes.push(Write::Put(Record::OneTime(OneTime { key: *key, leads_to, expires_at })));
            }
            match self.ground.store.commit(commit) {
                Ok(_) => return Ok(Counted { keys: counts.into_iter().map(|(key, _)| key).collect() }),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// The tries under a key, with the condition that nobody counts another meanwhile.
    fn tries(&self, key: OneTimeKey, now: Timestamp) -> Result<(Guard, SignInTries), Fault> {
        let name = Key::OneTime(key);
        let Some(record) = self.ground.store.get(&name)? else { return Ok((Guard::Absent(name), SignInTries::default())) };
        let guard = Guard::Version(name, record.version);
        match record.value {
            Record::OneTime(OneTime { leads_to: LeadsTo::SignInTries(tries), expires_at, .. }) if now < expires_at => {
                Ok((guard, tries))
            }
            Record::OneTime(_) => Ok((guard, SignInTries::default())),
            _ => Err(Fault::Record("tries to sign in")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end_somewhere() {
        let delays = |pace: Pace, counts: &[u32]| counts.iter().map(|count| pace.delay(*count)).collect::<Vec<_>>();
        assert_eq!(
            delays(FROM_HERE, &[0, 1, 2, 3, 4, 5, 8, 9, 10, 1000, u32::MAX]),
            [0, 0, 0, 15, 30, 60, 480, 900, 900, 900, 900]
        );
        assert_eq!(delays(FROM_ANYWHERE, &[1, 19, 20, 21, 23, 24, u32::MAX]), [0, 0, 5, 10, 40, 60, 60]);
    }
}
