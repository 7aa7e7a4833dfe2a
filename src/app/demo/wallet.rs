//! A wallet on a phone, as far as the demo needs one: it takes an offer to a card by OpenID4VCI 1.0 and shows the card
//! with selected claims and a proof of its key.

use serde_json::{Map, Value, json};

use crate::{
    app::demo::{DemoError, Stage, api::text_of},
    crypto::{Algorithm, SoftwareKey, jws},
    format::sdjwt::{HolderProof, PathPart, present},
    outbound::Request,
};

/// A card in the wallet, with the key it is bound to.
pub struct HeldCard {
    /// The SD-JWT as issued, every disclosure with it.
    pub credential: String,
    key: SoftwareKey,
}

/// Where an issuer takes what a wallet sends, as its metadata says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    identifier: String,
    token: String,
    nonce: String,
    credential: String,
}

impl Issuer {
    /// Reads the metadata of the issuer of this identifier.
    pub fn discover(stage: &Stage, identifier: &str) -> Result<Self, DemoError> {
        let metadata = stage.json("metadata", Request::get(well_known(identifier, "openid-credential-issuer")), 200)?;
        let server = stage.json("metadata", Request::get(well_known(identifier, "oauth-authorization-server")), 200)?;
        Ok(Self {
            identifier: identifier.to_owned(),
            token: text_of("metadata", &server, "/token_endpoint")?.to_owned(),
            nonce: text_of("metadata", &metadata, "/nonce_endpoint")?.to_owned(),
            credential: text_of("metadata", &metadata, "/credential_endpoint")?.to_owned(),
        })
    }
}

/// Takes an offer (the object of OpenID4VCI section 4.1.1) to the card of its first configuration.
pub fn fetch(stage: &Stage, offer: &Value, tx_code: Option<&str>) -> Result<HeldCard, DemoError> {
    let issuer = Issuer::discover(stage, text_of("offer", offer, "/credential_issuer")?)?;
    fetch_from(stage, &issuer, offer, tx_code)
}

/// The same from an issuer whose metadata are at hand.
pub fn fetch_from(stage: &Stage, issuer: &Issuer, offer: &Value, tx_code: Option<&str>) -> Result<HeldCard, DemoError> {
    let configuration = text_of("offer", offer, "/credential_configuration_ids/0")?;
    let code = text_of("offer", offer, "/grants/urn:ietf:params:oauth:grant-type:pre-authorized_code/pre-authorized_code")?;

    let mut form =
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code&pre-authorized_code={code}");
    if let Some(tx_code) = tx_code {
        form += &format!("&tx_code={tx_code}");
    }
    let request = Request::post(issuer.token.as_str(), "application/x-www-form-urlencoded", form);
    let token = stage.json("token", request, 200)?;

    let nonce = stage.json("nonce", Request { method: "POST", ..Request::get(issuer.nonce.as_str()) }, 200)?;

    let key = SoftwareKey::generate(Algorithm::Es256, stage.random.as_ref());
    let proof = proof_of_possession(stage, &key, &issuer.identifier, text_of("nonce", &nonce, "/c_nonce")?)?;
    let request = json!({"credential_configuration_id": configuration, "proofs": {"jwt": [proof]}});
    let request = Request::post(issuer.credential.as_str(), "application/json", request.to_string());
    let answer = stage.json("credential", request.bearer(text_of("token", &token, "/access_token")?), 200)?;
    let credential = text_of("credential", &answer, "/credentials/0/credential")?.to_owned();
    Ok(HeldCard { credential, key })
}

impl HeldCard {
    /// A presentation that discloses the top-level claims `names` with all that is inside them.
    pub fn show(&self, stage: &Stage, names: &[&str], nonce: &str, audience: &str) -> Result<String, DemoError> {
        let wanted = |path: &[PathPart]| matches!(path.first(), Some(PathPart::Name(name)) if names.contains(&name.as_str()));
        let proof = HolderProof { signer: &self.key, nonce, audience, issued_at: stage.clock.now() };
        present(&self.credential, &wanted, Some(proof)).map_err(|error| DemoError::Wallet(error.to_string()))
    }

    /// Where the card's status stands: the address of the list and the index in it.
    pub fn status(&self) -> Result<(String, u64), DemoError> {
        let unreadable = || DemoError::Wallet("the card names no status".to_owned());
        let jwt = self.credential.split('~').next().unwrap_or_default();
        let claims = jws::Unverified::parse(jwt, &["dc+sd-jwt"])
            .and_then(|jws| jws.dangerous_unverified_claims())
            .map_err(|error| DemoError::Wallet(error.to_string()))?;
        let list = claims.get("status").and_then(|status| status.get("status_list")).ok_or_else(unreadable)?;
        match (list.get("uri").and_then(Value::as_str), list.get("idx").and_then(Value::as_u64)) {
            (Some(uri), Some(index)) => Ok((uri.to_owned(), index)),
            _ => Err(unreadable()),
        }
    }
}

/// The well-known address of an identifier: inserted between host and path (RFC 8615, OpenID4VCI section 12.2.2).
fn well_known(issuer: &str, name: &str) -> String {
    let (scheme, rest) = issuer.split_once("://").unwrap_or(("https", issuer));
    let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    format!("{scheme}://{host}/.well-known/{name}{path}")
}

/// OpenID4VCI appendix F.1.
fn proof_of_possession(stage: &Stage, key: &SoftwareKey, issuer: &str, nonce: &str) -> Result<String, DemoError> {
    use crate::crypto::Signer;
    let mut header = Map::new();
    header.insert("typ".to_owned(), "openid4vci-proof+jwt".into());
    header.insert("jwk".to_owned(), key.public_key().to_jwk());
    let mut claims = Map::new();
    claims.insert("aud".to_owned(), issuer.into());
    claims.insert("iat".to_owned(), stage.clock.now().unix().into());
    claims.insert("nonce".to_owned(), nonce.into());
    jws::sign(header, &claims, key).map_err(|error| DemoError::Wallet(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_stands_between_host_and_path() {
        assert_eq!(well_known("https://id.example/tenant", "x"), "https://id.example/.well-known/x/tenant");
        assert_eq!(well_known("http://127.0.0.1:8080", "x"), "http://127.0.0.1:8080/.well-known/x");
    }
}
