//! The embedded engine: one SQLite file, one writing thread, a few readers.
//!
//! Every write is durable when it returns (WAL, `synchronous=FULL`); callers share fsyncs by group commit. The engine never
//! keeps a mail in memory beyond its first reading, never polls, and never lets a second process in. When the disk is full
//! it refuses and goes on: what was not answered with `Ok` was not done.

mod backlog;
mod backlog_desk;
mod backlog_sort;
mod backup;
mod bounces;
mod claims;
mod conversations;
mod counts;
mod engine;
mod events;
mod file_versions;
mod finish;
mod forget;
mod identity;
mod inspect;
mod intake;
mod job_list;
mod lacking;
mod line;
mod lock;
mod mail_bytes;
mod maildrop;
mod mended;
mod news;
mod notices;
mod opening;
mod operator;
mod outbox;
mod parts;
mod past;
mod pause;
mod place;
mod plain_tokens;
mod post;
mod probes;
mod rate;
mod reads;
mod reserve;
mod retention;
mod route;
mod savepoint;
mod schema;
mod settle;
mod shared;
mod side;
mod sign_in_rows;
mod sign_in_table;
mod sign_ins;
mod space;
mod steer;
mod story;
mod submission;
mod time;
mod turn;
mod values;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use tokio::sync::{Mutex, oneshot};

pub use self::reads::{OverviewRow, ReplyRow};
pub(super) use self::{
    backup::{backup, backup_into},
    file_versions::versions_beside,
    inspect::inspect,
    side::Side,
};
use self::{
    post::{Letter, Post},
    reads::Readers,
    shared::Shared,
};
use super::{Clock, Error, Upkeep};
use crate::metrics::Commits;

/// A ledger in a file. Dropped, it stops writing soon; [`Upkeep::close`] waits for that.
pub struct Sqlite {
    post: Arc<Post>,
    readers: Readers,
    /// For whoever searches from outside: those of the loops are never waited for because of it.
    searches: Readers,
    shared: Arc<Shared>,
    clock: Clock,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
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
    let opening = tokio::task::spawn_blocking(move || opening::begin(&path, &clock, &commits));
    opening
        .await
        .map_err(|error| Error::Engine(format!("opening was not finished: {error}")))?
}

#[async_trait]
impl Upkeep for Sqlite {
    async fn close(&self) {
        self.readers.close().await;
        self.searches.close().await;
        drop(self.post.send(Letter::Close).await);
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
        self.readers.read(move |db| reads::overview(db, max)).await
    }
}

#[cfg(test)]
mod tests;
