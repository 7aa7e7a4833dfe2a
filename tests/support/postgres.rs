//! A PostgreSQL cluster for tests: made in a temporary folder, on a free port of 127.0.0.1 and a socket in that folder,
//! stopped and removed when it is dropped, and when the test program dies.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// Longest that a start, a stop or a promotion may take on a loaded machine, in tenths of a second.
const PATIENCE: u32 = 600;

/// What stands in every cluster: durable as in earnest, small as a test needs it.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'
shared_buffers = '32MB'
max_connections = 200
fsync = on
max_wal_size = '256MB'
wal_keep_size = '64MB'
log_min_messages = 'warning'
";

/// A running cluster, or one that was stopped on purpose.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    owner: Option<(u32, u32)>,
    port: u16,
    /// A shell that starts the server and ends it when its input ends: nothing outlives a test that is killed.
    keeper: Option<Child>,
    databases: AtomicU32,
    name: String,
}

impl Cluster {
    /// A cluster of its own, or none where PostgreSQL is not installed, which is then said.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb)");
            return None;
        };
        let owner = match owner() {
            Ok(owner) => owner,
            Err(why) => {
                eprintln!("skipped: {why}");
                return None;
            }
        };
        let mut new = Self::empty(programs, owner, "primary");
        let made = new
            .command("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
            .arg("-D")
            .arg(new.data())
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        new.append("postgresql.conf", SETTINGS);
        new.run();
        Some(new)
    }

    fn empty(programs: PathBuf, owner: Option<(u32, u32)>, name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("yufu-pg-").tempdir().expect("a temporary folder");
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).expect("the folder is given to its user");
        }
        let name = name.to_owned();
        Self { programs, folder, owner, port: free_port(), keeper: None, databases: AtomicU32::new(0), name }
    }

    /// The address of the cluster's own database, by TCP.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of a database, by TCP.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The address of a database by the socket in the cluster's folder.
    pub fn socket_url_of(&self, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// Makes a database that nobody has used; its address by TCP.
    pub fn fresh_database(&self) -> String {
        let name = format!("yufu{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("create database {name}"));
        self.url_of(&name)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the server's data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder in which the data and the socket lie; a test may leave files of its own there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Who runs the server; none when it is the user of the test.
    pub fn owner(&self) -> Option<(u32, u32)> {
        self.owner
    }

    /// Runs statements in the cluster's own database as its superuser; what they print, without headings.
    pub fn sql(&self, statements: &str) -> String {
        self.sql_in("postgres", statements)
    }

    /// The same in another database.
    pub fn sql_in(&self, database: &str, statements: &str) -> String {
        let done = self.try_sql_in(database, statements);
        done.unwrap_or_else(|why| panic!("{statements}: {why}"))
    }

    /// The same, or what the server said against it.
    pub fn try_sql_in(&self, database: &str, statements: &str) -> Result<String, String> {
        let url = self.url_of(database);
        let mut psql = self.command("psql");
        let done = psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", statements]).output();
        let done = done.expect("psql runs");
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
        }
        Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
    }

    /// Changes a setting of the running server.
    pub fn set(&self, name: &str, value: &str) {
        self.sql(&format!("alter system set {name} = '{value}'"));
        self.sql("select pg_reload_conf()");
    }

    /// Ends the server at once, as a crash would: no checkpoint, connections are cut.
    pub fn stop_immediate(&mut self) {
        self.stop("immediate");
    }

    /// Ends the server in an orderly way; connections are cut.
    pub fn stop_fast(&mut self) {
        self.stop("fast");
    }

    fn stop(&mut self, mode: &str) {
        if let Some(mut keeper) = self.keeper.take() {
            let stopped = self.command("pg_ctl").args(["stop", "-w", "-s", "-m", mode, "-D"]).arg(self.data()).output();
            drop(keeper.stdin.take());
            let _ = keeper.wait();
            assert!(stopped.is_ok(), "pg_ctl runs");
        }
    }

    /// Starts a server that was stopped, on its port.
    pub fn start_again(&mut self) {
        assert!(self.keeper.is_none(), "the server runs");
        self.run();
    }

    /// Kills one of the server's connections with SIGKILL, which makes the server restart all of itself.
    pub fn kill_backend(&self) {
        let asked = "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() \
                     order by random() limit 1";
        let process = self.sql(asked);
        if !process.is_empty() {
            let killed = Command::new("kill").args(["-9", &process]).status().expect("kill runs");
            assert!(killed.success() || self.try_sql_in("postgres", "select 1").is_err(), "the connection could be killed");
        }
    }

    /// A standby that follows this server. Synchronous: no commit is answered before the standby has it.
    pub fn standby(&self, synchronous: bool) -> Self {
        let new = Self::empty(self.programs.clone(), self.owner, "standby");
        let from = format!("host=127.0.0.1 port={} user=postgres application_name=standby", self.port);
        let mut copy = self.command("pg_basebackup");
        copy.args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf", "-d", &from, "-D"]).arg(new.data());
        let copied = copy.output().expect("pg_basebackup runs");
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        let mut new = new;
        new.run();
        if synchronous {
            self.set("synchronous_standby_names", "FIRST 1 (standby)");
        }
        let state = if synchronous { "sync" } else { "streaming" };
        let asked = format!("select count(*) from pg_stat_replication where '{state}' in (sync_state, state)");
        wait_until("the standby follows", || self.sql(&asked) == "1");
        new
    }

    /// Makes a standby a server of its own that takes writes.
    pub fn promote(&self) {
        let done = self.command("pg_ctl").args(["promote", "-w", "-s", "-D"]).arg(self.data()).output();
        let done = done.expect("pg_ctl runs");
        assert!(done.status.success(), "pg_ctl promote: {}", String::from_utf8_lossy(&done.stderr));
        // It waits for nobody: the one it followed is gone.
        self.sql("alter system set synchronous_standby_names = ''");
        self.sql("select pg_reload_conf()");
    }

    /// Lets the server speak TLS with this certificate chain and key, both PEM.
    pub fn speak_tls(&self, chain: &str, key: &str) {
        for (name, text) in [("server.crt", chain), ("server.key", key)] {
            let path = self.data().join(name);
            fs::write(&path, text).expect("it is written");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(&path, mode).expect("it is ours");
            if let Some((user, group)) = self.owner {
                chown(&path, Some(user), Some(group)).expect("it is given to the server's user");
            }
        }
        self.set("ssl", "on");
        wait_until("the server speaks TLS", || self.sql("show ssl") == "on");
    }

    /// Adds lines to a file of the server's data folder.
    pub fn append(&self, file: &str, lines: &str) {
        let path = self.data().join(file);
        let mut file = fs::OpenOptions::new().append(true).open(path).expect("the file is there");
        file.write_all(lines.as_bytes()).expect("it is written");
    }

    fn run(&mut self) {
        for _ in 0..5 {
            self.keeper = Some(self.spawn());
            if self.is_up() {
                return;
            }
            // Somebody else took the port between our look and the server's.
            self.stop("immediate");
            self.port = free_port();
        }
        panic!("the server does not start: {}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    fn spawn(&self) -> Child {
        let script = "\"$@\" </dev/null & server=$!; read -r _; kill -QUIT \"$server\" 2>/dev/null; wait \"$server\"";
        let log = fs::File::create(self.folder.path().join("log")).expect("the log is made");
        let mut shell = self.as_owner(Command::new("/bin/sh"));
        shell.args(["-c", script, "sh"]).arg(self.programs.join("postgres"));
        shell.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        shell.args(["-c", &format!("cluster_name={}", self.name)]);
        shell.stdin(Stdio::piped()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        shell.spawn().expect("the server is started")
    }

    /// Waits until the server says that it takes connections; false when it has ended.
    fn is_up(&self) -> bool {
        let state = self.data().join("postmaster.pid");
        for turn in 0..PATIENCE * 5 {
            let text = fs::read_to_string(&state).unwrap_or_default();
            let word = text.lines().nth(7).unwrap_or_default().trim();
            if word == "ready" || word == "standby" {
                return true;
            }
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            if text.is_empty() && turn > 10 && log.contains("FATAL") {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// One of the programs that come with the server, run as the server's user.
    pub fn command(&self, program: &str) -> Command {
        self.as_owner(Command::new(self.programs.join(program)))
    }

    fn as_owner(&self, mut command: Command) -> Command {
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path()).env("LC_ALL", "C").env("PGCONNECT_TIMEOUT", "10");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop("immediate");
    }
}

/// Waits for what a server does a little later.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..PATIENCE {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("waited too long: {what}");
}

/// The programs of the newest version that is installed.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}

/// The server refuses to run as root, so root gives it to the user that its package makes.
fn owner() -> Result<Option<(u32, u32)>, &'static str> {
    let own = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own));
    if own.ok() != Some(0) {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find_map(|line| line.strip_prefix("postgres:"));
    let mut numbers = line.into_iter().flat_map(|line| line.split(':').skip(1)).flat_map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(user), Some(group)) => Ok(Some((user, group))),
        _ => Err("the server does not run as root, and there is no user postgres"),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
