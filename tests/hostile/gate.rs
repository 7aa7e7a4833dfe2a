//! A gate and all it needs, at a fixed time: an issuer with its certificate chain, a card in a wallet, a status board.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use yufu::{
    base::{base64url, random::SeededRandom, time::Timestamp},
    crypto::{
        Algorithm, Signer, SoftwareKey, sha256,
        x509::{self, Anchor, Issuer, Request, Role, Subject, Validity, x5c_header},
    },
    format::sdjwt::{HolderProof, Issuance, Step, issue, present},
    model::{
        card::{Reason, State, StatusRef},
        event::{Event, What},
        ids::{CardId, ListId},
        party::Actor,
        reason::ReasonCode,
        statement::{CheckName, Statement},
    },
    store::status_board::StatusBoard,
    verification::{Expectations, HolderBinding, Policy, Trust, decide, examine, lookup::on_own_board},
};

pub const URL: &str = "https://id.example";
pub const NONCE: &str = "n-7QbWm0eXn4";
pub const AUDIENCE: &str = "https://gate.example";
pub const TYPE: &str = "https://id.example/credential-types/resident-id";
pub const LIST: &str = "https://id.example/status-lists/1";
pub const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
pub const INDEX: u32 = 70_001;
const DAY: i64 = 24 * 3600;

/// Claims of a synthetic person, each selectively disclosable.
pub const CLAIMS: [(&str, &str); 10] = [
    ("name", "鱼小符"),
    ("family_name", "鱼"),
    ("given_name", "小符"),
    ("latin_family_name", "Yu"),
    ("latin_given_name", "Xiaofu"),
    ("sex", "female"),
    ("ethnicity", "苗"),
    ("birth_date", "1990-03-07"),
    ("id_number", "520103199003070029"),
    ("issuing_authority", "贵阳市公安局"),
];

pub struct Gate {
    pub root: SoftwareKey,
    pub root_der: Vec<u8>,
    pub issuer: SoftwareKey,
    pub x5c: Vec<Vec<u8>>,
    pub holder: SoftwareKey,
    pub board: StatusBoard,
    pub random: SeededRandom,
}

impl Gate {
    pub fn new(algorithm: Algorithm) -> Self {
        let random = SeededRandom::new(7);
        let root = SoftwareKey::generate(algorithm, &random);
        let root_der = x509::root(subject("root"), validity(), &root, &random).expect("a root");
        let issuer = SoftwareKey::generate(algorithm, &random);
        let holder = SoftwareKey::generate(algorithm, &random);
        let x5c = vec![leaf(&issuer, URL, &root, &root_der)];
        let board = StatusBoard::default();
        let at = |number, what| Event { number, at: NOW, actor: Actor::Service, what };
        board.apply(&at(1, What::ListOpened { list: ListId(1), credential_type: "resident-id".to_owned() }));
        board.apply(&at(
            2,
            What::Issued {
                card: card_id(),
                credential_type: "resident-id".to_owned(),
                copies: vec![place()],
                valid_from: NOW,
                valid_until: NOW.plus_seconds(30 * DAY),
            },
        ));
        Self { root, root_der, issuer, x5c, holder, board, random }
    }

    pub fn trust(&self) -> Trust {
        let types = BTreeSet::from([TYPE.to_owned()]);
        Trust::new(vec![self.anchor()]).with_own_issuer(URL.to_owned(), types, &self.x5c, NOW)
    }

    pub fn anchor(&self) -> Anchor {
        Anchor::from_der(&self.root_der).expect("an anchor")
    }

