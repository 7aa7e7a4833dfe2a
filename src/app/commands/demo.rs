//! `yufu demo`: the life of a card, against a running service or one of its own.

use std::{fs, io::Write, path::PathBuf, sync::Arc};

use crate::{
    app::{
        config::Config,
        demo::{DemoError, Stage, play},
        wire::{Service, StartError, token_file},
    },
    base::{
        clock::{Clock, SystemClock},
        random::{Random, SystemRandom},
    },
    http::server::EndsBy,
    outbound::{Client, Fetch, Request},
};

/// Play the life of a card: register, offer, fetch, show, suspend, reinstate, revoke, prove
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The service to play against; without it http://127.0.0.1:8080 if it answers, otherwise a service of its own
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The file with an administrator's token of that service
    #[arg(long, value_name = "FILE", default_value = "data/administrator.token")]
    pub token_file: PathBuf,
}

/// Where `yufu serve` is found when nothing else is said.
const USUAL: &str = "http://127.0.0.1:8080";

/// Why there was no play, or why it broke off.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error("its own service did not start: {0}")]
    Start(#[from] StartError),
    #[error("no temporary folder: {0}")]
    Folder(std::io::Error),
}

/// Plays; gives the exit status.
pub fn run(arguments: &Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    match play_somewhere(arguments, output) {
        Ok(()) => 0,
        Err(error) => {
            // Nobody is left to tell when this cannot be written.
            let _ = writeln!(errors, "yufu demo: {error}");
            1
        }
    }
}

fn play_somewhere(arguments: &Arguments, output: &mut dyn Write) -> Result<(), Failure> {
    let fetch: Arc<dyn Fetch> = Client::new();
    let running = match &arguments.url {
        Some(url) => Some(url.trim_end_matches('/').to_owned()),
        None => Some(USUAL.to_owned()).filter(|url| is_yufu(&*fetch, url) && arguments.token_file.exists()),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    match running {
        Some(url) => {
            let path = arguments.token_file.clone();
            let token = fs::read_to_string(&path).map_err(|error| DemoError::NoToken { path, error })?;
            let administrator = token.trim().to_owned();
            on_stage(&Stage { url, administrator, fetch, clock, random }, output)
        }
        None => on_own_service(fetch, clock, random, output),
    }
}

fn is_yufu(fetch: &dyn Fetch, url: &str) -> bool {
    let answer = fetch.send(Request::get(format!("{url}/health/live")));
    answer.is_ok_and(|answer| answer.status == 200 && answer.body == br#"{"status":"live"}"#)
}

/// A service in a folder that is removed afterwards.
fn on_own_service(
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("yufu-demo-{}", random.uuid()));
    fs::create_dir(&folder).map_err(Failure::Folder)?;
    let config = Config::alone_in(folder.join("data"), folder.join("keys"));
    let played = Service::start(&config, Arc::clone(&clock), Arc::clone(&random), EndsBy::Call).map_err(Failure::from);
    let played = played.and_then(|service| {
        let path = token_file(&config.storage.data);
        let token = fs::read_to_string(&path).map_err(|error| DemoError::NoToken { path, error })?;
        let url = service.public_url().to_owned();
        on_stage(&Stage { url, administrator: token.trim().to_owned(), fetch, clock, random }, output)
    });
    // What is left in a temporary folder harms nobody, and the play is what counts.
    let _ = fs::remove_dir_all(&folder);
    played
}

fn on_stage(stage: &Stage, output: &mut dyn Write) -> Result<(), Failure> {
    // The play goes on when nobody listens.
    let _ = writeln!(output, "\n鱼符 yufu demo — {}\n", stage.url);
    let table = play(stage, &mut |line| {
        let _ = writeln!(output, "{line}");
    })?;
    let _ = writeln!(output, "\n{table}");
    Ok(())
}
