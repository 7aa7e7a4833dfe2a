//! A statement as a token that a third party can check later: a compact JWS under the key that signs requests, with the
//! certificates that vouch for it. `docs/OPERATIONS.md` says how it is checked without this program; [`check`] is the same
//! in code.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    base::{limits::SIGNED_STATEMENT_BYTES, random::Random, time::Timestamp},
    crypto::{
        SignError, Signer,
        jws::{self, JwsError, Unverified},
        x509::{Anchor, ChainError, verify_chain, x5c_header},
    },
    keyring::{Keyring, Purpose, dns_name},
    model::statement::Statement,
};

/// `typ` of a signed statement. No other token of this service has it.
pub const STATEMENT_TYPE: &str = "yufu-statement+jwt";

/// Signs statements.
pub struct StatementSigner {
    signer: Arc<dyn Signer>,
    header: Map<String, Value>,
    public_url: String,
}

/// A signed statement that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The service that made it: its public URL.
    pub issuer: String,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Its own random name.
    pub id: String,
    /// What it says.
    pub statement: Statement,
}

/// Why a signed statement is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// Not a JWS of this type, or its signature does not verify.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// No certificates.
    #[error("no certificates vouch for the key")]
    NoCertificates,
    /// The certificates do not lead to a trusted root, or were not valid when it was signed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A claim is missing or of the wrong form.
    #[error("claim {0} is missing or of the wrong form")]
    Claim(&'static str),
    /// The certificate is not for the host of the service that it names.
    #[error("the certificate is not for the host of the issuer")]
    OtherHost,
    /// Signed after the time at which it is checked.
    #[error("it is dated in the future")]
    InFuture,
}

impl StatementSigner {
    /// Signs with the key for requests of `keyring`.
    pub fn new(keyring: &Keyring, public_url: &str) -> Self {
        let header = [("typ", STATEMENT_TYPE.into()), ("x5c", x5c_header(keyring.x5c(Purpose::Request)))];
        let header = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { signer: keyring.signer(Purpose::Request), header, public_url: public_url.to_owned() }
    }

    /// Signs a statement. Its claims are the members of the statement, and `iss` (the public URL), `iat` and `jti`, which
    /// is random: who checks may keep it to see that a statement is not brought twice.
    pub fn sign(&self, statement: &Statement, now: Timestamp, random: &dyn Random) -> Result<String, SignError> {
        // Unwrap safety: a statement is an object of texts, numbers, lists and maps with text keys, which always serialises.
        let members = serde_json::to_value(statement).unwrap_or_default();
        let mut claims = members.as_object().cloned().unwrap_or_default();
        claims.insert("iss".to_owned(), self.public_url.as_str().into());
        claims.insert("iat".to_owned(), now.unix().into());
        claims.insert("jti".to_owned(), random.uuid().to_string().into());
        jws::sign(self.header.clone(), &claims, &*self.signer)
    }
}

/// Checks a signed statement of any service as of `now`: signature, certificates up to one of `anchors` as they stood
/// when it was signed, and that the certificate is for the host of the service that the statement names.
pub fn check(text: &str, anchors: &[Anchor], now: Timestamp) -> Result<Checked, StatementError> {
    let unverified = Unverified::parse_within(text.trim_ascii(), &[STATEMENT_TYPE], SIGNED_STATEMENT_BYTES)?;
    let x5c = unverified.header().x5c.clone().ok_or(StatementError::NoCertificates)?;
    // The certificates are looked at as of the time that the signer states, so that a statement stays good after they have
    // expired. Only a time stamp by somebody else would hold against a key that was stolen since.
    let issued_at = issued_at(&unverified.dangerous_unverified_claims()?)?;
    if issued_at > now {
        return Err(StatementError::InFuture);
    }
    let leaf = verify_chain(&x5c, anchors, issued_at)?;
    let claims = unverified.verify(&leaf.public_key)?.claims;
    let member = |name: &'static str| claims.get(name).and_then(Value::as_str).ok_or(StatementError::Claim(name));
    let (issuer, id) = (member("iss")?.to_owned(), member("jti")?.to_owned());
    if !leaf.dns_names.iter().any(|name| name == dns_name(&issuer)) {
        return Err(StatementError::OtherHost);
    }
    let statement = serde_json::from_value(Value::Object(claims)).map_err(|_| StatementError::Claim("statement"))?;
    Ok(Checked { issuer, issued_at, id, statement })
}

