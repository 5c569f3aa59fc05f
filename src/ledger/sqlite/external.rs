//! The side door: for a command that runs beside the process that holds the ledger.
//!
//! Each look and each change has a connection of its own, for as long as it takes. SQLite lets one write at a time: both wait for
//! each other, for milliseconds.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::Utc;
use rusqlite::Connection;
use tokio::time::{Instant, sleep};

use super::{
    blocking,
    change::change,
    foreign_log,
    hindrance::hindered,
    identity::{self, Ownership},
    lock::{self, LockAttempt},
    schema,
};
use crate::ledger::{
    Clock, Error,
    lease::{LeaseHolder, Owner},
    rules::{
        leases::{self, LeaseAttempt, NamedLease},
        transaction::Transaction,
    },
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
    /// What it has by its name, as a process beside the one that has the ledger.
    holder: LeaseHolder,
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
            match blocking("the ledger was not looked at", move || {
                look(&at).map_err(|error| hindered(&at, error))
            })
            .await?
            {
                SchemaState::Ready => return Ok(Self::of(path)),
                SchemaState::Older { found, holder } if Instant::now() >= until => {
                    return Err(Error::Older {
                        ledger: path.display().to_string(),
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
        let clock = Clock::system();
        Self {
            path: path.into(),
            holder: LeaseHolder::new(Owner::new(), &clock),
            clock,
        }
    }

    /// The same by another clock.
    #[cfg(test)]
    pub(in crate::ledger) fn by(self, clock: Clock) -> Self {
        Self {
            holder: LeaseHolder::new(Owner::new(), &clock),
            clock,
            ..self
        }
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
        blocking("the ledger was not looked at", worked).await
    }

    /// Changes something, in one commit. Whoever has the ledger open looks for itself what follows.
    pub(in crate::ledger) async fn change<T, W>(&self, now: i64, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let holder = self.holder.clone();
        self.with(move |db| change(db, now, &holder, work)).await
    }

    /// Takes what has this name, if nobody has it; it is given up when the lease's last clone is dropped, by whoever drops it: a command that
    /// ends may have nobody else left to do it.
    pub(in crate::ledger) async fn take_named(&self, what: NamedLease, name: &str) -> Result<LeaseAttempt, Error> {
        let (side, named) = (self.clone(), name.to_owned());
        self.holder.begins(self.clock.read());
        let asked = self.change(self.now(), move |tx| leases::take(tx, what, &named, &tx.holder.who));
        let asked = asked.await?;
        if let LeaseAttempt::Taken(lease) = &asked {
            let named = name.to_owned();
            lease.ends_by(move |fence| {
                let given = schema::side(&side.path).and_then(|mut db| {
                    change(&mut db, side.now(), &side.holder, |tx| {
                        leases::give_up(tx, what, &named, fence)
                    })
                });
                if let Err(error) = given {
                    tracing::debug!(%error, name = named, "it is had until its time is over");
                }
            });
        }
        Ok(asked)
    }
}

fn look(path: &Path) -> Result<SchemaState, Error> {
    let none = || Error::NoLedger {
        ledger: path.display().to_string(),
    };
    let (whose, found) = match path.try_exists() {
        Ok(true) => {
            foreign_log::refuse(path)?;
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
