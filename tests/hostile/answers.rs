//! Wrong answers to a good request, each told to the wallet by the protocol's name and to the gate with its reason.

use serde_json::{Map, Value, json};
use yufu::{
    base::base64url,
    crypto::{Signer, jwe::Encryption, jws, sha256},
};

use super::{
    desk::{Begun, Desk, ID, PRESENTATIONS, Row, accepted, sealed, text, with_token},
    support::{
        driver,
        wallet::{AskedFor, Unsigned, as_form},
        with_portrait,
    },
};

pub const TESTED: &[&str] =
    &["NT-VP-02", "NT-VP-03", "NT-VP-04", "NT-VP-05", "NT-VP-06", "NT-VP-12", "NT-VP-15", "NT-VP-16", "T-OVERASK"];

/// Makes a `vp_token` of a good presentation.
type Shape = fn(String) -> Value;
/// Changes the header of a JWE.
type Change = fn(&mut Map<String, Value>);

const REQUEST: &str = "invalid_request";
const PRESENTATION: &str = "invalid_presentation";

impl Desk {
    /// A presentation whose holder's proof `change` may spoil, in an answer that is good otherwise.
    fn spoiled(&self, asked: &AskedFor, change: impl FnOnce(&mut Unsigned)) -> String {
        let mut unsigned = self.wallet.unsigned(asked, ID, &self.card);
        change(&mut unsigned);
        sealed(&self.wallet, asked, &with_token(asked, json!({ID: [unsigned.sign(&self.card.key)]})))
    }

    /// An answer with this `vp_token`.
    fn token(&self, asked: &AskedFor, vp_token: Value) -> String {
        sealed(&self.wallet, asked, &with_token(asked, vp_token))
    }
}

#[test]
fn a_proof_for_another_audience_is_refused() {
    // NT-VP-02
    let desk = Desk::open();
    let audiences: [fn(&str, &str) -> String; 8] = [
        |_, url| url.to_owned(),
        |_, url| url.split("://").nth(1).unwrap_or_default().to_owned(),
        |client_id, _| client_id.trim_start_matches("x509_hash:").to_owned(),
        |_, _| "x509_san_dns:localhost".to_owned(),
        |_, url| format!("origin:{url}"),
        |_, url| format!("redirect_uri:{url}"),
        |client_id, _| client_id.to_uppercase(),
        |_, _| "https://self-issued.me/v2".to_owned(),
    ];
    for audience in audiences {
        let audience = |asked: &AskedFor| audience(asked.text("client_id"), &desk.service.url());
        let make = |asked: &AskedFor| {
            let audience = audience(asked);
            desk.spoiled(asked, |proof| drop(proof.claims.insert("aud".to_owned(), audience.into())))
        };
        desk.refused("aud", &desk.order(), make, PRESENTATION, "audience_mismatch");
    }
    let list = |asked: &AskedFor| {
        let audience = json!([asked.text("client_id")]);
        desk.spoiled(asked, |proof| drop(proof.claims.insert("aud".to_owned(), audience)))
    };
    desk.refused("a list", &desk.order(), list, PRESENTATION, "holder_binding_invalid");
}

