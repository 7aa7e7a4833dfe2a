//! The real program in a process of its own, on folders that hold cards already, and what a client of it can see.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use yufu::{
    base::{
        base64url,
        clock::{Clock, SystemClock},
        random::{Random, SeededRandom, SystemRandom},
    },
    crypto::{Algorithm, jws},
    format::status,
    keyring::{Keyring, Purpose},
    model::{
        card::{IssueOrder, State, StatusRef},
        ids::ListId,
        record::Commit,
    },
    store::{
        Mode, Store,
        sled::{Options, SledStore},
    },
};

use crate::{
    harness::{TYPE, order},
    support::User,
};

/// The public URL of every scene, in its keys and its store, whatever port it listens at.
pub const URL: &str = "http://127.0.0.1:8080";

/// How long anything may take before a test gives up, with others beside it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Keys, and a data folder with cards in it.
pub struct Scene {
    folder: TempDir,
    pub data: PathBuf,
    pub cards: Vec<Seed>,
}

/// A card of a scene.
#[derive(Clone)]
pub struct Seed {
    pub id: String,
    pub copies: Vec<StatusRef>,
}

impl Scene {
    /// A new one with so many cards of two copies each.
    pub fn new(cards: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        Self::with_data(folder, data, cards)
    }

    /// Nothing yet: the first start makes everything.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { data: folder.path().join("data"), folder, cards: Vec::new() }
    }

    /// The same as [`new`](Self::new), its data elsewhere.
    pub fn with_data(folder: TempDir, data: PathBuf, cards: usize) -> Self {
        let mut scene = Self { folder, data, cards: Vec::new() };
        let now = SystemClock::new().now();
        let issue = (0..cards).map(|n| {
            let plain = order(&format!("card {n}"), TYPE, 2);
            IssueOrder { valid_from: now, valid_until: now.plus_seconds(30 * 86_400), at: now, ..plain }
        });
        let store = scene.store();
        let receipt = store.commit(Commit { issue: issue.collect(), ..Commit::default() }).expect("they are issued");
        scene.cards = receipt
            .issued
            .iter()
            .map(|card| Seed { id: card.id.to_string(), copies: card.copies.iter().map(|copy| copy.status).collect() })
            .collect();
        scene
    }

    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// A path beside keys and data.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store of a service that does not run; waits until its records are open.
    pub fn store(&self) -> SledStore {
        let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
        let keyring = Keyring::open_or_create(&self.keys(), URL, Algorithm::Es256, &*clock, &*random).expect("there are keys");
        let (index_key, signer) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
        let store = SledStore::open(Options::new(&self.data, index_key, signer, clock, random)).expect("the store opens");
        patiently("the records open", || (store.health().mode != Mode::Opening).then_some(()));
        store
    }

    /// `yufu` with these arguments on the folders, behind what `wrapper` runs it by.
    pub fn yufu(&self, wrapper: &[&str], arguments: &[&str]) -> Command {
        let line: Vec<&str> =
            wrapper.iter().copied().chain([env!("CARGO_BIN_EXE_yufu")]).chain(arguments.iter().copied()).collect();
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).current_dir(self.folder.path());
        command.env("YUFU_DATA", &self.data).env("YUFU_KEYS", self.keys()).stdin(Stdio::null());
        command
    }

    /// A command that ends by itself.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.yufu(&[], arguments).output().expect("it runs")
    }

    /// A running service.
    pub fn serve(&self) -> Served {
        self.try_serve(&[]).unwrap_or_else(|(status, words)| panic!("the service does not start: {status}\n{words}"))
    }

    /// The same behind what `wrapper` runs it by; its end and its words when it does not come to answer.
    pub fn try_serve(&self, wrapper: &[&str]) -> Result<Served, (ExitStatus, String)> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let words = self.beside(&format!("words-{port}"));
        let file = fs::File::create(&words).expect("a file");
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["serve", "--public-url", URL, "--listen", &listen, "--metrics-listen", "off", "--workers", "2"];
        let mut command = self.yufu(wrapper, &arguments);
        command.stdout(Stdio::null()).stderr(file);
        let mut served =
            Served { child: command.spawn().expect("it starts"), user: User::at(&format!("http://{listen}")), words };
        let started = patiently("the service answers", || match served.child.try_wait().expect("it is asked") {
            Some(status) => Some(Err(status)),
            None => served.user.try_get("/health/live").map(|_| Ok(())),
        });
        if let Err(status) = started {
            return Err((status, served.words()));
        }
        if let Ok(token) = fs::read_to_string(self.data.join("administrator.token")) {
            served.user = served.user.bearing(token.trim());
        }
        Ok(served)
    }

    /// What the published lists say of each card's copies, in the order of the cards.
    pub fn published(&self, user: &User) -> Vec<Vec<u8>> {
        let lists: BTreeMap<ListId, status::StatusList> = self
            .cards
            .iter()
            .flat_map(|card| &card.copies)
            .map(|copy| copy.list)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .map(|list| (list, published(user, list)))
            .collect();
        let value = |at: &StatusRef| lists[&at.list].value(u64::from(at.index)).expect("in the list");
        self.cards.iter().map(|card| card.copies.iter().map(value).collect()).collect()
    }
}

