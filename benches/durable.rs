//! Durable revocations a second of the embedded store, by 1, 16 and 128 clients that wait for their answers, beside what
//! PostgreSQL makes of durable single-row inserts by 16 clients in the same run, and what the disk makes of bare appends.
//!
//! Each revocation is what the service does: the card is read, moved and committed with its event under a guard. The sides
//! take turns in short rounds, and the medians are compared, because this machine has other work too.
//! `cargo bench --bench durable`; `YUFU_DURABLE_ROUNDS=N` for other than five rounds.

#[path = "../tests/support/postgres.rs"]
mod cluster;
#[path = "../tests/store/harness.rs"]
mod harness;

use std::{
    fs::File,
    hint::black_box,
    io::Write,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cluster::Cluster;
use harness::*;
use yufu::{
    base::{
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    model::{card::State, record::Commit},
    store::{Store, sled::SledStore},
};

/// Operations of one round, by clients.
const OPERATIONS: [(usize, usize); 3] = [(1, 1_500), (16, 12_000), (128, 19_200)];

/// Inserts of one round in PostgreSQL.
const INSERTS: usize = 6_000;

/// Bytes of a bare append: about what one revocation writes to the log.
const APPENDED: usize = 512;

fn main() {
    let rounds = std::env::var("YUFU_DURABLE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5_usize);
    let folder = Folder::new();
    let store = open(&folder);
    let each: usize = OPERATIONS.iter().map(|(_, operations)| operations).sum();
    issue_cards(&store, each * rounds);
    let cluster = Cluster::start();
    let database = cluster.as_ref().map(Database::of);
    let next = AtomicUsize::new(0);
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); OPERATIONS.len() + 2];
    for _ in 0..rounds {
        for (rates, (clients, operations)) in rates.iter_mut().zip(OPERATIONS) {
            rates.push(revoke(&store, clients, operations, &next));
        }
        rates[OPERATIONS.len()].push(append(&folder));
        if let Some(database) = &database {
            rates[OPERATIONS.len() + 1].push(database.insert(16));
        }
    }
    let medians: Vec<Option<f64>> = rates.into_iter().map(median).collect();
    let rate = |at: usize| medians.get(at).copied().flatten();
    let names = ["revocations_1", "revocations_16", "revocations_128", "appends_1", "postgres_inserts_16"];
    for (at, name) in names.iter().enumerate() {
        if let Some(rate) = rate(at) {
            println!("figure: durable_{name} {rate:.0} per_second");
        }
    }
    let ratios = [("16_to_1_client", 1, 0), ("128_to_1_client", 2, 0), ("1_to_bare_append", 0, 3), ("16_to_postgres_16", 1, 4)];
    for (name, over, under) in ratios {
        if let (Some(over), Some(under)) = (rate(over), rate(under)) {
            println!("figure: durable_{name} {:.2} ratio", over / under);
        }
    }
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

fn open(folder: &Folder) -> SledStore {
    folder
        .try_open(|options| (options.clock, options.random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom)))
        .expect("the store opens")
}

fn issue_cards(store: &SledStore, count: usize) {
    for from in (0..count).step_by(500) {
        let orders = (from..count.min(from + 500)).map(|n| order(&n.to_string(), TYPE, 1)).collect();
        store.commit(Commit { issue: orders, ..Commit::default() }).expect("they are issued");
    }
}

/// Revokes the next cards by so many clients; operations a second.
fn revoke(store: &SledStore, clients: usize, operations: usize, next: &AtomicUsize) -> f64 {
    timed(clients, operations, |_| move || move_card(store, &next.fetch_add(1, Ordering::Relaxed).to_string(), State::Revoked))
}

/// Runs `operations` divided among threads; operations a second.
fn timed<F: FnMut()>(clients: usize, operations: usize, client: impl Fn(usize) -> F + Sync) -> f64 {
    let (start, end) = (Barrier::new(clients + 1), Barrier::new(clients + 1));
    thread::scope(|scope| {
        for n in 0..clients {
            let (start, end, client) = (&start, &end, &client);
            scope.spawn(move || {
                let mut operation = client(n);
                start.wait();
                (0..operations / clients).for_each(|_| operation());
                end.wait();
            });
        }
        start.wait();
        let clock = SystemClock::new();
        end.wait();
        (operations / clients * clients) as f64 / clock.monotonic().as_secs_f64()
    })
}

/// One writer that appends and syncs: what the disk gives.
fn append(folder: &Folder) -> f64 {
    let mut file = File::create(folder.path().join("appended")).expect("it is made");
    let bytes = [7; APPENDED];
    timed_here(OPERATIONS[0].1, || {
        file.write_all(black_box(&bytes)).and_then(|()| file.sync_data()).expect("it is written");
    })
}

fn timed_here(operations: usize, mut operation: impl FnMut()) -> f64 {
    let clock = SystemClock::new();
    (0..operations).for_each(|_| operation());
    operations as f64 / clock.monotonic().as_secs_f64()
}

/// A table in PostgreSQL, with its default durability.
struct Database {
    url: String,
    runtime: tokio::runtime::Runtime,
}

impl Database {
    fn of(cluster: &Cluster) -> Self {
        let url = cluster.fresh_database();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it starts");
        let database = Self { url, runtime };
        let statement =
            "create table revoked (card bytea primary key, list int not null, index int not null, at bigint not null)";
        database.runtime.block_on(async {
            let client = connect(&database.url).await;
            client.batch_execute(statement).await.expect("it is made");
        });
        database
    }

    /// Single-row inserts, each answered when it is on disk, by so many connections; inserts a second.
    fn insert(&self, clients: usize) -> f64 {
        self.runtime.block_on(async {
            let mut connected = Vec::new();
            for _ in 0..clients {
                let client = connect(&self.url).await;
                let statement = client.prepare("insert into revoked values ($1, $2, $3, $4)").await.expect("it is prepared");
                connected.push((client, statement));
            }
            let clock = SystemClock::new();
            let tasks = connected.into_iter().map(|(client, statement)| {
                tokio::spawn(async move {
                    for _ in 0..INSERTS / clients {
                        let card: [u8; 16] = <dyn yufu::base::random::Random>::array(&SystemRandom);
                        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&&card[..], &1_i32, &2_i32, &3_i64];
                        client.execute(&statement, &row).await.expect("it is inserted");
                    }
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("it ends");
            }
            (INSERTS / clients * clients) as f64 / clock.monotonic().as_secs_f64()
        })
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("it is reached");
    tokio::spawn(connection);
    client
}
