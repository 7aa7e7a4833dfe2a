//! For makers of wallets: what this issuer wants of a wallet, every error it gives with its cure, what will change, and, where
//! it is a test issuer, people and offers to try with.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, ServiceConfig, route},
};
use askama::Template;
use serde::Deserialize;

use crate::{
    http::{
        State,
        call::call,
        citizen::{page::Visitor, pages},
        document,
        extract::Id,
        headers::{FOR_EVERY_SITE, PAGE_POLICY},
        problem::{Kind, Problem},
        qr,
        route::{get, resource},
    },
    issuance::{
        Fault,
        offer::OfferError,
        test_issuer::{TX_CODE, TestOffer, TestPerson},
    },
    model::profile::Profile,
};

const STYLE: &str = include_str!("../../../web/citizen/vendors.css");
const ERRORS: &str = include_str!("../../../web/citizen/wallet-errors.toml");

/// Seconds for which browsers keep the style.
const SECONDS: u32 = 3600;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages("/wallet-vendors", [get(route().to(page))]));
    app.service(resource("/assets/vendors.css", [get(route().to(style))]));
    app.service(resource("/test-issuer/offers/{id}", [get(route().to(offer))]));
    app.service(resource("/test-issuer/offers/{id}/qr.svg", [get(route().to(code))]));
}

/// An error that wallets meet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WalletError {
    code: String,
    at: String,
    status: String,
    meaning: Words,
    cure: Words,
}

#[derive(Deserialize)]
struct Words {
    #[serde(rename = "zh-CN")]
    chinese: String,
    en: String,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<WalletError>,
}

/// What is built in reads as TOML, which the test below holds.
static READ: LazyLock<Vec<WalletError>> =
    LazyLock::new(|| toml::from_str::<Errors>(ERRORS).map(|read| read.errors).unwrap_or_default());

#[derive(Template)]
#[template(path = "citizen/vendors.html")]
struct VendorsPage<'a> {
    visitor: &'a Visitor,
    issuer: &'a str,
    profile: Profile,
    types: Vec<(&'a str, &'a str)>,
    /// None where this is no test issuer.
    people: Option<Vec<&'a TestPerson>>,
    /// Kinds of offers, and what they are called.
    offers: [(TestOffer, &'a str); 3],
    errors: &'a [WalletError],
    tx_code: &'static str,
}

impl VendorsPage<'_> {
    fn words<'w>(&self, words: &'w Words) -> &'w str {
        self.visitor.say(&words.chinese, &words.en)
    }

    /// The link that a wallet opens (OpenID4VCI 1.0 section 4.1.3).
    fn link(&self, person: &TestPerson, offer: &TestOffer) -> String {
        link(self.issuer, &person.name, *offer)
    }
}

fn link(issuer: &str, person: &str, offer: TestOffer) -> String {
    let uri = format!("{issuer}/test-issuer/offers/{person}.{}", offer.name());
    let coded: String = url::form_urlencoded::byte_serialize(uri.as_bytes()).collect();
    format!("openid-credential-offer://?credential_offer_uri={coded}")
}

async fn page(visitor: Visitor, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let types = state.types.iter().map(|of| (of.name.as_str(), visitor.text(&of.title)));
    visitor.page(&VendorsPage {
        visitor: &visitor,
        issuer: &state.public_url,
        profile: state.profile,
        types: types.collect(),
        people: state.test_issuer.as_ref().map(|test| test.people().collect()),
        offers: TestOffer::ALL.map(|offer| (offer, called(&visitor, offer))),
        errors: &READ,
        tx_code: TX_CODE,
    })
}

fn called(visitor: &Visitor, offer: TestOffer) -> &'static str {
    match offer {
        TestOffer::Code => visitor.say("预授权码", "Pre-authorised code"),
        TestOffer::TxCode => visitor.say("预授权码和 tx_code", "Pre-authorised code and tx_code"),
        TestOffer::SignIn => visitor.say("登录领取", "By signing in"),
    }
}

async fn style(request: HttpRequest) -> HttpResponse {
    document::stored(&request, "text/css; charset=utf-8", STYLE.into(), SECONDS)
}

