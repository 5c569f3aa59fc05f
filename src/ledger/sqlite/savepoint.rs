//! An operation inside a batch: what it works with, and how it is undone alone.

use rusqlite::Connection;

use crate::ledger::{
    Error,
    lease::Holder,
    rules::transaction::{After, Desk},
};

/// Runs `work` so that it can be undone alone; an error means that the whole transaction is lost.
pub(in crate::ledger) fn savepoint(
    db: &Connection,
    now: i64,
    holder: &Holder,
    work: impl FnOnce(&mut Desk<'_>) -> Result<(), Error>,
) -> Result<After, Error> {
    step(db, "SAVEPOINT one")?;
    let mut desk = Desk::new(db, now, holder);
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
pub(in crate::ledger) fn step(db: &Connection, sql: &str) -> Result<(), Error> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}
