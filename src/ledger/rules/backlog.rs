//! Mails that lay in a mailbox before it was watched: a row each, so that they are known again when the server renumbers them, and so
//! that operators can look at them and have them taken.

use chrono::{DateTime, Utc};

use super::{leases, take::read_up_to, transaction::Transaction};
use crate::ledger::{
    BacklogChoice, BacklogSummary, Cursor, Error, MailboxKey, WatchedMailbox,
    db::{OptionalExtension, SqlEngine, params},
    values::{instant, micros, signed},
};

/// The mailbox's row, and its round.
pub(in crate::ledger) fn place(db: &dyn SqlEngine, mailbox: &str) -> Result<Option<(i64, i64)>, Error> {
    let query =
        db.prepare("SELECT b.mailbox, b.round FROM mailbox m JOIN backlog b ON b.mailbox = m.id WHERE m.name = ?");
    Ok(query
        .query_row([mailbox], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// How a mailbox's backlog stands.
pub(in crate::ledger) fn backlog(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Option<BacklogSummary>, Error> {
    let query = db.prepare(
        "SELECT b.first_look, b.listed, b.older,
           (SELECT count(*) FROM backlog_mail w WHERE w.mailbox = b.mailbox AND w.round = b.round),
           (SELECT count(*) FROM backlog_mail w WHERE w.mailbox = b.mailbox AND w.round = b.round AND w.wanted = 1)
         FROM mailbox m JOIN backlog b ON b.mailbox = m.id WHERE m.name = ?",
    );
    let found = query.query_row([&*mailbox.0], |row| {
        let [older, rows, wanted] = [row.get::<i64>(2)?, row.get(3)?, row.get(4)?].map(i64::unsigned_abs);
        Ok(BacklogSummary {
            first_look: instant(row.get(0)?),
            listed: row.get(1)?,
            older,
            left: (rows + older).saturating_sub(wanted),
            wanted,
        })
    });
    Ok(found.optional()?)
}

/// What an operator said before the first look.
pub(in crate::ledger) fn choice(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Option<BacklogChoice>, Error> {
    let query = db.prepare("SELECT take, since FROM backlog_choice WHERE mailbox = ? AND take IS NOT NULL");
    let said = query.query_row([&*mailbox.0], |row| {
        let since: Option<i64> = row.get(1)?;
        Ok(match row.get(0)? {
            true => BacklogChoice::Take {
                since: since.map(instant),
            },
            false => BacklogChoice::Skip,
        })
    });
    Ok(said.optional()?)
}

/// A mailbox waits for a word since it was read up to here.
pub(in crate::ledger) fn wait(tx: &Transaction<'_>, mailbox: &WatchedMailbox, cursor: Cursor) -> Result<Cursor, Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    tx.db
        .prepare(
            "INSERT INTO backlog_choice (mailbox, uid_validity, uid_next) VALUES (?1, ?2, ?3)
             ON CONFLICT (mailbox) DO UPDATE SET uid_validity = ?2, uid_next = ?3 WHERE backlog_choice.uid_validity IS DISTINCT FROM ?2",
        )
        .execute(params![&*mailbox.0, cursor.uid_validity, cursor.uid_next])?;
    Ok(waited(tx.db, mailbox)?.unwrap_or(cursor))
}

/// Up to where a mailbox that waited counts as read.
pub(in crate::ledger) fn waited(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
    let query =
        db.prepare("SELECT uid_validity, uid_next FROM backlog_choice WHERE mailbox = ? AND uid_validity IS NOT NULL");
    let cursor = query.query_row([&*mailbox.0], |row| {
        Ok(Cursor {
            uid_validity: row.get(0)?,
            uid_next: row.get(1)?,
        })
    });
    Ok(cursor.optional()?)
}

/// Whether a mail of this account was taken.
pub(in crate::ledger) fn knows_account(db: &dyn SqlEngine, account: &str) -> Result<bool, Error> {
    let is_of_it = (db.dialect().has_in_it)("mailbox.name", "'://' || ?1 || '/'");
    let query = db.prepare(format!(
        "SELECT EXISTS (SELECT 1 FROM mailbox WHERE {is_of_it} AND EXISTS (SELECT 1 FROM place WHERE place.mailbox = mailbox.id))",
    ));
    Ok(query.query_row([account], |row| row.get(0))?)
}

/// Since when a mailbox is to be watched that was not looked at yet. An operator's word on what lies there counts for more.
pub(in crate::ledger) fn begun(tx: &Transaction<'_>, mailbox: &WatchedMailbox) -> Result<Option<DateTime<Utc>>, Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    tx.db
        .prepare(
            "INSERT INTO backlog_choice (mailbox, since) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM mailbox WHERE name = ?1)
             ON CONFLICT (mailbox) DO UPDATE SET since = excluded.since
             WHERE backlog_choice.take IS NULL AND backlog_choice.since IS NULL",
        )
        .execute(params![&*mailbox.0, tx.now])?;
    let query = tx
        .db
        .prepare("SELECT since FROM backlog_choice WHERE mailbox = ? AND take IS NULL AND since IS NOT NULL");
    let since: Option<i64> = query.query_row([&*mailbox.0], |row| row.get(0)).optional()?;
    Ok(since.map(instant))
}

/// Leaves all mails as they are, and begins a round of listing them.
pub(in crate::ledger) fn begin(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    cursor: Cursor,
    take_since: Option<i64>,
) -> Result<(), Error> {
    let (mailbox, row) = read_up_to(tx, mailbox, cursor)?;
    tx.db
        .prepare(
            "INSERT INTO backlog (mailbox, first_look, take_since) VALUES (?1, ?2, ?3)
             ON CONFLICT (mailbox) DO UPDATE SET round = backlog.round + 1, listed = 0, tries = 0, older = 0",
        )
        .execute(params![row, tx.now, take_since])?;
    tx.db
        .prepare("DELETE FROM backlog_choice WHERE mailbox = ? AND (take IS NOT NULL OR since IS NULL)")
        .execute([&*mailbox.0])?;
    Ok(())
}

/// Counts a session that begins to list them.
pub(in crate::ledger) fn attempt(tx: &Transaction<'_>, mailbox: &WatchedMailbox) -> Result<u32, Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    let Some((row, _)) = place(tx.db, &mailbox.0)? else {
        return Ok(0);
    };
    let count = tx
        .db
        .prepare("UPDATE backlog SET tries = tries + 1 WHERE mailbox = ? RETURNING tries");
    Ok(count.query_row([row], |row| row.get(0))?)
}

/// All of this round were noted.
pub(in crate::ledger) fn listed(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    older: u64,
) -> Result<BacklogSummary, Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    let missing = || Error::Missing(format!("the backlog of {mailbox}"));
    let (row, round) = place(tx.db, &mailbox.0)?.ok_or_else(missing)?;
    tx.db
        .prepare("UPDATE backlog SET listed = 1, older = ?2 WHERE mailbox = ?1")
        .execute(params![row, signed(older)])?;
    tx.db
        .prepare("DELETE FROM backlog_mail WHERE mailbox = ?1 AND round < ?2")
        .execute([row, round])?;
    tx.db
        .prepare("DELETE FROM backlog_choice WHERE mailbox = ?")
        .execute([&*mailbox.0])?;
    backlog(tx.db, mailbox)?.ok_or_else(missing)
}

/// The first of those that are to be taken.
pub(in crate::ledger) fn wanted(db: &dyn SqlEngine, mailbox: &MailboxKey, max: i64) -> Result<Vec<u32>, Error> {
    let Some((row, round)) = place(db, &mailbox.0)? else {
        return Ok(Vec::new());
    };
    let query = db
        .prepare("SELECT uid FROM backlog_mail WHERE mailbox = ?1 AND round = ?2 AND wanted = 1 ORDER BY uid LIMIT ?3");
    let uids = query.query_map([row, round, max], |row| row.get(0))?;
    Ok(uids.collect::<Result<_, _>>()?)
}

/// They were taken, or are gone.
pub(in crate::ledger) fn taken(tx: &Transaction<'_>, mailbox: &WatchedMailbox, uids: &[u32]) -> Result<(), Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    let Some((row, round)) = place(tx.db, &mailbox.0)? else {
        return Ok(());
    };
    let delete = tx
        .db
        .prepare("DELETE FROM backlog_mail WHERE mailbox = ?1 AND round = ?2 AND uid = ?3");
    for uid in uids {
        delete.execute(params![row, round, uid])?;
    }
    Ok(())
}

/// A file wants mails taken, as the watch says: those that were received since then, or all.
pub(in crate::ledger) fn wanted_by_file(
    tx: &mut Transaction<'_>,
    mailbox: &WatchedMailbox,
    since: Option<DateTime<Utc>>,
) -> Result<u64, Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    want(tx, mailbox, since)
}

/// Has mails taken: those that were received since then, or all.
pub(in crate::ledger) fn want(
    tx: &mut Transaction<'_>,
    mailbox: &MailboxKey,
    since: Option<DateTime<Utc>>,
) -> Result<u64, Error> {
    let Some((row, round)) = place(tx.db, &mailbox.0)? else {
        return Ok(0);
    };
    let changed = tx
        .db
        .prepare(
            "UPDATE backlog_mail SET wanted = 1 WHERE mailbox = ?1 AND round = ?2 AND wanted = 0
             AND (received >= ?3 OR ?3 IS NULL)",
        )
        .execute(params![row, round, since.map(micros)])?;
    wake(tx, mailbox, row)?;
    Ok(changed as u64)
}

/// Those of a maildrop are taken as soon as they are not skipped any more; the watch of another mailbox looks for itself.
pub(in crate::ledger) fn wake(tx: &mut Transaction<'_>, mailbox: &MailboxKey, row: i64) -> Result<(), Error> {
    if mailbox.0.starts_with("pop3://") {
        tx.db
            .prepare(
                "UPDATE maildrop SET skipped = 0 WHERE mailbox = ?1 AND skipped = 1
                 AND uid IN (SELECT uid FROM backlog_mail WHERE mailbox = ?1 AND wanted = 1)",
            )
            .execute([row])?;
        tx.db
            .prepare("DELETE FROM backlog_mail WHERE mailbox = ? AND wanted = 1")
            .execute([row])?;
    }
    tx.after.bells.insert(mailbox.clone());
    Ok(())
}

/// What tells this ledger from another one.
pub(in crate::ledger) fn installation(db: &dyn SqlEngine) -> Result<[u8; 16], Error> {
    let query = db.prepare("SELECT id FROM installation LIMIT 1");
    Ok(query.query_row((), |row| row.get(0))?)
}

/// Where mails of ours are in a mailbox to find a second ledger there, by UIDVALIDITY and UID.
pub(in crate::ledger) fn probes(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<Vec<(u32, u32)>, Error> {
    let query = db.prepare("SELECT uid_validity, uid FROM probe WHERE mailbox = ?1");
    let rows = query.query_map([&mailbox.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// These are all of them.
pub(in crate::ledger) fn note_probes(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    places: &[(u32, u32)],
) -> Result<(), Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    tx.db
        .prepare("DELETE FROM probe WHERE mailbox = ?1")
        .execute([&mailbox.0])?;
    let note = tx
        .db
        .prepare("INSERT INTO probe (mailbox, uid_validity, uid) VALUES (?1, ?2, ?3)");
    for (uid_validity, uid) in places {
        note.execute(params![mailbox.0, uid_validity, uid])?;
    }
    Ok(())
}
