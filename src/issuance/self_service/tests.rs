use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    base::{
        clock::ManualClock,
        random::{Random, SeededRandom},
    },
    crypto::Algorithm,
    issuance::people::People,
    keyring::{Keyring, Purpose},
    model::{
        card::{Circumstance, IssueOrder, Reason, State},
        client::WalletInstance,
        credential_type::CredentialTypes,
        deferred::{DeferredIssuance, Word},
        event::What,
        grant::{Awaited, Refresh},
        ids::{DeferredId, GrantId, TokenId},
        party::{Actor, Authority, Operator, Role},
        profile::Profile,
        record::{Commit, LeadsTo, OneTime, Write},
        sign_in::SignInMethod,
    },
    store::{
        Store,
        sled::{Options, SledStore},
    },
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

struct Office {
    service: SelfService,
    clock: ManualClock,
    session: CitizenSession,
    _data: tempfile::TempDir,
}

/// An office with one person, who signed in just now.
fn office() -> Office {
    let data = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(NOW);
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
    let keyring = Keyring::in_memory("https://id.example", Algorithm::Es256, &clock, &*random).expect("keys");
    let (index_key, log) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
    let options = Options::new(data.path(), index_key, log, Arc::new(clock.clone()), Arc::clone(&random));
    let ground = Ground {
        store: Arc::new(SledStore::open(options).expect("a store")),
        keyring: Arc::new(keyring),
        clock: Arc::new(clock.clone()),
        random,
        types: Arc::new(CredentialTypes::built_in().expect("types")),
        profile: Profile::Open,
        limits: Arc::new(crate::issuance::limits::Unlimited),
        encryption_required: false,
        attestation_statuses: Arc::new(crate::issuance::attestation_status::NobodyToAsk),
        public_url: "https://id.example".into(),
    };
    let person = register(&ground, "520102199003070014");
    let session = CitizenSession { person, method: SignInMethod::RecoveryCode, signed_in_at: NOW };
    Office { service: SelfService::new(ground), clock, session, _data: data }
}

fn register(ground: &Ground, id_number: &str) -> PersonId {
    let fields = json!({
        "id_number": id_number, "family_name": "林", "given_name": "晓雨", "latin_family_name": "LIN",
        "latin_given_name": "XIAOYU", "sex": "male", "ethnicity": "苗", "birth_date": "1990-03-07",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "中华北路1号"},
    });
    let registrar = Authority::Operator(Operator::authenticated(TokenId::from_bytes([9; 16]), Role::Registrar));
    let fields: Map<String, Value> = fields.as_object().cloned().expect("an object");
    People::new(ground.clone()).register(&registrar, &fields).expect("registered")
}

impl Office {
    fn store(&self) -> &dyn Store {
        &*self.service.ground.store
    }

    /// Issues a card to somebody.
    fn issue(&self, person: PersonId, seed: u8) -> Card {
        let order = IssueOrder {
            renews: false,
            id: CardId::from_bytes([seed; 16]),
            person,
            credential_type: "resident-id".to_owned(),
            offer: None,
            instance: Some(WalletInstance::of_hash([seed; 32])),
            grant: Some(GrantId::from_bytes([seed; 16])),
            holder_keys: vec![format!("key-{seed}")],
            valid_from: NOW,
            valid_until: NOW.plus_seconds(30 * 86_400),
            at: self.clock_now(),
            by: Actor::Wallet,
        };
        let receipt = self.store().commit(Commit { issue: vec![order], ..Commit::default() }).expect("issued");
        receipt.issued.first().expect("one card").clone()
    }

    fn clock_now(&self) -> Timestamp {
        self.service.ground.clock.now()
    }

    fn put(&self, record: Record) {
        self.store().commit(Commit { writes: vec![Write::Put(record)], ..Commit::default() }).expect("written");
    }

    fn stored(&self, card: &Card) -> Card {
        match self.store().get(&Key::Card(card.id)).expect("it is read").map(|record| record.value) {
            Some(Record::Card(card)) => card,
            other => panic!("{other:?}"),
        }
    }

