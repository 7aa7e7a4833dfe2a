//! Keeps this node in step with what the others commit.
//!
//! A connection of its own listens for the notifications that come with their commits, and asks for the sequence every
//! [`POLL`] in any case: changes are seen within that time also where notifications do not come through (a pooler, a
//! server of another kind), and each answer tells that nothing was missed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_postgres::Client;

use crate::store::{
    Damage, Mode,
    postgres::{
        commit::PAGE, connect::Link, contact::Contact, failure::Failure, runtime::Runtime, settings::Patience, shared::Shared,
        sql, transaction::CHANNEL,
    },
};

/// How often the sequence is asked for when nobody rings.
const POLL: Duration = Duration::from_millis(200);

/// Pause after a failure: a database that comes back is found at once, and one that is down is not hammered.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// How many rounds pass between two looks at the standby: ten seconds of rounds that nobody rang for.
const STANDBY_ROUNDS: u32 = 50;

/// Rung when there is something to do at once.
#[derive(Default)]
struct Bell {
    rung: Notify,
    is_stopped: AtomicBool,
}

/// What the follower works with.
pub(super) struct Following {
    pub(super) runtime: Arc<Runtime>,
    pub(super) shared: Arc<Shared>,
    pub(super) contact: Arc<Contact>,
    /// The database itself, where notifications come through; none when they are not wanted.
    pub(super) listen: Option<Link>,
    /// The database by the way that everything goes.
    pub(super) database: Link,
    pub(super) patience: Patience,
}

/// The thread that follows; it ends when this is dropped.
pub(super) struct Follower {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.bell.is_stopped.store(true, Ordering::Release);
        self.bell.rung.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that follows other nodes had panicked");
        }
    }
}

impl Following {
    /// Starts the thread.
    pub(super) fn start(self) -> std::io::Result<Follower> {
        let bell = Arc::new(Bell::default());
        let rung = Arc::clone(&bell);
        let thread = thread::Builder::new().name("store-follow".to_owned()).spawn(move || self.run(&rung))?;
        Ok(Follower { bell, thread: Some(thread) })
    }

    /// Follows until it is told to stop, or until the database is not what this node has seen.
    fn run(&self, bell: &Arc<Bell>) {
        let (mut client, mut rounds, mut out_of_reach) = (None, 0_u32, false);
        while !bell.is_stopped.load(Ordering::Acquire) && !matches!(self.shared.mode(), Mode::Guarded(_)) {
            let pause = match self.round(&mut client, rounds, bell) {
                Ok(()) => {
                    if out_of_reach {
                        tracing::info!("the database answers again");
                        self.shared.reached(true);
                    }
                    (out_of_reach, rounds) = (false, rounds.wrapping_add(1));
                    POLL
                }
                Err(failure) => {
                    if !out_of_reach {
                        tracing::error!(%failure, "the database does not answer: what is in memory is served with its age");
                    }
                    (client, out_of_reach, rounds) = (None, true, 0);
                    AFTER_FAILURE
                }
            };
            // Whether somebody rang or the time is over, the next round looks.
            let _ = self.runtime.wait(pause, bell.rung.notified());
        }
    }

    fn round(&self, client: &mut Option<Client>, rounds: u32, bell: &Arc<Bell>) -> Result<(), Failure> {
        let client = match client.take().filter(|client| !client.is_closed()) {
            Some(open) => client.insert(open),
            // Twice: the way to notifications, and the way without.
            None => client.insert(self.bounded(self.patience.connect * 2, self.open(bell))?),
        };
        self.bounded(self.patience.read, self.catch_up(client))?;
        if rounds.is_multiple_of(STANDBY_ROUNDS) {
            self.contact.set_standby(self.bounded(self.patience.read, has_standby(client))?);
        }
        Ok(())
    }

    fn bounded<T>(&self, patience: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.runtime.wait(patience, work).map_err(|_| Failure::Silent)?
    }

    /// A connection on which notifications are heard, or else one on which they are not.
    async fn open(&self, bell: &Arc<Bell>) -> Result<Client, Failure> {
        if let Some(link) = &self.listen {
            match self.open_listening(link, bell).await {
                Ok(client) => return Ok(client),
                Err(failure) => tracing::debug!(%failure, "notifications are not heard"),
            }
        }
        self.database.connect(self.patience.connect).await
    }

    async fn open_listening(&self, link: &Link, bell: &Arc<Bell>) -> Result<Client, Failure> {
        let (bell, shared) = (Arc::clone(bell), Arc::clone(&self.shared));
        let heard = move |number: &str| {
            // What this node has committed itself, or knows already, is no news.
            if number.parse().is_ok_and(|number: u64| number > shared.head().size) {
                bell.rung.notify_one();
            }
        };
        let client = link.listen(self.patience.connect, heard).await?;
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        Ok(client)
    }

    /// Takes up what was committed since; the database has to continue what this node has seen.
    async fn catch_up(&self, client: &Client) -> Result<(), Failure> {
        let asked = self.contact.moment();
        // Read before the question: what this node commits meanwhile is no sign that the database went back.
        let seen = self.shared.head().size;
        let database = sql::head(client).await?.ok_or(Failure::Damaged("the head"))?;
        let ours = self.shared.store.is_some_and(|store| *store.as_bytes() == database.store);
        let (tree, behind) = (database.tree, database.tree.size < seen);
        if !ours || behind {
            let gone_back = Damage::DatabaseBehind { seen, database: tree.size };
            self.shared.guard(if ours { gone_back } else { Damage::ForeignRecords });
            return Ok(());
        }
        let mut next = seen.saturating_add(1);
        while next <= tree.size {
            let events = sql::events(client, next, tree.size, PAGE).await?;
            if events.is_empty() || self.shared.take_up(&events).is_err() {
                return Err(Failure::Damaged("the events"));
            }
            next = next.saturating_add(events.len() as u64);
        }
        let own = self.shared.head();
        if own.size == tree.size && own.root != tree.root {
            self.shared.guard(Damage::DatabaseForked(tree.size));
            return Ok(());
        }
        self.contact.renew(asked);
        Ok(())
    }
}

/// Whether a standby confirms commits before they are answered. A server that does not know the setting has its own ways
/// to keep what it acknowledged, which nobody can see from here.
async fn has_standby(client: &Client) -> Result<bool, Failure> {
    let asked = "SELECT coalesce(current_setting('synchronous_standby_names', true), '')";
    let rows = client.query_typed(asked, &[]).await?;
    let names: &str = rows.first().ok_or(Failure::Damaged("the settings"))?.try_get(0)?;
    Ok(!names.trim().is_empty())
}
