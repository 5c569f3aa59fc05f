//! The side door: for a command that runs beside the process that holds the ledger.
//!
//! Each look and each change has a connection of its own, for as long as it takes. SQLite lets one write at a time: both wait for
//! each other, for milliseconds.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::Utc;
use rusqlite::Connection;
use tokio::time::{Instant, sleep};

use super::{
    hindrance::hindered,
    identity::{self, Ownership},
    lock::{self, LockAttempt},
    schema,
    writer::change,
};
use crate::ledger::{
    Clock, Error,
    lease::{LeaseHolder, Owner},
    rules::transaction::Transaction,
    values::micros,
};

/// How long a process that has just taken the ledger may need to bring its schema up to date.
const SETTLING: Duration = Duration::from_secs(5);
/// The pause between two looks at that.
const PAUSE: Duration = Duration::from_millis(50);

/// A ledger that another process may have open. That process notices within seconds what was changed.
#[derive(Clone)]
pub(in crate::ledger) struct ExternalSqlite {
    path: Arc<Path>,
    clock: Clock,
}

/// What a look at the file came to.
enum SchemaState {
    /// It has our schema.
    Ready,
    /// It has an older one or none yet, and is not ours to change.
    Older { found: i64, holder: String },
}

impl ExternalSqlite {
    /// Brings the schema up to date where nobody has it open. Never makes a ledger: that is for `mailjob run` alone.
    pub(in crate::ledger) async fn open(path: &Path) -> Result<Self, Error> {
        let until = Instant::now() + SETTLING;
        loop {
            let at = path.to_owned();
            match blocking(move || look(&at).map_err(|error| hindered(&at, error))).await? {
                SchemaState::Ready => return Ok(Self::of(path)),
                SchemaState::Older { found, holder } if Instant::now() >= until => {
                    return Err(Error::Older {
                        path: path.display().to_string(),
                        found,
                        known: schema::known(),
                        holder,
                    });
                }
                SchemaState::Older { .. } => sleep(PAUSE).await,
            }
        }
    }

    /// That of a ledger that this process has open.
    pub(in crate::ledger) fn of(path: &Path) -> Self {
        Self {
            path: path.into(),
            clock: Clock::system(),
        }
    }

    /// The same by another clock.
    #[cfg(test)]
    pub(in crate::ledger) fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    pub(in crate::ledger) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::ledger) fn now(&self) -> i64 {
        micros(self.clock.now())
    }

    /// Works on a connection of its own, on a blocking thread.
    pub(in crate::ledger) async fn with<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        let path = self.path.clone();
        let worked = move || {
            schema::side(&path)
                .and_then(|mut db| work(&mut db))
                .map_err(|error| hindered(&path, error))
        };
        blocking(worked).await
    }

    /// Changes something, in one commit. Whoever has the ledger open looks for itself what follows.
    pub(in crate::ledger) async fn change<T, W>(&self, now: i64, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.with(move |db| change(db, now, &LeaseHolder::new(Owner::NOBODY), work))
            .await
    }
}

fn look(path: &Path) -> Result<SchemaState, Error> {
    let none = || Error::NoLedger {
        path: path.display().to_string(),
    };
    let (whose, found) = match path.try_exists() {
        Ok(true) => {
            let db = schema::side(path)?;
            (identity::not_anothers(&db, path)?, identity::version(&db)?)
        }
        Ok(false) => return Err(none()),
        Err(error) => return Err(Error::Engine(format!("{}: {error}", path.display()))),
    };
    if found == schema::known() {
        return Ok(SchemaState::Ready);
    }
    schema::not_newer(found, path)?;
    let busy = |holder| SchemaState::Older { found, holder };
    if whose == Ownership::Nobody {
        // `mailjob run` may be about to make it.
        return lock::held(&lock::beside(path))?.map(busy).ok_or_else(none);
    }
    match lock::hold(&lock::beside(path), Utc::now())? {
        LockAttempt::Held(lock) => {
            schema::migrate(&mut schema::writer(path)?, path)?;
            drop(lock);
            Ok(SchemaState::Ready)
        }
        LockAttempt::Busy(holder) => Ok(busy(holder)),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Engine(format!("the ledger was not looked at: {error}")))?
}
