//! Problem documents (RFC 9457): the one form in which the service says that it did not do what was asked.
//!
//! [`Kind`] fixes code, status and words; what a caller can act on is added as facts. Nothing of a request is ever
//! repeated in an answer, so that no error carries a secret or a person's data further.

mod approvals;
mod issuance;
mod kind;
mod map;
mod people;
mod presentations;
mod shown;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use serde::Serialize;

use crate::{issuance::limits::TooOften, model::reason::Message};

pub use kind::Kind;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A text in both languages of the service.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Words {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// From both texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

impl From<Message> for Words {
    fn from(message: Message) -> Self {
        Self::new(message.zh_cn, message.en)
    }
}

/// What is wrong with one member of a request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// Where, as a JSON pointer (RFC 6901) into the body, or the name of a query parameter.
    pub pointer: String,
    /// What, from a stable list: `missing`, `unknown`, `wrong_type`, `invalid` and those of the field itself.
    pub code: String,
    /// The same for people.
    pub message: Words,
}

/// Why a request was not done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    kind: Kind,
    fields: Vec<FieldProblem>,
    /// Methods the resource has, for `Allow`.
    allow: Option<String>,
    /// After how many seconds to come again, where that is known better than by the kind.
    wait: Option<u32>,
}

/// The body of a problem document.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the kind of problem: `urn:yufu:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// The kind as a stable code.
    code: &'static str,
    /// What happened and what to do, for people.
    message: Words,
    /// Members of the request that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

impl Problem {
    /// A problem of this kind without further facts.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, fields: Vec::new(), allow: None, wait: None }
    }

    /// A request whose members are wrong.
    pub const fn fields(fields: Vec<FieldProblem>) -> Self {
        Self { kind: Kind::InvalidRequest, fields, allow: None, wait: None }
    }

    /// A request whose one member is wrong, from the outside unseen: the pointer names it.
    pub fn field(pointer: &str, code: &str, message: Words) -> Self {
        Self::fields(vec![FieldProblem { pointer: pointer.to_owned(), code: code.to_owned(), message }])
    }

    /// The same of a part of a request, which stands at `place`, a JSON pointer.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        for field in &mut self.fields {
            field.pointer.insert_str(0, place);
        }
        self
    }

    /// A method the resource does not have; `allow` names those it has.
    pub const fn method_not_allowed(allow: String) -> Self {
        Self { kind: Kind::MethodNotAllowed, fields: Vec::new(), allow: Some(allow), wait: None }
    }

    /// What kind of problem it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened and what to do, for people.
    pub fn words(&self) -> Words {
        let facts = self.kind.facts();
        Words::new(facts.zh, facts.en)
    }

    /// After how many seconds to come again.
    pub fn retry_after(&self) -> Option<u32> {
        self.wait.or(self.kind.retry_after())
    }

    /// The document that is sent.
    pub fn document(&self) -> ProblemDocument {
        let facts = self.kind.facts();
        ProblemDocument {
            kind: format!("urn:yufu:problem:{}", facts.code),
            title: facts.title,
            status: facts.status.as_u16(),
            code: facts.code,
            message: self.words(),
            errors: self.fields.clone(),
        }
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self::new(kind)
    }
}

impl From<TooOften> for Problem {
    fn from(often: TooOften) -> Self {
        Self { wait: Some(often.seconds), ..Self::new(Kind::TooOften) }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.facts().code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.facts().status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(MEDIA_TYPE).insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(challenge) = self.kind.challenge() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.json(self.document())
    }
}