#[test]
fn a_browsers_answer_is_made_for_the_origin_of_the_page_and_nothing_else() {
    // NT-VP-02, NT-VP-14
    let desk = Desk::open();
    let mut order = desk.order();
    order["flow"] = "dc_api".into();
    let url = desk.service.url();
    let rows = [
        (format!("origin:{url}"), "accepted"),
        (url.clone(), "audience_mismatch"),
        (format!("origin:{url}/"), "audience_mismatch"),
        ("origin:https://other.example".to_owned(), "audience_mismatch"),
        ("the client id".to_owned(), "audience_mismatch"),
    ];
    for (audience, reason) in rows {
        let view = desk.gate.post(PRESENTATIONS, &order).good(201);
        let request = view["dc_api"]["requests"][0].clone();
        assert_eq!(request["protocol"], "openid4vp-v1-signed");
        let asked = desk.wallet.check_request(text(&request["data"]["request"]));
        assert_eq!(asked.claims["expected_origins"], json!([url]));
        assert_eq!((asked.claims.get("state"), asked.claims.get("response_uri")), (None, None));
        let audience = if audience == "the client id" { asked.text("client_id").to_owned() } else { audience };
        let mut unsigned = desk.wallet.unsigned(&asked, ID, &desk.card);
        unsigned.claims.insert("aud".to_owned(), audience.clone().into());
        let jwe = desk.wallet.seal(&asked, &json!({"vp_token": {ID: [unsigned.sign(&desk.card.key)]}}));
        let path = format!("{PRESENTATIONS}/{}/response", text(&view["id"]));
        let body = json!({"protocol": "openid4vp-v1-signed", "data": {"response": jwe}});
        assert_eq!(desk.gate.post(&path, &body).good(200)["statement"]["reason"], reason, "{audience}");
        desk.gate.post(&path, &body).problem(409, "presentation_over");
    }
    for origin in ["https://other.example", &format!("{url}/"), "null", "*"] {
        order["origin"] = origin.into();
        desk.gate.post(PRESENTATIONS, &order).problem(403, "origin_not_allowed");
    }
}

#[test]
fn a_vp_token_of_another_shape_is_refused() {
    // NT-VP-03
    let desk = Desk::open();
    let good = |asked: &AskedFor| desk.wallet.present(asked, ID, &desk.card);
    let shapes: [Row<Shape>; 12] = [
        ("a text", |good| json!(good)),
        ("a list", |good| json!([good])),
        ("a text under the id", |good| json!({ID: good})),
        ("an object under the id", |good| json!({ID: {"0": good}})),
        ("an empty list", |_| json!({ID: []})),
        ("nothing at all", |_| json!({})),
        ("null", |_| Value::Null),
        ("an id that was not asked for", |good| json!({ID: [good], "other": ["x"]})),
        ("only another id", |good| json!({"other": [good]})),
        ("two without `multiple`", |good| json!({ID: [good, good]})),
        ("a number in the list", |good| json!({ID: [good, 7]})),
        ("an mdoc in an object", |_| json!({ID: [{"mdoc": "x"}]})),
    ];
    for (row, shape) in shapes {
        let make = |asked: &AskedFor| desk.token(asked, shape(good(asked)));
        desk.refused(row, &desk.order(), make, REQUEST, "response_malformed");
    }
    let bare = |asked: &AskedFor| sealed(&desk.wallet, asked, &json!({"state": asked.claims["state"]}));
    desk.refused("no vp_token", &desk.order(), bare, REQUEST, "response_malformed");
    let old = |asked: &AskedFor| {
        let mut response = with_token(asked, json!({ID: [good(asked)]}));
        response["error"] = "access_denied".into();
        sealed(&desk.wallet, asked, &response)
    };
    desk.refused("an answer and an error", &desk.order(), old, REQUEST, "response_malformed");
}

#[test]
fn every_required_credential_is_there_and_of_one_person() {
    // NT-VP-03: a missing required set; and two cards of two people.
    let desk = Desk::open();
    let order = json!({"use_case": "freight-driver"});
    let [one, two] = [11, 12].map(|sequence| desk.service.register(&with_portrait(driver(sequence))));
    let take = |person: &str, kind: &str| desk.wallet.take(&desk.service, person, kind);
    let resident = take(&one, "resident-id");
    let (own, others) = (take(&one, "transport-qualification"), take(&two, "transport-qualification"));
    let Begun { id, asked } = desk.begin(&order);
    desk.wallet.answer(&asked, &[(ID, &resident)]).oauth(400, PRESENTATION);
    assert_eq!(desk.said(&id).1, "query_not_answered");
    let Begun { id, asked } = desk.begin(&order);
    desk.wallet.answer(&asked, &[(ID, &resident), ("qualification", &others)]).good(200);
    assert_eq!(desk.said(&id), ("refused".to_owned(), "not_same_person".to_owned()));
    let Begun { id, asked } = desk.begin(&order);
    desk.wallet.answer(&asked, &[(ID, &resident), ("qualification", &own)]).good(200);
    assert_eq!(desk.said(&id), accepted());
}

