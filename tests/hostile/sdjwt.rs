//! SD-JWT as text: checklist NT-SDJ and NT-SVC, threats SD. What is decided with knowledge the format does not have stands
//! with the verification: SD-17 and NT-SVC-02 as far as a type is compared with the one expected, the missing `exp` of
//! NT-SDJ-21, and NT-SDJ-02 where policy wants no key binding.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use yufu::{
    base::{base64url, json::parse_object, limits},
    crypto::{
        Algorithm, Signer,
        jws::{self, JwsError},
    },
    format::sdjwt::{ClaimFormError, DisclosureError, REGISTERED, SdJwtError, Unverified, Verified},
};

use crate::sdjwt_forge::{Forge, disclosure, hash, join, sign, sign_texts};

/// Lines of the checklist and of the threats that stand in the tables below.
pub const TESTED: &[&str] = &[
    "NT-SDJ-01",
    "NT-SDJ-04",
    "NT-SDJ-05",
    "NT-SDJ-06",
    "NT-SDJ-07",
    "NT-SDJ-08",
    "NT-SDJ-09",
    "NT-SDJ-10",
    "NT-SDJ-11",
    "NT-SDJ-12",
    "NT-SDJ-20",
    "NT-SDJ-21",
    "NT-SDJ-22",
    "NT-SDJ-23",
    "NT-SDJ-24",
    "NT-SVC-01",
    "NT-SVC-02",
    "NT-SVC-03",
    "SD-01",
    "SD-02",
    "SD-03",
    "SD-04",
    "SD-05",
    "SD-06",
    "SD-07",
    "SD-08",
    "SD-09",
    "SD-10",
    "SD-11",
    "SD-12",
    "SD-13",
    "SD-14",
    "SD-15",
    "SD-16",
    "SD-18",
];

