//! Passengers in front of a gate: a card with a portrait, and answers to as many requests as are to be measured, made
//! beforehand as a wallet makes them.

use serde_json::{Value, json};
use yufu::format::{
    boarding_pass::{BoardingPass, Leg},
    openid::form,
};

use crate::{
    bare::Signed,
    load::Prepared,
    support::{
        TestService, User, person,
        wallet::{AskedFor, HeldCard, Wallet},
    },
};

/// Bytes of the portrait before base64: a small photograph of a face, as cards carry it.
const PORTRAIT_BYTES: usize = 12 * 1024;

/// Presentations that one checkpoint has open at most, with room to spare below its bound.
const OF_ONE_CHECKPOINT: usize = 500;

/// Somebody who boards again and again.
pub struct Passenger {
    wallet: Wallet,
    card: HeldCard,
    /// The bar code of the boarding pass.
    pass: String,
}

impl Passenger {
    pub fn with_a_card(service: &TestService) -> Self {
        let wallet = service.wallet(3);
        let mut person = person(7);
        person["portrait"] = portrait().into();
        let card = wallet.take_resident_id(service, &person);
        Self { card, pass: pass(), wallet }
    }

    /// Answers to `number` requests for boarding, each to be sent once.
    pub fn answers(&self, service: &TestService, number: usize) -> Vec<Prepared> {
        let mut answers = Vec::with_capacity(number);
        while answers.len() < number {
            let gate = service.checkpoint();
            let most = OF_ONE_CHECKPOINT.min(number - answers.len());
            answers.extend((0..most).map(|_| self.answer(&self.ask(&gate).0)));
        }
        answers
    }

    /// A request for boarding, fetched and checked; and where its gate sees what came of it.
    fn ask(&self, gate: &User) -> (AskedFor, String) {
        let order = json!({"use_case": "boarding", "flow": "cross_device", "boarding_pass": self.pass});
        let begun = gate.post("/checkpoint/api/v1/presentations", &order).good(201);
        let path = format!("/checkpoint/api/v1/presentations/{}", begun["id"].as_str().expect("an id"));
        (self.wallet.open(begun["authorization_request"].as_str().expect("a link")), path)
    }

    fn answer(&self, asked: &AskedFor) -> Prepared {
        let response = self.wallet.response(asked, &[("resident_id", &self.card)]);
        let sealed = self.wallet.seal(asked, &response);
        let path = self.wallet.path_of(asked.text("response_uri"));
        let headers = "content-type: application/x-www-form-urlencoded\r\n".to_owned();
        Prepared { path, headers, body: format!("response={}", form::encode(&sealed)) }
    }

    /// Orders one boarding, answers it, and holds that it was decided as the bench believes.
    pub fn is_let_through(&self, service: &TestService) {
        let gate = service.checkpoint();
        let (asked, path) = self.ask(&gate);
        assert_eq!(self.wallet.answer(&asked, &[("resident_id", &self.card)]).good(200), json!({}));
        let seen = gate.get(&path).good(200);
        assert_eq!(seen["statement"]["decision"], "accepted", "{}", seen["statement"]["reason"]);
    }

    /// What has to be verified for one answer: the issuer's signature, the holder's, and the one on the issuer's
    /// certificate, for which the issuer's stands a second time, since all are P-256.
    pub fn signatures(&self) -> Vec<Signed> {
        use yufu::crypto::{Signer, jws, x509::check_own_chain};
        let jwt = self.card.credential.split('~').next().expect("a JWT");
        let parsed = jws::Unverified::parse(jwt, &["dc+sd-jwt"]).expect("a credential");
        let x5c = parsed.header().x5c.clone().expect("certificates");
        let issuer = check_own_chain(&x5c, crate::support::BEGIN).expect("a chain").public_key;
        let (signing_input, signature) = jwt.rsplit_once('.').expect("three parts");
        let signature = yufu::base::base64url::decode(signature).expect("base64url");
        let of_issuer = || Signed { key: issuer.clone(), message: signing_input.into(), signature: signature.clone() };
        let message = b"the proof of a holder, of about three hundred bytes ".repeat(6);
        let by_holder = self.card.key.sign(&message).expect("a software key signs");
        let of_holder = Signed { key: self.card.key.public_key().clone(), message, signature: by_holder };
        vec![of_issuer(), of_issuer(), of_holder]
    }
}

fn portrait() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let noise = (0..PORTRAIT_BYTES).map(|at| (at * at % 251) as u8);
    let image: Vec<u8> = [0xff, 0xd8, 0xff].into_iter().chain(noise).collect();
    format!("data:image/jpeg;base64,{}", STANDARD.encode(image))
}

/// A boarding pass of the person of the tests for the day on which tests begin.
fn pass() -> String {
    let who: Value = person(7);
    let name = |member: &str| who[member].as_str().expect("text").to_owned();
    let leg = Leg {
        from: "KWE".to_owned(),
        to: "CAN".to_owned(),
        carrier: "CZ".to_owned(),
        flight_number: Some("3456".to_owned()),
        day_of_year: Some(328),
        seat: Some("12A".to_owned()),
        ..Leg::default()
    };
    let pass = BoardingPass {
        passenger_name: format!("{}/{}MR", name("latin_family_name"), name("latin_given_name")),
        electronic_ticket: Some('E'),
        unique: None,
        legs: vec![leg],
        security: None,
    };
    pass.write().expect("a pass")
}