fn published(user: &User, list: ListId) -> status::StatusList {
    let token = user.get(list.uri(URL).strip_prefix(URL).expect("our list"));
    assert_eq!(token.status, 200, "a list is served");
    let token = token.text();
    let jws = jws::Unverified::parse_within(&token, &[status::TYPE], 1 << 21).expect("a status list token");
    let claims = jws.dangerous_unverified_claims().expect("claims");
    let packed = base64url::decode(claims["status_list"]["lst"].as_str().expect("text")).expect("base64url");
    status::StatusList::from_packed(status::Bits::Two, status::inflate(&packed, 1 << 20).expect("zlib"))
}

/// A service that runs; killed when it is dropped.
pub struct Served {
    pub child: Child,
    /// The administrator, once there is a token.
    pub user: User,
    words: PathBuf,
}

impl Served {
    /// What it said on standard error.
    pub fn words(&self) -> String {
        fs::read_to_string(&self.words).unwrap_or_default()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("it is gone");
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(done.success(), "the signal is sent");
    }

    /// The status of `/health/ready`.
    pub fn readiness(&self) -> u16 {
        self.user.get("/health/ready").status
    }

    /// Waits until the service is ready.
    pub fn is_ready(&self) {
        patiently("the service is ready", || (self.readiness() == 200).then_some(()));
    }

    /// Moves a card; the status of the answer, none when there is none.
    pub fn order(&self, card: &str, to: State) -> Option<u16> {
        let verb = match to {
            State::Active => "reinstate",
            State::Suspended => "suspend",
            State::Revoked => "revoke",
        };
        self.user.try_post(&format!("/admin/api/v1/credentials/{card}/{verb}"), &json!({"reason": "other"}))
    }

    /// The state of a card on record.
    pub fn state(&self, card: &str) -> State {
        let record = self.user.get(&format!("/admin/api/v1/credentials/{card}")).good(200);
        state(&record["state"])
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

fn state(name: &Value) -> State {
    serde_json::from_value(name.clone()).expect("a state")
}

/// What has to hold of cards: the state as last answered, and the one that was asked for without an answer.
#[derive(Clone, Default)]
pub struct Ledger(pub BTreeMap<usize, (State, Option<State>)>);

impl Ledger {
    pub fn of(scene: &Scene) -> Self {
        Self((0..scene.cards.len()).map(|card| (card, (State::Active, None))).collect())
    }

    pub fn known(&self, card: usize) -> State {
        self.0[&card].0
    }

    /// What was answered to the order to move a card. Nobody knows what became of one that was not answered with 200.
    pub fn note(&mut self, card: usize, to: State, answer: Option<u16>) {
        let (known, perhaps) = self.0.get_mut(&card).expect("a card of the scene");
        if answer == Some(200) {
            (*known, *perhaps) = (to, None);
        } else {
            *perhaps = Some(to);
        }
    }

    /// The published lists show every answered order, while the service lives on after a fault.
    pub fn is_shown(&self, scene: &Scene, user: &User) {
        patiently("every answered order is published", || {
            let shown = scene.published(user);
            let holds = |(card, (known, perhaps)): (&usize, &(State, Option<State>))| {
                let allowed = [Some(*known), *perhaps].map(|state| state.map(State::list_value));
                shown[*card].iter().all(|value| allowed.contains(&Some(*value)))
            };
            self.0.iter().all(holds).then_some(())
        });
    }

    /// After a restart: every card is as last answered, or as asked for without an answer; then that is known.
    pub fn holds(&mut self, scene: &Scene, served: &Served, cards: impl IntoIterator<Item = usize>) {
        for card in cards {
            let now = served.state(&scene.cards[card].id);
            let (known, perhaps) = self.0.get_mut(&card).expect("a card of the scene");
            assert!(now == *known || Some(now) == *perhaps, "card {card}: {now:?}; answered {known:?}, perhaps {perhaps:?}");
            (*known, *perhaps) = (now, None);
        }
        self.is_shown(scene, &served.user);
    }
}

/// Asks until there is an answer.
pub fn patiently<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = SystemClock::new();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.monotonic() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Numbers that follow from a seed.
pub struct Dice(SeededRandom);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    pub fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        (u64::from_be_bytes(bytes) % bound as u64) as usize
    }
}

/// Whether this program of the system works here; when not, the test says so and is skipped.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let works = ran.is_ok_and(|status| status.success());
    if !works {
        eprintln!("skipped: `{program} {}` does not work here", arguments.join(" "));
    }
    works
}

/// Whether system calls can be traced.
pub fn can_trace() -> bool {
    works("strace", &["-f", "-D", "-o", "/dev/null", "true"])
}

/// All files under a folder, with their content; none when it is not there. A socket that a killed service left is no file.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("it is listed").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if path.is_file() {
            let content = fs::read(&path).expect("it is read");
            found.insert(path, content);
        }
    }
    found
}
