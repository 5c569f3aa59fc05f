//! Maildrops (POP3): a number for each mail that a server lists, so that it has a place like a mail of IMAP.

use std::{collections::BTreeSet, ops::ControlFlow};

use super::{backlog, leases, settle, transaction::Transaction};
use crate::ledger::{
    Error, Fingerprint, MAILDROP, MailboxKey, MaildropMail, MaildropName, Place, WatchedMailbox,
    db::{SqlEngine, params},
    values::signed,
};

/// The mails of a maildrop that have a number.
pub(in crate::ledger) fn mails(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error> {
    let query = db.prepare(
        "SELECT d.uidl, d.size, d.uid, d.skipped = 1 OR p.mail IS NOT NULL, d.skipped, coalesce(m.header_key, d.header_key),
           CASE WHEN m.lacks IS NULL THEN m.sha256 END
         FROM maildrop d LEFT JOIN place p ON p.mailbox = d.mailbox AND p.uid_validity = ?2 AND p.uid = d.uid
         LEFT JOIN mail m ON m.id = p.mail WHERE d.mailbox = (SELECT id FROM mailbox WHERE name = ?1)",
    );
    let rows = query.query_map(params![&*mailbox.0, MAILDROP], |row| {
        Ok(MaildropMail {
            name: MaildropName {
                uidl: row.get(0)?,
                size: row.get::<i64>(1)?.unsigned_abs(),
            },
            uid: row.get(2)?,
            taken: row.get(3)?,
            skipped: row.get(4)?,
            print: Fingerprint {
                header_key: row.get(5)?,
                sha256: row.get(6)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives each mail a number of its own: that of one of its name which was not taken, or the next.
pub(in crate::ledger) fn number(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    names: &[MaildropName],
) -> Result<Vec<u32>, Error> {
    let mailbox = mailbox_row(tx, leases::watched(tx, mailbox)?)?;
    tx.db.lock_count(b"maildrop")?;
    let mut next = next(tx.db, mailbox)?;
    let free = tx.db.prepare(
        "SELECT uid FROM maildrop d WHERE mailbox = ?1 AND uidl = ?2 AND size = ?3 AND skipped = 0
         AND NOT EXISTS (SELECT 1 FROM place p WHERE p.mailbox = d.mailbox AND p.uid_validity = ?4 AND p.uid = d.uid) ORDER BY uid",
    );
    let insert = tx
        .db
        .prepare("INSERT INTO maildrop (mailbox, uidl, size, uid) VALUES (?1, ?2, ?3, ?4)");
    let mut given = BTreeSet::new();
    let mut numbers = Vec::with_capacity(names.len());
    for name in names {
        let size = signed_size(name.size);
        let mut number = None;
        free.each(params![mailbox, name.uidl, size, MAILDROP], |row| {
            number = Some(row.get(0)?).filter(|number: &i64| !given.contains(number));
            Ok(match number {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            })
        })?;
        let number = match number {
            Some(number) => number,
            None => {
                insert.execute(params![mailbox, name.uidl, size, next])?;
                next += 1;
                next - 1
            }
        };
        given.insert(number);
        numbers.push(u32::try_from(number).map_err(|_| Error::Engine("a maildrop ran out of numbers".to_owned()))?);
    }
    Ok(numbers)
}

/// Notes what was read of the headers of these mails.
pub(in crate::ledger) fn seen(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    keys: &[(u32, [u8; 32])],
) -> Result<(), Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    let note = tx.db.prepare(
        "UPDATE maildrop SET header_key = ?3 WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND uid = ?2",
    );
    for (uid, key) in keys {
        note.execute(params![&*mailbox.0, uid, key])?;
    }
    Ok(())
}

/// Notes that these mails are never to be taken, and that the maildrop was seen; gives back their numbers.
pub(in crate::ledger) fn skip(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    names: &[MaildropName],
) -> Result<Vec<u32>, Error> {
    let uids = number(tx, mailbox, names)?;
    let mailbox = leases::watched(tx, mailbox)?;
    let skip = tx.db.prepare(
        "UPDATE maildrop SET skipped = 1 WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND uid = ?2",
    );
    for uid in &uids {
        skip.execute(params![&*mailbox.0, uid])?;
    }
    Ok(uids)
}

/// Notes that these mails are not in the maildrop any more.
pub(in crate::ledger) fn left(tx: &Transaction<'_>, mailbox: &WatchedMailbox, uids: &[u32]) -> Result<(), Error> {
    let place = |&uid| Place {
        uid_validity: MAILDROP,
        uid,
    };
    let places: Vec<_> = uids.iter().map(place).collect();
    settle::settled(tx, mailbox, &places)?;
    let forget = tx
        .db
        .prepare("DELETE FROM maildrop WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND uid = ?2");
    let name = leases::watched(tx, mailbox)?;
    for uid in uids {
        forget.execute(params![&*name.0, uid])?;
    }
    backlog::taken(tx, mailbox, uids)
}

fn mailbox_row(tx: &Transaction<'_>, mailbox: &MailboxKey) -> Result<i64, Error> {
    tx.db
        .prepare("INSERT INTO mailbox (name, uid_validity, uid_next) VALUES (?1, ?2, 1) ON CONFLICT DO NOTHING")
        .execute(params![&*mailbox.0, MAILDROP])?;
    let query = tx.db.prepare("SELECT id FROM mailbox WHERE name = ?");
    Ok(query.query_row([&*mailbox.0], |row| row.get(0))?)
}

/// The first number that no mail has. One that a mail was taken under is never given to another: its place is remembered.
fn next(db: &dyn SqlEngine, mailbox: i64) -> Result<i64, Error> {
    let greatest = db.dialect().greatest;
    let query = db.prepare(format!(
        "SELECT 1 + {greatest}(coalesce((SELECT max(uid) FROM maildrop WHERE mailbox = ?1), 0),
                        coalesce((SELECT max(uid) FROM place WHERE mailbox = ?1 AND uid_validity = ?2), 0))",
    ));
    Ok(query.query_row(params![mailbox, MAILDROP], |row| row.get(0))?)
}

fn signed_size(size: u64) -> i64 {
    signed(usize::try_from(size).unwrap_or(usize::MAX))
}
