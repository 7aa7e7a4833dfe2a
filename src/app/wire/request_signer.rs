//! Who this verifier is to wallets, as the settings say.

use std::{fs, io};

use crate::{
    app::{config::Config, wire::StartError},
    base::time::Timestamp,
    keyring::Keyring,
    verification::request_object::{ClientIdPrefix, RequestSigner},
};

/// What others wrote about this verifier, in the folder of keys; made by them, never by the service.
const ATTESTATION: &str = "verifier-attestation.jwt";

/// The identity that the settings name, or why the keys do not hold it.
pub(super) fn request_signer(
    config: &Config,
    keyring: &Keyring,
    public_url: &str,
    now: Timestamp,
) -> Result<RequestSigner, StartError> {
    let prefix = config.identity.client_id_prefix;
    let file = config.storage.keys.join(ATTESTATION);
    let attestation = match prefix {
        ClientIdPrefix::VerifierAttestation => match fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(StartError::Attestation { file, error }),
        },
        _ => None,
    };
    RequestSigner::new(prefix, keyring, public_url, attestation.as_deref(), now)
        .map_err(|error| StartError::Identity { prefix, error })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Map, Value, json};

    use super::*;
    use crate::{
        base::{clock::ManualClock, random::SeededRandom},
        crypto::{Algorithm, SoftwareKey, jws},
        keyring::Purpose,
        verification::request_object::{AttestationError, IdentityError},
    };

    const URL: &str = "http://127.0.0.1:8080";
    const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

    fn config(keys: &Path, client_id_prefix: ClientIdPrefix) -> Config {
        let mut config = Config::alone_in(keys.join("data"), keys.to_owned());
        config.identity.client_id_prefix = client_id_prefix;
        config
    }

    #[test]
    fn the_attestation_lies_beside_the_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let random = SeededRandom::new(1);
        let keyring = Keyring::open_or_create(folder.path(), URL, Algorithm::Es256, &ManualClock::at(NOW), &random);
        let keyring = keyring.expect("keys");
        let named = |prefix| request_signer(&config(folder.path(), prefix), &keyring, URL, NOW);
        let missing = named(ClientIdPrefix::VerifierAttestation).expect_err("no file");
        let expected = IdentityError::Attestation(AttestationError::Missing);
        assert!(matches!(missing, StartError::Identity { error, .. } if error == expected));

        let object = |value: Value| -> Map<String, Value> { value.as_object().expect("an object").clone() };
        let claims = object(json!({
            "iss": "https://registrar.example", "sub": "gate-12", "exp": NOW.plus_seconds(9).unix(),
            "cnf": {"jwk": keyring.signer(Purpose::Request).public_key().to_jwk()},
        }));
        let authority = SoftwareKey::generate(Algorithm::Es256, &random);
        let text = jws::sign(object(json!({"typ": "verifier-attestation+jwt"})), &claims, &authority).expect("it is signed");
        fs::write(folder.path().join(ATTESTATION), text).expect("it is written");
        let named = |prefix| named(prefix).expect("an identity").client_id("http://127.0.0.1:8080/responses/1");
        assert_eq!(named(ClientIdPrefix::VerifierAttestation), "verifier_attestation:gate-12");
        assert_eq!(named(ClientIdPrefix::X509SanDns), "x509_san_dns:localhost");
        assert_eq!(named(ClientIdPrefix::RedirectUri), "redirect_uri:http://127.0.0.1:8080/responses/1");
        assert!(named(ClientIdPrefix::X509Hash).starts_with("x509_hash:"));
    }
}
