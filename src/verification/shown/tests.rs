//! A wallet that shows its card as QR codes, and gates that read them: real keys, a real store, a clock that is moved.

use std::sync::Barrier;

use serde_json::{Value, json};

use super::*;
use crate::{
    base::{
        clock::ManualClock,
        limits::{SHOWN_CODE_SECONDS, SHOWN_WITHOUT_CODE_SECONDS},
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, Signer, SoftwareKey, x509::x5c_header},
    format::{
        sdjwt::{HolderProof, Issuance, PathPart, Step, issue, present},
        status::StatusReference,
    },
    keyring::{Purpose, evidence::EvidenceKeys},
    model::{
        card::{Card, Circumstance, IssueOrder, Reason},
        credential_type::CredentialTypes,
        event::EventDraft,
        ids::{CardId, OfferId, PersonId},
        party::Actor,
        reason::{Decision, ReasonCode as R},
        record::{Commit, Record, Write},
        statement::{CheckName, StatusValue},
    },
    store::sled::{Options, SledStore},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const URL: &str = "https://id.example";
const TYPE: &str = "https://id.example/credential-types/resident-id";
pub(super) const GATE: TokenId = TokenId::from_bytes([1; 16]);
pub(super) const OTHER: TokenId = TokenId::from_bytes([2; 16]);

pub(super) struct Hall {
    pub(super) gates: ShownPresentations,
    pub(super) clock: ManualClock,
    holder: SoftwareKey,
    card: Card,
    credential: String,
    _data: tempfile::TempDir,
}

impl Hall {
    pub(super) fn new() -> Self {
        Self::with_use_cases(None)
    }

    pub(super) fn with_use_cases(folder: Option<&std::path::Path>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(NOW);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let keyring = Arc::new(Keyring::in_memory(URL, Algorithm::Es256, &clock, &*random).expect("keys"));
        let log = keyring.signer(Purpose::Log);
        let options = Options::new(data.path(), keyring.index_key().clone(), log, Arc::clone(&shared), Arc::clone(&random));
        let store: Arc<dyn Store> = Arc::new(SledStore::open(options).expect("a store"));
        let holder = SoftwareKey::generate(Algorithm::Es256, &*random);
        let card = issued(&*store, &holder);
        let credential = credential(&card, &keyring, &holder, &*random);
        let own = Trust::new(keyring.anchors().to_vec());
        let trust = own.with_own_issuer(URL.to_owned(), [TYPE.to_owned()].into(), keyring.x5c(Purpose::Issuer), NOW);
        let types = CredentialTypes::built_in().expect("the shipped types are good");
        let use_cases = Arc::new(UseCases::load(folder, &types, URL).expect("use cases"));
        let trust = Arc::new(trust);
        let statuses = Arc::new(Statuses::own_only(Arc::clone(&store), Arc::clone(&shared)));
        let keys = EvidenceKeys::in_folder(&data.path().join("keys"));
        let evidence = Evidence::new(Arc::clone(&store), Arc::clone(&shared), random, keys);
        let public_url = URL.to_owned();
        let ground = Ground { use_cases, trust, statuses, evidence, store, clock: shared, keyring, public_url };
        Self { gates: ShownPresentations::new(ground), clock, holder, card, credential, _data: data }
    }

    /// The same hall, with gates that have nothing in memory.
    fn of_another_node(self) -> Self {
        Self { gates: ShownPresentations::new(self.gates.ground), ..self }
    }

    /// The card with these claims and a proof that says this.
    pub(super) fn presented(&self, claims: &[&str], nonce: &str, audience: &str) -> String {
        let issued_at = self.clock.now();
        let proof = HolderProof { signer: &self.holder, nonce, audience, issued_at };
        let is_asked = |path: &[PathPart]| matches!(path, [PathPart::Name(name)] if claims.contains(&name.as_str()));
        present(&self.credential, &is_asked, Some(proof)).expect("a presentation")
    }

    /// What a wallet shows that read this code.
    pub(super) fn with(&self, code: &ShownCode) -> Vec<String> {
        frames(&self.presented(&["age_equal_or_over"], &code.code, &code.audience))
    }

    /// What a wallet shows that read none.
    pub(super) fn without_code(&self) -> Vec<String> {
        frames(&self.presented(&["age_equal_or_over"], "a nonce of the wallet's own", "urn:yufu:shown"))
    }

    pub(super) fn code(&self, gate: TokenId) -> ShownCode {
        self.gates.code(gate, "age-over-18").expect("a code")
    }

    pub(super) fn at(&self, gate: TokenId, frames: &[String]) -> Statement {
        self.gates.decide(gate, &order("age-over-18", frames)).expect("a statement")
    }
}

pub(super) fn order(use_case: &str, frames: &[String]) -> ShownOrder {
    ShownOrder { use_case: use_case.to_owned(), frames: frames.to_vec(), ..ShownOrder::default() }
}

pub(super) fn frames(presentation: &str) -> Vec<String> {
    presentation_qr::frames(presentation).expect("it fits")
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
        "cnf": {"jwk": holder.public_key().to_jwk()}, "status": status.to_claim(),
        "name": "鱼小符", "latin_family_name": "YU", "latin_given_name": "XIAOFU", "portrait": "data:image/jpeg;base64,AA",
        "age_equal_or_over": {"18": true},
    });
    let header = json!({"x5c": x5c_header(keyring.x5c(Purpose::Issuer))});
    let object = |value: Value| value.as_object().expect("an object").clone();
    let disclosable = ["name", "latin_family_name", "latin_given_name", "portrait", "age_equal_or_over"]
        .map(|name| vec![Step::Name(name.to_owned())]);
    let issuance = Issuance { header: object(header), claims: object(claims), disclosable: &disclosable, decoys: 2 };
    issue(issuance, &*keyring.signer(Purpose::Issuer), random).expect("a credential")
}

