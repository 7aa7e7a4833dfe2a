//! Where the service listens: one address for all by default, one of its own for each audience that asks for it.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    str::FromStr,
};

use crate::app::config::quoted;

/// Where the service listens.
#[derive(Clone, Debug, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "Addresses")]
pub struct ListenOptions {
    /// The address for everything that has no address of its own below
    #[arg(long, env = "YUFU_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// An address of its own for wallets and the public pages and lists
    #[arg(long, env = "YUFU_WALLET_LISTEN", value_name = "ADDR")]
    pub wallet_listen: Option<SocketAddr>,

    /// An address of its own for administration, so that it can stay inside
    #[arg(long, env = "YUFU_ADMIN_LISTEN", value_name = "ADDR")]
    pub admin_listen: Option<SocketAddr>,

    /// An address of its own for checkpoints
    #[arg(long, env = "YUFU_CHECKPOINT_LISTEN", value_name = "ADDR")]
    pub checkpoint_listen: Option<SocketAddr>,

    /// The address that serves /metrics, or "off"; when the default is taken, the service runs without it and says so
    #[arg(long, env = "YUFU_METRICS_LISTEN", value_name = "ADDR|off", default_value = "127.0.0.1:9090")]
    pub metrics_listen: MetricsListen,

    /// Threads that answer requests; 0 means one for each core
    #[arg(long, env = "YUFU_WORKERS", value_name = "N", default_value = "0")]
    pub workers: usize,
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// At this address.
    At(SocketAddr),
}

impl MetricsListen {
    /// The address that is used when nobody names one.
    pub const DEFAULT: Self = Self::At(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9090));
}

impl FromStr for MetricsListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            address => {
                address.parse().map(Self::At).map_err(|_| "an address such as 127.0.0.1:9090, or off, is expected".into())
            }
        }
    }
}

impl fmt::Display for MetricsListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            wallet_listen: None,
            admin_listen: None,
            checkpoint_listen: None,
            metrics_listen: MetricsListen::DEFAULT,
            workers: 0,
        }
    }
}

impl ListenOptions {
    /// Every address at which requests are taken, metrics apart.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        [Some(self.listen), self.wallet_listen, self.admin_listen, self.checkpoint_listen].into_iter().flatten()
    }

    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        lines.push(("listen", quoted(self.listen)));
        let own = [
            ("wallet-listen", self.wallet_listen),
            ("admin-listen", self.admin_listen),
            ("checkpoint-listen", self.checkpoint_listen),
        ];
        lines.extend(own.into_iter().filter_map(|(key, address)| address.map(|address| (key, quoted(address)))));
        lines.push(("metrics-listen", quoted(self.metrics_listen)));
        lines.push(("workers", self.workers.to_string()));
    }
}
