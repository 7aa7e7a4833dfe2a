//! What a credential names and yufu does not fetch: metadata of its issuer, keys, type metadata. Keys come from `x5c` alone,
//! as HAIP 1.0 wants; so a document that would have to be refused is never even asked for.

use serde_json::json;

use super::{
    abroad::{Abroad, INDEX, told, triple},
    lying_host::{Head, Reply},
};

/// The lines that are tested here.
pub const TESTED: &[&str] = &["NT-SVC-04", "NT-SVC-05", "NT-SVC-08", "NT-SVC-09"];

/// A card whose header names its key otherwise than by certificates.
fn with_header(abroad: &Abroad, header: &serde_json::Value) -> String {
    use super::gate::{jwt, object};
    let mut claims = abroad.issuer.claims(&abroad.issuer.list_url(), INDEX);
    claims.insert("iss".to_owned(), json!(abroad.host.url()));
    format!("{}~", jwt(&object(header.clone()), &claims, &abroad.issuer.identity.key))
}

/// NT-SVC-04 and NT-SVC-05: metadata that name another issuer, and metadata with two ways to keys.
#[test]
fn issuer_metadata_are_never_asked_for_and_no_key_is_taken_from_them() {
    let abroad = Abroad::start();
    let (url, key) = (abroad.host.url(), abroad.issuer.identity.key_jwk());
    abroad.host.now(move |head: &Head| match head.path() {
        "/.well-known/jwt-vc-issuer" => {
            let metadata = json!({"issuer": format!("{url}/"), "jwks": {"keys": [key]}, "jwks_uri": format!("{url}/jwks")});
            Reply::good("application/json", metadata.to_string())
        }
        _ => Reply::status(404, &[], ""),
    });
    let typ = "dc+sd-jwt";
    for header in [
        json!({"typ": typ, "alg": "ES256"}),
        json!({"typ": typ, "alg": "ES256", "kid": "key-1"}),
        json!({"typ": typ, "alg": "ES256", "kid": format!("{}/jwks#1", abroad.host.url())}),
    ] {
        let statement = abroad.verify(&with_header(&abroad, &header));
        assert_eq!(
            (&statement["decision"], &statement["reason"]),
            (&json!("refused"), &json!("issuer_not_trusted")),
            "{header}"
        );
    }
    for header in [
        json!({"typ": typ, "alg": "ES256", "jku": format!("{}/jwks", abroad.host.url())}),
        json!({"typ": typ, "alg": "ES256", "x5u": format!("{}/x5u", abroad.host.url())}),
    ] {
        let statement = abroad.verify(&with_header(&abroad, &header));
        assert_eq!(
            (&statement["decision"], &statement["reason"]),
            (&json!("refused"), &json!("header_not_accepted")),
            "{header}"
        );
    }
    assert_eq!(abroad.host.connections(), 0);
}

/// NT-SVC-08 and NT-SVC-09: a type whose metadata do not fit their hash, and one that extends itself. Type metadata say how
/// a card looks and decide nothing, so they are not asked for.
#[test]
fn type_metadata_of_others_are_never_asked_for() {
    let abroad = Abroad::start();
    let (url, list) = (abroad.host.url(), abroad.issuer.list(0, |_| {}));
    let vct = format!("{url}/types/id");
    let extends = vct.clone();
    abroad.host.now(move |head: &Head| match head.path() {
        "/status-lists/1" => Reply::good("application/statuslist+jwt", &list),
        _ => Reply::good("application/json", json!({"vct": extends, "extends": extends}).to_string()),
    });
    let mut claims = abroad.issuer.claims(&abroad.issuer.list_url(), INDEX);
    claims.insert("vct".to_owned(), json!(vct));
    claims.insert("vct#integrity".to_owned(), json!("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
    let statement = abroad.verify(&abroad.issuer.shown(claims, abroad.now()));
    assert_eq!(told(&statement), triple("accepted", "accepted", ""));
    assert_eq!(statement["credential"]["type"], vct.as_str());
    let asked: Vec<String> = abroad.host.heads().iter().map(|head| head.path().to_owned()).collect();
    assert_eq!(asked, ["/status-lists/1"]);
}
