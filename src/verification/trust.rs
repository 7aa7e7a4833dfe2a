//! Whom a verifier believes.

use std::collections::BTreeSet;

use crate::{
    base::time::Timestamp,
    crypto::x509::{Anchor, ChainError, Leaf, verify_chain},
};

/// Which issuers are believed, among those with a certificate that leads to an anchor.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Issuers {
    /// All of them.
    #[default]
    UnderAnchors,
    /// These, by their identifiers.
    Only(BTreeSet<String>),
}

/// This service as an issuer: the stricter rules for credentials that claim to be ours.
#[derive(Clone, Debug)]
pub struct OwnIssuer {
    /// Our identifier, the public URL.
    pub url: String,
    /// The `vct` of every type we issue. Another type under our name is refused.
    pub types: BTreeSet<String>,
    /// The anchors that vouch for us. Another authority that is trusted for its own issuers cannot speak for us.
    pub anchors: Vec<Anchor>,
}

/// Trust anchors and the rules that narrow them.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    anchors: Vec<Anchor>,
    issuers: Issuers,
    own: Option<OwnIssuer>,
}

impl Trust {
    /// Believes every issuer whose chain leads to one of `anchors`.
    pub fn new(anchors: Vec<Anchor>) -> Self {
        Self { anchors, issuers: Issuers::UnderAnchors, own: None }
    }

    /// Narrows the issuers.
    #[must_use]
    pub fn with_issuers(mut self, issuers: Issuers) -> Self {
        self.issuers = issuers;
        self
    }

    /// Adds the rules for our own credentials. Our anchors are those among all anchors that our own chain `x5c` leads
    /// to at the time `at`.
    #[must_use]
    pub fn with_own_issuer(mut self, url: String, types: BTreeSet<String>, x5c: &[Vec<u8>], at: Timestamp) -> Self {
        let leads_to = |anchor: &&Anchor| verify_chain(x5c, std::slice::from_ref(*anchor), at).is_ok();
        let anchors = self.anchors.iter().filter(leads_to).cloned().collect();
        self.own = Some(OwnIssuer { url, types, anchors });
        self
    }

    /// The anchors.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Our own identifier, when we are an issuer.
    pub fn own(&self) -> Option<&OwnIssuer> {
        self.own.as_ref()
    }

    /// Verifies the certificates of an issuer or of its status list. A chain that names us has to lead to one of our own
    /// anchors.
    pub fn verify_chain(&self, x5c: &[Vec<u8>], at: Timestamp) -> Result<Leaf, ChainError> {
        let leaf = verify_chain(x5c, &self.anchors, at)?;
        match &self.own {
            // Where all anchors are ours, that has just been seen.
            Some(own) if leaf.uris.contains(&own.url) && own.anchors.len() < self.anchors.len() => {
                verify_chain(x5c, &own.anchors, at)
            }
            _ => Ok(leaf),
        }
    }

    /// Whether this identifier is our own.
    pub fn is_own(&self, issuer: &str) -> bool {
        self.own.as_ref().is_some_and(|own| own.url == issuer)
    }

    /// Whether an issuer with a good chain is believed.
    pub fn allows(&self, issuer: &str) -> bool {
        match &self.issuers {
            Issuers::UnderAnchors => true,
            Issuers::Only(issuers) => issuers.contains(issuer),
        }
    }
}
