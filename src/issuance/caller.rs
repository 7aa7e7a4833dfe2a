//! Who calls an endpoint of the authorisation server: which client, with which keys. Established before anything else is
//! looked at.

use crate::{
    issuance::Ground,
    model::{
        client::WalletInstance,
        record::{Guard, Key, LeadsTo, OneTime, Record, Write},
    },
};

/// The header values of a request that say who sends it, as they came; nobody has checked them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Shown {
    /// The method of the request.
    pub method: &'static str,
    /// The path of the endpoint under the public URL, with its slash: what `htu` has to name.
    pub path: &'static str,
    /// Every `DPoP` header (RFC 9449 section 4.1).
    pub dpop: Vec<String>,
    /// Every `OAuth-Client-Attestation` header.
    pub attestation: Vec<String>,
    /// Every `OAuth-Client-Attestation-PoP` header.
    pub attestation_pop: Vec<String>,
    /// Every `Authorization` header.
    pub authorization: Vec<String>,
}

/// Single-use values that a request shows. They are used up by the commit that answers it, or not at all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Spending {
    values: Vec<OneTime>,
}

impl Spending {
    /// Conditions of the commit: none of the values was used before.
    pub(super) fn guards(&self) -> impl Iterator<Item = Guard> + '_ {
        self.values.iter().map(|value| Guard::Absent(Key::OneTime(value.key)))
    }

    /// Writes of the commit: each is used now.
    pub(super) fn writes(&self) -> impl Iterator<Item = Write> + '_ {
        self.values.iter().map(|value| Write::Put(Record::OneTime(value.clone())))
    }

    /// Adds a value that may be forgotten at `expires_at`.
    #[expect(dead_code, reason = "DPoP and wallet attestation are next")]
    pub(super) fn add(&mut self, key: crate::model::record::OneTimeKey, expires_at: crate::base::time::Timestamp) {
        self.values.push(OneTime { key, leads_to: LeadsTo::Used, expires_at });
    }
}

/// Who calls.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Caller {
    /// The client, when it named itself or an attestation did.
    pub client_id: Option<String>,
    /// Whether a wallet attestation was shown, and good.
    pub attested: bool,
    /// The thumbprint of the DPoP key that was proved.
    pub dpop_jkt: Option<String>,
    /// The installation of the wallet, when it proved a key.
    pub instance: Option<WalletInstance>,
    /// What it showed that must not be shown again.
    pub spending: Spending,
}

/// Why a caller is refused before the request is looked at.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallerError {
    /// `client_id` is empty, too long or not printable ASCII.
    #[error("client_id is malformed")]
    ClientMalformed,
    /// The profile wants what is not there: which header, is named.
    #[error("{0} is needed")]
    Missing(&'static str),
}

impl CallerError {
    /// The code of the protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ClientMalformed => "invalid_request",
            Self::Missing("DPoP") => "invalid_dpop_proof",
            Self::Missing(_) => "invalid_client",
        }
    }
}

/// Longest `client_id`, in bytes.
const CLIENT_ID_BYTES: usize = 512;

/// Whether a text can be a `client_id` (RFC 6749 appendix A.1).
pub(super) fn is_client_id(text: &str) -> bool {
    text.len() <= CLIENT_ID_BYTES && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

impl Ground {
    /// Who calls an endpoint of the authorisation server with a form that names `client_id`.
    pub(super) fn caller(&self, shown: &Shown, client_id: Option<&str>) -> Result<Caller, CallerError> {
        if client_id.is_some_and(|id| !is_client_id(id)) {
            return Err(CallerError::ClientMalformed);
        }
        if self.profile.is_haip() && shown.attestation.is_empty() {
            return Err(CallerError::Missing("OAuth-Client-Attestation"));
        }
        Ok(Caller { client_id: client_id.map(str::to_owned), ..Caller::default() })
    }
}
