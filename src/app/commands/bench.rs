//! `yufu bench`: a load against a deployment, or many cards into an empty store.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    app::{
        bench::{
            BenchError, Deployment, FillPlan, Filled, Load, Pattern, Rates, Report, Scenario, Side, SystemPace, chart, planned,
            play,
        },
        config::{Config, PublicUrl},
        wire::{FillFailure, Service, StartError, fill, token_file},
    },
    base::{
        clock::{Clock, SystemClock},
        random::{Random, SystemRandom},
    },
    crypto::pem,
    http::server::EndsBy,
};

/// Measure a deployment under a load of known arrivals, or fill an empty store with samples
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// What is measured
    #[arg(value_enum, default_value = "mixed")]
    pub scenario: Scenario,
    /// The service to measure; without it a service of its own in a temporary folder
    ///
    /// People, cards and a checkpoint are made there by its own interfaces, and only cards that were made for the measurement
    /// are revoked. It has to run with the profile open: the wallets here have nobody who vouches for them.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The file with an administrator's token of that service
    #[arg(long, value_name = "FILE", default_value = "data/administrator.token")]
    pub token_file: PathBuf,
    /// A root certificate (PEM) to believe in TLS beside those of the web
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
    /// Operations a second
    #[arg(long, value_name = "N", default_value = "100", conflicts_with = "ramp")]
    pub rate: Rates,
    /// Rising rates, each a quarter above the one before, until the service misses one
    #[arg(long, value_name = "FROM..TO")]
    pub ramp: Option<Rates>,
    /// Seconds of each rate
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub duration: Duration,
    /// Connections, and operations that can be under way at once
    #[arg(long, value_name = "N", default_value = "32", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub connections: u16,
    /// How operations come
    #[arg(long, value_enum, default_value = "poisson")]
    pub arrivals: Pattern,
    /// Makes the arrivals the same each time
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,
    /// Sample cards in the service of its own before the measurement begins
    #[arg(long, value_name = "N", default_value = "10000")]
    pub cards: u64,
    /// Where the report is written for programs
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where the report is drawn
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub filling: FillArguments,
}

/// What `--fill` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Filling")]
pub struct FillArguments {
    /// Put so many cards of sample people into an empty store, or one that holds only such, and measure nothing else
    #[arg(long, value_name = "N", conflicts_with_all = ["url", "ramp"])]
    pub fill: Option<u64>,
    /// The data folder to fill
    #[arg(long, env = "YUFU_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// The folder of keys that belongs to it
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
    /// The public URL that keys are made for when there are none
    #[arg(long, env = "YUFU_PUBLIC_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: PublicUrl,
    /// The type of the sample cards
    #[arg(long, value_name = "TYPE", default_value = "resident-id")]
    pub card_type: String,
    /// The share of the sample cards that is revoked
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    pub revoked: f64,
}

