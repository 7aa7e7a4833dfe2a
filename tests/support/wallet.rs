//! A wallet for tests: takes cards by OpenID4VCI, and answers requests for presentations by OpenID4VP 1.0 as the standard
//! asks of wallets. Every step can be taken by itself, so that a test can do one of them wrong.

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value, json};
use yufu::{
    base::{
        base64url,
        clock::{Clock, ManualClock},
        random::{Random, SeededRandom},
    },
    crypto::{
        Algorithm, Signer, SoftwareKey,
        jwe::{self, Encryption, EncryptionKey},
        jws, sha256,
        x509::{Anchor, check_own_chain},
    },
    format::{
        openid::{form, presentation::REQUEST_OBJECT_TYPE},
        sdjwt::{PathPart, present},
    },
};

use super::{Answer, TestService, User};

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// A wallet on somebody's phone.
pub struct Wallet {
    pub user: User,
    pub clock: ManualClock,
    pub random: Arc<dyn Random>,
    /// The public URL of the service, wherever it listens.
    issuer: String,
    anchors: Vec<Anchor>,
}

/// A card in a wallet.
pub struct HeldCard {
    /// The card's id at the issuer, for who revokes it.
    pub id: String,
    /// The SD-JWT as issued, every disclosure with it.
    pub credential: String,
    pub key: SoftwareKey,
}

/// A request that was fetched and found in order.
#[derive(Clone)]
pub struct AskedFor {
    /// The request object as it came; empty when the request was not signed.
    pub jwt: String,
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

/// A presentation whose holder's proof is not signed yet.
pub struct Unsigned {
    /// The issuer's JWT and the disclosures, with the last tilde.
    pub bound: String,
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

/// A link such as `openid4vp://?client_id=..&request_uri=..`.
#[derive(Clone, Debug)]
pub struct Link {
    pub client_id: String,
    pub request_uri: String,
    pub request_uri_method: Option<String>,
}

impl TestService {
    /// A new wallet; the seed makes wallets differ.
    pub fn wallet(&self, seed: u64) -> Wallet {
        Wallet::of(self.anon(), &self.url(), &self.keys(), self.clock.clone(), seed)
    }

    /// Registers a person; gives the id.
    pub fn register(&self, person: &Value) -> String {
        let made = self.admin().post("/admin/api/v1/people", person).good(201);
        made["person_id"].as_str().expect("an id").to_owned()
    }

    /// Revokes a card.
    pub fn revoke(&self, card: &HeldCard) {
        self.change(card, "revoke", &json!({"reason": "lost"}));
    }

    /// Suspends, reinstates or revokes a card.
    pub fn change(&self, card: &HeldCard, verb: &str, body: &Value) {
        self.admin().post(&format!("/admin/api/v1/credentials/{}/{verb}", card.id), body).good(200);
    }
}

impl Wallet {
    /// A new wallet of `user`, at the service with this public URL and these keys; the seed makes wallets differ.
    pub fn of(user: User, issuer: &str, keys: &Path, clock: ManualClock, seed: u64) -> Self {
        let anchors = yufu::keyring::anchors(keys).expect("the service has anchors");
        Self { user, clock, random: Arc::new(SeededRandom::new(seed)), issuer: issuer.to_owned(), anchors }
    }

    /// Takes a card of a type for a registered person.
    pub fn take(&self, service: &TestService, person: &str, kind: &str) -> HeldCard {
        let admin = service.admin();
        let order = json!({"person_id": person, "credential_types": [kind], "tx_code": false});
        let offered = admin.post("/admin/api/v1/offers", &order).good(201);
        let (credential, key) = self.redeem(&offered["credential_offer"], kind);
        let cards = admin.get(&format!("/admin/api/v1/credentials?person_id={person}&type={kind}")).good(200);
        let id = cards["credentials"].as_array().and_then(|all| all.last()).expect("it is on record")["id"].clone();
        HeldCard { id: id.as_str().expect("an id").to_owned(), credential, key }
    }

    /// Registers a person and takes a resident ID.
    pub fn take_resident_id(&self, service: &TestService, person: &Value) -> HeldCard {
        self.take(service, &service.register(person), "resident-id")
    }

    /// From an offer with a pre-authorised code alone to a card and its key.
    pub fn redeem(&self, offer: &Value, kind: &str) -> (String, SoftwareKey) {
        let key = SoftwareKey::generate(Algorithm::Es256, &*self.random);
        (self.redeem_for(offer, kind, &key), key)
    }

    /// The same for a key at hand, of whatever algorithm.
    pub fn redeem_for(&self, offer: &Value, kind: &str, key: &SoftwareKey) -> String {
        let code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"].as_str().expect("a code");
        let grant = format!("grant_type={}&pre-authorized_code={code}", form::encode(PRE_AUTHORIZED));
        let token = self.user.post_form("/token", &grant).good(200);
        let nonce = self.user.send("POST", "/nonce", &[], b"").good(200)["c_nonce"].clone();
        let header = object(json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk()}));
        let claims = object(json!({"aud": self.issuer, "iat": self.clock.now().unix(), "nonce": nonce}));
        let proof = jws::sign(header, &claims, key).expect("a software key signs");
        let order = json!({"credential_configuration_id": kind, "proofs": {"jwt": [proof]}});
        let bearer = User { token: token["access_token"].as_str().map(str::to_owned), ..self.user.clone() };
        let answer = bearer.post("/credential", &order).good(200);
        answer["credentials"][0]["credential"].as_str().expect("a credential").to_owned()
    }

