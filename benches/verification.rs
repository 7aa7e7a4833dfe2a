//! The whole decision at a gate: examine an SD-JWT VC with key binding and ten disclosures under its certificate chain,
//! look its status up on the board, decide, and write the statement.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Map, Value, json};
use yufu::{
    base::{clock::ManualClock, random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey, x509::x5c_header},
    format::sdjwt::{HolderProof, Issuance, Step, issue, present},
    keyring::{Keyring, Purpose},
    model::{
        card::StatusRef,
        event::{Event, What},
        ids::{CardId, ListId},
        party::Actor,
        reason::Decision,
    },
    store::status_board::StatusBoard,
    verification::{Expectations, HolderBinding, Policy, Trust, decide, examine, lookup::on_own_board},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const URL: &str = "https://id.example";
const TYPE: &str = "https://id.example/credential-types/resident-id";
const AUDIENCE: &str = "https://gate.example";
const NONCE: &str = "n-7QbWm0eXn4wHF0tBWb";
const INDEX: u32 = 70_001;

struct Gate {
    presentation: String,
    trust: Trust,
    expectations: Expectations,
    board: StatusBoard,
}

impl Gate {
    fn new(algorithm: Algorithm) -> Self {
        let random = SeededRandom::new(1);
        let keyring = Keyring::in_memory(URL, algorithm, &ManualClock::at(NOW), &random).expect("keys");
        let x5c = keyring.x5c(Purpose::Issuer);
        let trust = Trust::new(keyring.anchors().to_vec());
        let holder_binding = HolderBinding::Required { nonce: Some(NONCE.to_owned()), audience: AUDIENCE.to_owned() };
        Self {
            presentation: presentation(&keyring, algorithm),
            trust: trust.with_own_issuer(URL.to_owned(), [TYPE.to_owned()].into(), x5c, NOW),
            expectations: Expectations::new(holder_binding),
            board: board(),
        }
    }

    fn decide(&self) -> Vec<u8> {
        let examined = examine(&self.presentation, &self.trust, &self.expectations, NOW);
        let answer = examined.wanted_status().and_then(|wanted| on_own_board(&wanted, &self.board, URL, NOW));
        let statement = decide(examined, answer.as_slice(), &Policy::default(), NOW);
        assert_eq!(statement.decision, Decision::Accepted);
        serde_json::to_vec(&statement).expect("a statement is JSON")
    }
}

fn board() -> StatusBoard {
    let board = StatusBoard::default();
    let issued = What::Issued {
        card: CardId::from_bytes([1; 16]),
        credential_type: "resident-id".to_owned(),
        copies: vec![StatusRef { list: ListId(1), index: INDEX }],
        valid_from: NOW,
        valid_until: NOW.plus_seconds(86_400),
    };
    let opened = What::ListOpened { list: ListId(1), credential_type: "resident-id".to_owned() };
    for (number, what) in [(1, opened), (2, issued)] {
        board.apply(&Event { number, at: NOW, actor: Actor::Service, what });
    }
    board
}

fn presentation(keyring: &Keyring, algorithm: Algorithm) -> String {
    let random = SeededRandom::new(2);
    let holder = SoftwareKey::generate(algorithm, &random);
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    let mut claims: Map<String, Value> = object(json!({
        "iss": URL, "vct": TYPE, "nbf": NOW.unix(), "exp": NOW.unix() + 86_400, "cnf": {"jwk": holder.public_key().to_jwk()},
        "status": {"status_list": {"idx": INDEX, "uri": "https://id.example/status-lists/1"}},
    }));
    claims.extend((0..10).map(|n| (format!("claim_{n}"), format!("贵州省贵阳市云岩区 {n}").into())));
    let disclosable: Vec<_> = (0..10).map(|n| vec![Step::Name(format!("claim_{n}"))]).collect();
    let header = object(json!({"x5c": x5c_header(keyring.x5c(Purpose::Issuer))}));
    let issuance = Issuance { header, claims, disclosable: &disclosable, decoys: 0 };
    let card = issue(issuance, &*keyring.signer(Purpose::Issuer), &random).expect("a card");
    let proof = HolderProof { signer: &holder, nonce: NONCE, audience: AUDIENCE, issued_at: NOW };
    present(&card, &|_| true, Some(proof)).expect("a presentation")
}

fn verification(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let gate = Gate::new(algorithm);
        criterion
            .bench_function(&format!("decide at a gate, {algorithm}"), |bencher| bencher.iter(|| black_box(gate.decide())));
    }
    let forged = {
        let gate = Gate::new(Algorithm::Es256);
        Gate { presentation: gate.presentation.replacen("~", "A~", 1), ..gate }
    };
    criterion.bench_function("refuse a forgery", |bencher| {
        bencher.iter(|| {
            let examined = examine(&forged.presentation, &forged.trust, &forged.expectations, NOW);
            black_box(decide(examined, &[], &Policy::default(), NOW))
        });
    });
}

criterion_group!(benches, verification);
criterion_main!(benches);
