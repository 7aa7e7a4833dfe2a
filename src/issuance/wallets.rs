//! The register of wallet products: which clients there are, and where each may be sent back to.

use std::collections::BTreeSet;

use crate::{
    base::limits::ACCOUNT_ADDRESSES,
    issuance::{Fault, Ground, caller::is_client_id},
    model::{
        client::WalletClient,
        event::{EventDraft, What},
        ids::WalletId,
        party::{Authority, Capability, NotAllowed},
        record::{Commit, Guard, Key, Query, Record, Versioned, Write},
        redirect::is_redirect_uri,
    },
    store::CommitError,
};

/// Longest name of a wallet, in characters.
const NAME_CHARACTERS: usize = 64;
/// Wallets in one page of the list.
const PAGE: usize = 100;
/// How often a change is tried again when others change the same record at that moment.
const ATTEMPTS: usize = 8;

/// A wallet to be registered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WalletOrder {
    /// `client_id`, equal to `sub` of its attestations.
    pub client_id: String,
    /// What citizens read on the page that asks them.
    pub name: String,
    /// Where an authorisation may be sent back to.
    pub redirect_uris: Vec<String>,
}

/// Why a call on the register did nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WalletsError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// `client_id` is empty, too long or not printable ASCII.
    #[error("client_id has to be printable ASCII of 1 to 512 characters")]
    ClientId,
    /// The name is empty, too long or has control characters.
    #[error("the name has to have 1 to {NAME_CHARACTERS} characters, none of them a control character")]
    Name,
    /// More addresses than anybody needs.
    #[error("at most {ACCOUNT_ADDRESSES} redirect_uris")]
    TooManyAddresses,
    /// The address at this place cannot be registered.
    #[error("redirect_uris[{0}] is not an https address, one on this machine itself, or one of an app's own scheme")]
    Address(usize),
    /// The address at this place stands there twice.
    #[error("redirect_uris[{0}] stands twice")]
    AddressTwice(usize),
    /// A wallet of this `client_id` is registered, or was.
    #[error("a wallet of this client_id is registered already, or was")]
    ClientIdTaken,
    /// There is no such wallet.
    #[error("there is no such wallet")]
    NotFound,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The register of wallets.
#[derive(Clone)]
pub struct Wallets {
    ground: Ground,
}

impl Wallets {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Registers a wallet. A `client_id` is registered once: to change what a wallet may do, it gets another.
    pub fn register(&self, authority: &Authority, order: &WalletOrder) -> Result<WalletClient, WalletsError> {
        authority.require(Capability::ManageWallets)?;
        check(order)?;
        let at = self.ground.clock.now();
        let wallet = WalletClient {
            id: WalletClient::id_of(&order.client_id),
            client_id: order.client_id.clone(),
            name: order.name.trim().to_owned(),
            redirect_uris: order.redirect_uris.clone(),
            created_at: at,
            switched_off_at: None,
        };
        let commit = Commit {
            guards: vec![Guard::Absent(Key::Wallet(wallet.id))],
            writes: vec![Write::Put(Record::Wallet(wallet.clone()))],
            issue: Vec::new(),
            events: vec![EventDraft { at, actor: authority.actor(), what: What::WalletRegistered { wallet: wallet.id } }],
        };
        match self.ground.store.commit(commit) {
            Ok(_) => Ok(wallet),
            Err(CommitError::GuardFailed(_)) => Err(WalletsError::ClientIdTaken),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// A page of wallets, those that are off among them; `after` is what the page before gave.
    pub fn list(
        &self,
        authority: &Authority,
        after: Option<&[u8]>,
    ) -> Result<(Vec<WalletClient>, Option<Vec<u8>>), WalletsError> {
        authority.require(Capability::ManageWallets)?;
        let page = self.ground.store.find(&Query::Wallets, after, PAGE).map_err(Fault::from)?;
        let wallets = page.records.into_iter().filter_map(|record| match record.value {
            Record::Wallet(wallet) => Some(wallet),
            _ => None,
        });
        Ok((wallets.collect(), page.next))
    }

    /// Switches a wallet off, at once and for good: it pushes no more requests and gets no more tokens. The cards it holds
    /// stay as they are. A wallet that is off stays so, without a second event.
    pub fn switch_off(&self, authority: &Authority, id: WalletId) -> Result<(), WalletsError> {
        authority.require(Capability::ManageWallets)?;
        for _ in 0..ATTEMPTS {
            let (version, wallet) = match self.ground.store.get(&Key::Wallet(id)).map_err(Fault::from)? {
                Some(Versioned { version, value: Record::Wallet(wallet) }) => (version, wallet),
                _ => return Err(WalletsError::NotFound),
            };
            if wallet.switched_off_at.is_some() {
                return Ok(());
            }
            let at = self.ground.clock.now();
            let off = WalletClient { switched_off_at: Some(at), ..wallet };
            let commit = Commit {
                guards: vec![Guard::Version(Key::Wallet(id), version)],
                writes: vec![Write::Put(Record::Wallet(off))],
                issue: Vec::new(),
                events: vec![EventDraft { at, actor: authority.actor(), what: What::WalletSwitchedOff { wallet: id } }],
            };
            match self.ground.store.commit(commit) {
                Ok(_) => return Ok(()),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }
}

fn check(order: &WalletOrder) -> Result<(), WalletsError> {
    if order.client_id.is_empty() || !is_client_id(&order.client_id) {
        return Err(WalletsError::ClientId);
    }
    let is_visible = !order.name.trim().is_empty() && !order.name.chars().any(char::is_control);
    if !is_visible || order.name.chars().count() > NAME_CHARACTERS {
        return Err(WalletsError::Name);
    }
    if order.redirect_uris.len() > ACCOUNT_ADDRESSES {
        return Err(WalletsError::TooManyAddresses);
    }
    let mut seen = BTreeSet::new();
    for (at, address) in order.redirect_uris.iter().enumerate() {
        if !is_redirect_uri(address) {
            return Err(WalletsError::Address(at));
        }
        if !seen.insert(address) {
            return Err(WalletsError::AddressTwice(at));
        }
    }
    Ok(())
}
