//! A change in a commit of its own.

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
