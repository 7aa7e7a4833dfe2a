//! The statement: what a checkpoint is told, and what it may keep as evidence.
//!
//! Its JSON is an interface (DESIGN section 5): every member stands in every statement, with `null` where there is
//! nothing to say, except `boarding`, which stands only where a boarding pass was asked for, and
//! `evidence`, which stands only where it has to be kept.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Map, Value};

use crate::{
    base::time::{Date, Timestamp},
    model::{
        ids::EvidenceId,
        reason::{Decision, Message, ReasonCode, WhoCanFix},
    },
};

/// What was checked. The order here is the order in every statement, and the first that does not pass gives the reason.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// It is a credential in a known format and of bounded size, with a header that is allowed.
    Format,
    /// Its certificates lead to a trusted root, and the issuer it names is theirs.
    IssuerTrusted,
    /// The issuer signed it.
    IssuerSignature,
    /// Everything disclosed is what the issuer signed.
    Disclosures,
    /// Its type is one the issuer may issue and that is accepted here.
    Type,
    /// The time is within its validity.
    ValidityPeriod,
    /// The one who presents holds its key, and made this very presentation just now.
    HolderBinding,
    /// The presentation answers this request.
    Nonce,
    /// The presentation was made for this checkpoint.
    Audience,
    /// It is what the query asked for: type, issuer, claims and their values.
    Query,
    /// The holder confirmed the transaction that was shown.
    TransactionData,
    /// Its status could be found out, and is fresh enough.
    StatusKnown,
    /// It is neither suspended nor revoked.
    Status,
    /// We have a record of having issued it; asked of our own credentials only.
    IssuedByUs,
    /// It belongs to the same person as the other card that was asked for.
    SamePerson,
    /// The boarding pass belongs to its holder, and to this flight and day.
    BoardingPass,
}

impl CheckName {
    /// Every check, in order.
    pub const ALL: [Self; 16] = [
        Self::Format,
        Self::IssuerTrusted,
        Self::IssuerSignature,
        Self::Disclosures,
        Self::Type,
        Self::ValidityPeriod,
        Self::HolderBinding,
        Self::Nonce,
        Self::Audience,
        Self::Query,
        Self::TransactionData,
        Self::StatusKnown,
        Self::Status,
        Self::IssuedByUs,
        Self::SamePerson,
        Self::BoardingPass,
    ];

    /// The name in a statement.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::IssuerTrusted => "issuer_trusted",
            Self::IssuerSignature => "issuer_signature",
            Self::Disclosures => "disclosures",
            Self::Type => "type",
            Self::ValidityPeriod => "validity_period",
            Self::HolderBinding => "holder_binding",
            Self::Nonce => "nonce",
            Self::Audience => "audience",
            Self::Query => "query",
            Self::TransactionData => "transaction_data",
            Self::StatusKnown => "status_known",
            Self::Status => "status",
            Self::IssuedByUs => "issued_by_us",
            Self::SamePerson => "same_person",
            Self::BoardingPass => "boarding_pass",
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not hold, or could not be told although it has to be.
    Failed,
    /// It was not asked for, or could not be made after an earlier failure.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it ended.
    pub result: CheckResult,
    /// Facts for whoever looks into it, such as what exactly was wrong. Nothing personal, no secret.
    pub detail: Map<String, Value>,
}

/// The credential that was presented, as far as its issuer's signature vouches for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CredentialPart {
    /// Its format: `dc+sd-jwt`.
    pub format: String,
    /// Its type: the `vct`, whole, since two issuers may use one short name for two things.
    #[serde(rename = "type")]
    pub credential_type: String,
    /// Its issuer.
    pub issuer: String,
    /// The first second of its validity.
    #[serde(with = "optional_time")]
    pub valid_from: Option<Timestamp>,
    /// The first second after its validity.
    #[serde(with = "optional_time")]
    pub valid_until: Option<Timestamp>,
    /// What was disclosed, without the claims that serve the protocol only. Empty unless the one who presents has shown
    /// to hold the card, where that was asked for: a copied card gives nothing to read.
    pub claims: Map<String, Value>,
}

/// What a status list says.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusValue {
    /// Good.
    Valid,
    /// Revoked.
    Invalid,
    /// Suspended.
    Suspended,
    /// Not found out, not asked for, or a value that is not understood.
    Unknown,
}

/// Where a status was read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusSource {
    /// From the issuer's own records, in this service.
    Local,
    /// From a signed status list.
    List,
    /// From what an edge node holds.
    Edge,
}

/// The status, the time it is known from, and how old that is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StatusPart {
    /// The value.
    pub value: StatusValue,
    /// Since when it is known to be so.
    #[serde(with = "optional_time")]
    pub known_since: Option<Timestamp>,
    /// How many seconds that was ago at the time of the check.
    pub age_seconds: Option<i64>,
    /// Where it was read.
    pub source: Option<StatusSource>,
}

impl StatusPart {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { value: StatusValue::Unknown, known_since: None, age_seconds: None, source: None };
}

/// How far a boarding pass belongs to the person, flight and day.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardingMatch {
    /// Everything agrees.
    Match,
    /// It agrees in part; the reasons say where it does not.
    Partial,
    /// It is another person's, or for another flight or day.
    Mismatch,
}

/// Whether a boarding pass belongs to the person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BoardingPart {
    /// Whether everything agrees; the short form of `result`.
    #[serde(rename = "match")]
    pub matches: bool,
    /// How far it agrees.
    pub result: BoardingMatch,
    /// What does not agree, or only in part, by stable names such as `name_truncated`.
    pub reasons: Vec<String>,
    /// The name on the pass.
    pub passenger: String,
    /// The flight: carrier and number, such as `CZ3456`.
    pub flight: String,
    /// The day of the flight, `YYYY-MM-DD`; none when the pass names none.
    pub date: Option<String>,
    /// Where the flight starts, by IATA airport code.
    pub from: String,
    /// Where it goes.
    pub to: String,
    /// The seat; none when the pass names none.
    pub seat: Option<String>,
}

