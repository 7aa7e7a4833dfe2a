//! Connections: protected as the address says, each call bounded in time.

use std::{fs, future::poll_fn, path::Path, sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime as PoolRuntime};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    crypto::tls,
    store::postgres::{
        address::{Address, Tls},
        failure::Failure,
        settings::{OpenError, Patience},
    },
};

/// A database and how it is reached.
#[derive(Clone)]
pub(super) struct Link {
    address: Address,
    tls: Option<MakeRustlsConnect>,
}

impl Link {
    pub(super) fn to(address: &Address) -> Result<Self, OpenError> {
        let tls = match address.tls() {
            Tls::Off => None,
            Tls::Verified(roots) => Some(client(roots.as_deref())?),
        };
        Ok(Self { address: address.clone(), tls })
    }

    /// The address, without a password.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// A connection of the caller's own; its other half runs in the background until it ends.
    pub(super) async fn connect(&self, patience: Duration) -> Result<Client, Failure> {
        let connecting = async {
            let config = self.address.config();
            match &self.tls {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    drop(tokio::spawn(async move { drop(connection.await) }));
                    Ok(client)
                }
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    drop(tokio::spawn(async move { drop(connection.await) }));
                    Ok(client)
                }
            }
        };
        tokio::time::timeout(patience, connecting).await.map_err(|_| Failure::Silent)?
    }

    /// The same; `heard` is called with the text of every notification.
    pub(super) async fn listen(&self, patience: Duration, heard: impl Fn(&str) + Send + 'static) -> Result<Client, Failure> {
        let connecting = async {
            let config = self.address.config();
            match &self.tls {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    drop(tokio::spawn(carry(connection, heard)));
                    Ok(client)
                }
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    drop(tokio::spawn(carry(connection, heard)));
                    Ok(client)
                }
            }
        };
        tokio::time::timeout(patience, connecting).await.map_err(|_| Failure::Silent)?
    }

    /// Connections that are shared by readers.
    pub(super) fn pool(&self, size: usize, patience: &Patience) -> Result<Pool, OpenError> {
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let config = self.address.config().clone();
        let manager = match &self.tls {
            None => Manager::from_config(config, NoTls, how),
            Some(tls) => Manager::from_config(config, tls.clone(), how),
        };
        let builder = Pool::builder(manager).max_size(size.max(1)).runtime(PoolRuntime::Tokio1);
        let builder = builder.wait_timeout(Some(patience.read)).create_timeout(Some(patience.connect));
        let pool = builder.recycle_timeout(Some(patience.connect)).build();
        pool.map_err(|error| OpenError::Unreachable { address: self.address.to_string(), why: error.to_string() })
    }

    /// Asks the server to give up what a connection is doing. Best effort: who asked has gone on already.
    pub(super) async fn cancel(&self, token: CancelToken, patience: Duration) {
        let cancelling = async {
            match &self.tls {
                None => token.cancel_query(NoTls).await,
                Some(tls) => token.cancel_query(tls.clone()).await,
            }
        };
        drop(tokio::time::timeout(patience, cancelling).await);
    }
}

/// The other half of a connection that listens, until it ends.
async fn carry<S, T>(mut connection: Connection<S, T>, heard: impl Fn(&str))
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            heard(notification.payload());
        }
    }
}

/// TLS in which the server proves its name under `roots` (a file of PEM), or under those of the web.
fn client(roots: Option<&Path>) -> Result<MakeRustlsConnect, OpenError> {
    let mut store = RootCertStore::empty();
    match roots {
        None => {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
            let (added, _) = store.add_parsable_certificates(roots);
            if added == 0 {
                return Err(OpenError::Roots("no root of the web can be used".to_owned()));
            }
        }
        Some(file) => {
            let wrong = |why: String| OpenError::Roots(format!("{}: {why}", file.display()));
            let text = fs::read(file).map_err(|error| wrong(error.to_string()))?;
            for root in CertificateDer::pem_slice_iter(&text) {
                let root = root.map_err(|error| wrong(error.to_string()))?;
                store.add(root).map_err(|error| wrong(error.to_string()))?;
            }
            if store.is_empty() {
                return Err(wrong("no certificate in it".to_owned()));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions();
    let config = config.map_err(|error| OpenError::Roots(error.to_string()))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(Arc::new(store)).with_no_client_auth()))
}
