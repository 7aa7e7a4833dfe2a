//! Suspending, reinstating and revoking cards, and telling the world.

pub mod lifecycle;
pub mod publication;
pub mod schedule;
