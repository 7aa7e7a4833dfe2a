//! Opens the store: finds the database, its tables and its head, and holds them against what this node remembers.

use std::{
    sync::{
        Arc,
        mpsc::{channel, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::Client;

use crate::{
    format::merkle::{Frontier, Hash, leaf_hash},
    model::{
        event::{Event, LoggedEvent, What},
        ids::StoreId,
        party::Actor,
    },
    store::{
        Damage, Mode, TreeHead,
        log::{LogLock, create_folder},
        postgres::{
            PostgresStore,
            commit::{Committer, PAGE},
            connect::Link,
            contact::Contact,
            failure::Failure,
            folder,
            follow::Following,
            high_water::HighWater,
            keeper::Keeper,
            read::{Reader, Source},
            runtime::Runtime,
            schema::{self, Migrate},
            settings::{Listen, OpenError, Options},
            shared::{Shared, place_of},
            sql::{self, Head},
            together::Member,
        },
        rows::encoding,
        snapshot::{self, Snapshot},
        told::Told,
        worse::{self, Shown},
    },
};

/// Pause between two attempts to reach the database at the start.
const PAUSE: Duration = Duration::from_millis(200);

/// See [`PostgresStore::open`].
pub(super) fn open(options: Options<'_>) -> Result<PostgresStore, OpenError> {
    let own = folder(options.data);
    create_folder(options.data)?;
    create_folder(&own)?;
    let lock = LogLock::take(&own)?;
    let (high_water, seen) = HighWater::open(&own)?;
    let link = Link::to(&options.database)?;
    let runtime = Arc::new(Runtime::start()?);
    let snapshot = snapshot::newest(options.data, options.log_signer.public_key());
    let opening = Opening { options: &options, link: &link, runtime: &runtime };
    let remembered = Remembered { seen: latest(seen, options.attested), snapshot };
    let (client, found) = opening.find(&remembered)?;
    let Found { told, last_leaf, damage, skipped } = found;
    if damage.is_some() {
        told.board.mark_incomplete();
        if let Some(snapshot) = &remembered.snapshot {
            // What was revoked in a history that the database has lost stays revoked, even if it tells of other cards.
            worse::by_snapshot(Shown { board: &told.board, roster: &told.roster, last: told.last() }, snapshot);
        }
    }
    let mode = damage.map_or(Mode::Normal, Mode::Guarded);
    let checked = if skipped.is_some() { 0 } else { told.last() };
    let shared = Arc::new(Shared::new(told, last_leaf, mode, checked, high_water));
    run(options, link, runtime, client, shared, skipped, lock)
}

/// The later of two heads.
fn latest(one: Option<TreeHead>, other: Option<TreeHead>) -> Option<TreeHead> {
    one.into_iter().chain(other).max_by_key(|head| head.size)
}

/// What this node knows from before.
struct Remembered {
    /// The highest event.
    seen: Option<TreeHead>,
    snapshot: Option<Snapshot>,
}

/// What the database tells.
struct Found {
    told: Told,
    last_leaf: Hash,
    damage: Option<Damage>,
    /// What was taken from a snapshot and is still to be checked.
    skipped: Option<TreeHead>,
}

struct Opening<'a> {
    options: &'a Options<'a>,
    link: &'a Link,
    runtime: &'a Runtime,
}

impl Opening<'_> {
    /// Connects, makes the tables, and reads what is there; tries again as long as a start may take.
    fn find(&self, remembered: &Remembered) -> Result<(Client, Found), OpenError> {
        let until = Instant::now() + self.options.patience.start;
        loop {
            let failure = match self.try_find(remembered, until) {
                Ok(found) => return Ok(found),
                Err(Migrate::Refused(error)) => return Err(error),
                Err(Migrate::Failed(Failure::Damaged(what))) => return Err(OpenError::Damaged(what)),
                Err(Migrate::Failed(failure)) => failure,
            };
            if !failure.may_pass() || Instant::now() + PAUSE >= until {
                let (address, why) = (self.link.address().to_string(), failure.to_string());
                return Err(OpenError::Unreachable { address, why });
            }
            thread::sleep(PAUSE);
        }
    }

    fn try_find(&self, remembered: &Remembered, until: Instant) -> Result<(Client, Found), Migrate> {
        let left = || until.saturating_duration_since(Instant::now());
        let opened = async {
            let client = self.link.connect(self.options.patience.connect).await?;
            schema::migrate(&client).await?;
            if let Some(to) = sql::moved_to(&client).await? {
                return Err(Migrate::Refused(OpenError::Moved(to)));
            }
            sql::forget_old_writers(&client).await?;
            let head = sql::head(&client).await?;
            Ok::<_, Migrate>((client, head))
        };
        let (client, head) = self.runtime.wait(left(), opened).unwrap_or(Err(Failure::Silent.into()))?;
        let is_new = remembered.seen.is_none() && remembered.snapshot.is_none();
        let head = match head {
            Some(head) => head,
            None if is_new => {
                let creation = self.creation();
                self.runtime.wait(left(), create(&client, &creation)).unwrap_or(Err(Failure::Silent))?
            }
            None => {
                let seen = remembered.seen.map_or(0, |seen| seen.size);
                let attested = remembered.snapshot.as_ref().map_or(0, Snapshot::sequence);
                let damage = Damage::DatabaseBehind { seen: seen.max(attested), database: 0 };
                let found = Found { told: Told::default(), last_leaf: [0; 32], damage: Some(damage), skipped: None };
                return Ok((client, found));
            }
        };
        let known = i64::from(encoding::SCHEMA);
        if head.records_schema != known {
            return Err(Migrate::Refused(OpenError::UnknownSchema(head.records_schema)));
        }
        let found = self.read(&client, &head, remembered)?;
        Ok((client, found))
    }

    /// The first event of a new log.
    fn creation(&self) -> LoggedEvent {
        let random = self.options.random.as_ref();
        let (store, at) = (StoreId::random(random), self.options.clock.now());
        let event = Event { number: 1, at, actor: Actor::Service, what: What::StoreCreated { store } };
        LoggedEvent { event, salt: random.array() }
    }

    /// Reads the events: from the newest snapshot on if the database goes on from it.
    fn read(&self, client: &Client, head: &Head, remembered: &Remembered) -> Result<Found, Failure> {
        let snapshot = remembered.snapshot.as_ref();
        let base = match snapshot {
            Some(snapshot) => self.base(client, head, snapshot)?,
            None => None,
        };
        let skipped = base.as_ref().map(|(told, _)| told.head());
        let (mut told, mut last_leaf) = base.unwrap_or((Told::default(), [0; 32]));
        told.expected = remembered.seen;
        while told.last() < head.tree.size {
            let events = self.page(client, told.last().saturating_add(1), head.tree.size)?;
            if events.is_empty() {
                return Err(Failure::Damaged("the events"));
            }
            for logged in &events {
                told.take(logged);
                last_leaf = leaf_hash(&logged.commitment());
            }
        }
        let attested = snapshot.filter(|snapshot| told.origin == Some(snapshot.origin())).map(Snapshot::head);
        let damage = damage(&told, head, latest(remembered.seen, attested));
        Ok(Found { told, last_leaf, damage, skipped })
    }

    /// What a snapshot tells, and the leaf of its last event, if this database goes on from it.
    fn base(&self, client: &Client, head: &Head, snapshot: &Snapshot) -> Result<Option<(Told, Hash)>, Failure> {
        let size = snapshot.sequence();
        if size == 0 || size > head.tree.size {
            return Ok(None);
        }
        let (first, last) = (self.page_of_one(client, 1)?, self.page_of_one(client, size)?);
        let (Some(first), Some(last)) = (first, last) else { return Err(Failure::Damaged("the events")) };
        let leaf = leaf_hash(&last.commitment());
        let ours = matches!(first.event.what, What::StoreCreated { store } if store == snapshot.origin());
        if !ours || place_of(&leaf) != snapshot.place() {
            return Ok(None);
        }
        Ok(snapshot.tell().map(|told| (told, leaf)))
    }

    fn page(&self, client: &Client, from: u64, to: u64) -> Result<Vec<LoggedEvent>, Failure> {
        let read = sql::events(client, from, to, PAGE);
        self.runtime.wait(self.options.patience.start, read).unwrap_or(Err(Failure::Silent))
    }

    fn page_of_one(&self, client: &Client, number: u64) -> Result<Option<LoggedEvent>, Failure> {
        Ok(self.page(client, number, number)?.pop())
    }
}

/// Makes the first event and the head, unless another node has just done so; gives the head that stands.
async fn create(client: &Client, creation: &LoggedEvent) -> Result<Head, Failure> {
    let What::StoreCreated { store } = creation.event.what else { return Err(Failure::Damaged("the first event")) };
    client.batch_execute("BEGIN; LOCK TABLE migration IN EXCLUSIVE MODE").await?;
    if let Some(head) = sql::head(client).await? {
        client.batch_execute("COMMIT").await?;
        return Ok(head);
    }
    let tree: Frontier = [leaf_hash(&creation.commitment())].into_iter().collect();
    let tree = TreeHead { size: tree.size(), root: tree.root() };
    let head = Head { store: *store.as_bytes(), records_schema: i64::from(encoding::SCHEMA), tree };
    sql::add_events(client, std::slice::from_ref(creation)).await?;
    sql::make_head(client, &head).await?;
    client.batch_execute("COMMIT").await?;
    Ok(head)
}

/// What is wrong with a database that tells this, at a node that has seen that.
fn damage(told: &Told, head: &Head, seen: Option<TreeHead>) -> Option<Damage> {
    if let Some(seen) = seen.filter(|seen| seen.size > told.last()) {
        return Some(Damage::DatabaseBehind { seen: seen.size, database: told.last() });
    }
    let forked = seen.is_some_and(|seen| seen.size == told.last() && seen.root != told.head().root);
    if told.is_forked || forked {
        return Some(Damage::DatabaseForked(seen.map_or(told.last(), |seen| seen.size)));
    }
    if told.head() != head.tree {
        return Some(Damage::LogDamaged(told.last()));
    }
    (told.store.map(|store| *store.as_bytes()) != Some(head.store)).then_some(Damage::ForeignRecords)
}

fn reader(options: &Options<'_>, link: &Link, runtime: &Arc<Runtime>, shared: &Arc<Shared>) -> Result<Reader, OpenError> {
    let patience = options.patience;
    let source =
        |link: Link| -> Result<Source, OpenError> { Ok(Source { pool: link.pool(options.connections, &patience)?, link }) };
    let replica = options.replica.as_ref().map(|address| source(Link::to(address)?)).transpose()?;
    let primary = source(link.clone())?;
    let (runtime, shared) = (Arc::clone(runtime), Arc::clone(shared));
    Ok(Reader { runtime, shared, primary, replica, patience: patience.read })
}

/// The way to notifications, if they are wanted.
fn listening(listen: &Listen, database: &Link) -> Result<Option<Link>, OpenError> {
    match listen {
        Listen::Database => Ok(Some(database.clone())),
        Listen::At(address) => Link::to(address).map(Some),
        Listen::Off => Ok(None),
    }
}

/// Starts the threads.
fn run(
    options: Options<'_>,
    link: Link,
    runtime: Arc<Runtime>,
    client: Client,
    shared: Arc<Shared>,
    skipped: Option<TreeHead>,
    lock: LogLock,
) -> Result<PostgresStore, OpenError> {
    let patience = options.patience;
    let reader = Arc::new(reader(&options, &link, &runtime, &shared)?);
    let node = options.random.array();
    let member = Member::new(Arc::clone(&runtime), reader.primary.pool.clone(), node, patience.read);
    let contact = Arc::new(Contact::now(options.clock));
    let following = Following {
        runtime: Arc::clone(&runtime),
        shared: Arc::clone(&shared),
        contact: Arc::clone(&contact),
        listen: listening(&options.listen, &link)?,
        database: link.clone(),
        patience,
    };
    let committer = Committer {
        shared: Arc::clone(&shared),
        runtime: Arc::clone(&runtime),
        link,
        client: Some(client),
        pools: None,
        index_key: options.index_key,
        list_capacity: options.list_capacity,
        node,
        random: options.random,
        group: options.group.max(1),
        patience,
    };
    let (queue, jobs) = sync_channel(options.queue.max(1));
    let writer = thread::Builder::new().name("store-writer".to_owned()).spawn(move || committer.run(&jobs))?;
    let keeper = Keeper {
        shared: Arc::clone(&shared),
        reader: Arc::clone(&reader),
        data: options.data.to_owned(),
        signer: options.log_signer,
        every: options.snapshot_every.max(1),
        skipped,
    };
    let (stop, stopped) = channel();
    let keeper = thread::Builder::new().name("store-keeper".to_owned()).spawn(move || keeper.run(&stopped))?;
    Ok(PostgresStore {
        shared,
        reader,
        queue: Some(queue),
        writer: Some(writer),
        keeper: Some((stop, keeper)),
        contact,
        member,
        follower: Some(following.start()?),
        patience,
        _lock: lock,
    })
}
