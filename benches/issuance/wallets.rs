//! Who has offers made, and the wallets that redeem them.

use serde_json::{Value, json};
use yufu::{
    base::{
        clock::{Clock, ManualClock},
        random::SeededRandom,
    },
    crypto::{Algorithm, Signer, SoftwareKey},
};

use crate::support::{TestService, User, attester::Jwt, haip::form_of, person};

const TYPE: &str = "resident-id";
const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// An administrator with a register of people, and wallets.
pub struct Offices {
    admin: User,
    anon: User,
    clock: ManualClock,
    people: Vec<String>,
    keys: Vec<SoftwareKey>,
}

/// A request to the credential endpoint that is ready to be sent.
pub struct Request {
    bearer: User,
    body: Value,
}

impl Offices {
    /// With so many people.
    pub fn open(service: &TestService, people: usize) -> Self {
        let random = SeededRandom::new(5);
        let number = |at: usize| u16::try_from(at).expect("few people");
        Self {
            admin: service.admin(),
            anon: service.anon(),
            clock: service.clock.clone(),
            people: (0..people).map(|at| service.register(&person(number(at)))).collect(),
            keys: (0..10).map(|_| SoftwareKey::generate(Algorithm::Es256, &random)).collect(),
        }
    }

    /// So many codes of offers, spread over the people.
    pub fn offers(&self, count: usize) -> Vec<String> {
        let offer = |person: &String| {
            let order = json!({"person_id": person, "credential_types": [TYPE], "tx_code": false});
            let made = self.admin.post("/admin/api/v1/offers", &order).good(201);
            let code = &made["credential_offer"]["grants"][PRE_AUTHORIZED]["pre-authorized_code"];
            code.as_str().expect("a code").to_owned()
        };
        self.people.iter().cycle().take(count).map(offer).collect()
    }

    /// So many requests, each with a token of its own and `copies` proofs.
    pub fn requests(&self, count: usize, copies: usize) -> Vec<Request> {
        self.offers(count).iter().map(|code| self.prepare(code, copies)).collect()
    }

    /// From a code to a card.
    pub fn whole_path(&self, code: &str) {
        self.fetch(&self.prepare(code, 1), 1);
    }

    /// Sends a request; passes when the copies come back.
    pub fn fetch(&self, request: &Request, copies: usize) {
        let answer = request.bearer.post("/credential", &request.body).good(200);
        assert_eq!(answer["credentials"].as_array().map(Vec::len), Some(copies));
    }

    fn prepare(&self, code: &str, copies: usize) -> Request {
        let form = form_of(&[("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)]);
        let token = self.anon.post_form("/token", &form).good(200);
        let nonce = self.anon.send("POST", "/nonce", &[], b"").good(200)["c_nonce"].clone();
        let proof = |key: &SoftwareKey| {
            let header = json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk()});
            Jwt::new(header, json!({"aud": self.anon.url, "iat": self.clock.now().unix(), "nonce": nonce})).sign(key)
        };
        let proofs: Vec<String> = self.keys.iter().take(copies).map(proof).collect();
        Request {
            bearer: self.anon.bearing(token["access_token"].as_str().expect("a token")),
            body: json!({"credential_configuration_id": TYPE, "proofs": {"jwt": proofs}}),
        }
    }
}
