use serde_json::json;

use super::{
    ErrorResponse,
    credential::{CredentialRequest, CredentialRequestError, Proofs, Wanted},
    form::{self, FormError},
    offer::{AuthorizationCode, CredentialOffer, Grants, PreAuthorizedCode, TxCode, link_by_reference},
    token::{AuthorizationDetail, BadAuthorizationDetails, TokenRequest},
};

#[test]
fn a_form_is_read_strictly() {
    let read = |body: &str| form::parse(body.as_bytes()).map(|form| form.into_iter().collect::<Vec<_>>());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read("a=1+2&b=%E4%B8%AD%2b&c=&d"), Ok(vec![pair("a", "1 2"), pair("b", "中+")]));
    assert_eq!(read("a=b=c&&"), Ok(vec![pair("a", "b=c")]));
    assert_eq!(read("resource=x&resource=y"), Ok(vec![pair("resource", "x y")]));
    for doubled in ["a=1&a=1", "a=1&%61=2", "a=&a=1"] {
        assert_eq!(read(doubled), Err(FormError::Doubled), "{doubled}");
    }
    for malformed in ["a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff", "%C3=1"] {
        assert_eq!(read(malformed), Err(FormError::Malformed), "{malformed}");
    }
    let text = "a b&c=d%中\n\"\\~";
    assert_eq!(read(&format!("x={}", form::encode(text))), Ok(vec![pair("x", text)]));
}

#[test]
fn a_token_request_takes_what_it_knows() {
    let body =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code&pre-authorized_code=abc&tx_code=123456&x=y";
    let expected = TokenRequest {
        grant_type: Some(super::offer::PRE_AUTHORIZED_CODE.to_owned()),
        pre_authorized_code: Some("abc".to_owned()),
        tx_code: Some("123456".to_owned()),
        client_id: None,
        authorization_details: None,
        ..TokenRequest::default()
    };
    assert_eq!(TokenRequest::parse(body.as_bytes()), Ok(expected));
    assert_eq!(TokenRequest::parse(b"tx_code=1&tx_code=2"), Err(FormError::Doubled));
}

#[test]
fn authorization_details_are_of_one_type() {
    let one = r#"[{"type":"openid_credential","credential_configuration_id":"resident-id","claims":[]}]"#;
    let list = AuthorizationDetail::parse_list(one).expect("understood");
    assert_eq!(list[0].credential_configuration_id, "resident-id");
    for other in
        ["[]", "{}", "", r#"[{"type":"other","credential_configuration_id":"x"}]"#, r#"[{"type":"openid_credential"}]"#]
    {
        assert_eq!(AuthorizationDetail::parse_list(other), Err(BadAuthorizationDetails), "{other}");
    }
}

#[test]
fn an_offer_is_written_as_the_standard_has_it() {
    let offer = CredentialOffer {
        credential_issuer: "https://id.example".to_owned(),
        credential_configuration_ids: vec!["resident-id".to_owned()],
        grants: Grants {
            pre_authorized_code: Some(PreAuthorizedCode {
                code: "abc".to_owned(),
                tx_code: Some(TxCode { input_mode: Some("numeric".to_owned()), length: Some(6), description: None }),
            }),
            authorization_code: Some(AuthorizationCode { issuer_state: Some("xyz".to_owned()) }),
        },
    };
    let expected = json!({
        "credential_issuer": "https://id.example",
        "credential_configuration_ids": ["resident-id"],
        "grants": {
            "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                "pre-authorized_code": "abc",
                "tx_code": {"input_mode": "numeric", "length": 6},
            },
            "authorization_code": {"issuer_state": "xyz"},
        },
    });
    assert_eq!(serde_json::to_value(&offer).expect("it can be written"), expected);
    let link = offer.link_by_value();
    let query = link.strip_prefix("openid-credential-offer://?").expect("the scheme");
    let text = form::parse(query.as_bytes()).expect("a form").remove("credential_offer").expect("the offer");
    assert_eq!(serde_json::from_str::<CredentialOffer>(&text).expect("an offer"), offer);
    assert_eq!(
        link_by_reference("https://id.example/offers/1"),
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fid.example%2Foffers%2F1"
    );
    // A wallet reads an empty tx_code as "asked for" (section 4.1.1).
    let empty: PreAuthorizedCode = serde_json::from_value(json!({"pre-authorized_code": "x", "tx_code": {}})).expect("read");
    assert_eq!(empty.tx_code, Some(TxCode::default()));
}

#[test]
fn a_credential_request_is_one_target_and_one_list_of_proofs() {
    use CredentialRequestError as E;
    let read = |body: &str| CredentialRequest::parse(body.as_bytes());
    let good = r#"{"credential_configuration_id":"resident-id","proofs":{"jwt":["a","b"]},"unknown":1,"proof":{}}"#;
    let expected = CredentialRequest {
        wanted: Wanted::Configuration("resident-id".to_owned()),
        proofs: Proofs::Jwt(vec!["a".to_owned(), "b".to_owned()]),
        encryption: None,
    };
    assert_eq!(read(good), Ok(expected));
    let many = format!(r#"{{"credential_configuration_id":"x","proofs":{{"jwt":[{}"a"]}}}}"#, r#""a","#.repeat(10));
    for (body, error, code) in [
        ("", E::NotJson, "invalid_credential_request"),
        ("[]", E::NotJson, "invalid_credential_request"),
        (r#"{"proofs":{"jwt":["a"]},"proofs":{"jwt":["b"]}}"#, E::NotJson, "invalid_credential_request"),
        (r#"{"proofs":{"jwt":["a"]}}"#, E::NotOneTarget, "invalid_credential_request"),
        (
            r#"{"credential_configuration_id":"x","credential_identifier":"x","proofs":{"jwt":["a"]}}"#,
            E::NotOneTarget,
            "invalid_credential_request",
        ),
        (r#"{"credential_configuration_id":7}"#, E::WrongType("credential_configuration_id"), "invalid_credential_request"),
        (
            r#"{"credential_configuration_id":"x","proofs":{"jwt":["a"]},"credential_response_encryption":{}}"#,
            E::Encryption("jwk is missing"),
            "invalid_encryption_parameters",
        ),
        (r#"{"credential_configuration_id":"x"}"#, E::ProofsMissing, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proof":{"proof_type":"jwt","jwt":"a"}}"#, E::ProofsMissing, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":"a"}"#, E::ProofType, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{}}"#, E::ProofType, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"jwt":["a"],"di_vp":[{}]}}"#, E::ProofType, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"ldp_vp":["a"]}}"#, E::ProofType, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"attestation":[]}}"#, E::ProofList, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"attestation":["a","b"]}}"#, E::TooManyProofs, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"jwt":[]}}"#, E::ProofList, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"jwt":"a"}}"#, E::ProofList, "invalid_proof"),
        (r#"{"credential_configuration_id":"x","proofs":{"jwt":[1]}}"#, E::ProofList, "invalid_proof"),
        (&many, E::TooManyProofs, "invalid_proof"),
    ] {
        assert_eq!(read(body), Err(error), "{body}");
        assert_eq!(error.code(), code, "{body}");
    }
}

#[test]
fn error_descriptions_keep_to_their_characters() {
    let error = ErrorResponse::new("invalid_request", "say \"x\\y\"\r\nSet-Cookie: 中");
    assert_eq!(error.error_description.as_deref(), Some("say xySet-Cookie: "));
}
