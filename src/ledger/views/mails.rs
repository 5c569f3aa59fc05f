//! What is known of mailboxes, and the bytes of mails and replies.

use std::{ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{
    job::JobId,
    ledger::{
        Cursor, Error, MailId, MailboxKey,
        db::{BlobColumn, OptionalExtension, SqlEngine},
        rules::mail_bytes::pieces,
        values::instant,
    },
};

/// Every mailbox that was ever read.
pub(in crate::ledger) fn mailboxes(db: &dyn SqlEngine) -> Result<Vec<MailboxKey>, Error> {
    let query = db.prepare("SELECT name FROM mailbox ORDER BY id");
    let names = query.query_map((), |row| Ok(MailboxKey(row.get::<Arc<str>>(0)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// How far a mailbox was read.
pub(in crate::ledger) fn cursor(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
    let query = db.prepare("SELECT uid_validity, uid_next FROM mailbox WHERE name = ?");
    let cursor = query.query_row([&*mailbox.0], |row| {
        Ok(Cursor {
            uid_validity: row.get(0)?,
            uid_next: row.get(1)?,
        })
    });
    Ok(cursor.optional()?)
}

/// When the mail with the last number of a mailbox was taken.
pub(in crate::ledger) fn last_taken(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Option<DateTime<Utc>>, Error> {
    let query = db.prepare(
        "SELECT mail.taken FROM place JOIN mail ON mail.id = place.mail
         WHERE place.mailbox = (SELECT id FROM mailbox WHERE name = ?)
         ORDER BY place.uid_validity DESC, place.uid DESC LIMIT 1",
    );
    let taken: Option<i64> = query.query_row([&*mailbox.0], |row| row.get(0)).optional()?;
    Ok(taken.map(instant))
}

/// A mail's bytes, in one allocation: all of them, or none. Whoever gets the bytes of a mail gets them here, or as they were just taken.
pub(in crate::ledger) fn raw(db: &dyn SqlEngine, mail: MailId) -> Result<Bytes, Error> {
    let missing = || Error::Missing(format!("mail {} with its bytes", mail.0));
    let (size, lacks): (i64, Option<String>) = db
        .prepare("SELECT size, lacks FROM mail WHERE id = ?")
        .query_row([mail.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(missing)?;
    if let Some(why) = lacks {
        return Err(Error::Incomplete(why));
    }
    let size = usize::try_from(size).map_err(|_| missing())?;
    let mut bytes = Vec::with_capacity(size);
    let (first, last) = pieces(mail.0);
    let query = db.prepare("SELECT data FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    query.each([first, last], |row| {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob()?);
        Ok(ControlFlow::Continue(()))
    })?;
    if bytes.len() == size {
        Ok(bytes.into())
    } else {
        Err(missing())
    }
}

/// Where the letters of replies are.
pub(in crate::ledger) const REPLY_BODY: BlobColumn = BlobColumn {
    table: "reply_body",
    key: "job",
    column: "bytes",
    row: 0,
};

/// Bytes of a letter that are read at once.
const LETTER_PIECE: usize = 256 << 10;

/// A piece of a reply's letter, from there on. The engine holds none of it.
pub(in crate::ledger) fn letter(db: &dyn SqlEngine, job: JobId, from: u64) -> Result<Bytes, Error> {
    let row: i64 = db
        .prepare("SELECT b.job FROM job j JOIN reply_body b ON b.job = j.id WHERE j.uuid = ?")
        .query_row([job], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::Missing(format!("the letter of job {job}")))?;
    let piece = db.read_bytes(BlobColumn { row, ..REPLY_BODY }, from, LETTER_PIECE)?;
    Ok(piece.into())
}
