//! Reading: a few connections of their own, used on blocking threads, that never hinder the writer. A read that nobody waits for any more
//! is interrupted: it may be a search through all that there is.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::Utc;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{hindrance::judged, schema, shared::Shared};
use crate::ledger::{Error, values::signed};

/// Reading connections at once.
const READERS: usize = 2;
/// Steps of SQLite's machine between two looks whether somebody still waits: less than a millisecond.
const STEPS: i32 = 10_000;

/// The reading connections.
#[derive(Clone)]
pub(in crate::ledger) struct Readers(Arc<ReaderPool>);

struct ReaderPool {
    path: PathBuf,
    shared: Arc<Shared>,
    idle: Mutex<Vec<Connection>>,
    turn: Arc<Semaphore>,
}

impl Readers {
    pub(in crate::ledger) fn new(path: PathBuf, shared: Arc<Shared>) -> Self {
        Self(Arc::new(ReaderPool {
            path,
            shared,
            idle: Mutex::default(),
            turn: Arc::new(Semaphore::new(READERS)),
        }))
    }

    /// The file.
    pub(in crate::ledger) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads on a blocking thread, as soon as a connection is free. A connection that failed is not used again. Where the future is dropped,
    /// the read ends too.
    pub(in crate::ledger) async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let turn = self.0.turn.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let pool = self.0.clone();
        let wanted = CancelOnDrop::default();
        let unwanted = wanted.0.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let told = |error| judged(&pool.path, error);
            let db = idle.map_or_else(|| schema::reader(&pool.path), Ok).map_err(told)?;
            let read = while_wanted(&db, unwanted, work).map_err(told);
            // Whoever waits for it may say nothing of it, and no later read or write shows that it is whole again.
            if let Err(damaged @ Error::Damaged(_)) = &read
                && pool.shared.failed(damaged, Utc::now())
            {
                tracing::error!(error = %damaged, "the ledger can't be read");
            }
            if !matches!(read, Err(Error::Engine(_) | Error::Damaged(_) | Error::Full(_))) {
                pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            }
            drop(turn);
            read
        });
        let read = reading.await;
        drop(wanted);
        read.map_err(|error| Error::Engine(format!("a read was not finished: {error}")))?
    }

    /// Lets nobody read any more, and closes the connections once those who read are done.
    pub(in crate::ledger) async fn close(&self) {
        if let Ok(all) = self.0.turn.acquire_many(signed(READERS).try_into().unwrap_or(1)).await {
            self.0.turn.close();
            drop(all);
        }
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// That somebody waits for a read. Dropped before it has ended, it ends it: looked at while the read runs, and not by an interrupt, which
/// would be missed between two statements.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads for as long as somebody waits for it.
fn while_wanted<T>(
    db: &Connection,
    unwanted: Arc<AtomicBool>,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    if unwanted.load(Ordering::Relaxed) {
        return Err(Error::Engine("nobody waits for this read any more".to_owned()));
    }
    db.progress_handler(STEPS, Some(move || unwanted.load(Ordering::Relaxed)))?;
    let read = work(db);
    db.progress_handler(0, None::<fn() -> bool>)?;
    read
}
