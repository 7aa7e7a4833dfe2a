//! From tokens to cards.

use serde_json::{Value, json};
use yufu::crypto::{Signer, SoftwareKey};

use super::{
    super::{Answer, attester::Jwt},
    HaipWallet, Tokens,
};

impl HaipWallet {
    /// A nonce for proofs.
    pub fn c_nonce(&self) -> String {
        let answer = self.user.send("POST", "/nonce", &[], b"");
        self.hear(&answer, true);
        answer.good(200)["c_nonce"].as_str().expect("a nonce").to_owned()
    }

    /// A proof of a holder key over a nonce, not signed yet: that key does.
    pub fn jwt_proof(&self, key: &SoftwareKey, nonce: &str) -> Jwt {
        Jwt::new(
            json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk()}),
            json!({"iss": self.client_id, "aud": self.user.url, "iat": self.now().unix(), "nonce": nonce}),
        )
    }

    /// Good proofs of these keys, all attested by one key attestation: the member `proofs` of a request.
    pub fn proofs(&self, keys: &[SoftwareKey]) -> Value {
        let nonce = self.c_nonce();
        let attestation = self.key_attestation(keys, &nonce);
        let proof = |key| self.jwt_proof(key, &nonce).header("key_attestation", attestation.as_str()).sign(key);
        json!({"jwt": keys.iter().map(proof).collect::<Vec<_>>()})
    }

    /// The member `proofs` of type `attestation` for these keys.
    pub fn attestation_proofs(&self, keys: &[SoftwareKey]) -> Value {
        json!({"attestation": [self.key_attestation(keys, &self.c_nonce())]})
    }

    /// A good attestation of these keys over a nonce.
    pub fn key_attestation(&self, keys: &[SoftwareKey], nonce: &str) -> String {
        let keys: Vec<_> = keys.iter().map(|key| key.public_key()).collect();
        self.attester.sign(self.attester.key_attestation(&keys, Some(nonce), self.now()))
    }

    /// Asks for cards with new keys: by the first credential identifier of the configuration where there is one, else by
    /// its name.
    pub fn fetch(&self, tokens: &Tokens, configuration: &str, copies: usize) -> (Answer, Vec<SoftwareKey>) {
        let keys: Vec<_> = (0..copies).map(|_| self.new_key()).collect();
        let mut order = match tokens.identifiers(configuration).first() {
            Some(identifier) => json!({"credential_identifier": identifier}),
            None => json!({"credential_configuration_id": configuration}),
        };
        order["proofs"] = self.proofs(&keys);
        (self.post_json("/credential", &tokens.access_token, &order), keys)
    }

    /// Posts JSON to a credential endpoint.
    pub fn post_json(&self, path: &str, access_token: &str, body: &Value) -> Answer {
        self.post_resource(path, access_token, "application/json", body.to_string().as_bytes())
    }

    /// From a pre-authorised offer of one type to cards: the tokens, the texts of the cards, and their keys.
    pub fn take(&self, offer: &Value, copies: usize) -> (Tokens, Vec<String>, Vec<SoftwareKey>) {
        let kind = offer["credential_configuration_ids"][0].as_str().expect("a type").to_owned();
        let tokens = Tokens::read(&self.redeem_offer(offer, None));
        let (answer, keys) = self.fetch(&tokens, &kind, copies);
        (tokens, credentials(&answer.good(200)), keys)
    }
}

/// The texts of the cards in a credential response.
pub fn credentials(response: &Value) -> Vec<String> {
    let all = response["credentials"].as_array().expect("credentials");
    all.iter().map(|one| one["credential"].as_str().expect("text").to_owned()).collect()
}