type Row = (&'static str, String, SdJwtError);

fn outcome(forge: &Forge, text: &str) -> Result<Value, SdJwtError> {
    let verified = Unverified::parse(text)?.verify(forge.issuer.public_key())?;
    Ok(Value::Object(Verified::into_claims(verified)))
}

fn run(rows: impl Fn(&Forge) -> Vec<Row>) {
    for algorithm in Algorithm::ALL {
        let forge = Forge::new(algorithm);
        for (at, (line, text, error)) in rows(&forge).into_iter().enumerate() {
            assert_eq!(outcome(&forge, &text), Err(error), "row {at}, {line}, {algorithm}");
        }
    }
}

fn bad_disclosure(problem: DisclosureError) -> SdJwtError {
    SdJwtError::Disclosure { index: 0, problem }
}

/// A credential with this disclosure behind a digest in `_sd`.
fn claim_row(forge: &Forge, json: &str) -> String {
    let disclosure = disclosure(json);
    forge.sd_jwt(json!({"_sd": [hash(&disclosure)]}), &[&disclosure])
}

/// A credential with this disclosure behind a digest in an array.
fn element_row(forge: &Forge, json: &str) -> String {
    let disclosure = disclosure(json);
    forge.sd_jwt(json!({"list": [{"...": hash(&disclosure)}]}), &[&disclosure])
}

#[test]
fn what_the_rows_are_made_from_is_accepted() {
    for algorithm in Algorithm::ALL {
        let forge = Forge::new(algorithm);
        let claim = claim_row(&forge, r#"["salt","name",1]"#);
        assert_eq!(outcome(&forge, &claim), Ok(forge.claims(json!({"name": 1}))));
        let element = element_row(&forge, r#"["salt",1]"#);
        assert_eq!(outcome(&forge, &element), Ok(forge.claims(json!({"list": [1]}))));
    }
}

#[test]
fn the_outer_form_is_held() {
    run(|forge| {
        let claim = disclosure(r#"["salt","name",1]"#);
        let good = claim_row(forge, r#"["salt","name",1]"#);
        let jwt = forge.jwt(json!({}));
        vec![
            ("NT-SDJ-01", good.trim_end_matches('~').to_owned(), SdJwtError::LastTildeMissing),
            ("NT-SDJ-01", jwt.clone(), SdJwtError::LastTildeMissing),
            ("NT-SDJ-01", String::new(), SdJwtError::LastTildeMissing),
            ("SD-14", good.replace('~', "~~"), SdJwtError::EmptyDisclosure),
            ("SD-14", format!("{good}~"), SdJwtError::EmptyDisclosure),
            ("SD-14", format!("~{good}"), SdJwtError::Issuer(JwsError::Malformed)),
            ("SDJ-02", format!("{}~", jwt.replace('.', "..")), SdJwtError::Issuer(JwsError::Malformed)),
            ("SDJ-02", "~".to_owned(), SdJwtError::Issuer(JwsError::Malformed)),
            ("NT-SDJ-04", join(&forge.jwt(json!({"_sd": [hash(&claim)]})), &[&claim, &claim]), SdJwtError::DuplicateDisclosure),
            ("SD-02", join(&jwt, &[&claim, &claim]), SdJwtError::DuplicateDisclosure),
            ("SD-13", join(&jwt, &vec!["AAAA"; 10_000]), SdJwtError::TooManyDisclosures),
            ("SD-13", join(&jwt, &vec!["AAAA"; limits::DISCLOSURES + 1]), SdJwtError::TooManyDisclosures),
            ("NT-SDJ-24", join(&jwt, &["A".repeat(1 << 20).as_str()]), SdJwtError::TooLong),
            ("NT-SDJ-24", format!("{}~", "A".repeat(limits::JWS_BYTES + 1)), SdJwtError::Issuer(JwsError::TooLong)),
        ]
    });
}

#[test]
fn the_issuer_signature_is_held() {
    run(|forge| {
        let claims = forge.claims(json!({}));
        let header = |header: &str| format!("{}~", sign_texts(header, &claims.to_string(), &forge.issuer));
        let refused = |member| SdJwtError::Issuer(JwsError::HeaderNotAccepted(member));
        let not_allowed = SdJwtError::Issuer(JwsError::AlgorithmNotAllowed);
        let input =
            format!("{}.{}", base64url::encode(r#"{"alg":"HS256","typ":"dc+sd-jwt"}"#), base64url::encode(claims.to_string()));
        let mac = Hmac::<sha2::Sha256>::new_from_slice(forge.issuer.public_key().as_bytes()).expect("any length");
        let mac = mac.chain_update(&input).finalize().into_bytes();
        let other = if forge.issuer.algorithm() == Algorithm::Es256 { "EdDSA" } else { "ES256" };
        let good = forge.jwt(json!({}));
        vec![
            ("NT-SDJ-12", format!("{}.~", good.rsplit_once('.').expect("a dot").0), SdJwtError::Issuer(JwsError::BadSignature)),
            ("NT-SDJ-12", header(r#"{"alg":"none","typ":"dc+sd-jwt"}"#), not_allowed.clone()),
            ("NT-SDJ-12", format!("{input}.{}~", base64url::encode(mac)), not_allowed.clone()),
            ("SDJ-20", header(&format!(r#"{{"alg":"{other}","typ":"dc+sd-jwt"}}"#)), not_allowed),
            ("JH-09", header(r#"{"alg":"ES256","typ":"dc+sd-jwt","crit":["x"]}"#), refused("crit")),
            (
                "SDJ-20",
                format!("{}~", sign(json!({"typ": "dc+sd-jwt"}), claims.clone(), &forge.stranger)),
                SdJwtError::Issuer(JwsError::BadSignature),
            ),
            ("NT-SVC-01", format!("{}~", forge.jwt_typed("vc+sd-jwt", json!({}))), SdJwtError::Issuer(JwsError::WrongType)),
            ("NT-SVC-01", format!("{}~", forge.jwt_typed("DC+SD-JWT", json!({}))), SdJwtError::Issuer(JwsError::WrongType)),
            ("NT-SVC-01", format!("{}~", forge.jwt_typed("JWT", json!({}))), SdJwtError::Issuer(JwsError::WrongType)),
            (
                "NT-SVC-01",
                format!("{}~", sign(json!({}), claims.clone(), &forge.issuer)),
                SdJwtError::Issuer(JwsError::WrongType),
            ),
        ]
    });
}

#[test]
fn each_disclosure_belongs_to_one_digest() {
    run(|forge| {
        let (a, b) = (disclosure(r#"["salt","a",1]"#), disclosure(r#"["salt","b",1]"#));
        let element = disclosure(r#"["salt",1]"#);
        let altered = disclosure(r#"["salt","a",0]"#);
        let parent = disclosure(&format!(r#"["salt","parent",{{"_sd":["{}"]}}]"#, hash(&a)));
        let unreferenced = SdJwtError::UnreferencedDisclosure;
        vec![
            ("NT-SDJ-05", forge.sd_jwt(json!({"_sd": [hash(&a)]}), &[&a, &b]), unreferenced(1)),
            ("SD-01", forge.sd_jwt(json!({}), &[&a]), unreferenced(0)),
            ("SD-10", forge.sd_jwt(json!({"_sd": [hash(&a)]}), &[&altered]), unreferenced(0)),
            (
                "SD-11",
                forge.sd_jwt(json!({"_sd": [hash(&a)]}), &[&disclosure(r#"["another citizen's","a",1]"#)]),
                unreferenced(0),
            ),
            ("NT-SDJ-20", forge.sd_jwt(json!({"_sd": [hash(&parent)]}), &[&a]), unreferenced(0)),
            ("NT-SDJ-06", forge.sd_jwt(json!({"_sd": [hash(&a), hash(&a)]}), &[&a]), SdJwtError::DuplicateDigest),
            ("NT-SDJ-06", forge.sd_jwt(json!({"_sd": [hash(&a), hash(&a)]}), &[]), SdJwtError::DuplicateDigest),
            ("NT-SDJ-06", forge.sd_jwt(json!({"_sd": [hash(&a)], "o": {"_sd": [hash(&a)]}}), &[]), SdJwtError::DuplicateDigest),
            ("NT-SDJ-06", forge.sd_jwt(json!({"_sd": [hash(&a)], "l": [{"...": hash(&a)}]}), &[]), SdJwtError::DuplicateDigest),
            (
                "SD-03",
                forge.sd_jwt(json!({"l": [{"...": hash(&element)}, {"...": hash(&element)}]}), &[&element]),
                SdJwtError::DuplicateDigest,
            ),
            // The nearest to a cycle that hashes allow: one claim inside another and beside it.
            ("SD-12", forge.sd_jwt(json!({"_sd": [hash(&parent), hash(&a)]}), &[&parent, &a]), SdJwtError::DuplicateDigest),
        ]
    });
}

#[test]
fn a_disclosure_has_the_form_its_place_asks_for() {
    run(|forge| {
        let not_a_disclosure = || bad_disclosure(DisclosureError::NotADisclosure);
        let not_json = || bad_disclosure(DisclosureError::NotJson);
        let raw = |text: &str| forge.sd_jwt(json!({"_sd": [hash(text)]}), &[text]);
        vec![
            ("NT-SDJ-07", claim_row(forge, r#"["salt",1]"#), bad_disclosure(DisclosureError::ClaimDue)),
            ("NT-SDJ-07", claim_row(forge, r#"["salt","a",1,2]"#), not_a_disclosure()),
            ("NT-SDJ-07", element_row(forge, r#"["salt","a",1]"#), bad_disclosure(DisclosureError::ElementDue)),
            ("SD-07", element_row(forge, r#"["salt","a",1,2]"#), not_a_disclosure()),
            ("SD-07", claim_row(forge, r#"["salt"]"#), not_a_disclosure()),
            ("SD-08", claim_row(forge, r#"{"salt":1}"#), not_a_disclosure()),
            ("SD-08", claim_row(forge, "7"), not_a_disclosure()),
            ("SD-08", claim_row(forge, "salt"), not_json()),
            ("SD-08", raw(&base64url::encode([b'[', b'"', 0xff, b'"', b',', b'1', b']'])), not_json()),
            ("NT-SDJ-09", claim_row(forge, r#"[1,"a",1]"#), bad_disclosure(DisclosureError::SaltNotText)),
            ("NT-SDJ-09", claim_row(forge, r#"["","a",1]"#), bad_disclosure(DisclosureError::SaltNotText)),
            ("NT-SDJ-09", element_row(forge, "[null,1]"), bad_disclosure(DisclosureError::SaltNotText)),
            ("NT-SDJ-09", claim_row(forge, r#"["salt",1,1]"#), bad_disclosure(DisclosureError::NameNotText)),
            ("NT-SDJ-09", claim_row(forge, r#"["salt",null,1]"#), bad_disclosure(DisclosureError::NameNotText)),
            ("NT-SDJ-10", raw("WyJzYWx0IiwiYSIsMV0="), bad_disclosure(DisclosureError::NotBase64Url)),
            ("NT-SDJ-10", raw("WyJzYWx0IiwiYSIsIj8/Pz8iXQ"), bad_disclosure(DisclosureError::NotBase64Url)),
            ("NT-SDJ-10", raw("WyJzYWx0IiwiYSIsIj4+Pj4iXQ"), bad_disclosure(DisclosureError::NotBase64Url)),
            ("X-04", raw("WyJzYWx0IiwiYSIs MV0"), bad_disclosure(DisclosureError::NotBase64Url)),
            ("X-04", raw("WyJzYWx0IiwiYSIsMTFd\n"), bad_disclosure(DisclosureError::NotBase64Url)),
            ("NT-SDJ-23", claim_row(forge, r#"["salt","a",{"b":1,"b":2}]"#), not_json()),
            (
                "NT-SDJ-24",
                claim_row(forge, &format!(r#"["salt","a",{}1{}]"#, "[".repeat(10_000), "]".repeat(10_000))),
                not_json(),
            ),
        ]
    });
}

#[test]
fn no_disclosure_takes_a_name_that_is_not_its_own() {
    run(|forge| {
        let mut rows = vec![
            ("NT-SDJ-08", claim_row(forge, r#"["salt","_sd",{}]"#), SdJwtError::ReservedClaimName),
            ("SD-04", claim_row(forge, r#"["salt","_sd",["x"]]"#), SdJwtError::ReservedClaimName),
            ("SD-05", claim_row(forge, r#"["salt","...","x"]"#), SdJwtError::ReservedClaimName),
            ("SD-09", claim_row(forge, r#"["salt","_sd_alg","sha-256"]"#), SdJwtError::HashAlgorithmMisplaced),
        ];
        for claim in ["iss", "exp", "cnf", "vct"] {
            let json = format!(r#"["salt","{claim}",{{}}]"#);
            rows.push(("SD-06", claim_row(forge, &json), SdJwtError::ClaimAlreadyPresent));
        }
        let twice = [disclosure(r#"["salt-1","name",1]"#), disclosure(r#"["salt-2","name",2]"#)];
        let text = forge.sd_jwt(json!({"_sd": [hash(&twice[0]), hash(&twice[1])]}), &[&twice[0], &twice[1]]);
        rows.push(("NT-SDJ-08", text, SdJwtError::ClaimAlreadyPresent));
        let nested = disclosure(r#"["salt","region",1]"#);
        let text = forge.sd_jwt(json!({"address": {"region": 0, "_sd": [hash(&nested)]}}), &[&nested]);
        rows.push(("NT-SDJ-08", text, SdJwtError::ClaimAlreadyPresent));
        rows
    });
}

#[test]
fn what_a_verifier_decides_by_stands_in_clear() {
    run(|forge| {
        let mut rows = Vec::new();
        for claim in REGISTERED {
            let hidden = disclosure(&format!(r#"["salt","{claim}",{{}}]"#));
            let text = forge.sd_jwt(json!({"_sd": [hash(&hidden)], claim: null}), &[&hidden]);
            rows.push(("NT-SVC-03", text, SdJwtError::RegisteredClaimHidden(claim)));
        }
        let x = disclosure(r#"["salt","x","AAAA"]"#);
        let cnf = json!({"cnf": {"jwk": {"kty": "OKP", "crv": "Ed25519", "_sd": [hash(&x)]}}});
        rows.push(("NT-SVC-03", forge.sd_jwt(cnf.clone(), &[&x]), SdJwtError::RegisteredClaimHidden("cnf")));
        // Also when the holder withholds it: nobody may decide by half a claim.
        rows.push(("SD-15", forge.sd_jwt(cnf, &[]), SdJwtError::RegisteredClaimHidden("cnf")));
        let list = json!({"status": {"status_list": {"idx": 1, "uri": "https://a", "_sd": ["x"]}}});
        rows.push(("SD-15", forge.sd_jwt(list, &[]), SdJwtError::RegisteredClaimHidden("status")));
        let element = json!({"aka_vcts": [{"...": "x"}]});
        rows.push(("SD-15", forge.sd_jwt(element, &[]), SdJwtError::RegisteredClaimHidden("aka_vcts")));
        rows
    });
}

#[test]
fn digests_and_their_function_stand_in_their_place() {
    run(|forge| {
        let with = |members: Value| forge.sd_jwt(members, &[]);
        let digest = hash("x");
        let mut rows = vec![
            ("NT-SDJ-11", with(json!({"o": {"_sd_alg": "sha-256"}})), SdJwtError::HashAlgorithmMisplaced),
            ("NT-SDJ-11", with(json!({"l": [{"_sd_alg": "sha-256"}]})), SdJwtError::HashAlgorithmMisplaced),
            ("SD-09", claim_row(forge, r#"["salt","a",{"_sd_alg":"sha-256"}]"#), SdJwtError::HashAlgorithmMisplaced),
            ("NT-SDJ-22", with(json!({"l": [{"...": digest, "x": 1}]})), SdJwtError::MalformedPlaceholder),
            ("NT-SDJ-22", with(json!({"o": {"...": digest}})), SdJwtError::MalformedPlaceholder),
            ("NT-SDJ-22", with(json!({"...": digest})), SdJwtError::MalformedPlaceholder),
            ("SD-16", with(json!({"l": [{"...": 7}]})), SdJwtError::MalformedDigest),
        ];
        for algorithm in [json!("md5"), json!("sha-512"), json!("sha-256-32"), json!("SHA-256"), json!(256), json!(["sha-256"])]
        {
            rows.push(("NT-SDJ-11", with(json!({ "_sd_alg": algorithm })), SdJwtError::HashAlgorithmNotAccepted));
        }
        for digests in [json!("x"), json!({}), json!(7), json!([7]), json!([digest, ["x"]]), json!(["x", false])] {
            rows.push(("SD-16", with(json!({ "_sd": digests })), SdJwtError::MalformedDigest));
        }
        rows
    });
}

#[test]
fn the_payload_is_json_of_a_credential() {
    run(|forge| {
        let header = format!(r#"{{"alg":"{}","typ":"dc+sd-jwt"}}"#, forge.issuer.algorithm());
        let with = |payload: &str| format!("{}~", sign_texts(&header, payload, &forge.issuer));
        let deep = format!(r#"{{"vct":"urn:a","x":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let mut rows = vec![
            ("NT-SVC-02", forge.sd_jwt(json!({"vct": null}), &[]), ClaimFormError::Missing("vct").into()),
            ("NT-SVC-02", forge.sd_jwt(json!({"vct": 7}), &[]), ClaimFormError::Malformed("vct").into()),
            ("NT-SVC-02", forge.sd_jwt(json!({"VCT": "urn:a", "vct": null}), &[]), ClaimFormError::Missing("vct").into()),
            ("SVC-06", forge.sd_jwt(json!({"aka_vcts": []}), &[]), ClaimFormError::Malformed("aka_vcts").into()),
            ("F8", forge.sd_jwt(json!({"exp": "1900000000"}), &[]), ClaimFormError::Malformed("exp").into()),
        ];
        for (line, payload) in [
            ("NT-SDJ-23", r#"{"vct":"urn:a","vct":"urn:b"}"#),
            ("NT-SDJ-23", r#"{"vct":"urn:a","o":{"_sd":[],"_sd":[]}}"#),
            ("SD-09", r#"{"vct":"urn:a","_sd_alg":"sha-256","_sd_alg":"sha-256"}"#),
            ("NT-SDJ-24", deep.as_str()),
            ("X-03", "[]"),
            ("X-03", "{\"vct\":\"\\ud800\"}"),
        ] {
            let problem = parse_object(payload.as_bytes()).expect_err("it is refused");
            rows.push((line, with(payload), SdJwtError::Issuer(JwsError::Payload(problem))));
        }
        rows
    });
}

/// `levels` objects, each in the disclosure of the one around it; the outermost is a claim of the credential.
fn chain(forge: &Forge, levels: usize) -> String {
    let mut disclosures = vec![disclosure(r#"["salt","a",{}]"#)];
    for _ in 1..levels {
        let inner = hash(disclosures.last().expect("there is one"));
        disclosures.push(disclosure(&format!(r#"["salt","a",{{"_sd":["{inner}"]}}]"#)));
    }
    let members = json!({"_sd": [hash(disclosures.last().expect("there is one"))]});
    let texts: Vec<_> = disclosures.iter().map(String::as_str).collect();
    forge.sd_jwt(members, &texts)
}

#[test]
fn recursion_is_bounded() {
    let forge = Forge::new(Algorithm::Ed25519);
    assert!(outcome(&forge, &chain(&forge, limits::JSON_DEPTH - 1)).is_ok());
    for (levels, error) in [
        (limits::JSON_DEPTH, SdJwtError::TooDeep),
        (limits::DISCLOSURES, SdJwtError::TooDeep),
        (limits::DISCLOSURES + 1, SdJwtError::TooManyDisclosures),
        (10_000, SdJwtError::TooLong),
    ] {
        assert_eq!(outcome(&forge, &chain(&forge, levels)), Err(error), "NT-SDJ-24, SD-12: {levels} levels");
    }
}

#[test]
fn odd_but_honest_credentials_are_accepted() {
    for algorithm in Algorithm::ALL {
        let forge = Forge::new(algorithm);
        let name = disclosure(r#"["s","name",{"empty":{},"_sd":[]}]"#);
        let rows = [
            ("SD-18", json!({"_sd": [hash("decoy 1"), hash("decoy 2")], "_sd_alg": "sha-256"}), vec![], json!({})),
            ("SD-18", json!({"l": [{"...": hash("decoy")}, 1]}), vec![], json!({"l": [1]})),
            ("SDJ-21", json!({"_sd": ["of no digest's form"]}), vec![], json!({})),
            ("SDJ-23", json!({"_sd": []}), vec![], json!({})),
            ("SDJ-23", json!({"o": {"_sd": [hash("decoy")]}}), vec![], json!({"o": {}})),
            ("SDJ-11", json!({"_sd": [hash(&name)]}), vec![name.as_str()], json!({"name": {"empty": {}}})),
            // A registered name below the top level is a claim like any other.
            ("SVC-03", json!({"licence": {"exp": 1, "_sd": [hash("decoy")]}}), vec![], json!({"licence": {"exp": 1}})),
            // `exp` withheld behind a digest leaves no `exp`: the verification refuses what it needs and does not find.
            ("NT-SDJ-21", json!({"exp": null, "_sd": [hash("exp")]}), vec![], json!({"exp": null})),
        ];
        for (line, members, disclosures, expected) in rows {
            let text = forge.sd_jwt(members, &disclosures);
            assert_eq!(outcome(&forge, &text), Ok(forge.claims(expected)), "{line}, {algorithm}");
        }
    }
}

#[test]
fn another_use_of_sd_jwt_has_to_be_asked_for() {
    let forge = Forge::new(Algorithm::Ed25519);
    let text = format!("{}~", forge.jwt_typed("example+sd-jwt", json!({"vct": null})));
    let parsed = Unverified::parse_with_types(&text, &["example+sd-jwt"]).expect("it is asked for");
    assert!(parsed.verify(forge.issuer.public_key()).is_ok());
    assert_eq!(Unverified::parse(&text).err(), Some(SdJwtError::Issuer(JwsError::WrongType)));
    let jwt = jws::Unverified::parse(text.trim_end_matches('~'), &["kb+jwt"]);
    assert_eq!(jwt.err(), Some(JwsError::WrongType));
}