pub(super) fn said(statement: &Statement) -> (Decision, R) {
    (statement.decision, statement.reason)
}

pub(super) const ACCEPTED: (Decision, R) = (Decision::Accepted, R::Accepted);
#[test]
fn a_wallet_that_read_the_code_is_let_through_by_what_was_asked_for() {
    let hall = Hall::new();
    let statement = hall.at(GATE, &hall.with(&hall.code(GATE)));
    assert_eq!(said(&statement), ACCEPTED);
    assert_eq!(statement.status.value, StatusValue::Valid);
    assert_eq!(
        Value::Object(statement.credential.clone().expect("a credential").claims),
        json!({"age_equal_or_over": {"18": true}})
    );
    assert_eq!(statement.credentials[0].query_id.as_deref(), Some("resident_id"));
}

#[test]
fn the_code_is_new_every_half_minute_and_each_gates_and_use_cases_own() {
    let hall = Hall::new();
    let first = hall.code(GATE);
    assert_eq!(first.audience, "https://id.example/checkpoint#01010101-0101-0101-0101-010101010101");
    assert_eq!(first.code.len(), 22, "128 bits");
    assert_eq!(first.qr_text, format!("YG1:{}:age-over-18:{}", first.code, first.audience));
    assert_eq!(first.valid_until, NOW.plus_seconds(SHOWN_CODE_SECONDS));
    hall.clock.advance(29);
    assert_eq!(hall.code(GATE), first);
    assert_ne!(hall.code(OTHER).code, first.code);
    assert_ne!(hall.gates.code(GATE, "boarding").expect("a code").code, first.code);
    hall.clock.advance(1);
    let second = hall.code(GATE);
    assert!(second.code != first.code && second.valid_until == NOW.plus_seconds(2 * SHOWN_CODE_SECONDS));
}

#[test]
fn the_code_shown_before_is_good_and_a_stale_one_is_refused() {
    let hall = Hall::new();
    let code = hall.code(GATE);
    hall.clock.advance(59);
    let made_in_time = hall.with(&code);
    assert_eq!(said(&hall.at(GATE, &hall.with(&code))), ACCEPTED);
    hall.clock.advance(1);
    assert_eq!(hall.at(GATE, &made_in_time).reason, R::NonceMismatch);
    let stale = hall.at(GATE, &hall.with(&code));
    assert_eq!(said(&stale), (Decision::Refused, R::NonceMismatch));
    assert!(stale.credential.expect("a credential").claims.is_empty());
}

