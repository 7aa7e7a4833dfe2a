//! The story itself: each step is done, checked and told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    app::demo::{DemoError, Stage, Step, api::text_of, person, table, wallet, wallet::HeldCard},
    base::base64url,
    crypto::PublicKey,
    format::{
        merkle::{self, Frontier},
        note::{Checkpoint, NoteKey},
        status,
    },
    model::event::LoggedEvent,
    outbound::Request,
};

/// What the gate at the airport asks for: no more than it needs.
const ASKED_AT_THE_GATE: [&str; 3] = ["name", "latin_family_name", "latin_given_name"];

/// The audience the gate names; a proof made for another gate does not pass here.
const GATE: &str = "https://gate-12.longdongbao.example";

/// Who plays: the stage, what was done so far, and where progress is told.
struct Play<'a> {
    stage: &'a Stage,
    steps: Vec<Step>,
    tell: &'a mut dyn FnMut(&str),
}

/// What a step gives besides its value: the outcome in a few words.
type Done<T> = Result<(T, String), DemoError>;

/// Plays the life of a card; tells a line before each step and gives the table at the end.
pub fn play(stage: &Stage, tell: &mut dyn FnMut(&str)) -> Result<String, DemoError> {
    let mut play = Play { stage, steps: Vec::new(), tell };
    let person = play.step(("登记市民", "Register a person"), register)?;
    let gate = play.step(("开通检查点", "Enrol a checkpoint"), enrol)?;
    let offer = play.step(("发出领卡邀请", "Offer the card"), |stage| offer(stage, &person))?;
    let card = play.step(("钱包领取卡片", "Wallet fetches the card"), |stage| fetch(stage, &offer))?;
    let card_id = play.step(("查到卡片", "Find the card"), |stage| find(stage, &person))?;
    play.step(("登机口出示", "Show it at the gate"), |stage| show(stage, &gate, &card, "accepted", None))?;
    play.step(("暂停卡片", "Suspend"), |stage| change(stage, &card_id, "suspend", "lost", "suspended"))?;
    play.step(("再次出示", "Show it again"), |stage| show(stage, &gate, &card, "refused", Some("credential_suspended")))?;
    play.step(("恢复卡片", "Reinstate"), |stage| change(stage, &card_id, "reinstate", "found", "active"))?;
    play.step(("再次出示", "Show it again"), |stage| show(stage, &gate, &card, "accepted", None))?;
    play.step(("吊销卡片", "Revoke for good"), |stage| change(stage, &card_id, "revoke", "stolen", "revoked"))?;
    play.step(("再次出示", "Show it again"), |stage| show(stage, &gate, &card, "refused", Some("credential_revoked")))?;
    play.step(("公开状态列表", "The public status list"), |stage| published(stage, &card))?;
    play.step(("日志为证", "The log proves it"), |stage| proven(stage, &card_id))?;
    Ok(table::render(&play.steps))
}

impl Play<'_> {
    fn step<T>(&mut self, title: (&'static str, &'static str), act: impl FnOnce(&Stage) -> Done<T>) -> Result<T, DemoError> {
        (self.tell)(&format!("▸ {}  {}", title.0, title.1));
        let start = self.stage.clock.monotonic();
        let (value, outcome) = act(self.stage)?;
        let took = self.stage.clock.monotonic().saturating_sub(start);
        (self.tell)(&format!("  {outcome}"));
        self.steps.push(Step { title, outcome, took });
        Ok(value)
    }
}

fn register(stage: &Stage) -> Done<String> {
    let this_year = stage.clock.now().date().map_or(2026, |date| date.year());
    let person = person::made_up(stage.random.as_ref(), this_year);
    let answer = stage.admin_post("register", "/people", &person, 201)?;
    Ok((text_of("register", &answer, "/person_id")?.to_owned(), "已登记 registered".to_owned()))
}

fn enrol(stage: &Stage) -> Done<String> {
    let answer = stage.admin_post("enrol", "/tokens", &json!({"name": "登机口 12 Gate 12", "role": "checkpoint"}), 201)?;
    Ok((text_of("enrol", &answer, "/token")?.to_owned(), "已开通 enrolled".to_owned()))
}

fn offer(stage: &Stage, person: &str) -> Done<Value> {
    let body = json!({"person_id": person, "credential_types": ["resident-id"], "tx_code": true});
    let answer = stage.admin_post("offer", "/offers", &body, 201)?;
    let code = text_of("offer", &answer, "/tx_code")?.to_owned();
    Ok((answer, format!("交易码 code {code}")))
}

fn fetch(stage: &Stage, offer: &Value) -> Done<HeldCard> {
    let by_reference = text_of("offer", offer, "/credential_offer_uri")?;
    let object = stage.json("offer", Request::get(by_reference), 200)?;
    let card = wallet::fetch(stage, &object, Some(text_of("offer", offer, "/tx_code")?))?;
    let claims = card.credential.matches('~').count().saturating_sub(1);
    Ok((card, format!("{claims} 项可选披露 disclosures")))
}

fn find(stage: &Stage, person: &str) -> Done<String> {
    let answer = stage.admin_get("find", &format!("/credentials?person_id={person}"))?;
    let id = text_of("find", &answer, "/credentials/0/id")?.to_owned();
    let short = id.chars().take(8).collect::<String>();
    Ok((id, format!("{short}…")))
}

