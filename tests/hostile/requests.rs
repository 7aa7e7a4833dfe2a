//! What this verifier asks, as strict wallets read it, and what it does not let itself be asked to ask.

use serde_json::{Value, json};

use super::{
    desk::{Begun, Desk, ID, PRESENTATIONS, Row, text},
    support::wallet::Link,
};

pub const TESTED: &[&str] = &["NT-VP-08", "NT-VP-09", "NT-VP-13", "NT-VP-14"];

#[test]
fn a_request_gives_a_strict_wallet_nothing_to_refuse() {
    // NT-VP-08, NT-HAIP-01: `check_request` of the wallet holds type, chain without anchor, no self-signed leaf, the hash
    // in the client identifier, and the signature.
    let desk = Desk::open();
    let view = desk.gate.post(PRESENTATIONS, &desk.order()).good(201);
    let link = Link::read(text(&view["authorization_request"]));
    assert_eq!(link.request_uri_method.as_deref(), Some("post"));
    let nonce = "~!*'()+ &=%42/é".trim_end_matches('é');
    let answer = desk.wallet.fetch(&link, Some(nonce));
    assert_eq!(answer.header("cache-control"), "no-store");
    let asked = desk.wallet.check_request(&answer.text());
    assert_eq!(asked.text("wallet_nonce"), nonce, "as it came");
    assert_eq!(asked.text("client_id"), link.client_id);
    assert!(link.client_id.starts_with("x509_hash:"));
    assert_eq!((asked.text("response_type"), asked.text("response_mode")), ("vp_token", "direct_post.jwt"));
    assert_eq!(asked.text("aud"), "https://self-issued.me/v2");
    // The key in client_metadata encrypts and signs nothing.
    let certificate = text(&asked.header["x5c"][0]).to_owned();
    let jwk = asked.encryption_jwk();
    assert_eq!((&jwk["alg"], &jwk["use"]), (&json!("ECDH-ES"), &json!("enc")));
    use base64::Engine;
    let der = base64::engine::general_purpose::STANDARD.decode(certificate).expect("a certificate");
    let x = yufu::base::base64url::decode(text(&jwk["x"])).expect("base64url");
    assert!(!der.windows(x.len()).any(|window| window == x.as_slice()), "it is not the key of the certificate");
    let encryptions = &asked.claims["client_metadata"]["encrypted_response_enc_values_supported"];
    assert_eq!(*encryptions, json!(["A256GCM", "A128GCM"]));
    // Without a nonce none is put in.
    let view = desk.gate.post(PRESENTATIONS, &desk.order()).good(201);
    let asked = desk.wallet.check_request(&desk.wallet.fetch(&Link::read(text(&view["authorization_request"])), None).text());
    assert!(!asked.claims.contains_key("wallet_nonce"));
}

#[test]
fn a_fetch_that_cannot_be_read_leaves_the_request_to_the_wallet() {
    // NT-VP-08
    let desk = Desk::open();
    let view = desk.gate.post(PRESENTATIONS, &desk.order()).good(201);
    let link = Link::read(text(&view["authorization_request"]));
    let path = desk.wallet.path_of(&link.request_uri);
    for form in [format!("wallet_nonce={}", "n".repeat(257)), "wallet_nonce=%00".into(), "wallet_nonce=%e9".into(), "%".into()]
    {
        let answer = desk.wallet.user.post_form(&path, &form);
        assert_eq!(answer.status, 400, "{form}: {}", answer.text());
        assert!(!answer.text().contains("nnn"), "what was sent is not repeated");
    }
    let answer = desk.wallet.user.post(&path, &json!({"wallet_nonce": "x"}));
    assert_eq!(answer.status, 415, "{}", answer.text());
    assert_eq!(desk.look(text(&view["id"]))["state"], "waiting");
    assert_eq!(desk.wallet.fetch(&link, Some("n")).status, 200);
}

#[test]
fn a_request_says_where_to_post_and_never_where_to_redirect() {
    // NT-VP-09, NT-HAIP-02
    let desk = Desk::open();
    let mut same_device = desk.order();
    same_device["flow"] = "same_device".into();
    same_device["redirect_uri"] = format!("{}/checkpoint", desk.service.url()).into();
    for order in [desk.order(), same_device, json!({"use_case": "boarding"})] {
        let Begun { asked, .. } = desk.begin(&order);
        assert!(!asked.claims.contains_key("redirect_uri"));
        assert_eq!(asked.text("response_mode"), "direct_post.jwt");
        assert!(asked.text("response_uri").starts_with(&format!("{}/responses/", desk.service.url())));
    }
    for (flow, uri, status, code) in [
        ("same_device", json!("https://evil.example/back"), 403, "redirect_uri_not_allowed"),
        ("same_device", json!(format!("{}/checkpoint/", desk.service.url())), 403, "redirect_uri_not_allowed"),
        ("same_device", json!(format!("{}/checkpoint?x=1", desk.service.url())), 403, "redirect_uri_not_allowed"),
        ("same_device", Value::Null, 400, "invalid_request"),
        ("cross_device", json!(format!("{}/checkpoint", desk.service.url())), 400, "invalid_request"),
    ] {
        let mut order = desk.order();
        order["flow"] = flow.into();
        order["redirect_uri"] = uri;
        desk.gate.post(PRESENTATIONS, &order).problem(status, code);
    }
}

