//! Addresses are taken before anything else is touched: a second start fails here and harms nothing.

use std::net::{SocketAddr, TcpListener};

use crate::{
    app::{
        config::{ListenOptions, MetricsListen},
        wire::StartError,
    },
    http::server::{Audiences, Site},
};

/// Sockets that were bound.
pub(super) struct Bound {
    pub sites: Vec<Site>,
    pub metrics: Option<TcpListener>,
    /// Where wallets and the public come in.
    pub wallet_address: SocketAddr,
    pub notes: Vec<String>,
}

/// Binds every address of the settings.
pub(super) fn bind(options: &ListenOptions) -> Result<Bound, StartError> {
    let own = |address: &Option<SocketAddr>| address.is_some();
    let shared = Audiences {
        wallet: !own(&options.wallet_listen),
        admin: !own(&options.admin_listen),
        checkpoint: !own(&options.checkpoint_listen),
    };
    let none = Audiences { wallet: false, admin: false, checkpoint: false };
    let wanted = [
        ("--listen", Some(options.listen), shared),
        ("--wallet-listen", options.wallet_listen, Audiences { wallet: true, ..none }),
        ("--admin-listen", options.admin_listen, Audiences { admin: true, ..none }),
        ("--checkpoint-listen", options.checkpoint_listen, Audiences { checkpoint: true, ..none }),
    ];
    let mut sites = Vec::new();
    let mut wallet_address = options.listen;
    for (flag, address, audiences) in wanted {
        let Some(address) = address else { continue };
        let failed = |error| StartError::Listen { address, flag, error };
        let listener = TcpListener::bind(address).map_err(failed)?;
        if audiences.wallet {
            wallet_address = listener.local_addr().map_err(failed)?;
        }
        sites.push(Site { listener, audiences });
    }
    let (metrics, notes) = metrics(options.metrics_listen)?;
    Ok(Bound { sites, metrics, wallet_address, notes })
}

/// The default address of metrics may be taken, by a second service on one machine: said, and done without. An address
/// somebody chose may not.
fn metrics(options: MetricsListen) -> Result<(Option<TcpListener>, Vec<String>), StartError> {
    let MetricsListen::At(address) = options else { return Ok((None, Vec::new())) };
    match TcpListener::bind(address) {
        Ok(listener) => Ok((Some(listener), Vec::new())),
        Err(_) if options == MetricsListen::DEFAULT => Ok((
            None,
            vec![format!("{address} is taken, so metrics are not served (--metrics-listen chooses another address)")],
        )),
        Err(error) => Err(StartError::Listen { address, flag: "--metrics-listen", error }),
    }
}
