//! Whom a verifier believes.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use crate::{
    base::time::Timestamp,
    crypto::x509::{Anchor, AuthorityId, ChainError, KnownChains, Leaf, verify_chain},
    keyring::{TrustList, TrustPurpose},
    model::use_case::{TrustedIssuers, UseCase},
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
    /// The authorities that are trusted without conditions.
    unconditional: BTreeSet<AuthorityId>,
    lists: Vec<Listed>,
    issuers: Issuers,
    own: Option<OwnIssuer>,
    /// Chains that hold under these anchors and the rule for our own; begun anew where either changes.
    known: Arc<KnownChains>,
}

/// A trust list, and which authorities stand in it.
#[derive(Clone, Debug)]
struct Listed {
    list: TrustList,
    authorities: BTreeSet<AuthorityId>,
}

impl Trust {
    /// Believes every issuer whose chain leads to one of `anchors`.
    pub fn new(anchors: Vec<Anchor>) -> Self {
        let unconditional = anchors.iter().map(Anchor::authority).collect();
        Self { anchors, unconditional, ..Self::default() }
    }

    /// Adds authorities that are believed under the conditions of a list. One that stands in several, or is believed
    /// without conditions too, may do what any of them allows.
    #[must_use]
    pub fn with_lists(mut self, lists: &[TrustList]) -> Self {
        for list in lists {
            let new = |anchor: &&Anchor| self.anchors.iter().all(|known| known.der() != anchor.der());
            let added: Vec<Anchor> = list.anchors.iter().filter(new).cloned().collect();
            self.anchors.extend(added);
            let authorities = list.anchors.iter().map(Anchor::authority).collect();
            self.lists.push(Listed { list: list.clone(), authorities });
        }
        self.known = Arc::default();
        self
    }

    /// Narrows the issuers.
    #[must_use]
    pub fn with_issuers(mut self, issuers: Issuers) -> Self {
        self.issuers = issuers;
        self
    }

    /// The same, narrowed to the issuers that a use case believes.
    pub fn of_use_case(&self, case: &UseCase) -> Cow<'_, Self> {
        let mut believed: BTreeSet<String> = match &case.issuers {
            TrustedIssuers::Anchored => return Cow::Borrowed(self),
            TrustedIssuers::Own => self.own.iter().map(|own| own.url.clone()).collect(),
            TrustedIssuers::Only(issuers) => issuers.clone(),
        };
        if let Issuers::Only(narrower) = &self.issuers {
            believed.retain(|issuer| narrower.contains(issuer));
        }
        Cow::Owned(self.clone().with_issuers(Issuers::Only(believed)))
    }

    /// Adds the rules for our own credentials. Our anchors are those among all anchors so far that our own chain `x5c`
    /// leads to at the time `at`.
    #[must_use]
    pub fn with_own_issuer(mut self, url: String, types: BTreeSet<String>, x5c: &[Vec<u8>], at: Timestamp) -> Self {
        let leads_to = |anchor: &&Anchor| verify_chain(x5c, std::slice::from_ref(*anchor), at).is_ok();
        let anchors = self.anchors.iter().filter(leads_to).cloned().collect();
        self.own = Some(OwnIssuer { url, types, anchors });
        self.known = Arc::default();
        self
    }

    /// The anchors, those of the lists included.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// The anchors that are believed without conditions.
    pub fn unconditional_anchors(&self) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter().filter(|anchor| self.unconditional.contains(&anchor.authority()))
    }

    /// The trust lists.
    pub fn lists(&self) -> impl Iterator<Item = &TrustList> {
        self.lists.iter().map(|listed| &listed.list)
    }

    /// Our own identifier, when we are an issuer.
    pub fn own(&self) -> Option<&OwnIssuer> {
        self.own.as_ref()
    }

    /// Verifies the certificates of an issuer or of its status list. A chain that names us has to lead to one of our own
    /// anchors. A chain that was seen before and still holds is not verified again.
    pub fn verify_chain(&self, x5c: &[Vec<u8>], at: Timestamp) -> Result<Arc<Leaf>, ChainError> {
        if let Some(leaf) = self.known.get(x5c, at) {
            return Ok(leaf);
        }
        let leaf = verify_chain(x5c, &self.anchors, at)?;
        let leaf = match &self.own {
            // Where all anchors are ours, that has just been seen.
            Some(own) if leaf.uris.contains(&own.url) && own.anchors.len() < self.anchors.len() => {
                verify_chain(x5c, &own.anchors, at)?
            }
            _ => leaf,
        };
        Ok(self.known.keep(x5c, leaf))
    }

    /// Whether this identifier is our own.
    pub fn is_own(&self, issuer: &str) -> bool {
        self.own.as_ref().is_some_and(|own| own.url == issuer)
    }

    /// Whether an issuer whose chain leads to `authority` is believed.
    pub fn allows(&self, issuer: &str, authority: Option<AuthorityId>) -> bool {
        let listed = match &self.issuers {
            Issuers::UnderAnchors => true,
            Issuers::Only(issuers) => issuers.contains(issuer),
        };
        listed && authority.is_some_and(|authority| self.vouches(TrustPurpose::Credentials, issuer, authority))
    }

    /// Whether an authority may certify who signs the status lists of an issuer.
    pub fn allows_status_lists(&self, issuer: &str, authority: Option<AuthorityId>) -> bool {
        authority.is_some_and(|authority| self.vouches(TrustPurpose::StatusLists, issuer, authority))
    }

    /// The trust lists in which an authority stands, by their identifiers: what `etsi_tl` of a query is compared with.
    pub fn trusted_lists(&self, authority: AuthorityId) -> Vec<String> {
        self.holding(authority).map(|list| list.url.clone()).collect()
    }

    /// Whether an issuer whose chain leads to `authority` may keep status lists on a host: its own host, unless a trust
    /// list that vouches for it names others.
    pub fn may_keep_lists_on(&self, host: &str, issuer: &str, authority: AuthorityId) -> bool {
        let is_own_host = || host_of(issuer).is_some_and(|own| own.eq_ignore_ascii_case(host));
        let named = self.holding(authority).filter(|list| list.names_issuer(issuer)).any(|list| match &list.status_hosts {
            Some(hosts) => hosts.contains(&host.to_ascii_lowercase()),
            None => is_own_host(),
        });
        named || (self.unconditional.contains(&authority) && is_own_host())
    }

    fn vouches(&self, purpose: TrustPurpose, issuer: &str, authority: AuthorityId) -> bool {
        let fits = |list: &TrustList| list.purposes.contains(&purpose) && list.names_issuer(issuer);
        self.unconditional.contains(&authority) || self.holding(authority).any(fits)
    }

    fn holding(&self, authority: AuthorityId) -> impl Iterator<Item = &TrustList> {
        let holds = move |listed: &&Listed| listed.authorities.contains(&authority);
        self.lists.iter().filter(holds).map(|listed| &listed.list)
    }
}