#[test]
fn a_credential_that_the_query_does_not_ask_for_is_refused_whatever_the_wallet_says() {
    // NT-VP-04, NT-VP-15
    let desk = Desk::open();
    let qualification = desk.wallet.take(&desk.service, &desk.service.register(&driver(21)), "transport-qualification");
    let other_type = |asked: &AskedFor| {
        let proof = Unsigned {
            bound: format!("{}~", qualification.credential.split('~').next().expect("a JWT")),
            ..desk.wallet.unsigned(asked, ID, &desk.card)
        };
        let mut proof = proof;
        proof.claims.insert("sd_hash".to_owned(), base64url::encode(sha256(&proof.bound)).into());
        desk.token(asked, json!({ID: [proof.sign(&qualification.key)]}))
    };
    desk.refused("another type", &desk.order(), other_type, PRESENTATION, "type_not_accepted");
    // Every disclosure left out, and each of the two.
    let without = |asked: &AskedFor, left_out: &[usize]| {
        desk.spoiled(asked, |proof| {
            let kept = proof.bound.split_inclusive('~').enumerate().filter(|(at, _)| !left_out.contains(at));
            proof.bound = kept.map(|(_, part)| part).collect();
            proof.claims.insert("sd_hash".to_owned(), base64url::encode(sha256(&proof.bound)).into());
        })
    };
    for left_out in [&[1][..], &[2], &[1, 2]] {
        desk.refused("a claim", &desk.order(), |asked| without(asked, left_out), PRESENTATION, "claims_missing");
    }
    let asking = |claims: Value, change: fn(&mut Value)| {
        let mut query = desk.query(&claims);
        change(&mut query["credentials"][0]);
        json!({"query": query})
    };
    let rows = [
        (asking(json!([{"path": ["name"], "values": ["欧阳美玲"]}]), |_| {}), "claim_value_mismatch"),
        (asking(json!([{"path": ["age_equal_or_over", "18"], "values": [false]}]), |_| {}), "claim_value_mismatch"),
        (asking(json!([{"path": ["age_equal_or_over", "18"], "values": ["true"]}]), |_| {}), "claim_value_mismatch"),
        (asking(json!([{"path": ["portrait"]}]), |_| {}), "claims_missing"),
        (asking(json!([{"path": ["name", 0]}]), |_| {}), "claims_missing"),
        (
            asking(json!([{"path": ["name"]}]), |query| {
                query["trusted_authorities"] = json!([{"type": "aki", "values": [base64url::encode([7; 20])]}]);
            }),
            "issuer_not_asked_for",
        ),
        (
            asking(json!([{"path": ["name"]}]), |query| {
                query["trusted_authorities"] = json!([{"type": "etsi_tl", "values": ["https://list.example"]}]);
            }),
            "issuer_not_asked_for",
        ),
    ];
    for (order, reason) in rows {
        desk.refused(reason, &order, |asked| desk.good(asked), PRESENTATION, reason);
    }
}

