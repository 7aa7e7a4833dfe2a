use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use super::*;
use crate::{
    base::{clock::ManualClock, random::SeededRandom, time::Timestamp},
    crypto::{
        pem,
        x509::{CertificateError, ChainError, verify_chain},
    },
};

const URL: &str = "http://127.0.0.1:8080";
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

struct Place {
    dir: tempfile::TempDir,
    clock: ManualClock,
}

impl Place {
    fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder"), clock: ManualClock::at(NOW) }
    }

    fn with_keys() -> Self {
        let place = Self::empty();
        place.open().expect("a first start");
        place
    }

    fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.keys().join(name)
    }

    fn open(&self) -> Result<Keyring, KeyringError> {
        self.open_as(URL, Algorithm::Es256)
    }

    /// Each start draws other random bytes, as a real one does.
    fn open_as(&self, url: &str, signing: Algorithm) -> Result<Keyring, KeyringError> {
        let seed = self.dir.path().read_dir().map_or(0, Iterator::count) as u64 + u64::from(self.keys().exists());
        Keyring::open_or_create(&self.keys(), url, signing, &self.clock, &SeededRandom::new(seed))
    }

    /// Every file with its content, to see that a refused start changed nothing.
    fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut todo, mut found) = (vec![self.keys()], vec![]);
        while let Some(dir) = todo.pop() {
            for entry in fs::read_dir(dir).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    todo.push(path);
                } else {
                    let content = fs::read(&path).unwrap_or_default();
                    found.push((path, content));
                }
            }
        }
        found.sort();
        found
    }
}

fn public_parts(keyring: &Keyring) -> Vec<String> {
    let purposes = [Purpose::Issuer, Purpose::StatusList, Purpose::Log, Purpose::AccessToken, Purpose::Request];
    let mut parts: Vec<_> = purposes.iter().map(|purpose| keyring.signer(*purpose).key_id().to_owned()).collect();
    parts.push(format!("{:?}", keyring.sealer().blind_index("field", "token")));
    parts.push(format!("{:?}", keyring.index_key().expose()));
    parts.push(format!("{:?}", keyring.code_key().expose()));
    parts
}

#[test]
fn a_second_start_finds_what_the_first_made() {
    for signing in Algorithm::ALL {
        let place = Place::empty();
        let first = place.open_as(URL, signing).expect("a first start");
        let second = place.open_as(URL, signing).expect("a second start");
        assert_eq!((first.is_new(), second.is_new()), (true, false));
        assert!(second.is_development());
        assert_eq!(public_parts(&first), public_parts(&second));
        for purpose in [Purpose::Issuer, Purpose::StatusList] {
            assert_eq!(first.x5c(purpose), second.x5c(purpose));
            let leaf = verify_chain(second.x5c(purpose), second.anchors(), NOW).expect("the chain leads to an anchor");
            assert_eq!(&leaf.public_key, second.signer(purpose).public_key());
            assert_eq!(leaf.uris, [URL]);
            assert_eq!(second.signer(purpose).algorithm(), signing);
        }
        let asks = second.x5c(Purpose::Request);
        let leaf = verify_chain(asks, second.anchors(), NOW).expect("the chain leads to an anchor");
        assert_eq!((first.x5c(Purpose::Request), &leaf.public_key), (asks, second.signer(Purpose::Request).public_key()));
        assert_eq!((leaf.dns_names, leaf.uris), (vec!["localhost".to_owned()], vec![]));
        assert_eq!(second.signer(Purpose::Request).algorithm(), Algorithm::Es256);
        assert_eq!(second.signer(Purpose::Log).algorithm(), Algorithm::Ed25519);
        assert_eq!(second.signer(Purpose::AccessToken).algorithm(), Algorithm::Es256);
        assert_eq!((second.x5c(Purpose::Log).len(), second.x5c(Purpose::AccessToken).len()), (0, 0));
        let sealed = first.sealer().seal(5, b"context", b"a person", &SeededRandom::new(9));
        assert_eq!(second.sealer().open(5, b"context", &sealed).map(|plain| plain.expose().clone()), Ok(b"a person".to_vec()));
    }
}

