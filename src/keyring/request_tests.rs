use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use super::*;
use crate::{
    base::{clock::ManualClock, random::SeededRandom, time::Timestamp},
    crypto::{
        SoftwareKey, pem,
        x509::{self, AlternativeName, ChainError, Issuer, Subject, Validity},
    },
};

const URL: &str = "https://id.example:8443";
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const FILES: [&str; 2] = ["request.key.pem", "request.chain.pem"];

/// A folder as one made before requests were signed, for one test.
struct Older(tempfile::TempDir);

impl Older {
    fn new() -> Self {
        let older = Self(tempfile::tempdir().expect("a folder"));
        older.open(Algorithm::Ed25519).expect("a first start");
        FILES.iter().for_each(|name| fs::remove_file(older.file(name)).expect("it was there"));
        older
    }

    fn open(&self, signing: Algorithm) -> Result<Keyring, KeyringError> {
        let random = SeededRandom::new(u64::from(self.file("issuer.key.pem").exists()));
        Keyring::open_or_create(self.0.path(), URL, signing, &ManualClock::at(NOW), &random)
    }

    fn start(&self) -> Result<Keyring, KeyringError> {
        self.open(Algorithm::Ed25519)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes it the folder of keys of an authority of its own.
    fn without_development_root(&self) {
        fs::write(self.file("keyring.toml"), format!("public_url = \"{URL}\"\ndevelopment = false\n")).expect("it is written");
        fs::create_dir_all(self.file("trust")).expect("a folder");
        fs::rename(self.file("development-root.cert.pem"), self.file("trust/root.pem")).expect("it is moved");
        fs::remove_file(self.file("development-root.key.pem")).expect("it is removed");
    }
}

#[test]
fn a_development_set_from_before_gets_the_key_once_and_says_so() {
    let older = Older::new();
    let first = older.start().expect("a start");
    assert_eq!((first.added(), first.is_new()), ([older.file(FILES[0])].as_slice(), false));
    let leaf = x509::verify_chain(first.x5c(Purpose::Request), first.anchors(), NOW).expect("the chain leads to an anchor");
    assert_eq!((leaf.dns_names, leaf.uris), (vec!["id.example".to_owned()], vec![]));
    let mode = fs::metadata(older.file(FILES[0])).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let second = older.start().expect("another start");
    assert!(second.added().is_empty());
    assert_eq!(second.signer(Purpose::Request).key_id(), first.signer(Purpose::Request).key_id());
    assert!(!older.file(".new").exists());
}

#[test]
fn what_a_start_left_half_done_the_next_one_ends() {
    let older = Older::new();
    let key = older.start().expect("a start").signer(Purpose::Request).key_id().to_owned();
    // Between key and certificate.
    fs::remove_file(older.file(FILES[1])).expect("it was there");
    let again = older.start().expect("the start after the crash");
    assert_eq!(again.signer(Purpose::Request).key_id(), key);
    // While the key was written aside.
    FILES.iter().for_each(|name| fs::remove_file(older.file(name)).expect("it was there"));
    fs::create_dir(older.file(".new")).expect("a folder");
    fs::write(older.file(".new/request.key.pem"), "half a k").expect("it is written");
    assert_eq!(older.start().expect("the start after the crash").added().len(), 1);
    assert!(!older.file(".new").exists());
}

#[test]
fn a_lost_key_beside_its_certificate_is_not_made_anew() {
    let older = Older::new();
    older.start().expect("a start");
    fs::remove_file(older.file(FILES[0])).expect("it was there");
    assert_eq!(older.start().err(), Some(KeyringError::Missing { file: older.file(FILES[0]) }));
}

#[test]
fn without_the_development_root_the_start_refuses_and_names_file_and_cure() {
    let older = Older::new();
    let root = older.file("development-root.key.pem");
    let kept = fs::read(&root).expect("a key");
    fs::remove_file(&root).expect("it was there");
    assert_eq!(older.start().err(), Some(KeyringError::Missing { file: root.clone() }));
    fs::write(&root, kept).expect("it is written");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o600)).expect("it is ours");

    older.without_development_root();
    let refused = older.start().expect_err("keys of one's own");
    let (file, dns_name) = (older.file(FILES[0]), "id.example".to_owned());
    assert_eq!(refused, KeyringError::NoRequestKey { file, dns_name });
    for part in ["request.key.pem", "request.chain.pem", "DNS name id.example"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    assert!(FILES.iter().all(|name| !older.file(name).exists()));
}

