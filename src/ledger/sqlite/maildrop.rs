//! Maildrops (POP3): a number for each mail that a server lists, so that it has a place like a mail of IMAP.

use rusqlite::{Connection, OptionalExtension, params};

use super::{backlog, savepoint::Desk, settle, values::signed};
use crate::ledger::{Error, MAILDROP, MailboxKey, MaildropMail, MaildropName, Place};

/// The mails of a maildrop that have a number.
pub(super) fn mails(db: &Connection, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error> {
    let mut query = db.prepare_cached(
        "SELECT d.uidl, d.size, d.uid, d.skipped OR EXISTS (SELECT 1 FROM place p WHERE p.mailbox = d.mailbox AND p.uid_validity = ?2 AND p.uid = d.uid),
           d.skipped
         FROM maildrop d WHERE d.mailbox = (SELECT id FROM mailbox WHERE name = ?1)",
    )?;
    let rows = query.query_map(params![&*mailbox.0, MAILDROP], |row| {
        Ok(MaildropMail {
            name: MaildropName {
                uidl: row.get(0)?,
                size: row.get::<_, i64>(1)?.unsigned_abs(),
            },
            uid: row.get(2)?,
            taken: row.get(3)?,
            skipped: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives each mail its number: the one that it has, or the next.
pub(super) fn number(desk: &Desk<'_>, mailbox: &MailboxKey, names: &[MaildropName]) -> Result<Vec<u32>, Error> {
    let mailbox = mailbox_row(desk, mailbox)?;
    let mut next = next(desk.db, mailbox)?;
    let mut numbers = Vec::with_capacity(names.len());
    for name in names {
        let size = signed_size(name.size);
        let known = desk
            .db
            .prepare_cached("SELECT uid FROM maildrop WHERE mailbox = ?1 AND uidl = ?2 AND size = ?3")?
            .query_row(params![mailbox, name.uidl, size], |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => {
                desk.db
                    .prepare_cached("INSERT INTO maildrop (mailbox, uidl, size, uid) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![mailbox, name.uidl, size, next])?;
                next += 1;
                next - 1
            }
        };
        numbers.push(u32::try_from(number).map_err(|_| Error::Engine("a maildrop ran out of numbers".to_owned()))?);
    }
    Ok(numbers)
}

/// Notes that these mails are never to be taken, and that the maildrop was seen.
pub(super) fn skip(desk: &Desk<'_>, mailbox: &MailboxKey, names: &[MaildropName]) -> Result<(), Error> {
    let uids = number(desk, mailbox, names)?;
    let mut skip = desk.db.prepare_cached(
        "UPDATE maildrop SET skipped = 1 WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND uid = ?2",
    )?;
    for uid in uids {
        skip.execute(params![&*mailbox.0, uid])?;
    }
    Ok(())
}

/// Notes that these mails are not in the maildrop any more.
pub(super) fn left(desk: &Desk<'_>, mailbox: &MailboxKey, uids: &[u32]) -> Result<(), Error> {
    let place = |&uid| Place {
        uid_validity: MAILDROP,
        uid,
    };
    let places: Vec<_> = uids.iter().map(place).collect();
    settle::settled(desk.db, desk.now, mailbox, &places)?;
    let mut forget = desk
        .db
        .prepare_cached("DELETE FROM maildrop WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND uid = ?2")?;
    for uid in uids {
        forget.execute(params![&*mailbox.0, uid])?;
    }
    backlog::taken(desk, mailbox, uids)
}

fn mailbox_row(desk: &Desk<'_>, mailbox: &MailboxKey) -> Result<i64, Error> {
    desk.db
        .prepare_cached("INSERT INTO mailbox (name, uid_validity, uid_next) VALUES (?1, ?2, 1) ON CONFLICT DO NOTHING")?
        .execute(params![&*mailbox.0, MAILDROP])?;
    let mut query = desk.db.prepare_cached("SELECT id FROM mailbox WHERE name = ?")?;
    Ok(query.query_row([&*mailbox.0], |row| row.get(0))?)
}

/// The first number that no mail has. One that a mail was taken under is never given to another: its place is remembered.
fn next(db: &Connection, mailbox: i64) -> Result<i64, Error> {
    let mut query = db.prepare_cached(
        "SELECT 1 + max(ifnull((SELECT max(uid) FROM maildrop WHERE mailbox = ?1), 0),
                        ifnull((SELECT max(uid) FROM place WHERE mailbox = ?1 AND uid_validity = ?2), 0))",
    )?;
    Ok(query.query_row(params![mailbox, MAILDROP], |row| row.get(0))?)
}

fn signed_size(size: u64) -> i64 {
    signed(usize::try_from(size).unwrap_or(usize::MAX))
}
