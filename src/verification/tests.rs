//! The life of a card as its checkpoint sees it: real keys, a real store, a clock that is moved.

use std::sync::Arc;

use serde_json::{Value, json};

use super::service::{RequestError, VerificationRequest, Verifier};
use crate::{
    base::{
        clock::{Clock, ManualClock},
        limits::NONCE_BYTES,
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, Signer, SoftwareKey, x509::x5c_header},
    format::{
        sdjwt::{HolderProof, Issuance, Step, issue, present},
        status::StatusReference,
    },
    keyring::{Keyring, Purpose},
    model::{
        card::{Card, IssueOrder, Reason, State},
        event::EventDraft,
        ids::{CardId, OfferId, PersonId},
        party::Actor,
        reason::{Decision, ReasonCode as R},
        record::{Commit, Record, Write},
        statement::{CheckName, Statement, StatusSource, StatusValue},
    },
    store::{
        Store,
        sled::{Options, SledStore},
    },
    verification::{Statuses, Trust},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const URL: &str = "https://id.example";
const TYPE: &str = "https://id.example/credential-types/resident-id";
const AUDIENCE: &str = "https://gate.example";

struct Checkpoint {
    verifier: Verifier,
    store: Arc<dyn Store>,
    clock: ManualClock,
    holder: SoftwareKey,
    card: Card,
    credential: String,
    _data: tempfile::TempDir,
}

impl Checkpoint {
    fn new() -> Self {
        Self::of(Algorithm::Es256)
    }

    fn of(algorithm: Algorithm) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(NOW);
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let keyring = Keyring::in_memory(URL, algorithm, &clock, &*random).expect("keys");
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let log = keyring.signer(Purpose::Log);
        let options = Options::new(data.path(), keyring.index_key().clone(), log, Arc::clone(&shared), Arc::clone(&random));
        let store: Arc<dyn Store> = Arc::new(SledStore::open(options).expect("a store"));
        let holder = SoftwareKey::generate(algorithm, &*random);
        let card = issued(&*store, &holder);
        let credential = credential(&card, &keyring, &holder, &*random);
        let own = Trust::new(keyring.anchors().to_vec());
        let trust = own.with_own_issuer(URL.to_owned(), [TYPE.to_owned()].into(), keyring.x5c(Purpose::Issuer), NOW);
        let statuses = Statuses::own_only(Arc::clone(&store), Arc::clone(&shared));
        let verifier = Verifier::new(Arc::new(statuses), shared, Arc::new(trust));
        Self { verifier, store, clock, holder, card, credential, _data: data }
    }

    /// Fresh from the wallet, for this nonce.
    fn shown(&self, nonce: &str) -> String {
        let proof = HolderProof { signer: &self.holder, nonce, audience: AUDIENCE, issued_at: self.clock.now() };
        present(&self.credential, &|_| true, Some(proof)).expect("a presentation")
    }

    fn request(&self, request: Value) -> Result<Statement, RequestError> {
        let request: VerificationRequest = serde_json::from_value(request).expect("a request of the right form");
        self.verifier.verify(&request)
    }

    /// The card shown now, and what comes of it.
    fn gate(&self) -> Statement {
        let request = json!({"presentation": self.shown("n"), "nonce": "n", "audience": AUDIENCE});
        self.request(request).expect("a statement")
    }

    fn set(&self, to: State) {
        let mut card = self.card.clone();
        let why = crate::model::card::Circumstance {
            at: self.clock.now(),
            reason: Reason::Lost,
            sealed_note: None,
            by: Actor::Service,
        };
        let (changed, what) = match to {
            State::Suspended => card.suspend(None, why),
            State::Revoked => card.revoke(why),
            State::Active => {
                card.state = State::Suspended;
                card.reinstate(why)
            }
        }
        .expect("a transition");
        let event = EventDraft { at: self.clock.now(), actor: Actor::Service, what };
        let writes = vec![Write::Put(Record::Card(changed))];
        self.store.commit(Commit { writes, events: vec![event], ..Commit::default() }).expect("committed");
    }
}

fn issued(store: &dyn Store, holder: &SoftwareKey) -> Card {
    let order = IssueOrder {
        renews: false,
        id: CardId::from_bytes([1; 16]),
        person: PersonId::from_bytes([2; 16]),
        credential_type: "resident-id".to_owned(),
        offer: Some(OfferId::from_bytes([3; 16])),
        instance: None,
        grant: None,
        holder_keys: vec![holder.key_id().to_owned()],
        valid_from: NOW,
        valid_until: NOW.plus_seconds(30 * 86_400),
        at: NOW,
        by: Actor::Wallet,
    };
    let receipt = store.commit(Commit { issue: vec![order], ..Commit::default() }).expect("issued");
    receipt.issued.first().expect("one card").clone()
}

