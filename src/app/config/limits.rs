//! How often who may come.

use std::time::Duration;

use crate::{
    app::config::quoted,
    http::{
        connections::{ConnectionLimits, TOLD},
        limits::Quotas,
    },
    outbound::Cidr,
};

/// How often who may come.
#[derive(Clone, Debug, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// Requests a minute of one address (of IPv6: one /64) at what is not kept ready for everybody; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_ADDRESS", value_name = "N", default_value_t = Self::ADDRESS)]
    pub limit_address: u32,

    /// Tries a minute of one address to sign in; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_SIGN_IN", value_name = "N", default_value_t = Self::SIGN_IN)]
    pub limit_sign_in: u32,

    /// Requests a minute of one client that proved who it is, all its installations together; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_CLIENT", value_name = "N", default_value_t = Self::CLIENT)]
    pub limit_client: u32,

    /// Requests a minute of one installation of a wallet; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_WALLET", value_name = "N", default_value_t = Self::WALLET)]
    pub limit_wallet: u32,

    /// Requests for cards a minute of one person; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_PERSON", value_name = "N", default_value_t = Self::PERSON)]
    pub limit_person: u32,

    /// Tries a minute of one code; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_CODE", value_name = "N", default_value_t = Self::CODE)]
    pub limit_code: u32,

    /// Connections that are served at once; fewer where the system allows fewer open files
    #[arg(long, env = "YUFU_LIMIT_CONNECTIONS", value_name = "N", default_value_t = Self::CONNECTIONS,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub limit_connections: u32,

    /// Connections of one address (of IPv6: one /64) at once; 0 means no limit
    #[arg(long, env = "YUFU_LIMIT_ADDRESS_CONNECTIONS", value_name = "N", default_value_t = Self::ADDRESS_CONNECTIONS)]
    pub limit_address_connections: u32,

    /// Addresses of reverse proxies whose X-Forwarded-For says where a request comes from
    ///
    /// Requests from this machine itself are not counted by address unless it is named here. May be given several times,
    /// or with commas.
    #[arg(long, env = "YUFU_TRUSTED_PROXIES", value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxies: Vec<Cidr>,
}

impl LimitOptions {
    // A wallet sends about ten requests for a card. Behind one address of IPv4 there may be a whole town.
    const ADDRESS: u32 = 1200;
    const SIGN_IN: u32 = 60;
    const CLIENT: u32 = 120_000;
    const WALLET: u32 = 240;
    const PERSON: u32 = 120;
    const CODE: u32 = 60;
    // Each takes some kilobytes and one open file.
    const CONNECTIONS: u32 = 8192;
    // A town behind one address shares them; a browser opens six.
    const ADDRESS_CONNECTIONS: u32 = 512;

    /// How many connections there may be where so many files may be open; one that stalls for so long is cut.
    pub fn connections(&self, open_files: Option<usize>, stalled: Duration) -> ConnectionLimits {
        let possible = open_files.map_or(usize::MAX, |files| files.saturating_sub(Self::FILES_KEPT + TOLD).max(1));
        ConnectionLimits {
            total: usize::try_from(self.limit_connections).unwrap_or(usize::MAX).min(possible),
            each: usize::try_from(self.limit_address_connections).unwrap_or(usize::MAX),
            trusted_proxies: self.trusted_proxies.clone(),
            stalled,
        }
    }

    // Counted on a service with two workers and an embedded store: 27 files at rest; more while lists, evidence
    // and snapshots are written, and others are asked.
    const FILES_KEPT: usize = 64;

    /// As the service counts.
    pub fn quotas(&self) -> Quotas {
        Quotas {
            address: self.limit_address,
            sign_in: self.limit_sign_in,
            client: self.limit_client,
            wallet: self.limit_wallet,
            person: self.limit_person,
            code: self.limit_code,
            trusted_proxies: self.trusted_proxies.clone(),
        }
    }

    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        let numbers = [
            ("limit-address", self.limit_address),
            ("limit-sign-in", self.limit_sign_in),
            ("limit-client", self.limit_client),
            ("limit-wallet", self.limit_wallet),
            ("limit-person", self.limit_person),
            ("limit-code", self.limit_code),
            ("limit-connections", self.limit_connections),
            ("limit-address-connections", self.limit_address_connections),
        ];
        lines.extend(numbers.map(|(key, number)| (key, number.to_string())));
        if !self.trusted_proxies.is_empty() {
            let blocks: Vec<String> = self.trusted_proxies.iter().map(Cidr::to_string).collect();
            lines.push(("trusted-proxies", quoted(blocks.join(","))));
        }
    }
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self {
            limit_address: Self::ADDRESS,
            limit_sign_in: Self::SIGN_IN,
            limit_client: Self::CLIENT,
            limit_wallet: Self::WALLET,
            limit_person: Self::PERSON,
            limit_code: Self::CODE,
            limit_connections: Self::CONNECTIONS,
            limit_address_connections: Self::ADDRESS_CONNECTIONS,
            trusted_proxies: Vec::new(),
        }
    }
}
