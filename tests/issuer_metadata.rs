//! What wallets and verifiers are told about the issuer, word for word.

use std::sync::Arc;

use serde_json::{Value, json};
use yufu::{
    base::{
        clock::ManualClock,
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, x509::Anchor},
    issuance::{Ground, metadata::Metadata},
    keyring::{Keyring, Purpose},
    model::{credential_type::CredentialTypes, profile::Profile},
    store::sled::{Options, SledStore},
};

const URL: &str = "https://id.example";

fn metadata(signing: Algorithm) -> (Metadata, Arc<Keyring>, tempfile::TempDir) {
    metadata_under(signing, Profile::Open, Vec::new())
}

/// Metadata of a service of this profile that believes these authorities of wallets.
fn metadata_under(signing: Algorithm, profile: Profile, attesters: Vec<Anchor>) -> (Metadata, Arc<Keyring>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(5));
    let keyring = Keyring::in_memory(URL, signing, &clock, &*random).expect("keys");
    let keyring = Arc::new(keyring.with_attesters(attesters, Vec::new()));
    let options = Options::new(
        folder.path(),
        keyring.index_key().clone(),
        keyring.signer(Purpose::Log),
        Arc::new(clock.clone()),
        Arc::clone(&random),
    );
    let ground = Ground {
        store: Arc::new(SledStore::open(options).expect("a store")),
        keyring: Arc::clone(&keyring),
        clock: Arc::new(clock),
        random,
        types: Arc::new(CredentialTypes::built_in().expect("the shipped types")),
        profile,
        limits: Arc::new(yufu::issuance::limits::Unlimited),
        encryption_required: false,
        attestation_statuses: Arc::new(yufu::issuance::attestation_status::NobodyToAsk),
        public_url: URL.into(),
    };
    (Metadata::new(ground), keyring, folder)
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("it can be written")
}

#[test]
fn issuer_metadata_name_endpoints_and_what_is_issued() {
    for (signing, name) in [(Algorithm::Es256, "ES256"), (Algorithm::Ed25519, "EdDSA")] {
        let (metadata, ..) = metadata(signing);
        let mut issuer = json_of(&metadata.issuer());
        let resident = issuer["credential_configurations_supported"]["resident-id"].take();
        assert_eq!(resident["format"], json!("dc+sd-jwt"));
        assert_eq!(resident["scope"], json!("resident-id"));
        assert_eq!(resident["vct"], json!("https://id.example/credential-types/resident-id"));
        assert_eq!(resident["credential_signing_alg_values_supported"], json!([name]));
        assert_eq!(resident["cryptographic_binding_methods_supported"], json!(["jwk"]));
        let proofs = json!({"jwt": {"proof_signing_alg_values_supported": ["ES256", "EdDSA"]}});
        assert_eq!(resident["proof_types_supported"], proofs);
        assert_eq!(resident["credential_metadata"]["claims"][0]["path"], json!(["name"]));
        assert_eq!(issuer["credential_issuer"], json!(URL));
        assert_eq!(issuer["credential_endpoint"], json!("https://id.example/credential"));
        assert_eq!(issuer["nonce_endpoint"], json!("https://id.example/nonce"));
        assert_eq!(issuer["batch_credential_issuance"], json!({"batch_size": 10}));
        assert_eq!(issuer.get("authorization_servers"), None);
    }
}

#[test]
fn the_authorisation_server_says_what_it_takes() {
    let (metadata, ..) = metadata(Algorithm::Es256);
    let expected = json!({
        "issuer": URL,
        "authorization_endpoint": "https://id.example/authorize",
        "pushed_authorization_request_endpoint": "https://id.example/par",
        "require_pushed_authorization_requests": true,
        "authorization_response_iss_parameter_supported": true,
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["resident-id", "transport-qualification"],
        "token_endpoint": "https://id.example/token",
        "token_endpoint_auth_methods_supported": ["none"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code", "refresh_token"],
        "authorization_details_types_supported": ["openid_credential"],
        "pre-authorized_grant_anonymous_access_supported": true,
    });
    assert_eq!(json_of(&metadata.authorization_server()), expected);
}

#[test]
fn attestations_are_asked_for_under_haip_and_taken_where_one_can_be_believed() {
    let (open, keyring, _folder) = metadata(Algorithm::Es256);
    assert_eq!(json_of(&open.authorization_server()).get("challenge_endpoint"), None);
    let both = ["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"];
    let proofs = ["attestation_pop_jwt", "dpop_combined"];
    for (profile, attesters, methods, proofs) in [
        (Profile::Haip, vec![], both.to_vec(), proofs.to_vec()),
        (Profile::Open, keyring.anchors().to_vec(), [&both[..], &["none"]].concat(), [&proofs[..], &["none"]].concat()),
    ] {
        let (metadata, ..) = metadata_under(Algorithm::Es256, profile, attesters);
        let server = json_of(&metadata.authorization_server());
        assert_eq!(server["token_endpoint_auth_methods_supported"], json!(methods));
        assert_eq!(server["client_attestation_pop_methods_supported"], json!(proofs));
        assert_eq!(server["client_attestation_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
        assert_eq!(server["client_attestation_pop_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
        assert_eq!(server["challenge_endpoint"], json!("https://id.example/challenge"));
        let anonymous = &server["pre-authorized_grant_anonymous_access_supported"];
        assert_eq!(*anonymous, json!(profile == Profile::Open));
    }
}

#[test]
fn only_the_issuing_key_is_named_as_one_that_signs_credentials() {
    let (metadata, keyring, _folder) = metadata(Algorithm::Es256);
    let issuer = json_of(&metadata.jwt_vc_issuer());
    let kids = |keys: &Value| -> Vec<Value> { keys.as_array().into_iter().flatten().map(|key| key["kid"].clone()).collect() };
    let kid = |purpose| json!(keyring.signer(purpose).key_id());
    assert_eq!(issuer["issuer"], json!(URL));
    assert_eq!(issuer.get("jwks_uri"), None);
    assert_eq!(kids(&issuer["jwks"]["keys"]), [kid(Purpose::Issuer)]);
    let all = json_of(&metadata.keys());
    let published = [Purpose::Issuer, Purpose::StatusList, Purpose::Log, Purpose::Request];
    assert_eq!(kids(&all["keys"]), published.map(kid));
    for (key, algorithm) in all["keys"].as_array().into_iter().flatten().zip(["ES256", "ES256", "EdDSA", "ES256"]) {
        assert_eq!((&key["use"], &key["alg"], key.get("d")), (&json!("sig"), &json!(algorithm), None));
    }
    let types = CredentialTypes::built_in().expect("the shipped types");
    let resident = types.get("resident-id").expect("it ships").type_metadata(URL);
    assert_eq!(resident["vct"], json!("https://id.example/credential-types/resident-id"));
}
