//! Suspending, reinstating and revoking cards, and telling the world.

pub mod publication;
