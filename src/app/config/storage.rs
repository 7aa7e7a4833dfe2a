//! Where the service keeps what it must not lose.

use std::path::PathBuf;

use crate::app::config::{
    quoted,
    store_choice::{ListenChoice, StoreChoice},
};

/// Where data, keys, credential types and use cases are.
#[derive(Clone, Debug, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "Folders")]
pub struct StorageOptions {
    /// The folder for records, the log of events and status lists; made when it is missing
    #[arg(long, env = "YUFU_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,

    /// Where records and events are: `sled`, in the data folder, or `postgres://user@host:port/database` for several nodes.
    /// Another machine is reached by TLS (sslmode=verify-full, sslrootcert=FILE) unless sslmode=disable is said
    #[arg(long, env = "YUFU_STORE", value_name = "sled|URL", default_value = "sled", hide_env_values = true)]
    pub store: StoreChoice,

    /// A replica of the database, for lists and the log, which may lag; what a decision rests on is asked of `--store`
    #[arg(long, env = "YUFU_STORE_REPLICA", value_name = "URL", hide_env_values = true)]
    pub store_replica: Option<StoreChoice>,

    /// Where changes of other nodes are announced: an address of the database itself when `--store` is a pooler's, which
    /// passes no notifications; `off` to hear none, and see changes a fifth of a second later [default: at `--store`]
    #[arg(long, env = "YUFU_STORE_LISTEN", value_name = "URL|off", hide_env_values = true)]
    pub store_listen: Option<ListenChoice>,

    /// The folder for private keys and certificates; made, with development keys, when it is missing
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,

    /// A folder of credential types, one TOML file each, beside those that are built in or over them by name
    #[arg(long, env = "YUFU_CREDENTIAL_TYPES", value_name = "DIR")]
    pub credential_types: Option<PathBuf>,

    /// A folder of use cases of checkpoints, one TOML file each, beside those that are built in or over them by name
    #[arg(long, env = "YUFU_USE_CASES", value_name = "DIR")]
    pub use_cases: Option<PathBuf>,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self {
            data: "data".into(),
            store: StoreChoice::Sled,
            store_replica: None,
            store_listen: None,
            keys: "keys".into(),
            credential_types: None,
            use_cases: None,
        }
    }
}

impl StorageOptions {
    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        lines.push(("data", quoted(self.data.display())));
        lines.push(("store", quoted(&self.store)));
        if let Some(replica) = &self.store_replica {
            lines.push(("store-replica", quoted(replica)));
        }
        if let Some(listen) = &self.store_listen {
            lines.push(("store-listen", quoted(listen)));
        }
        lines.push(("keys", quoted(self.keys.display())));
        if let Some(folder) = &self.credential_types {
            lines.push(("credential-types", quoted(folder.display())));
        }
        if let Some(folder) = &self.use_cases {
            lines.push(("use-cases", quoted(folder.display())));
        }
    }
}