    /// Fetches the request of a link, as the link says, and checks it.
    pub fn open(&self, link: &str) -> AskedFor {
        let link = Link::read(link);
        let nonce = base64url::encode(self.random.array::<16>());
        let posts = link.request_uri_method.as_deref() == Some("post");
        let answer = self.fetch(&link, posts.then_some(nonce.as_str()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), format!("application/{REQUEST_OBJECT_TYPE}"));
        let asked = self.check_request(&answer.text());
        assert_eq!(asked.text("client_id"), link.client_id, "inside and outside the request (section 5.10.1)");
        assert_eq!(asked.claims.get("wallet_nonce").and_then(Value::as_str), posts.then_some(nonce.as_str()));
        asked
    }

    /// Fetches a request by POST with a nonce, or by GET.
    pub fn fetch(&self, link: &Link, wallet_nonce: Option<&str>) -> Answer {
        let path = self.path_of(&link.request_uri);
        match wallet_nonce {
            Some(nonce) => self.user.post_form(&path, &format!("wallet_nonce={}&wallet_metadata=%7B%7D", form::encode(nonce))),
            None => self.user.get(&path),
        }
    }

    /// Checks a request object: type, certificates, the client identifier that they back, and the signature (sections 5
    /// and 5.9.3).
    pub fn check_request(&self, jwt: &str) -> AskedFor {
        let parsed = jws::Unverified::parse(jwt, &[REQUEST_OBJECT_TYPE]).expect("a request object");
        let header = parsed.header().clone();
        let x5c = header.x5c.expect("certificates");
        let leaf = check_own_chain(&x5c, self.clock.now()).expect("a good chain without its anchor");
        assert!(!self.anchors.is_empty() && self.anchors.iter().all(|anchor| !x5c.iter().any(|one| one == anchor.der())));
        let claims = parsed.verify(&leaf.public_key).expect("it is signed with the key of the leaf").claims;
        let asked = AskedFor { jwt: jwt.to_owned(), header: header.members, claims };
        match asked.text("client_id").split_once(':').expect("a prefix") {
            ("x509_hash", hash) => assert_eq!(hash, base64url::encode(sha256(&x5c[0]))),
            ("x509_san_dns", name) => assert!(leaf.dns_names.iter().any(|one| one == name)),
            (other, _) => panic!("a wallet cannot check {other}"),
        }
        asked
    }

    /// A presentation of what is asked for under `id`, with everything the holder's proof has to say, not signed yet.
    pub fn unsigned(&self, asked: &AskedFor, id: &str, card: &HeldCard) -> Unsigned {
        let wanted = asked.wanted(id);
        let disclose = |path: &[PathPart]| wanted.iter().any(|one| leads_to(one, path));
        let bound = present(&card.credential, &disclose, None).expect("the card is in order");
        let mut claims = object(json!({
            "iat": self.clock.now().unix(),
            "aud": asked.text("client_id"),
            "nonce": asked.text("nonce"),
            "sd_hash": base64url::encode(sha256(&bound)),
        }));
        let hashes: Vec<_> = asked.transaction_data(id).iter().map(|entry| base64url::encode(sha256(entry))).collect();
        if !hashes.is_empty() {
            claims.insert("transaction_data_hashes".to_owned(), hashes.into());
            claims.insert("transaction_data_hashes_alg".to_owned(), "sha-256".into());
        }
        Unsigned { bound, header: object(json!({"typ": "kb+jwt"})), claims }
    }

    /// A good presentation of what is asked for under `id`.
    pub fn present(&self, asked: &AskedFor, id: &str, card: &HeldCard) -> String {
        self.unsigned(asked, id, card).sign(&card.key)
    }

    /// A good `vp_token`.
    pub fn vp_token(&self, asked: &AskedFor, cards: &[(&str, &HeldCard)]) -> Value {
        let one = |(id, card): &(&str, &HeldCard)| ((*id).to_owned(), json!([self.present(asked, id, card)]));
        Value::Object(cards.iter().map(one).collect())
    }

    /// A good answer as JSON: what is encrypted, or sent as a form.
    pub fn response(&self, asked: &AskedFor, cards: &[(&str, &HeldCard)]) -> Value {
        let mut response = json!({"vp_token": self.vp_token(asked, cards)});
        if let Some(state) = asked.claims.get("state") {
            response["state"] = state.clone();
        }
        response
    }

    /// Encrypts an answer to the key of the request.
    pub fn seal(&self, asked: &AskedFor, response: &Value) -> String {
        self.seal_bytes(asked, response.to_string().as_bytes(), Encryption::A256Gcm)
    }

