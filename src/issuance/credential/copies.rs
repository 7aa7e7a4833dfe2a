//! The signed copies of a card.

use serde_json::{Map, Value, json};

use super::{Denial, thumbprint};
use crate::{
    base::time::{Date, Timestamp},
    crypto::PublicKey,
    format::{
        openid::credential::IssuedCredential,
        sdjwt::{self, Issuance, Step},
    },
    issuance::{Fault, Ground, Registered, credential::CredentialError},
    keyring::Purpose,
    model::{
        card::{Card, Copy},
        credential_type::{ClaimSet, CredentialType, PathStep},
        person::civil_date,
    },
};

impl Ground {
    /// One signed copy a key, in the order of the keys, each with the index of its key. `at` is when the batch was ordered:
    /// signed again, a copy holds what it held.
    pub(in crate::issuance) fn sign_copies(
        &self,
        credential_type: &CredentialType,
        (card, at): (&Card, Timestamp),
        person: &Registered,
        keys: &[PublicKey],
    ) -> Result<Vec<IssuedCredential>, CredentialError> {
        let day = civil_date(at).ok_or(Fault::Clock)?;
        let mut set = claim_set(credential_type, person, at, day)?;
        let sign = |key: &PublicKey| {
            let thumbprint = thumbprint(key);
            // A wallet that uses a key again means the newest copy. One that is gone was renewed since, and is past its time.
            let copy = card.copies.iter().rfind(|copy| copy.holder_key == thumbprint).ok_or(Denial::AlreadyFetched)?;
            set.valid_until = copy.valid_until.unwrap_or(card.valid_until);
            Ok(IssuedCredential { credential: self.sign_copy(credential_type, &set, copy, key)? })
        };
        keys.iter().map(sign).collect()
    }

    fn sign_copy(&self, wanted: &CredentialType, set: &ClaimSet, copy: &Copy, key: &PublicKey) -> Result<String, Fault> {
        let mut claims = set.claims.clone();
        let list_uri = copy.status.list.uri(&self.public_url);
        for (name, value) in [
            ("iss", json!(&*self.public_url)),
            ("vct", json!(wanted.vct(&self.public_url))),
            // The beginning of the day, as `nbf`: copies fetched at different hours look alike.
            ("iat", json!(set.valid_from.unix())),
            ("nbf", json!(set.valid_from.unix())),
            ("exp", json!(set.valid_until.unix())),
            ("cnf", json!({"jwk": key.to_jwk()})),
            ("status", json!({"status_list": {"idx": copy.status.index, "uri": list_uri}})),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let header = Map::from_iter([("x5c".to_owned(), x5c(self.keyring.x5c(Purpose::Issuer)))]);
        let disclosable: Vec<Vec<Step>> = set.disclosable.iter().map(|path| path.iter().map(step).collect()).collect();
        let issuance = Issuance { header, claims, disclosable: &disclosable, decoys: wanted.issuing.decoys };
        sdjwt::issue(issuance, &*self.keyring.signer(Purpose::Issuer), &*self.random)
            .map_err(|error| Fault::Make(error.to_string()))
    }
}

/// What the copies of a batch ordered at this time hold.
pub(super) fn claim_set(wanted: &CredentialType, person: &Registered, now: Timestamp, day: Date) -> Result<ClaimSet, Denial> {
    wanted.claim_set(&person.person, now, day).map_err(|reason| Denial::NotEligible(Some(reason)))
}

/// `x5c`: standard base64 with padding (RFC 7515 section 4.1.6).
fn x5c(chain: &[Vec<u8>]) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    chain.iter().map(|der| STANDARD.encode(der)).collect()
}

fn step(step: &PathStep) -> Step {
    match step {
        PathStep::Name(name) => Step::Name(name.clone()),
        PathStep::Every => Step::Every,
    }
}
