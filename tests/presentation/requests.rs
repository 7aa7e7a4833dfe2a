//! How a wallet gets the request, who it says is asking, and how the answer comes back.

use serde_json::{Map, Value, json};
use yufu::{
    base::base64url,
    crypto::jwe::Encryption,
    format::openid::{form, presentation::REQUEST_OBJECT_TYPE},
    verification::request_object::ClientIdPrefix,
};

use super::{
    Begun, PRESENTATIONS, Scene, check,
    support::{
        TestService,
        wallet::{AskedFor, Link, as_form},
    },
    text, told,
};

fn asking_by(prefix: ClientIdPrefix) -> Scene {
    Scene::on(TestService::start_with(|config| config.identity.client_id_prefix = prefix))
}

fn age() -> Value {
    json!({"use_case": "age-over-18"})
}

/// What a wallet needs of a request, and nothing that it does not (sections 5.1 to 5.11).
#[test]
fn a_request_has_the_members_of_the_standard_and_fresh_secrets() {
    let scene = Scene::new();
    let (_, one) = scene.ask(&age());
    let members: Vec<_> = one.claims.keys().map(String::as_str).collect();
    let expected = [
        "aud",
        "client_id",
        "client_metadata",
        "dcql_query",
        "iat",
        "nonce",
        "response_mode",
        "response_type",
        "response_uri",
        "state",
        "verifier_info",
        "wallet_nonce",
    ];
    assert_eq!(members, expected);
    // The purpose of the use case, for the holder to read.
    assert_eq!(one.claims["verifier_info"][0]["format"], "urn:yufu:use-case");
    assert_eq!(one.text("aud"), "https://self-issued.me/v2");
    assert_eq!((one.text("response_type"), one.text("response_mode")), ("vp_token", "direct_post.jwt"));
    let metadata = &one.claims["client_metadata"];
    assert_eq!(metadata["encrypted_response_enc_values_supported"], json!(["A256GCM", "A128GCM"]));
    let key = &metadata["jwks"]["keys"][0];
    assert_eq!((&key["alg"], &key["crv"], &key["use"]), (&json!("ECDH-ES"), &json!("P-256"), &json!("enc")));
    assert!(text(&key["kid"]).len() >= 16 && key.get("d").is_none());
    let (_, other) = scene.ask(&age());
    for member in ["nonce", "state", "response_uri"] {
        assert_ne!(one.text(member), other.text(member));
        assert!(one.text(member).len() >= 22, "128 bits");
    }
    assert_ne!(key["x"], other.claims["client_metadata"]["jwks"]["keys"][0]["x"]);
}

#[test]
fn a_request_is_fetched_by_get_or_by_post_with_the_wallet_s_nonce() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    for nonce in [None, Some("a nonce of the wallet, 40 characters long")] {
        let begun = scene.begin(&age());
        let link = Link::read(begun.link());
        assert_eq!(link.request_uri_method.as_deref(), Some("post"));
        assert_eq!(begun.first["request_uri"], link.request_uri);
        let answer = scene.wallet.fetch(&link, nonce);
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        assert_eq!(answer.header("content-type"), format!("application/{REQUEST_OBJECT_TYPE}"));
        let asked = scene.wallet.check_request(&answer.text());
        assert_eq!(asked.claims.get("wallet_nonce").and_then(Value::as_str), nonce);
        for again in [None, Some("again")] {
            scene.wallet.fetch(&link, again).problem(410, "request_used");
        }
        scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
        assert_eq!(told(&begun.statement()).0, "accepted");
        scene.wallet.fetch(&link, None).problem(410, "request_used");
    }
    let begun = scene.begin(&age());
    let path = scene.wallet.path_of(text(&begun.first["request_uri"]));
    scene.service.anon().post_form(&path, &format!("wallet_nonce={}", "n".repeat(10_000))).problem(400, "invalid_request");
    assert_eq!(begun.look()["state"], "waiting", "a bad form takes nothing");
}

