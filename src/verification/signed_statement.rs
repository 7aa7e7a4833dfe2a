//! A statement as a token that a third party can check later: a compact JWS under the key that signs requests, with the
//! certificates that vouch for it. `docs/OPERATIONS.md` says how it is checked.

use serde_json::{Map, Value};

use crate::{
    base::{random::Random, time::Timestamp},
    crypto::{SignError, Signer, jws},
    model::statement::Statement,
};

/// `typ` of a signed statement. No other token of this service has it.
pub const STATEMENT_TYPE: &str = "yufu-statement+jwt";

/// Signs a statement. Its claims are the members of the statement, and `iss` (the public URL), `iat` and `jti`, which is
/// random: who checks may keep it to see that a statement is not brought twice.
pub fn sign(
    statement: &Statement,
    public_url: &str,
    now: Timestamp,
    random: &dyn Random,
    signer: &dyn Signer,
    x5c: &[Vec<u8>],
) -> Result<String, SignError> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let certificates: Vec<Value> = x5c.iter().map(|der| STANDARD.encode(der).into()).collect();
    let mut header = Map::new();
    header.insert("typ".to_owned(), STATEMENT_TYPE.into());
    header.insert("x5c".to_owned(), certificates.into());
    let members = serde_json::to_value(statement).unwrap_or_default();
    // Unwrap safety: a statement is an object of texts, numbers, lists and maps with text keys, which always serialises.
    let mut claims = members.as_object().cloned().unwrap_or_default();
    claims.insert("iss".to_owned(), public_url.into());
    claims.insert("iat".to_owned(), now.unix().into());
    claims.insert("jti".to_owned(), random.uuid().to_string().into());
    jws::sign(header, &claims, signer)
}
