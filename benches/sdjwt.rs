//! SD-JWT VC: issuing one with ten selectively disclosable claims, and verifying it with its key binding beside the least
//! that has to be computed: two bare signature checks and SHA-256 of the same bytes.
//!
//! `cargo bench --bench sdjwt` first prints, for each algorithm, how much of that bound the whole verification reaches.
//! The two are run in turns of a few hundred microseconds, and the median over all turns is taken, so that another load on
//! the machine falls on both.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Map, Value, json};
use yufu::{
    base::{
        base64url,
        random::{SeededRandom, SystemRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, PublicKey, Signer, SoftwareKey, sha256},
    format::sdjwt::{HolderProof, Issuance, KeyBinding, KeyBindingExpectation, Step, Unverified, issue, present},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const AUDIENCE: &str = "https://gate.example/checkpoint/7";
const NONCE: &str = "wHF0tBWbUsPbQcMkbqVEaA";

/// The claims about the person: ten, each selectively disclosable.
const CLAIMS: [(&str, &str); 10] = [
    ("family_name", "王"),
    ("given_name", "小明"),
    ("family_name_latin", "Wang"),
    ("given_name_latin", "Xiaoming"),
    ("birthdate", "1990-03-07"),
    ("sex", "1"),
    ("ethnicity", "汉"),
    ("personal_administrative_number", "520102199003070013"),
    ("resident_address", "贵州省贵阳市云岩区中华北路 1 号"),
    ("issuing_authority", "贵阳市公安局云岩分局"),
];

struct Case {
    issuer: SoftwareKey,
    claims: Map<String, Value>,
    disclosable: Vec<Vec<Step>>,
    presentation: String,
    bare: Bare,
}

/// What a bare check needs: key, message and signature of both JWTs, and the texts that are hashed.
struct Bare {
    checks: [(PublicKey, String, Vec<u8>); 2],
    hashed: Vec<String>,
}

impl Case {
    fn new(algorithm: Algorithm) -> Self {
        let key = |seed| SoftwareKey::generate(algorithm, &SeededRandom::new(seed));
        let (issuer, holder) = (key(1), key(2));
        let claims = json!({
            "iss": "https://id.guiyang.example", "vct": "https://id.guiyang.example/credential-types/resident-id",
            "iat": 1_799_971_200, "nbf": 1_799_971_200, "exp": 1_802_563_200,
            "cnf": {"jwk": holder.public_key().to_jwk()},
            "status": {"status_list": {"idx": 654_321, "uri": "https://id.guiyang.example/status-lists/3"}},
        });
        let mut claims = claims.as_object().expect("an object").clone();
        claims.extend(CLAIMS.map(|(name, value)| (name.to_owned(), value.into())));
        let disclosable = CLAIMS.map(|(name, _)| vec![Step::Name(name.to_owned())]).to_vec();
        let mut case = Self { issuer, claims, disclosable, presentation: String::new(), bare: Bare::default() };
        let proof = HolderProof { signer: &holder, nonce: NONCE, audience: AUDIENCE, issued_at: NOW };
        case.presentation = present(&case.issue(), &|_| true, Some(proof)).expect("it can be presented");
        case.bare = Bare::of(&case.presentation, case.issuer.public_key(), holder.public_key());
        assert_eq!(case.bare.hashed.len(), CLAIMS.len() + 1);
        case
    }

    fn issue(&self) -> String {
        let claims = self.claims.clone();
        let issuance = Issuance { header: Map::new(), claims, disclosable: &self.disclosable, decoys: 0 };
        issue(issuance, &self.issuer, &SystemRandom).expect("it can be issued")
    }

    fn verify(&self) -> KeyBinding {
        let parsed = Unverified::parse(black_box(&self.presentation)).expect("it is an SD-JWT");
        let verified = parsed.verify(self.issuer.public_key()).expect("it holds");
        let expected = KeyBindingExpectation { nonce: Some(NONCE), audience: AUDIENCE, max_age_seconds: 300, now: NOW };
        let binding = verified.verify_key_binding(&expected).expect("it is bound");
        black_box(verified);
        binding
    }
}

impl Default for Bare {
    fn default() -> Self {
        let key = SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(1));
        let check = || (key.public_key().clone(), String::new(), Vec::new());
        Self { checks: [check(), check()], hashed: Vec::new() }
    }
}

impl Bare {
    fn of(presentation: &str, issuer: &PublicKey, holder: &PublicKey) -> Self {
        let check = |jwt: &str, key: &PublicKey| {
            let (message, signature) = jwt.rsplit_once('.').expect("three parts");
            (key.clone(), message.to_owned(), base64url::decode(signature).expect("base64url"))
        };
        let (bound, proof) = presentation.rsplit_once('~').expect("a tilde");
        let (jwt, disclosures) = bound.split_once('~').expect("a tilde");
        let mut hashed: Vec<_> = disclosures.split('~').map(str::to_owned).collect();
        hashed.push(format!("{bound}~"));
        Self { checks: [check(jwt, issuer), check(proof, holder)], hashed }
    }

    fn run(&self) {
        for (key, message, signature) in &self.checks {
            key.verify(black_box(message.as_bytes()), signature).expect("it holds");
        }
        for text in &self.hashed {
            black_box(sha256(black_box(text)));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]
fn time(work: impl Fn()) -> Duration {
    let start = std::time::Instant::now();
    for _ in 0..4 {
        work();
    }
    start.elapsed()
}

/// Prints the median over many turns of bound time to whole time: 1.00 is a verification that costs nothing beside its
/// signatures and hashes.
fn print_share_of_bound() {
    const TURNS: usize = 3_000;
    for algorithm in Algorithm::ALL {
        let case = Case::new(algorithm);
        let (bare, whole) = (|| case.bare.run(), || drop(black_box(case.verify())));
        let mut shares = Vec::with_capacity(TURNS);
        let mut times = Vec::with_capacity(TURNS);
        for turn in 0..TURNS {
            // Each goes first every other time.
            let (bound, all) = if turn % 2 == 0 {
                let bound = time(bare);
                (bound, time(whole))
            } else {
                let all = time(whole);
                (time(bare), all)
            };
            shares.push(bound.as_secs_f64() / all.as_secs_f64());
            times.push(all.as_secs_f64() / 4.0);
        }
        shares.sort_by(f64::total_cmp);
        times.sort_by(f64::total_cmp);
        let (share, time) = (shares[TURNS / 2], times[TURNS / 2] * 1e6);
        println!("{algorithm}: verification with key binding, 10 disclosures: {share:.3} of the bound, {time:.1} us");
    }
}

fn benchmarks(criterion: &mut Criterion) {
    print_share_of_bound();
    for algorithm in Algorithm::ALL {
        let case = Case::new(algorithm);
        let mut group = criterion.benchmark_group(format!("sd-jwt-vc/{algorithm}"));
        group.bench_function("issue, 10 disclosures", |bencher| bencher.iter(|| case.issue()));
        group.bench_function("bare signature", |bencher| bencher.iter(|| case.issuer.sign(case.bare.checks[0].1.as_bytes())));
        group.bench_function("verify with key binding, 10 disclosures", |bencher| bencher.iter(|| case.verify()));
        group.bench_function("two bare checks and the hashes", |bencher| bencher.iter(|| case.bare.run()));
        group.finish();
    }
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
