//! Log lines: to standard error, as text or JSON, each request with its number, nothing personal in any.

use std::io;

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::app::config::{LogFormat, ReportOptions};

/// Begins to write log lines. Once a process; a second call changes nothing.
pub fn install(report: &ReportOptions) {
    // Libraries speak only when something is wrong: what they would say of requests may hold paths and addresses.
    let filter = EnvFilter::new(format!("warn,yufu={}", report.log_level.name()));
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    let installed = match report.log_format {
        LogFormat::Text => lines.with_ansi(false).finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).finish().try_init(),
    };
    if installed.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            // The place alone: the message may quote what was being worked on.
            let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
            tracing::error!(place, "a panic was caught");
        }));
    }
}
