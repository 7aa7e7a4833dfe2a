//! An issuer abroad: its own root, its cards, and its status lists on a host that does what a test wants. And our service,
//! which trusts that root and may fetch from this machine.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use yufu::{
    base::{clock::Clock, random::SeededRandom, time::Timestamp},
    crypto::{
        Algorithm, Signer, SoftwareKey, pem,
        x509::{self, x5c_header},
    },
    format::{
        sdjwt::{HolderProof, Issuance, issue, present},
        status::{Bits, StatusList, StatusListClaims, sign},
    },
};

use super::{
    gate::{leaf, object, subject, validity},
    lying_host::{LyingHost, Reply},
    support::{BEGIN, TestService, User},
};

pub const NONCE: &str = "n-0S6_WzA2Mj";
pub const AUDIENCE: &str = "https://gate.example";
pub const INDEX: u32 = 70_001;
pub const STATUS_LIST: &str = "application/statuslist+jwt";
const DAY: i64 = 24 * 3600;

/// A signer with its certificates.
pub struct Identity {
    pub key: SoftwareKey,
    pub x5c: Vec<Vec<u8>>,
    pub root_der: Vec<u8>,
}

impl Identity {
    /// Certified for `url` by a root of its own, which `seed` makes.
    pub fn new(url: &str, seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        let root = SoftwareKey::generate(Algorithm::Es256, &random);
        // Roots are told apart by name and key.
        let root_der = x509::root(subject(&format!("root {seed}")), validity(), &root, &random).expect("a root");
        let key = SoftwareKey::generate(Algorithm::Es256, &random);
        let x5c = vec![leaf(&key, url, &root, &root_der)];
        Self { key, x5c, root_der }
    }

    /// The public key as a JWK.
    pub fn key_jwk(&self) -> Value {
        self.key.public_key().to_jwk()
    }
}

/// The issuer and its holder.
pub struct Issuer {
    pub url: String,
    pub identity: Identity,
    pub holder: SoftwareKey,
}

impl Issuer {
    pub fn at(url: &str, seed: u64) -> Self {
        let holder = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(seed + 1000));
        Self { url: url.to_owned(), identity: Identity::new(url, seed), holder }
    }

    pub fn list_url(&self) -> String {
        format!("{}/status-lists/1", self.url)
    }

    /// The claims of a card with this place in a list.
    pub fn claims(&self, list: &str, index: u32) -> Map<String, Value> {
        object(json!({
            "iss": self.url, "vct": "urn:example:id", "iat": BEGIN.unix(), "exp": BEGIN.unix() + 30 * DAY, "name": "鱼小符",
            "cnf": {"jwk": self.holder.public_key().to_jwk()},
            "status": {"status_list": {"idx": index, "uri": list}},
        }))
    }

    /// A card, shown.
    pub fn shown(&self, claims: Map<String, Value>, at: Timestamp) -> String {
        self.shown_by(&self.identity, claims, at)
    }

    /// A card that another signer made, shown.
    pub fn shown_by(&self, signer: &Identity, claims: Map<String, Value>, at: Timestamp) -> String {
        let header = object(json!({"x5c": x5c_header(&signer.x5c)}));
        let issuance = Issuance { header, claims, disclosable: &[], decoys: 0 };
        let card = issue(issuance, &signer.key, &SeededRandom::new(9)).expect("a card");
        let proof = HolderProof { signer: &self.holder, nonce: NONCE, audience: AUDIENCE, issued_at: at };
        present(&card, &|_| true, Some(proof)).expect("a presentation")
    }

    /// The status list with this value at [`INDEX`], signed by `signer`.
    pub fn list_by(&self, signer: &Identity, value: u8, change: impl FnOnce(&mut StatusListClaims)) -> String {
        let mut list = StatusList::all_valid(Bits::Two, 1 << 20);
        list.set(u64::from(INDEX), value).expect("an entry");
        let mut claims = StatusListClaims {
            sub: self.list_url(),
            iat: BEGIN,
            exp: Some(BEGIN.plus_seconds(DAY)),
            ttl: Some(300),
            bits: Bits::Two,
            lst: StatusListClaims::encode(list.packed()).expect("it compresses"),
            aggregation_uri: None,
        };
        change(&mut claims);
        sign(&claims, &signer.x5c, &signer.key).expect("a list")
    }

    /// The status list.
    pub fn list(&self, value: u8, change: impl FnOnce(&mut StatusListClaims)) -> String {
        self.list_by(&self.identity, value, change)
    }

    /// The list as an answer.
    pub fn serves(&self, value: u8, change: impl FnOnce(&mut StatusListClaims)) -> Reply {
        Reply::good(STATUS_LIST, self.list(value, change))
    }
}

/// All of it.
pub struct Abroad {
    pub host: LyingHost,
    pub issuer: Issuer,
    pub service: TestService,
    pub gate: User,
}

impl Abroad {
    /// Our service trusts the issuer, whose host answers 404 until it is told otherwise.
    pub fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// The same, with more in the folder of keys before the service starts.
    pub fn start_with(prepare: impl FnOnce(&Path, &Issuer)) -> Self {
        let host = LyingHost::start(|_| Reply::status(404, &[], ""));
        let issuer = Issuer::at(&host.url(), 21);
        let service = TestService::start_with(|config| {
            let trust = config.storage.keys.join("trust");
            fs::create_dir_all(&trust).expect("a folder");
            write_root(&trust.join("abroad.pem"), &issuer.identity.root_der);
            prepare(&config.storage.keys, &issuer);
            config.outbound.allow_fetch = vec!["127.0.0.0/8".parse().expect("a block")];
        });
        let gate = service.checkpoint();
        Self { host, issuer, service, gate }
    }

    /// The host serves one list from now on.
    pub fn serve(&self, reply: Reply) {
        self.host.now(move |_| reply.clone());
    }

    /// A good card of the issuer, shown now.
    pub fn card(&self) -> String {
        self.issuer.shown(self.issuer.claims(&self.issuer.list_url(), INDEX), self.now())
    }

    pub fn now(&self) -> Timestamp {
        self.service.clock.now()
    }

    /// The statement of the gate.
    pub fn verify(&self, presentation: &str) -> Value {
        verify(&self.gate, presentation)
    }

    /// A good card shown now: decision, reason, and what the check of the status says.
    pub fn outcome(&self) -> (String, String, String) {
        told(&self.verify(&self.card()))
    }
}

pub fn write_root(file: &Path, der: &[u8]) {
    fs::write(file, pem::encode(pem::CERTIFICATE, der)).expect("it is written");
}

pub fn verify(gate: &User, presentation: &str) -> Value {
    let body = json!({"presentation": presentation, "nonce": NONCE, "audience": AUDIENCE});
    gate.post("/checkpoint/api/v1/verifications", &body).good(200)
}

/// Decision, reason, and what the check of the status says.
pub fn told(statement: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = statement["checks"].as_array().expect("checks");
    let known = checks.iter().find(|check| check["name"] == "status_known").expect("the check");
    (text(&statement["decision"]), text(&statement["reason"]), text(&known["detail"]["error"]))
}

pub fn triple(decision: &str, reason: &str, detail: &str) -> (String, String, String) {
    (decision.to_owned(), reason.to_owned(), detail.to_owned())
}
