//! `transaction_data`: what the holder agrees to together with showing a credential (section 8.4, appendix B.3.3).

use serde_json::{Map, Value, json};

use crate::{base::base64url, crypto::sha256};

/// A hash that a key binding JWT may be asked to use over the entries.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum HashAlgorithm {
    /// `sha-256`: the one that is meant when none is named, and the only one offered.
    #[default]
    Sha256,
}

impl HashAlgorithm {
    /// The name of the IANA registry "Named Information Hash Algorithm".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
        }
    }
}

/// One entry of `transaction_data`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransactionData {
    /// What kind of transaction, for example a URN that both sides know.
    pub transaction_type: String,
    /// The credential queries whose credentials may authorise it; not empty.
    pub credential_ids: Vec<String>,
    /// Members that the type defines.
    pub details: Map<String, Value>,
}

impl TransactionData {
    /// The entry as it stands in the request: base64url of JSON. The hash of the key binding JWT is over this text, so it
    /// is kept as it was sent.
    pub fn encode(&self) -> String {
        let mut members = self.details.clone();
        let own = json!({
            "type": self.transaction_type,
            "credential_ids": self.credential_ids,
            "transaction_data_hashes_alg": [HashAlgorithm::Sha256.name()],
        });
        if let Value::Object(own) = own {
            members.extend(own);
        }
        base64url::encode(Value::Object(members).to_string())
    }

    /// What `transaction_data_hashes` of a key binding JWT holds for an entry: base64url of the hash over the text as it
    /// stood in the request, not over what it decodes to (appendix B.3.3).
    pub fn hash(encoded: &str, algorithm: HashAlgorithm) -> String {
        match algorithm {
            HashAlgorithm::Sha256 => base64url::encode(sha256(encoded)),
        }
    }
}