#[test]
fn a_wallet_can_encrypt_with_either_algorithm_that_is_offered() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    for encryption in [Encryption::A128Gcm, Encryption::A256Gcm] {
        let (begun, asked) = scene.ask(&age());
        let response = scene.wallet.response(&asked, &[("resident_id", &card)]).to_string();
        let sealed = scene.wallet.seal_bytes(&asked, response.as_bytes(), encryption);
        assert_eq!(scene.wallet.post_sealed(&asked, &sealed).good(200), json!({}));
        assert_eq!(told(&begun.statement()), ("accepted", "accepted"));
    }
}

#[test]
fn answers_in_the_clear_are_for_this_machine_only() {
    let order = json!({"use_case": "age-over-18", "response_mode": "direct_post"});
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let (begun, asked) = scene.ask(&order);
    assert_eq!(asked.text("response_mode"), "direct_post");
    assert!(asked.claims["client_metadata"].get("jwks").is_none(), "{:?}", asked.claims);
    assert_eq!(scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200), json!({}));
    assert_eq!(told(&begun.statement()), ("accepted", "accepted"));
    let beyond = TestService::start_with(|config| {
        config.identity.public_url = Some("https://id.example".parse().expect("a URL"));
        config.identity.allow_development_keys = true;
    });
    let mut admin = beyond.admin();
    admin.url = format!("http://{}", beyond.service().address().expect("it listens"));
    let made = admin.post("/admin/api/v1/tokens", &json!({"name": "gate 1", "role": "checkpoint"})).good(201);
    let mut gate = admin.clone();
    gate.token = Some(text(&made["token"]).to_owned());
    let problem = gate.post(PRESENTATIONS, &order).problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/response_mode", "{problem}");
    let begun = gate.post(PRESENTATIONS, &age()).good(201);
    assert!(text(&begun["request_uri"]).starts_with("https://id.example/requests/"));
}

/// The holder's proof names the verifier as the request does, with its prefix (sections 5.9 and 14.1.2).
#[test]
fn each_client_identifier_is_backed_and_is_the_audience_of_the_proof() {
    let hash: fn(&AskedFor) -> bool = |asked| asked.text("client_id").len() == "x509_hash:".len() + 43;
    let name: fn(&AskedFor) -> bool = |asked| asked.text("client_id") == "x509_san_dns:localhost";
    for (prefix, is_it) in [(ClientIdPrefix::X509Hash, hash), (ClientIdPrefix::X509SanDns, name)] {
        let scene = asking_by(prefix);
        let card = scene.resident_id(1);
        let (begun, asked) = scene.ask(&age());
        assert!(is_it(&asked), "{}", asked.text("client_id"));
        scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
        assert_eq!(check(&begun.statement(), "audience"), "passed");
        // Without the prefix it is another name.
        let (begun, asked) = scene.ask(&age());
        let mut unsigned = scene.wallet.unsigned(&asked, "resident_id", &card);
        let bare = asked.text("client_id").split_once(':').expect("a prefix").1;
        unsigned.claims.insert("aud".to_owned(), bare.into());
        let response = json!({"vp_token": {"resident_id": [unsigned.sign(&card.key)]}, "state": asked.text("state")});
        scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &response)).oauth(400, "invalid_presentation");
        assert_eq!(told(&begun.statement()), ("refused", "audience_mismatch"));
    }
}

/// The whole request in the link, not signed: objects are JSON texts there (section 5.1).
fn read_whole(begun: &Begun) -> AskedFor {
    let (scheme, query) = begun.link().split_once('?').expect("a query");
    assert_eq!(scheme, "openid4vp://");
    let value = |(name, text): (String, String)| {
        let is_json = ["dcql_query", "client_metadata", "transaction_data"].contains(&name.as_str());
        let value = if is_json { serde_json::from_str(&text).expect("JSON") } else { Value::from(text) };
        (name, value)
    };
    let claims: Map<String, Value> = form::parse(query.as_bytes()).expect("a query").into_iter().map(value).collect();
    AskedFor { jwt: String::new(), header: Map::new(), claims }
}

