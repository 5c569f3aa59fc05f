//! A change in a commit of its own, and whether others made one.

use rusqlite::{Connection, TransactionBehavior};

use crate::ledger::{Error, lease::LeaseHolder, rules::transaction::Transaction};

/// Changes something beside the writer, or before there is one. Nobody is told what follows.
pub(in crate::ledger) fn change<T>(
    db: &mut Connection,
    now: i64,
    holder: &LeaseHolder,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let begun = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tx = Transaction::new(&*begun, now, holder);
    let changed = work(&mut tx)?;
    drop(tx);
    begun.commit()?;
    Ok(changed)
}

/// A number that changes when another connection commits, and not when this one does.
pub(in crate::ledger) fn data_version(db: &Connection) -> Result<i64, Error> {
    Ok(db
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?)
}
