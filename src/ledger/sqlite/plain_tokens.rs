//! The first schema kept refresh tokens as they are, in the table `token`: they are sealed and moved, and what they were written
//! on is wiped. The table stays until that is done, so that an interrupted start does the rest at the next one.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::{auth::SealKey, ledger::Error, secret::Secret};

/// Seals what is there, all or nothing. Remains that can't be wiped are told in the log and tried again at the next start.
pub(in crate::ledger) fn seal(db: &mut Connection, key: &SealKey) -> Result<(), Error> {
    let there = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'token'";
    if db.query_row(there, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(());
    }
    db.execute_batch("PRAGMA secure_delete = ON")?;
    move_all(db, key)?;
    if let Err(error) = wipe(db) {
        tracing::warn!(%error, "refresh tokens are sealed now, but remains of their plain text could not be wiped from the ledger: trying again at the next start");
    }
    Ok(())
}

/// A sign-in that is sealed already is the newer one.
pub(in crate::ledger) fn move_all(db: &mut Connection, key: &SealKey) -> Result<(), Error> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let plain = tx
        .prepare("SELECT account, refresh_token, origin, stored FROM token")?
        .query_map([], |row| {
            let token = Secret::from(row.get::<_, String>(1)?);
            Ok((row.get::<_, String>(0)?, token, row.get::<_, Vec<u8>>(2)?, row.get(3)?))
        })?
        .collect::<Result<Vec<(_, _, _, i64)>, _>>()?;
    for (account, token, origin, stored) in plain {
        let sealed = key.seal(&account, &token);
        let sealed = sealed.map_err(|error| Error::Engine(error.to_string()))?;
        tx.execute(
            "INSERT INTO sign_in (account, sealed, origin, issued, signed_in, refreshed) VALUES (?1, ?2, ?3, ?4, ?4, ?4)
             ON CONFLICT DO NOTHING",
            params![account, sealed, origin, stored],
        )?;
    }
    tx.execute("DELETE FROM token", [])?;
    Ok(tx.commit()?)
}

/// Writes the file anew without its free space, where older tokens may lie, and empties the log of what was written. The copy
/// goes by a file, not by memory: a ledger may be large.
fn wipe(db: &Connection) -> Result<(), Error> {
    db.execute_batch("PRAGMA temp_store = FILE; VACUUM")?;
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(Error::Engine("another connection still reads".into()));
    }
    Ok(db.execute_batch("DROP TABLE token")?)
}
