use std::sync::Barrier;

use super::*;
use crate::issuance::{
    caller::CallerError,
    dpop::{DpopError, ProvenKey},
    grant::{REFRESH_SECONDS, Terms},
    tests::{Floor, NOW, caller},
};

struct Issuer {
    floor: Floor,
    tokens: Tokens,
}

impl Issuer {
    fn new() -> Self {
        let floor = Floor::new();
        Self { tokens: Tokens::new(floor.ground.clone()), floor }
    }

    fn restarted(self) -> Self {
        drop(self.tokens);
        let floor = self.floor.restarted(2);
        Self { tokens: Tokens::new(floor.ground.clone()), floor }
    }

    /// A new grant to this caller, and its refresh token.
    fn give(&self, caller: &Caller) -> (GrantId, String) {
        let person = crate::model::ids::PersonId::from_bytes([1; 16]);
        let configurations = vec!["resident-id".to_owned(), "transport-qualification".to_owned()];
        let begun = self.floor.ground.begin_grant(Terms { person, offer: None, configurations, by_identifier: false, caller });
        let commit = Commit { guards: begun.guards, writes: begun.writes, ..Commit::default() };
        self.floor.ground.store.commit(commit).expect("given");
        (begun.grant.id, begun.refresh_token.expect("a refresh token").expose().clone())
    }

    fn refresh(&self, caller: &Caller, token: &str) -> Result<Given, TokenError> {
        self.tokens.redeem_refresh_token(caller, &request(token))
    }

    fn next(&self, caller: &Caller, token: &str) -> (u32, String) {
        told(self.refresh(caller, token).expect("it is good"))
    }

    fn is_refused(&self, caller: &Caller, token: &str) {
        assert_eq!(self.refresh(caller, token).map(told), Err(TokenError::GrantNotGood));
    }

    fn grant(&self, id: GrantId) -> Grant {
        self.floor.ground.grant(id).expect("it is read").expect("it is there").value
    }

    fn at(&self, seconds: i64) {
        self.floor.clock.set_wall(NOW.plus_seconds(seconds));
    }
}

fn request(token: &str) -> TokenRequest {
    TokenRequest { refresh_token: Some(token.to_owned()), ..TokenRequest::default() }
}

fn told(given: Given) -> (u32, String) {
    (given.grant.generation, given.refresh_token.expect("the next").expose().clone())
}

#[test]
fn each_use_replaces_the_token_and_opens_every_configuration_again() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    let fetched = crate::model::grant::Fetched {
        configuration: "resident-id".to_owned(),
        card: crate::model::ids::CardId::from_bytes([1; 16]),
        request: [1; 32],
        at: NOW,
    };
    let with_card = Grant { fetched: vec![fetched], ..issuer.grant(id) };
    let commit = Commit { writes: vec![Write::Put(Record::Grant(with_card))], ..Commit::default() };
    issuer.floor.ground.store.commit(commit).expect("written");
    let (mut token, mut seen) = (first.clone(), BTreeSet::from([first]));
    for generation in 1..=5 {
        issuer.at(i64::from(generation) * 86_400);
        let (now, next) = issuer.next(&caller(1), &token);
        assert_eq!((now, base64url::decode(&next).expect("base64url").len()), (generation, 32));
        assert!(seen.insert(next.clone()), "a token twice");
        token = next;
    }
    let grant = issuer.grant(id);
    assert_eq!((grant.generation, grant.fetched, grant.expires_at), (5, vec![], NOW.plus_seconds(REFRESH_SECONDS)));
}

#[test]
fn a_lost_answer_is_given_again_for_a_minute_word_for_word() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    let answer = issuer.next(&caller(1), &first);
    for seconds in [0, 1] {
        issuer.at(seconds);
        let told = issuer.refresh(&caller(1), &first).map(told);
        assert_eq!(told, Err(Fault::Busy.into()), "the answer is still on its way");
    }
    issuer.at(2);
    assert_eq!(issuer.next(&caller(1), &first), answer);
    issuer.at(59);
    assert_eq!(issuer.next(&caller(1), &first), answer);
    assert_eq!(issuer.next(&caller(1), &first), answer);
    assert_eq!(issuer.grant(id).generation, 1, "it moved on once");
    let second = issuer.next(&caller(1), &answer.1);
    assert_eq!(second.0, 2);
}

