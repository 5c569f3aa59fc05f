//! Mails of which we don't hold all bytes. None of their bytes is kept and no job of theirs runs, until they are fetched again as a whole.

use super::{
    claim::step,
    known, leases,
    mail_bytes::{self, pieces},
    note,
    transaction::Transaction,
};
use crate::{
    config::EndpointName,
    job::{
        JobId,
        state::{JobEvent, State},
    },
    ledger::{
        Content, Error, Lack, MailId, MailboxKey, NewMail, NewsKind, Place, Raw, RefetchRequest, WatchedMailbox,
        db::{OptionalExtension, SqlEngine, params},
        values::{capped, micros, signed},
    },
};

/// What a job waits for, for people.
const AWAITED: &str = "it waits until its mail is fetched again from its mailbox, which mailjob run does within seconds where it watches that";

/// Why a mail is not whole; nothing where it is.
pub(in crate::ledger) fn why(db: &dyn SqlEngine, mail: i64) -> Result<Option<String>, Error> {
    let query = db.prepare("SELECT lacks FROM mail WHERE id = ?");
    Ok(query.query_row([mail], |row| row.get(0)).optional()?.flatten())
}

/// Its mailbox, and a place there under its UIDVALIDITY as it is now.
fn within_reach(db: &dyn SqlEngine, mail: i64) -> Result<Option<MailboxKey>, Error> {
    let query = db.prepare(
        "SELECT b.name FROM place p JOIN mailbox b ON b.id = p.mailbox AND b.uid_validity = p.uid_validity WHERE p.mail = ? LIMIT 1",
    );
    let name = query.query_row([mail], |row| row.get::<String>(0)).optional()?;
    Ok(name.map(|name| MailboxKey(name.into())))
}

/// Has a mail fetched again, for a job that is held until then. False where there is no place any more to fetch it from.
pub(in crate::ledger) fn want(
    tx: &mut Transaction<'_>,
    mail: i64,
    job: i64,
    (from, to): (State, State),
) -> Result<bool, Error> {
    let Some(mailbox) = within_reach(tx.db, mail)? else {
        return Ok(false);
    };
    tx.db
        .prepare("UPDATE mail SET wanted = ?2, ended = NULL, idle = NULL WHERE id = ?1")
        .execute([mail, tx.now])?;
    tx.db
        .prepare(
            "UPDATE job SET rerun = rerun + CASE WHEN state IN ('done', 'failed', 'ignored') THEN 1 ELSE 0 END, state = ?2, due = ?3, retries = 0, interrupted = 0,
               silent = NULL, detail = ?4 WHERE id = ?1",
        )
        .execute(params![job, to, tx.now, AWAITED])?;
    if from != to {
        note::event_of_job(tx, job, to)?;
    }
    // The operator knows: he asked for it.
    note::forget_news(tx, job)?;
    tx.db
        .prepare(
            "UPDATE place SET touch = 'waiting' WHERE mail = ?1 AND touch <> 'waiting'
             AND uid_validity = (SELECT uid_validity FROM mailbox b WHERE b.id = place.mailbox)",
        )
        .execute([mail])?;
    tx.after.bells.insert(mailbox);
    Ok(true)
}

