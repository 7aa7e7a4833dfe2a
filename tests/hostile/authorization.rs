//! The authorisation code flow under attack: who asks without pushing, opens what is another's, sends codes elsewhere, or
//! shows one again.

use serde_json::json;
use yufu::{
    base::{base64url, time::Timestamp},
    crypto::sha256,
    format::openid::{
        authorization::PushedResponse,
        form,
        offer::AUTHORIZATION_CODE,
        token::{BadAuthorizationDetails, TokenRequest, TokenResponse},
    },
    issuance::{
        authorize::{AuthorizationError as A, Authorizations, OpenError, Opened, SendBack},
        caller::{CallerError, Shown},
        client_attestation::AttestationError,
        credential::CredentialError,
        offer::{OfferError, OfferOrder, Offered, OfferedGrants},
        token::TokenError,
        wallets::{WalletOrder, Wallets, WalletsError},
    },
    model::{
        client::WalletClient,
        ids::PersonId,
        party::{NotAllowed, Role},
        profile::Profile,
        redirect::Admitted,
        sign_in::{CitizenSession, SignInMethod},
    },
};

use super::{
    office::{Office, URL, at_once, authority, code as pre_authorized, key, no_headers, person, registrar, request},
    support::haip::form_of,
};

pub const TESTED: &[&str] =
    &["NT-VCI-03", "NT-VCI-12", "NT-HAIP-05", "OA-01", "OA-02", "OA-03", "OA-04", "OA-05", "OA-06", "OA-14"];

const CLIENT: &str = "wallet.example";
const BACK: &str = "https://wallet.example/back";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";

/// An office whose person wants to fetch with a registered wallet.
struct Flow {
    office: Office,
    authorizations: Authorizations,
    wallets: Wallets,
    wallet: WalletClient,
    person: PersonId,
}

impl Flow {
    fn new() -> Self {
        Self::under(Profile::Open, &[])
    }

    fn under(profile: Profile, admitted: &[&str]) -> Self {
        let office = Office::under(profile);
        let person = office.register();
        let wallets = Wallets::new(office.ground.clone());
        let order = WalletOrder {
            client_id: CLIENT.to_owned(),
            name: "A wallet".to_owned(),
            redirect_uris: vec![BACK.to_owned(), "com.example.wallet:/back".to_owned(), "http://127.0.0.1/back".to_owned()],
        };
        let wallet = wallets.register(&authority(Role::Administrator), &order).expect("registered");
        let admitted: Vec<Admitted> = admitted.iter().map(|one| one.parse().expect("it can be admitted")).collect();
        let authorizations = Authorizations::new(office.ground.clone(), admitted);
        Self { office, authorizations, wallets, wallet, person }
    }

    /// Pushes a good request with these parameters instead of its own; an empty one is left out.
    fn push(&self, changes: &[(&str, &str)]) -> Result<PushedResponse, A> {
        self.authorizations.push(&no_headers(), pushed(changes).as_bytes())
    }

    fn open(&self, pushed: &PushedResponse, browser: Option<&str>) -> Result<Opened, OpenError> {
        self.authorizations.open(&form_of(&[("client_id", CLIENT), ("request_uri", &pushed.request_uri)]), browser)
    }

    /// Pushes and opens a good request.
    fn opened(&self, changes: &[(&str, &str)]) -> Opened {
        self.open(&self.push(changes).expect("pushed"), None).expect("opened")
    }

    fn session(&self, person: PersonId) -> CitizenSession {
        let signed_in_at = Timestamp::from_unix(0);
        CitizenSession { person, method: SignInMethod::ActivationCode, signed_in_at }
    }

    fn agree(&self, opened: &Opened) -> Result<SendBack, OpenError> {
        self.authorizations.agree(opened.id, opened.browser.expose(), &self.session(self.person))
    }

    /// A good code.
    fn code(&self, changes: &[(&str, &str)]) -> String {
        parameter(&self.agree(&self.opened(changes)).expect("agreed"), "code").expect("a code")
    }

    fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Result<TokenResponse, TokenError> {
        self.office.tokens.redeem(&no_headers(), &token_request(code, changes))
    }

    /// Whether an access token gets anything done: without proofs, so that nothing is used up.
    fn is_good(&self, token: &TokenResponse) -> bool {
        match self.office.fetch(&token.access_token, &request("resident-id", &[])) {
            Err(CredentialError::Access(_)) => false,
            Err(CredentialError::Request(_)) => true,
            other => panic!("{other:?}"),
        }
    }

    fn offer(&self, grants: OfferedGrants) -> Offered {
        let order =
            OfferOrder { person: self.person, credential_types: vec!["resident-id".to_owned()], tx_code: false, grants };
        self.office.offers.create(&registrar(), &order).expect("offered")
    }
}

fn challenge() -> String {
    base64url::encode(sha256(VERIFIER))
}

fn pushed(changes: &[(&str, &str)]) -> String {
    let challenge = challenge();
    changed(
        &[
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", BACK),
            ("scope", "resident-id"),
            ("state", "s &1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
        changes,
    )
}

fn token_request(code: &str, changes: &[(&str, &str)]) -> TokenRequest {
    let good = [
        ("grant_type", AUTHORIZATION_CODE),
        ("client_id", CLIENT),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    TokenRequest::parse(changed(&good, changes).as_bytes()).expect("a form")
}

fn changed(good: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let mut all: Vec<_> = good.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name)).copied().collect();
    all.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    form_of(&all)
}

fn parameter(back: &SendBack, name: &str) -> Option<String> {
    let (_, query) = back.location.split_once('?').expect("a query");
    form::parse(query.as_bytes()).expect("a query").remove(name)
}

fn state_of(offered: &Offered) -> String {
    offered.offer.grants.authorization_code.clone().and_then(|grant| grant.issuer_state).expect("an issuer_state")
}

#[test]
fn nt_haip_05_requests_are_pushed_with_s256_and_answers_name_who_gave_them() {
    let flow = Flow::new();
    let open = |query: &str| flow.authorizations.open(query, None).map(drop);
    assert_eq!(open(&pushed(&[])), Err(OpenError::NotPushed), "OA-02: a whole request in the browser");
    assert_eq!(open(""), Err(OpenError::NotPushed));
    let uri = form::encode("https://wallet.example/request.jwt");
    assert_eq!(open(&format!("client_id={CLIENT}&request_uri={uri}")), Err(OpenError::Unknown), "an address is never fetched");
    let plain = [("code_challenge_method", "plain"), ("code_challenge", VERIFIER)];
    for (line, changes, expected) in [
        ("OA-03", &plain[..], A::ChallengeMethod),
        ("OA-03", &[("code_challenge_method", "")], A::ChallengeMethod),
        ("OA-03", &[("code_challenge_method", "s256")], A::ChallengeMethod),
        ("OA-03", &[("code_challenge", "")], A::Missing("code_challenge")),
        ("OA-03", &[("code_challenge", VERIFIER)], A::Challenge),
        ("OA-03", &[("code_challenge", "AAAA")], A::Challenge),
        ("OA-06", &[("request_uri", "urn:ietf:params:oauth:request_uri:x")], A::NotPushable("request_uri")),
        ("OA-06", &[("request", "e30.e30.")], A::NotPushable("request")),
    ] {
        let error = flow.push(changes).expect_err("refused");
        assert_eq!((error.code(), &error), (Some("invalid_request"), &expected), "{line} {changes:?}");
    }
    let agreed = flow.agree(&flow.opened(&[])).expect("agreed");
    let iss = form::encode(URL);
    let code = parameter(&agreed, "code").expect("a code");
    assert_eq!(agreed.location, format!("{BACK}?code={code}&state=s%20%261&iss={iss}"), "OA-14");
    assert_eq!(code.len(), 43);
    let opened = flow.opened(&[("state", "")]);
    let refused = flow.authorizations.refuse(opened.id, opened.browser.expose()).expect("refused");
    let why = "the%20person%20did%20not%20agree";
    assert_eq!(refused.location, format!("{BACK}?error=access_denied&error_description={why}&iss={iss}"), "OA-14");
    assert!(!format!("{agreed:?}").contains(&code), "codes do not reach logs");
}

#[test]
fn a_pushed_request_that_is_not_in_order_is_refused_for_its_own_reason() {
    let flow = Flow::new();
    let twice = format!("{}&scope=resident-id", pushed(&[]));
    let error = flow.authorizations.push(&no_headers(), twice.as_bytes()).expect_err("refused");
    assert_eq!((error.code(), error), (Some("invalid_request"), A::Form(form::FormError::Doubled)), "NT-VCI-13");
    let long = "a".repeat(2049);
    let detail = r#"[{"type":"openid_credential","credential_configuration_id":"passport"}]"#;
    for (changes, expected, code) in [
        (("client_id", ""), A::Missing("client_id"), "invalid_request"),
        (("client_id", "\u{7}"), A::Caller(CallerError::ClientMalformed), "invalid_request"),
        (("client_id", "other.example"), A::ClientUnknown, "invalid_client"),
        (("response_type", ""), A::Missing("response_type"), "invalid_request"),
        (("response_type", "token"), A::ResponseType, "unsupported_response_type"),
        (("response_type", "code id_token"), A::ResponseType, "unsupported_response_type"),
        (("response_mode", "fragment"), A::ResponseMode, "invalid_request"),
        (("redirect_uri", ""), A::Missing("redirect_uri"), "invalid_request"),
        (("state", long.as_str()), A::State, "invalid_request"),
        (("state", "鱼"), A::State, "invalid_request"),
        (("scope", ""), A::Scope, "invalid_scope"),
        (("scope", "passport openid"), A::Scope, "invalid_scope"),
        (("authorization_details", "[]"), A::AuthorizationDetails(BadAuthorizationDetails), "invalid_authorization_details"),
        (("authorization_details", detail), A::AuthorizationDetails(BadAuthorizationDetails), "invalid_authorization_details"),
        (("resource", "https://other.example"), A::Resource, "invalid_target"),
        (("resource", "https://id.example.evil.example"), A::Resource, "invalid_target"),
        (("dpop_jkt", "x"), A::DpopKey, "invalid_request"),
    ] {
        let error = flow.push(&[changes]).expect_err("refused");
        assert_eq!((error.code(), &error), (Some(code), &expected), "{changes:?}");
    }
    for good in [("resource", URL), ("response_mode", "query"), ("scope", "openid resident-id nothing"), ("prompt", "login")] {
        assert!(flow.push(&[good]).is_ok(), "{good:?}");
    }
}

#[test]
fn oa_01_codes_go_only_where_the_wallet_was_registered_to_take_them() {
    let flow = Flow::new();
    for good in [BACK, "com.example.wallet:/back", "http://127.0.0.1:40123/back", "http://127.0.0.1/back"] {
        let back = flow.agree(&flow.opened(&[("redirect_uri", good)])).expect("agreed");
        assert!(back.location.starts_with(&format!("{good}?code=")), "{good}");
    }
    for bad in [
        "https://wallet.example/back/",
        "https://wallet.example/back?x=y",
        "https://wallet.example/back#x",
        "https://wallet.example/back/../evil",
        "https://wallet.example/%62ack",
        "https://wallet.example:444/back",
        "https://WALLET.example/back",
        "https://wallet.example@evil.example/back",
        "https://wallet.example.evil.example/back",
        "https://evil.example/back",
        "http://wallet.example/back",
        "http://127.0.0.1:40123/other",
        "http://127.0.0.1:40123@evil.example/back",
        "http://localhost:40123/back",
        "com.example.wallet:/back2",
        "javascript:alert(1)",
    ] {
        assert_eq!(flow.push(&[("redirect_uri", bad)]), Err(A::RedirectUri), "{bad}");
    }
    let admitting = Flow::under(Profile::Open, &["http://127.0.0.1:*", "dev.wallet:/back"]);
    for (client, address, expected) in [
        ("unregistered", "http://127.0.0.1:5000/anything", Ok(())),
        ("unregistered", "dev.wallet:/back", Ok(())),
        ("unregistered", "dev.wallet:/other", Err(A::ClientUnknown)),
        ("unregistered", "https://evil.example/", Err(A::ClientUnknown)),
        (CLIENT, "dev.wallet:/back", Ok(())),
        (CLIENT, "dev.wallet:/other", Err(A::RedirectUri)),
    ] {
        let pushed = admitting.push(&[("client_id", client), ("redirect_uri", address)]).map(drop);
        assert_eq!(pushed, expected, "{client} {address}");
    }
}

#[test]
fn nt_vci_03_a_code_is_redeemed_by_who_asked_for_it() {
    let flow = Flow::new();
    let code = flow.code(&[]);
    let (longer, challenge) = (format!("{VERIFIER}x"), challenge());
    for (line, changes, expected) in [
        ("NT-VCI-03", ("code_verifier", ""), TokenError::Missing("code_verifier")),
        ("NT-VCI-03", ("redirect_uri", ""), TokenError::Missing("redirect_uri")),
        ("NT-VCI-03", ("client_id", ""), TokenError::Missing("client_id")),
        ("NT-VCI-03", ("code", ""), TokenError::Missing("code")),
        ("OA-03", ("code_verifier", longer.as_str()), TokenError::GrantNotGood),
        ("OA-03", ("code_verifier", challenge.as_str()), TokenError::GrantNotGood),
        ("OA-03", ("code_verifier", "short"), TokenError::GrantNotGood),
        ("NT-VCI-03", ("redirect_uri", "com.example.wallet:/back"), TokenError::GrantNotGood),
        ("OA-05", ("client_id", "other.example"), TokenError::GrantNotGood),
        ("NT-VCI-03", ("code", "unknown"), TokenError::GrantNotGood),
        (
            "NT-VCI-03",
            ("grant_type", "urn:ietf:params:oauth:grant-type:pre-authorized_code"),
            TokenError::Missing("pre-authorized_code"),
        ),
        ("NT-VCI-03", ("resource", "https://other.example"), TokenError::Resource),
    ] {
        assert_eq!(flow.redeem(&code, &[changes]), Err(expected), "{line} {changes:?}");
    }
    let token = flow.redeem(&code, &[]).expect("and the code is as good as before");
    assert_eq!((token.token_type.as_str(), token.authorization_details.len()), ("Bearer", 0));
    assert_eq!(token.scope.as_deref(), Some("resident-id"));
    assert!(flow.is_good(&token));
    let late = flow.code(&[]);
    flow.office.clock.advance(60);
    assert_eq!(flow.redeem(&late, &[]), Err(TokenError::GrantNotGood), "past its time");
}

#[test]
fn nt_vci_03_a_code_that_is_shown_again_ends_what_it_gave() {
    // OA-04
    let flow = Flow::new();
    let code = flow.code(&[]);
    let token = flow.redeem(&code, &[]).expect("a token");
    let other = flow.redeem(&flow.code(&[]), &[]).expect("a token");
    for known in [("code_verifier", "another-verifier-of-forty-three-characters-"), ("client_id", "other.example")] {
        assert_eq!(flow.redeem(&code, &[known]), Err(TokenError::GrantNotGood));
    }
    assert!(flow.is_good(&token), "the code alone, from a log or a history, ends nothing");
    flow.office.clock.advance(200);
    assert_eq!(flow.redeem(&code, &[]), Err(TokenError::GrantNotGood));
    assert!(!flow.is_good(&token));
    assert!(flow.is_good(&other), "only what this code gave");
    assert_eq!(flow.redeem(&code, &[]), Err(TokenError::GrantNotGood));
}

#[test]
fn one_code_raced_gives_one_token_and_the_race_ends_it() {
    let flow = Flow::new();
    for racers in [2, 16] {
        let code = flow.code(&[]);
        let outcomes = at_once(racers, |_| flow.redeem(&code, &[]));
        let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((good.len() as u64, bad.len() as u64), (1, racers - 1));
        assert!(bad.iter().all(|outcome| *outcome == Err(TokenError::GrantNotGood)), "{bad:?}");
        assert!(!flow.is_good(good[0].as_ref().expect("a token")));
    }
}

#[test]
fn a_request_is_opened_in_one_browser_and_answered_once() {
    let flow = Flow::new();
    let pushed = flow.push(&[]).expect("pushed");
    assert_eq!(pushed.expires_in, 90);
    let foreign = form_of(&[("client_id", "other.example"), ("request_uri", &pushed.request_uri)]);
    assert_eq!(flow.authorizations.open(&foreign, None).map(drop), Err(OpenError::Unknown), "OA-06");
    let opened = at_once(16, |_| flow.open(&pushed, None));
    let (mut good, bad): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    assert!(bad.into_iter().all(|outcome| outcome.map(drop) == Err(OpenError::OtherBrowser)));
    let opened = good.remove(0).expect("opened");
    let again = flow.open(&pushed, Some(opened.browser.expose())).expect("the same browser sees it again");
    assert_eq!((again.id, again.browser.expose()), (opened.id, opened.browser.expose()));
    let strange = base64url::encode([7; 32]);
    assert_eq!(flow.open(&pushed, Some(&strange)).map(drop), Err(OpenError::OtherBrowser));
    assert_eq!(flow.authorizations.view(opened.id, &strange), Err(OpenError::OtherBrowser));
    let strangers = flow.authorizations.agree(opened.id, &strange, &flow.session(flow.person));
    assert_eq!(strangers, Err(OpenError::OtherBrowser));
    assert_eq!(flow.authorizations.refuse(opened.id, &strange), Err(OpenError::OtherBrowser));

    let view = flow.authorizations.view(opened.id, opened.browser.expose()).expect("shown");
    assert_eq!((view.client_name.as_str(), view.client_id.as_str()), ("A wallet", CLIENT));
    assert_eq!((view.return_host.as_str(), view.from_offer), ("wallet.example", false));
    assert_eq!(view.configurations, ["resident-id"]);

    let agreed = at_once(16, |_| flow.agree(&opened));
    assert_eq!(agreed.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(agreed.iter().all(|outcome| matches!(outcome, Ok(_) | Err(OpenError::Answered))));
    assert_eq!(flow.open(&pushed, Some(opened.browser.expose())).map(drop), Err(OpenError::Answered));
    assert_eq!(flow.authorizations.refuse(opened.id, opened.browser.expose()), Err(OpenError::Answered));
}

#[test]
fn a_request_has_its_time() {
    let flow = Flow::new();
    let pushed = flow.push(&[]).expect("pushed");
    flow.office.clock.advance(90);
    assert_eq!(flow.open(&pushed, None).map(drop), Err(OpenError::Unknown), "OA-06: never opened");
    let opened = flow.opened(&[]);
    flow.office.clock.advance(15 * 60 - 1);
    assert!(flow.authorizations.view(opened.id, opened.browser.expose()).is_ok());
    flow.office.clock.advance(1);
    assert_eq!(flow.authorizations.view(opened.id, opened.browser.expose()), Err(OpenError::Unknown));
    assert_eq!(flow.agree(&opened), Err(OpenError::Unknown));
    let refused = flow.opened(&[]);
    flow.authorizations.refuse(refused.id, refused.browser.expose()).expect("refused");
    assert_eq!(flow.agree(&refused), Err(OpenError::Answered));
}

#[test]
fn a_browser_with_two_requests_has_one_secret_and_a_secret_nobody_drew_is_replaced() {
    let flow = Flow::new();
    let first = flow.opened(&[]);
    let second = flow.open(&flow.push(&[]).expect("pushed"), Some(first.browser.expose())).expect("opened");
    assert_eq!(second.browser.expose(), first.browser.expose());
    assert_ne!(second.id, first.id);
    let third = flow.open(&flow.push(&[]).expect("pushed"), Some("known to an attacker")).expect("opened");
    assert_eq!(third.browser.expose().len(), 43);
    assert!(flow.agree(&first).is_ok() && flow.agree(&second).is_ok() && flow.agree(&third).is_ok());
}

#[test]
fn nt_vci_12_an_issuer_state_leads_to_the_person_of_the_offer_and_to_nobody_else() {
    let flow = Flow::new();
    let mut other = person();
    other.insert("id_number".to_owned(), json!("110101199003070011"));
    other.insert("birth_date".to_owned(), json!("1990-03-07"));
    other.insert("sex".to_owned(), json!("male"));
    let other = flow.office.people.register(&registrar(), &other).expect("registered");
    let offered = flow.offer(OfferedGrants::AuthorizationCode);
    let state = state_of(&offered);
    assert!(offered.offer.grants.pre_authorized_code.is_none());
    let plain = flow.offer(OfferedGrants::PreAuthorized);
    for injected in ["unknown", &pre_authorized(&plain), &state.to_uppercase()] {
        assert_eq!(flow.push(&[("issuer_state", injected)]), Err(A::IssuerState));
    }
    // Another person, led to a page that came from the offer of somebody else.
    let opened = flow.opened(&[("issuer_state", &state)]);
    let before = flow.office.state();
    let back = flow.authorizations.agree(opened.id, opened.browser.expose(), &flow.session(other)).expect("sent back");
    assert_eq!((parameter(&back, "error").as_deref(), parameter(&back, "code")), (Some("access_denied"), None));
    assert_eq!(flow.agree(&opened), Err(OpenError::Answered), "and it is over");
    assert_eq!(flow.office.state(), before);
    // Somebody else's offer gives no more than it offers.
    assert_eq!(flow.push(&[("issuer_state", &state), ("scope", "transport-qualification")]), Err(A::Scope));
    // The person of the offer, who need not say what for.
    let code = flow.code(&[("issuer_state", &state), ("scope", "")]);
    let late = flow.code(&[("issuer_state", &state)]);
    assert!(flow.is_good(&flow.redeem(&code, &[]).expect("a token")));
    assert_eq!(flow.redeem(&late, &[]), Err(TokenError::GrantNotGood), "the offer was used");
    assert_eq!(flow.push(&[("issuer_state", &state)]), Err(A::IssuerState), "the offer was used");
    assert_eq!(flow.office.offers.object(offered.id), Ok(None));
}

#[test]
fn an_offer_by_two_grants_is_used_up_by_either() {
    let flow = Flow::new();
    let first = flow.offer(OfferedGrants::Both);
    let waiting = flow.code(&[("issuer_state", &state_of(&first))]);
    flow.office.redeem(&pre_authorized(&first), None).expect("a token");
    assert_eq!(flow.redeem(&waiting, &[]), Err(TokenError::GrantNotGood));
    let second = flow.offer(OfferedGrants::Both);
    flow.redeem(&flow.code(&[("issuer_state", &state_of(&second))]), &[]).expect("a token");
    assert_eq!(flow.office.redeem(&pre_authorized(&second), None), Err(TokenError::GrantNotGood));
    let late = flow.offer(OfferedGrants::Both);
    flow.office.clock.advance(15 * 60);
    assert_eq!(flow.push(&[("issuer_state", &state_of(&late))]), Err(A::IssuerState));
    let order = OfferOrder {
        person: flow.person,
        credential_types: vec!["resident-id".to_owned()],
        tx_code: true,
        grants: OfferedGrants::AuthorizationCode,
    };
    let refused = flow.office.offers.create(&registrar(), &order).expect_err("refused");
    assert_eq!(refused, OfferError::TxCodeWithoutCode);
}

#[test]
fn a_token_is_for_what_was_agreed_to_and_no_more() {
    let flow = Flow::new();
    let detail = |name: &str| format!(r#"[{{"type":"openid_credential","credential_configuration_id":"{name}"}}]"#);
    let both = flow.code(&[("scope", "transport-qualification resident-id")]);
    let wide = [("authorization_details", &*detail("passport"))];
    assert_eq!(flow.redeem(&both, &wide), Err(TokenError::AuthorizationDetails(BadAuthorizationDetails)));
    let narrow = flow.redeem(&both, &[("authorization_details", &detail("resident-id"))]).expect("a token");
    assert_eq!(narrow.authorization_details[0].credential_identifiers, ["card:resident-id"]);
    let asked = json!({"credential_identifier": "card:transport-qualification", "proofs": {"jwt": ["x"]}});
    assert_eq!(flow.office.fetch(&narrow.access_token, &asked), Err(CredentialError::UnknownIdentifier));
    // Asked for by details, the answer gives identifiers, and for what came by scope beside them too.
    let details = detail("resident-id");
    let code = flow.code(&[("scope", "transport-qualification"), ("authorization_details", &details)]);
    let token = flow.redeem(&code, &[]).expect("a token");
    let named: Vec<_> = token.authorization_details.iter().map(|one| one.credential_configuration_id.as_str()).collect();
    assert_eq!(named, ["resident-id", "transport-qualification"]);
    let proofs = [flow.office.proof(&key(1), &flow.office.nonce())];
    let by_name = flow.office.fetch(&token.access_token, &request("resident-id", &proofs));
    assert!(by_name.is_err(), "{by_name:?}");
    let plain = flow.redeem(&flow.code(&[]), &[]).expect("a token");
    let mut claims = flow.office.claims(&flow.office.nonce());
    claims.insert("iss".to_owned(), json!(CLIENT));
    let proof = super::office::signed(&key(1), flow.office.header(&key(1)), claims);
    let card = flow.office.fetch(&plain.access_token, &request("resident-id", &[proof])).expect("a card");
    assert_eq!(card.credentials.len(), 1);
}

#[test]
fn a_wallet_that_is_switched_off_gets_nothing_more() {
    let flow = Flow::new();
    let (code, opened, waiting) = (flow.code(&[]), flow.opened(&[]), flow.push(&[]).expect("pushed"));
    let administrator = authority(Role::Administrator);
    flow.wallets.switch_off(&administrator, flow.wallet.id).expect("off");
    flow.wallets.switch_off(&administrator, flow.wallet.id).expect("and stays so");
    assert_eq!(flow.push(&[]), Err(A::ClientUnknown));
    assert_eq!(flow.redeem(&code, &[]), Err(TokenError::ClientOff));
    assert_eq!(flow.agree(&opened), Err(OpenError::Unknown));
    assert_eq!(flow.open(&waiting, None).map(drop), Err(OpenError::Unknown));
    let order = |addresses: &[&str]| WalletOrder {
        client_id: CLIENT.to_owned(),
        name: "Again".to_owned(),
        redirect_uris: addresses.iter().map(|one| (*one).to_owned()).collect(),
    };
    assert_eq!(flow.wallets.change(&administrator, flow.wallet.id, &order(&[BACK])), Err(WalletsError::Off));
    let (listed, next) = flow.wallets.list(&administrator, None).expect("listed");
    assert_eq!((listed.len(), next), (1, None));
    assert!(listed[0].switched_off_at.is_some());
    flow.wallets.register(&administrator, &order(&[])).expect("registered anew");
    assert_eq!(flow.push(&[]), Err(A::RedirectUri), "with what it was registered for now");
    flow.wallets.change(&administrator, flow.wallet.id, &order(&[BACK])).expect("changed");
    assert!(flow.push(&[]).is_ok());
    let other = WalletOrder { client_id: "other.example".to_owned(), ..order(&[]) };
    assert_eq!(flow.wallets.change(&administrator, flow.wallet.id, &other), Err(WalletsError::OtherClientId));
    let nobody = WalletClient::id_of("nobody");
    assert_eq!(flow.wallets.change(&administrator, nobody, &other), Err(WalletsError::NotFound));
}

#[test]
fn wallets_are_registered_by_administrators_with_addresses_that_are_safe() {
    let flow = Flow::new();
    let administrator = authority(Role::Administrator);
    let order = |client_id: &str, name: &str, addresses: &[&str]| WalletOrder {
        client_id: client_id.to_owned(),
        name: name.to_owned(),
        redirect_uris: addresses.iter().map(|one| (*one).to_owned()).collect(),
    };
    for role in [Role::Registrar, Role::Revoker, Role::Auditor, Role::Checkpoint] {
        let refused = flow.wallets.register(&authority(role), &order("a", "b", &[]));
        assert_eq!(refused, Err(WalletsError::NotAllowed(NotAllowed)), "{role}");
        let refused = flow.wallets.switch_off(&authority(role), flow.wallet.id);
        assert_eq!(refused, Err(WalletsError::NotAllowed(NotAllowed)), "{role}");
        assert_eq!(flow.wallets.list(&authority(role), None).map(drop), Err(WalletsError::NotAllowed(NotAllowed)), "{role}");
    }
    let before = flow.office.state();
    for (wrong, expected) in [
        (order("", "b", &[]), WalletsError::ClientId),
        (order("鱼", "b", &[]), WalletsError::ClientId),
        (order("a", " ", &[]), WalletsError::Name),
        (order("a", "b\n", &[]), WalletsError::Name),
        (order("a", &"b".repeat(65), &[]), WalletsError::Name),
        (order("a", "b", &["https://a.example/", "http://a.example/"]), WalletsError::Address(1)),
        (order("a", "b", &["javascript:alert(1)"]), WalletsError::Address(0)),
        (order("a", "b", &[BACK, BACK]), WalletsError::AddressTwice(1)),
        (order("a", "b", &[BACK; 17]), WalletsError::TooManyAddresses),
        (order(CLIENT, "b", &[BACK]), WalletsError::ClientIdTaken),
    ] {
        assert_eq!(flow.wallets.register(&administrator, &wrong), Err(expected), "{wrong:?}");
    }
    assert_eq!(flow.office.state(), before);
    let outcomes = at_once(16, |_| flow.wallets.register(&administrator, &order("raced", "b", &[BACK])).map(drop));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[test]
fn who_can_have_nothing_is_sent_back_without_a_code() {
    let flow = Flow::new();
    let opened = flow.opened(&[("scope", "resident-id transport-qualification")]);
    let session = flow.session(flow.person);
    let eligible = flow.authorizations.eligibility(opened.id, opened.browser.expose(), &session).expect("known");
    let expected = [("resident-id".to_owned(), None), ("transport-qualification".to_owned(), None)];
    assert_eq!(eligible, expected);
    let mut deceased = person();
    deceased.insert("state".to_owned(), json!("deceased"));
    flow.office.people.change(&registrar(), flow.person, &deceased, None).expect("changed");
    let eligible = flow.authorizations.eligibility(opened.id, opened.browser.expose(), &session).expect("known");
    assert!(eligible.iter().all(|(_, why_not)| why_not.is_some()));
    let back = flow.agree(&opened).expect("sent back");
    assert_eq!((parameter(&back, "error").as_deref(), parameter(&back, "code")), (Some("access_denied"), None));
}

#[test]
fn under_haip_a_wallet_nobody_vouches_for_pushes_nothing_wherever_it_is_registered() {
    let flow = Flow::under(Profile::Haip, &[]);
    assert_eq!(flow.push(&[]), Err(A::Caller(CallerError::Attestation(AttestationError::Missing))));
    let shown = Shown { method: "POST", path: "/par", ..Shown::default() };
    assert!(flow.authorizations.push(&shown, pushed(&[]).as_bytes()).is_err());
}
