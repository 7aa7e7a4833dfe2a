//! Whom both clients believe in TLS.

use std::sync::Arc;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::crypto::tls;

/// The roots of the web (Mozilla's, as `webpki-root-certs` has them) and those of `own_roots` (DER).
pub(super) fn tls_config(own_roots: &[Vec<u8>]) -> TlsConfig {
    let own_roots = own_roots.iter().map(|der| Certificate::from_der(der).to_owned());
    let roots = TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root)).chain(own_roots).collect::<Vec<_>>();
    let roots = RootCerts::Specific(Arc::new(roots));
    TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(tls::provider()).build()
}