#[test]
fn a_card_without_its_holders_proof_is_refused() {
    // NT-VP-05
    let desk = Desk::open();
    let copied = |asked: &AskedFor| desk.token(asked, json!({ID: [desk.wallet.unsigned(asked, ID, &desk.card).bound]}));
    desk.refused("none", &desk.order(), copied, PRESENTATION, "holder_binding_missing");
    let (_, others) = desk.another(2);
    let by_another = |asked: &AskedFor| {
        let unsigned = desk.wallet.unsigned(asked, ID, &desk.card);
        desk.token(asked, json!({ID: [unsigned.sign(&others.key)]}))
    };
    desk.refused("another's", &desk.order(), by_another, PRESENTATION, "holder_binding_invalid");
    let old = |asked: &AskedFor| {
        desk.spoiled(asked, |proof| {
            let made = proof.claims["iat"].as_i64().expect("a time");
            proof.claims.insert("iat".to_owned(), (made - 121).into());
        })
    };
    // A use case may ask for a fresher proof than all others.
    let order = json!({"use_case": "age-over-18"});
    desk.refused("too old for the use case", &order, old, PRESENTATION, "holder_binding_expired");
    let Begun { id, asked } = desk.begin(&desk.order());
    desk.wallet.post(&asked, &old(&asked)).good(200);
    assert_eq!(desk.said(&id).0, "accepted");
}

#[test]
fn an_answer_that_is_not_encrypted_to_this_request_is_refused() {
    // NT-VP-06
    let desk = Desk::open();
    let header = |jwe: &str, change: fn(&mut Map<String, Value>)| {
        let (first, rest) = jwe.split_once('.').expect("parts");
        let mut header: Map<String, Value> =
            serde_json::from_slice(&base64url::decode(first).expect("base64url")).expect("an object");
        change(&mut header);
        format!("response={}.{rest}", base64url::encode(Value::Object(header).to_string()))
    };
    let changes: [Row<Change>; 7] = [
        ("another kid", |header| drop(header.insert("kid".to_owned(), "another".into()))),
        ("no kid", |header| drop(header.remove("kid"))),
        ("RSA-OAEP", |header| drop(header.insert("alg".to_owned(), "RSA-OAEP".into()))),
        ("dir", |header| drop(header.insert("alg".to_owned(), "dir".into()))),
        ("an enc that was not offered", |header| drop(header.insert("enc".to_owned(), "A192GCM".into()))),
        ("the other enc than it was made with", |header| drop(header.insert("enc".to_owned(), "A128GCM".into()))),
        ("zip", |header| drop(header.insert("zip".to_owned(), "DEF".into()))),
    ];
    for (row, change) in changes {
        let make = |asked: &AskedFor| {
            let response = desk.wallet.response(asked, &[(ID, &desk.card)]);
            header(&desk.wallet.seal(asked, &response), change)
        };
        desk.refused(row, &desk.order(), make, REQUEST, "response_malformed");
    }
    let other = desk.begin(&desk.order()).asked;
    let to_another = |asked: &AskedFor| sealed(&desk.wallet, &other, &desk.wallet.response(asked, &[(ID, &desk.card)]));
    desk.refused("the key of another request", &desk.order(), to_another, REQUEST, "response_malformed");
    let plain = |asked: &AskedFor| as_form(&desk.wallet.response(asked, &[(ID, &desk.card)]));
    desk.refused("in the clear", &desk.order(), plain, REQUEST, "response_malformed");
    let twice = |asked: &AskedFor| {
        let inner = desk.wallet.seal(asked, &desk.wallet.response(asked, &[(ID, &desk.card)]));
        sealed(&desk.wallet, asked, &json!({"response": inner}))
    };
    desk.refused("encrypted twice", &desk.order(), twice, REQUEST, "response_malformed");
    let signed = |asked: &AskedFor| {
        let response = desk.wallet.response(asked, &[(ID, &desk.card)]);
        let claims = response.as_object().expect("an object");
        format!("response={}", jws::sign(Map::new(), claims, &desk.card.key).expect("signed"))
    };
    desk.refused("signed and not encrypted", &desk.order(), signed, REQUEST, "response_malformed");
    for form in ["", "response=", "response=x", "response=a.b.c.d.e", "state=x", "%", "response=x&response=y"] {
        desk.refused(form, &desk.order(), |_| form.to_owned(), REQUEST, "response_malformed");
    }
    // Both encryptions that the request lists are taken.
    for encryption in [Encryption::A128Gcm, Encryption::A256Gcm] {
        let Begun { id, asked } = desk.begin(&desk.order());
        let response = desk.wallet.response(&asked, &[(ID, &desk.card)]).to_string();
        let jwe = desk.wallet.seal_bytes(&asked, response.as_bytes(), encryption);
        desk.wallet.post_sealed(&asked, &jwe).good(200);
        assert_eq!(desk.said(&id).0, "accepted");
    }
}

