//! Every route of the description, tried by everyone: nobody, somebody with a token nobody made, and each role.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::{Answer, TestService, User};
use yufu::model::party::Role;

/// Who may do what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum For {
    /// Everyone, with or without a token.
    Everyone,
    /// The bearer of an access token of issuance; operators' tokens are none.
    Wallets,
    /// Bearers of these roles.
    Roles(&'static [Role]),
}

use For::{Everyone, Roles, Wallets};
use Role::{Administrator, Auditor, Checkpoint, Registrar, Revoker};

const ROUTES: &[(&str, &str, For)] = &[
    ("get", "/.well-known/jwks.json", Everyone),
    ("get", "/.well-known/jwt-vc-issuer", Everyone),
    ("get", "/.well-known/oauth-authorization-server", Everyone),
    ("get", "/.well-known/openid-credential-issuer", Everyone),
    ("get", "/admin/api/v1/approvals", Roles(&[Administrator, Registrar])),
    ("post", "/admin/api/v1/approvals/{id}/approve", Roles(&[Administrator, Registrar])),
    ("post", "/admin/api/v1/approvals/{id}/reject", Roles(&[Administrator, Registrar])),
    ("get", "/admin/api/v1/credentials", Roles(&[Administrator, Registrar, Revoker, Auditor])),
    ("get", "/admin/api/v1/credentials/{id}", Roles(&[Administrator, Registrar, Revoker, Auditor])),
    ("post", "/admin/api/v1/credentials/{id}/reinstate", Roles(&[Administrator, Revoker])),
    ("post", "/admin/api/v1/credentials/{id}/revoke", Roles(&[Administrator, Revoker])),
    ("post", "/admin/api/v1/credentials/{id}/suspend", Roles(&[Administrator, Revoker])),
    ("get", "/admin/api/v1/evidence/{id}", Roles(&[Administrator, Auditor])),
    ("get", "/admin/api/v1/events", Roles(&[Administrator, Auditor])),
    ("post", "/admin/api/v1/activation-codes", Roles(&[Administrator, Registrar])),
    ("post", "/admin/api/v1/offers", Roles(&[Administrator, Registrar])),
    ("post", "/admin/api/v1/pairings", Roles(&[Administrator])),
    ("get", "/admin/api/v1/people", Roles(&[Administrator, Registrar, Revoker, Auditor])),
    ("post", "/admin/api/v1/people", Roles(&[Administrator, Registrar])),
    ("get", "/admin/api/v1/people/{id}", Roles(&[Administrator, Registrar, Revoker, Auditor])),
    ("put", "/admin/api/v1/people/{id}", Roles(&[Administrator, Registrar])),
    ("post", "/admin/api/v1/people/{id}/activation-codes", Roles(&[Administrator, Registrar])),
    ("post", "/admin/api/v1/people/{id}/recovery-codes", Roles(&[Administrator, Registrar])),
    ("get", "/admin/api/v1/tokens", Roles(&[Administrator])),
    ("post", "/admin/api/v1/tokens", Roles(&[Administrator])),
    ("get", "/admin/api/v1/tokens/{id}", Roles(&[Administrator])),
    ("delete", "/admin/api/v1/tokens/{id}", Roles(&[Administrator])),
    ("get", "/admin/api/v1/wallets", Roles(&[Administrator])),
    ("post", "/admin/api/v1/wallets", Roles(&[Administrator])),
    ("put", "/admin/api/v1/wallets/{id}", Roles(&[Administrator])),
    ("delete", "/admin/api/v1/wallets/{id}", Roles(&[Administrator])),
    ("get", "/checkpoint/api/v1/evidence/{id}", Roles(&[Checkpoint])),
    ("post", "/checkpoint/api/v1/presentations", Roles(&[Checkpoint])),
    ("get", "/checkpoint/api/v1/presentations/{id}", Roles(&[Checkpoint])),
    ("delete", "/checkpoint/api/v1/presentations/{id}", Roles(&[Checkpoint])),
    ("post", "/checkpoint/api/v1/presentations/{id}/admission", Roles(&[Checkpoint])),
    ("put", "/checkpoint/api/v1/presentations/{id}/boarding-pass", Roles(&[Checkpoint])),
    ("post", "/checkpoint/api/v1/presentations/{id}/response", Roles(&[Checkpoint])),
    ("get", "/checkpoint/api/v1/use-cases", Roles(&[Checkpoint])),
    ("post", "/checkpoint/api/v1/shown/codes", Roles(&[Checkpoint])),
    ("post", "/checkpoint/api/v1/shown/decisions", Roles(&[Checkpoint])),
    ("post", "/checkpoint/api/v1/verifications", Roles(&[Checkpoint])),
    ("post", "/checkpoint/pair", Everyone),
    ("post", "/credential", Wallets),
    ("get", "/credential-types", Everyone),
    ("get", "/credential-types/{id}", Everyone),
    ("post", "/deferred_credential", Wallets),
    ("get", "/health/live", Everyone),
    ("get", "/health/ready", Everyone),
    ("get", "/log/checkpoint", Everyone),
    ("post", "/challenge", Everyone),
    ("post", "/nonce", Everyone),
    ("post", "/notification", Wallets),
    ("get", "/offers/{id}", Everyone),
    ("post", "/par", Everyone),
    ("get", "/requests/{id}", Everyone),
    ("post", "/requests/{id}", Everyone),
    ("post", "/responses/{id}", Everyone),
    ("get", "/status-lists", Everyone),
    ("get", "/status-lists/{id}", Everyone),
    ("post", "/token", Everyone),
    ("get", "/trust-list", Everyone),
];

