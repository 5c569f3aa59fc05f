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
mod operator;
mod outbox;
mod parts;
mod past;
mod pause;
mod plain_tokens;
mod post;
mod probes;
mod rate;
mod reads;
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
mod turn;
mod values;
mod writer;

use std::{path::Path, sync::Arc};

use tokio::sync::{Mutex, oneshot};

pub use self::{
    backup::backup,
    counts::counts_beside,
    file_versions::versions_beside,
    inspect::inspect,
    operator::Jobs,
    outbox::Outbox,
    reads::{OverviewRow, ReplyRow},
    sign_ins::SignIns,
};
use self::{
    post::{Letter, Post},
    reads::Readers,
    shared::Shared,
    values::micros,
};
use super::{Clock, Error};
use crate::{auth::Key, metrics::Commits};

/// A ledger in a file. Dropped, it stops writing soon; [`Sqlite::close`] waits for that.
pub struct Sqlite {
    post: Arc<Post>,
    readers: Readers,
    shared: Arc<Shared>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

/// Opens the ledger, or makes it, and puts right what a process left that died: its jobs are queued again (or held as poison, when
/// it died too often over them), its replies too, half uploads are dropped.
///
/// # Errors
/// [`Error::InUse`] when another process has it, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said.
pub async fn open(path: &Path, clock: Clock) -> Result<Sqlite, Error> {
    open_counted(path, clock, Commits::default()).await
}

/// The same with commits that are counted.
///
/// # Errors
/// As [`open()`].
pub async fn open_counted(path: &Path, clock: Clock, commits: Commits) -> Result<Sqlite, Error> {
    let path = path.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        let now = clock();
        let lock = lock::acquire(&path, now)?;
        let mut db = schema::writer(&path)?;
        schema::migrate(&mut db, &path)?;
        space::prepare(&db, &path)?;
        schema::recover(&mut db, micros(now))?;
        let shared = Arc::<Shared>::default();
        let (post, ended) = writer::start(db, lock, clock, shared.clone(), commits)?;
        Ok(Sqlite {
            post,
            readers: Readers::new(path),
            shared,
            ended: Mutex::new(Some(ended)),
        })
    });
    opening
        .await
        .map_err(|error| Error::Engine(format!("opening was not finished: {error}")))?
}

impl Sqlite {
    /// Does what was asked before, then closes the file and gives up the lock. Whoever asks later gets [`Error::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        drop(self.post.send(Letter::Close).await);
        if let Some(ended) = self.ended.lock().await.take() {
            // An error is the thread's end too.
            drop(ended.await);
        }
    }

    /// Seals refresh tokens that the first schema kept plain, if there are any, and wipes out their remains. To be called before
    /// anybody signs in.
    ///
    /// # Errors
    /// When a token could not be sealed or moved; then none was.
    pub async fn seal_plain(&self, key: Arc<Key>) -> Result<(), Error> {
        SignIns::of(self.readers.path()).seal_plain(key).await
    }

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
