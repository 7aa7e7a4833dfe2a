//! The commands as an operator types them, beside a service that runs and after it is gone.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use clap::Parser;
use yufu::{
    app::{
        commands::{backup, keys, restore},
        config::{Cli, Command as Named, Config},
        wire::Service,
    },
    base::{clock::SystemClock, random::SystemRandom},
    http::server::EndsBy,
    model::{card::State, ids::ListId},
};

use super::*;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn serve(&self) -> Service {
        let config = Config::alone_in(self.path("data"), self.path("keys"));
        // The keys belong to the address, which is a free one.
        let config = match fs::read_to_string(self.path("url")) {
            Ok(url) => {
                let mut fixed = config;
                fixed.identity.public_url = url.parse().ok();
                fixed
            }
            Err(_) => config,
        };
        let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
        let service = Service::start(&config, clock, random, EndsBy::Call).expect("it starts");
        fs::write(self.path("url"), service.public_url()).expect("it is written");
        service
    }

    /// Runs a command line in which `@name` is a path in this place; gives the exit status and what it said.
    fn run(&self, line: &str) -> (u8, String) {
        let words = line.split(' ').map(|word| match word.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => word.to_owned(),
        });
        let folders = ["--data".to_owned(), self.path("data").display().to_string()];
        let folders = folders.into_iter().chain(["--keys".to_owned(), self.path("keys").display().to_string()]);
        let folders: Vec<String> = if line.starts_with("keys") { Vec::new() } else { folders.collect() };
        let cli = Cli::try_parse_from(["yufu".to_owned()].into_iter().chain(words).chain(folders)).expect("a command line");
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let status = match cli.command.expect("a command") {
            Named::Backup(arguments) => backup::run(&arguments, &mut output, &mut errors),
            Named::Restore(arguments) => restore::run(&arguments, &mut std::io::empty(), &mut output, &mut errors),
            Named::Keys { command } => keys::run(&command, &mut output, &mut errors),
            other => panic!("{other:?}"),
        };
        (status, String::from_utf8([output, errors].concat()).expect("text"))
    }

    fn recipient(&self) -> String {
        let (status, said) = self.run("keys backup-identity @identity");
        assert_eq!(status, 0, "{said}");
        assert_eq!(fs::metadata(self.path("identity")).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(self.run("keys backup-identity @identity").0, 1, "a key is never overwritten");
        said.lines().last().expect("the public key").to_owned()
    }
}

fn opened_by_age(identity: &Path, backup: &Path) -> Option<Vec<u8>> {
    let run = Command::new("age").args(["-d", "-i"]).arg(identity).arg(backup).stderr(Stdio::inherit()).output().ok()?;
    assert!(run.status.success());
    Some(run.stdout)
}

#[test]
fn a_service_is_backed_up_while_it_runs_and_restored_when_it_is_gone() {
    let place = Place::new();
    let service = place.serve();
    let socket = place.path("data/control.sock");
    assert_eq!(fs::metadata(&socket).expect("it is there").permissions().mode() & 0o777, 0o600);
    let store = Arc::clone(service.store());
    store.commit(issue("early", 2)).expect("it is issued");
    store.commit(issue("late", 2)).expect("it is issued");
    let recipient = place.recipient();
    let (status, said) = place.run(&format!("backup --to @one.age --recipient {recipient}"));
    assert_eq!(status, 0, "{said}");
    assert!(said.contains(&format!("backed up: {} events", store.head().size)), "{said}");
    assert_eq!(fs::metadata(place.path("one.age")).expect("it is there").permissions().mode() & 0o777, 0o600);
    let (status, said) = place.run(&format!("backup --to @one.age --recipient {recipient}"));
    assert!(status == 1 && said.contains("is there already"), "{said}");
    match opened_by_age(&place.path("identity"), &place.path("one.age")) {
        Some(plain) => assert!(plain.starts_with(b"yufu-backup-v1\n")),
        None => eprintln!("skipped: the age command is not installed"),
    }

    // What happens after the backup, and a list that somebody kept.
    move_card(&*store, "late", State::Revoked);
    service.tick();
    let list = ListId(1);
    let address = service.address().expect("it listens");
    let url = format!("http://{address}/status-lists/{}", list.0);
    let token = ureq::get(&url).call().expect("it is served").body_mut().read_to_string().expect("text");
    fs::write(place.path("list.jwt"), token).expect("it is kept");
    let late = card(&*store, "late").value;
    drop(store);
    drop(service);
    assert!(!socket.exists(), "it is removed at the end");

    // All is lost but keys, backup and list.
    fs::remove_dir_all(place.path("data")).expect("it is lost");
    let (status, said) = place.run("restore --from @one.age --identity @identity");
    assert!(status == 1 && said.contains("--accept-loss-since") && said.contains("nothing here knows"), "{said}");
    let (status, said) = place.run("restore --from @one.age --identity @identity --since @list.jwt");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("2 indices were revoked or suspended since, and are so again"), "{said}");
    assert!(fs::read_to_string(place.path("data/status/iat")).is_ok(), "no list is dated before the one that was kept");
    let service = place.serve();
    assert_eq!(values(&**service.store(), &late), [1, 1]);
    assert_eq!(card(&**service.store(), "late").value.state, State::Revoked);
    assert_eq!(card(&**service.store(), "early").value.state, State::Active);
}

#[test]
fn a_stopped_service_is_backed_up_from_its_folder_and_strangers_keys_open_nothing() {
    let place = Place::new();
    assert!(
        place
            .run("backup --to @one.age --recipient age1hrpkpt4ez47u3vsnsq6q8duaue47ggnm5zgfzh5r33chg65hadhs0qnunj")
            .1
            .contains("no keys")
    );
    drop(place.serve());
    let recipient = place.recipient();
    // A socket that a killed process has left.
    drop(std::os::unix::net::UnixListener::bind(place.path("data/control.sock")).expect("it is bound"));
    fs::write(place.path("recipients"), format!("# the vault\n{recipient}\n")).expect("it is written");
    let (status, said) = place.run("backup --to @one.age --recipient @recipients");
    assert_eq!(status, 0, "{said}");
    let service = place.serve();
    assert_eq!(place.run(&format!("backup --to @two.age --recipient {recipient}")).0, 0, "the stale socket was replaced");
    let (status, said) = place.run("restore --from @two.age --identity @identity");
    assert!(status == 1 && said.contains("another process uses the data folder"), "{said}");
    drop(service);

    fs::rename(place.path("identity"), place.path("right")).expect("it is moved");
    place.recipient();
    let (status, said) = place.run("restore --from @one.age --identity @identity");
    assert!(status == 1 && said.contains("not encrypted to this key"), "{said}");
    let (status, said) = place.run("restore --from @one.age --identity @right");
    assert!(status == 1 && said.contains("there is nothing to restore"), "{said}");
    let whole = fs::read(place.path("two.age")).expect("it is read");
    fs::write(place.path("cut.age"), &whole[..whole.len() - 1]).expect("it is written");
    fs::remove_dir_all(place.path("data/store")).expect("it is lost");
    let (status, said) = place.run("restore --from @cut.age --identity @right");
    assert!(status == 1 && said.contains("cut off or altered"), "{said}");
    let (status, said) = place.run("restore --from @two.age --identity @right");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("later events of the log in place were done again"), "{said}");
    drop(place.serve());
}
