//! What an access token says: which offer it was given for.

use serde_json::{Map, Value};

use crate::{
    base::time::Timestamp,
    crypto::jws,
    issuance::{Fault, Ground},
    keyring::Purpose,
    model::ids::OfferId,
};

/// `typ` of an access token (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";

/// Life of an access token, in seconds: no longer without binding it to a sender (OpenID4VCI 1.0 section 13.10).
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 300;

/// What was granted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Grant {
    /// For this offer.
    pub offer: OfferId,
    /// The client, when it named itself: proofs name it too.
    pub client_id: Option<String>,
    /// Whether credentials are to be asked for by identifier (OpenID4VCI 1.0 section 6.2).
    pub by_identifier: bool,
}

impl Ground {
    /// Signs an access token for a grant.
    pub(super) fn access_token(&self, grant: &Grant) -> Result<String, Fault> {
        let now = self.clock.now();
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), self.public_url.as_ref().into());
        claims.insert("aud".to_owned(), self.public_url.as_ref().into());
        claims.insert("sub".to_owned(), grant.offer.to_string().into());
        claims.insert("iat".to_owned(), now.unix().into());
        claims.insert("exp".to_owned(), now.plus_seconds(ACCESS_TOKEN_SECONDS).unix().into());
        claims.insert("by_identifier".to_owned(), grant.by_identifier.into());
        if let Some(client_id) = &grant.client_id {
            claims.insert("client_id".to_owned(), client_id.as_str().into());
        }
        let header = Map::from_iter([("typ".to_owned(), TYPE.into())]);
        Ok(jws::sign(header, &claims, &*self.keyring.signer(Purpose::AccessToken))?)
    }

    /// The grant of an access token that we signed and that is good now; none for any other text.
    pub(super) fn grant(&self, access_token: &str) -> Option<Grant> {
        let unverified = jws::Unverified::parse(access_token, &[TYPE]).ok()?;
        let claims = unverified.verify(self.keyring.signer(Purpose::AccessToken).public_key()).ok()?.claims;
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
        let ours = Some(self.public_url.as_ref());
        let expires_at = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_unix)?;
        if text("iss") != ours || text("aud") != ours || self.clock.now() >= expires_at {
            return None;
        }
        Some(Grant {
            offer: text("sub")?.parse().ok()?,
            client_id: text("client_id").map(str::to_owned),
            by_identifier: claims.get("by_identifier").and_then(Value::as_bool)?,
        })
    }
}