    pub fn claims(&self) -> Map<String, Value> {
        let mut claims = object(json!({
            "iss": URL, "vct": TYPE, "iat": NOW.unix(), "nbf": NOW.unix(), "exp": NOW.unix() + 30 * DAY,
            "cnf": {"jwk": self.holder.public_key().to_jwk()},
            "status": {"status_list": {"idx": INDEX, "uri": LIST}},
        }));
        claims.extend(CLAIMS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        claims
    }

    pub fn header(&self) -> Map<String, Value> {
        object(json!({"x5c": x5c_header(&self.x5c)}))
    }

    /// A card as the issuer gives it.
    pub fn issue(&self, claims: Map<String, Value>) -> String {
        let disclosable: Vec<_> = CLAIMS.iter().map(|(name, _)| vec![Step::Name((*name).to_owned())]).collect();
        let issuance = Issuance { header: self.header(), claims, disclosable: &disclosable, decoys: 0 };
        issue(issuance, &self.issuer, &self.random).expect("a card")
    }

    /// A good card.
    pub fn card(&self) -> String {
        self.issue(self.claims())
    }

    /// A presentation of everything, as asked for.
    pub fn present(&self, card: &str) -> String {
        self.present_with(card, &self.holder, NONCE, AUDIENCE, NOW)
    }

    pub fn present_with(&self, card: &str, signer: &dyn Signer, nonce: &str, audience: &str, issued_at: Timestamp) -> String {
        let proof = HolderProof { signer, nonce, audience, issued_at };
        present(card, &|_| true, Some(proof)).expect("a presentation")
    }

    /// A key binding of any header and claims over `bound`, which ends in a tilde.
    pub fn bind(&self, bound: &str, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
        let mut header = object(json!({"typ": "kb+jwt", "alg": self.holder.algorithm().jose_name()}));
        let sd_hash = base64url::encode(sha256(bound));
        let mut claims = object(json!({"iat": NOW.unix(), "aud": AUDIENCE, "nonce": NONCE, "sd_hash": sd_hash}));
        change(&mut header, &mut claims);
        format!("{bound}{}", jwt(&header, &claims, &self.holder))
    }

    /// An issuer-signed JWT of any header and claims, with its tilde and a good key binding.
    pub fn forge(&self, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
        self.forge_with(&self.issuer, &[], change)
    }

    /// The same with another signer, and with disclosures.
    pub fn forge_with(
        &self,
        signer: &dyn Signer,
        disclosures: &[String],
        change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
    ) -> String {
        let mut header = self.header();
        header.insert("typ".to_owned(), "dc+sd-jwt".into());
        header.insert("alg".to_owned(), signer.algorithm().jose_name().into());
        let mut claims = self.claims();
        change(&mut header, &mut claims);
        let bound = std::iter::once(jwt(&header, &claims, signer)).chain(disclosures.iter().cloned()).map(|part| part + "~");
        self.bind(&bound.collect::<String>(), |_, _| {})
    }

    /// Sets the state of the card on the board.
    pub fn set(&self, number: u64, to: State) {
        let what = What::StateChanged {
            card: card_id(),
            copies: vec![place()],
            from: State::Active,
            to,
            until: None,
            reason: Reason::Lost,
        };
        self.board.apply(&Event { number, at: NOW, actor: Actor::Service, what });
    }

    /// The decision on a presentation that was asked for with [`NONCE`] and [`AUDIENCE`].
    pub fn decide(&self, presentation: &str) -> Statement {
        self.decide_with(presentation, &self.trust(), &asked(), NOW)
    }

    pub fn decide_with(&self, presentation: &str, trust: &Trust, expectations: &Expectations, at: Timestamp) -> Statement {
        let examined = examine(presentation, trust, expectations, at);
        let answer = examined.wanted_status().and_then(|wanted| on_own_board(&wanted, &self.board, URL, at));
        decide(examined, answer.as_slice(), &Policy::default(), at)
    }
}

/// What a statement comes down to.
pub fn outcome(statement: &Statement) -> (ReasonCode, Option<CheckName>) {
    (statement.reason, statement.failed_check())
}

pub fn asked() -> Expectations {
    Expectations::new(HolderBinding::Required { nonce: Some(NONCE.to_owned()), audience: AUDIENCE.to_owned() })
}

pub fn leaf(key: &SoftwareKey, uri: &str, root: &SoftwareKey, root_der: &[u8]) -> Vec<u8> {
    certificate(key, uri, validity(), &[], Issuer { certificate: Some(root_der), signer: root })
}

pub fn certificate(key: &SoftwareKey, uri: &str, validity: Validity, usages: &[&str], issuer: Issuer<'_>) -> Vec<u8> {
    let request = Request {
        subject: subject("signer"),
        public_key: key.public_key(),
        validity,
        role: Role::Leaf,
        uris: &[uri],
        dns_names: &[],
        extended_key_usages: usages,
    };
    x509::issue(&request, issuer, &SeededRandom::new(11)).expect("a certificate")
}

pub fn subject(common_name: &str) -> Subject<'_> {
    Subject { country: "CN", organization: "yufu test", common_name }
}

/// Ten years around now.
pub fn validity() -> Validity {
    Validity { not_before: NOW.plus_seconds(-DAY), not_after: NOW.plus_seconds(3650 * DAY) }
}

pub fn disclosure(content: &Value) -> (String, String) {
    let text = base64url::encode(content.to_string());
    let digest = base64url::encode(sha256(&text));
    (text, digest)
}

pub fn jwt(header: &Map<String, Value>, claims: &Map<String, Value>, signer: &dyn Signer) -> String {
    raw_jwt(&json!(header).to_string(), &json!(claims).to_string(), signer)
}

pub fn raw_jwt(header: &str, claims: &str, signer: &dyn Signer) -> String {
    let text = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
    let signature = base64url::encode(signer.sign(text.as_bytes()).expect("a signature"));
    format!("{text}.{signature}")
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn place() -> StatusRef {
    StatusRef { list: ListId(1), index: INDEX }
}

fn card_id() -> CardId {
    CardId::from_bytes([3; 16])
}
