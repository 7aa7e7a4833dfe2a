//! The calls an office and a gate make, as they would make them: JSON over HTTP with a bearer token.

use serde_json::{Value, json};

use crate::{
    app::demo::{DemoError, Stage},
    outbound::{Request, Response},
};

impl Stage {
    /// Sends a request and takes the JSON of an answer with the status `expected`.
    pub(in crate::app) fn json(&self, step: &'static str, request: Request, expected: u16) -> Result<Value, DemoError> {
        let answer = self.fetch.send(request)?;
        if answer.status != expected {
            return Err(unexpected(step, format!("status {expected}"), &answer));
        }
        serde_json::from_slice(&answer.body).map_err(|_| unexpected(step, "JSON".to_owned(), &answer))
    }

    /// Sends a request and takes the text of an answer with status 200.
    pub(in crate::app) fn text(&self, step: &'static str, request: Request) -> Result<String, DemoError> {
        let answer = self.fetch.send(request)?;
        match (answer.status, String::from_utf8(answer.body.clone())) {
            (200, Ok(text)) => Ok(text),
            _ => Err(unexpected(step, "status 200".to_owned(), &answer)),
        }
    }

    /// Posts to the administration with the administrator's token.
    pub(in crate::app) fn admin_post(
        &self,
        step: &'static str,
        path: &str,
        body: &Value,
        expected: u16,
    ) -> Result<Value, DemoError> {
        let url = format!("{}/admin/api/v1{path}", self.url);
        self.json(step, Request::post(url, "application/json", body.to_string()).bearer(&self.administrator), expected)
    }

    /// Gets from the administration with the administrator's token.
    pub(in crate::app) fn admin_get(&self, step: &'static str, path: &str) -> Result<Value, DemoError> {
        let url = format!("{}/admin/api/v1{path}", self.url);
        self.json(step, Request::get(url).bearer(&self.administrator), 200)
    }

    /// What the gate says of a presentation.
    pub(in crate::app) fn at_the_gate(
        &self,
        gate: &str,
        presentation: &str,
        nonce: &str,
        audience: &str,
    ) -> Result<Value, DemoError> {
        let body = json!({"presentation": presentation, "nonce": nonce, "audience": audience});
        let url = format!("{}/checkpoint/api/v1/verifications", self.url);
        self.json("verify", Request::post(url, "application/json", body.to_string()).bearer(gate), 200)
    }
}

fn unexpected(step: &'static str, expected: String, answer: &Response) -> DemoError {
    let body = String::from_utf8_lossy(&answer.body);
    let got = format!("status {}: {}", answer.status, body.chars().take(300).collect::<String>());
    DemoError::Unexpected { step, expected, got }
}

/// A text member of an answer.
pub(in crate::app) fn text_of<'v>(step: &'static str, value: &'v Value, pointer: &str) -> Result<&'v str, DemoError> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| DemoError::Unexpected {
        step,
        expected: format!("text at {pointer}"),
        got: value.to_string().chars().take(300).collect(),
    })
}
