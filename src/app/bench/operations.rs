//! What is done over and over: the operations that can be measured.

mod issue;
mod mixed;
mod revoke;
mod status;
mod verify;

use crate::{
    app::{
        bench::{BenchError, deployment::Deployment, open_loop::Hand, tally::Ended},
        demo::DemoError,
    },
    outbound::{FetchError, Response},
};

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Scenario {
    /// A card from its offer into a wallet: offer, token, nonce, credential
    Issue,
    /// A presentation of ten claims with its key binding, shown to a checkpoint
    Verify,
    /// A card revoked for good: on disk before the answer
    Revoke,
    /// A status list, as a verifier of others fetches it
    Status,
    /// Of twenty operations sixteen verify, two fetch a list, one issues, one revokes
    Mixed,
}

impl Scenario {
    /// As it stands in reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Verify => "verify",
            Self::Revoke => "revoke",
            Self::Status => "status",
            Self::Mixed => "mixed",
        }
    }

    /// How many cards so many operations revoke.
    pub const fn revoked_by(self, operations: usize) -> usize {
        match self {
            Self::Revoke => operations,
            Self::Mixed => operations.div_ceil(mixed::CYCLE),
            Self::Issue | Self::Verify | Self::Status => 0,
        }
    }
}

/// Something that hands can do over and over.
pub trait Work: Sync {
    /// A hand with a connection of its own.
    fn hand(&self) -> Box<dyn Hand + '_>;
}

/// Makes ready what `operations` of a scenario need.
pub fn prepare<'d>(
    scenario: Scenario,
    deployment: &'d Deployment,
    operations: usize,
) -> Result<Box<dyn Work + 'd>, BenchError> {
    Ok(match scenario {
        Scenario::Issue => Box::new(issue::Issue::prepare(deployment, operations)?),
        Scenario::Verify => Box::new(verify::Verify::prepare(deployment)?),
        Scenario::Revoke => Box::new(revoke::Revoke::prepare(deployment, operations)?),
        Scenario::Status => Box::new(status::Status::prepare(deployment)?),
        Scenario::Mixed => Box::new(mixed::Mixed::prepare(deployment, operations)?),
    })
}

/// How a call ended whose answer is good with this status and when its body passes.
fn ended(answer: Result<Response, FetchError>, status: u16, right: impl Fn(&[u8]) -> bool) -> Ended {
    match answer {
        Err(error) => Ended::Failed(error.to_string()),
        Ok(answer) if answer.status == status && right(&answer.body) => Ended::Good,
        Ok(answer) if answer.status == status => Ended::Failed("another answer than was right".to_owned()),
        Ok(answer) => Ended::Refused(refusal(answer.status, &answer.body)),
    }
}

/// How a step of several calls ended.
fn ended_by(error: &DemoError) -> Ended {
    match error {
        DemoError::Unexpected { step, got, .. } => match got.strip_prefix("status ").and_then(|got| got.split_once(": ")) {
            Some((status, body)) => {
                Ended::Refused(format!("{step}: {}", refusal(status.parse().unwrap_or_default(), body.as_bytes())))
            }
            None => Ended::Failed(format!("{step}: another answer than was right")),
        },
        DemoError::NoService(error) => Ended::Failed(error.to_string()),
        DemoError::Wallet(_) | DemoError::NoToken { .. } => Ended::Failed("the wallet broke off".to_owned()),
    }
}

/// The status, and the code of the problem document or OAuth error where there is one. Never more of the body: kinds are
/// counted, and there are to be few.
fn refusal(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code = ["\"code\":\"", "\"error\":\""].iter().find_map(|member| {
        let (_, rest) = text.split_once(member)?;
        rest.split('"').next().filter(|code| code.len() < 64)
    });
    code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"))
}

/// Whether a needle stands in a body.
fn contains(body: &[u8], needle: &[u8]) -> bool {
    body.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Response, FetchError> {
        Ok(Response { status, content_type: String::new(), body: body.into() })
    }

    #[test]
    fn endings_are_counted_under_few_names() {
        let right = |body: &[u8]| contains(body, b"\"decision\":\"accepted\"");
        assert_eq!(ended(answer(200, "{\"decision\":\"accepted\"}"), 200, right), Ended::Good);
        let other = Ended::Failed("another answer than was right".to_owned());
        assert_eq!(ended(answer(200, "{\"decision\":\"refused\"}"), 200, right), other);
        let busy = answer(503, "{\"type\":\"urn:yufu:problem:busy\",\"code\":\"busy\",\"status\":503}");
        assert_eq!(ended(busy, 200, right), Ended::Refused("503 busy".to_owned()));
        assert_eq!(ended(answer(502, "<html>"), 200, right), Ended::Refused("502".to_owned()));
        let silent = Err(FetchError::NoAnswer("timed out".to_owned()));
        assert_eq!(ended(silent, 200, right), Ended::Failed("no answer: timed out".to_owned()));
    }

    #[test]
    fn a_step_that_was_refused_says_which_and_why() {
        let refused = |step, got: &str| DemoError::Unexpected { step, expected: String::new(), got: got.to_owned() };
        let slow = refused("token", "status 400: {\"error\":\"slow_down\"}");
        assert_eq!(ended_by(&slow), Ended::Refused("token: 400 slow_down".to_owned()));
        let other = Ended::Failed("nonce: another answer than was right".to_owned());
        assert_eq!(ended_by(&refused("nonce", "{}")), other);
    }
}