/// The host of a web address, without user, port and path; none when there is none. A bracketed address keeps its brackets.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // A user name is never ours to follow, and what reads it another way would look at another host.
    let host = if authority.contains('@') { "" } else { authority };
    let host = match host.find(']') {
        Some(end) if host.starts_with('[') => &host[..=end],
        _ => host.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{clock::ManualClock, random::SeededRandom},
        crypto::Algorithm,
        keyring::{Keyring, Purpose},
        model::credential_type::Bilingual,
    };

    const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
    const ISSUER: &str = "https://id.province.example";
    const LIST: &str = "https://trust.example/province";

    fn keyring(seed: u64) -> Keyring {
        let clock = ManualClock::at(NOW);
        Keyring::in_memory(ISSUER, Algorithm::Es256, &clock, &SeededRandom::new(seed)).expect("keys")
    }

    fn list(keyring: &Keyring) -> TrustList {
        TrustList {
            url: LIST.to_owned(),
            name: Bilingual { zh_cn: "省".to_owned(), en: "Province".to_owned() },
            issuers: None,
            status_hosts: None,
            purposes: TrustPurpose::ALL.into(),
            anchors: keyring.anchors().to_vec(),
        }
    }

    fn authority(trust: &Trust, keyring: &Keyring) -> AuthorityId {
        let leaf = trust.verify_chain(keyring.x5c(Purpose::Issuer), NOW).expect("a chain under the list");
        assert!(!leaf.authority_key_ids.is_empty());
        leaf.authority.expect("who it leads to is known")
    }

    #[test]
    fn an_authority_vouches_as_far_as_its_list_says() {
        let keyring = keyring(1);
        let issuers = Some(BTreeSet::from([ISSUER.to_owned()]));
        let purposes = BTreeSet::from([TrustPurpose::Credentials]);
        let trust = Trust::default().with_lists(&[TrustList { issuers, purposes, ..list(&keyring) }]);
        let authority = authority(&trust, &keyring);
        assert!(trust.allows(ISSUER, Some(authority)) && !trust.allows("https://other.example", Some(authority)));
        assert!(!trust.allows_status_lists(ISSUER, Some(authority)));
        assert_eq!(trust.trusted_lists(authority), [LIST]);
        assert_eq!((trust.anchors().len(), trust.unconditional_anchors().count(), trust.lists().count()), (1, 0, 1));
    }

    #[test]
    fn an_authority_without_conditions_stays_so_beside_a_list() {
        let keyring = keyring(1);
        let issuers = Some(BTreeSet::from(["https://other.example".to_owned()]));
        let trust = Trust::new(keyring.anchors().to_vec()).with_lists(&[TrustList { issuers, ..list(&keyring) }]);
        let authority = authority(&trust, &keyring);
        assert!(trust.allows(ISSUER, Some(authority)) && trust.allows_status_lists(ISSUER, Some(authority)));
        assert_eq!((trust.anchors().len(), trust.unconditional_anchors().count()), (1, 1));
        let narrowed = trust.with_issuers(Issuers::Only(BTreeSet::from(["https://other.example".to_owned()])));
        assert!(!narrowed.allows(ISSUER, Some(authority)));
    }

    #[test]
    fn an_authority_that_nobody_listed_vouches_for_nobody() {
        let (known, unknown) = (keyring(1), keyring(2));
        let trust = Trust::default().with_lists(&[list(&known)]);
        let stranger = unknown.anchors()[0].authority();
        assert_ne!(stranger, known.anchors()[0].authority());
        assert!(!trust.allows(ISSUER, Some(stranger)) && !trust.may_keep_lists_on("id.province.example", ISSUER, stranger));
        assert_eq!(trust.trusted_lists(stranger), [""; 0]);
    }

    #[test]
    fn lists_are_kept_on_the_own_host_unless_others_are_named() {
        let keyring = keyring(1);
        let authority = keyring.anchors()[0].authority();
        let own = Trust::default().with_lists(&[list(&keyring)]);
        let status_hosts = Some(BTreeSet::from(["status.example".to_owned()]));
        let named = Trust::default().with_lists(&[TrustList { status_hosts: status_hosts.clone(), ..list(&keyring) }]);
        let both = Trust::new(keyring.anchors().to_vec()).with_lists(&[TrustList { status_hosts, ..list(&keyring) }]);
        let hosts = ["id.province.example", "ID.Province.Example", "status.example", "STATUS.example", "evil.example", ""];
        let may = |trust: &Trust| hosts.map(|host| trust.may_keep_lists_on(host, ISSUER, authority));
        assert_eq!(may(&own), [true, true, false, false, false, false]);
        assert_eq!(may(&named), [false, false, true, true, false, false]);
        assert_eq!(may(&both), [true, true, true, true, false, false]);
        assert!(!own.may_keep_lists_on("", "urn:issuer", authority));
    }

    #[test]
    fn a_chain_that_is_known_holds_in_its_time_and_under_its_anchors_only() {
        let (keyring, other) = (keyring(1), keyring(2));
        let x5c = keyring.x5c(Purpose::Issuer);
        let trust = Trust::new(keyring.anchors().to_vec());
        let first = trust.verify_chain(x5c, NOW).expect("a chain to the anchor");
        let again = trust.verify_chain(x5c, NOW).expect("it is known");
        assert!(Arc::ptr_eq(&first, &again), "it was not verified twice");
        assert!(first.holds_from >= first.not_before && first.holds_until <= first.not_after);
        // In and outside its time, as without memory.
        for at in [first.holds_from, first.holds_until, first.holds_from.plus_seconds(-1), first.holds_until.plus_seconds(1)] {
            let (known, afresh) = (trust.verify_chain(x5c, at), verify_chain(x5c, keyring.anchors(), at));
            assert_eq!(known.map(|leaf| leaf.subject.clone()), afresh.map(|leaf| leaf.subject), "{at}");
        }
        // One byte is another chain; other anchors are another memory; what narrows issuers keeps it.
        let mut changed = x5c.to_vec();
        changed[0][100] ^= 1;
        assert!(trust.verify_chain(&changed, NOW).is_err());
        assert_eq!(Trust::new(other.anchors().to_vec()).verify_chain(x5c, NOW).err(), Some(ChainError::Untrusted));
        let own = trust.clone().with_own_issuer(ISSUER.to_owned(), BTreeSet::new(), other.x5c(Purpose::Issuer), NOW);
        assert!(own.verify_chain(x5c, NOW).is_err(), "our name under an anchor that is not ours");
        let narrowed = trust.with_issuers(Issuers::Only(BTreeSet::new()));
        assert!(Arc::ptr_eq(&first, &narrowed.verify_chain(x5c, NOW).expect("it is known")));
    }

    #[test]
    fn a_host_is_read_as_whoever_connects_reads_it() {
        for (url, host) in [
            ("https://a.example", Some("a.example")),
            ("https://a.example:8443/x?y#z", Some("a.example")),
            ("http://127.0.0.1:80", Some("127.0.0.1")),
            ("https://[::1]:443/", Some("[::1]")),
            ("https://a.example@b.example/", None),
            ("https://a.example\\@b.example/", Some("a.example")),
            ("https:///x", None),
            ("ftp://a.example", None),
            ("urn:a", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