/// NT: a refresh token that was replaced, shown again by the installation it was given to.
#[test]
fn a_replaced_token_shown_again_ends_the_grant_and_all_its_tokens() {
    // A minute later; and at once, when its successor was used already.
    for (seconds, uses) in [(60, 1), (0, 2), (86_400, 3)] {
        let issuer = Issuer::new();
        let (id, first) = issuer.give(&caller(1));
        let last = (0..uses).fold(first.clone(), |token, _| issuer.next(&caller(1), &token).1);
        issuer.at(seconds);
        issuer.is_refused(&caller(1), &first);
        assert_eq!(issuer.grant(id).ended_at, Some(NOW.plus_seconds(seconds)), "after {seconds} s and {uses} uses");
        issuer.is_refused(&caller(1), &last);
    }
}

/// NT-ABCA-14.
#[test]
fn another_key_or_client_can_neither_use_a_token_nor_end_its_grant() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    let second = issuer.next(&caller(1), &first).1;
    issuer.at(3_600);
    let mine = || caller(1);
    let others = [
        ("another installation", caller(2)),
        ("no key at all", Caller { instance: None, dpop_jkt: None, ..mine() }),
        ("no attestation", Caller { attested: false, ..mine() }),
        ("no DPoP", Caller { dpop_jkt: None, ..mine() }),
        ("another client", Caller { client_id: Some("https://other.example".to_owned()), ..mine() }),
    ];
    for (name, other) in others {
        for token in [&first, &second] {
            issuer.is_refused(&other, token);
        }
        assert_eq!(issuer.grant(id).ended_at, None, "{name}");
    }
    // An attested wallet may have made itself a new DPoP key; what it gets is bound to that one.
    let renewed = Caller { dpop_jkt: Some("new".to_owned()), ..mine() };
    assert_eq!(issuer.next(&renewed, &second).0, 2);
    assert_eq!(issuer.grant(id).dpop_jkt.as_deref(), Some("new"));
}

#[test]
fn its_life_is_bounded_however_often_it_is_used() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    issuer.at(REFRESH_SECONDS / 2);
    let second = issuer.next(&caller(1), &first).1;
    issuer.at(REFRESH_SECONDS - 1);
    let third = issuer.next(&caller(1), &second).1;
    issuer.at(REFRESH_SECONDS);
    issuer.is_refused(&caller(1), &third);
    assert_eq!(issuer.grant(id).ended_at, None, "it ended by itself");
    let plain = Caller { instance: None, dpop_jkt: None, attested: false, ..caller(1) };
    let terms = Terms {
        person: crate::model::ids::PersonId::from_bytes([1; 16]),
        offer: None,
        configurations: vec!["resident-id".to_owned()],
        by_identifier: false,
        caller: &plain,
    };
    let begun = issuer.floor.ground.begin_grant(terms);
    assert_eq!((begun.refresh_token.is_none(), begun.grant.refresh), (true, None), "nobody is there to bind it to");
}

#[test]
fn what_was_stopped_or_ended_or_never_given_is_refused() {
    let issuer = Issuer::new();
    let (id, token) = issuer.give(&caller(1));
    let put = |grant: Grant| {
        let commit = Commit { writes: vec![Write::Put(Record::Grant(grant))], ..Commit::default() };
        issuer.floor.ground.store.commit(commit).expect("written");
    };
    let given = issuer.grant(id);
    put(Grant { stopped_at: Some(NOW), ..given.clone() });
    issuer.is_refused(&caller(1), &token);
    put(Grant { ended_at: Some(NOW), ..given.clone() });
    issuer.is_refused(&caller(1), &token);
    put(given);
    for never in ["", "nobody's", &"a".repeat(MOST_BYTES + 1), &base64url::encode([7; 32])] {
        issuer.is_refused(&caller(1), never);
    }
    let missing = issuer.tokens.redeem_refresh_token(&caller(1), &TokenRequest::default()).map(told);
    assert_eq!(missing, Err(TokenError::Missing("refresh_token")));
    assert_eq!(issuer.next(&caller(1), &token).0, 1);
}

