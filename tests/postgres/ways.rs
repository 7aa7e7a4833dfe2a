//! Ways to a database: by TLS, through a pooler that puts every transaction on another connection, and to a replica.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use yufu::{
    model::{
        client::WalletClient,
        record::{Query, Record},
    },
    store::{Store, postgres::OpenError},
};

use crate::{
    contract,
    harness::*,
    support::postgres::{Cluster, wait_until},
};

/// An authority and a certificate for 127.0.0.1 under it, as `(authority, chain, key)`; none without the openssl command.
fn certificates(folder: &Path) -> Option<(String, String, String)> {
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).current_dir(folder).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    };
    let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = ["req", "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"];
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("it is written");
    let request = ["req", "-subj", "/CN=database", "-keyout", "key.pem", "-out", "request.pem"];
    let signing = ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    let signed = [&signing[..], &["-days", "2", "-extfile", "names", "-out", "chain.pem"]].concat();
    if !(openssl(&[&authority[..], &new].concat()) && openssl(&[&request[..], &new].concat()) && openssl(&signed)) {
        eprintln!("skipped: no openssl command makes certificates");
        return None;
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("it is made");
    Some((read("ca.pem"), read("chain.pem"), read("key.pem")))
}

#[test]
fn a_server_is_believed_by_its_certificate_only() {
    let Some(cluster) = Cluster::start() else { return };
    let made = tempfile::tempdir().expect("a folder");
    let Some((authority, chain, key)) = certificates(made.path()) else { return };
    cluster.speak_tls(&chain, &key);
    let (roots, others) = (made.path().join("roots.pem"), made.path().join("others.pem"));
    fs::write(&roots, &authority).expect("it is written");
    fs::write(&others, "no certificate").expect("it is written");
    let url = cluster.fresh_database();
    let quick = |options: &mut yufu::store::postgres::Options<'_>| options.patience.start = Duration::from_millis(800);

    let folder = Folder::new();
    let believed = format!("{url}?sslmode=verify-full&sslrootcert={}", roots.display());
    let store = folder.try_open_in(&believed, quick).expect("it opens");
    store.commit(issue("card", 2)).expect("it is issued");
    assert_eq!(card(&store, "card").version, 1);
    let in_clear =
        "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'yufu' and not ssl";
    assert_eq!(cluster.sql(in_clear), "0");
    drop(store);

    let error = |url: &str| folder.try_open_in(url, quick).err();
    let unknown = error(&format!("{url}?sslmode=verify-full"));
    assert!(matches!(&unknown, Some(OpenError::Unreachable { why, .. }) if why.contains("certificate")), "{unknown:?}");
    let misnamed = error(&believed.replace("127.0.0.1", "localhost"));
    assert!(matches!(&misnamed, Some(OpenError::Unreachable { why, .. }) if why.contains("certificate")), "{misnamed:?}");
    let rootless = error(&format!("{url}?sslrootcert={}", others.display()));
    assert!(matches!(rootless, Some(OpenError::Roots(_))), "{rootless:?}");
    cluster.set("ssl", "off");
    wait_until("the server speaks no TLS", || cluster.sql("show ssl") == "off");
    assert!(matches!(error(&believed), Some(OpenError::Unreachable { .. })), "nothing is sent in clear");
}

/// A pooler that is stopped when it is dropped.
struct Pooler {
    child: Child,
    port: u16,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    /// Few connections, each given to another client at the end of every transaction.
    fn before(cluster: &Cluster) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|program| Path::new(program).exists());
        let Some(program) = program else {
            eprintln!("skipped: pgbouncer is not installed");
            return None;
        };
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n",
            cluster.port()
        );
        let file = cluster.folder().join("pgbouncer.ini");
        fs::write(&file, settings).expect("it is written");
        let log = fs::File::create(cluster.folder().join("pgbouncer.log")).expect("it is made");
        let mut command = Command::new(program);
        if let Some((user, group)) = cluster.owner() {
            std::os::unix::process::CommandExt::uid(&mut command, user);
            std::os::unix::process::CommandExt::gid(&mut command, group);
        }
        let child = command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it is started");
        let new = Self { child, port };
        wait_until("the pooler listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(new)
    }

    fn through(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').expect("an address");
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

#[test]
fn a_pooler_that_changes_connections_between_transactions_changes_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let Some(pooler) = Pooler::before(&cluster) else { return };
    let fresh = || Folder::new().open_in(&pooler.through(&cluster.fresh_database()));
    contract::of_64_parallel_commits_under_one_guard_exactly_one_wins(&fresh());
    contract::a_search_gives_every_record_once_over_all_pages(&fresh());
    contract::a_large_record_and_many_writes_in_one_commit_are_kept(&fresh());

    let (url, one, other) = (pooler.through(&cluster.fresh_database()), Folder::new(), Folder::with_seed(8));
    let nodes = [one.open_in(&url), other.open_in(&url)];
    thread::scope(|scope| {
        for writer in 0..16 {
            let node = &nodes[writer % 2];
            scope.spawn(move || {
                (0..4).for_each(|n| {
                    let name = format!("{writer}-{n}");
                    node.commit(issue(&name, 2)).expect("issued");
                    assert_eq!(card(node, &name).version, 1);
                });
            });
        }
    });
    for node in &nodes {
        node.commit(put(setting("up to date", "v"))).expect("written");
        log_is_whole(node);
        assert_eq!(no_index_twice(node).len(), 64);
    }
}

fn wallet(name: &str) -> Record {
    let (client_id, redirect_uris) = (name.to_owned(), Vec::new());
    let id = WalletClient::id_of(name);
    let client = WalletClient { id, client_id, name: name.to_owned(), redirect_uris, created_at: NOW, switched_off_at: None };
    Record::Wallet(client)
}

#[test]
fn lists_come_from_the_replica_and_what_decides_from_the_database() {
    let Some(cluster) = Cluster::start() else { return };
    let (url, folder) = (cluster.fresh_database(), Folder::new());
    let mut replica = cluster.standby(false);
    let (_, database) = url.rsplit_once('/').expect("an address");
    let address = replica.url_of(database).parse().expect("an address");
    let store = folder.try_open_in(&url, |options| options.replica = Some(address)).expect("it opens");
    let listed = || store.find(&Query::Wallets, None, 10).expect("it is found").records.len();
    store.commit(put(wallet("first"))).expect("it is written");
    wait_until("the replica has it", || listed() == 1);
    replica.sql("select pg_wal_replay_pause()");
    wait_until("the replica stands still", || replica.sql("select pg_get_wal_replay_pause_state()") == "paused");
    store.commit(put(wallet("second"))).expect("it is written");
    store.commit(issue("card", 1)).expect("it is issued");
    assert_eq!(listed(), 1, "a list may be a little old");
    let key = wallet("second").key();
    assert!(store.get(&key).expect("it is read").is_some(), "a record never is");
    let of_person = Query::Cards { person: Some(person_id("somebody")), state: None, credential_type: None };
    assert_eq!(store.find(&of_person, None, 10).expect("it is found").records.len(), 1);
    log_is_whole(&store);
    replica.sql("select pg_wal_replay_resume()");
    wait_until("the replica has it", || listed() == 2);
    replica.stop_immediate();
    assert_eq!(listed(), 2, "without the replica the database is asked");
}
