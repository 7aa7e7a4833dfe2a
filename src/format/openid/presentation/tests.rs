use super::*;

#[test]
fn a_request_never_says_where_to_redirect_and_where_to_post() {
    // NT-VP-09: a wallet refuses a request with both; there is no member here that could make one.
    let posted = Destination::DirectPost { response_uri: "https://id.example/responses/1".to_owned(), encrypted: true };
    let in_page = Destination::DcApi { encrypted: true, expected_origins: vec!["https://id.example".to_owned()] };
    for destination in [posted, in_page] {
        let claims = RequestClaims {
            client_id: Some("x509_hash:abc".to_owned()),
            nonce: "n".to_owned(),
            state: None,
            destination,
            dcql_query: serde_json::json!({}),
            client_metadata: ClientMetadata::default(),
            wallet_nonce: None,
            transaction_data: vec![],
            verifier_info: vec![],
            issued_at: None,
        };
        assert!(!claims.to_map().contains_key("redirect_uri"));
        assert!(!claims.to_query().contains("redirect_uri"));
    }
}
