//! Trust lists: authorities that are trusted under conditions, one folder each in `trust/`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    KeyringError, TrustListFault,
    anchors::{TRUST, listed, read_anchors},
    attesters::RESERVED,
};
use crate::{base::limits::TRUST_LISTS, crypto::x509::Anchor, model::credential_type::Bilingual};

/// The description of a list, beside its certificates.
const DESCRIPTION: &str = "list.toml";

/// What a list's authorities are trusted for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum TrustPurpose {
    /// To certify those who sign credentials.
    Credentials,
    /// To certify those who sign status lists.
    StatusLists,
}

impl TrustPurpose {
    /// Every purpose; what a list that names none is trusted for.
    pub const ALL: [Self; 2] = [Self::Credentials, Self::StatusLists];

    /// The name in `list.toml` and in what is published.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::StatusLists => "status_lists",
        }
    }
}

/// A trust list.
#[derive(Clone, Debug)]
pub struct TrustList {
    /// Its identifier: what `etsi_tl` of a query names (OpenID4VP 1.0 section 6.1.1.2). It is not fetched.
    pub url: String,
    /// What people call it.
    pub name: Bilingual,
    /// The issuers that its authorities may vouch for; all when none is named.
    pub issuers: Option<BTreeSet<String>>,
    /// The hosts on which these issuers may keep status lists, in lower case; each its own when none is named.
    pub status_hosts: Option<BTreeSet<String>>,
    /// What its authorities are trusted for.
    pub purposes: BTreeSet<TrustPurpose>,
    /// Its authorities.
    pub anchors: Vec<Anchor>,
}

