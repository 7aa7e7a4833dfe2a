//! How fresh this node's picture of the others is: an atomic number that every verification reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{base::clock::Clock, store::Caution};

/// Without an answer for longer than this the database counts as out of reach: ten times the pace of asking.
pub(super) const OUT_OF_REACH: Duration = Duration::from_secs(2);

/// The last time at which everything the others had committed was shown here, and what else the database said of itself.
pub(super) struct Contact {
    clock: Arc<dyn Clock>,
    /// On the monotonic clock, in milliseconds.
    last: AtomicU64,
    without_standby: AtomicBool,
}

impl Contact {
    /// In step now.
    pub(super) fn now(clock: Arc<dyn Clock>) -> Self {
        let last = AtomicU64::new(millis(clock.monotonic()));
        Self { clock, last, without_standby: AtomicBool::new(true) }
    }

    /// The time, to be given to [`renew`](Self::renew) when an answer to what is asked now is taken up.
    pub(super) fn moment(&self) -> Duration {
        self.clock.monotonic()
    }

    /// States that all that was committed before `asked` is shown.
    pub(super) fn renew(&self, asked: Duration) {
        self.last.fetch_max(millis(asked), Ordering::AcqRel);
    }

    /// States whether a standby confirms commits.
    pub(super) fn set_standby(&self, confirms: bool) {
        self.without_standby.store(!confirms, Ordering::Release);
    }

    /// For how long what others committed may have been missed.
    pub(super) fn lag(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Acquire));
        self.clock.monotonic().saturating_sub(last)
    }

    /// What an operator has to know.
    pub(super) fn cautions(&self) -> Vec<Caution> {
        let standby = self.without_standby.load(Ordering::Acquire).then_some(Caution::FailoverMayLoseRevocations);
        let reach = (self.lag() > OUT_OF_REACH).then_some(Caution::Unreachable);
        standby.into_iter().chain(reach).collect()
    }
}

fn millis(of: Duration) -> u64 {
    u64::try_from(of.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{clock::ManualClock, time::Timestamp};

    #[test]
    fn lag_counts_from_when_the_answered_question_was_asked() {
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        let contact = Contact::now(Arc::new(clock.clone()));
        assert_eq!(contact.lag(), Duration::ZERO);
        clock.advance(1);
        let asked = contact.moment();
        clock.advance(2);
        contact.renew(asked);
        assert_eq!(contact.lag(), Duration::from_secs(2));
        // An answer that was on its way for longer takes nothing back.
        contact.renew(Duration::ZERO);
        assert_eq!(contact.lag(), Duration::from_secs(2));
        // The wall clock has no part in it.
        clock.set_wall(Timestamp::from_unix(0));
        assert_eq!(contact.lag(), Duration::from_secs(2));
    }

    #[test]
    fn a_database_out_of_reach_and_one_without_a_standby_are_told() {
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        let contact = Contact::now(Arc::new(clock.clone()));
        assert_eq!(contact.cautions(), [Caution::FailoverMayLoseRevocations], "nobody has said otherwise");
        contact.set_standby(true);
        clock.advance(2);
        assert_eq!(contact.cautions(), []);
        clock.advance(1);
        assert_eq!(contact.cautions(), [Caution::Unreachable]);
        contact.set_standby(false);
        assert_eq!(contact.cautions(), [Caution::FailoverMayLoseRevocations, Caution::Unreachable]);
    }
}