    /// Changes a card as an operator would, for this reason.
    fn operator_suspends(&self, card: &Card, reason: Reason) {
        let by = Actor::Operator { token: TokenId::from_bytes([9; 16]) };
        let why = Circumstance { at: self.clock_now(), reason, sealed_note: Some("a note".to_owned()), by };
        let (suspended, _) = self.stored(card).suspend(None, why).expect("suspended");
        self.put(Record::Card(suspended));
    }

    fn grant(&self, seed: u8) -> GrantId {
        let id = GrantId::from_bytes([seed; 16]);
        self.put(Record::Grant(Grant {
            id,
            person: self.session.person,
            offer: None,
            client_id: Some("https://wallet.example".to_owned()),
            instance: Some(WalletInstance::of_hash([seed; 32])),
            attested: true,
            dpop_jkt: None,
            configurations: vec!["resident-id".to_owned()],
            by_identifier: false,
            generation: 0,
            fetched: Vec::new(),
            awaited: Vec::new(),
            refresh: Some(Refresh { current: [seed; 32], previous: None }),
            given_at: NOW,
            ended_at: None,
            stopped_at: None,
            expires_at: NOW.plus_seconds(86_400),
        }));
        id
    }

    fn codes(&self) {
        let recovery = json!({"hash": "$argon2id$secret", "made_at": NOW, "expires_at": NOW.plus_seconds(9)});
        let codes = json!({"person": self.session.person, "recovery": recovery});
        self.put(Record::SignInCodes(serde_json::from_value(codes).expect("codes")));
    }

    fn events(&self, from: u64) -> Vec<What> {
        let events = self.store().events(from + 1, 100).expect("they are read");
        events.into_iter().map(|logged| logged.event.what).collect()
    }

    fn size(&self) -> u64 {
        self.store().head().size
    }
}

#[test]
fn people_see_their_own_cards_newest_first_and_nobody_elses() {
    let office = office();
    let stranger = register(&office.service.ground, "520102199003070030");
    let first = office.issue(office.session.person, 1);
    office.clock.advance(60);
    let second = office.issue(office.session.person, 2);
    let theirs = office.issue(stranger, 3);
    assert_eq!(office.service.cards(&office.session), Ok(vec![second.clone(), first]));
    assert_eq!(office.service.card(&office.session, second.id), Ok(second));
    assert_eq!(office.service.card(&office.session, theirs.id), Err(SelfServiceError::NotFound));
    assert_eq!(office.service.card(&office.session, CardId::from_bytes([8; 16])), Err(SelfServiceError::NotFound));
}

#[test]
fn a_copy_has_everything_that_is_kept_and_the_log_says_it_was_taken() {
    let office = office();
    let card = office.issue(office.session.person, 1);
    office.operator_suspends(&card, Reason::Damaged);
    office.grant(1);
    office.codes();
    let before = office.size();
    let export = serde_json::to_value(office.service.export(&office.session).expect("a copy")).expect("JSON");
    assert_eq!(office.events(before), [What::PersonExported]);
    assert_eq!(export["person"]["id_number"], "520102199003070014");
    assert_eq!(export["person"]["address"]["locality"], "贵阳市");
    let (list, index) = (card.copies[0].status.list.uri("https://id.example"), card.copies[0].status.index);
    let copy = json!({"status_list": list, "index": index, "holder_key_thumbprint": "key-1", "valid_until": null});
    assert_eq!(export["cards"][0]["copies"], json!([copy]));
    assert_eq!(export["cards"][0]["state"], "suspended");
    assert_eq!(export["cards"][0]["history"][1]["reason"], "damaged");
    assert_eq!(export["cards"][0]["history"][1]["has_note"], true);
    assert_eq!(export["grants"][0]["client_id"], "https://wallet.example");
    assert_eq!(export["sign_in"]["recovery_code"]["made_at"], "2026-11-24T06:00:00Z");
    let text = export.to_string();
    assert!(!text.contains("argon2id") && !text.contains("a note"), "neither codes nor what may be about others");
}

#[test]
fn an_old_sign_in_is_good_for_looking_and_for_no_more() {
    let office = office();
    let card = office.issue(office.session.person, 1);
    office.clock.advance(FRESH_SECONDS as u64 - 1);
    assert!(office.service.is_fresh(&office.session));
    office.clock.advance(1);
    let before = office.size();
    assert!(!office.service.is_fresh(&office.session));
    assert_eq!(office.service.export(&office.session).err(), Some(SelfServiceError::SignInAnew));
    assert_eq!(office.service.erase(&office.session), Err(SelfServiceError::SignInAnew));
    assert_eq!((office.stored(&card), office.size()), (card, before));
}

