//! Dropping what was kept long enough: mails, results, history. What is found by a reader is looked at again by the writer, a few mails
//! in each commit.
//!
//! Never dropped: whatever belongs to a job that has not ended, a reply that waits, a last touch that is due, a conversation that may be
//! answered, news that nobody was told of; and what a mail is known by (`mail`, `place`, `maildrop`).

use std::ops::ControlFlow;

use super::{
    mail_bytes::{drop_bytes, drop_upload},
    parts, past, settle,
    transaction::Transaction,
};
use crate::{
    config::{Keep, Retention},
    ledger::{
        Dropped, Error,
        db::{OptionalExtension, SqlEngine, params},
        values::signed,
    },
};

/// Bytes that one commit drops before it lets others in.
const STEP: u64 = 8 << 20;
/// Mails or replies that one commit drops.
pub(in crate::ledger) const STEP_ROWS: i64 = 64;
/// How old an upload is that nobody will take, in microseconds.
const ABANDONED: i64 = 86_400_000_000;

/// Tables that name a job in a column `job`, those that others name last.
pub(in crate::ledger) const STORY: [&str; 11] = [
    "conversation_answer",
    "conversation",
    "part_file",
    "part_answer",
    "rated",
    "news",
    "past_reply",
    "reply_recipient",
    "reply_body",
    "attempt",
    "reply",
];

/// What may be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum RetainedKind {
    /// Bytes of mails.
    Mails,
    /// Bytes of replies.
    Results,
    /// Rows of jobs, and all that belongs to them.
    History,
}

impl RetainedKind {
    /// Every kind, in the order in which they are dropped.
    pub(in crate::ledger) const ALL: [Self; 3] = [Self::Mails, Self::Results, Self::History];

    /// How it is kept.
    pub(in crate::ledger) fn keep(self, retention: &Retention) -> Keep {
        match self {
            Self::Mails => retention.mails,
            Self::Results => retention.results,
            Self::History => retention.history,
        }
    }

    /// Time and size of each that is kept, the newest first.
    fn sizes(self) -> &'static str {
        match self {
            Self::Mails => "SELECT idle, size FROM mail WHERE idle IS NOT NULL ORDER BY idle DESC",
            Self::Results => {
                "SELECT ended, size FROM reply WHERE size IS NOT NULL AND state IN ('sent', 'refused') ORDER BY ended DESC"
            }
            Self::History => "SELECT ended, story FROM mail WHERE ended IS NOT NULL ORDER BY ended DESC",
        }
    }

    /// Time and row of those before `?3`, from `(?1, ?2)` on, the oldest first.
    fn candidates(self) -> &'static str {
        match self {
            Self::Mails => {
                "SELECT idle, id FROM mail WHERE idle IS NOT NULL AND (idle, id) > (?1, ?2) AND idle < ?3
                 ORDER BY idle, id LIMIT ?4"
            }
            Self::Results => {
                "SELECT ended, job FROM reply WHERE size IS NOT NULL AND state IN ('sent', 'refused')
                 AND (ended, job) > (?1, ?2) AND ended < ?3 ORDER BY ended, job LIMIT ?4"
            }
            Self::History => {
                "SELECT ended, id FROM mail WHERE ended IS NOT NULL AND (ended, id) > (?1, ?2) AND ended < ?3
                 ORDER BY ended, id LIMIT ?4"
            }
        }
    }

    fn drop(self, tx: &Transaction<'_>, row: i64) -> Result<Option<u64>, Error> {
        match self {
            Self::Mails => drop_mail(tx.db, row),
            Self::Results => drop_reply(tx.db, row),
            Self::History => drop_story(tx, row),
        }
    }
}

/// A candidate: its time and its row.
pub(in crate::ledger) type PruneCandidate = (i64, i64);

/// Before when this kind is dropped, in microseconds: by its age, or so that the rest is no larger than it may be.
pub(in crate::ledger) fn before(
    db: &dyn SqlEngine,
    kind: RetainedKind,
    keep: Keep,
    now: i64,
) -> Result<Option<i64>, Error> {
    let age = |age: std::time::Duration| now.saturating_sub(signed(age.as_micros()));
    let too_much = match keep.size {
        Some(most) => first_over(db, kind, most)?,
        None => None,
    };
    Ok(keep.age.map(age).max(too_much))
}

