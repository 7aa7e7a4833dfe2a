//! The authorization request, signed or as parameters of a link (section 5).

use serde_json::{Map, Value, json};

use super::metadata::ClientMetadata;
use crate::{
    base::{limits::WALLET_NONCE_BYTES, time::Timestamp},
    format::openid::form::{self, FormError},
};

/// `aud` of a request object to a wallet that was not discovered (section 5.8).
pub const AUDIENCE: &str = "https://self-issued.me/v2";

/// Where the response goes, and in which mode.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// Posted by the wallet to `response_uri` (section 8.2); encrypted unless the mode is `direct_post`.
    DirectPost {
        /// `response_uri`.
        response_uri: String,
        /// `direct_post.jwt` (section 8.3.1).
        encrypted: bool,
    },
    /// Handed to the page that asked, by the browser (appendix A).
    DcApi {
        /// `dc_api.jwt`.
        encrypted: bool,
        /// `expected_origins`, compared as text; required in a signed request (appendix A.2).
        expected_origins: Vec<String>,
    },
}

impl Destination {
    /// `response_mode`.
    pub const fn response_mode(&self) -> &'static str {
        match self {
            Self::DirectPost { encrypted: false, .. } => "direct_post",
            Self::DirectPost { encrypted: true, .. } => "direct_post.jwt",
            Self::DcApi { encrypted: false, .. } => "dc_api",
            Self::DcApi { encrypted: true, .. } => "dc_api.jwt",
        }
    }
}

/// One entry of `verifier_info`: what others attest of the verifier (section 5.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierInfo {
    /// The format of `data`.
    pub format: String,
    /// The attestation.
    pub data: Value,
    /// The credential queries it is about; all when empty.
    pub credential_ids: Vec<String>,
}

/// An authorization request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestClaims {
    /// With its prefix (section 5.9); left out of an unsigned request to the Digital Credentials API.
    pub client_id: Option<String>,
    /// Fresh, at least 128 random bits, of URL-safe characters.
    pub nonce: String,
    /// Of the same kind; not defined for the Digital Credentials API, where it is not written.
    pub state: Option<String>,
    /// Where the response goes.
    pub destination: Destination,
    /// The query, as `format::dcql` writes it.
    pub dcql_query: Value,
    /// What the wallet has to know of the verifier.
    pub client_metadata: ClientMetadata,
    /// What the wallet sent when it fetched the request (section 5.10).
    pub wallet_nonce: Option<String>,
    /// Entries in base64url, as [`TransactionData`](super::TransactionData) writes them (section 8.4).
    pub transaction_data: Vec<String>,
    /// What others attest of the verifier.
    pub verifier_info: Vec<VerifierInfo>,
    /// `iat`: when it was made.
    pub issued_at: Option<Timestamp>,
}

impl RequestClaims {
    /// The claims of a request object, `aud` included, or the members of an unsigned request to the Digital Credentials
    /// API. `iss` is left out: wallets ignore it (section 5.8).
    pub fn to_map(&self) -> Map<String, Value> {
        let mut map = self.parameters();
        if self.client_id.is_some() {
            map.insert("aud".to_owned(), AUDIENCE.into());
        }
        if let Some(at) = self.issued_at {
            map.insert("iat".to_owned(), at.unix().into());
        }
        map
    }

    /// The same as the query of a link, for a request that is not signed: objects and arrays as JSON text (section 5.1).
    pub fn to_query(&self) -> String {
        let pair = |(name, value): (&String, &Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{}={}", form::encode(name), form::encode(&text))
        };
        self.parameters().iter().map(pair).collect::<Vec<_>>().join("&")
    }

    fn parameters(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put("response_type", Some("vp_token".into()));
        put("response_mode", Some(self.destination.response_mode().into()));
        put("client_id", self.client_id.clone().map(Value::from));
        put("nonce", Some(self.nonce.clone().into()));
        put("dcql_query", Some(self.dcql_query.clone()));
        put("client_metadata", Some(self.client_metadata.to_json()));
        put("wallet_nonce", self.wallet_nonce.clone().map(Value::from));
        put("transaction_data", (!self.transaction_data.is_empty()).then(|| self.transaction_data.clone().into()));
        let info = || self.verifier_info.iter().map(VerifierInfo::to_json).collect();
        put("verifier_info", (!self.verifier_info.is_empty()).then(info));
        match &self.destination {
            Destination::DirectPost { response_uri, .. } => {
                put("response_uri", Some(response_uri.clone().into()));
                put("state", self.state.clone().map(Value::from));
            }
            // Only a signed request says whom it expects (appendix A.2).
            Destination::DcApi { expected_origins, .. } => {
                put("expected_origins", self.client_id.is_some().then(|| expected_origins.clone().into()));
            }
        }
        map
    }
}

impl VerifierInfo {
    fn to_json(&self) -> Value {
        let mut json = json!({"format": self.format, "data": self.data});
        if !self.credential_ids.is_empty() {
            json["credential_ids"] = self.credential_ids.clone().into();
        }
        json
    }
}

/// Why the form of a fetch is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchFormError {
    /// Not a form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Longer than [`WALLET_NONCE_BYTES`], or not of printable ASCII characters.
    #[error("wallet_nonce is too long or not of printable ASCII characters")]
    WalletNonce,
}

/// What a wallet posts to `request_uri` (section 5.10).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FetchForm {
    /// Goes into the signed request as it came.
    pub wallet_nonce: Option<String>,
    /// What the wallet can do, still as JSON text: nothing here depends on it, and it is not parsed.
    pub wallet_metadata: Option<String>,
}

impl FetchForm {
    /// Reads the form.
    pub fn read(body: &[u8]) -> Result<Self, FetchFormError> {
        let mut form = form::parse(body)?;
        let wallet_nonce = form.remove("wallet_nonce");
        let printable = |nonce: &String| nonce.len() <= WALLET_NONCE_BYTES && nonce.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !wallet_nonce.as_ref().is_none_or(printable) {
            return Err(FetchFormError::WalletNonce);
        }
        Ok(Self { wallet_nonce, wallet_metadata: form.remove("wallet_metadata") })
    }
}
