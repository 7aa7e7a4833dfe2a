//! What a failed call of the database means.

use tokio_postgres::error::SqlState;

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No answer in time.
    #[error("no answer in time")]
    Silent,
    /// The connection or the server.
    #[error("{}", words(.0))]
    Database(#[from] tokio_postgres::Error),
    /// A row that is not what this version writes.
    #[error("{0} cannot be read")]
    Damaged(&'static str),
}

impl Failure {
    /// Whether trying again can help: the server or the way to it is in trouble, or two transactions met.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Damaged(_) => false,
            Self::Database(error) => error.code().is_none_or(|code| {
                let class = code.code().get(..2).unwrap_or_default();
                // Connection, rollback (serialisation, deadlock), resources, operator's intervention.
                ["08", "40", "53", "57"].contains(&class)
                    || [SqlState::LOCK_NOT_AVAILABLE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code)
                    || *code == SqlState::IN_FAILED_SQL_TRANSACTION
                    || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            }),
        }
    }

    /// Whether the server has said that the transaction is not made. After anything else it may have been.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Silent | Self::Damaged(_) => false,
            // Class 08 and 57 end the connection, perhaps after the transaction was made.
            Self::Database(error) => error.as_db_error().is_some_and(|said| {
                let class = said.code().code().get(..2).unwrap_or_default();
                !["08", "57", "XX"].contains(&class) && !["FATAL", "PANIC"].contains(&said.severity())
            }),
        }
    }

    /// Whether the table that was asked for is not there.
    pub(super) fn is_missing_table(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE))
    }
}

/// What the server said, without the values it said it of: they may be keys and records.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            text
        }
    }
}