#[test]
fn a_transaction_that_the_holder_did_not_confirm_is_refused() {
    // NT-VP-12
    let desk = Desk::open();
    let mut order = desk.order();
    order["transaction_data"] = json!([{"type": "urn:example:order", "credential_ids": [ID], "order": "52-0001"}]);
    let Begun { id, asked } = desk.begin(&order);
    desk.wallet.answer(&asked, &[(ID, &desk.card)]).good(200);
    assert_eq!(desk.said(&id).0, "accepted");
    let entry = |asked: &AskedFor| asked.transaction_data(ID).pop().expect("an entry");
    let hashes = |asked: &AskedFor, hashes: Value| {
        desk.spoiled(asked, |proof| drop(proof.claims.insert("transaction_data_hashes".to_owned(), hashes)))
    };
    let over_decoded = |asked: &AskedFor| {
        let decoded = base64url::decode(entry(asked)).expect("base64url");
        hashes(asked, json!([base64url::encode(sha256(decoded))]))
    };
    let mismatch = "transaction_data_mismatch";
    desk.refused("over the decoded bytes", &order, over_decoded, PRESENTATION, mismatch);
    let missing = |asked: &AskedFor| desk.spoiled(asked, |proof| drop(proof.claims.remove("transaction_data_hashes")));
    desk.refused("missing", &order, missing, PRESENTATION, mismatch);
    let algorithm = |asked: &AskedFor| {
        desk.spoiled(asked, |proof| drop(proof.claims.insert("transaction_data_hashes_alg".to_owned(), "sha-512".into())))
    };
    desk.refused("an algorithm that was not offered", &order, algorithm, PRESENTATION, mismatch);
    for wrong in [json!([]), json!(["x"]), json!("x"), json!({}), Value::Null] {
        desk.refused("hashes", &order, |asked| hashes(asked, wrong.clone()), PRESENTATION, mismatch);
    }
    let other = desk.begin(&{
        let mut other = order.clone();
        other["transaction_data"][0]["order"] = "52-0002".into();
        other
    });
    let of_another = base64url::encode(sha256(entry(&other.asked)));
    desk.refused("of another order", &order, |asked| hashes(asked, json!([of_another])), PRESENTATION, mismatch);
}

