//! Who vouches for wallets and for their keys: authorities in folders of their own in `trust/`. They are trusted for
//! nothing else, and the anchors for credentials are not trusted for this.

use std::path::Path;

use super::{
    KeyringError,
    anchors::{TRUST, listed, read_anchors},
};
use crate::crypto::x509::Anchor;

/// Folder of those who attest wallets (OpenID4VCI 1.0 appendix E).
pub const WALLET_ATTESTERS: &str = "wallet-attesters";

/// Folder of those who attest the keys of wallets (OpenID4VCI 1.0 appendix D).
pub const KEY_ATTESTERS: &str = "key-attesters";

/// Names of folders in `trust/` that are no trust lists.
pub(super) const RESERVED: [&str; 2] = [WALLET_ATTESTERS, KEY_ATTESTERS];

/// The attesters of one kind in a folder of keys: every certificate in `trust/<name>/*.pem`, in the order of file names;
/// none when there is no such folder.
pub fn attesters(keys: &Path, name: &str) -> Result<Vec<Anchor>, KeyringError> {
    let is_pem = |file: &Path| file.extension().is_some_and(|extension| extension == "pem");
    read_anchors(&listed(&keys.join(TRUST).join(name), is_pem)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        base::{clock::ManualClock, random::SeededRandom, time::Timestamp},
        crypto::{Algorithm, pem, x509::CertificateError},
        keyring::{Keyring, trust_lists},
    };

    const URL: &str = "https://id.example";

    fn clock() -> ManualClock {
        ManualClock::at(Timestamp::from_unix(1_795_500_000))
    }

    fn root(seed: u64) -> String {
        let keyring = Keyring::in_memory(URL, Algorithm::Es256, &clock(), &SeededRandom::new(seed)).expect("keys");
        pem::encode(pem::CERTIFICATE, keyring.anchors()[0].der())
    }

    #[test]
    fn each_kind_has_a_folder_that_is_no_trust_list_and_no_anchor() {
        let keys = tempfile::tempdir().expect("a folder");
        for (name, files) in [(WALLET_ATTESTERS, &[("a.pem", 1), ("b.pem", 2)][..]), (KEY_ATTESTERS, &[("c.pem", 3)])] {
            let folder = keys.path().join(TRUST).join(name);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("README.md"), "no certificate").expect("it is written");
            for (file, seed) in files {
                fs::write(folder.join(file), root(*seed)).expect("it is written");
            }
        }
        let open = || Keyring::open_or_create(keys.path(), URL, Algorithm::Es256, &clock(), &SeededRandom::new(4));
        let keyring = open().expect("a first start finds attesters and no keys");
        assert_eq!((keyring.wallet_attesters().len(), keyring.key_attesters().len()), (2, 1));
        assert_eq!((keyring.anchors().len(), keyring.trust_lists().len()), (1, 0));
        assert_eq!(trust_lists(keys.path()).map(|lists| lists.len()), Ok(0));
        assert!(keyring.is_new() && !open().expect("another start").is_new());
    }

    #[test]
    fn a_file_that_is_no_authority_stops_the_start_by_name() {
        let keys = tempfile::tempdir().expect("a folder");
        assert_eq!(attesters(keys.path(), WALLET_ATTESTERS).map(|anchors| anchors.len()), Ok(0));
        let file = keys.path().join(TRUST).join(WALLET_ATTESTERS).join("a.pem");
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, "nothing").expect("it is written");
        let wrong = KeyringError::Anchor { file, error: CertificateError::NotOnePem };
        assert_eq!(attesters(keys.path(), WALLET_ATTESTERS).err(), Some(wrong.clone()));
        let opened = Keyring::open_or_create(keys.path(), URL, Algorithm::Es256, &clock(), &SeededRandom::new(4));
        assert_eq!(opened.err(), Some(wrong));
    }
}