/// OA-15.
#[test]
fn what_is_granted_is_neither_widened_nor_narrowed() {
    let issuer = Issuer::new();
    let (_, token) = issuer.give(&caller(1));
    let with = |scope: Option<&str>, details: Option<&str>| {
        let (scope, authorization_details) = (scope.map(str::to_owned), details.map(str::to_owned));
        let request = TokenRequest { scope, authorization_details, ..request(&token) };
        issuer.tokens.redeem_refresh_token(&caller(1), &request).map(|given| given.grant.by_identifier)
    };
    let detail = |name: &str| format!(r#"{{"type":"openid_credential","credential_configuration_id":"{name}"}}"#);
    let both = format!("[{},{}]", detail("transport-qualification"), detail("resident-id"));
    for scope in ["resident-id", "resident-id transport-qualification more", "openid"] {
        assert_eq!(with(Some(scope), None), Err(TokenError::Scope), "{scope}");
    }
    assert_eq!(with(None, Some(&format!("[{}]", detail("resident-id")))), Err(TokenError::Scope));
    assert!(matches!(with(None, Some(&format!("[{}]", detail("other")))), Err(TokenError::AuthorizationDetails(_))));
    assert_eq!(with(Some("transport-qualification resident-id"), None), Ok(false));
    issuer.at(2);
    assert_eq!(with(None, Some(&both)), Ok(true));
}

/// Sixteen at one time: one is answered, the others are told to come again, and the grant moves on once.
#[test]
fn of_16_parallel_calls_exactly_one_succeeds() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    let start = Barrier::new(16);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    issuer.refresh(&caller(1), &first).map(told)
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).collect()
    });
    let (good, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let [Ok((1, next))] = &good[..] else { panic!("{good:?}") };
    assert!(others.iter().all(|other| *other == Err(Fault::Busy.into())), "{others:?}");
    assert_eq!((issuer.grant(id).generation, issuer.grant(id).ended_at), (1, None));
    issuer.at(2);
    assert_eq!(issuer.next(&caller(1), &first), (1, next.clone()), "who was told to come again is told the same");
}

/// A single-use value shown with the request is used up by every answer, also by one that is given again.
#[test]
fn what_is_shown_beside_the_token_is_used_up() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    let with_proof = |byte: u8| {
        let mut caller = caller(1);
        let proven = ProvenKey { thumbprint: [1; 32], once: [byte; 32], forgotten_at: NOW.plus_seconds(300) };
        caller.spending.add_dpop(&proven);
        caller
    };
    let answer = issuer.next(&with_proof(1), &first);
    issuer.at(2);
    let is_replayed = |byte: u8, token: &str| {
        let refused = issuer.refresh(&with_proof(byte), token).map(told);
        assert_eq!(refused, Err(CallerError::from(DpopError::Replayed).into()));
    };
    is_replayed(1, &first);
    is_replayed(1, &answer.1);
    assert_eq!((issuer.grant(id).generation, issuer.grant(id).ended_at), (1, None));
    assert_eq!(issuer.next(&with_proof(2), &first), answer);
    is_replayed(2, &first);
}

/// The process ends between the answer and the next use.
#[test]
fn a_restart_forgets_neither_the_token_nor_that_it_was_replaced() {
    let issuer = Issuer::new();
    let (id, first) = issuer.give(&caller(1));
    let answer = issuer.next(&caller(1), &first);
    let issuer = issuer.restarted();
    issuer.at(2);
    assert_eq!(issuer.next(&caller(1), &first), answer, "the answer was lost in the crash");
    let second = issuer.next(&caller(1), &answer.1).1;
    let issuer = issuer.restarted();
    issuer.is_refused(&caller(1), &first);
    assert_eq!(issuer.grant(id).ended_at, Some(NOW.plus_seconds(2)));
    issuer.is_refused(&caller(1), &second);
}