#[test]
fn a_huge_or_deep_answer_costs_nothing() {
    // NT-VP-16
    let desk = Desk::open();
    let deep = |asked: &AskedFor| {
        let state = asked.text("state");
        let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let response = format!(r#"{{"state":"{state}","vp_token":{{"{ID}":{nested}}}}}"#);
        format!("response={}", desk.wallet.seal_bytes(asked, response.as_bytes(), Encryption::A256Gcm))
    };
    desk.refused("deep", &desk.order(), deep, REQUEST, "response_malformed");
    let many = |asked: &AskedFor| desk.token(asked, json!({ID: vec!["x"; 100_000]}));
    desk.refused("many", &desk.order(), many, REQUEST, "response_malformed");
    let doubled = |asked: &AskedFor| {
        let state = asked.text("state");
        let response = format!(r#"{{"state":"{state}","vp_token":{{}},"vp_token":{{"{ID}":["x"]}}}}"#);
        format!("response={}", desk.wallet.seal_bytes(asked, response.as_bytes(), Encryption::A256Gcm))
    };
    desk.refused("a member twice", &desk.order(), doubled, REQUEST, "response_malformed");
    // More than is read at all: the request stays open for the answer.
    let Begun { id, asked } = desk.begin(&desk.order());
    let huge = format!("response={}", "A".repeat(yufu::base::limits::RESPONSE_BODY_BYTES + 1));
    let answer = desk.wallet.post(&asked, &huge);
    assert_eq!(answer.status, 413, "{}", answer.text());
    desk.wallet.answer(&asked, &[(ID, &desk.card)]).good(200);
    assert_eq!(desk.said(&id).0, "accepted");
}

#[test]
fn a_checkpoint_asks_for_no_more_than_it_is_registered_for() {
    // T-OVERASK
    let desk = Desk::open();
    let bound = desk.account(json!({"use_cases": ["age-over-18"]}));
    let order = |use_case: &str, claims: Value| json!({"use_case": use_case, "query": desk.query(&claims)});
    bound.post(PRESENTATIONS, &json!({"use_case": "boarding"})).problem(403, "use_case_not_allowed");
    bound.post(PRESENTATIONS, &json!({"use_case": "no-such"})).problem(403, "use_case_not_allowed");
    bound.post(PRESENTATIONS, &desk.order()).problem(403, "query_not_allowed");
    let name = json!([{"path": ["name"]}]);
    let any_age = json!([{"path": ["age_equal_or_over", "18"]}]);
    let other_age = json!([{"path": ["age_equal_or_over", "65"], "values": [true]}]);
    for claims in [name.clone(), any_age, other_age, json!([{"path": ["age_equal_or_over"]}])] {
        bound.post(PRESENTATIONS, &order("age-over-18", claims)).problem(403, "asks_too_much");
    }
    desk.gate.post(PRESENTATIONS, &order("age-over-18", name)).problem(403, "asks_too_much");
    // Less than registered, without the condition: "accepted" would mean nothing.
    let mut nothing = order("age-over-18", json!([{"path": ["age_equal_or_over", "18"], "values": [true]}]));
    nothing["query"]["credentials"][0].as_object_mut().expect("a credential").remove("claims");
    bound.post(PRESENTATIONS, &nothing).problem(403, "asks_too_much");
    let mut unbound = order("age-over-18", json!([{"path": ["age_equal_or_over", "18"], "values": [true]}]));
    unbound["query"]["credentials"][0]["require_cryptographic_holder_binding"] = false.into();
    bound.post(PRESENTATIONS, &unbound).problem(403, "asks_too_much");
    let mut several = order("age-over-18", json!([{"path": ["age_equal_or_over", "18"], "values": [true]}]));
    several["query"]["credentials"][0]["multiple"] = true.into();
    bound.post(PRESENTATIONS, &several).problem(403, "asks_too_much");
    // What it may ask is what the wallet is asked, and a wallet that shows more is not read further.
    let begun = desk.begin_at(&bound, &json!({"use_case": "age-over-18"}));
    assert_eq!(begun.asked.wanted(ID), [vec![json!("age_equal_or_over"), json!("18")]]);
    let mut unsigned = desk.wallet.unsigned(&begun.asked, ID, &desk.card);
    unsigned.bound = desk.card.credential.clone();
    unsigned.claims.insert("sd_hash".to_owned(), base64url::encode(sha256(&unsigned.bound)).into());
    let answer = with_token(&begun.asked, json!({ID: [unsigned.sign(&desk.card.key as &dyn Signer)]}));
    desk.wallet.post(&begun.asked, &sealed(&desk.wallet, &begun.asked, &answer)).good(200);
    let statement = bound.get(&format!("{PRESENTATIONS}/{}", begun.id)).good(200)["statement"].clone();
    assert_eq!(statement["decision"], "accepted");
    let open = ["age_equal_or_over", "issuing_authority", "issuing_country"];
    let claims = statement["credential"]["claims"].as_object().expect("claims");
    assert!(claims.keys().all(|name| open.contains(&name.as_str())), "{:?}", claims.keys());
    assert_eq!(claims["age_equal_or_over"], json!({"18": true}));
}
