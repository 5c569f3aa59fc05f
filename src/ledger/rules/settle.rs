//! The end of a mail: when its last touch in the mailbox is due, and that it happened.

use std::{ops::ControlFlow, sync::Arc};

use super::{leases, mail_bytes::pieces, note, transaction::Transaction};
use crate::{
    config::EndpointName,
    job::state::State,
    ledger::{
        Error, MailOutcome, MailboxKey, Place, Settling, WatchedMailbox,
        db::{OptionalExtension, SqlEngine, params},
    },
};

/// A mail that had its last touch so soon after it ended, in microseconds, is idle since it ended: its row need not be written again.
const SOON: i64 = 60_000_000;

/// Makes the mail's places due for settling, if all its jobs and replies have ended.
pub(in crate::ledger) fn conclude(tx: &mut Transaction<'_>, mail: i64) -> Result<(), Error> {
    tx.db.lock_mail(mail)?;
    let Some(verdict) = ended(tx.db, mail)? else {
        return Ok(());
    };
    if !begin(tx, mail)? {
        return leave(tx, mail);
    }
    let waiting = tx.db.prepare(
        "SELECT b.name, p.mailbox, p.uid_validity, p.uid FROM place p JOIN mailbox b ON b.id = p.mailbox
         WHERE p.mail = ? AND p.touch = 'waiting'",
    );
    let places = waiting
        .query_map([mail], |row| {
            let key: (i64, u32, u32) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get::<Arc<str>>(0)?, key))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    // Place by place: an UPDATE of several rows makes SQLite open a table of its own for their keys.
    let update = tx
        .db
        .prepare("UPDATE place SET touch = ?4 WHERE mailbox = ?1 AND uid_validity = ?2 AND uid = ?3");
    for (name, (mailbox, uid_validity, uid)) in places {
        update.execute(params![mailbox, uid_validity, uid, verdict])?;
        tx.after.bells.insert(MailboxKey(name));
    }
    Ok(())
}

/// Notes that a mail has ended, where it is not noted yet that it had. Says whether we hold, or held, all of its bytes.
fn begin(tx: &Transaction<'_>, mail: i64) -> Result<bool, Error> {
    let (first, last) = pieces(mail);
    let note = |whose: &str| {
        tx.db.prepare(format!(
            "UPDATE mail SET
               idle = CASE WHEN EXISTS (SELECT 1 FROM chunk WHERE id BETWEEN ?3 AND ?4) THEN CAST(?2 AS BIGINT) END,
               ended = CASE WHEN verdict IS NULL THEN ?2 END,
               story = CASE WHEN verdict IS NULL THEN
                 (SELECT sum(300 + coalesce(octet_length(detail), 0) + coalesce(octet_length(subject), 0)) FROM job WHERE mail = ?1)
                 + (SELECT coalesce(sum(100 + coalesce(octet_length(detail), 0) + coalesce(octet_length(answer), 0) + coalesce(octet_length(trace), 0)), 0) FROM attempt
                    WHERE job IN (SELECT id FROM job WHERE mail = ?1)) ELSE 0 END
             WHERE id = ?1 AND lacks {whose}",
        ))
    };
    // Most mails are whole.
    let values = [mail, tx.now, first, last];
    let whole = note("IS NULL").execute(values)? > 0;
    if !whole {
        note("IS NOT NULL").execute(values)?;
    }
    Ok(whole)
}

/// What we have not read is not touched: its places count as settled and stay as they are.
fn leave(tx: &Transaction<'_>, mail: i64) -> Result<(), Error> {
    let left = tx
        .db
        .prepare(
            "UPDATE place SET touch = 'settled', verdict = NULL, settled = ?2 WHERE mail = ?1 AND touch <> 'settled'",
        )
        .execute([mail, tx.now])?;
    (0..left).try_for_each(|_| note::settled(tx, mail, None))
}

pub(in crate::ledger) fn ended(db: &dyn SqlEngine, mail: i64) -> Result<Option<MailOutcome>, Error> {
    let query = db.prepare(
        "SELECT j.state, r.state IS NOT NULL AND r.state IN ('queued', 'running'), j.part > 0
         FROM job j LEFT JOIN reply r ON r.job = j.id WHERE j.mail = ?",
    );
    let (mut jobs, mut parts) = (Vec::new(), Vec::new());
    query.each([mail], |row| {
        let kind = if row.get(2)? { &mut parts } else { &mut jobs };
        kind.push((row.get(0)?, row.get(1)?));
        Ok(ControlFlow::Continue(()))
    })?;
    if jobs.is_empty() {
        return dropped(db, mail);
    }
    // How parts ended is judged by the job of their mail; here it only counts whether they did.
    Ok(verdict(&jobs).filter(|_| !parts.iter().any(is_open)))
}

/// How a mail had ended whose jobs were dropped since.
fn dropped(db: &dyn SqlEngine, mail: i64) -> Result<Option<MailOutcome>, Error> {
    let query = db.prepare("SELECT verdict FROM mail WHERE id = ?");
    Ok(query.query_row([mail], |row| row.get(0)).optional()?.flatten())
}

/// Whether a job or its reply is still to do.
fn is_open((state, reply_waits): &(State, bool)) -> bool {
    !state.ended() || *reply_waits
}

/// How a mail ended over its jobs, each with whether its reply is still to go; `None` while it has not.
fn verdict(jobs: &[(State, bool)]) -> Option<MailOutcome> {
    let open = jobs.iter().any(is_open);
    let any = |wanted| jobs.iter().any(|(state, _)| *state == wanted);
    match () {
        () if open || jobs.is_empty() => None,
        () if any(State::Failed) => Some(MailOutcome::Failed),
        () if any(State::Done) => Some(MailOutcome::Done),
        () => Some(MailOutcome::Ignored),
    }
}

