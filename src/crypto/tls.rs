//! Cryptography of TLS, for connections that this service opens.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The primitives of the rest of this crate, `aws-lc-rs`, as TLS takes them.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