fn show(stage: &Stage, gate: &str, card: &HeldCard, decision: &str, reason: Option<&str>) -> Done<()> {
    let nonce = base64url::encode(stage.random.array::<16>());
    let presentation = card.show(stage, &ASKED_AT_THE_GATE, &nonce, GATE)?;
    let statement = stage.at_the_gate(gate, &presentation, &nonce, GATE)?;
    let got = (text_of("verify", &statement, "/decision")?, statement.get("reason").and_then(Value::as_str));
    if got.0 != decision || (reason.is_some() && got.1 != reason) {
        return Err(DemoError::Unexpected {
            step: "verify",
            expected: format!("{decision} {reason:?}"),
            got: statement.to_string(),
        });
    }
    let words = text_of("verify", &statement, "/message/zh-CN")?;
    Ok(((), format!("{} {decision}: {words}", if decision == "accepted" { "✔" } else { "✘" })))
}

fn change(stage: &Stage, card: &str, verb: &'static str, reason: &str, state: &str) -> Done<()> {
    let answer = stage.admin_post(verb, &format!("/credentials/{card}/{verb}"), &json!({"reason": reason}), 200)?;
    match text_of(verb, &answer, "/state")? {
        got if got == state => Ok(((), state.to_owned())),
        got => Err(DemoError::Unexpected { step: verb, expected: state.to_owned(), got: got.to_owned() }),
    }
}

/// Waits for the list that says so: it is signed anew within a second of the change.
fn published(stage: &Stage, card: &HeldCard) -> Done<()> {
    let (uri, index) = card.status()?;
    let keys = published_keys(stage)?;
    let start = stage.clock.monotonic();
    loop {
        let token = stage.text("status list", Request::get(uri.clone()))?;
        let expected = status::Expectation { uri: &uri, at: stage.clock.now(), newest_seen: None };
        let lists = keys.iter().map(|key| status::Unverified::parse(&token)?.verify(key, &expected));
        let list = lists.into_iter().find_map(Result::ok).map(|verified| verified.list);
        let value = list.and_then(|list| list.value(index));
        if value == Some(1) {
            return Ok(((), format!("索引 index {index} → 1 INVALID ({} bytes)", token.len())));
        }
        if stage.clock.monotonic().saturating_sub(start) > Duration::from_secs(5) {
            let got = format!("{value:?}");
            return Err(DemoError::Unexpected { step: "status list", expected: "1 in a signed list".to_owned(), got });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The public keys of the service.
fn published_keys(stage: &Stage) -> Result<Vec<PublicKey>, DemoError> {
    let keys = stage.json("keys", Request::get(format!("{}/.well-known/jwks.json", stage.url)), 200)?;
    let keys = keys.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(keys.iter().filter_map(|key| PublicKey::from_jwk(key.as_object()?).ok()).collect())
}

/// Takes the signed checkpoint, reads the events it covers with their openings, recomputes the root from them, and finds
/// the card's issuing and its three changes among them.
fn proven(stage: &Stage, card: &str) -> Done<()> {
    let wrong = |expected: &str, got: String| DemoError::Unexpected { step: "log", expected: expected.to_owned(), got };
    let start = stage.clock.monotonic();
    loop {
        let signed = checkpoint(stage)?;
        let (root, own) = recompute(stage, signed.size, card)?;
        if root != signed.root {
            return Err(wrong("the root of the signed checkpoint", base64url::encode(root)));
        }
        if own.len() == 4 {
            let numbers = own.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            return Ok(((), format!("事件 events {numbers} ∈ {} ✔", signed.size)));
        }
        // The checkpoint is sealed within a second of the last change.
        if stage.clock.monotonic().saturating_sub(start) > Duration::from_secs(5) {
            return Err(wrong("four events of the card", format!("{own:?}")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The root over the first `size` events, and the numbers of those that speak of `card`.
fn recompute(stage: &Stage, size: u64, card: &str) -> Result<([u8; 32], Vec<u64>), DemoError> {
    const PAGE: u64 = 500;
    let wrong = |got: String| DemoError::Unexpected { step: "log", expected: "events without a gap".to_owned(), got };
    let (mut tree, mut own, mut next) = (Frontier::new(), Vec::new(), 1);
    while next <= size {
        let page = stage.admin_get("log", &format!("/events?from={next}&limit={}", PAGE.min(size - next + 1)))?;
        let page = page.get("events").cloned().unwrap_or_default();
        let events: Vec<LoggedEvent> = serde_json::from_value(page).map_err(|error| wrong(error.to_string()))?;
        if events.is_empty() {
            return Err(wrong(format!("nothing from {next} on")));
        }
        for logged in events {
            if logged.event.number != next {
                return Err(wrong(logged.event.number.to_string()));
            }
            tree.append(merkle::leaf_hash(&logged.commitment()));
            if serde_json::to_string(&logged.event).unwrap_or_default().contains(card) {
                own.push(next);
            }
            next += 1;
        }
    }
    Ok((tree.root(), own))
}

/// The log's checkpoint, signed by the one Ed25519 key that the service publishes under the log's name.
fn checkpoint(stage: &Stage) -> Result<Checkpoint, DemoError> {
    let wrong = |got: String| DemoError::Unexpected { step: "log", expected: "a signed checkpoint".to_owned(), got };
    let note = stage.text("log", Request::get(format!("{}/log/checkpoint", stage.url)))?;
    let origin = note.lines().next().unwrap_or_default();
    let keys = published_keys(stage)?.into_iter().filter_map(|key| NoteKey::new(origin, key).ok());
    keys.into_iter().find_map(|key| Checkpoint::open(&note, &key).ok()).ok_or_else(|| wrong(note.clone()))
}
