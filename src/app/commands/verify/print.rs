//! The statement on a terminal: one block, in both languages, never by colour alone.

use std::io::{self, Write};

use serde_json::Value;

use crate::model::{
    reason::{Decision, WhoCanFix},
    statement::{Check, CheckResult, CredentialPart, Statement, StatusPart, StatusSource, StatusValue},
};

/// Writes the statement, for programs or for people.
pub(super) fn print(statement: &Statement, json: bool, output: &mut dyn Write) -> io::Result<()> {
    if json {
        return writeln!(output, "{}", serde_json::to_string_pretty(statement)?);
    }
    let (symbol, zh, en) = match statement.decision {
        Decision::Accepted => ("✔", "放行", "accepted"),
        Decision::Refused => ("✘", "拒绝", "refused"),
        Decision::Undetermined => ("?", "无法判断", "undetermined"),
    };
    writeln!(output, "{symbol} {zh} · {en} ({})", statement.reason.name())?;
    writeln!(output, "  {}", statement.message.zh_cn)?;
    writeln!(output, "  {}", statement.message.en)?;
    let (zh, en) = match statement.who_can_fix {
        WhoCanFix::Holder => ("持证人", "the holder"),
        WhoCanFix::Issuer => ("发证机关", "the issuing authority"),
        WhoCanFix::Checkpoint => ("查验点", "the checkpoint"),
        WhoCanFix::Nobody => ("无需或无法处理", "nobody: there is nothing to fix"),
    };
    writeln!(output, "\n  谁可处理 · who can fix it   {zh} · {en}")?;
    writeln!(output, "  时间 · checked at           {}", statement.checked_at)?;
    if let Some(credential) = &statement.credential {
        print_credential(credential, output)?;
    }
    print_status(&statement.status, output)?;
    writeln!(output, "\n  检查 · checks")?;
    statement.checks.iter().try_for_each(|check| print_check(check, output))
}

fn print_credential(credential: &CredentialPart, output: &mut dyn Write) -> io::Result<()> {
    let time = |at: Option<_>| at.map_or_else(|| "–".to_owned(), |at: crate::base::time::Timestamp| at.to_string());
    writeln!(output, "  证件 · credential           {}", plain(&credential.credential_type))?;
    writeln!(output, "  发证方 · issuer             {}", plain(&credential.issuer))?;
    writeln!(output, "  有效期 · valid              {} – {}", time(credential.valid_from), time(credential.valid_until))?;
    for (name, value) in &credential.claims {
        let value = match value {
            Value::String(text) if text.starts_with("data:") => format!("({} bytes)", text.len()),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writeln!(output, "    {}: {}", plain(name), plain(&value))?;
    }
    Ok(())
}

fn print_status(status: &StatusPart, output: &mut dyn Write) -> io::Result<()> {
    let value = match status.value {
        StatusValue::Valid => "有效 · valid",
        StatusValue::Invalid => "已吊销 · invalid",
        StatusValue::Suspended => "已暂停 · suspended",
        StatusValue::Unknown => "未知 · unknown",
    };
    write!(output, "  状态 · status               {value}")?;
    if let (Some(since), Some(age)) = (status.known_since, status.age_seconds) {
        let source = match status.source {
            Some(StatusSource::Local) => "local",
            Some(StatusSource::List) => "list",
            Some(StatusSource::Edge) => "edge",
            None => "–",
        };
        write!(output, " ({since}, {age} s, {source})")?;
    }
    writeln!(output)
}

fn print_check(check: &Check, output: &mut dyn Write) -> io::Result<()> {
    let symbol = match check.result {
        CheckResult::Passed => "✔",
        CheckResult::Failed => "✘",
        CheckResult::NotChecked => "–",
    };
    write!(output, "    {symbol} {}", check.name.name())?;
    for (name, value) in &check.detail {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        write!(output, "  {}: {}", plain(name), plain(&value))?;
    }
    writeln!(output)
}

/// Text from a stranger without what a terminal obeys: control characters, and those that turn the direction of
/// writing (Unicode TR 36).
pub(super) fn plain(text: &str) -> String {
    let obeyed =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}
