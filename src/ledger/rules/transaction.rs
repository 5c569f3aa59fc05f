//! What a rule works with: the tables inside a transaction, its time, and what follows once it is durable.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::{
    config::EndpointName,
    ledger::{
        ClaimedJob, Error, Fence, MailId, MailboxKey,
        db::SqlEngine,
        lease::{LeaseHolder, LeasedRows},
        values::instant,
    },
};

/// What an operation works with.
pub(in crate::ledger) struct Transaction<'a> {
    /// Inside the batch's transaction and the operation's savepoint.
    pub(in crate::ledger) db: &'a dyn SqlEngine,
    /// The batch's time, in microseconds.
    pub(in crate::ledger) now: i64,
    /// Who does it, and what it works on.
    pub(in crate::ledger) holder: &'a LeaseHolder,
    /// What follows once the batch is durable.
    pub(in crate::ledger) after: AfterCommit,
}

impl<'a> Transaction<'a> {
    pub(in crate::ledger) fn new(db: &'a dyn SqlEngine, now: i64, holder: &'a LeaseHolder) -> Self {
        Self {
            db,
            now,
            holder,
            after: AfterCommit::default(),
        }
    }

    /// When something is due that was asked for at `asked`: as long after now. The clock may have been set in between.
    pub(in crate::ledger) fn as_long_after(&self, due: DateTime<Utc>, asked: DateTime<Utc>) -> DateTime<Utc> {
        due.checked_add_signed(instant(self.now) - asked).unwrap_or(due)
    }
}

/// After a transaction that failed, each operation can be undone alone for so long: one that fails always does not fail others again and again.
pub(in crate::ledger) const CAREFUL: Duration = Duration::from_secs(60);

/// What follows once a batch is durable.
#[derive(Default)]
pub(in crate::ledger) struct AfterCommit {
    /// Endpoints whose waiting claims may be served now.
    pub(in crate::ledger) endpoints: HashSet<EndpointName>,
    /// Accounts whose waiting claims may be served now.
    pub(in crate::ledger) accounts: HashSet<Arc<str>>,
    /// Whether claims of every endpoint may be.
    pub(in crate::ledger) everyone: bool,
    /// Whether claims of every account may be.
    pub(in crate::ledger) every_account: bool,
    /// Mailboxes with something to settle.
    pub(in crate::ledger) bells: HashSet<MailboxKey>,
    /// Bytes that will be wanted at once.
    pub(in crate::ledger) fresh: Vec<(MailId, Bytes)>,
    /// Who ended a job and claims the next one of its endpoint in the same transaction, if one is due.
    pub(in crate::ledger) next: Vec<(EndpointName, oneshot::Sender<ClaimedJob>)>,
    /// Leases that were renewed, of each kind.
    pub(in crate::ledger) renewed: Vec<(LeasedRows, Vec<(i64, Fence)>)>,
}

impl AfterCommit {
    pub(in crate::ledger) fn merge(&mut self, other: Self) {
        self.endpoints.extend(other.endpoints);
        self.accounts.extend(other.accounts);
        self.everyone |= other.everyone;
        self.every_account |= other.every_account;
        self.bells.extend(other.bells);
        self.fresh.extend(other.fresh);
        self.next.extend(other.next);
        self.renewed.extend(other.renewed);
    }
}

/// Runs `work` so that it can be undone alone; an error means that the whole transaction is lost.
pub(in crate::ledger) fn savepoint(
    db: &dyn SqlEngine,
    now: i64,
    holder: &LeaseHolder,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<(), Error>,
) -> Result<AfterCommit, Error> {
    run(db, "SAVEPOINT one")?;
    let mut tx = Transaction::new(db, now, holder);
    let after = match work(&mut tx) {
        Ok(()) => tx.after,
        // The engine gives up the whole transaction when it must, as it may on a full disk.
        Err(failed) if !db.in_transaction() => return Err(failed),
        Err(_) => {
            run(db, "ROLLBACK TO one")?;
            AfterCommit::default()
        }
    };
    run(db, "RELEASE one")?;
    Ok(after)
}

/// Runs `work` that fails before it changes anything, unless the engine fails: then the whole transaction is lost. `changes` counts what was
/// changed so far.
pub(in crate::ledger) fn unguarded(
    db: &dyn SqlEngine,
    now: i64,
    holder: &LeaseHolder,
    changes: impl Fn() -> u64,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<(), Error>,
) -> Result<AfterCommit, Error> {
    let before = changes();
    let mut tx = Transaction::new(db, now, holder);
    match work(&mut tx) {
        Ok(()) => Ok(tx.after),
        Err(failed) if !db.in_transaction() || changes() != before => Err(failed),
        Err(_) => Ok(AfterCommit::default()),
    }
}

fn run(db: &dyn SqlEngine, sql: &str) -> Result<(), Error> {
    db.execute(sql, &[])?;
    Ok(())
}
