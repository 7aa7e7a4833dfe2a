//! How the service reports what it does.

use crate::app::config::quoted;

/// How the service reports what it does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportOptions {
    /// How log lines are written to standard error
    #[arg(long, env = "YUFU_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// The least level that is logged
    #[arg(long, env = "YUFU_LOG_LEVEL", value_name = "LEVEL", value_enum, default_value = "info")]
    pub log_level: LogLevel,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line of text, for people
    #[default]
    Text,
    /// One JSON object a line, for collectors
    Json,
}

/// Levels of log lines, each with those before it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum LogLevel {
    /// What an operator has to act on
    Error,
    /// What may need a look
    Warn,
    /// One line a request, and changes of the service itself
    #[default]
    Info,
    /// Steps inside a request
    Debug,
}

impl LogFormat {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl LogLevel {
    /// The name in settings and in the filter of the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl ReportOptions {
    pub(super) fn describe(&self, lines: &mut Vec<(&'static str, String)>) {
        lines.push(("log-format", quoted(self.log_format.name())));
        lines.push(("log-level", quoted(self.log_level.name())));
    }
}
