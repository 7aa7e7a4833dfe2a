//! The province's login, when the settings name one.

use std::{fs, sync::Arc, time::Duration};

use zeroize::Zeroizing;

use crate::{
    app::{config::LoginOptions, wire::StartError},
    base::{clock::Clock, secret::Secret},
    issuance::{
        Ground,
        sign_in::province::{CALLBACK, ProvinceLogin},
    },
    outbound::{Client, Login, LoginClient, OpenIdLogin},
};

/// Longest wait for one answer of the provider, while a person looks at an empty page.
const CALL: Duration = Duration::from_secs(10);

/// The login at the provider that the settings name; none when they name none. The provider is not asked yet.
pub(super) fn login(
    options: &LoginOptions,
    public_url: &str,
    own_roots: &[Vec<u8>],
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Login>>, StartError> {
    let Some(issuer) = options.login_issuer.clone() else { return Ok(None) };
    let client_secret = options.login_client_secret_file.as_ref().map(|file| {
        let text = fs::read_to_string(file).map_err(|error| StartError::LoginSecret { file: file.clone(), error })?;
        let text = Zeroizing::new(text);
        Ok::<_, StartError>(Secret::new(text.trim().to_owned()))
    });
    let client = LoginClient {
        issuer,
        client_id: options.login_client_id.clone().unwrap_or_default(),
        client_secret: client_secret.transpose()?,
        id_number_claim: options.login_id_number_claim.clone(),
        scopes: options.login_scopes.clone(),
        redirect_uri: format!("{public_url}{CALLBACK}"),
    };
    Ok(Some(Arc::new(OpenIdLogin::new(client, Client::with_roots(own_roots, CALL), Arc::clone(clock)))))
}

/// Signing in by it.
pub(super) fn province(ground: Ground, login: Arc<dyn Login>) -> ProvinceLogin {
    ProvinceLogin::new(ground, login)
}
