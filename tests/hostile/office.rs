//! An office that registers and offers, and the wallets that fetch cards from it: issuance on the real store, at a time
//! set by hand.

use std::{
    path::Path,
    sync::{Arc, Barrier},
    thread,
};

use serde_json::{Map, Value, json};
use yufu::{
    base::{
        base64url,
        clock::{Clock, ManualClock},
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, Signer, SoftwareKey, jws, x509::Anchor},
    format::openid::{
        credential::{CredentialResponse, Issued},
        offer::PRE_AUTHORIZED_CODE,
        token::{TokenRequest, TokenResponse},
    },
    issuance::{
        Ground,
        caller::Shown,
        credential::{Body, Content, CredentialError, Credentials},
        limits::Unlimited,
        nonce::Nonces,
        offer::{OfferOrder, Offered, OfferedGrants, Offers},
        people::People,
        token::{TokenError, Tokens},
    },
    keyring::{Keyring, Purpose},
    model::{
        card::Card,
        credential_type::CredentialTypes,
        ids::{PersonId, TokenId},
        party::{Authority, Operator, Role},
        profile::Profile,
        record::{Query, Record},
    },
    store::sled::{Options, SledStore},
};

pub const URL: &str = "https://id.example";
const START: Timestamp = Timestamp::from_unix(1_795_500_000);

pub struct Office {
    pub ground: Ground,
    pub clock: ManualClock,
    pub people: People,
    pub offers: Offers,
    pub tokens: Tokens,
    pub nonces: Nonces,
    pub credentials: Credentials,
    _folder: tempfile::TempDir,
}

impl Office {
    pub fn new() -> Self {
        Self::under(Profile::Open)
    }

    pub fn under(profile: Profile) -> Self {
        Self::trusting(profile, &[])
    }

    /// An office that believes these authorities, as DER, of wallets.
    pub fn trusting(profile: Profile, attesters: &[&[u8]]) -> Self {
        Self::believing(profile, attesters, &[])
    }

    /// An office that believes these authorities, as DER, of wallets, and those of keys.
    pub fn believing(profile: Profile, of_wallets: &[&[u8]], of_keys: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(START);
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(11));
        let keyring = Keyring::in_memory(URL, Algorithm::Es256, &clock, &*random).expect("keys");
        let anchors = |all: &[&[u8]]| all.iter().map(|der| Anchor::from_der(der).expect("an authority")).collect();
        let keyring = keyring.with_attesters(anchors(of_wallets), anchors(of_keys));
        let store = open(folder.path(), &keyring, &clock, &random);
        let ground = Ground {
            store: Arc::new(store),
            keyring: Arc::new(keyring),
            clock: Arc::new(clock.clone()),
            random,
            types: Arc::new(CredentialTypes::built_in().expect("the shipped types")),
            profile,
            limits: Arc::new(Unlimited),
            encryption_required: false,
            attestation_statuses: Arc::new(yufu::issuance::attestation_status::NobodyToAsk),
            public_url: URL.into(),
        };
        Self {
            clock,
            people: People::new(ground.clone()),
            offers: Offers::new(ground.clone()),
            tokens: Tokens::new(ground.clone()),
            nonces: Nonces::new(ground.clone()),
            credentials: Credentials::new(ground.clone()),
            ground,
            _folder: folder,
        }
    }

    pub fn register(&self) -> PersonId {
        self.people.register(&registrar(), &person()).expect("registered")
    }

    pub fn offer(&self, tx_code: bool) -> Offered {
        self.offer_of(&["resident-id"], tx_code)
    }

    pub fn offer_of(&self, types: &[&str], tx_code: bool) -> Offered {
        let person = match self.people.search(&registrar(), "", None, 1).expect("a search").people.first() {
            Some(found) => found.id,
            None => self.register(),
        };
        let credential_types = types.iter().map(|name| (*name).to_owned()).collect();
        self.offers
            .create(&registrar(), &OfferOrder { person, credential_types, tx_code, grants: OfferedGrants::PreAuthorized })
            .expect("offered")
    }

    pub fn redeem(&self, code: &str, tx_code: Option<&str>) -> Result<TokenResponse, TokenError> {
        self.tokens.redeem(&no_headers(), &token_request(code, tx_code))
    }

    /// A fresh access token for these types.
    pub fn token(&self, types: &[&str]) -> String {
        self.redeem(&code(&self.offer_of(types, false)), None).expect("a token").access_token
    }

    pub fn fetch(&self, token: &str, body: &Value) -> Result<Issued, CredentialError> {
        match self.credentials.issue(&bearer(token), Body::Json(body.to_string().as_bytes()))?.content {
            Content::Json(CredentialResponse::Issued(issued)) => Ok(issued),
            other => panic!("neither deferred nor encrypted: {other:?}"),
        }
    }

    pub fn nonce(&self) -> String {
        self.nonces.issue().c_nonce
    }

    /// A good proof by `key`.
    pub fn proof(&self, key: &SoftwareKey, nonce: &str) -> String {
        signed(key, self.header(key), self.claims(nonce))
    }

    pub fn header(&self, key: &SoftwareKey) -> Map<String, Value> {
        object(json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk()}))
    }

    pub fn claims(&self, nonce: &str) -> Map<String, Value> {
        object(json!({"aud": URL, "iat": self.clock.now().unix(), "nonce": nonce}))
    }

    pub fn cards(&self) -> Vec<Card> {
        let query = Query::Cards { person: None, state: None, credential_type: None };
        let page = self.ground.store.find(&query, None, 1000).expect("found");
        let card = |record| if let Record::Card(card) = record { card } else { panic!("not a card") };
        page.records.into_iter().map(|record| card(record.value)).collect()
    }

    /// What an attack must not change: the log and the cards.
    pub fn state(&self) -> (u64, usize) {
        (self.ground.store.head().size, self.cards().len())
    }
}

