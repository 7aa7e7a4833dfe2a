//! What the service fetches when others name an address.

use crate::{app::config::quoted, outbound::Cidr};

/// What may be fetched.
#[derive(Clone, Debug, Default, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "Fetching")]
pub struct OutboundOptions {
    /// Blocks of inner addresses that may be fetched from when a credential names them (status lists of other issuers)
    ///
    /// Without it only public addresses are asked, by https on port 443. Within a block any port is, and on this machine
    /// itself also http. May be given several times, or with commas.
    #[arg(long, env = "YUFU_ALLOW_FETCH", value_name = "CIDR", value_delimiter = ',')]
    pub allow_fetch: Vec<Cidr>,
}

impl OutboundOptions {
    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        if !self.allow_fetch.is_empty() {
            let blocks: Vec<String> = self.allow_fetch.iter().map(Cidr::to_string).collect();
            lines.push(("allow-fetch", quoted(blocks.join(","))));
        }
    }
}
