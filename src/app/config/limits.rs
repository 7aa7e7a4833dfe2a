//! How often who may come.

use crate::{app::config::quoted, http::limits::Quotas, outbound::Cidr};

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
            trusted_proxies: Vec::new(),
        }
    }
}