#[test]
fn another_gates_code_and_another_use_cases_are_refused() {
    let hall = Hall::new();
    let of_other = hall.at(GATE, &hall.with(&hall.code(OTHER)));
    assert_eq!(said(&of_other), (Decision::Refused, R::NonceMismatch));
    assert!(of_other.credential.expect("a credential").claims.is_empty());
    let for_boarding = hall.gates.code(GATE, "boarding").expect("a code");
    assert_eq!(said(&hall.at(GATE, &hall.with(&for_boarding))), (Decision::Refused, R::NonceMismatch));
    // This gate's nonce under the other's name, and the other way round.
    let mixed = ShownCode { audience: hall.code(OTHER).audience, ..hall.code(GATE) };
    assert_eq!(said(&hall.at(GATE, &hall.with(&mixed))), (Decision::Refused, R::AudienceMismatch));
    let mixed = ShownCode { audience: hall.code(GATE).audience, ..hall.code(OTHER) };
    assert_eq!(said(&hall.at(GATE, &hall.with(&mixed))), (Decision::Refused, R::NonceMismatch));
}

#[test]
fn a_replay_is_refused_at_every_gate_and_shows_nothing() {
    let hall = Hall::new();
    for frames in [hall.with(&hall.code(GATE)), hall.without_code()] {
        assert_ne!(hall.at(GATE, &frames).decision, Decision::Refused);
        let again = hall.at(GATE, &frames);
        assert_eq!(said(&again), (Decision::Refused, R::PresentationReplayed));
        assert_eq!(again.failed_check(), Some(CheckName::Nonce));
        assert!(again.credential.expect("a credential").claims.is_empty());
        assert_eq!(again.status.value, StatusValue::Unknown);
    }
    let frames = hall.without_code();
    hall.clock.advance(1);
    let frames = [frames, hall.without_code()];
    assert_eq!(hall.at(GATE, &frames[1]).reason, R::ShownWithoutRequest);
    assert_eq!(hall.at(OTHER, &frames[1]).reason, R::PresentationReplayed);
}

#[test]
fn what_was_taken_is_known_to_every_node_of_the_store_and_after_a_restart() {
    let hall = Hall::new();
    let taken = [hall.with(&hall.code(GATE)), hall.without_code()];
    assert_eq!(said(&hall.at(GATE, &taken[0])), ACCEPTED);
    assert_eq!(hall.at(GATE, &taken[1]).reason, R::ShownWithoutRequest);
    // Another memory over the same store.
    let hall = hall.of_another_node();
    assert_eq!(said(&hall.at(GATE, &taken[0])), (Decision::Refused, R::PresentationReplayed));
    assert_eq!(said(&hall.at(OTHER, &taken[1])), (Decision::Refused, R::PresentationReplayed));
    hall.clock.advance(1);
    assert_eq!(hall.at(OTHER, &hall.without_code()).reason, R::ShownWithoutRequest);
}

/// One P-256 signature gives another, (r, n - s), for the same text: it is the same presentation.
#[test]
fn a_replay_under_another_signature_is_a_replay() {
    let hall = Hall::new();
    let text = hall.presented(&["age_equal_or_over"], "n", "urn:yufu:shown");
    let (signed, signature) = text.rsplit_once('.').expect("a proof");
    let signature = crate::base::base64url::decode(signature).expect("base64url");
    let mut other = signature.clone();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        other[32 + at] = difference.rem_euclid(256).try_into().expect("a byte");
    }
    let twin = format!("{signed}.{}", crate::base::base64url::encode(&other));
    assert_ne!(twin, text);
    assert_eq!(hall.at(GATE, &frames(&twin)).reason, R::ShownWithoutRequest, "the other signature is good");
    assert_eq!(hall.at(GATE, &frames(&text)).reason, R::PresentationReplayed);
}

/// The order of P-256 (FIPS 186-4 appendix D.1.2.3).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[test]
fn of_two_who_show_one_presentation_together_one_is_first() {
    let hall = Hall::new();
    let (frames, barrier) = (hall.with(&hall.code(GATE)), Barrier::new(4));
    let reasons = std::thread::scope(|scope| {
        let gate = || {
            barrier.wait();
            hall.at(GATE, &frames).reason
        };
        let gates: Vec<_> = (0..4).map(|_| scope.spawn(gate)).collect();
        gates.into_iter().map(|gate| gate.join().expect("it decides")).collect::<Vec<_>>()
    });
    let count = |reason| reasons.iter().filter(|one| **one == reason).count();
    assert_eq!((count(R::Accepted), count(R::PresentationReplayed)), (1, 3));
}

