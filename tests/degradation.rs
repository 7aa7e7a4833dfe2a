//! What goes on when a part of the machine does not: the store, the clock, a key, or the room for one more caller.

#[path = "degradation/clock.rs"]
mod clock;
#[path = "degradation/faulty.rs"]
mod faulty;
#[path = "degradation/overload.rs"]
mod overload;
#[path = "degradation/retries.rs"]
mod retries;
#[path = "degradation/signer.rs"]
mod signer;
#[path = "degradation/store.rs"]
mod store;
mod support;