/// The cut-off for a limit on size: just after the end of the newest entry at which the running total, newest first, exceeds `most`.
/// `None` where everything fits.
fn first_over(db: &dyn SqlEngine, kind: RetainedKind, most: u64) -> Result<Option<i64>, Error> {
    let query = db.prepare(kind.sizes());
    let (mut sum, mut found) = (0_u64, None);
    query.each((), |row| {
        sum = sum.saturating_add(row.get::<i64>(1)?.unsigned_abs());
        if sum <= most {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some(row.get::<i64>(0)?.saturating_add(1));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// The next candidates behind this one.
pub(in crate::ledger) fn candidates(
    db: &dyn SqlEngine,
    kind: RetainedKind,
    behind: PruneCandidate,
    before: i64,
) -> Result<Vec<PruneCandidate>, Error> {
    let query = db.prepare(kind.candidates());
    let rows = query.query_map([behind.0, behind.1, before, STEP_ROWS], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops those of the candidates that may go, until that is much. Says which was looked at last.
pub(in crate::ledger) fn drop_some(
    tx: &Transaction<'_>,
    kind: RetainedKind,
    found: &[PruneCandidate],
) -> Result<(Dropped, Option<PruneCandidate>), Error> {
    let (mut dropped, mut last) = (Dropped::default(), None);
    for candidate in found {
        last = Some(*candidate);
        if let Some(bytes) = kind.drop(tx, candidate.1)? {
            dropped.count += 1;
            dropped.bytes += bytes;
        }
        if dropped.bytes >= STEP {
            break;
        }
    }
    Ok((dropped, last))
}

/// Drops uploads that nobody will take.
pub(in crate::ledger) fn drop_uploads(tx: &Transaction<'_>) -> Result<u64, Error> {
    let query = tx.db.prepare("SELECT mail FROM upload WHERE started < ?1 LIMIT ?2");
    let found = query.query_map([tx.now - ABANDONED, STEP_ROWS], |row| row.get(0))?;
    let found = found.collect::<Result<Vec<i64>, _>>()?;
    found.into_iter().map(|mail| drop_upload(tx.db, mail)).sum()
}

/// Drops conversations that expired before then, with what counts their answers. Says whether there may be more.
pub(in crate::ledger) fn drop_conversations(tx: &Transaction<'_>, before: i64) -> Result<bool, Error> {
    let dropped = tx
        .db
        .prepare(
            "DELETE FROM conversation WHERE key IN (SELECT key FROM conversation WHERE expires < ?1 ORDER BY expires LIMIT ?2)",
        )
        .execute([before, STEP_ROWS])?;
    Ok(signed(dropped) == STEP_ROWS)
}

/// A mail's bytes, unless its last touch is still due in its mailbox as it is now (its current UIDVALIDITY), or something is to do.
fn drop_mail(db: &dyn SqlEngine, mail: i64) -> Result<Option<u64>, Error> {
    if !has_ended(db, mail)? || is_due(db, mail, "('done', 'failed', 'ignored')")? {
        return Ok(None);
    }
    let bytes = drop_bytes(db, mail)? + parts::forget(db, mail)? + past::forget(db, mail)?;
    db.prepare("UPDATE mail SET idle = NULL WHERE id = ?").execute([mail])?;
    Ok(Some(bytes))
}

/// A reply's bytes.
fn drop_reply(db: &dyn SqlEngine, job: i64) -> Result<Option<u64>, Error> {
    let size = db
        .prepare("SELECT size FROM reply WHERE job = ? AND state IN ('sent', 'refused')")
        .query_row([job], |row| row.get::<Option<i64>>(0))
        .optional()?;
    let Some(size) = size.flatten() else { return Ok(None) };
    db.prepare("DELETE FROM reply_body WHERE job = ?").execute([job])?;
    db.prepare("UPDATE reply SET size = NULL WHERE job = ?")
        .execute([job])?;
    Ok(Some(size.unsigned_abs()))
}

/// The jobs of a mail with all that belongs to them. How it ended stays: it may be seen again.
fn drop_story(tx: &Transaction<'_>, mail: i64) -> Result<Option<u64>, Error> {
    let db = tx.db;
    let Some(verdict) = settle::ended(db, mail)? else {
        return Ok(None);
    };
    if is_due(db, mail, "('waiting', 'done', 'failed', 'ignored')")? || is_wanted(tx, mail)? {
        return Ok(None);
    }
    let bytes: i64 = db
        .prepare(
            "SELECT story + coalesce((SELECT CAST(sum(r.size) AS BIGINT) FROM job j JOIN reply r ON r.job = j.id WHERE j.mail = m.id), 0)
             FROM mail m WHERE id = ?",
        )
        .query_row([mail], |row| row.get(0))?;
    db.prepare(
        "UPDATE mail SET ended = NULL, story = 0, verdict = ?2, decided = (SELECT j.endpoint FROM job j
           WHERE j.mail = ?1 AND j.state = ?2 AND (j.state <> 'ignored' OR j.reason IN ('sender', 'untrusted')) ORDER BY j.id LIMIT 1)
         WHERE id = ?1",
    )
    .execute(params![mail, verdict])?;
    for table in STORY {
        let sql = format!("DELETE FROM {table} WHERE job IN (SELECT id FROM job WHERE mail = ?)");
        db.prepare(&sql).execute([mail])?;
    }
    db.prepare("DELETE FROM job WHERE mail = ?").execute([mail])?;
    Ok(Some(bytes.unsigned_abs()))
}

fn has_ended(db: &dyn SqlEngine, mail: i64) -> Result<bool, Error> {
    Ok(settle::ended(db, mail)?.is_some())
}

/// Whether something is left to do with it in its mailbox as it is now.
fn is_due(db: &dyn SqlEngine, mail: i64, touches: &str) -> Result<bool, Error> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM place p JOIN mailbox b ON b.id = p.mailbox AND b.uid_validity = p.uid_validity
         WHERE p.mail = ? AND p.touch IN {touches})"
    );
    Ok(db.prepare(&sql).query_row([mail], |row| row.get(0))?)
}

/// True while an open conversation or an unsent notice still refers to a job of this mail.
fn is_wanted(tx: &Transaction<'_>, mail: i64) -> Result<bool, Error> {
    let query = tx.db.prepare(
        "SELECT EXISTS (SELECT 1 FROM job j WHERE j.mail = ?1 AND (
           EXISTS (SELECT 1 FROM conversation c WHERE c.job = j.id AND c.expires >= ?2)
           OR EXISTS (SELECT 1 FROM conversation_answer a JOIN conversation c ON c.key = a.key WHERE a.job = j.id AND c.expires >= ?2)
           OR EXISTS (SELECT 1 FROM news n WHERE n.job = j.id)))",
    );
    Ok(query.query_row([mail, tx.now], |row| row.get(0))?)
}