fn credential(card: &Card, keyring: &Keyring, holder: &SoftwareKey, random: &dyn Random) -> String {
    let at = card.copies.first().expect("a copy").status;
    let status = StatusReference { uri: format!("{URL}/status-lists/{}", at.list), index: at.index.into() };
    let claims = json!({
        "iss": URL, "vct": TYPE, "nbf": card.valid_from.unix(), "exp": card.valid_until.unix(),
        "cnf": {"jwk": holder.public_key().to_jwk()}, "status": status.to_claim(), "name": "鱼小符",
    });
    let header = json!({"x5c": x5c_header(keyring.x5c(Purpose::Issuer))});
    let object = |value: Value| value.as_object().expect("an object").clone();
    let disclosable = [vec![Step::Name("name".to_owned())]];
    let issuance = Issuance { header: object(header), claims: object(claims), disclosable: &disclosable, decoys: 2 };
    issue(issuance, &*keyring.signer(Purpose::Issuer), random).expect("a credential")
}

#[test]
fn the_gate_follows_the_life_of_a_card() {
    let checkpoint = Checkpoint::new();
    let expect = |reason, value, failed| {
        let statement = checkpoint.gate();
        assert_eq!((statement.reason, statement.status.value, statement.failed_check()), (reason, value, failed));
        statement
    };
    let accepted = expect(R::Accepted, StatusValue::Valid, None);
    assert_eq!(accepted.status.source, Some(StatusSource::Local));
    assert_eq!((accepted.status.known_since, accepted.status.age_seconds), (Some(NOW), Some(0)));
    assert_eq!(accepted.credential.expect("a credential").claims, *json!({"name": "鱼小符"}).as_object().expect("an object"));
    checkpoint.set(State::Suspended);
    expect(R::CredentialSuspended, StatusValue::Suspended, Some(CheckName::Status));
    checkpoint.set(State::Active);
    expect(R::Accepted, StatusValue::Valid, None);
    checkpoint.set(State::Revoked);
    expect(R::CredentialRevoked, StatusValue::Invalid, Some(CheckName::Status));
    checkpoint.clock.advance(365 * 86_400);
    // Expired comes first, and then nobody asks for the status.
    expect(R::CredentialExpired, StatusValue::Unknown, Some(CheckName::ValidityPeriod));
}

#[test]
fn the_skew_allowed_to_clocks_is_one_and_ends_where_it_says() {
    let checkpoint = Checkpoint::new();
    for (at, reason) in [
        (-61, R::CredentialNotYetValid),
        (-60, R::Accepted),
        (30 * 86_400 + 59, R::Accepted),
        (30 * 86_400 + 60, R::CredentialExpired),
    ] {
        checkpoint.clock.set_wall(NOW.plus_seconds(at));
        assert_eq!(checkpoint.gate().reason, reason, "{at}");
    }
}

