//! The examples of draft-ietf-oauth-status-list.

use serde_json::Value;
use yufu::{
    base::{base64url, time::Timestamp},
    crypto::PublicKey,
    format::status::{Bits, Expectation, StatusList, StatusListClaims, StatusReference, Unverified, inflate},
};

const URI: &str = "https://example.com/statuslists/1";

fn number(value: &Value, member: &str) -> u64 {
    value[member].as_u64().unwrap_or_else(|| panic!("{member} is a number"))
}

#[test]
fn every_encoding_reads_as_listed_and_writes_the_same_list() {
    let Some(vectors) = crate::json("status-list/encoding_vectors.json") else { return };
    let vectors = vectors.as_array().expect("a list of vectors");
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let name = &vector["name"];
        let bits = Bits::from_number(number(vector, "bits")).expect("a width");
        let lst = vector["json"]["lst"].as_str().expect("a text");
        let packed = inflate(&base64url::decode(lst).expect("base64url"), 1 << 20).expect("a compressed list");
        let list = StatusList::from_packed(bits, packed);
        assert_eq!(list.entries(), number(vector, "size_entries"), "{name}");

        let listed = vector["nonzero_or_listed"].as_object().expect("entries");
        let mut rebuilt = StatusList::all_valid(bits, list.entries() as usize);
        for (index, value) in listed {
            let index = index.parse().expect("an index");
            let value = value.as_u64().expect("a value") as u8;
            assert_eq!(list.value(index), Some(value), "{name} at {index}");
            rebuilt.set(index, value).expect("an entry of the list");
        }
        // The listed entries are all that are not zero, so the list can be made from them.
        assert_eq!(rebuilt, list, "{name}");
        let ours = StatusListClaims::encode(rebuilt.packed()).expect("bytes in memory compress");
        let read = inflate(&base64url::decode(ours).expect("base64url"), 1 << 20).expect("a compressed list");
        assert_eq!(read, list.packed(), "{name}");
    }
}

#[test]
fn the_token_verifies_and_states_the_list() {
    let Some(token) = crate::text("status-list/status_list_token.jwt") else { return };
    let key = crate::json("status-list/keys.json").expect("the folder is there");
    // The published key is the private one; its public half is all that is read.
    let mut key = key.as_object().expect("a JWK").clone();
    key.remove("d");
    let key = PublicKey::from_jwk(&key).expect("a public key");
    let expected = Expectation { uri: URI, at: Timestamp::from_unix(1_686_920_170), newest_seen: None };
    let unverified = Unverified::parse(token.trim()).expect("a status list token");
    assert_eq!(unverified.header().kid.as_deref(), Some("12"));
    let verified = unverified.verify(&key, &expected).expect("a good token");
    assert_eq!(verified.claims.iat, Timestamp::from_unix(1_686_920_170));
    assert_eq!(verified.claims.exp, Some(Timestamp::from_unix(2_291_720_170)));
    assert_eq!(verified.claims.ttl, Some(43_200));
    let values: Vec<_> = (0..17).map(|index| verified.list.value(index)).collect();
    let stated = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1].map(Some);
    assert_eq!((&values[..16], values[16]), (&stated[..], None));
}

#[test]
fn the_referenced_credential_names_list_and_index() {
    let Some(sd_jwt) = crate::text("status-list/referenced_token.sdjwt") else { return };
    let payload = sd_jwt.split('.').nth(1).expect("the payload");
    let claims: Value = serde_json::from_slice(&base64url::decode(payload).expect("base64url")).expect("JSON");
    let reference = StatusReference::read(claims.as_object().expect("an object"));
    assert_eq!(reference, Ok(Some(StatusReference { uri: URI.to_owned(), index: 0 })));
}
