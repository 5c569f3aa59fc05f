//! The replies by the side door: what waits, what was refused, and trying it again.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::{
    job::JobId,
    ledger::{
        Again, Error, OutboxRow, ReplyFilter, Retried, rules::retry_reply, sqlite::side::Side, values::micros,
        views::replies,
    },
};

/// The replies of a ledger that another process may have open. That process notices within seconds what is due.
#[derive(Debug, Clone)]
pub struct Outbox {
    side: Side,
}

impl Outbox {
    /// Brings the schema up to date where nobody has it open.
    ///
    /// # Errors
    /// [`Error::NoLedger`] where there is none, [`Error::Newer`] when a newer Mailjob wrote it, [`Error::Older`] when an older one has it open, else what the disk said.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let side = Side::open(path).await?;
        Ok(Self { side })
    }

    /// Those of a ledger that this process has open.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { side: Side::of(path) }
    }

    /// The newest replies that are wanted, newest first, and how many there are in all from there on.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn list(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        self.side.with(move |db| replies::list(db, &filter)).await
    }

    /// Has replies tried again at once.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply; or when the engine fails.
    pub async fn retry(&self, which: Again, now: DateTime<Utc>) -> Result<Retried, Error> {
        self.side
            .change(micros(now), move |desk| retry_reply::retry(desk, which))
            .await
    }

    /// Counts an unsure reply as sent: an operator knows that it has arrived. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply; or when the engine fails.
    pub async fn accept(&self, job: JobId, now: DateTime<Utc>) -> Result<bool, Error> {
        self.side
            .change(micros(now), move |desk| retry_reply::accept(desk, job))
            .await
    }
}
