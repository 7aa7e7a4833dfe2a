//! `yufu verify`: a presentation in a file, decided without a network, by the same two steps as at a gate.

mod print;

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    base::{
        clock::Clock,
        limits::{JWS_BYTES, NONCE_BYTES, SD_JWT_BYTES, STATUS_LIST_COMPRESSED_BYTES},
        time::Timestamp,
    },
    crypto::x509::{Anchor, CertificateError},
    keyring::{self, KeyringError},
    model::{reason::Decision, statement::Statement},
    verification::{Expectations, HolderBinding, Policy, Trust, decide, examine, lists::in_lists},
};

/// Exit status of a call that cannot be answered with a statement, as distinct from 0 accepted, 1 refused, 2 undetermined.
pub const USAGE: u8 = 3;

/// Verify a presentation without a network
///
/// Prints the statement. Exit status: 0 accepted, 1 refused, 2 undetermined, 3 wrong use.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The presentation (an SD-JWT VC with key binding); - reads it from standard input
    #[arg(value_name = "FILE")]
    pub presentation: PathBuf,
    /// The nonce that the presentation has to answer
    // A random nonce in base64url begins with a hyphen once in 64 times.
    #[arg(
        long,
        value_name = "NONCE",
        requires = "audience",
        required_unless_present = "without_holder_binding",
        allow_hyphen_values = true
    )]
    pub nonce: Option<String>,
    /// Whom the presentation has to be made for
    #[arg(long, value_name = "AUDIENCE", requires = "nonce")]
    pub audience: Option<String>,
    /// Accept a credential without proof that the presenter holds it
    #[arg(long, conflicts_with_all = ["nonce", "audience"])]
    pub without_holder_binding: bool,
    /// A root certificate to trust (PEM); may be given several times. Without any, those of the folder of keys
    #[arg(long = "anchor", value_name = "FILE")]
    pub anchors: Vec<PathBuf>,
    /// The folder of keys whose roots are trusted when no --anchor is given: DIR/trust/ and its development root
    #[arg(long, env = "YUFU_KEYS", value_name = "DIR", default_value = "keys")]
    pub keys: PathBuf,
    /// A status list token; may be given several times. Without the right one, a card that names a status is undetermined
    #[arg(long = "status", value_name = "FILE")]
    pub statuses: Vec<PathBuf>,
    /// The time to decide for (RFC 3339); now when not given
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub at: Option<Timestamp>,
    /// Print the statement as JSON
    #[arg(long)]
    pub json: bool,
}

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A trust anchor cannot be used.
    #[error("{}: {error}", file.display())]
    Anchor {
        /// The file.
        file: PathBuf,
        /// Why.
        error: CertificateError,
    },
    /// The trust anchors of the folder of keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// There is nobody to trust.
    #[error("there is no trust anchor in {}; name one with --anchor FILE", .0.display())]
    NoAnchor(PathBuf),
    /// A nonce or audience that no presentation can carry.
    #[error("--nonce and --audience must not be empty, nor longer than {NONCE_BYTES} bytes")]
    Length,
    /// The statement cannot be written out.
    #[error("cannot write the statement: {0}")]
    Output(#[from] io::Error),
}

/// Verifies and prints; the exit status of the process. What goes wrong before there is a statement goes to `errors`.
pub fn run(
    arguments: &Arguments,
    clock: &dyn Clock,
    input: &mut dyn Read,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    let printed = statement(arguments, clock.now(), input).and_then(|statement| {
        print::print(&statement, arguments.json, output)?;
        Ok(exit_status(statement.decision))
    });
    printed.unwrap_or_else(|error| {
        // Nobody is left to tell when even this cannot be written.
        let _ = writeln!(errors, "yufu verify: {error}");
        USAGE
    })
}

/// The exit status for a decision.
pub const fn exit_status(decision: Decision) -> u8 {
    match decision {
        Decision::Accepted => 0,
        Decision::Refused => 1,
        Decision::Undetermined => 2,
    }
}

/// The statement about the presentation that `arguments` name.
pub fn statement(arguments: &Arguments, now: Timestamp, input: &mut dyn Read) -> Result<Statement, VerifyError> {
    let expectations = Expectations::new(holder_binding(arguments)?);
    let trust = trust(arguments)?;
    let lists = arguments.statuses.iter().map(|file| read_file(file, list_bytes())).collect::<Result<Vec<_>, _>>()?;
    let presentation = if arguments.presentation == Path::new("-") {
        read(input, SD_JWT_BYTES).map_err(|error| VerifyError::Unreadable { file: "-".into(), error })?
    } else {
        read_file(&arguments.presentation, SD_JWT_BYTES)?
    };
    let at = arguments.at.unwrap_or(now);
    let examined = examine(presentation.trim_ascii(), &trust, &expectations, at);
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let answer = examined.wanted_status().and_then(|wanted| in_lists(&wanted, &lists, &trust, at));
    Ok(decide(examined, answer.as_slice(), &Policy::default(), at))
}

fn holder_binding(arguments: &Arguments) -> Result<HolderBinding, VerifyError> {
    let (Some(nonce), Some(audience)) = (&arguments.nonce, &arguments.audience) else {
        return Ok(HolderBinding::NotRequired);
    };
    if [nonce, audience].into_iter().any(|text| text.is_empty() || text.len() > NONCE_BYTES) {
        return Err(VerifyError::Length);
    }
    Ok(HolderBinding::Required { nonce: Some(nonce.clone()), audience: audience.clone() })
}

fn trust(arguments: &Arguments) -> Result<Trust, VerifyError> {
    if arguments.anchors.is_empty() {
        let trust = Trust::new(keyring::anchors(&arguments.keys)?).with_lists(&keyring::trust_lists(&arguments.keys)?);
        return if trust.anchors().is_empty() { Err(VerifyError::NoAnchor(arguments.keys.clone())) } else { Ok(trust) };
    }
    let mut all = Vec::new();
    for file in &arguments.anchors {
        let text = read_file(file, JWS_BYTES)?;
        all.extend(Anchor::all_from_pem(&text).map_err(|error| VerifyError::Anchor { file: file.clone(), error })?);
    }
    Ok(Trust::new(all))
}

/// A compressed list and the token around it.
const fn list_bytes() -> usize {
    STATUS_LIST_COMPRESSED_BYTES + JWS_BYTES
}

fn read_file(file: &Path, most: usize) -> Result<String, VerifyError> {
    let unreadable = |error| VerifyError::Unreadable { file: file.to_owned(), error };
    read(&mut File::open(file).map_err(unreadable)?, most).map_err(unreadable)
}

/// Reads at most a little more than `most` bytes: what is longer is refused by the format, and never held as a whole.
/// What is not UTF-8 is no presentation either, which the statement will say.
fn read(source: &mut dyn Read, most: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1024)).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "not a time such as 2026-11-24T08:00:00Z or with an offset, +08:00".to_owned())
}

#[cfg(test)]
mod tests;