fn open(folder: &Path, keyring: &Keyring, clock: &ManualClock, random: &Arc<dyn Random>) -> SledStore {
    let options = Options::new(
        folder,
        keyring.index_key().clone(),
        keyring.signer(Purpose::Log),
        Arc::new(clock.clone()),
        Arc::clone(random),
    );
    SledStore::open(options).expect("a store")
}

pub fn registrar() -> Authority {
    authority(Role::Registrar)
}

pub fn authority(role: Role) -> Authority {
    Authority::Operator(Operator::authenticated(TokenId::from_bytes([1; 16]), role))
}

/// Nobody: the number is the example printed in GB 11643-1999.
pub fn person() -> Map<String, Value> {
    object(json!({
        "id_number": "11010519491231002X",
        "family_name": "鱼",
        "given_name": "小符",
        "latin_family_name": "YU",
        "latin_given_name": "XIAOFU",
        "sex": "female",
        "ethnicity": "苗",
        "birth_date": "1949-12-31",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "云岩区中华北路1号"},
        "qualifications": [{
            "type": "transport-qualification",
            "number": "520100000001",
            "valid_from": "2024-01-01",
            "valid_until": "2029-12-31",
            "data": {"vehicle_classes": ["A2", "B2"], "category": "道路货物运输驾驶员"}
        }]
    }))
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

pub fn code(offered: &Offered) -> String {
    offered.offer.grants.pre_authorized_code.as_ref().expect("the grant").code.clone()
}

pub fn token_request(code: &str, tx_code: Option<&str>) -> TokenRequest {
    TokenRequest {
        grant_type: Some(PRE_AUTHORIZED_CODE.to_owned()),
        pre_authorized_code: Some(code.to_owned()),
        tx_code: tx_code.map(str::to_owned),
        ..TokenRequest::default()
    }
}

pub fn key(seed: u64) -> SoftwareKey {
    let algorithm = if seed.is_multiple_of(2) { Algorithm::Ed25519 } else { Algorithm::Es256 };
    SoftwareKey::generate(algorithm, &SeededRandom::new(1000 + seed))
}

pub fn signed(key: &SoftwareKey, header: Map<String, Value>, claims: Map<String, Value>) -> String {
    jws::sign(header, &claims, key).expect("a software key signs")
}

/// A JWS with exactly this header, for headers that no library would write.
pub fn raw(key: &SoftwareKey, header: &Value, claims: &Map<String, Value>) -> String {
    let input =
        format!("{}.{}", base64url::encode(header.to_string()), base64url::encode(Value::Object(claims.clone()).to_string()));
    let signature = key.sign(input.as_bytes()).expect("a software key signs");
    format!("{input}.{}", base64url::encode(signature))
}

pub fn request(configuration: &str, proofs: &[String]) -> Value {
    json!({"credential_configuration_id": configuration, "proofs": {"jwt": proofs}})
}

/// Runs `call` in so many threads that start together; the outcomes in their order.
pub fn at_once<T: Send>(threads: u64, call: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads as usize);
    thread::scope(|scope| {
        let (call, start) = (&call, &start);
        let running: Vec<_> = (0..threads)
            .map(|n| {
                scope.spawn(move || {
                    start.wait();
                    call(n)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// A request to the token endpoint by a wallet that proves nothing of itself.
pub fn no_headers() -> Shown {
    Shown { method: "POST", path: "/token", ..Shown::default() }
}

/// A request to the credential endpoint that shows this access token.
pub fn bearer(token: &str) -> Shown {
    Shown { method: "POST", path: "/credential", authorization: vec![format!("Bearer {token}")], ..Shown::default() }
}
