use serde_json::{Value, json};

use super::*;
use crate::{base::time::Timestamp, format::openid::form};

fn posted() -> Destination {
    Destination::DirectPost { response_uri: "https://id.example/responses/r1".to_owned(), encrypted: true }
}

fn in_page() -> Destination {
    Destination::DcApi { encrypted: true, expected_origins: vec!["https://id.example".to_owned()] }
}

fn claims(destination: Destination) -> RequestClaims {
    let key = json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "r1", "use": "enc", "alg": "ECDH-ES"});
    RequestClaims {
        client_id: Some("x509_hash:abc".to_owned()),
        nonce: "n0".to_owned(),
        state: Some("s0".to_owned()),
        destination,
        dcql_query: json!({"credentials": []}),
        client_metadata: ClientMetadata { encryption_key: key.as_object().cloned() },
        wallet_nonce: None,
        transaction_data: vec![],
        verifier_info: vec![],
        issued_at: Some(Timestamp::from_unix(1_795_500_000)),
    }
}

fn metadata() -> Value {
    json!({
        "jwks": {"keys": [
            {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "r1", "use": "enc", "alg": "ECDH-ES"},
        ]},
        "encrypted_response_enc_values_supported": ["A256GCM", "A128GCM"],
        "vp_formats_supported": {
            "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256", "Ed25519"], "kb-jwt_alg_values": ["ES256", "Ed25519"]},
        },
    })
}

#[test]
fn a_request_that_is_posted_to_says_all_of_section_5() {
    let mut claims = claims(posted());
    assert_eq!(
        Value::Object(claims.to_map()),
        json!({
            "response_type": "vp_token", "response_mode": "direct_post.jwt", "client_id": "x509_hash:abc", "nonce": "n0",
            "state": "s0", "response_uri": "https://id.example/responses/r1", "dcql_query": {"credentials": []},
            "client_metadata": metadata(), "aud": "https://self-issued.me/v2", "iat": 1_795_500_000,
        })
    );
    claims.wallet_nonce = Some("w0".to_owned());
    claims.transaction_data = vec!["e30".to_owned()];
    let info = |credential_ids| VerifierInfo { format: "jwt".to_owned(), data: "e.e.e".into(), credential_ids };
    claims.verifier_info = vec![info(vec![]), info(vec!["one".to_owned()])];
    let map = claims.to_map();
    assert_eq!((&map["wallet_nonce"], &map["transaction_data"]), (&json!("w0"), &json!(["e30"])));
    let all = json!([{"format": "jwt", "data": "e.e.e"}, {"format": "jwt", "data": "e.e.e", "credential_ids": ["one"]}]);
    assert_eq!(map["verifier_info"], all);
}

#[test]
fn a_response_in_the_clear_is_asked_for_without_a_key() {
    let destination = Destination::DirectPost { response_uri: "http://127.0.0.1/responses/r1".to_owned(), encrypted: false };
    let map = RequestClaims { client_metadata: ClientMetadata::default(), ..claims(destination) }.to_map();
    assert_eq!(map["response_mode"], "direct_post");
    let members: Vec<_> = map["client_metadata"].as_object().into_iter().flat_map(|metadata| metadata.keys()).collect();
    assert_eq!(members, ["vp_formats_supported"]);
}

#[test]
fn a_request_in_a_page_has_origins_when_it_is_signed_and_never_a_state() {
    let signed = claims(in_page()).to_map();
    assert_eq!((&signed["response_mode"], &signed["expected_origins"]), (&json!("dc_api.jwt"), &json!(["https://id.example"])));
    let unsigned = RequestClaims { client_id: None, issued_at: None, ..claims(in_page()) }.to_map();
    assert_eq!(
        Value::Object(unsigned.clone()),
        json!({
            "response_type": "vp_token", "response_mode": "dc_api.jwt", "nonce": "n0", "dcql_query": {"credentials": []},
            "client_metadata": metadata(),
        })
    );
    for map in [signed, unsigned] {
        assert!(["state", "response_uri"].iter().all(|member| !map.contains_key(*member)));
    }
}

#[test]
fn the_names_of_older_drafts_are_gone() {
    // VP-09, and NT-VP-09: a wallet refuses a request with both `redirect_uri` and `response_uri`.
    const OLD: [&str; 7] = [
        "redirect_uri",
        "presentation_definition",
        "presentation_definition_uri",
        "client_id_scheme",
        "verifier_attestations",
        "vp_formats",
        "iss",
    ];
    for destination in [posted(), in_page()] {
        let map = claims(destination).to_map();
        assert!(OLD.iter().all(|name| !map.contains_key(*name)));
        assert!(!map["client_metadata"].as_object().is_some_and(|metadata| metadata.contains_key("vp_formats")));
    }
}

