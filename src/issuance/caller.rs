//! Who calls an endpoint of the authorisation server: which client, with which keys. Established before anything else is
//! looked at.

use crate::{
    base::time::Timestamp,
    crypto::keyed_hash,
    issuance::{
        Fault, Ground,
        client_attestation::{AttestationError, AttestedWallet},
        dpop::{DpopError, ProvenKey},
        freshness::Server,
        limits::Counted,
    },
    model::{
        client::WalletInstance,
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Write},
    },
    store::CommitError,
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

/// What a single-use value that is shown belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shows {
    Dpop,
    Attestation,
}

/// Single-use values that a request shows. They are used up by the commit that answers it, or not at all: a request that is
/// refused may be made again with them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Spending {
    values: Vec<(Shows, OneTime)>,
}

impl Spending {
    /// Conditions of the commit: none of the values was used before.
    pub(super) fn guards(&self) -> impl Iterator<Item = Guard> + '_ {
        self.values.iter().map(|(_, value)| Guard::Absent(Key::OneTime(value.key)))
    }

    /// Writes of the commit: each is used now.
    pub(super) fn writes(&self) -> impl Iterator<Item = Write> + '_ {
        self.values.iter().map(|(_, value)| Write::Put(Record::OneTime(value.clone())))
    }

    /// What a commit means in which the guard at this place among [`guards`](Self::guards) failed.
    pub(super) fn replayed(&self, place: usize) -> CallerError {
        match self.values.get(place) {
            Some((Shows::Attestation, _)) => AttestationError::Replayed.into(),
            _ => DpopError::Replayed.into(),
        }
    }

    /// Adds the proof of a key.
    pub(super) fn add_dpop(&mut self, proven: &ProvenKey) {
        self.add(Shows::Dpop, proven.once, proven.forgotten_at);
    }

    fn add(&mut self, shows: Shows, key: OneTimeKey, expires_at: Timestamp) {
        self.values.push((shows, OneTime { key, leads_to: LeadsTo::Used, expires_at }));
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
    /// The proof of its key.
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// What vouches for the wallet.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl CallerError {
    /// The code of the protocol; none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::ClientMalformed => "invalid_request",
            Self::Dpop(error) => error.code(),
            Self::Attestation(error) => error.code(),
            Self::Fault(_) => return None,
        })
    }
}

/// Longest `client_id`, in bytes.
const CLIENT_ID_BYTES: usize = 512;

/// Whether a text can be a `client_id` (RFC 6749 appendix A.1).
pub(super) fn is_client_id(text: &str) -> bool {
    text.len() <= CLIENT_ID_BYTES && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

impl Ground {
    /// Who calls an endpoint of the authorisation server with a form that names `client_id`. Under HAIP every caller shows a
    /// wallet attestation; whether a DPoP proof is needed is the endpoint's to say.
    pub(super) fn caller(&self, shown: &Shown, client_id: Option<&str>) -> Result<Caller, CallerError> {
        if client_id.is_some_and(|id| !is_client_id(id)) {
            return Err(CallerError::ClientMalformed);
        }
        let dpop = self.dpop(shown, Server::Authorization, None)?;
        let attested = self.attested(shown, dpop.as_ref())?;
        if attested.is_none() && self.profile.is_haip() {
            return Err(AttestationError::Missing.into());
        }
        let mut caller = Caller { client_id: client_id.map(str::to_owned), ..Caller::default() };
        if let Some(proven) = &dpop {
            caller.dpop_jkt = Some(proven.jkt());
            caller.instance = Some(self.instance(&proven.thumbprint));
            caller.spending.add_dpop(proven);
        }
        if let Some(wallet) = attested {
            self.identify(&mut caller, wallet)?;
        }
        self.count(&caller)?;
        Ok(caller)
    }

    /// Counts who proved who it is; what somebody only says of itself is counted for nobody.
    fn count(&self, caller: &Caller) -> Result<(), Fault> {
        if let Some(instance) = &caller.instance {
            self.limits.count(Counted::Wallet(instance))?;
        }
        match &caller.client_id {
            Some(client_id) if caller.attested => Ok(self.limits.count(Counted::Client(client_id))?),
            _ => Ok(()),
        }
    }

    /// The attestation says who the client is, and which installation of it.
    fn identify(&self, caller: &mut Caller, wallet: AttestedWallet) -> Result<(), CallerError> {
        let AttestedWallet { attestation, once } = wallet;
        if !is_client_id(&attestation.client_id) {
            return Err(CallerError::ClientMalformed);
        }
        if caller.client_id.as_ref().is_some_and(|id| *id != attestation.client_id) {
            return Err(AttestationError::OtherClient.into());
        }
        caller.attested = true;
        caller.instance = Some(self.instance(&attestation.key.thumbprint()));
        caller.client_id = Some(attestation.client_id);
        if let Some((key, forgotten_at)) = once {
            caller.spending.add(Shows::Attestation, key, forgotten_at);
        }
        Ok(())
    }

    /// The installation of a wallet that is known by the key of this thumbprint.
    fn instance(&self, thumbprint: &[u8; 32]) -> WalletInstance {
        WalletInstance::of_hash(keyed_hash(self.keyring.code_key(), "wallet instance", thumbprint))
    }

    /// Uses up what a request shows whose answer changes nothing else.
    pub(super) fn spend(&self, spending: &Spending) -> Result<(), CallerError> {
        if spending.values.is_empty() {
            return Ok(());
        }
        let (guards, writes) = (spending.guards().collect(), spending.writes().collect());
        match self.store.commit(Commit { guards, writes, ..Commit::default() }) {
            Ok(_) => Ok(()),
            Err(CommitError::GuardFailed(place)) => Err(spending.replayed(place)),
            Err(error) => Err(Fault::from(error).into()),
        }
    }
}