    /// Encrypts anything to the key of the request.
    pub fn seal_bytes(&self, asked: &AskedFor, plaintext: &[u8], encryption: Encryption) -> String {
        let key = EncryptionKey::from_jwk(&asked.encryption_jwk()).expect("a key to encrypt to");
        jwe::encrypt(plaintext, &key, encryption, &*self.random).expect("it is encrypted")
    }

    /// Posts a form to where the request says.
    pub fn post(&self, asked: &AskedFor, form: &str) -> Answer {
        self.user.post_form(&self.path_of(asked.text("response_uri")), form)
    }

    /// Posts an encrypted answer.
    pub fn post_sealed(&self, asked: &AskedFor, jwe: &str) -> Answer {
        self.post(asked, &format!("response={}", form::encode(jwe)))
    }

    /// Answers as asked: encrypted for `direct_post.jwt`, in the clear for `direct_post`.
    pub fn answer(&self, asked: &AskedFor, cards: &[(&str, &HeldCard)]) -> Answer {
        let response = self.response(asked, cards);
        match asked.text("response_mode") {
            "direct_post.jwt" => self.post_sealed(asked, &self.seal(asked, &response)),
            "direct_post" => self.post(asked, &as_form(&response)),
            other => panic!("{other} is not posted"),
        }
    }

    /// Answers with an error of section 8.5.
    pub fn refuse(&self, asked: &AskedFor, error: &str) -> Answer {
        let state = asked.claims.get("state").and_then(Value::as_str).unwrap_or_default();
        self.post(asked, &format!("error={error}&state={}", form::encode(state)))
    }

    /// The path of an address of the service.
    pub fn path_of(&self, address: &str) -> String {
        address.strip_prefix(&self.user.url).unwrap_or_else(|| panic!("{address} is not at the service")).to_owned()
    }
}

impl Link {
    /// Reads a link of either scheme.
    pub fn read(link: &str) -> Self {
        let (scheme, query) = link.split_once('?').expect("a query");
        assert!(["openid4vp://", "haip-vp://"].contains(&scheme), "{scheme}");
        let mut query = form::parse(query.as_bytes()).expect("a query");
        let mut take = |name: &str| query.remove(name);
        let request_uri_method = take("request_uri_method");
        Self {
            client_id: take("client_id").expect("client_id"),
            request_uri: take("request_uri").expect("request_uri"),
            request_uri_method,
        }
    }
}

impl AskedFor {
    /// A claim of the request that is a text.
    pub fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or_else(|| panic!("the request has no {claim}"))
    }

    /// The paths of the claims asked for under `id`: those of the first claim set, where there are some.
    pub fn wanted(&self, id: &str) -> Vec<Vec<Value>> {
        let queries = self.claims["dcql_query"]["credentials"].as_array().expect("credential queries");
        let query = queries.iter().find(|query| query["id"] == id).unwrap_or_else(|| panic!("{id} is not asked for"));
        let claims = query["claims"].as_array().cloned().unwrap_or_default();
        let set = query["claim_sets"][0].as_array();
        let is_wanted = |claim: &&Value| set.is_none_or(|set| set.contains(&claim["id"]));
        claims.iter().filter(is_wanted).map(|claim| claim["path"].as_array().expect("a path").clone()).collect()
    }

    /// The entries of transaction data that name the credential `id`, as they came.
    pub fn transaction_data(&self, id: &str) -> Vec<String> {
        let entries = self.claims.get("transaction_data").and_then(Value::as_array).cloned().unwrap_or_default();
        let names = |entry: &String| {
            let text = base64url::decode(entry).expect("base64url");
            let data: Value = serde_json::from_slice(&text).expect("JSON");
            data["credential_ids"].as_array().expect("ids").iter().any(|one| one == id)
        };
        entries.iter().map(|entry| entry.as_str().expect("text").to_owned()).filter(names).collect()
    }

    /// The key to encrypt to.
    pub fn encryption_jwk(&self) -> Map<String, Value> {
        object(self.claims["client_metadata"]["jwks"]["keys"][0].clone())
    }
}

impl Unsigned {
    /// Signs the proof; gives the whole presentation.
    pub fn sign(self, signer: &dyn Signer) -> String {
        let proof = jws::sign(self.header, &self.claims, signer).expect("a software key signs");
        format!("{}{proof}", self.bound)
    }
}

/// An answer in the clear: objects as JSON text (section 8.2).
pub fn as_form(response: &Value) -> String {
    let pair = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", form::encode(name), form::encode(&text))
    };
    response.as_object().expect("an object").iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Whether a path of a query leads to what stands at `path`, or to something around it.
fn leads_to(asked: &[Value], path: &[PathPart]) -> bool {
    let same = |(asked, part): (&Value, &PathPart)| match (asked, part) {
        (Value::String(asked), PathPart::Name(name)) => asked == name,
        (Value::Null, PathPart::Element(_)) => true,
        (Value::Number(asked), PathPart::Element(at)) => asked.as_u64() == Some(*at as u64),
        _ => false,
    };
    path.len() >= asked.len() && asked.iter().zip(path).all(same)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}
