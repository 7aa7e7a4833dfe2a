//! Presentations in hand verified over HTTP: one in a call, and lists of 64; beside a bare actix-web handler that takes the
//! same bytes and makes the two signature checks of one presentation, and nothing else. All in one process on the machine's
//! cores, the load generator too; rounds of the three follow each other, so that their ratios hold on a machine that is busy
//! with other things.
//!
//! The bare handler has its keys ready, the holder's too, and checks with `PublicKey::verify`, which costs less than the
//! libraries' own strict check.
//!
//! `cargo bench --bench http_verify`. Without `--bench`, as `cargo test` runs it, a few calls show that it still works.

#[path = "../response/bare.rs"]
mod bare;
#[expect(dead_code, reason = "latencies are taken by the bench of answers only")]
#[path = "../response/load.rs"]
mod load;
#[path = "../../tests/support/mod.rs"]
mod support;

use bare::{Bare, Signed};
use load::{Prepared, Target, closed};
use serde_json::{Value, json};
use support::{TestService, person};
use yufu::{
    base::{base64url, clock::Clock},
    crypto::{Algorithm, PublicKey, Signer, SoftwareKey, jws, x509::check_own_chain},
    format::sdjwt::{HolderProof, present},
};

const PATH: &str = "/checkpoint/api/v1/verifications";
const GATE: &str = "https://gate.example";
const NONCE: &str = "wHF0tBWbUsPbQcMkbqVEaA";

/// Connections that are kept busy: enough that no side waits for the generator.
const CONNECTIONS: usize = 8;

/// Presentations in a list.
const IN_LIST: usize = 64;

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (rounds, calls) = if measured { (9, 4_096) } else { (1, IN_LIST) };
    for algorithm in Algorithm::ALL {
        let service = TestService::start_with(|config| config.identity.signing = algorithm);
        let gate = Gate::open(&service, algorithm);
        let bare = Bare::start(gate.signatures(), 2);
        let (service_at, bare_at) = (Target::of(&service.url()), Target::at(bare.address()));
        let single = gate.calls(&gate.asked.to_string(), calls);
        let lists = gate.calls(&Value::from(vec![gate.asked.clone(); IN_LIST]).to_string(), calls / IN_LIST);
        let (mut over_bare, mut over_single, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let bound = closed(&bare_at, &single, CONNECTIONS);
            let alone = closed(&service_at, &single, CONNECTIONS);
            let together = closed(&service_at, &lists, CONNECTIONS) * IN_LIST as f64;
            over_bare.push(alone / bound);
            over_single.push(together / alone);
            rates.push(alone);
        }
        if measured {
            let name = algorithm.jose_name().to_lowercase();
            println!("figure: http_verify_{name}_over_bare_handler {:.3} ratio", median(over_bare));
            println!("figure: http_verify_{name}_list_over_single {:.3} ratio", median(over_single));
            println!("figure: http_verify_{name}_rate {:.0} 1/s", median(rates));
        }
    }
}

/// A checkpoint with a presentation in hand.
struct Gate {
    token: String,
    asked: Value,
    holder: PublicKey,
}

impl Gate {
    fn open(service: &TestService, algorithm: Algorithm) -> Self {
        let wallet = service.wallet(3);
        let (person, admin) = (service.register(&person(7)), service.admin());
        let order = json!({"person_id": person, "credential_types": ["resident-id"], "tx_code": false});
        let offered = admin.post("/admin/api/v1/offers", &order).good(201);
        let key = SoftwareKey::generate(algorithm, &*wallet.random);
        let card = wallet.redeem_for(&offered["credential_offer"], "resident-id", &key);
        let proof = HolderProof { signer: &key, nonce: NONCE, audience: GATE, issued_at: service.clock.now() };
        let presentation = present(&card, &|_| true, Some(proof)).expect("a presentation");
        let asked = json!({"presentation": presentation, "nonce": NONCE, "audience": GATE});
        let checkpoint = service.checkpoint();
        assert_eq!(checkpoint.post(PATH, &asked).good(200)["decision"], "accepted");
        Self { token: checkpoint.token.expect("a token"), asked, holder: key.public_key().clone() }
    }

    fn calls(&self, body: &str, number: usize) -> Vec<Prepared> {
        let headers = format!("content-type: application/json\r\nauthorization: Bearer {}\r\n", self.token);
        let one = || Prepared { path: PATH.to_owned(), headers: headers.clone(), body: body.to_owned() };
        (0..number).map(|_| one()).collect()
    }

    /// The issuer's signature and the holder's.
    fn signatures(&self) -> Vec<Signed> {
        let presentation = self.asked["presentation"].as_str().expect("a text");
        let (issued, proof) = (presentation.split('~').next(), presentation.rsplit('~').next());
        let issued = issued.expect("an SD-JWT begins with a JWT");
        let header = jws::Unverified::parse(issued, &["dc+sd-jwt"]).expect("a JWS").header().clone();
        let leaf = check_own_chain(&header.x5c.expect("a chain"), support::BEGIN).expect("a chain in order");
        let signed = |key: &PublicKey, jwt: &str| {
            let (message, signature) = jwt.rsplit_once('.').expect("three parts");
            let signature = base64url::decode(signature).expect("base64url");
            Signed { key: key.clone(), message: message.as_bytes().to_vec(), signature }
        };
        vec![signed(&leaf.public_key, issued), signed(&self.holder, proof.expect("a proof"))]
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