/// A new offer each time it is asked for, at an address that stays: what wallets fetch by reference.
async fn offer(state: web::Data<State>, Id(name): Id<String>) -> Result<HttpResponse, Problem> {
    let offered = call(&state, move |state| {
        let test = state.test_issuer.as_ref().ok_or(Problem::new(Kind::NotFound))?;
        let (person, offer) = named(&name).ok_or(Problem::new(Kind::NotFound))?;
        match test.offer(person, offer) {
            Ok(Some(offered)) => Ok(offered),
            // Who can be issued nothing is offered nothing.
            Ok(None) | Err(OfferError::NoTypes) => Err(Problem::new(Kind::NotFound)),
            Err(OfferError::Fault(fault)) => Err(fault.into()),
            Err(_) => Err(Fault::Record("a person of the test issuer").into()),
        }
    });
    let offered = offered.await??;
    Ok(HttpResponse::Ok().insert_header(FOR_EVERY_SITE).json(offered.offer))
}

/// The link to an offer as a QR code, for a phone that looks at a desk.
async fn code(state: web::Data<State>, Id(name): Id<String>) -> Result<HttpResponse, Problem> {
    let test = state.test_issuer.as_ref().ok_or(Problem::new(Kind::NotFound))?;
    let (person, offer) = named(&name).ok_or(Problem::new(Kind::NotFound))?;
    if !test.people().any(|known| known.name == person) {
        return Err(Kind::NotFound.into());
    }
    let svg = qr::svg(&link(&state.public_url, person, offer));
    Ok(HttpResponse::Ok().content_type("image/svg+xml").insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY)).body(svg))
}

/// Person and kind of offer in an address: `lin.tx-code`.
fn named(name: &str) -> Option<(&str, TestOffer)> {
    let (person, offer) = name.split_once('.')?;
    Some((person, TestOffer::of_name(offer)?))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Codes that sources of issuance name: in quotation marks, of the forms that OAuth and OpenID4VCI use.
    fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
        const BEGIN: [&str; 9] = [
            "invalid_",
            "unsupported_",
            "unknown_",
            "use_",
            "access_",
            "credential_request",
            "server_",
            "temporarily_",
            "slow_",
        ];
        // Words of the API for administrators, of presentations, and of the log.
        const OTHERS: [&str; 4] = ["unknown_person", "unknown_credential_type", "access_token", "use_case"];
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                codes_in(&entry, found);
            } else if !entry.to_string_lossy().contains("test") {
                let source = fs::read_to_string(&entry).expect("a source");
                let quoted = source.split('"').skip(1).step_by(2).filter(|text| !text.contains(char::is_whitespace));
                let codes = quoted.filter(|text| BEGIN.iter().any(|begin| text.starts_with(begin)) && !OTHERS.contains(text));
                found.extend(codes.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_that_wallets_can_meet_has_its_meaning_and_cure_in_both_places() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut codes = BTreeSet::new();
        codes_in(&root.join("src/issuance"), &mut codes);
        for code in ["invalid_token", "server_error", "temporarily_unavailable"] {
            codes.insert(code.to_owned());
        }
        let explained: BTreeSet<String> = READ.iter().map(|error| error.code.clone()).collect();
        assert_eq!(explained.len(), READ.len(), "each once");
        let missing: Vec<_> = codes.difference(&explained).collect();
        assert!(missing.is_empty(), "web/citizen/wallet-errors.toml lacks {missing:?}");
        let page = fs::read_to_string(root.join("docs/WALLETS.md")).expect("the page");
        let missing: Vec<_> = explained.iter().filter(|code| !page.contains(&format!("| `{code}` |"))).collect();
        assert!(missing.is_empty(), "docs/WALLETS.md lacks {missing:?}");
        for error in READ.iter() {
            for words in [&error.meaning, &error.cure] {
                assert!(!words.chinese.is_ascii() && words.en.is_ascii(), "{}", error.code);
            }
        }
    }

    #[test]
    fn an_offer_is_named_by_person_and_kind() {
        assert_eq!(named("lin.code"), Some(("lin", TestOffer::Code)));
        assert_eq!(named("lin.tx-code"), Some(("lin", TestOffer::TxCode)));
        for none in ["", "lin", "lin.", "lin.x", ".", "lin.code.x"] {
            assert_eq!(named(none), None, "{none}");
        }
        assert_eq!(
            link("https://id.example", "lin", TestOffer::SignIn),
            "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fid.example%2Ftest-issuer%2Foffers%2Flin.sign-in"
        );
    }
}
