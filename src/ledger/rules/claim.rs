//! Claiming and giving back: jobs of an endpoint, replies of an account.

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use super::{note, transaction::Transaction};
use crate::{
    config::EndpointName,
    job::{
        AttachmentRef, JobId, JobScope, NewReply, Part,
        state::{Isolation, JobEvent, POISON, State, company, next},
    },
    ledger::{
        ClaimedJob, ClaimedReply, Error, Lease, MailId,
        db::{self, OptionalExtension, Row, SqlEngine, SqlError, params},
        values::{instant, signed},
        views::recipients,
        wake::Claimable,
    },
};

/// Bytes of replies in one claim: no more are claimed beyond this.
const REPLY_BYTES: usize = 1 << 20;

/// Bytes of a reply that come with a claim; what has more stays in the ledger.
const IN_MEMORY: usize = 256 << 10;

/// A claimed job and its row.
struct Candidate {
    row: i64,
    state: State,
    job: ClaimedJob,
}

impl Claimable for ClaimedJob {
    type Key = EndpointName;

    fn claim(tx: &Transaction<'_>, endpoint: &EndpointName, max: usize) -> Result<Vec<Self>, Error> {
        let mut candidates = due_jobs(tx, endpoint, max)?;
        admit(tx.db, endpoint, &mut candidates)?;
        let update = tx.db.prepare(
            "UPDATE job SET state = ?2, attempt = attempt + 1, started = ?3, owner = ?4, until = ?5 WHERE id = ?1",
        );
        let until = tx.holder.until(tx.now);
        for candidate in &mut candidates {
            let state = step(candidate.job.id, candidate.state, JobEvent::Claimed)?;
            update.execute(params![candidate.row, state, tx.now, tx.holder.owner.0, until])?;
            candidate.job.lease = tx.holder.jobs.hold(candidate.row);
        }
        Ok(candidates.into_iter().map(|candidate| candidate.job).collect())
    }

    fn next_due(db: &dyn SqlEngine, endpoint: &EndpointName, now: i64) -> Result<Option<i64>, Error> {
        let query =
            db.prepare("SELECT min(due) FROM job WHERE endpoint = ?1 AND state IN ('queued', 'deferred') AND due > ?2");
        Ok(query.query_row(params![endpoint.as_str(), now], |row| row.get(0))?)
    }

    fn release(&self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        release(tx, self.id, self.attempt)
    }
}

/// The columns of a job `j` that say what it is of, as [`share`] reads them.
const SHARE: &str = "j.part, j.parts, j.attachment, j.attachment_name, CASE WHEN j.part > 0 THEN
    (SELECT w.uuid FROM job w WHERE w.mail = j.mail AND w.endpoint = j.endpoint AND w.part = 0) END";

/// What a job is of; its columns begin at `first`.
fn share(row: &Row<'_>, first: usize) -> db::Result<JobScope> {
    let (number, of): (u32, u32) = (row.get(first)?, row.get(first + 1)?);
    Ok(match (number, of) {
        (0, 0) => JobScope::Whole,
        (0, parts) => JobScope::Gathering { parts },
        (number, of) => JobScope::Part(Part {
            number,
            of,
            attachment: AttachmentRef {
                index: row.get(first + 2)?,
                name: row.get(first + 3)?,
            },
            mail_job: row.get(first + 4)?,
        }),
    })
}