#[test]
fn a_call_that_says_too_little_or_too_much_is_the_checkpoints_mistake() {
    let checkpoint = Checkpoint::new();
    let shown = checkpoint.shown("n");
    let long = "n".repeat(NONCE_BYTES + 1);
    let none = json!({"holder_binding": "none"});
    for (mut request, error) in [
        (json!({"audience": AUDIENCE}), RequestError::NonceMissing),
        (json!({}), RequestError::NonceMissing),
        (json!({"nonce": "n"}), RequestError::AudienceMissing),
        (json!({"policy": {"nonce": "none"}}), RequestError::AudienceMissing),
        (json!({"nonce": "", "audience": AUDIENCE}), RequestError::Length("nonce")),
        (json!({"nonce": long, "audience": AUDIENCE}), RequestError::Length("nonce")),
        (json!({"nonce": "n", "audience": long}), RequestError::Length("audience")),
        (json!({"nonce": "n", "policy": none}), RequestError::NotAskedFor("nonce")),
        (json!({"audience": AUDIENCE, "policy": none}), RequestError::NotAskedFor("audience")),
    ] {
        request["presentation"] = shown.clone().into();
        assert_eq!(checkpoint.request(request.clone()), Err(error), "{request}");
    }
    for wrong in [
        json!({"nonce": "n", "audience": AUDIENCE}),
        json!({"presentation": 7}),
        json!({"presentation": "x", "polizy": {}}),
        json!({"presentation": "x", "policy": {"holder_binding": "perhaps"}}),
        json!({"presentation": "x", "policy": {"max_status_age_seconds": -1}}),
    ] {
        assert!(serde_json::from_value::<VerificationRequest>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn a_policy_changes_what_it_names_and_nothing_else() {
    let checkpoint = Checkpoint::new();
    let decided = |mut request: Value| {
        if request.get("presentation").is_none() {
            request["presentation"] = checkpoint.shown("n").into();
        }
        let statement = checkpoint.request(request).expect("a statement");
        (statement.decision, statement.reason)
    };
    let accepted = (Decision::Accepted, R::Accepted);
    let asked = |policy: Value| json!({"nonce": "n", "audience": AUDIENCE, "policy": policy});
    assert_eq!(decided(asked(json!({}))), accepted);
    assert_eq!(decided(asked(json!({"types": ["resident-id"]}))), accepted);
    assert_eq!(decided(asked(json!({"types": [TYPE], "require_status": true}))), accepted);
    assert_eq!(decided(asked(json!({"max_status_age_seconds": 0, "when_status_too_old": "refused"}))), accepted);
    let refused = |reason| (Decision::Refused, reason);
    assert_eq!(decided(asked(json!({"types": ["cargo-owner"]}))), refused(R::TypeNotAccepted));
    assert_eq!(decided(asked(json!({"types": []}))), refused(R::TypeNotAccepted));
    // Without a nonce any is good, but the proof itself is still demanded, and for this audience.
    let free = json!({"audience": AUDIENCE, "policy": {"nonce": "none"}});
    assert_eq!(decided(free.clone()), accepted);
    let bare = &checkpoint.credential;
    assert_eq!(
        decided(json!({"presentation": bare, "audience": AUDIENCE, "policy": {"nonce": "none"}})),
        refused(R::HolderBindingMissing)
    );
    assert_eq!(
        decided(json!({"audience": "https://other.example", "policy": {"nonce": "none"}})),
        refused(R::AudienceMismatch)
    );
    assert_eq!(decided(json!({"presentation": bare, "policy": {"holder_binding": "none"}})), accepted);
    assert_eq!(decided(json!({"policy": {"holder_binding": "none"}})), refused(R::HolderBindingUnexpected));
}

#[test]
fn a_good_status_is_not_known_once_events_were_lost_and_a_bad_one_still_is() {
    let checkpoint = Checkpoint::new();
    checkpoint.store.board().mark_incomplete();
    let statement = checkpoint.gate();
    assert_eq!((statement.decision, statement.reason), (Decision::Undetermined, R::StatusUnavailable));
    checkpoint.set(State::Revoked);
    assert_eq!(checkpoint.gate().reason, R::CredentialRevoked);
}

#[test]
fn several_are_decided_each_as_it_is_alone() {
    for algorithm in Algorithm::ALL {
        let checkpoint = Checkpoint::of(algorithm);
        let good = checkpoint.shown("n");
        // Each byte of a card with its proof changed, a few at a time; cut off; and calls that are none.
        let mut requests = vec![json!({"presentation": good, "nonce": "n", "audience": AUDIENCE})];
        let ask = |presentation: String| json!({"presentation": presentation, "nonce": "n", "audience": AUDIENCE});
        for at in (0..good.len()).step_by(17) {
            let changed = |with: &str| format!("{}{with}{}", &good[..at], &good[at + 1..]);
            requests.extend([ask(changed("A")), ask(changed("~")), ask(changed("")), ask(good[..at].to_owned())]);
        }
        requests.insert(3, json!({"presentation": good}));
        requests.insert(7, json!({"presentation": good, "nonce": "n", "audience": "https://other.example"}));
        requests.insert(11, json!({"presentation": good, "nonce": "m", "audience": AUDIENCE}));
        requests.insert(13, json!({"presentation": good, "policy": {"holder_binding": "none"}}));
        requests.push(requests[0].clone());
        let read = |request| serde_json::from_value::<VerificationRequest>(request).expect("of the right form");
        let requests: Vec<_> = requests.into_iter().map(read).collect();
        let together = checkpoint.verifier.verify_all(&requests);
        let alone: Vec<_> = requests.iter().map(|request| checkpoint.verifier.verify(request)).collect();
        assert_eq!(together, alone);
        let accepted = |statement: &Result<Statement, _>| statement.as_ref().is_ok_and(|it| it.reason == R::Accepted);
        assert!(accepted(&together[0]) && accepted(&together[together.len() - 1]));
        assert_eq!(together[3], Err(RequestError::NonceMissing));
        // A bit of base64 that stands for nothing is refused too, so no change passes.
        let distinct = together.iter().filter(|statement| accepted(statement)).count();
        assert!(distinct <= 3, "{distinct}");
    }
    assert!(Checkpoint::new().verifier.verify_all(&[]).is_empty());
}
