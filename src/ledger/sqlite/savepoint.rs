//! An operation inside a batch: what it works with, and how it is undone alone.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::values::instant;
use crate::{
    config::EndpointName,
    ledger::{Error, MailId, MailboxKey},
};

/// What an operation works with.
pub(super) struct Desk<'a> {
    /// Inside the batch's transaction and the operation's savepoint.
    pub(super) db: &'a Connection,
    /// The batch's time, in microseconds.
    pub(super) now: i64,
    /// What follows once the batch is durable.
    pub(super) after: After,
}

impl Desk<'_> {
    /// When something is due that was asked for at `asked`: as long after now. The clock may have been set in between.
    pub(super) fn as_long_after(&self, due: DateTime<Utc>, asked: DateTime<Utc>) -> DateTime<Utc> {
        due.checked_add_signed(instant(self.now) - asked).unwrap_or(due)
    }
}

/// What follows once a batch is durable.
#[derive(Default)]
pub(super) struct After {
    /// Endpoints whose waiting claims may be served now.
    pub(super) endpoints: HashSet<EndpointName>,
    /// Accounts whose waiting claims may be served now.
    pub(super) accounts: HashSet<Arc<str>>,
    /// Whether claims of every endpoint may be.
    pub(super) everyone: bool,
    /// Whether claims of every account may be.
    pub(super) every_account: bool,
    /// Mailboxes with something to settle.
    pub(super) bells: HashSet<MailboxKey>,
    /// Bytes that will be wanted at once.
    pub(super) fresh: Vec<(MailId, Bytes)>,
}

impl After {
    pub(super) fn merge(&mut self, other: Self) {
        self.endpoints.extend(other.endpoints);
        self.accounts.extend(other.accounts);
        self.everyone |= other.everyone;
        self.every_account |= other.every_account;
        self.bells.extend(other.bells);
        self.fresh.extend(other.fresh);
    }
}

/// Runs `work` so that it can be undone alone; an error means that the whole transaction is lost.
pub(super) fn savepoint(
    db: &Connection,
    now: i64,
    work: impl FnOnce(&mut Desk<'_>) -> Result<(), Error>,
) -> Result<After, Error> {
    step(db, "SAVEPOINT one")?;
    let mut desk = Desk {
        db,
        now,
        after: After::default(),
    };
    let after = match work(&mut desk) {
        Ok(()) => desk.after,
        // The engine gives up the whole transaction when it must, as it may on a full disk.
        Err(failed) if db.is_autocommit() => return Err(failed),
        Err(_) => {
            step(db, "ROLLBACK TO one")?;
            After::default()
        }
    };
    step(db, "RELEASE one")?;
    Ok(after)
}

/// Runs a statement without parameters.
pub(super) fn step(db: &Connection, sql: &str) -> Result<(), Error> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}