impl TrustList {
    /// Whether its authorities may vouch for an issuer.
    pub fn names_issuer(&self, issuer: &str) -> bool {
        self.issuers.as_ref().is_none_or(|issuers| issuers.contains(issuer))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    url: String,
    name: NameText,
    issuers: Option<BTreeSet<String>>,
    status_hosts: Option<BTreeSet<String>>,
    purposes: Option<BTreeSet<TrustPurpose>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameText {
    #[serde(rename = "zh-CN")]
    zh_cn: String,
    en: String,
}

/// The trust lists of a folder of keys: every folder in `trust/` but those of attesters, whose name is free otherwise and
/// does not begin with a dot. Each holds `list.toml` and certificates in `*.pem`.
pub fn trust_lists(keys: &Path) -> Result<Vec<TrustList>, KeyringError> {
    let is_list = |path: &Path| {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let reserved = path.file_name().is_some_and(|name| RESERVED.iter().any(|taken| name == *taken));
        path.is_dir() && !hidden && !reserved
    };
    let folders = listed(&keys.join(TRUST), is_list)?;
    if folders.len() > TRUST_LISTS {
        return Err(KeyringError::TrustList { file: keys.join(TRUST), fault: TrustListFault::TooMany });
    }
    let mut urls = BTreeSet::new();
    let mut lists = Vec::new();
    for folder in folders {
        let file = folder.join(DESCRIPTION);
        let list = read(&folder, &file)?;
        if !urls.insert(list.url.clone()) {
            return Err(KeyringError::TrustList { file, fault: TrustListFault::SameUrl });
        }
        lists.push(list);
    }
    Ok(lists)
}

fn read(folder: &Path, file: &PathBuf) -> Result<TrustList, KeyringError> {
    let text = fs::read_to_string(file).map_err(|error| KeyringError::io(file, &error))?;
    let described = describe(&text).map_err(|fault| KeyringError::TrustList { file: file.clone(), fault })?;
    let certificates = listed(folder, |path| path.extension().is_some_and(|extension| extension == "pem"))?;
    if certificates.is_empty() {
        return Err(KeyringError::TrustList { file: file.clone(), fault: TrustListFault::NoAnchor });
    }
    Ok(TrustList { anchors: read_anchors(&certificates)?, ..described })
}

fn describe(text: &str) -> Result<TrustList, TrustListFault> {
    let read: Description = toml::from_str(text).map_err(|error| TrustListFault::Form(error.message().to_owned()))?;
    let is_url = read.url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let is_plain = read.url.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_url || !is_plain {
        return Err(TrustListFault::Url);
    }
    if read.name.zh_cn.trim().is_empty() || read.name.en.trim().is_empty() {
        return Err(TrustListFault::Name);
    }
    if read.issuers.as_ref().is_some_and(|issuers| issuers.is_empty() || issuers.contains("")) {
        return Err(TrustListFault::Issuers);
    }
    let status_hosts = match read.status_hosts {
        None => None,
        Some(hosts) => Some(hosts.into_iter().map(host).collect::<Result<BTreeSet<_>, _>>()?),
    };
    let purposes = read.purposes.unwrap_or_else(|| TrustPurpose::ALL.into());
    if purposes.is_empty() {
        return Err(TrustListFault::Purposes);
    }
    Ok(TrustList {
        url: read.url,
        name: Bilingual { zh_cn: read.name.zh_cn, en: read.name.en },
        issuers: read.issuers,
        status_hosts,
        purposes,
        anchors: Vec::new(),
    })
}

/// A name or address alone: no scheme, port or path, which would look as if they counted.
fn host(name: String) -> Result<String, TrustListFault> {
    let is_host = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with('.');
    if is_host { Ok(name.to_ascii_lowercase()) } else { Err(TrustListFault::Host(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{clock::ManualClock, random::SeededRandom, time::Timestamp},
        crypto::{Algorithm, pem},
        keyring::{Keyring, tls_roots},
    };

    const GOOD: &str = r#"
url = "https://trust.example.gov.cn/guizhou"
name = { "zh-CN" = "贵州省", en = "Guizhou" }
issuers = ["https://id.guizhou.example"]
status_hosts = ["Status.Guizhou.example"]
purposes = ["credentials"]
"#;

    fn root() -> String {
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        let keyring = Keyring::in_memory("https://id.example", Algorithm::Es256, &clock, &SeededRandom::new(5));
        pem::encode(pem::CERTIFICATE, keyring.expect("keys").anchors()[0].der())
    }

    fn place(lists: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in lists {
            let list = folder.path().join("trust").join(name);
            fs::create_dir_all(&list).expect("a folder");
            fs::write(list.join("list.toml"), text).expect("it is written");
            fs::write(list.join("root.pem"), root()).expect("it is written");
        }
        folder
    }

    fn fault(text: &str) -> TrustListFault {
        let folder = place(&[("one", text)]);
        match trust_lists(folder.path()).expect_err("it is refused") {
            KeyringError::TrustList { file, fault } => {
                assert_eq!(file, folder.path().join("trust/one/list.toml"));
                fault
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_list_is_read_as_it_is_written() {
        let folder = place(&[("guizhou", GOOD), (".draft", "not read")]);
        let lists = trust_lists(folder.path()).expect("good lists");
        let [list] = &lists[..] else { panic!("one list: {lists:?}") };
        assert_eq!(list.url, "https://trust.example.gov.cn/guizhou");
        assert_eq!((list.name.zh_cn.as_str(), list.name.en.as_str()), ("贵州省", "Guizhou"));
        assert!(list.names_issuer("https://id.guizhou.example") && !list.names_issuer("https://id.guizhou.example/"));
        assert_eq!(list.status_hosts, Some(BTreeSet::from(["status.guizhou.example".to_owned()])));
        assert_eq!(list.purposes, BTreeSet::from([TrustPurpose::Credentials]));
        assert_eq!(list.anchors.len(), 1);
        assert_eq!(trust_lists(tempfile::tempdir().expect("a folder").path()).expect("none").len(), 0);
    }

    #[test]
    fn a_keyring_has_its_lists_beside_its_anchors_and_a_bad_one_stops_the_start() {
        let folder = place(&[("guizhou", GOOD)]);
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        let open =
            || Keyring::open_or_create(folder.path(), "https://id.example", Algorithm::Es256, &clock, &SeededRandom::new(6));
        let keyring = open().expect("a start");
        assert_eq!((keyring.anchors().len(), keyring.trust_lists().len()), (1, 1));
        fs::write(folder.path().join("trust/guizhou/list.toml"), "").expect("it is written");
        assert!(matches!(open(), Err(KeyringError::TrustList { fault: TrustListFault::Form(_), .. })));
    }

    #[test]
    fn roots_of_tls_are_certificates_of_any_kind_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let roots = folder.path().join("tls-roots");
        assert_eq!(tls_roots(folder.path()), Ok(vec![]));
        fs::create_dir_all(&roots).expect("a folder");
        fs::write(roots.join("a.pem"), format!("{}{}", root(), root())).expect("it is written");
        fs::write(roots.join("README.md"), "no certificate").expect("it is written");
        assert_eq!(tls_roots(folder.path()).map(|roots| roots.len()), Ok(2));
        let file = roots.join("b.pem");
        fs::write(&file, "nothing").expect("it is written");
        let error = crate::crypto::x509::CertificateError::NotOnePem;
        assert_eq!(tls_roots(folder.path()).err(), Some(KeyringError::Anchor { file, error }));
    }

    #[test]
    fn what_is_left_out_means_all() {
        let text = "url = \"https://t.example/1\"\nname = { \"zh-CN\" = \"甲\", en = \"A\" }\n";
        let lists = trust_lists(place(&[("a", text)]).path()).expect("a good list");
        assert!(lists[0].names_issuer("anyone") && lists[0].status_hosts.is_none());
        assert_eq!(lists[0].purposes, BTreeSet::from(TrustPurpose::ALL));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_named() {
        let with = |old: &str, new: &str| fault(&GOOD.replace(old, new));
        assert_eq!(with("https://trust", "http://trust"), TrustListFault::Url);
        assert_eq!(with("https://trust.example.gov.cn", "https:///x"), TrustListFault::Url);
        assert_eq!(with("贵州省", " "), TrustListFault::Name);
        assert_eq!(with(r#"["https://id.guizhou.example"]"#, "[]"), TrustListFault::Issuers);
        for host in ["https://x", "x:443", "x/y", ".x", "", "x y"] {
            assert_eq!(with("Status.Guizhou.example", host), TrustListFault::Host(host.to_owned()));
        }
        assert_eq!(with(r#"["credentials"]"#, "[]"), TrustListFault::Purposes);
        for (old, new) in
            [(r#""credentials""#, r#""everything""#), ("issuers =", "issuer ="), ("url =", "# url ="), ("= {", "= [")]
        {
            assert!(matches!(with(old, new), TrustListFault::Form(_)), "{new}");
        }
    }

    #[test]
    fn certificates_and_lists_are_told_apart_by_name() {
        let folder = place(&[("a", GOOD), ("b", GOOD)]);
        let file = folder.path().join("trust/b/list.toml");
        assert_eq!(
            trust_lists(folder.path()).err(),
            Some(KeyringError::TrustList { file: file.clone(), fault: TrustListFault::SameUrl })
        );
        fs::remove_file(folder.path().join("trust/b/root.pem")).expect("it is removed");
        let fault = TrustListFault::NoAnchor;
        assert_eq!(trust_lists(folder.path()).err(), Some(KeyringError::TrustList { file: file.clone(), fault }));
        fs::remove_file(&file).expect("it is removed");
        let missing = KeyringError::Io { file, kind: std::io::ErrorKind::NotFound };
        assert_eq!(trust_lists(folder.path()).err(), Some(missing));
        let bad = folder.path().join("trust/a/bad.pem");
        fs::write(&bad, "nothing").expect("it is written");
        assert!(matches!(trust_lists(folder.path()), Err(KeyringError::Anchor { file, .. }) if file == bad));
    }
}