#[test]
fn without_the_code_it_is_amber_and_a_minute_old_at_most() {
    let hall = Hall::new();
    let statement = hall.at(GATE, &hall.without_code());
    assert_eq!(said(&statement), (Decision::Undetermined, R::ShownWithoutRequest));
    assert_eq!(statement.failed_check(), Some(CheckName::Nonce));
    // The officer decides by what it says and by its status.
    assert_eq!(statement.status.value, StatusValue::Valid);
    assert!(!statement.credential.expect("a credential").claims.is_empty());
    hall.clock.advance(1);
    let frames = hall.without_code();
    hall.clock.advance(SHOWN_WITHOUT_CODE_SECONDS.unsigned_abs());
    assert_eq!(hall.at(GATE, &frames).reason, R::ShownWithoutRequest);
    let frames = hall.without_code();
    hall.clock.advance(SHOWN_WITHOUT_CODE_SECONDS.unsigned_abs() + 1);
    assert_eq!(said(&hall.at(GATE, &frames)), (Decision::Refused, R::HolderBindingExpired));
}

#[test]
fn a_revoked_card_is_refused_with_the_code_and_without_it() {
    let hall = Hall::new();
    let why = Circumstance { at: NOW, reason: Reason::Lost, sealed_note: None, by: Actor::Service };
    let (card, what) = hall.card.clone().revoke(why).expect("a transition");
    let event = EventDraft { at: NOW, actor: Actor::Service, what };
    let commit = Commit { writes: vec![Write::Put(Record::Card(card))], events: vec![event], ..Commit::default() };
    hall.gates.ground.store.commit(commit).expect("committed");
    for frames in [hall.with(&hall.code(GATE)), hall.without_code()] {
        assert_eq!(said(&hall.at(GATE, &frames)), (Decision::Refused, R::CredentialRevoked));
    }
}

#[test]
fn a_copy_without_a_proof_is_refused_and_so_is_one_that_shows_too_little() {
    let hall = Hall::new();
    let bare = present(&hall.credential, &|_| true, None).expect("a presentation");
    let bare = bare.split_once("~").map(|(jwt, _)| format!("{jwt}~")).expect("a tilde");
    assert_eq!(said(&hall.at(GATE, &frames(&bare))), (Decision::Refused, R::HolderBindingMissing));
    let code = hall.code(GATE);
    let nothing = frames(&hall.presented(&[], &code.code, &code.audience));
    assert_eq!(said(&hall.at(GATE, &nothing)), (Decision::Refused, R::ClaimsMissing));
    assert_eq!(said(&hall.at(GATE, &frames("anything at all"))), (Decision::Refused, R::PresentationMalformed));
}

#[test]
fn a_portrait_is_refused_unread() {
    let hall = Hall::new();
    let code = hall.code(GATE);
    let shown = frames(&hall.presented(&["age_equal_or_over", "portrait"], &code.code, &code.audience));
    let statement = hall.at(GATE, &shown);
    assert_eq!(said(&statement), (Decision::Refused, R::PresentationTooLarge));
    assert_eq!((statement.failed_check(), statement.credential), (Some(CheckName::Format), None));
}

#[test]
fn frames_that_do_not_belong_together_are_refused_and_nothing_is_taken_by_that() {
    let hall = Hall::new();
    let code = hall.code(GATE);
    let (one, other) = (hall.with(&code), frames(&hall.presented(&["name"], &code.code, &code.audience)));
    let decide = |frames: &[String]| hall.gates.decide(GATE, &order("age-over-18", frames));
    let mixed = [&one[..1], &other[1..]].concat();
    assert_eq!(decide(&mixed), Err(ShownError::Frames(PresentationQrError::Mixed)));
    let missing = PresentationQrError::Incomplete { missing: 1, count: one.len() };
    assert_eq!(decide(&one[1..]), Err(ShownError::Frames(missing)));
    assert_eq!(said(&hall.at(GATE, &[&one[1..], &one[..]].concat())), ACCEPTED);
}
