//! Settings: `yufu.toml`, then the environment, then flags, each over the one before.
//!
//! One rule names them all: the flag `--public-url` is the key `public-url` of the file and the variable
//! `YUFU_PUBLIC_URL`. Each concern has its own small struct and file; [`read`] puts a command line together,
//! [`Config`] is what holds after everything was checked.

mod checks;
mod file;
mod identity;
mod limits;
mod listen;
mod login;
mod outbound;
mod reading;
mod report;
mod storage;
mod store_choice;

/// The public URL: the name by which everyone outside knows the service.
pub use crate::base::origin::Origin as PublicUrl;
pub use checks::StartRefusal;
pub use file::FileError;
pub use identity::IdentityOptions;
pub use limits::LimitOptions;
pub use listen::{ListenOptions, MetricsListen};
pub use login::LoginOptions;
pub use outbound::OutboundOptions;
pub use reading::{Cli, Command, ReadError, read};
pub use report::{LogFormat, LogLevel, ReportOptions};
pub use storage::StorageOptions;
pub use store_choice::{ListenChoice, StoreChoice};

/// What `yufu serve` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeOptions {
    /// Check the settings, print those in force, and stop
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub identity: IdentityOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub listen: ListenOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub storage: StorageOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub login: LoginOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub outbound: OutboundOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub limits: LimitOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "each is described at its type")]
    pub report: ReportOptions,
}

/// Settings that passed every check that needs no disk.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is described at its type")]
pub struct Config {
    pub identity: IdentityOptions,
    pub listen: ListenOptions,
    pub storage: StorageOptions,
    pub login: LoginOptions,
    pub outbound: OutboundOptions,
    pub limits: LimitOptions,
    pub report: ReportOptions,
}

impl Config {
    /// The settings with which a service and its folders stand alone under `data` and `keys`, on a free port of
    /// 127.0.0.1: for tests and the demo.
    pub fn alone_in(data: std::path::PathBuf, keys: std::path::PathBuf) -> Self {
        let any_port = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            identity: IdentityOptions::default(),
            listen: ListenOptions { listen: any_port, metrics_listen: MetricsListen::Off, ..ListenOptions::default() },
            storage: StorageOptions { data, keys, ..StorageOptions::default() },
            login: LoginOptions::default(),
            outbound: OutboundOptions::default(),
            limits: LimitOptions::default(),
            report: ReportOptions::default(),
        }
    }

    /// The settings in force, one a line as `yufu.toml` writes them.
    pub fn to_toml(&self) -> String {
        let mut lines = Vec::new();
        self.identity.describe(&mut lines);
        self.listen.describe(&mut lines);
        self.storage.describe(&mut lines);
        self.login.describe(&mut lines);
        self.outbound.describe(&mut lines);
        self.limits.describe(&mut lines);
        self.report.describe(&mut lines);
        lines.into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }
}

impl TryFrom<ServeOptions> for Config {
    type Error = StartRefusal;

    fn try_from(options: ServeOptions) -> Result<Self, StartRefusal> {
        let ServeOptions { check: _, identity, listen, storage, login, outbound, limits, report } = options;
        let config = Self { identity, listen, storage, login, outbound, limits, report };
        checks::store(&config.storage)?;
        checks::plain_http(&config)?;
        checks::requests_are_signed(&config)?;
        checks::wallets_are_registered(&config)?;
        checks::own_machine_stays_private(&config)?;
        checks::public_url_can_be_known(&config)?;
        config.login.check()?;
        Ok(config)
    }
}

/// A text as TOML writes it.
fn quoted(text: impl std::fmt::Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

#[cfg(test)]
mod tests;
