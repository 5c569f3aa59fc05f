//! A mail on its way from one endpoint of its mailbox to the next.

use super::{claim::step, note, settle, take::make_job, transaction::Transaction};
use crate::{
    config::EndpointName,
    job::{
        JobId, Reason,
        state::{JobEvent, State},
    },
    ledger::{
        Error, MailboxKey, ReassignedJobs,
        db::{OptionalExtension, SqlEngine, params},
    },
};

/// Gives a mail to the first of these endpoints that has no job for it. Says whether there was one.
pub(in crate::ledger) fn forward(tx: &mut Transaction<'_>, mail: i64, route: &[EndpointName]) -> Result<bool, Error> {
    tx.db.lock_mail(mail)?;
    for endpoint in route {
        let had = tx
            .db
            .prepare("SELECT 1 FROM job WHERE mail = ?1 AND endpoint = ?2")
            .query_row(params![mail, endpoint.as_str()], |_| Ok(()))
            .optional()?;
        if had.is_none() {
            // It may have ended where it was before.
            settle::opens(tx.db, mail)?;
            make_job(tx, endpoint, mail, None)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// A job of an endpoint that is no more.
struct Stranded {
    row: i64,
    job: JobId,
    mail: i64,
    begun: bool,
}

/// Ends jobs that have not begun and whose endpoint is none of `known`, and passes their mails on.
pub(in crate::ledger) fn reassign_orphans(
    tx: &mut Transaction<'_>,
    mailbox: &MailboxKey,
    known: &[EndpointName],
    route: &[EndpointName],
) -> Result<ReassignedJobs, Error> {
    let mut handed = ReassignedJobs::default();
    for Stranded { row, job, mail, begun } in stranded(tx, mailbox, known)? {
        if begun {
            handed.left += 1;
            continue;
        }
        let state = step(job, State::Queued, JobEvent::Orphaned)?;
        tx.db
            .prepare("UPDATE job SET state = ?2, reason = ?3, detail = ?4 WHERE id = ?1")
            .execute(params![
                row,
                state,
                Reason::Gone.code(),
                "its endpoint has no file any more"
            ])?;
        note::job(tx, row, State::Queued, state, None)?;
        if !forward(tx, mail, route)? {
            settle::conclude(tx, mail)?;
        }
        handed.jobs += 1;
    }
    Ok(handed)
}

/// The other mailboxes whose mails have jobs at this endpoint that have not begun.
pub(in crate::ledger) fn strays(
    db: &dyn SqlEngine,
    endpoint: &EndpointName,
    home: &MailboxKey,
) -> Result<Vec<MailboxKey>, Error> {
    let query = db.prepare(
        "SELECT DISTINCT b.name FROM job j INDEXED BY job_due CROSS JOIN mail m ON m.id = j.mail CROSS JOIN mailbox b ON b.id = m.mailbox
         WHERE j.state IN ('queued', 'deferred') AND j.endpoint = ?1 AND j.state = 'queued' AND j.attempt = 0 AND b.name <> ?2",
    );
    let rows = query.query_map(params![endpoint.as_str(), &*home.0], |row| Ok(MailboxKey(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn stranded(tx: &Transaction<'_>, mailbox: &MailboxKey, known: &[EndpointName]) -> Result<Vec<Stranded>, Error> {
    let known: Vec<&str> = known.iter().map(EndpointName::as_str).collect();
    let known = serde_json::to_string(&known).map_err(|error| Error::Engine(error.to_string()))?;
    // By the index of what is due, in this order: SQLite would rather look through all jobs, or all mails of the mailbox.
    let query = tx.db.prepare(
        "SELECT j.id, j.uuid, j.mail, j.state <> 'queued' OR j.attempt > 0
         FROM job j INDEXED BY job_due CROSS JOIN mail m ON m.id = j.mail
         WHERE j.state IN ('queued', 'deferred') AND j.endpoint NOT IN (SELECT value FROM json_each(?2))
         AND m.mailbox = (SELECT id FROM mailbox WHERE name = ?1) ORDER BY j.id",
    );
    let rows = query.query_map(params![&*mailbox.0, known], |row| {
        Ok(Stranded {
            row: row.get(0)?,
            job: row.get(1)?,
            mail: row.get(2)?,
            begun: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
