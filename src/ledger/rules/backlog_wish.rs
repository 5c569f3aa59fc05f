//! The operator's side of a backlog: a look at what is left, and what is to be taken of it.

use chrono::{DateTime, Utc};

use super::{
    backlog::{backlog, choice, knows_account, place, wake, want},
    leases,
    transaction::Transaction,
};
use crate::ledger::{
    BacklogAnswer, BacklogChoice, BacklogPage, BacklogRow, BacklogWish, Error, MailboxKey, WatchedMailbox,
    db::{SqlEngine, params},
    values::{instant, micros, signed},
};

/// A page of what is left, the newest first.
pub(in crate::ledger) fn page(
    db: &dyn SqlEngine,
    mailbox: &MailboxKey,
    since: Option<DateTime<Utc>>,
    before: Option<u32>,
    max: usize,
) -> Result<BacklogPage, Error> {
    let found = backlog(db, mailbox)?;
    let Some((row, round)) = place(db, &mailbox.0)? else {
        return Ok(BacklogPage {
            backlog: found,
            mails: Vec::new(),
            next: None,
        });
    };
    let query = db.prepare(
        "SELECT uid, received, size, sender, subject, wanted FROM backlog_mail
         WHERE mailbox = ?1 AND round = ?2 AND uid < ?3 AND (received >= ?4 OR ?4 IS NULL) ORDER BY uid DESC LIMIT ?5",
    );
    let before = before.map_or(i64::MAX, i64::from);
    let rows = query.query_map(params![row, round, before, since.map(micros), signed(max + 1)], |row| {
        Ok(BacklogRow {
            uid: row.get(0)?,
            received: row.get::<Option<i64>>(1)?.map(instant),
            size: row.get::<i64>(2)?.unsigned_abs(),
            from: row.get(3)?,
            subject: row.get(4)?,
            wanted: row.get(5)?,
        })
    })?;
    let mut mails = rows.collect::<Result<Vec<_>, _>>()?;
    let more = mails.len() > max;
    mails.truncate(max);
    let next = mails.last().map(|mail| mail.uid).filter(|_| more);
    Ok(BacklogPage {
        backlog: found,
        mails,
        next,
    })
}

/// Mails that were listed came while the mailbox could not be opened, as its watch says: they are taken. None where it names none: a wish
/// without UIDs is one for all.
pub(in crate::ledger) fn came(tx: &mut Transaction<'_>, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    if !uids.is_empty() {
        take(tx, mailbox, &BacklogWish { since: None, uids })?;
    }
    Ok(())
}

/// An operator wants mails taken. Of a mailbox that was not looked at yet it is noted what to do then.
pub(in crate::ledger) fn take(
    tx: &mut Transaction<'_>,
    mailbox: &MailboxKey,
    wish: &BacklogWish,
) -> Result<BacklogAnswer, Error> {
    let Some((row, round)) = place(tx.db, &mailbox.0)? else {
        // Nobody knows yet which mails these are: a word on some of them is none on all.
        if wish.uids.is_empty() && !is_seen(tx.db, mailbox)? {
            choose(tx, mailbox, BacklogChoice::Take { since: wish.since })?;
        }
        return Ok(BacklogAnswer {
            taken: 0,
            backlog: None,
        });
    };
    let mut taken = 0;
    if wish.uids.is_empty() {
        taken = want(tx, mailbox, wish.since)?;
    }
    for uid in &wish.uids {
        taken += tx
            .db
            .prepare(
                "UPDATE backlog_mail SET wanted = 1 WHERE mailbox = ?1 AND round = ?2 AND uid = ?3 AND wanted = 0
                 AND (received >= ?4 OR ?4 IS NULL)",
            )
            .execute(params![row, round, uid, wish.since.map(micros)])? as u64;
    }
    wake(tx, mailbox, row)?;
    Ok(BacklogAnswer {
        taken,
        backlog: backlog(tx.db, mailbox)?,
    })
}

/// An operator wants what lies there left, where nobody had decided.
pub(in crate::ledger) fn skip(tx: &mut Transaction<'_>, mailbox: &MailboxKey) -> Result<BacklogAnswer, Error> {
    if !is_seen(tx.db, mailbox)? {
        choose(tx, mailbox, BacklogChoice::Skip)?;
    }
    Ok(BacklogAnswer {
        taken: 0,
        backlog: backlog(tx.db, mailbox)?,
    })
}

/// Whether nobody has to say what becomes of what lies in a mailbox: as the watch judges at its first look.
pub(in crate::ledger) fn is_decided(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<bool, Error> {
    if is_seen(db, mailbox)? || choice(db, mailbox)?.is_some() {
        return Ok(true);
    }
    let account = mailbox.0.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    account.map_or(Ok(false), |(account, _)| knows_account(db, account))
}

/// Whether a mailbox was looked at.
fn is_seen(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<bool, Error> {
    let query = db.prepare("SELECT EXISTS (SELECT 1 FROM mailbox WHERE name = ?)");
    Ok(query.query_row([&*mailbox.0], |row| row.get(0))?)
}

fn choose(tx: &mut Transaction<'_>, mailbox: &MailboxKey, choice: BacklogChoice) -> Result<(), Error> {
    let (take, since) = match choice {
        BacklogChoice::Skip => (false, None),
        BacklogChoice::Take { since } => (true, since),
    };
    tx.db
        .prepare(
            "INSERT INTO backlog_choice (mailbox, take, since) VALUES (?1, ?2, ?3)
             ON CONFLICT (mailbox) DO UPDATE SET take = excluded.take, since = excluded.since",
        )
        .execute(params![&*mailbox.0, take, since.map(micros)])?;
    tx.after.bells.insert(mailbox.clone());
    Ok(())
}