/// What became of the evidence of a decision.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EvidencePart {
    /// Its identifier; none when nothing could be kept.
    pub id: Option<EvidenceId>,
    /// The last day on which it can be opened, in UTC.
    pub kept_until: Option<Date>,
    /// Why nothing was kept, by a stable name: `key_not_written`, `store_not_written`, `outcome_unknown`.
    pub error: Option<String>,
}

/// One of the credentials that were presented.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Presented {
    /// The credential query of the request that it answers; none when there was no query.
    pub query_id: Option<String>,
    /// The credential; none when it could not be read or its issuer's signature does not vouch for it.
    pub credential: Option<CredentialPart>,
    /// Its status.
    pub status: StatusPart,
    /// Every check.
    pub checks: Vec<Check>,
}

/// The statement.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Statement {
    /// The outcome.
    pub decision: Decision,
    /// Why, by a stable name.
    pub reason: ReasonCode,
    /// Why, and what to do, in words.
    pub message: Message,
    /// Who can do something about it.
    pub who_can_fix: WhoCanFix,
    /// When it was checked.
    #[serde(with = "time")]
    pub checked_at: Timestamp,
    /// Every check of the credential that decided.
    pub checks: Vec<Check>,
    /// The credential that decided: the first that did not pass, else the first.
    pub credential: Option<CredentialPart>,
    /// Its status.
    pub status: StatusPart,
    /// What a boarding pass adds, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boarding: Option<BoardingPart>,
    /// Where this is kept as evidence, where the use case says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidencePart>,
    /// Everything that was presented.
    pub credentials: Vec<Presented>,
}

impl Statement {
    /// A statement about one credential.
    pub fn of_one(reason: ReasonCode, presented: Presented, checked_at: Timestamp) -> Self {
        Self::of_several(reason, presented.clone(), vec![presented], checked_at)
    }

    /// A statement about several credentials, one of which decided.
    pub fn of_several(reason: ReasonCode, decider: Presented, all: Vec<Presented>, checked_at: Timestamp) -> Self {
        Self {
            decision: reason.decision(),
            reason,
            message: reason.message(),
            who_can_fix: reason.who_can_fix(),
            checked_at,
            checks: decider.checks,
            credential: decider.credential,
            status: decider.status,
            boarding: None,
            evidence: None,
            credentials: all,
        }
    }

    /// How a check of the deciding credential ended.
    pub fn result(&self, name: CheckName) -> CheckResult {
        self.checks.iter().find(|check| check.name == name).map_or(CheckResult::NotChecked, |check| check.result)
    }

    /// The first check that failed, if one did.
    pub fn failed_check(&self) -> Option<CheckName> {
        self.checks.iter().find(|check| check.result == CheckResult::Failed).map(|check| check.name)
    }
}

/// Times of a statement are RFC 3339 in UTC.
mod time {
    use super::{Deserialize, Deserializer, Error, Serializer, Timestamp};

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::parse_rfc3339(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not RFC 3339"))
    }
}

mod optional_time {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer, Timestamp};

    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| Timestamp::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("not RFC 3339"));
        text.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_lists_the_checks_in_their_order() {
        let names: Vec<_> = CheckName::ALL.iter().map(|check| format!("`{}`", check.name())).collect();
        let page: Vec<_> = include_str!("../../docs/REASONS.md").split_whitespace().collect();
        assert!(page.join(" ").contains(&format!("in this order: {}.", names.join(", "))));
        for check in CheckName::ALL {
            assert_eq!(serde_json::to_value(check).expect("a name is JSON"), check.name());
        }
    }

    #[test]
    fn a_statement_has_the_members_of_the_interface() {
        let at = Timestamp::from_unix(1_795_500_000);
        let check = Check { name: CheckName::Status, result: CheckResult::Failed, detail: Map::new() };
        let status = StatusPart {
            value: StatusValue::Invalid,
            known_since: Some(at),
            age_seconds: Some(0),
            source: Some(StatusSource::Local),
        };
        let credential = CredentialPart {
            format: "dc+sd-jwt".to_owned(),
            credential_type: "https://issuer.example/credential-types/resident-id".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            valid_from: Some(at),
            valid_until: None,
            claims: Map::new(),
        };
        let presented = Presented { query_id: None, credential: Some(credential), status, checks: vec![check] };
        let statement = Statement::of_one(ReasonCode::CredentialRevoked, presented, at);
        let credential = json!({
            "format": "dc+sd-jwt", "type": "https://issuer.example/credential-types/resident-id",
            "issuer": "https://issuer.example", "valid_from": "2026-11-24T06:00:00Z", "valid_until": null, "claims": {},
        });
        let status = json!({"value": "invalid", "known_since": "2026-11-24T06:00:00Z", "age_seconds": 0, "source": "local"});
        let checks = json!([{"name": "status", "result": "failed", "detail": {}}]);
        let expected = json!({
            "decision": "refused", "reason": "credential_revoked",
            "message": {"zh-CN": ReasonCode::CredentialRevoked.zh_cn(), "en": ReasonCode::CredentialRevoked.en()},
            "who_can_fix": "nobody", "checked_at": "2026-11-24T06:00:00Z",
            "checks": checks, "credential": credential, "status": status,
            "credentials": [{"query_id": null, "credential": credential, "status": status, "checks": checks}],
        });
        let written = serde_json::to_value(&statement).expect("a statement is JSON");
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Statement>(written).expect("it reads back"), statement);
    }
}
