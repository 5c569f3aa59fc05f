//! A change in a commit of its own.

use rusqlite::{Connection, TransactionBehavior};

use crate::ledger::{Error, lease::Holder, rules::transaction::Desk};

/// Changes something beside the writer, or before there is one. Nobody is told what follows.
pub(in crate::ledger) fn change<T>(
    db: &mut Connection,
    now: i64,
    holder: &Holder,
    work: impl FnOnce(&mut Desk<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut desk = Desk::new(&*tx, now, holder);
    let changed = work(&mut desk)?;
    drop(desk);
    tx.commit()?;
    Ok(changed)
}
