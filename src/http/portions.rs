//! Large answers in portions: a client that reads slowly holds a portion in memory and not the whole, and one that reads too
//! slowly is let go (THREATS HT-03).
//!
//! The framework asks a body for more only when most of what it has was taken. So a portion is asked for when the client has
//! read on, and that is when its pace is looked at; one that reads nothing at all is cut off by its connection
//! (`http::connections`).

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use crate::base::clock::Clock;

/// Bytes of a portion.
const PORTION: usize = 32 * 1024;

/// Bodies up to this size go as they are: two portions would hold as much.
const WHOLE: u64 = 2 * PORTION as u64;

/// The slowest pace: a telephone line of old.
const BYTES_A_SECOND: u64 = 4 * 1024;

/// The time that any answer has, however small.
const AT_LEAST: Duration = Duration::from_secs(30);

/// The same body; in portions where it is large and lies in memory.
pub(super) fn portioned(body: BoxBody, clock: &Arc<dyn Clock>) -> BoxBody {
    match body.size() {
        BodySize::Sized(size) if size > WHOLE => match body.try_into_bytes() {
            Ok(bytes) => BoxBody::new(Portions::new(bytes, Arc::clone(clock))),
            Err(body) => body,
        },
        _ => body,
    }
}

struct Portions {
    left: Bytes,
    clock: Arc<dyn Clock>,
    until: Duration,
}

impl Portions {
    fn new(left: Bytes, clock: Arc<dyn Clock>) -> Self {
        let time = AT_LEAST + Duration::from_secs(left.len() as u64 / BYTES_A_SECOND);
        let until = clock.monotonic().saturating_add(time);
        Self { left, clock, until }
    }
}

/// The client reads too slowly.
#[derive(Debug)]
struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client reads too slowly")
    }
}

impl std::error::Error for TooSlow {}

impl From<Infallible> for TooSlow {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl MessageBody for Portions {
    type Error = TooSlow;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, TooSlow>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        if self.clock.monotonic() > self.until {
            return Poll::Ready(Some(Err(TooSlow)));
        }
        let portion = PORTION.min(self.left.len());
        Poll::Ready(Some(Ok(self.left.split_to(portion))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{body::to_bytes, rt};

    use super::*;
    use crate::base::{clock::ManualClock, time::Timestamp};

    fn clock() -> (ManualClock, Arc<dyn Clock>) {
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        (clock.clone(), Arc::new(clock))
    }

    fn next(body: &mut BoxBody) -> Option<Result<Bytes, String>> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(body).poll_next(&mut context) {
            Poll::Ready(next) => next.map(|next| next.map_err(|error| error.to_string())),
            Poll::Pending => panic!("a body in memory is always ready"),
        }
    }

    #[test]
    fn a_large_body_comes_whole_in_portions_and_a_small_one_as_it_is() {
        let (_, clock) = clock();
        let bytes: Bytes = (0..100_000_u32).map(|n| n as u8).collect::<Vec<_>>().into();
        let mut body = portioned(BoxBody::new(bytes.clone()), &clock);
        assert_eq!(body.size(), BodySize::Sized(100_000), "the length that is announced");
        assert_eq!(next(&mut body), Some(Ok(bytes.slice(..PORTION))));
        assert_eq!(rt::System::new().block_on(to_bytes(body)).ok(), Some(bytes.slice(PORTION..)));
        let mut small = portioned(BoxBody::new(bytes.slice(..65_536)), &clock);
        assert_eq!(next(&mut small), Some(Ok(bytes.slice(..65_536))));
    }

    #[test]
    fn who_reads_slower_than_a_telephone_line_is_let_go() {
        let (moved, clock) = clock();
        let mut body = portioned(BoxBody::new(Bytes::from(vec![7; 400_000])), &clock);
        let seconds = 30 + 400_000 / 4096;
        assert!(matches!(next(&mut body), Some(Ok(_))));
        moved.advance(seconds);
        assert!(matches!(next(&mut body), Some(Ok(_))), "just in time");
        moved.advance(1);
        assert_eq!(next(&mut body), Some(Err("the client reads too slowly".to_owned())));
    }
}
