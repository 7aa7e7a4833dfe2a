//! Why the service did not start.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{
    app::config::StartRefusal,
    audit::seal::HeadsError,
    http::auth::tokens::TokensError,
    keyring::KeyringError,
    model::{credential_type::TypeFileError, use_case::UseCaseFileError},
    store::{CommitError, ReadError, sled::OpenError},
    verification::request_object::{ClientIdPrefix, IdentityError},
};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings promise what cannot be held.
    #[error(transparent)]
    Refused(#[from] StartRefusal),
    /// An address cannot be had.
    #[error("cannot listen at {address}: {error}; is another yufu running? Choose another address with {flag}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The keys.
    #[error("keys: {0}")]
    Keys(#[from] KeyringError),
    /// How this verifier names itself to wallets.
    #[error("--client-id-prefix {prefix}: {error}\n无法以此方式向钱包标明身份，请检查密钥目录或改用 x509_hash")]
    Identity {
        /// What was asked for.
        prefix: ClientIdPrefix,
        /// Why it cannot be held.
        error: IdentityError,
    },
    /// The attestation of this verifier.
    #[error("{}: {error}", file.display())]
    Attestation {
        /// Its file.
        file: PathBuf,
        /// Why it cannot be read.
        error: io::Error,
    },
    /// There is a log but no keys: new ones would open nothing that is stored and vouch for nothing that was issued.
    #[error(
        "{} holds a service's data, but {} holds no keys; put the keys back where they were, or name another data folder\n\
         数据目录已有数据而密钥目录为空：请放回原有密钥，或指定其他数据目录", data.display(), keys.display()
    )]
    KeysMissing {
        /// The data folder.
        data: PathBuf,
        /// The folder of keys.
        keys: PathBuf,
    },
    /// The signed heads beside the log.
    #[error("signed heads of the log: {0}")]
    Heads(#[from] HeadsError),
    /// The store.
    #[error("store: {0}")]
    Store(#[from] OpenError),
    /// The store in a database.
    #[cfg(feature = "postgres")]
    #[error("store: {0}")]
    Database(#[from] crate::store::postgres::OpenError),
    /// A credential type.
    #[error("credential types: {0}")]
    Types(#[from] TypeFileError),
    /// A use case.
    #[error("use cases: {0}")]
    UseCases(#[from] UseCaseFileError),
    /// A setting of the store could not be read.
    #[error("store: {0}")]
    Read(#[from] ReadError),
    /// A setting of the store could not be written.
    #[error("store: {0}")]
    Commit(#[from] CommitError),
    /// The first administrator's token.
    #[error("the first administrator's token: {0}")]
    FirstToken(#[from] TokensError),
    /// The file for the first administrator's token.
    #[error("{}: {error}", file.display())]
    TokenFile {
        /// The file.
        file: PathBuf,
        /// Why it cannot be written.
        error: io::Error,
    },
    /// The people of the test issuer.
    #[error(transparent)]
    TestIssuer(#[from] crate::issuance::test_issuer::TestIssuerError),
    /// The secret of the service at the province's login.
    #[error("{}: {error}", file.display())]
    LoginSecret {
        /// The file.
        file: PathBuf,
        /// Why it cannot be read.
        error: io::Error,
    },
    /// A thread or the server.
    #[error("the server: {0}")]
    Server(io::Error),
}
