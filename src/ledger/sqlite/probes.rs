//! Mails of ours that lie in mailboxes to find a second ledger there.

use rusqlite::{Connection, params};

use crate::ledger::{Error, MailboxKey};

/// Where they are in a mailbox, by UIDVALIDITY and UID.
pub(super) fn all(db: &Connection, mailbox: &MailboxKey) -> Result<Vec<(u32, u32)>, Error> {
    let mut query = db.prepare_cached("SELECT uid_validity, uid FROM probe WHERE mailbox = ?1")?;
    let rows = query.query_map([&mailbox.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// These are all of them.
pub(super) fn note(db: &Connection, mailbox: &MailboxKey, places: &[(u32, u32)]) -> Result<(), Error> {
    db.prepare_cached("DELETE FROM probe WHERE mailbox = ?1")?
        .execute([&mailbox.0])?;
    for (uid_validity, uid) in places {
        db.prepare_cached("INSERT INTO probe (mailbox, uid_validity, uid) VALUES (?1, ?2, ?3)")?
            .execute(params![mailbox.0, uid_validity, uid])?;
    }
    Ok(())
}
