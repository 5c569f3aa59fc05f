//! What a mailbox's old mails were before, and so what becomes of each: it was done, it is left, or it is to be taken.

use chrono::{DateTime, Utc};

use super::{leases, maildrop, transaction::Transaction};
use crate::ledger::{
    Error, MailboxKey, MaildropName, OldMail, WatchedMailbox,
    db::{OptionalExtension, SqlEngine, params},
    types::backlog::{BacklogRecord, Sort, sort},
    values::{instant, micros, signed},
};

/// Notes mails of this round: what is left, and what is to be taken.
pub(in crate::ledger) fn note(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    uid_validity: u32,
    mails: &[OldMail],
) -> Result<(), Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    let rules = rules(tx.db, mailbox)?;
    for mail in mails {
        let record = record(tx.db, &rules, uid_validity, mail)?;
        match sort(mail, record, rules.first_look, rules.take_since) {
            Sort::Done => {}
            Sort::Leave => insert(tx.db, rules.mailbox, rules.round, mail, false)?,
            Sort::Take => insert(tx.db, rules.mailbox, rules.round, mail, true)?,
        }
    }
    Ok(())
}

/// By what the mails of a mailbox are sorted.
struct SortRules {
    mailbox: i64,
    round: i64,
    first_look: DateTime<Utc>,
    take_since: Option<DateTime<Utc>>,
}

fn rules(db: &dyn SqlEngine, mailbox: &MailboxKey) -> Result<SortRules, Error> {
    let query = db.prepare(
        "SELECT b.mailbox, b.round, b.first_look, b.take_since
         FROM mailbox m JOIN backlog b ON b.mailbox = m.id WHERE m.name = ?",
    );
    Ok(query.query_row([&*mailbox.0], |row| {
        Ok(SortRules {
            mailbox: row.get(0)?,
            round: row.get(1)?,
            first_look: instant(row.get(2)?),
            take_since: row.get::<Option<i64>>(3)?.map(instant),
        })
    })?)
}

/// What is known of a mail that lies there.
fn record(db: &dyn SqlEngine, rules: &SortRules, uid_validity: u32, mail: &OldMail) -> Result<BacklogRecord, Error> {
    let first = rules.round == 1;
    let here = db.prepare(
        "SELECT m.header_key = ?4 OR m.header_key IS NULL OR ?4 IS NULL FROM place p JOIN mail m ON m.id = p.mail
         WHERE p.mailbox = ?1 AND p.uid_validity = ?2 AND p.uid = ?3",
    );
    let here = here
        .query_row(params![rules.mailbox, uid_validity, mail.uid, mail.key], |row| {
            row.get(0)
        })
        .optional()?
        .unwrap_or(false);
    let known = BacklogRecord {
        first,
        here,
        ..BacklogRecord::default()
    };
    if first || here {
        return Ok(known);
    }
    by_key(db, rules.mailbox, rules.round, mail)
}

/// The same by its header alone, over the rounds before this one.
fn by_key(db: &dyn SqlEngine, mailbox: i64, round: i64, mail: &OldMail) -> Result<BacklogRecord, Error> {
    let Some(key) = mail.key else {
        return Ok(BacklogRecord::default());
    };
    let taken = db.prepare("SELECT EXISTS (SELECT 1 FROM mail WHERE mailbox = ?1 AND header_key = ?2)");
    let left = db.prepare("SELECT max(wanted) FROM backlog_mail WHERE mailbox = ?1 AND key = ?2 AND round < ?3");
    Ok(BacklogRecord {
        taken: taken.query_row(params![mailbox, key], |row| row.get(0))?,
        left: left.query_row(params![mailbox, key, round], |row| row.get(0))?,
        ..BacklogRecord::default()
    })
}

fn insert(db: &dyn SqlEngine, mailbox: i64, round: i64, mail: &OldMail, wanted: bool) -> Result<(), Error> {
    db.prepare(
        "INSERT INTO backlog_mail (mailbox, round, uid, key, received, size, sender, subject, wanted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )
    .execute(params![
        mailbox,
        round,
        mail.uid,
        mail.key,
        mail.received.or(mail.written).map(micros),
        signed(mail.size),
        mail.sender,
        mail.subject,
        wanted
    ])?;
    Ok(())
}

/// Leaves those mails of a maildrop that were there before.
pub(in crate::ledger) fn sort_maildrop(
    tx: &mut Transaction<'_>,
    mailbox: &WatchedMailbox,
    mails: Vec<(MaildropName, OldMail)>,
    first: bool,
) -> Result<(), Error> {
    let rules = rules(tx.db, leases::watched(tx, mailbox)?)?;
    for (name, mut mail) in mails {
        let record = if first {
            BacklogRecord {
                first,
                ..BacklogRecord::default()
            }
        } else {
            by_key(tx.db, rules.mailbox, i64::MAX, &mail)?
        };
        // What is taken is not skipped: the watch finds it by itself.
        if sort(&mail, record, rules.first_look, rules.take_since) == Sort::Leave {
            mail.uid = maildrop::skip(tx, mailbox, &[name])?.first().copied().unwrap_or(0);
            insert(tx.db, rules.mailbox, rules.round, &mail, false)?;
        }
    }
    Ok(())
}
