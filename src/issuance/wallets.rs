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

/// A wallet to be registered, or how a registered one is to be from now on.
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
    /// A wallet of this `client_id` is registered.
    #[error("a wallet of this client_id is registered already")]
    ClientIdTaken,
    /// Another `client_id` is another wallet.
    #[error("the client_id of a wallet does not change")]
    OtherClientId,
    /// The wallet is switched off.
    #[error("the wallet is switched off")]
    Off,
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

    /// Registers a wallet; one that was switched off is registered anew.
    pub fn register(&self, authority: &Authority, order: &WalletOrder) -> Result<WalletClient, WalletsError> {
        authority.require(Capability::ManageWallets)?;
        check(order)?;
        let (id, at) = (WalletClient::id_of(&order.client_id), self.ground.clock.now());
        let guard = match self.wallet(id)? {
            None => Guard::Absent(Key::Wallet(id)),
            Some(Versioned { version, value }) if value.switched_off_at.is_some() => Guard::Version(Key::Wallet(id), version),
            Some(_) => return Err(WalletsError::ClientIdTaken),
        };
        let wallet = WalletClient {
            id,
            client_id: order.client_id.clone(),
            name: order.name.trim().to_owned(),
            redirect_uris: order.redirect_uris.clone(),
            created_at: at,
            switched_off_at: None,
        };
        match self.write(authority, guard, wallet.clone(), What::WalletRegistered { wallet: id })? {
            true => Ok(wallet),
            false => Err(WalletsError::ClientIdTaken),
        }
    }

    /// Gives a registered wallet another name and other addresses. What was pushed before stays as it was checked then.
    pub fn change(&self, authority: &Authority, id: WalletId, order: &WalletOrder) -> Result<WalletClient, WalletsError> {
        authority.require(Capability::ManageWallets)?;
        check(order)?;
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: wallet } = self.wallet(id)?.ok_or(WalletsError::NotFound)?;
            if wallet.client_id != order.client_id {
                return Err(WalletsError::OtherClientId);
            }
            if wallet.switched_off_at.is_some() {
                return Err(WalletsError::Off);
            }
            let (name, redirect_uris) = (order.name.trim().to_owned(), order.redirect_uris.clone());
            let changed = WalletClient { name, redirect_uris, ..wallet };
            let guard = Guard::Version(Key::Wallet(id), version);
            if self.write(authority, guard, changed.clone(), What::WalletChanged { wallet: id })? {
                return Ok(changed);
            }
        }
        Err(Fault::Busy.into())
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

    /// Switches a wallet off, at once: its requests are not taken nor shown any more, and it gets no more tokens. The cards
    /// it holds stay as they are. A wallet that is off stays so, without a second event.
    pub fn switch_off(&self, authority: &Authority, id: WalletId) -> Result<(), WalletsError> {
        authority.require(Capability::ManageWallets)?;
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: wallet } = self.wallet(id)?.ok_or(WalletsError::NotFound)?;
            if wallet.switched_off_at.is_some() {
                return Ok(());
            }
            let off = WalletClient { switched_off_at: Some(self.ground.clock.now()), ..wallet };
            let guard = Guard::Version(Key::Wallet(id), version);
            if self.write(authority, guard, off, What::WalletSwitchedOff { wallet: id })? {
                return Ok(());
            }
        }
        Err(Fault::Busy.into())
    }

    fn wallet(&self, id: WalletId) -> Result<Option<Versioned<WalletClient>>, Fault> {
        match self.ground.store.get(&Key::Wallet(id))? {
            None => Ok(None),
            Some(Versioned { version, value: Record::Wallet(value) }) => Ok(Some(Versioned { version, value })),
            Some(_) => Err(Fault::Record("a wallet")),
        }
    }

    /// Writes a wallet with its event; false when the guard does not hold any more.
    fn write(&self, authority: &Authority, guard: Guard, wallet: WalletClient, what: What) -> Result<bool, Fault> {
        let commit = Commit {
            guards: vec![guard],
            writes: vec![Write::Put(Record::Wallet(wallet))],
            issue: Vec::new(),
            events: vec![EventDraft { at: self.ground.clock.now(), actor: authority.actor(), what }],
        };
        match self.ground.store.commit(commit) {
            Ok(_) => Ok(true),
            Err(CommitError::GuardFailed(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
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
