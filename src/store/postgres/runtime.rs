//! Where the database's connections live: an own small runtime, so that the store answers from any thread, whatever
//! runtime that thread belongs to.

use std::{future::Future, io, sync::mpsc::sync_channel, time::Duration};

/// Threads that carry bytes between the store and the database. Two keep up with every rate that was measured.
const THREADS: usize = 2;

pub(super) struct Runtime {
    inner: Option<tokio::runtime::Runtime>,
}

/// The runtime is gone or did not answer in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NoAnswer;

impl Runtime {
    pub(super) fn start() -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let inner = builder.worker_threads(THREADS).thread_name("store-postgres").enable_all().build()?;
        Ok(Self { inner: Some(inner) })
    }

    /// Does something for the caller's thread, which sleeps meanwhile, at most `patience`; what is not done by then is
    /// given up. For threads of others: they may belong to another runtime.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let runtime = self.inner.as_ref().ok_or(NoAnswer)?;
        let (answer, answered) = sync_channel(1);
        let task = runtime.spawn(async move { drop(answer.send(work.await)) });
        answered.recv_timeout(patience).map_err(|_| {
            task.abort();
            NoAnswer
        })
    }

    /// Does something on a thread of the store's own, at most `patience`.
    pub(super) fn wait<T>(&self, patience: Duration, work: impl Future<Output = T>) -> Result<T, NoAnswer> {
        let runtime = self.inner.as_ref().ok_or(NoAnswer)?;
        runtime.block_on(async { tokio::time::timeout(patience, work).await }).map_err(|_| NoAnswer)
    }
}

impl Drop for Runtime {
    /// Without waiting: whoever drops the store may stand in a runtime of its own.
    fn drop(&mut self) {
        if let Some(runtime) = self.inner.take() {
            runtime.shutdown_background();
        }
    }
}