#[test]
fn what_is_erased_leads_to_nobody_any_more_and_no_card_stays_good() {
    let office = office();
    let person = office.session.person;
    let (good, suspended) = (office.issue(person, 1), office.issue(person, 2));
    office.operator_suspends(&suspended, Reason::Lost);
    let grant = office.grant(1);
    office.codes();
    let before = office.size();
    assert_eq!(office.service.erase(&office.session), Ok(Erased { revoked: 2 }));
    let [What::StateChanged { .. }, What::StateChanged { .. }, What::PersonErased] = &office.events(before)[..] else {
        panic!("{:?}", office.events(before));
    };
    for card in [&good, &suspended] {
        let left = office.stored(card);
        assert_eq!((left.state, left.person, left.instance, left.grant), (State::Revoked, None, None, None));
        assert_eq!((left.copies[0].status, left.copies[0].holder_key.as_str()), (card.copies[0].status, ""));
        assert!(left.history.iter().all(|change| change.sealed_note.is_none()));
        assert_eq!(office.store().board().entry(card.copies[0].status).expect("an entry").value, 1);
    }
    for key in [Key::Person(person), Key::SignInCodes(person), Key::Grant(grant)] {
        assert_eq!(office.store().get(&key), Ok(None), "{key:?}");
    }
    assert_eq!(office.service.cards(&office.session), Ok(Vec::new()));
    assert_eq!(office.service.erase(&office.session), Err(SelfServiceError::NotFound), "once is enough");
    assert_eq!(office.service.export(&office.session).err(), Some(SelfServiceError::NotFound));
    register(&office.service.ground, "520102199003070014");
}

#[test]
fn what_an_officer_decided_on_is_erased_like_what_still_waits() {
    let by = TokenId::from_bytes([9; 16]);
    for word in [Word::Waiting, Word::Approved { by }, Word::Denied { by }] {
        let office = office();
        let (id, transaction) = (DeferredId::from_bytes([4; 16]), [5; 32]);
        let grant = office.grant(1);
        let found = office.service.ground.grant(grant).expect("it is read").expect("a grant");
        let awaited = Awaited { configuration: "resident-id".to_owned(), deferred: id, request: [6; 32] };
        office.put(Record::Grant(Grant { awaited: vec![awaited], ..found.value }));
        let expires_at = NOW.plus_seconds(86_400);
        office.put(Record::Deferred(DeferredIssuance {
            id,
            transaction,
            grant,
            person: office.session.person,
            configuration: "resident-id".to_owned(),
            holder_keys: Vec::new(),
            request: [6; 32],
            word: word.clone(),
            asked_at: NOW,
            expires_at,
        }));
        office.put(Record::OneTime(OneTime { key: transaction, leads_to: LeadsTo::Deferred(id), expires_at }));
        assert_eq!(office.service.erase(&office.session), Ok(Erased { revoked: 0 }));
        for key in [Key::Deferred(id), Key::OneTime(transaction), Key::Grant(grant)] {
            assert_eq!(office.store().get(&key), Ok(None), "{word:?}: {key:?}");
        }
    }
}

#[test]
fn nothing_is_erased_while_an_investigation_keeps_it() {
    for reason in [Reason::Fraud, Reason::CourtOrder] {
        let office = office();
        let (_, card) = (office.issue(office.session.person, 1), office.issue(office.session.person, 2));
        office.operator_suspends(&card, reason);
        // A word of the holder's on top of it changes nothing.
        office.operator_suspends(&card, Reason::Lost);
        let before = office.size();
        assert_eq!(office.service.is_under_investigation(&office.session), Ok(true));
        assert_eq!(office.service.erase(&office.session), Err(SelfServiceError::UnderInvestigation));
        assert_eq!(office.size(), before);

        let why = Circumstance { at: NOW, reason: Reason::Found, sealed_note: None, by: Actor::Service };
        office.put(Record::Card(office.stored(&card).reinstate(why).expect("cleared").0));
        assert_eq!(office.service.erase(&office.session), Ok(Erased { revoked: 2 }));
    }
}