#[test]
fn nt_vp_09_no_request_says_where_to_redirect_and_where_to_post() {
    for destination in [posted(), in_page()] {
        assert!(!claims(destination.clone()).to_map().contains_key("redirect_uri"));
        let query = claims(destination).to_query();
        assert!(query.split('&').all(|pair| !pair.starts_with("redirect_uri=")), "{query}");
    }
}

#[test]
fn an_unsigned_request_is_the_query_of_a_link() {
    let query = claims(posted()).to_query();
    let read = form::parse(query.as_bytes()).expect("a form");
    assert_eq!(read["client_id"], "x509_hash:abc");
    assert_eq!(serde_json::from_str::<Value>(&read["client_metadata"]).ok(), Some(metadata()));
    assert_eq!(read["dcql_query"], r#"{"credentials":[]}"#);
    // What vouches for a signed one has no place here.
    assert!(!read.contains_key("aud") && !read.contains_key("iat"));
}

#[test]
fn the_browser_gets_protocol_and_data() {
    let signed = digital_credential_request(Protocol::Signed, "e.e.e".into());
    assert_eq!(signed, json!({"protocol": "openid4vp-v1-signed", "data": {"request": "e.e.e"}}));
    let unsigned = digital_credential_request(Protocol::Unsigned, json!({"nonce": "n"}));
    assert_eq!(unsigned, json!({"protocol": "openid4vp-v1-unsigned", "data": {"nonce": "n"}}));
    for protocol in [Protocol::Signed, Protocol::Unsigned] {
        assert_eq!(Protocol::from_name(protocol.name()), Some(protocol));
    }
    for name in ["openid4vp-v1-multisigned", "openid4vp", "OPENID4VP-V1-SIGNED", ""] {
        assert_eq!(Protocol::from_name(name), None, "{name}");
    }
}

#[test]
fn the_same_answer_is_read_from_a_form_from_a_jwe_and_from_a_browser() {
    let plain = PostedResponse::Plain { vp_token: json!({"one": ["a"]}), state: Some("s".to_owned()) };
    assert_eq!(PostedResponse::read(b"vp_token=%7B%22one%22%3A%5B%22a%22%5D%7D&state=s"), Ok(plain.clone()));
    let inside = json!({"vp_token": {"one": ["a"]}, "state": "s", "iss": "ignored"});
    assert_eq!(PostedResponse::from_decrypted(inside.to_string().as_bytes()), Ok(plain.clone()));
    let data = |value: Value| value.as_object().cloned().unwrap_or_default();
    assert_eq!(PostedResponse::from_digital_credential(&data(inside)), Ok(plain));
    let encrypted = Ok(PostedResponse::Encrypted("a.b.c.d.e".to_owned()));
    assert_eq!(PostedResponse::from_digital_credential(&data(json!({"response": "a.b.c.d.e"}))), encrypted);

    let error = |error, state: Option<&str>| Ok(PostedResponse::Error { error, state: state.map(str::to_owned) });
    assert_eq!(PostedResponse::read(b"error=access_denied&state=s"), error(WalletError::AccessDenied, Some("s")));
    assert_eq!(PostedResponse::from_decrypted(br#"{"error":"access_denied"}"#), error(WalletError::AccessDenied, None));
    let invalid = data(json!({"error": "invalid_request"}));
    assert_eq!(PostedResponse::from_digital_credential(&invalid), error(WalletError::InvalidRequest, None));
}

#[test]
fn every_error_of_section_8_5_is_told_apart() {
    use WalletError as E;
    for (code, expected) in [
        ("access_denied", E::AccessDenied),
        ("invalid_request", E::InvalidRequest),
        ("invalid_client", E::InvalidClient),
        ("invalid_scope", E::InvalidScope),
        ("invalid_request_uri_method", E::InvalidRequestUriMethod),
        ("invalid_transaction_data", E::InvalidTransactionData),
        ("vp_formats_not_supported", E::VpFormatsNotSupported),
        ("wallet_unavailable", E::WalletUnavailable),
        ("my_own_words 张三", E::Other),
        ("Access_Denied", E::Other),
    ] {
        let body = format!("error={}&error_description=words", form::encode(code));
        assert_eq!(PostedResponse::read(body.as_bytes()), Ok(PostedResponse::Error { error: expected, state: None }), "{code}");
    }
    assert_eq!(PostedResponse::read(b""), Err(ResponseError::Member("response")));
    assert_eq!(PostedResponse::read(b"state=s"), Err(ResponseError::Member("response")));
    assert_eq!(PostedResponse::read(b"vp_token=&error="), Err(ResponseError::Member("response")));
}