#[test]
fn a_query_that_is_not_well_formed_is_not_asked() {
    // NT-VP-13
    let desk = Desk::open();
    let good = desk.query(&json!([{"id": "n", "path": ["name"]}]));
    let changes: [Row<fn(&mut Value)>; 16] = [
        ("no credentials", |query| query["credentials"] = json!([])),
        ("an id twice", |query| {
            let one = query["credentials"][0].clone();
            query["credentials"].as_array_mut().expect("a list").push(one);
        }),
        ("bad characters", |query| query["credentials"][0]["id"] = "resident id".into()),
        ("an empty id", |query| query["credentials"][0]["id"] = "".into()),
        ("no format", |query| drop(query["credentials"][0].as_object_mut().expect("an object").remove("format"))),
        ("the old format", |query| query["credentials"][0]["format"] = "vc+sd-jwt".into()),
        ("no meta", |query| drop(query["credentials"][0].as_object_mut().expect("an object").remove("meta"))),
        ("no types", |query| query["credentials"][0]["meta"]["vct_values"] = json!([])),
        ("no claims in the list", |query| query["credentials"][0]["claims"] = json!([])),
        ("an empty path", |query| query["credentials"][0]["claims"][0]["path"] = json!([])),
        ("a negative index", |query| query["credentials"][0]["claims"][0]["path"] = json!(["a", -1])),
        ("a claim twice", |query| {
            let one = json!({"id": "m", "path": query["credentials"][0]["claims"][0]["path"]});
            query["credentials"][0]["claims"].as_array_mut().expect("a list").push(one);
        }),
        ("claim sets without ids", |query| {
            query["credentials"][0]["claim_sets"] = json!([["n"]]);
            query["credentials"][0]["claims"][0].as_object_mut().expect("an object").remove("id");
        }),
        ("an empty claim set", |query| query["credentials"][0]["claim_sets"] = json!([[]])),
        ("a credential set of nobody", |query| query["credential_sets"] = json!([{"options": [["other"]]}])),
        ("an object as value", |query| query["credentials"][0]["claims"][0]["values"] = json!([{}])),
    ];
    desk.gate.post(PRESENTATIONS, &json!({"query": good})).good(201);
    for (row, change) in changes {
        let mut query = good.clone();
        change(&mut query);
        let answer = desk.gate.post(PRESENTATIONS, &json!({"query": query}));
        assert_eq!(answer.status, 400, "{row}: {}", answer.text());
    }
    for query in [json!([]), json!("x"), json!({}), Value::Null] {
        assert_eq!(desk.gate.post(PRESENTATIONS, &json!({"query": query})).status, 400, "{query}");
    }
    assert_eq!(desk.gate.post(PRESENTATIONS, &json!({})).status, 400);
}

#[test]
fn answers_to_wallets_are_not_stored_not_shared_and_repeat_nothing() {
    //
    let desk = Desk::open();
    let Begun { id, asked } = desk.begin(&desk.order());
    let path = desk.wallet.path_of(asked.text("response_uri"));
    let secret = "a-secret-of-the-wallet";
    let bad = desk.wallet.user.send(
        "POST",
        &path,
        &[("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")],
        format!("response={secret}").as_bytes(),
    );
    bad.oauth(400, "invalid_request");
    assert!(!bad.text().contains(secret));
    let statement = desk.look(&id)["statement"].to_string();
    assert!(!statement.contains(secret) && !statement.contains(asked.text("state")));
    let Begun { id, asked } = desk.begin(&desk.order());
    let good = desk.wallet.answer(&asked, &[(ID, &desk.card)]);
    // A wallet may be a page of any site: it reads its own answer, and nothing goes by a cookie.
    assert_eq!((good.header("cache-control"), good.header("access-control-allow-origin")), ("no-store", "*"));
    assert_eq!(good.header("access-control-allow-credentials"), "");
    let view = desk.gate.get(&format!("{PRESENTATIONS}/{id}"));
    assert_eq!((view.header("cache-control"), view.header("access-control-allow-origin")), ("no-store", ""));
    for path in ["/requests/AAAAAAAAAAAAAAAAAAAAAA", "/requests/x", "/requests/"] {
        let answer = desk.wallet.user.get(path);
        answer.problem(404, "not_found");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    desk.wallet.user.get(&desk.wallet.path_of(asked.text("response_uri"))).problem(405, "method_not_allowed");
}
