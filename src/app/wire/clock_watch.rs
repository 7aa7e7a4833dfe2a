//! The clock is watched, and a step of it is told.

use crate::http::State;

/// Looks once. What goes on whatever the clock does: no list is dated before one that was signed, and what lives in memory
/// only ends by the monotonic clock.
pub(super) fn look(state: &State) {
    if let Some(seconds) = state.clock_watch.look(&*state.clock) {
        tracing::error!(
            seconds,
            now = %state.clock.now(),
            "the clock was stepped; look at the time server, and at what was dated meanwhile"
        );
    }
}