/// The mails of a mailbox that are to be fetched again.
pub(in crate::ledger) fn wanted(
    db: &dyn SqlEngine,
    mailbox: &MailboxKey,
    uid_validity: u32,
) -> Result<Vec<RefetchRequest>, Error> {
    let wanted = (db.dialect().by)("mail_wanted");
    let query = db.prepare(format!(
        "SELECT m.id, (SELECT max(p.uid) FROM place p WHERE p.mail = m.id AND p.uid_validity = ?2)
         FROM mail m{wanted} WHERE m.mailbox = (SELECT id FROM mailbox WHERE name = ?1) AND m.wanted IS NOT NULL ORDER BY m.id",
    ));
    let rows = query.query_map(params![&*mailbox.0, uid_validity], |row| {
        let place = |uid| Place { uid_validity, uid };
        Ok(RefetchRequest {
            mail: MailId(row.get(0)?),
            place: row.get::<Option<u32>>(1)?.map(place),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A mail that was wanted can't be fetched, as the watch of its mailbox says.
pub(in crate::ledger) fn unfetched(
    tx: &Transaction<'_>,
    mailbox: &WatchedMailbox,
    mail: i64,
    why: &Lack,
) -> Result<(), Error> {
    leases::watched(tx, mailbox)?;
    note_lack(tx, mail, why)
}

/// Its jobs are held with these words, and the operator hears of it.
pub(super) fn note_lack(tx: &Transaction<'_>, mail: i64, why: &Lack) -> Result<(), Error> {
    let changed = tx
        .db
        .prepare(
            "UPDATE mail SET wanted = NULL, lacks = ?2, size = CASE WHEN size < ?3 THEN ?3 ELSE size END WHERE id = ?1 AND wanted IS NOT NULL AND lacks IS NOT NULL",
        )
        .execute(params![mail, capped(&why.detail), signed(why.size)])?;
    if changed == 0 {
        return Ok(());
    }
    let reason = why.reason.code();
    for job in held(tx.db, mail)? {
        tx.db
            .prepare("UPDATE job SET reason = ?2, detail = ?3 WHERE id = ?1")
            .execute(params![job.row, reason, capped(&why.detail)])?;
        // It is held as before, for another reason.
        note::event_of_job(tx, job.row, State::Held)?;
        note::news(tx, job.row, NewsKind::Held)?;
    }
    Ok(())
}

/// Gives a mail its bytes, all of them. Its jobs, which were held for want of them, are queued; but where the same mail came before and
/// has a job, a person must say whether it is worked on twice.
pub(in crate::ledger) fn complete(
    tx: &mut Transaction<'_>,
    (watch, mailbox): (&WatchedMailbox, i64),
    mail: i64,
    new: &NewMail,
) -> Result<(), Error> {
    let Content::Whole { raw, sha256 } = &new.content else {
        return Ok(());
    };
    let twin = known::same_content(tx.db, mailbox, new)?;
    let size = match raw {
        Raw::Inline(bytes) => {
            mail_bytes::store_at(tx.db, mail, bytes)?;
            signed(bytes.len())
        }
        Raw::Uploaded { upload, size } => {
            let from = mail_bytes::claim_upload(tx, watch, *upload, *size)?;
            move_pieces(tx.db, from, mail)?;
            signed(*size)
        }
    };
    tx.db
        .prepare(
            "UPDATE mail SET lacks = NULL, wanted = NULL, sha256 = ?2, header_key = ?3, size = ?4, told = ?5, received = coalesce(?6, received)
             WHERE id = ?1",
        )
        .execute(params![
            mail,
            sha256,
            new.header_key,
            size,
            new.told.map(signed),
            new.received.map(micros)
        ])?;
    for job in held(tx.db, mail)? {
        if let Some(other) = twin.map(|twin| job_of(tx.db, twin, job.row)).transpose()?.flatten() {
            let detail = format!(
                "its mail is here now, and is the same as that of job {other}, which came before: discard this one, or retry it to have the work done twice"
            );
            tx.db
                .prepare("UPDATE job SET detail = ?2 WHERE id = ?1")
                .execute(params![job.row, detail])?;
            continue;
        }
        let state = step(job.id, State::Held, JobEvent::Retried)?;
        tx.db
            .prepare("UPDATE job SET state = ?2, due = ?3, reason = NULL, detail = NULL WHERE id = ?1")
            .execute(params![job.row, state, tx.now])?;
        note::job(tx, job.row, State::Held, state, None)?;
        note::forget_news(tx, job.row)?;
        tx.after.endpoints.extend(EndpointName::new(&job.endpoint));
    }
    Ok(())
}

struct HeldJob {
    row: i64,
    id: JobId,
    endpoint: String,
}

/// The jobs of a mail that are held.
fn held(db: &dyn SqlEngine, mail: i64) -> Result<Vec<HeldJob>, Error> {
    let query = db.prepare("SELECT id, uuid, endpoint FROM job WHERE mail = ? AND state = 'held'");
    let rows = query.query_map([mail], |row| {
        Ok(HeldJob {
            row: row.get(0)?,
            id: row.get(1)?,
            endpoint: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The job of a mail at the endpoint of this job.
fn job_of(db: &dyn SqlEngine, mail: i64, job: i64) -> Result<Option<JobId>, Error> {
    let query = db.prepare(
        "SELECT uuid FROM job WHERE mail = ?1 AND part = 0 AND endpoint = (SELECT endpoint FROM job WHERE id = ?2)",
    );
    Ok(query.query_row([mail, job], |row| row.get(0)).optional()?)
}

/// Makes the pieces of one mail those of another.
fn move_pieces(db: &dyn SqlEngine, from: i64, to: i64) -> Result<(), Error> {
    let ((first, last), (target, _)) = (pieces(from), pieces(to));
    // One by one: an UPDATE of several rows makes SQLite open a table of its own for their keys.
    let ids = db
        .prepare("SELECT id FROM chunk WHERE id BETWEEN ?1 AND ?2")
        .query_map([first, last], |row| row.get::<i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let update = db.prepare("UPDATE chunk SET id = ?2 WHERE id = ?1");
    for id in ids {
        update.execute([id, target + (id - first)])?;
    }
    Ok(())
}
