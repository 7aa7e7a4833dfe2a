//! Wallet products as OAuth clients, and the instances of them on people's phones.

use serde::{Deserialize, Serialize};

use crate::{
    base::{base64url, time::Timestamp},
    model::ids::WalletId,
};

/// A wallet product that was registered. Its redirect URIs are believed from here and never from a request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WalletClient {
    /// Its identifier, which follows from `client_id`: see [`WalletClient::id_of`].
    pub id: WalletId,
    /// `client_id` in OAuth, and `sub` of its attestations.
    pub client_id: String,
    /// What citizens read on the page that asks them.
    pub name: String,
    /// Where an authorisation may be sent back to; compared character by character (RFC 9700 section 2.1).
    pub redirect_uris: Vec<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off_at: Option<Timestamp>,
}

impl WalletClient {
    /// The identifier of the client of this name: a client is found without a search.
    pub fn id_of(client_id: &str) -> WalletId {
        use sha2::{Digest, Sha256};
        let hash: [u8; 32] = Sha256::new().chain_update(b"yufu-wallet-v1:").chain_update(client_id).finalize().into();
        WalletId::from_bytes(std::array::from_fn(|at| hash[at]))
    }
}

/// One installation of a wallet: a keyed hash of the thumbprint of the key it is known by (that of its attestation, else
/// that of DPoP). Nobody else's hash of the same key looks like it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct WalletInstance(String);

impl WalletInstance {
    /// From the keyed hash.
    pub fn of_hash(hash: [u8; 32]) -> Self {
        Self(base64url::encode(hash))
    }

    /// The hash as base64url: what the API calls the instance.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