#[test]
fn no_two_keys_of_a_set_are_the_same() {
    let place = Place::with_keys();
    let contents: Vec<_> = place.snapshot().into_iter().map(|(_, content)| content).collect();
    let different: std::collections::BTreeSet<_> = contents.iter().collect();
    assert_eq!(different.len(), contents.len());
    assert_eq!(contents.len(), 6 + 6 + 16 + 2 + 1);
}

#[test]
fn private_files_are_for_their_owner_alone() {
    let place = Place::with_keys();
    let mode = |path: &PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&place.keys()), 0o700);
    for (path, _) in place.snapshot() {
        let name = path.to_string_lossy().into_owned();
        let public = name.ends_with(".chain.pem") || name.ends_with(".cert.pem") || name.ends_with("keyring.toml");
        assert_eq!(mode(&path) & 0o077 != 0, public, "{name}");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused_by_name() {
    let place = Place::with_keys();
    for name in ["issuer.key.pem", "log.key.pem", "people/a.key", "code.key", "development-root.key.pem"] {
        let file = place.file(name);
        for mode in [0o644, 0o660, 0o602] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it is ours");
            assert_eq!(place.open().err(), Some(KeyringError::Exposed { file: file.clone(), mode }), "{name}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    assert!(place.open().is_ok());
}

#[test]
fn a_missing_file_is_never_made_anew() {
    let whole = Place::with_keys().snapshot().len();
    for name in
        ["keyring.toml", "issuer.key.pem", "status-list.chain.pem", "people/0.key", "index.key", "development-root.cert.pem"]
    {
        let place = Place::with_keys();
        let file = place.file(name);
        fs::remove_file(&file).expect("it was there");
        let before = place.snapshot();
        let refused = place.open().err();
        assert_eq!(refused, Some(KeyringError::Missing { file: file.clone() }), "{name}");
        assert_eq!(place.snapshot(), before);
        assert_eq!(before.len() + 1, whole);
        // A link to a volume that is not mounted is no empty place either.
        std::os::unix::fs::symlink("/nowhere/key", &file).expect("a link");
        assert!(place.open().is_err(), "{name}");
    }
}

#[test]
fn truncated_and_foreign_content_is_refused_by_name() {
    let malformed = |name: &str, content: &str, expected: &'static str| {
        let place = Place::with_keys();
        let file = place.file(name);
        fs::write(&file, content).expect("it is written");
        assert_eq!(place.open().err(), Some(KeyringError::Malformed { file, expected }), "{name}");
    };
    let whole = fs::read_to_string(Place::with_keys().file("issuer.key.pem")).expect("a key");
    for content in ["", &whole[..whole.len() / 2], &format!("{whole}{whole}")] {
        malformed("issuer.key.pem", content, "one PKCS#8 private key in PEM");
        malformed("log.key.pem", content, "one PKCS#8 private key in PEM");
    }
    for content in ["", "AAAA", "not base64url!"] {
        malformed("people/f.key", content, "32 bytes in base64url");
        malformed("index.key", content, "32 bytes in base64url");
    }
    malformed("issuer.chain.pem", "", "certificates in PEM");
    malformed("keyring.toml", "public_url = 7", "`public_url` and `development` in TOML");
}

#[test]
fn keys_and_certificates_have_to_belong_together() {
    let (place, other) = (Place::with_keys(), Place::with_keys());
    let copy = |from: &str, to: &str| fs::copy(place.file(from), place.file(to)).expect("it is copied");
    let restore = |name: &str, content: &[u8]| fs::write(place.file(name), content).expect("it is written");

    let key = fs::read(place.file("issuer.key.pem")).expect("a key");
    copy("status-list.key.pem", "issuer.key.pem");
    let (key_file, certificate) = (place.file("issuer.key.pem"), place.file("issuer.chain.pem"));
    assert_eq!(place.open().err(), Some(KeyringError::Mismatch { key: key_file.clone(), certificate }));
    copy("log.key.pem", "issuer.key.pem");
    let wrong = |file, found, expected| Some(KeyringError::WrongType { file, found, expected });
    assert_eq!(place.open().err(), wrong(key_file.clone(), Some(Algorithm::Ed25519), Algorithm::Es256));
    restore("issuer.key.pem", include_bytes!("../crypto/testdata/p384.key.pem"));
    assert_eq!(place.open().err(), wrong(key_file.clone(), None, Algorithm::Es256));
    restore("issuer.key.pem", &key);
    assert_eq!(place.open_as(URL, Algorithm::Ed25519).err(), wrong(key_file, Some(Algorithm::Es256), Algorithm::Ed25519));

    let root = fs::read(place.file("development-root.cert.pem")).expect("a root");
    let stranger = Keyring::in_memory(URL, Algorithm::Es256, &other.clock, &SeededRandom::new(99)).expect("keys");
    let stranger = pem::encode(pem::CERTIFICATE, stranger.anchors()[0].der());
    restore("development-root.cert.pem", stranger.as_bytes());
    let error = ChainError::Untrusted;
    assert_eq!(place.open().err(), Some(KeyringError::Chain { file: place.file("issuer.chain.pem"), error }));
    restore("development-root.cert.pem", &root);

    let chain = fs::read(place.file("issuer.chain.pem")).expect("a chain");
    restore("issuer.chain.pem", &[chain.as_slice(), &root].concat());
    let error = ChainError::AnchorIncluded { position: 1 };
    assert_eq!(place.open().err(), Some(KeyringError::Chain { file: place.file("issuer.chain.pem"), error }));
}

#[test]
fn an_expired_certificate_is_refused_with_its_date() {
    let place = Place::with_keys();
    let last = NOW.date().expect("a date").start().plus_seconds((1096 - 1) * 86_400);
    place.clock.set_wall(last);
    assert!(place.open().is_ok());
    place.clock.set_wall(last.plus_seconds(1));
    let file = place.file("issuer.chain.pem");
    assert_eq!(place.open().err(), Some(KeyringError::Expired { file, not_after: last }));
}

#[test]
fn another_public_url_is_refused_and_the_way_out_named() {
    let place = Place::with_keys();
    let other = "https://id.example";
    let error = place.open_as(other, Algorithm::Es256).expect_err("another address");
    let of = |name: &str| KeyringError::OtherAddress { file: place.file(name), found: URL.into(), expected: other.into() };
    assert_eq!(error, of("keyring.toml"));
    assert!(error.to_string().contains("--also-public-url http://127.0.0.1:8080"), "{error}");
    // The marker changed by hand does not change what the certificates say.
    let marker = fs::read_to_string(place.file("keyring.toml")).expect("a marker").replace(URL, other);
    fs::write(place.file("keyring.toml"), marker).expect("it is written");
    assert_eq!(place.open_as(other, Algorithm::Es256).err(), Some(of("issuer.chain.pem")));
}

#[test]
fn a_creation_that_was_cut_off_is_done_again_or_finished() {
    // Cut off while writing aside: nothing counts yet.
    let place = Place::empty();
    fs::create_dir_all(place.file(".new/people")).expect("a folder");
    fs::write(place.file(".new/issuer.key.pem"), "half a k").expect("it is written");
    assert!(place.open().expect("a first start").is_new());
    assert!(!place.file(".new").exists());

    // Cut off while moving: put some files and the marker back, as if the move had stopped before them.
    let before = public_parts(&place.open().expect("a start"));
    let names = ["code.key", "people/7.key", "development-root.cert.pem", "keyring.toml"];
    for kept in 0..names.len() {
        fs::create_dir_all(place.file(".new/people")).expect("a folder");
        for name in &names[kept..] {
            fs::rename(place.file(name), place.file(".new").join(name)).expect("it is moved");
        }
        let after = place.open().expect("the start after the crash");
        assert_eq!((public_parts(&after), after.is_new()), (before.clone(), false));
        assert!(!place.file(".new").exists());
    }

    // A key that was restored meanwhile is not written over.
    fs::create_dir_all(place.file(".new")).expect("a folder");
    for name in ["code.key", "keyring.toml"] {
        fs::copy(place.file(name), place.file(".new").join(name)).expect("it is copied");
    }
    let kind = std::io::ErrorKind::AlreadyExists;
    assert_eq!(place.open().err(), Some(KeyringError::Io { file: place.file("code.key"), kind }));
}

#[test]
fn trust_holds_more_anchors_and_a_bad_one_is_named() {
    let place = Place::with_keys();
    let stranger = Keyring::in_memory("https://id.example", Algorithm::Ed25519, &place.clock, &SeededRandom::new(99));
    let stranger = stranger.expect("keys");
    fs::create_dir_all(place.file("trust")).expect("a folder");
    fs::write(place.file("trust/README.md"), "no certificate").expect("it is written");
    let pem = pem::encode(pem::CERTIFICATE, stranger.anchors()[0].der());
    fs::write(place.file("trust/province.pem"), pem).expect("it is written");
    let opened = place.open().expect("a start");
    assert_eq!(opened.anchors().len(), 2);
    assert!(verify_chain(stranger.x5c(Purpose::Issuer), opened.anchors(), NOW).is_ok());
    assert_eq!(anchors(&place.keys()).map(|anchors| anchors.len()), Ok(2));

    let file = place.file("trust/bad.pem");
    fs::write(&file, "nothing").expect("it is written");
    assert_eq!(place.open().err(), Some(KeyringError::Anchor { file, error: CertificateError::NotOnePem }));
}

#[test]
fn a_set_that_is_no_development_set_trusts_its_folder_of_anchors_only() {
    let place = Place::with_keys();
    let marker = format!("public_url = \"{URL}\"\ndevelopment = false\n");
    fs::write(place.file("keyring.toml"), marker).expect("it is written");
    let error = ChainError::Untrusted;
    assert_eq!(place.open().err(), Some(KeyringError::Chain { file: place.file("issuer.chain.pem"), error }));
    fs::create_dir_all(place.file("trust")).expect("a folder");
    fs::rename(place.file("development-root.cert.pem"), place.file("trust/root.pem")).expect("it is moved");
    fs::remove_file(place.file("development-root.key.pem")).expect("it is removed");
    let opened = place.open().expect("a start");
    assert!(!opened.is_development());
    assert_eq!(opened.anchors().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::empty();
    fs::write(place.keys(), "a file where the folder should be").expect("it is written");
    let kind = std::io::ErrorKind::AlreadyExists;
    assert_eq!(place.open().err(), Some(KeyringError::Io { file: place.keys(), kind }));
}

#[test]
fn openssl_opens_the_files() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("openssl absent: key files were not cross-checked");
        return;
    }
    for signing in Algorithm::ALL {
        let place = Place::empty();
        place.open_as(URL, signing).expect("a first start");
        for name in ["issuer", "status-list", "request", "log", "access-token", "development-root"] {
            let file = place.file(&format!("{name}.key.pem"));
            let read = Command::new("openssl").args(["pkey", "-noout", "-check", "-in"]).arg(file).output();
            assert!(read.expect("openssl runs").status.success(), "{name}");
        }
        let chain = place.file("issuer.chain.pem");
        let read = Command::new("openssl").args(["x509", "-noout", "-ext", "subjectAltName", "-in"]).arg(chain).output();
        let read = read.expect("openssl runs");
        assert!(String::from_utf8_lossy(&read.stdout).contains(&format!("URI:{URL}")));
    }
}

#[test]
fn debug_output_and_errors_show_no_secret() {
    let place = Place::with_keys();
    let keyring = place.open().expect("a start");
    let secret = fs::read_to_string(place.file("code.key")).expect("a key");
    let shown = format!("{keyring:?} {:?} {:?}", keyring.sealer(), keyring.code_key());
    assert!(!shown.contains(secret.trim()));
}
