//! The embedded engine: one SQLite file, one writing thread, a few readers.
//!
//! Every write is durable when it returns (WAL, `synchronous=FULL`); callers share fsyncs by group commit. The engine never
//! keeps a mail in memory beyond its first reading, never polls, and never lets a second process in. When the disk is full
//! it refuses and goes on: what was not answered with `Ok` was not done.

mod backup;
mod change;
mod external;
mod faces;
mod foreign_log;
mod forget;
mod gather;
mod hindrance;
mod identity;
mod inspect;
mod lock;
mod opening;
mod place;
mod plain_tokens;
pub(in crate::ledger) mod post;
mod readers;
mod reserve;
mod room;
pub(in crate::ledger) mod schema;
mod shared;
mod sign_in_lock;
pub(in crate::ledger) mod space;
pub(in crate::ledger) mod time;
mod values;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use tokio::sync::{Mutex, oneshot};

pub(super) use self::{
    backup::{backup, backup_into},
    external::ExternalSqlite,
    faces::tables::versions_beside,
    inspect::inspect,
    opening::foresee,
};
use self::{
    post::{WriteCommand, WriterHandle},
    readers::Readers,
    shared::Shared,
};
pub use super::views::overview::{OverviewRow, ReplyRow};
use super::{Clock, Error, Upkeep, views::overview};
use crate::metrics::Commits;

/// A ledger in a file. Dropped, it stops writing soon; [`Upkeep::close`] waits for that.
pub struct Sqlite {
    pub(in crate::ledger) post: Arc<WriterHandle>,
    pub(in crate::ledger) readers: Readers,
    /// For whoever searches from outside: those of the loops are never waited for because of it.
    pub(in crate::ledger) searches: Readers,
    pub(in crate::ledger) shared: Arc<Shared>,
    pub(in crate::ledger) clock: Clock,
    pub(in crate::ledger) ended: Mutex<Option<oneshot::Receiver<()>>>,
}

/// Opens the ledger, or makes it, and puts right what a process left that died: its jobs are queued again (or held as poison, when
/// it died too often over them), its replies too, half uploads are dropped.
///
/// # Errors
/// [`Error::InUse`] when another process has it, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said.
pub async fn open(path: &Path, clock: impl Into<Clock>) -> Result<Sqlite, Error> {
    open_counted(path, clock, Commits::default()).await
}

/// The same with commits that are counted.
///
/// # Errors
/// As [`open()`].
pub async fn open_counted(path: &Path, clock: impl Into<Clock>, commits: Commits) -> Result<Sqlite, Error> {
    let (path, clock) = (path.to_owned(), clock.into());
    blocking("opening was not finished", move || {
        opening::begin(&path, &clock, &commits)
    })
    .await
}

/// Work that waits for the disk, on a thread that may be held up. Where that thread ends without a result, `lost` says what was not done.
async fn blocking<T: Send + 'static>(
    lost: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Error::Engine(format!("{lost}: {error}")))?
}

/// Whether a process has the ledger. Where that can't be known, one may have it.
#[must_use]
pub(super) fn is_in_use(path: &Path) -> bool {
    lock::held(&lock::beside(path)).map_or(true, |holder| holder.is_some())
}

#[async_trait]
impl Upkeep for Sqlite {
    async fn close(&self) {
        self.readers.close().await;
        self.searches.close().await;
        drop(self.post.send(WriteCommand::Close).await);
        if let Some(ended) = self.ended.lock().await.take() {
            // An error is the thread's end too.
            drop(ended.await);
        }
    }

    fn lost(&self) -> Option<Error> {
        self.shared.lost()
    }

    fn is_full(&self) -> bool {
        self.shared.unwritable().is_some_and(|known| known.full)
    }
}

impl Sqlite {
    /// The newest jobs with their replies, newest first, at most `max`.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn overview(&self, max: usize) -> Result<Vec<OverviewRow>, Error> {
        self.readers.read(move |db| overview::overview(db, max)).await
    }
}

#[cfg(test)]
pub(in crate::ledger) mod tests;