/// A mail that had ended has not: its bytes are needed, and where it has not had its last touch, that waits. What was settled stays so.
pub(in crate::ledger) fn reopen(db: &dyn SqlEngine, mail: i64) -> Result<(), Error> {
    opens(db, mail)?;
    db.prepare("UPDATE place SET touch = 'waiting' WHERE mail = ? AND touch IN ('done', 'failed', 'ignored')")
        .execute([mail])?;
    Ok(())
}

/// A mail that had ended has something to do again: it is not old any more.
pub(in crate::ledger) fn opens(db: &dyn SqlEngine, mail: i64) -> Result<(), Error> {
    db.prepare("UPDATE mail SET ended = NULL, idle = NULL WHERE id = ? AND (ended IS NOT NULL OR idle IS NOT NULL)")
        .execute([mail])?;
    Ok(())
}

/// How many mails of a mailbox as it is now were over before then, and are due for their last touch.
pub(in crate::ledger) fn unsettled(db: &dyn SqlEngine, mailbox: &MailboxKey, before: i64) -> Result<u64, Error> {
    let due = (db.dialect().by)("place_due");
    let query = db.prepare(format!(
        "SELECT count(*) FROM place p{due} JOIN mail m ON m.id = p.mail
         WHERE p.mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND p.uid_validity = (SELECT uid_validity FROM mailbox WHERE name = ?1)
         AND p.touch IN ('done', 'failed', 'ignored') AND coalesce(m.ended, m.idle) < ?2",
    ));
    let count: i64 = query.query_row(params![&*mailbox.0, before], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// What is due for its last touch, oldest first.
pub(in crate::ledger) fn settling(
    db: &dyn SqlEngine,
    mailbox: &MailboxKey,
    uid_validity: u32,
    max: i64,
) -> Result<Vec<Settling>, Error> {
    // By the index of what is due: SQLite would rather look through all places of the mailbox.
    let due = (db.dialect().by)("place_due");
    let query = db.prepare(format!(
        "SELECT p.uid, p.touch, coalesce((SELECT j.endpoint FROM job j WHERE j.mail = p.mail AND j.state = p.touch
           AND (j.state <> 'ignored' OR j.reason IN ('sender', 'untrusted')) ORDER BY j.id LIMIT 1),
           (SELECT decided FROM mail WHERE id = p.mail))
         FROM place p{due} WHERE p.mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND p.uid_validity = ?2
         AND p.touch IN ('done', 'failed', 'ignored') ORDER BY p.uid LIMIT ?3",
    ));
    let rows = query.query_map(params![&*mailbox.0, uid_validity, max], |row| {
        Ok(Settling {
            place: Place {
                uid_validity,
                uid: row.get(0)?,
            },
            verdict: row.get(1)?,
            endpoint: row.get::<Option<String>>(2)?.and_then(|name| EndpointName::new(&name)),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that these places got their last touch, or are gone.
pub(in crate::ledger) fn settled(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    places: &[Place],
) -> Result<(), Error> {
    let mailbox = leases::watched(tx, mailbox)?;
    let known = tx.db.prepare("SELECT id FROM mailbox WHERE name = ?");
    let Some(row) = known.query_row([&*mailbox.0], |row| row.get::<i64>(0)).optional()? else {
        return Ok(());
    };
    let due = tx.db.prepare(
        "SELECT mail, nullif(touch, 'waiting') FROM place WHERE mailbox = ?1 AND uid_validity = ?2 AND uid = ?3 AND touch <> 'settled'",
    );
    let touch = tx.db.prepare(
        "UPDATE place SET touch = 'settled', verdict = ?4, settled = ?5 WHERE mailbox = ?1 AND uid_validity = ?2 AND uid = ?3",
    );
    let idle = tx.db.prepare("UPDATE mail SET idle = ?2 WHERE id = ?1 AND idle <= ?3");
    for place in places {
        let found = due
            .query_row(params![row, place.uid_validity, place.uid], |row| {
                Ok((row.get::<i64>(0)?, row.get::<Option<String>>(1)?))
            })
            .optional()?;
        if let Some((mail, verdict)) = found {
            touch.execute(params![row, place.uid_validity, place.uid, verdict, tx.now])?;
            note::settled(tx, mail, verdict.as_deref())?;
            idle.execute([mail, tx.now, tx.now - SOON])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_ends_with_its_last_job_and_reply() {
        use State::{Deferred, Done, Failed, Held, Ignored, Queued, Running, Waiting};
        type Case = (&'static [(State, bool)], Option<MailOutcome>);
        let table: [Case; 14] = [
            (&[], None),
            (&[(Done, false)], Some(MailOutcome::Done)),
            (&[(Done, true)], None),
            (&[(Failed, false)], Some(MailOutcome::Failed)),
            (&[(Ignored, false)], Some(MailOutcome::Ignored)),
            (&[(Held, false)], None),
            (&[(Queued, false)], None),
            (&[(Running, false)], None),
            (&[(Deferred, false)], None),
            (&[(Waiting, false)], None),
            (&[(Done, false), (Ignored, false)], Some(MailOutcome::Done)),
            (
                &[(Done, false), (Failed, false), (Ignored, false)],
                Some(MailOutcome::Failed),
            ),
            (&[(Done, false), (Held, false)], None),
            (&[(Failed, true), (Done, false)], None),
        ];
        for (jobs, expected) in table {
            assert_eq!(verdict(jobs), expected, "{jobs:?}");
        }
    }
}
