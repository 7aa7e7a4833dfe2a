//! What an access token says: which offer it was given for, and what it may be shown for.

use crate::{
    base::base64url,
    crypto::access_token::{self, Claims, Expectation},
    issuance::{Fault, Ground},
    keyring::Purpose,
    model::{ids::OfferId, record::Offer},
};

/// Life of an access token, in seconds: no longer without binding it to a sender (OpenID4VCI 1.0 section 13.10).
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 300;

/// What begins a credential identifier. No configuration has a colon in its name, so neither is taken for the other.
const IDENTIFIER: &str = "card:";

/// The credential identifier of a configuration (OpenID4VCI 1.0 section 6.2). An offer has one card of each.
pub(super) fn credential_identifier(configuration: &str) -> String {
    format!("{IDENTIFIER}{configuration}")
}

/// The configuration of a credential identifier.
pub(super) fn configuration(identifier: &str) -> Option<&str> {
    identifier.strip_prefix(IDENTIFIER)
}

/// What was granted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Grant {
    /// For this offer.
    pub offer: OfferId,
    /// The client, when it named itself: proofs name it too.
    pub client_id: Option<String>,
    /// The configurations, or the credential identifiers when the token response gave such.
    pub good_for: Vec<String>,
}

impl Grant {
    /// The grant of everything in an offer.
    pub(super) fn of_all(offer: &Offer, client_id: Option<String>) -> Self {
        Self { offer: offer.id, client_id, good_for: offer.credential_types.clone() }
    }

    /// Whether it is good for exactly this configuration or identifier.
    pub(super) fn covers(&self, name: &str) -> bool {
        self.good_for.iter().any(|granted| granted == name)
    }
}

impl Ground {
    /// Signs an access token for a grant.
    pub(super) fn access_token(&self, grant: &Grant) -> Result<String, Fault> {
        let now = self.clock.now();
        let claims = Claims {
            iss: self.public_url.to_string(),
            aud: self.public_url.to_string(),
            sub: grant.offer.to_string(),
            client_id: grant.client_id.clone(),
            jti: base64url::encode(self.random.array::<16>()),
            iat: now,
            exp: now.plus_seconds(ACCESS_TOKEN_SECONDS),
            configurations: grant.good_for.clone(),
        };
        Ok(access_token::sign(&claims, &self.keyring.signer(Purpose::AccessToken))?)
    }

    /// The grant of an access token that we signed and that is good now; none for any other text.
    pub(super) fn grant(&self, text: &str) -> Option<Grant> {
        let expected = Expectation { issuer: &self.public_url, audience: &self.public_url, now: self.clock.now() };
        let signer = self.keyring.signer(Purpose::AccessToken);
        let claims = access_token::verify(text, signer.public_key(), &expected).ok()?;
        Some(Grant { offer: claims.sub.parse().ok()?, client_id: claims.client_id, good_for: claims.configurations })
    }
}
