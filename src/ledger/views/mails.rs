//! What is known of mailboxes, and the bytes of mails and replies.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, MAIN_DB, OptionalExtension};

use crate::{
    job::JobId,
    ledger::{Cursor, Error, MailId, MailboxKey, rules::mail_bytes::pieces},
};

/// Every mailbox that was ever read.
pub(in crate::ledger) fn mailboxes(db: &Connection) -> Result<Vec<MailboxKey>, Error> {
    let mut query = db.prepare_cached("SELECT name FROM mailbox ORDER BY id")?;
    let names = query.query_map([], |row| Ok(MailboxKey(row.get::<_, Arc<str>>(0)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// How far a mailbox was read.
pub(in crate::ledger) fn cursor(db: &Connection, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
    let mut query = db.prepare_cached("SELECT uid_validity, uid_next FROM mailbox WHERE name = ?")?;
    let cursor = query.query_row([&*mailbox.0], |row| {
        Ok(Cursor {
            uid_validity: row.get(0)?,
            uid_next: row.get(1)?,
        })
    });
    Ok(cursor.optional()?)
}

/// A mail's bytes, in one allocation: all of them, or none. Whoever gets the bytes of a mail gets them here, or as they were just taken.
pub(in crate::ledger) fn raw(db: &Connection, mail: MailId) -> Result<Bytes, Error> {
    let missing = || Error::Missing(format!("mail {} with its bytes", mail.0));
    let (size, lacks): (i64, Option<String>) = db
        .prepare_cached("SELECT size, lacks FROM mail WHERE id = ?")?
        .query_row([mail.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(missing)?;
    if let Some(why) = lacks {
        return Err(Error::Incomplete(why));
    }
    let size = usize::try_from(size).map_err(|_| missing())?;
    let mut bytes = Vec::with_capacity(size);
    let (first, last) = pieces(mail.0);
    let mut query = db.prepare_cached("SELECT data FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = query.query([first, last])?;
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    if bytes.len() == size {
        Ok(bytes.into())
    } else {
        Err(missing())
    }
}

/// Bytes of a letter that are read at once.
const LETTER_PIECE: usize = 256 << 10;

/// A piece of a reply's letter, from there on. SQLite finds its way to it through the letter's pages and holds none of it.
pub(in crate::ledger) fn letter(db: &Connection, job: JobId, from: u64) -> Result<Bytes, Error> {
    let row: i64 = db
        .prepare_cached("SELECT b.job FROM job j JOIN reply_body b ON b.job = j.id WHERE j.uuid = ?")?
        .query_row([job], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::Missing(format!("the letter of job {job}")))?;
    let blob = db.blob_open(MAIN_DB, "reply_body", "bytes", row, true)?;
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(blob.len());
    let mut piece = vec![0; LETTER_PIECE.min(blob.len() - from)];
    blob.read_at_exact(&mut piece, from)?;
    Ok(piece.into())
}