#[test]
fn who_asks_may_be_vouched_for_by_an_authority_that_is_not_trusted_for_cards() {
    let older = Older::new();
    older.without_development_root();
    let (random, authority) = (SeededRandom::new(5), SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(6)));
    let subject = |common_name| Subject { country: "CN", organization: "registrar of verifiers", common_name };
    let validity = Validity { not_before: NOW.plus_seconds(-9), not_after: NOW.plus_seconds(9) };
    let root = x509::root(subject("root"), validity, &authority, &random).expect("a root");
    let key = SoftwareKey::generate(Algorithm::Es256, &random);
    let put = |name: AlternativeName<'_>, and_root: bool| {
        let issuer = Issuer { certificate: Some(&root), signer: &authority };
        let leaf = x509::leaf(subject("gate"), validity, key.public_key(), name, issuer, &random).expect("a leaf");
        let chain = if and_root { vec![leaf, root.clone()] } else { vec![leaf] };
        fs::write(older.file(FILES[0]), file::key_pem(&key)).expect("it is written");
        fs::set_permissions(older.file(FILES[0]), fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::write(older.file(FILES[1]), file::chain_pem(&chain)).expect("it is written");
        older.start()
    };
    let opened = put(AlternativeName::Dns("id.example"), false).expect("a start");
    assert_eq!(opened.signer(Purpose::Request).key_id(), key.key_id());
    assert!(x509::verify_chain(opened.x5c(Purpose::Request), opened.anchors(), NOW).is_err());

    let file = older.file(FILES[1]);
    let other_host = |found: &str| KeyringError::OtherHost {
        file: file.clone(),
        found: found.to_owned(),
        expected: "id.example".to_owned(),
    };
    assert_eq!(put(AlternativeName::Dns("other.example"), false).err(), Some(other_host("other.example")));
    assert_eq!(put(AlternativeName::Uri(URL), false).err(), Some(other_host("")));
    let error = ChainError::AnchorIncluded { position: 1 };
    assert_eq!(put(AlternativeName::Dns("id.example"), true).err(), Some(KeyringError::Chain { file: file.clone(), error }));
    fs::write(&file, pem::encode(pem::CERTIFICATE, &root)).expect("it is written");
    assert_eq!(older.start().err(), Some(KeyringError::Chain { file, error: ChainError::SelfSigned }));
}

#[test]
fn the_dns_name_is_the_host_and_of_an_address_the_machine_itself() {
    for (url, name) in [
        ("https://id.example", "id.example"),
        ("https://id.example:8443", "id.example"),
        ("http://localhost:8080", "localhost"),
        ("http://127.0.0.1:8080", "localhost"),
        ("http://[::1]:8080", "localhost"),
        ("http://[::1]", "localhost"),
    ] {
        assert_eq!(dns_name(url), name, "{url}");
    }
}

#[test]
fn any_set_from_before_gets_the_key_that_decrypts_and_keeps_it() {
    let older = Older::new();
    older.start().expect("a start that makes the key for requests");
    older.without_development_root();
    fs::remove_file(older.file("credential-request.key.pem")).expect("it was there");
    let first = older.start().expect("a start");
    assert_eq!(first.added(), [older.file("credential-request.key.pem")]);
    let second = older.start().expect("another start");
    assert!(second.added().is_empty());
    assert_eq!(second.decryption().thumbprint(), first.decryption().thumbprint());
}