/// A presentation nobody asked for.
const NO_PRESENTATION: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// An identifier nobody has.
const NOBODY: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn described() -> BTreeSet<(String, String)> {
    let api: Value = serde_json::from_str(yufu::http::openapi::text()).expect("JSON");
    let paths = api["paths"].as_object().expect("paths");
    let methods = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("methods").keys().cloned().collect::<Vec<_>>();
        let path = path.clone();
        methods.into_iter().map(move |method| (method, path.clone()))
    };
    paths.iter().flat_map(methods).collect()
}

fn ask(user: &User, method: &str, path: &str) -> Answer {
    let path = path.replace("{id}", NOBODY);
    let media = if path.ends_with("/v1/activation-codes") { "text/csv" } else { "application/json" };
    let with_body = [("content-type", media)];
    let headers: &[_] = if method == "get" || method == "delete" { &[] } else { &with_body };
    user.send(&method.to_uppercase(), &path, headers, if headers.is_empty() { b"" } else { b"{}" })
}

#[test]
fn the_table_names_every_route_that_is_described_and_no_other() {
    let table: BTreeSet<_> = ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(table, described());
}

#[test]
fn each_route_answers_those_it_is_for_and_refuses_everyone_else() {
    let service = TestService::start();
    let bearers: BTreeMap<_, _> = Role::ALL.into_iter().map(|role| (role, service.user(role))).collect();
    let (anon, garbage) = (service.anon(), service.with_token("yufu_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    for (method, path, whom) in ROUTES {
        let tried = format!("{method} {path}");
        match whom {
            Everyone => {
                for user in bearers.values().chain([&anon, &garbage]) {
                    let status = ask(user, method, path).status;
                    assert!(![401, 403, 405].contains(&status) && status < 500, "{tried}: {status}");
                }
            }
            Wallets => {
                for user in bearers.values().chain([&anon, &garbage]) {
                    ask(user, method, path).oauth(401, "invalid_token");
                }
            }
            Roles(allowed) => {
                let refused = ask(&anon, method, path);
                refused.problem(401, "unauthenticated");
                assert_eq!(refused.header("www-authenticate"), r#"Bearer realm="yufu""#);
                ask(&garbage, method, path).problem(401, "invalid_token");
                for (role, user) in &bearers {
                    let answer = ask(user, method, path);
                    if allowed.contains(role) {
                        assert!([200, 400, 404].contains(&answer.status), "{tried} as {role}: {}", answer.status);
                    } else {
                        answer.problem(403, "forbidden");
                    }
                }
            }
        }
    }
}

#[test]
fn a_refused_caller_changes_nothing() {
    let service = TestService::start();
    let checkpoint = service.checkpoint();
    let before = service.service().store().head();
    for (method, path, whom) in ROUTES {
        if matches!(whom, Roles(allowed) if !allowed.contains(&Checkpoint)) {
            ask(&service.anon(), method, path).problem(401, "unauthenticated");
            ask(&checkpoint, method, path).problem(403, "forbidden");
        }
    }
    assert_eq!(service.service().store().head(), before);
}

#[test]
fn a_method_that_a_resource_does_not_have_is_told_which_ones_it_has() {
    let service = TestService::start();
    let (anon, admin) = (service.anon(), service.admin());
    let paths: BTreeSet<_> =
        ROUTES.iter().map(|(_, path, _)| *path).chain(["/", "/checkpoint", "/openapi.json", "/docs"]).collect();
    for path in paths {
        let path = path.replace("{id}", NOBODY);
        let user = if path.starts_with("/admin") || path.starts_with("/checkpoint") { &admin } else { &anon };
        let answer = user.send("PATCH", &path, &[], b"");
        answer.problem(405, "method_not_allowed");
        let allow = answer.header("allow").to_owned();
        let expected: BTreeSet<_> =
            ROUTES.iter().filter(|(_, p, _)| p.replace("{id}", NOBODY) == path).map(|(m, ..)| m.to_uppercase()).collect();
        for method in expected {
            assert!(allow.split(", ").any(|allowed| allowed == method), "{path}: {allow}");
        }
    }
    for path in ["/nothing", "/status-lists/1/2", "/admin", "/token/"] {
        anon.get(path).problem(404, "not_found");
    }
    anon.get("/admin/api/v1/nothing").problem(401, "unauthenticated");
    admin.get("/admin/api/v1/nothing").problem(404, "not_found");
}

#[test]
fn a_switched_off_token_is_off_at_once_and_after_a_restart_and_the_last_administrator_stays() {
    let mut service = TestService::start();
    let admin = service.admin();
    let made = admin.post("/admin/api/v1/tokens", &json!({"name": "leaves soon", "role": "auditor"})).good(201);
    let leaver = service.with_token(made["token"].as_str().expect("a secret"));
    leaver.get("/admin/api/v1/people").good(200);
    let path = format!("/admin/api/v1/tokens/{}", made["id"].as_str().expect("an id"));
    admin.delete(&path).good(204);
    admin.delete(&path).good(204);
    leaver.get("/admin/api/v1/people").problem(401, "invalid_token");
    assert!(admin.get(&path).good(200)["switched_off_at"].is_string());
    service.restart();
    leaver.get("/admin/api/v1/people").problem(401, "invalid_token");
    let tokens = service.admin().get("/admin/api/v1/tokens").good(200);
    let first = tokens["tokens"].as_array().expect("tokens").iter().find(|token| token["role"] == "administrator");
    let own = format!("/admin/api/v1/tokens/{}", first.expect("the first")["id"].as_str().expect("an id"));
    service.admin().delete(&own).problem(409, "last_administrator");
}

/// Resources that take JSON, with a body that is good in form.
fn takers(person: &str) -> Vec<(&'static str, String, Value)> {
    let order = json!({"reason": "lost"});
    vec![
        ("POST", "/admin/api/v1/people".to_owned(), support::person(9)),
        ("PUT", format!("/admin/api/v1/people/{person}"), support::person(9)),
        ("POST", "/admin/api/v1/offers".to_owned(), json!({"person_id": person, "credential_types": ["resident-id"]})),
        ("POST", "/admin/api/v1/tokens".to_owned(), json!({"name": "x", "role": "auditor"})),
        ("POST", "/admin/api/v1/pairings".to_owned(), json!({"name": "gate 12"})),
        ("POST", "/admin/api/v1/wallets".to_owned(), json!({"client_id": "x", "name": "x", "redirect_uris": []})),
        ("PUT", format!("/admin/api/v1/wallets/{NOBODY}"), json!({"client_id": "x", "name": "x", "redirect_uris": []})),
        ("POST", "/checkpoint/pair".to_owned(), json!({"code": "x"})),
        ("POST", format!("/admin/api/v1/credentials/{NOBODY}/suspend"), order.clone()),
        ("POST", format!("/admin/api/v1/credentials/{NOBODY}/reinstate"), order.clone()),
        ("POST", format!("/admin/api/v1/credentials/{NOBODY}/revoke"), order),
        ("POST", "/checkpoint/api/v1/presentations".to_owned(), json!({"use_case": "boarding"})),
        ("POST", format!("/checkpoint/api/v1/presentations/{NO_PRESENTATION}/admission"), json!({"reason": "other"})),
        ("PUT", format!("/checkpoint/api/v1/presentations/{NO_PRESENTATION}/boarding-pass"), json!({"boarding_pass": "x"})),
        ("POST", format!("/checkpoint/api/v1/presentations/{NO_PRESENTATION}/response"), json!({"protocol": "x", "data": {}})),
        ("POST", "/checkpoint/api/v1/verifications".to_owned(), json!({"presentation": "x", "nonce": "n", "audience": "a"})),
    ]
}

#[test]
fn bodies_of_the_wrong_type_size_or_form_are_refused_everywhere_with_nothing_done() {
    let service = TestService::start();
    let (admin, gate) = (service.admin(), service.checkpoint());
    let made = admin.post("/admin/api/v1/people", &support::person(1)).good(201);
    let before = service.service().store().head();
    for (method, path, good) in takers(made["person_id"].as_str().expect("an id")) {
        let user = if path.starts_with("/checkpoint") { &gate } else { &admin };
        let send = |media: &[(&str, &str)], body: &[u8]| user.send(method, &path, media, body);
        let json = [("content-type", "application/json")];
        let text = good.to_string();
        for media in [&[][..], &[("content-type", "text/plain")], &[("content-type", "application/x-www-form-urlencoded")]] {
            send(media, text.as_bytes()).problem(415, "unsupported_media_type");
        }
        send(&[json[0], ("content-encoding", "gzip")], text.as_bytes()).problem(415, "unsupported_media_type");
        let large = format!("{{\"x\":\"{}\"}}", "a".repeat(2 * 1024 * 1024));
        send(&json, large.as_bytes()).problem(413, "body_too_large");
        let doubled = text.replacen('{', r#"{"zz":1,"zz":2,"#, 1);
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let bad = ["", "{", "nul", "{} {}", "\u{feff}{}", r#"{"a":1e999999}"#, r#"{"a":"\ud800"}"#, &doubled, &deep];
        for body in bad {
            send(&json, body.as_bytes()).problem(400, "invalid_json");
        }
        send(&json, b"{\"a\":\"\xff\"}").problem(400, "invalid_json");
        for body in ["[]", "7", "\"x\"", "null", "{}", r#"{"unknown":1}"#] {
            let problem = send(&json, body.as_bytes()).problem(400, "invalid_request");
            assert!(problem["errors"][0]["pointer"].is_string(), "{path}: {problem}");
        }
    }
    assert_eq!(service.service().store().head(), before);
}

#[test]
fn what_is_wrong_is_named_and_never_repeated() {
    let service = TestService::start();
    let admin = service.admin();
    let mut bad = support::person(1);
    bad["sex"] = json!("female-SECRET");
    bad["address"]["region"] = json!(["SECRET"]);
    bad["more"] = json!("SECRET");
    let answer = admin.post("/admin/api/v1/people", &bad);
    let problem = answer.problem(400, "invalid_request");
    assert!(!answer.text().contains("SECRET"));
    let pointers: BTreeSet<_> =
        problem["errors"].as_array().expect("errors").iter().filter_map(|error| error["pointer"].as_str()).collect();
    assert!(["/sex", "/address/region", "/more"].iter().all(|field| pointers.contains(field)), "{problem}");
    let answer = admin.post("/admin/api/v1/tokens", &json!({"name": "x", "role": "SECRET"}));
    assert_eq!(answer.problem(400, "invalid_request")["errors"][0]["pointer"], "/role");
    assert!(!answer.text().contains("SECRET"));
    for query in ["query=a&query=b", "qeury=a", "limit=x", "cursor=%21", "limit=-1", "limit=99999999"] {
        admin.get(&format!("/admin/api/v1/people?{query}")).problem(400, "invalid_request");
    }
}

#[test]
fn identifiers_nobody_has_are_not_found_in_whatever_form() {
    let service = TestService::start();
    let (admin, anon) = (service.admin(), service.anon());
    for id in [NOBODY, "x", "..%2f..%2fetc%2fpasswd", "%00", "67E55044-10B1-426F-9247-BB680E5FE0C8", "0"] {
        for path in ["/admin/api/v1/people/", "/admin/api/v1/credentials/", "/admin/api/v1/tokens/"] {
            admin.get(&format!("{path}{id}")).problem(404, "not_found");
        }
        for path in ["/offers/", "/credential-types/"] {
            anon.get(&format!("{path}{id}")).problem(404, "not_found");
        }
    }
    for id in ["7", "01", "4294967296", "-1", "x"] {
        anon.get(&format!("/status-lists/{id}")).problem(404, "not_found");
    }
    for verb in ["suspend", "reinstate", "revoke"] {
        admin.post(&format!("/admin/api/v1/credentials/{NOBODY}/{verb}"), &json!({"reason": "lost"})).problem(404, "not_found");
    }
}
