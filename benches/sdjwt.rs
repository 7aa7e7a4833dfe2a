//! SD-JWT VC: issuing one with ten selectively disclosable claims, and verifying it with its key binding beside the least
//! that has to be computed with the libraries as they are: two bare signature checks (`verify_strict` of `ed25519-dalek`,
//! `aws-lc-rs`), the issuer's key ready and the holder's built from its bytes, and SHA-256 of the same bytes.
//!
//! `cargo bench --bench sdjwt` first prints, for each algorithm, how much of that bound the whole verification reaches: under
//! an issuer's key met for the first time, and under one that is prepared, as the service keeps it. The three are run in
//! turns of a few hundred microseconds, and the median over all turns is taken, so that another load on the machine falls on
//! all of them.

use std::{hint::black_box, time::Duration};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::{Signature, VerifyingKey};
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
}

/// The bound: what the libraries need, and nothing of ours.
struct Bare {
    issuer: Ready,
    holder: Vec<u8>,
    /// Message and signature of the issuer's JWT and of the holder's.
    signed: [(String, Vec<u8>); 2],
    hashed: Vec<String>,
}

/// A key as its library keeps it.
enum Ready {
    Ed25519(VerifyingKey),
    P256(ParsedPublicKey),
}

impl Ready {
    fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Self {
        match algorithm {
            Algorithm::Ed25519 => {
                Self::Ed25519(VerifyingKey::from_bytes(bytes.try_into().expect("32 bytes")).expect("a point"))
            }
            Algorithm::Es256 => {
                Self::P256(ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).expect("a point of the curve"))
            }
        }
    }

    fn check(&self, message: &str, signature: &[u8]) {
        match self {
            Self::Ed25519(key) => {
                let signature = Signature::from_bytes(signature.try_into().expect("64 bytes"));
                key.verify_strict(message.as_bytes(), &signature).expect("it holds");
            }
            Self::P256(key) => key.verify_sig(message.as_bytes(), signature).expect("it holds"),
        }
    }
}

impl Case {
    fn new(algorithm: Algorithm) -> (Self, Bare) {
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
        let mut case = Self { issuer, claims, disclosable, presentation: String::new() };
        let proof = HolderProof { signer: &holder, nonce: NONCE, audience: AUDIENCE, issued_at: NOW };
        case.presentation = present(&case.issue(), &|_| true, Some(proof)).expect("it can be presented");
        let bare = Bare::of(&case.presentation, algorithm, case.issuer.public_key().as_bytes(), holder.public_key().as_bytes());
        (case, bare)
    }

    fn issue(&self) -> String {
        let claims = self.claims.clone();
        let issuance = Issuance { header: Map::new(), claims, disclosable: &self.disclosable, decoys: 0 };
        issue(issuance, &self.issuer, &SystemRandom).expect("it can be issued")
    }

    fn verify(&self, issuer: &PublicKey) -> KeyBinding {
        let parsed = Unverified::parse(black_box(&self.presentation)).expect("it is an SD-JWT");
        let verified = parsed.verify(issuer).expect("it holds");
        let expected = KeyBindingExpectation { nonce: Some(NONCE), audience: AUDIENCE, max_age_seconds: 300, now: NOW };
        let binding = verified.verify_key_binding(&expected).expect("it is bound");
        black_box(verified);
        binding
    }
}

impl Bare {
    fn of(presentation: &str, algorithm: Algorithm, issuer: &[u8], holder: &[u8]) -> Self {
        let signed = |jwt: &str| {
            let (message, signature) = jwt.rsplit_once('.').expect("three parts");
            (message.to_owned(), base64url::decode(signature).expect("base64url"))
        };
        let (bound, proof) = presentation.rsplit_once('~').expect("a tilde");
        let (jwt, disclosures) = bound.split_once('~').expect("a tilde");
        let mut hashed: Vec<_> = disclosures.split('~').map(str::to_owned).collect();
        hashed.push(format!("{bound}~"));
        assert_eq!(hashed.len(), CLAIMS.len() + 1);
        let issuer = Ready::from_bytes(algorithm, issuer);
        Self { issuer, holder: holder.to_vec(), signed: [signed(jwt), signed(proof)], hashed }
    }

    fn run(&self, algorithm: Algorithm) {
        let [(issued, by_issuer), (proof, by_holder)] = &self.signed;
        self.issuer.check(black_box(issued), by_issuer);
        Ready::from_bytes(algorithm, black_box(&self.holder)).check(black_box(proof), by_holder);
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

/// Prints the medians over many turns of bound time to whole time: 1.00 is a verification that costs nothing beside its
/// signatures and hashes, and more one whose signatures cost less than the libraries' own.
fn print_share_of_bound() {
    const TURNS: usize = 3_000;
    for algorithm in Algorithm::ALL {
        let (case, bare) = Case::new(algorithm);
        let (met, prepared) = (case.issuer.public_key().clone(), case.issuer.public_key().clone().prepared());
        let bound = || bare.run(algorithm);
        let (first, again) = (|| drop(black_box(case.verify(&met))), || drop(black_box(case.verify(&prepared))));
        let (mut shares, mut times) = ([Vec::with_capacity(TURNS), Vec::with_capacity(TURNS)], Vec::with_capacity(TURNS));
        for turn in 0..TURNS {
            // Each goes first every third time.
            let mut took = [Duration::ZERO; 3];
            for step in 0..3 {
                let which = (turn + step) % 3;
                took[which] = match which {
                    0 => time(bound),
                    1 => time(first),
                    _ => time(again),
                };
            }
            let [bound, first, again] = took.map(|took| took.as_secs_f64());
            shares[0].push(bound / first);
            shares[1].push(bound / again);
            times.push(first / 4.0 * 1e6);
        }
        let name = algorithm.jose_name().to_lowercase();
        println!("figure: sdjwt_{name}_share_of_bound {:.3} ratio", median(&mut shares[0]));
        println!("figure: sdjwt_{name}_share_of_bound_prepared {:.3} ratio", median(&mut shares[1]));
        println!("figure: sdjwt_{name}_verification {:.1} us", median(&mut times));
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn benchmarks(criterion: &mut Criterion) {
    print_share_of_bound();
    for algorithm in Algorithm::ALL {
        let (case, bare) = Case::new(algorithm);
        let prepared = case.issuer.public_key().clone().prepared();
        let message = bare.signed[0].0.as_bytes();
        let mut group = criterion.benchmark_group(format!("sd-jwt-vc/{algorithm}"));
        group.bench_function("issue, 10 disclosures", |bencher| bencher.iter(|| case.issue()));
        group.bench_function("bare signature", |bencher| bencher.iter(|| case.issuer.sign(message)));
        group.bench_function("verify with key binding, 10 disclosures", |bencher| bencher.iter(|| case.verify(&prepared)));
        group.bench_function("two bare checks and the hashes", |bencher| bencher.iter(|| bare.run(algorithm)));
        group.finish();
    }
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
