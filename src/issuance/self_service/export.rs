//! A copy of everything that is kept about a person, for that person.

use serde::Serialize;

use crate::{
    base::time::Timestamp,
    issuance::{
        Fault,
        self_service::{SelfService, SelfServiceError},
    },
    model::{
        card::{Card, NoticeEvent, Reason, State},
        event::{EventDraft, What},
        grant::Grant,
        ids::PersonId,
        party::{Actor, Authority},
        person::Person,
        record::{Commit, Key, Record},
        sign_in::{CitizenSession, HashedCode, SignInCodes},
    },
};

/// Everything that is kept about one person. What is not in it is not kept: no presentation of a card leaves a trace here
/// that leads to its holder.
#[derive(Serialize)]
pub struct Export {
    /// The form of this document.
    format: &'static str,
    /// When it was made.
    exported_at: String,
    /// By which service.
    service: String,
    /// What is registered.
    person: ExportedPerson,
    /// The cards, the newest first.
    cards: Vec<ExportedCard>,
    /// What was allowed to wallets.
    grants: Vec<ExportedGrant>,
    /// What the person can sign in with.
    sign_in: Option<ExportedCodes>,
}

#[derive(Serialize)]
struct ExportedPerson {
    id: String,
    changes: u64,
    #[serde(flatten)]
    person: Person,
}

#[derive(Serialize)]
struct ExportedCard {
    id: String,
    #[serde(rename = "type")]
    credential_type: String,
    state: State,
    suspended_until: Option<String>,
    due_for_renewal: bool,
    valid_from: String,
    valid_until: String,
    /// The installation of the wallet that has it, as a keyed hash.
    wallet_instance: Option<String>,
    copies: Vec<ExportedCopy>,
    notices: Vec<ExportedNotice>,
    history: Vec<ExportedChange>,
}

#[derive(Serialize)]
struct ExportedCopy {
    status_list: String,
    index: u32,
    holder_key_thumbprint: String,
    valid_until: Option<String>,
}

#[derive(Serialize)]
struct ExportedNotice {
    at: String,
    event: NoticeEvent,
}

#[derive(Serialize)]
struct ExportedChange {
    at: String,
    state: State,
    reason: Option<Reason>,
    by: Actor,
    /// Whether colleagues left each other a note, which may name others and is had at a counter.
    has_note: bool,
}

#[derive(Serialize)]
struct ExportedGrant {
    client_id: Option<String>,
    wallet_instance: Option<String>,
    attested: bool,
    credential_types: Vec<String>,
    given_at: String,
    ended_at: Option<String>,
    expires_at: String,
}

#[derive(Serialize)]
struct ExportedCodes {
    activation_code: Option<ExportedCode>,
    recovery_code: Option<ExportedCode>,
}

/// When a code was made. The code itself is kept by nobody but the person.
#[derive(Serialize)]
struct ExportedCode {
    made_at: String,
    expires_at: String,
}

impl SelfService {
    /// Everything that is kept about the person, who signed in just now. The log says first that it was taken.
    pub fn export(&self, session: &CitizenSession) -> Result<Export, SelfServiceError> {
        self.has_to_be_fresh(session)?;
        let (now, registered) = (self.ground.clock.now(), self.person(session)?);
        let export = Export {
            format: "yufu-export-v1",
            exported_at: now.to_string(),
            service: self.ground.public_url.to_string(),
            person: ExportedPerson { id: registered.id.to_string(), changes: registered.version, person: registered.person },
            cards: self.cards(session)?.iter().map(|card| exported_card(card, &self.ground.public_url)).collect(),
            grants: self.ground.grants_of(session.person)?.iter().map(|grant| exported_grant(&grant.value)).collect(),
            sign_in: self.codes(session.person)?.map(|codes| exported_codes(&codes)),
        };
        let actor = Authority::Holder(session.person).actor();
        let event = EventDraft { at: now, actor, what: What::PersonExported };
        self.ground.store.commit(Commit { events: vec![event], ..Commit::default() }).map_err(Fault::from)?;
        Ok(export)
    }

    fn codes(&self, person: PersonId) -> Result<Option<SignInCodes>, Fault> {
        Ok(self.ground.store.get(&Key::SignInCodes(person))?.and_then(|record| match record.value {
            Record::SignInCodes(codes) => Some(codes),
            _ => None,
        }))
    }
}

fn exported_card(card: &Card, public_url: &str) -> ExportedCard {
    let copies = card.copies.iter().map(|copy| ExportedCopy {
        status_list: copy.status.list.uri(public_url),
        index: copy.status.index,
        holder_key_thumbprint: copy.holder_key.clone(),
        valid_until: text(copy.valid_until),
    });
    let history = card.history.iter().map(|change| ExportedChange {
        at: change.at.to_string(),
        state: change.state,
        reason: change.reason,
        by: change.by,
        has_note: change.sealed_note.is_some(),
    });
    let notices = card.notices.iter().map(|notice| ExportedNotice { at: notice.at.to_string(), event: notice.event });
    ExportedCard {
        id: card.id.to_string(),
        credential_type: card.credential_type.clone(),
        state: card.state,
        suspended_until: text(card.suspended_until),
        due_for_renewal: card.due_for_renewal,
        valid_from: card.valid_from.to_string(),
        valid_until: card.valid_until.to_string(),
        wallet_instance: card.instance.as_ref().map(|instance| instance.as_str().to_owned()),
        copies: copies.collect(),
        notices: notices.collect(),
        history: history.collect(),
    }
}

fn exported_grant(grant: &Grant) -> ExportedGrant {
    ExportedGrant {
        client_id: grant.client_id.clone(),
        wallet_instance: grant.instance.as_ref().map(|instance| instance.as_str().to_owned()),
        attested: grant.attested,
        credential_types: grant.configurations.clone(),
        given_at: grant.given_at.to_string(),
        ended_at: text(grant.ended_at),
        expires_at: grant.expires_at.to_string(),
    }
}

fn exported_codes(codes: &SignInCodes) -> ExportedCodes {
    let code = |code: &HashedCode| ExportedCode { made_at: code.made_at.to_string(), expires_at: code.expires_at.to_string() };
    ExportedCodes { activation_code: codes.activation.as_ref().map(code), recovery_code: codes.recovery.as_ref().map(code) }
}

fn text(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
