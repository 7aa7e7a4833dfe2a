//! Faults as the world makes them, seen from outside: the real program, or the store in a process of its own, is killed,
//! starved, refused by the system and given damaged folders, and what it answered before has to hold afterwards.
//! docs/FAULTS.md lists them by number. What cannot be done here (no root, no strace) is said and skipped.

mod support;

#[path = "faults/corrupted.rs"]
mod corrupted;
#[path = "faults/crash_images.rs"]
mod crash_images;
#[path = "store/damage.rs"]
mod damage;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/first_start.rs"]
mod first_start;
#[path = "faults/full_disk.rs"]
mod full_disk;
#[path = "store/harness.rs"]
mod harness;
#[path = "faults/injected.rs"]
mod injected;
#[path = "faults/killed.rs"]
mod killed;
#[path = "faults/oracle.rs"]
mod oracle;
#[path = "faults/refused.rs"]
mod refused;
#[path = "faults/scene.rs"]
mod scene;
#[path = "faults/stopped.rs"]
mod stopped;
#[path = "faults/tampered.rs"]
mod tampered;
#[path = "faults/trace.rs"]
mod trace;
