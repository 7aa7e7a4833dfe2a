//! Faults at chosen steps.

use std::{
    io,
    sync::{Arc, Mutex},
};

use yufu::store::faults::{Faults, Step};

/// Each of these steps fails once, the first time it comes.
pub struct FailOnce(Mutex<Vec<Step>>);

impl FailOnce {
    pub fn at(step: Step) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![step])))
    }

    pub fn at_both(one: Step, other: Step) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![one, other])))
    }
}

impl Faults for FailOnce {
    fn before(&self, step: Step) -> io::Result<()> {
        let mut due = self.0.lock().expect("no test panics in here");
        match due.iter().position(|due| *due == step) {
            Some(at) => {
                due.remove(at);
                Err(io::ErrorKind::StorageFull.into())
            }
            None => Ok(()),
        }
    }
}