fn due_jobs(tx: &Transaction<'_>, endpoint: &EndpointName, max: usize) -> Result<Vec<Candidate>, Error> {
    let query = tx.db.prepare(format!(
        "SELECT j.id, j.state, j.uuid, j.mail, m.size, j.attempt + 1, j.retries, j.interrupted, m.received, m.taken, j.rerun, {SHARE}
         FROM job j JOIN mail m ON m.id = j.mail AND m.lacks IS NULL
         WHERE j.endpoint = ?1 AND j.state IN ('queued', 'deferred') AND j.due <= ?2
         AND NOT EXISTS (SELECT 1 FROM pause p WHERE p.endpoint = ?1)
         ORDER BY j.due, j.id LIMIT ?3",
    ));
    let rows = query.query_map(params![endpoint.as_str(), tx.now, signed(max)], |row| {
        Ok(Candidate {
            row: row.get(0)?,
            state: row.get(1)?,
            job: ClaimedJob {
                id: row.get(2)?,
                mail: MailId(row.get(3)?),
                size: row.get::<i64>(4)?.unsigned_abs(),
                attempt: row.get(5)?,
                retries: row.get(6)?,
                interrupted: row.get(7)?,
                received: row.get::<Option<i64>>(8)?.map(instant),
                taken: instant(row.get(9)?),
                rerun: row.get(10)?,
                share: share(row, 11)?,
                lease: Lease::default(),
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Cuts the candidates down to those that may run beside one another and beside what runs already.
fn admit(db: &dyn SqlEngine, endpoint: &EndpointName, candidates: &mut Vec<Candidate>) -> Result<(), Error> {
    let Some(first) = candidates.first() else { return Ok(()) };
    // Who runs beside whom, at whichever endpoint.
    db.lock_count(b"running")?;
    let (running, suspect): (u32, u32) = db
        .prepare("SELECT count(*), coalesce(max(interrupted), 0) FROM job WHERE endpoint = ? AND state = 'running'")
        .query_row([endpoint.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let admitted = match company(first.job.interrupted) {
        _ if company(suspect) != Isolation::Any => 0,
        Isolation::Any => candidates
            .iter()
            .take_while(|c| company(c.job.interrupted) == Isolation::Any)
            .count(),
        Isolation::AloneAtEndpoint => usize::from(running == 0),
        Isolation::LastOfItsKind => usize::from(running == 0 && !last_chance_runs(db)?),
    };
    candidates.truncate(admitted);
    Ok(())
}

/// Whether a job runs, at any endpoint, whose next interruption holds it.
fn last_chance_runs(db: &dyn SqlEngine) -> Result<bool, Error> {
    let query = db.prepare("SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND interrupted >= ?)");
    Ok(query.query_row([POISON - 1], |row| row.get(0))?)
}

/// A job's row, as far as the end of an attempt needs it.
pub(in crate::ledger) struct RunningJob {
    pub(in crate::ledger) row: i64,
    pub(in crate::ledger) mail: i64,
    pub(in crate::ledger) started: Option<i64>,
    /// The part's number; 0 for the mail as a whole.
    pub(in crate::ledger) part: u32,
    /// In how many parts the mail was split.
    pub(in crate::ledger) parts: u32,
}

/// The running job of this attempt, where it is ours. Its leaving lets others in: claims of its endpoint are looked at.
pub(in crate::ledger) fn running(tx: &mut Transaction<'_>, job: JobId, attempt: u32) -> Result<RunningJob, Error> {
    let owner = tx.holder.owner.0;
    let query = tx.db.prepare(
        "SELECT id, mail, started, state, attempt, interrupted, endpoint, part, parts, owner FROM job WHERE uuid = ?",
    );
    let found = query.query_row([job], |row| {
        let running = RunningJob {
            row: row.get(0)?,
            mail: row.get(1)?,
            started: row.get(2)?,
            part: row.get(7)?,
            parts: row.get(8)?,
        };
        let ours = row.get::<State>(3)? == State::Running
            && row.get::<u32>(4)? == attempt
            && row.get::<Option<i64>>(9)? == Some(owner);
        Ok((running, ours, row.get::<u32>(5)?, endpoint(row, 6)?))
    });
    let (running, ours, interrupted, endpoint) =
        found.optional()?.ok_or_else(|| Error::Missing(format!("job {job}")))?;
    if !ours {
        return Err(Error::Stale(job));
    }
    tx.after.endpoints.extend(endpoint);
    tx.after.everyone |= company(interrupted) == Isolation::LastOfItsKind;
    Ok(running)
}

/// The endpoint's name in this column; a name that is no legal one has no claims.
pub(in crate::ledger) fn endpoint(row: &Row<'_>, column: usize) -> db::Result<Option<EndpointName>> {
    Ok(EndpointName::new(row.get_ref(column)?.as_str()?))
}

/// The name of a job's endpoint.
pub(in crate::ledger) fn endpoint_of(db: &dyn SqlEngine, job: i64) -> Result<String, Error> {
    let query = db.prepare("SELECT endpoint FROM job WHERE id = ?");
    Ok(query.query_row([job], |row| row.get(0))?)
}

/// The state after an event, in the ledger's words.
pub(in crate::ledger) fn step(job: JobId, state: State, event: JobEvent) -> Result<State, Error> {
    next(state, event).map_err(|illegal| Error::Illegal {
        job,
        illegal: illegal.to_string(),
    })
}

/// Gives back a job; its attempt does not count.
pub(in crate::ledger) fn release(tx: &mut Transaction<'_>, job: JobId, attempt: u32) -> Result<(), Error> {
    let running = running(tx, job, attempt)?;
    let state = step(job, State::Running, JobEvent::Released)?;
    tx.db
        .prepare("UPDATE job SET state = ?2, attempt = attempt - 1, owner = NULL, until = NULL WHERE id = ?1")
        .execute(params![running.row, state])?;
    note::job(tx, running.row, State::Running, state, None)
}

impl Claimable for ClaimedReply {
    type Key = Arc<str>;

    fn claim(tx: &Transaction<'_>, account: &Arc<str>, max: usize) -> Result<Vec<Self>, Error> {
        let query = tx.db.prepare(
            "SELECT r.job, j.uuid, j.endpoint, r.attempt + 1, coalesce(r.revived, r.made), r.message_id, r.sender, r.recipients, length(b.bytes),
               CASE WHEN length(b.bytes) <= ?4 THEN b.bytes END
             FROM reply r JOIN job j ON j.id = r.job JOIN reply_body b ON b.job = r.job
             WHERE r.account = ?1 AND r.state = 'queued' AND r.due <= ?2
             ORDER BY r.due, r.job LIMIT ?3",
        );
        let update = tx.db.prepare(
            "UPDATE reply SET state = 'running', attempt = attempt + 1, owner = ?2, until = ?3 WHERE job = ?1",
        );
        let until = tx.holder.until(tx.now);
        let (mut replies, mut claimed, mut bytes) = (Vec::new(), Vec::new(), 0);
        query.each(params![**account, tx.now, signed(max), signed(IN_MEMORY)], |row| {
            let mut reply = claimed_reply(row, account, tx.now)?;
            let ends = recipients::ends(tx.db, row.get(0)?)?;
            reply
                .reply
                .recipients
                .retain(|address| recipients::is_open(&ends, address));
            bytes += reply.reply.bytes.len();
            let row = row.get::<i64>(0)?;
            reply.lease = tx.holder.replies.hold(row);
            claimed.push(row);
            replies.push(reply);
            Ok(match bytes < REPLY_BYTES {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        for row in claimed {
            update.execute([row, tx.holder.owner.0, until])?;
        }
        Ok(replies)
    }

    fn next_due(db: &dyn SqlEngine, account: &Arc<str>, now: i64) -> Result<Option<i64>, Error> {
        let query = db
            .prepare("SELECT min(due) FROM reply WHERE account = ?1 AND state = 'queued' AND unsure = 0 AND due > ?2");
        Ok(query.query_row(params![&**account, now], |row| row.get(0))?)
    }

    fn release(&self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let changed = tx
            .db
            .prepare(
                "UPDATE reply SET state = 'queued', attempt = attempt - 1, owner = NULL, until = NULL
                 WHERE job = (SELECT id FROM job WHERE uuid = ?1) AND state = 'running' AND attempt = ?2 AND owner = ?3",
            )
            .execute(params![self.job, self.attempt, tx.holder.owner.0])?;
        if changed == 0 {
            return Err(Error::Stale(self.job));
        }
        tx.after.accounts.insert(self.reply.account.as_str().into());
        Ok(())
    }
}

fn claimed_reply(row: &Row<'_>, account: &str, now: i64) -> db::Result<ClaimedReply> {
    let unreadable = |what: &str| SqlError::Unreadable(format!("{what} of a reply"));
    let recipients = recipients::addresses(row.get_ref(7)?.as_str()?)?;
    let (size, bytes): (i64, Option<Vec<u8>>) = (row.get(8)?, row.get(9)?);
    let stored = match bytes {
        None => size.unsigned_abs(),
        Some(_) => 0,
    };
    let made = instant(row.get(4)?);
    Ok(ClaimedReply {
        job: row.get(1)?,
        endpoint: endpoint(row, 2)?.ok_or_else(|| unreadable("the endpoint"))?,
        attempt: row.get(3)?,
        made,
        claimed: (Instant::now(), instant(now) - made),
        reply: NewReply {
            conversation: None,
            account: account.to_owned(),
            message_id: row.get(5)?,
            sender: row.get(6)?,
            recipients,
            bytes: bytes.unwrap_or_default().into(),
        },
        stored,
        lease: Lease::default(),
    })
}