impl FillArguments {
    fn plan(&self, cards: u64) -> FillPlan {
        FillPlan { cards, credential_type: self.card_type.clone(), revoked: self.revoked }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "seconds from 0.1 to 86400 are expected".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share from 0 to 1 is expected".to_owned())
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("its own service did not start: {0}")]
    Start(#[from] StartError),
    #[error(transparent)]
    Fill(#[from] FillFailure),
    #[error("no temporary folder: {0}")]
    Folder(io::Error),
    #[error("{}: {error}", file.display())]
    File { file: PathBuf, error: io::Error },
    #[error("{}: no certificates in PEM", .0.display())]
    NotPem(PathBuf),
    #[error("the report could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Measures or fills; gives the exit status: 0 measured, 1 not. A missed rate is a result and no failure.
pub fn run(arguments: &Arguments, output: &mut (dyn Write + Send), errors: &mut dyn Write) -> u8 {
    let done = match arguments.filling.fill {
        Some(cards) => fill_folder(arguments, cards, output),
        None => measure(arguments, output),
    };
    match done {
        Ok(()) => 0,
        Err(error) => {
            // Nobody is left to tell when this cannot be written.
            let _ = writeln!(errors, "yufu bench: {error}");
            1
        }
    }
}

fn measure(arguments: &Arguments, output: &mut dyn Write) -> Result<(), Failure> {
    let report = match &arguments.url {
        Some(url) => {
            let administrator = read(&arguments.token_file)?.trim().to_owned();
            let url = url.trim_end_matches('/').to_owned();
            let roots = arguments.root.as_deref().map_or(Ok(Vec::new()), roots)?;
            play_at(arguments, Side { url, own: false, administrator, roots, cards: Vec::new() }, output)?
        }
        None => on_own_service(arguments, output)?,
    };
    let _ = write!(output, "\n{}", report.table());
    let write = |file: &Path, text: &str| fs::write(file, text).map_err(|error| Failure::File { file: file.to_owned(), error });
    if let Some(file) = &arguments.json {
        write(file, &(serde_json::to_string_pretty(&report)? + "\n"))?;
    }
    if let Some(file) = &arguments.svg {
        write(file, &chart(&report))?;
    }
    Ok(())
}

fn load(arguments: &Arguments) -> Load {
    Load {
        rates: arguments.ramp.unwrap_or(arguments.rate),
        duration: arguments.duration,
        connections: arguments.connections.into(),
        pattern: arguments.arrivals,
        seed: arguments.seed,
    }
}

fn play_at(arguments: &Arguments, side: Side, output: &mut dyn Write) -> Result<Report, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let deployment = Deployment::new(side, Arc::clone(&clock), Arc::new(SystemRandom))?;
    let load = load(arguments);
    // The measurement goes on when nobody listens.
    let _ = writeln!(
        output,
        "\n鱼符 yufu bench {} — {}, {}/s × {} s, {} connections\n",
        arguments.scenario.name(),
        deployment.url(),
        load.rates,
        load.duration.as_secs_f64(),
        load.connections
    );
    let mut tell = |line: &str| {
        let _ = writeln!(output, "{line}");
    };
    Ok(play(arguments.scenario, &deployment, &load, &SystemPace(clock), &mut tell)?)
}

/// A service in a folder that is removed afterwards, without limits on how often somebody may come: the load is one client.
fn on_own_service(arguments: &Arguments, output: &mut dyn Write) -> Result<Report, Failure> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let folder = std::env::temp_dir().join(format!("yufu-bench-{}", random.uuid()));
    fs::create_dir(&folder).map_err(Failure::Folder)?;
    let mut config = Config::alone_in(folder.join("data"), folder.join("keys"));
    let limits = &mut config.limits;
    (limits.limit_client, limits.limit_wallet, limits.limit_person, limits.limit_code) = (0, 0, 0, 0);
    let service = Service::start(&config, Arc::new(SystemClock::new()), random, EndsBy::Call).map_err(Failure::from);
    let played = service.and_then(|service| {
        let revoked = arguments.scenario.revoked_by(planned(&load(arguments)));
        let cards = arguments.cards.max(revoked as u64 * 2);
        let _ = writeln!(output, "填充 filling: {cards} 张合成卡 sample cards");
        let filled = service.fill(&arguments.filling.plan(cards), revoked).map_err(BenchError::from)?;
        let administrator = read(&token_file(&config.storage.data))?.trim().to_owned();
        let url = service.public_url().to_owned();
        play_at(arguments, Side { url, own: true, administrator, roots: Vec::new(), cards: filled.good }, output)
    });
    // What is left in a temporary folder harms nobody, and the measurement is what counts.
    let _ = fs::remove_dir_all(&folder);
    played
}

fn fill_folder(arguments: &Arguments, cards: u64, output: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let filling = &arguments.filling;
    let mut config = Config::alone_in(filling.data.clone(), filling.keys.clone());
    config.identity.public_url = Some(filling.public_url.clone());
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let output = Mutex::new(output);
    let say = |text: &str| {
        // The filling goes on when nobody listens.
        let _ = writeln!(output.lock().unwrap_or_else(PoisonError::into_inner), "{text}");
    };
    let next = Mutex::new(0);
    let told = |done: u64| {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        if done >= *next {
            say(&format!("  {done} / {cards}"));
            *next = done + cards.div_ceil(20);
        }
    };
    let filled = fill(&config, &filling.plan(cards), clock, random, &told)?;
    say(&words(&filled, &filling.data));
    Ok(())
}

fn words(filled: &Filled, data: &Path) -> String {
    let seconds = filled.took.as_secs_f64();
    let mut text = format!(
        "✔ 已填充 filled: {} 张合成卡 sample cards, {} 已吊销 revoked, {seconds:.1} s, {:.0}/s\n",
        filled.cards,
        filled.revoked,
        filled.cards as f64 / seconds.max(f64::MIN_POSITIVE)
    );
    for part in ["log", "store", "status"] {
        text += &format!("  {part:<8}{:>10.1} MB\n", size(&data.join(part)) as f64 / 1e6);
    }
    text
}

/// Bytes of all files in a folder; nothing for what cannot be read.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.metadata().map_or(0, |meta| if meta.is_dir() { size(&entry.path()) } else { meta.len() })).sum()
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| Failure::File { file: file.to_owned(), error })
}

fn roots(file: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let not_pem = || Failure::NotPem(file.to_owned());
    pem::decode(pem::CERTIFICATE, &read(file)?).ok().filter(|roots| !roots.is_empty()).ok_or_else(not_pem)
}