#[test]
fn an_unsigned_request_stands_in_the_link_and_names_where_the_answer_goes() {
    let scene = asking_by(ClientIdPrefix::RedirectUri);
    let card = scene.resident_id(1);
    let begun = scene.begin(&age());
    assert_eq!(begun.first.get("request_uri"), None);
    let asked = read_whole(&begun);
    assert_eq!(asked.text("client_id"), format!("redirect_uri:{}", asked.text("response_uri")));
    assert_eq!(scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200), json!({}));
    let statement = begun.statement();
    assert_eq!((told(&statement).0, check(&statement, "audience")), ("accepted", "passed"));
    scene.wallet.answer(&asked, &[("resident_id", &card)]).oauth(400, "invalid_request");
    // In the clear too, and by the browser.
    let begun = scene.begin(&json!({"use_case": "age-over-18", "response_mode": "direct_post"}));
    let asked = read_whole(&begun);
    let response = scene.wallet.response(&asked, &[("resident_id", &card)]);
    scene.wallet.post(&asked, &as_form(&response)).good(200);
    assert_eq!(told(&begun.statement()).0, "accepted");
    let begun = scene.begin(&json!({"use_case": "age-over-18", "flow": "dc_api"}));
    let request = &begun.first["dc_api"]["requests"][0];
    assert_eq!(request["protocol"], "openid4vp-v1-unsigned");
    assert!(request["data"].get("client_id").is_none() && request["data"].get("expected_origins").is_none(), "{request}");
}

#[test]
fn a_transaction_is_confirmed_by_the_holder_or_nothing_is_accepted() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let vct = format!("{}/credential-types/resident-id", scene.service.url());
    let query = json!({"credentials": [{
        "id": "card", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": [{"path": ["name"]}],
    }]});
    let entry = |amount: &str| json!({"type": "urn:example:rental", "credential_ids": ["card"], "amount": amount});
    let order = json!({"query": query, "transaction_data": [entry("52"), entry("7")]});
    let (begun, asked) = scene.ask(&order);
    let entries = asked.transaction_data("card");
    let read = |entry: &String| serde_json::from_slice::<Value>(&base64url::decode(entry).expect("base64url")).expect("JSON");
    let amounts: Vec<_> = entries.iter().map(|entry| read(entry)["amount"].clone()).collect();
    assert_eq!(amounts, ["52", "7"]);
    assert_eq!(scene.wallet.answer(&asked, &[("card", &card)]).good(200), json!({}));
    let statement = begun.statement();
    assert_eq!((told(&statement).0, check(&statement, "transaction_data")), ("accepted", "passed"));
    assert_eq!(statement["credential"]["claims"], json!({"name": "测试员"}));
    let hashes = |proof: &mut Map<String, Value>| proof["transaction_data_hashes"].as_array().expect("hashes").clone();
    type Change = fn(&mut Map<String, Value>, Vec<Value>);
    let changes: [(&str, Change); 5] = [
        ("missing", |proof, _| {
            proof.remove("transaction_data_hashes");
        }),
        ("one of two", |proof, hashes| {
            proof.insert("transaction_data_hashes".to_owned(), hashes[..1].into());
        }),
        ("another", |proof, mut hashes| {
            hashes[1] = base64url::encode([7; 32]).into();
            proof.insert("transaction_data_hashes".to_owned(), hashes.into());
        }),
        ("none", |proof, _| {
            proof.insert("transaction_data_hashes".to_owned(), json!([]));
        }),
        ("another algorithm", |proof, _| {
            proof.insert("transaction_data_hashes_alg".to_owned(), "sha-512".into());
        }),
    ];
    for (name, change) in changes {
        let (begun, asked) = scene.ask(&order);
        let mut unsigned = scene.wallet.unsigned(&asked, "card", &card);
        let good = hashes(&mut unsigned.claims);
        change(&mut unsigned.claims, good);
        let response = json!({"vp_token": {"card": [unsigned.sign(&card.key)]}, "state": asked.text("state")});
        scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &response)).oauth(400, "invalid_presentation");
        let statement = begun.statement();
        assert_eq!(told(&statement), ("refused", "transaction_data_mismatch"), "{name}");
        assert_eq!(check(&statement, "transaction_data"), "failed", "{name}");
    }
}