fn issued_at(claims: &Map<String, Value>) -> Result<Timestamp, StatementError> {
    claims.get("iat").and_then(Value::as_i64).map(Timestamp::from_unix).ok_or(StatementError::Claim("iat"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        base::{clock::ManualClock, random::SeededRandom},
        crypto::Algorithm,
        model::{
            reason::ReasonCode,
            statement::{CredentialPart, Presented, StatusPart},
        },
    };

    const URL: &str = "https://id.guizhou.example";
    const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

    fn keyring(seed: u64, public_url: &str) -> Keyring {
        let (clock, random) = (ManualClock::at(NOW), SeededRandom::new(seed));
        Keyring::in_memory(public_url, Algorithm::Ed25519, &clock, &random).expect("keys")
    }

    fn statement() -> Statement {
        let claims = json!({"name": "欧阳美玲", "portrait": "x".repeat(128 * 1024)});
        let credential = CredentialPart {
            format: "dc+sd-jwt".to_owned(),
            credential_type: "https://id.guizhou.example/credential-types/resident-id".to_owned(),
            issuer: URL.to_owned(),
            valid_from: Some(NOW),
            valid_until: None,
            claims: claims.as_object().cloned().expect("an object"),
        };
        let presented =
            Presented { query_id: None, credential: Some(credential), status: StatusPart::UNKNOWN, checks: Vec::new() };
        Statement::of_one(ReasonCode::Accepted, presented, NOW)
    }

    fn signed(keyring: &Keyring, public_url: &str) -> String {
        StatementSigner::new(keyring, public_url).sign(&statement(), NOW, &SeededRandom::new(3)).expect("signed")
    }

    /// The claims of the statement under another header or with other claims, by the same key.
    fn forged(keyring: &Keyring, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
        let own = signed(keyring, URL);
        let unverified = Unverified::parse_within(&own, &[STATEMENT_TYPE], SIGNED_STATEMENT_BYTES).expect("a JWS");
        let mut header = unverified.header().members.clone();
        let mut claims = unverified.dangerous_unverified_claims().expect("claims");
        change(&mut header, &mut claims);
        jws::sign(header, &claims, &*keyring.signer(Purpose::Request)).expect("signed")
    }

    #[test]
    fn a_third_party_checks_it_with_the_root_alone() {
        let keyring = keyring(1, URL);
        let text = signed(&keyring, URL);
        let later = NOW.plus_seconds(10 * 365 * 24 * 3600);
        for at in [NOW, later] {
            let checked = check(&format!("{text}\n"), keyring.anchors(), at).expect("it is good");
            assert_eq!((checked.issuer.as_str(), checked.issued_at), (URL, NOW));
            assert_eq!(checked.statement, statement());
        }
        // What the page describes, step by step, with nothing but the JWS and X.509 layers.
        let token = Unverified::parse_within(&text, &["yufu-statement+jwt"], SIGNED_STATEMENT_BYTES).expect("a JWS");
        let x5c = token.header().x5c.clone().expect("certificates");
        let leaf = verify_chain(&x5c, keyring.anchors(), NOW).expect("a chain to the root");
        assert_eq!(leaf.dns_names, ["id.guizhou.example"]);
        let verified = token.verify(&leaf.public_key).expect("the signature");
        assert_eq!(verified.header.members["alg"], "ES256");
        assert_eq!(verified.claims["iss"], URL);
        assert_eq!(verified.claims["iat"], NOW.unix());
        assert_eq!(verified.claims["decision"], "accepted");
        assert_eq!(verified.claims["jti"].as_str().map(str::len), Some(36));
    }

    #[test]
    fn each_statement_has_a_name_of_its_own() {
        let (keyring, random) = (keyring(1, URL), SeededRandom::new(3));
        let id = || {
            let text = StatementSigner::new(&keyring, URL).sign(&statement(), NOW, &random).expect("signed");
            check(&text, keyring.anchors(), NOW).expect("good").id
        };
        assert_ne!(id(), id());
    }

    #[test]
    fn whatever_is_not_what_the_service_signed_is_refused() {
        let (own, other) = (keyring(1, URL), keyring(2, URL));
        let text = signed(&own, URL);
        let refused = |text: &str| check(text, own.anchors(), NOW).err();
        assert_eq!(check(&text, other.anchors(), NOW).err(), Some(ChainError::Untrusted.into()));
        assert_eq!(check(&text, &[], NOW).err(), Some(ChainError::Untrusted.into()));
        assert_eq!(check(&text, own.anchors(), NOW.plus_seconds(-1)).err(), Some(StatementError::InFuture));
        let claims = |name: &'static str, value: Value| forged(&own, |_, claims| drop(claims.insert(name.to_owned(), value)));
        assert_eq!(refused(&claims("iss", "https://elsewhere.example".into())), Some(StatementError::OtherHost));
        assert_eq!(refused(&claims("iss", 1.into())), Some(StatementError::Claim("iss")));
        assert_eq!(refused(&claims("jti", Value::Null)), Some(StatementError::Claim("jti")));
        assert_eq!(refused(&claims("iat", "now".into())), Some(StatementError::Claim("iat")));
        assert_eq!(refused(&claims("decision", "passed".into())), Some(StatementError::Claim("statement")));
        let early = Timestamp::from_unix(0).unix();
        assert!(matches!(refused(&claims("iat", early.into())), Some(StatementError::Chain(ChainError::NotYetValid { .. }))));
        let header = |name: &'static str, value: Value| forged(&own, |header, _| drop(header.insert(name.to_owned(), value)));
        assert_eq!(refused(&header("typ", "oauth-authz-req+jwt".into())), Some(JwsError::WrongType.into()));
        assert_eq!(refused(&header("x5c", x5c_header(other.x5c(Purpose::Request)))), Some(ChainError::Untrusted.into()));
        // Another certificate of the same root is for another purpose: it names no host.
        let issuers = header("x5c", x5c_header(own.x5c(Purpose::Issuer)));
        assert_eq!(refused(&issuers), Some(JwsError::AlgorithmNotAllowed.into()));
        assert_eq!(refused(&forged(&own, |header, _| drop(header.remove("x5c")))), Some(StatementError::NoCertificates));
        let (signing_input, signature) = text.rsplit_once('.').expect("three parts");
        let (header, _) = signing_input.split_once('.').expect("three parts");
        let changed = forged(&own, |_, claims| drop(claims.insert("decision".to_owned(), "refused".into())));
        let payload = changed.split('.').nth(1).expect("three parts");
        assert_eq!(refused(&format!("{header}.{payload}.{signature}")), Some(JwsError::BadSignature.into()));
        assert_eq!(refused(&"x".repeat(SIGNED_STATEMENT_BYTES + 1)), Some(JwsError::TooLong.into()));
    }
}
