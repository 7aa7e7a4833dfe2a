//! What wallets and verifiers are told about the issuer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    base::limits::BATCH_SIZE,
    crypto::{
        Algorithm, Signer,
        jwe::{DEFLATE, ECDH_ES, Encryption},
    },
    format::openid::{
        metadata::{
            AnswerEncryption, AuthorizationServerMetadata, BatchIssuance, ClientAttestationSupport, CredentialConfiguration,
            Display, IssuerMetadata, JwtVcIssuerMetadata, KeyAttestationsRequired, KeySet, Logo, ProofType, RequestEncryption,
            SD_JWT_VC,
        },
        offer::{AUTHORIZATION_CODE, PRE_AUTHORIZED_CODE},
        token::{AuthorizationDetail, REFRESH_TOKEN},
    },
    issuance::Ground,
    keyring::Purpose,
    model::credential_type::CredentialType,
};

/// The metadata documents. Each follows from configuration alone, so each can be made once and kept.
#[derive(Clone)]
pub struct Metadata {
    ground: Ground,
}

impl Metadata {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// `/.well-known/openid-credential-issuer` (OpenID4VCI 1.0 section 12.2).
    pub fn issuer(&self) -> IssuerMetadata {
        let url = &self.ground.public_url;
        let name = |locale: &str, name: &str, alt_text: &str| Display {
            name: name.to_owned(),
            locale: locale.to_owned(),
            logo: Some(Logo { uri: format!("{url}/assets/tally.svg"), alt_text: Some(alt_text.to_owned()) }),
        };
        let configurations = self.ground.types.iter().map(|t| (t.name.clone(), self.configuration(t)));
        IssuerMetadata {
            credential_issuer: url.to_string(),
            credential_endpoint: format!("{url}/credential"),
            nonce_endpoint: format!("{url}/nonce"),
            deferred_credential_endpoint: format!("{url}/deferred_credential"),
            notification_endpoint: format!("{url}/notification"),
            credential_request_encryption: self.request_encryption(),
            credential_response_encryption: self.answer_encryption(),
            batch_credential_issuance: Some(BatchIssuance { batch_size: BATCH_SIZE }),
            display: vec![
                name("zh-CN", "鱼符电子证照", "鱼符：一对相合的鱼"),
                name("en", "yufu electronic ID", "Fish tally: two halves of a fish that match"),
            ],
            credential_configurations_supported: configurations.collect(),
        }
    }

    fn request_encryption(&self) -> RequestEncryption {
        let key = self.ground.keyring.decryption().public_jwk(&self.ground.decryption_kid());
        RequestEncryption {
            jwks: KeySet { keys: vec![key.into()] },
            enc_values_supported: encryptions(),
            zip_values_supported: vec![DEFLATE.to_owned()],
            encryption_required: self.ground.encryption_required,
        }
    }

    fn answer_encryption(&self) -> AnswerEncryption {
        AnswerEncryption {
            alg_values_supported: vec![ECDH_ES.to_owned()],
            enc_values_supported: encryptions(),
            zip_values_supported: vec![DEFLATE.to_owned()],
            encryption_required: self.ground.encryption_required,
        }
    }

    /// How keys are proved. Attestations alone are taken where somebody is trusted to attest keys.
    fn proof_types(&self, credential_type: &CredentialType) -> BTreeMap<String, ProofType> {
        let rule = self.ground.key_attestation_rule(credential_type).map(|rule| KeyAttestationsRequired {
            key_storage: rule.key_storage.clone(),
            user_authentication: rule.user_authentication.clone(),
        });
        let algorithms = Algorithm::ALL.map(jose_name).to_vec();
        let proof_type = |required| ProofType {
            proof_signing_alg_values_supported: algorithms.clone(),
            key_attestations_required: required,
        };
        let mut types = BTreeMap::from([("jwt".to_owned(), proof_type(rule.clone()))]);
        if !self.ground.keyring.key_attesters().is_empty() {
            types.insert("attestation".to_owned(), proof_type(Some(rule.unwrap_or_default())));
        }
        types
    }

    fn configuration(&self, credential_type: &CredentialType) -> CredentialConfiguration {
        CredentialConfiguration {
            format: SD_JWT_VC.to_owned(),
            scope: credential_type.name.clone(),
            vct: credential_type.vct(&self.ground.public_url),
            credential_signing_alg_values_supported: vec![jose_name(self.ground.keyring.signer(Purpose::Issuer).algorithm())],
            cryptographic_binding_methods_supported: vec!["jwk".to_owned()],
            proof_types_supported: self.proof_types(credential_type),
            credential_metadata: credential_type.credential_metadata(&self.ground.public_url),
        }
    }

    /// `/.well-known/oauth-authorization-server` (RFC 8414).
    pub fn authorization_server(&self) -> AuthorizationServerMetadata {
        let url = &self.ground.public_url;
        AuthorizationServerMetadata {
            issuer: url.to_string(),
            authorization_endpoint: format!("{url}/authorize"),
            pushed_authorization_request_endpoint: format!("{url}/par"),
            require_pushed_authorization_requests: true,
            authorization_response_iss_parameter_supported: true,
            code_challenge_methods_supported: vec!["S256".to_owned()],
            scopes_supported: self.ground.types.iter().map(|t| t.name.clone()).collect(),
            token_endpoint: format!("{url}/token"),
            token_endpoint_auth_methods_supported: self.client_authentication(),
            dpop_signing_alg_values_supported: Algorithm::ALL.map(jose_name).to_vec(),
            client_attestation: self.client_attestation(),
            response_types_supported: vec!["code".to_owned()],
            response_modes_supported: vec!["query".to_owned()],
            grant_types_supported: [AUTHORIZATION_CODE, PRE_AUTHORIZED_CODE, REFRESH_TOKEN].map(str::to_owned).into(),
            authorization_details_types_supported: vec![AuthorizationDetail::TYPE.to_owned()],
            anonymous_access_supported: !self.ground.profile.is_haip(),
        }
    }

    /// How wallets show what they are: by attestation where any could be believed or has to be shown, and not at all where
    /// that is allowed.
    fn client_authentication(&self) -> Vec<String> {
        let attested =
            ["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"].into_iter().filter(|_| self.takes_attestations());
        let none = Some("none").filter(|_| !self.ground.profile.is_haip());
        attested.chain(none).map(str::to_owned).collect()
    }

    fn client_attestation(&self) -> Option<ClientAttestationSupport> {
        let algorithms = Algorithm::ALL.map(jose_name).to_vec();
        let none = Some("none").filter(|_| !self.ground.profile.is_haip());
        let methods = ["attestation_pop_jwt", "dpop_combined"].into_iter().chain(none);
        self.takes_attestations().then(|| ClientAttestationSupport {
            client_attestation_signing_alg_values_supported: algorithms.clone(),
            client_attestation_pop_signing_alg_values_supported: algorithms,
            client_attestation_pop_methods_supported: methods.map(str::to_owned).collect(),
            challenge_endpoint: format!("{}/challenge", self.ground.public_url),
        })
    }

    fn takes_attestations(&self) -> bool {
        self.ground.profile.is_haip() || !self.ground.keyring.wallet_attesters().is_empty()
    }

    /// `/.well-known/jwt-vc-issuer` (draft-ietf-oauth-sd-jwt-vc section 4).
    pub fn jwt_vc_issuer(&self) -> JwtVcIssuerMetadata {
        JwtVcIssuerMetadata { issuer: self.ground.public_url.to_string(), jwks: self.key_set(&[Purpose::Issuer]) }
    }

    /// `/.well-known/jwks.json`: the keys whose signatures others check.
    pub fn keys(&self) -> KeySet {
        self.key_set(&[Purpose::Issuer, Purpose::StatusList, Purpose::Log, Purpose::Request])
    }

    fn key_set(&self, purposes: &[Purpose]) -> KeySet {
        KeySet { keys: purposes.iter().map(|purpose| public_jwk(&*self.ground.keyring.signer(*purpose))).collect() }
    }
}

fn encryptions() -> Vec<String> {
    Encryption::ALL.map(|encryption| encryption.jose_name().to_owned()).to_vec()
}

fn jose_name(algorithm: Algorithm) -> String {
    algorithm.jose_name().to_owned()
}

fn public_jwk(signer: &dyn Signer) -> Value {
    let mut jwk = signer.public_key().to_jwk();
    jwk["kid"] = signer.key_id().into();
    jwk["alg"] = json!(signer.algorithm().jose_name());
    jwk["use"] = json!("sig");
    jwk
}
