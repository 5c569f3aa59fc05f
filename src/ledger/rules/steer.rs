//! What an operator does to jobs: tries them again, discards them, has them run anew.

use super::{
    claim::{self, RunningJob, step},
    lacking, mail_bytes, note, parts, past, settle, talk,
    transaction::Transaction,
};
use crate::{
    config::EndpointName,
    job::{
        JobId, Reason,
        state::{JobEvent, State},
    },
    ledger::{
        Error, Steer, Steered, Unsteerable,
        db::{SqlError, ToValue, params},
    },
};

/// Jobs of one commit, at most.
const MOST: usize = 1_000;

/// Why nothing was done, or what the engine said.
enum SteerError {
    Refused(Unsteerable),
    Failed(Error),
}

impl From<Error> for SteerError {
    fn from(error: Error) -> Self {
        match error {
            Error::Illegal { .. } => Self::Refused(Unsteerable::State),
            error => Self::Failed(error),
        }
    }
}

impl From<SqlError> for SteerError {
    fn from(error: SqlError) -> Self {
        Self::Failed(error.into())
    }
}

/// Does the same to each of these jobs.
pub(in crate::ledger) fn steer(tx: &mut Transaction<'_>, steer: Steer, jobs: &[JobId]) -> Result<Vec<Steered>, Error> {
    jobs.iter().take(MOST).map(|job| one(tx, steer, *job)).collect()
}

fn one(tx: &mut Transaction<'_>, steer: Steer, id: JobId) -> Result<Steered, Error> {
    let Some(job) = find(tx, "j.uuid = ?1", id)? else {
        return Ok(Steered {
            job: id,
            state: None,
            refused: Some(Unsteerable::Unknown),
        });
    };
    // What is refused leaves nothing half done.
    tx.db.execute_batch("SAVEPOINT steer")?;
    let done = match steer {
        Steer::Retry => retry(tx, &job),
        Steer::Replay => replay(tx, &job),
        Steer::Discard => discard(tx, &job),
    };
    let refused = match done {
        Ok(()) => None,
        Err(SteerError::Refused(why)) => {
            tx.db.execute_batch("ROLLBACK TO steer")?;
            Some(why)
        }
        Err(SteerError::Failed(error)) => return Err(error),
    };
    tx.db.execute_batch("RELEASE steer")?;
    let state = find(tx, "j.uuid = ?1", id)?.map(|job| job.state);
    Ok(Steered {
        job: id,
        state,
        refused,
    })
}

/// A job as far as an operator's act needs it.
struct Job {
    row: i64,
    id: JobId,
    mail: i64,
    state: State,
    part: u32,
    parts: u32,
    rerun: u32,
    endpoint: Option<EndpointName>,
}

fn find(tx: &Transaction<'_>, condition: &str, value: impl ToValue) -> Result<Option<Job>, Error> {
    Ok(all(tx, condition, value)?.into_iter().next())
}

fn all(tx: &Transaction<'_>, condition: &str, value: impl ToValue) -> Result<Vec<Job>, Error> {
    let query = tx.db.prepare(format!(
        "SELECT j.id, j.uuid, j.mail, j.state, j.part, j.parts, j.rerun, j.endpoint FROM job j WHERE {condition} ORDER BY j.part"
    ));
    let rows = query.query_map([value], |row| {
        Ok(Job {
            row: row.get(0)?,
            id: row.get(1)?,
            mail: row.get(2)?,
            state: row.get(3)?,
            part: row.get(4)?,
            parts: row.get(5)?,
            rerun: row.get(6)?,
            endpoint: claim::endpoint(row, 7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Of the same mail at the same endpoint as the job of this row.
const SAME: &str =
    "j.mail = (SELECT mail FROM job WHERE id = ?1) AND j.endpoint = (SELECT endpoint FROM job WHERE id = ?1)";

fn its_parts(tx: &Transaction<'_>, job: &Job) -> Result<Vec<Job>, Error> {
    all(tx, &format!("{SAME} AND j.part > 0"), job.row)
}

fn retry(tx: &mut Transaction<'_>, job: &Job) -> Result<(), SteerError> {
    // Before anything is changed: whether that can be done at all.
    step(job.id, job.state, JobEvent::Retried)?;
    if lacking::why(tx.db, job.mail)?.is_some() {
        return fetch_again(tx, job);
    }
    if job.part > 0 {
        let whole = find(tx, &format!("{SAME} AND j.part = 0"), job.row)?;
        match whole {
            Some(whole) if whole.state == State::Failed => reopen(tx, &whole)?,
            Some(whole) if whole.state == State::Waiting => {}
            _ => return Err(SteerError::Refused(Unsteerable::Part)),
        }
        return requeue(tx, job, JobEvent::Retried);
    }
    let bad = its_parts(tx, job)?;
    let bad: Vec<_> = bad
        .iter()
        .filter(|part| matches!(part.state, State::Failed | State::Held))
        .collect();
    if bad.is_empty() || job.state == State::Deferred {
        return requeue(tx, job, JobEvent::Retried);
    }
    reopen(tx, job)?;
    bad.into_iter()
        .try_for_each(|part| requeue(tx, part, JobEvent::Retried))
}

fn replay(tx: &mut Transaction<'_>, job: &Job) -> Result<(), SteerError> {
    step(job.id, job.state, JobEvent::Replayed)?;
    if lacking::why(tx.db, job.mail)?.is_some() {
        return fetch_again(tx, job);
    }
    if job.part > 0 {
        return Err(SteerError::Refused(Unsteerable::Part));
    }
    if job.parts == 0 {
        return requeue(tx, job, JobEvent::Replayed);
    }
    reopen(tx, job)?;
    its_parts(tx, job)?
        .iter()
        .try_for_each(|part| requeue(tx, part, JobEvent::Replayed))
}

/// Holds a job until its mail was fetched again, of which we don't hold all bytes.
fn fetch_again(tx: &mut Transaction<'_>, job: &Job) -> Result<(), SteerError> {
    if job.part > 0 {
        return Err(SteerError::Refused(Unsteerable::Incomplete));
    }
    let state = step(job.id, job.state, JobEvent::Awaited)?;
    past::set_aside(tx, job.row, job.rerun)?.map_err(SteerError::Refused)?;
    match lacking::want(tx, job.mail, job.row, (job.state, state))? {
        true => Ok(()),
        false => Err(SteerError::Refused(Unsteerable::Unreachable)),
    }
}

/// Queues a job.
fn requeue(tx: &mut Transaction<'_>, job: &Job, event: JobEvent) -> Result<(), SteerError> {
    let state = step(job.id, job.state, event)?;
    if job.part > 0 {
        parts::drop_answer(tx.db, job.row)?;
    }
    anew(tx, job, state)?;
    tx.after.endpoints.extend(job.endpoint.clone());
    Ok(())
}

/// Has the job of a mail wait for its parts again.
fn reopen(tx: &mut Transaction<'_>, job: &Job) -> Result<(), SteerError> {
    let state = step(job.id, job.state, JobEvent::Reopened)?;
    anew(tx, job, state)
}

/// Gives a job all its attempts again, and its mail back its life.
fn anew(tx: &Transaction<'_>, job: &Job, state: State) -> Result<(), SteerError> {
    if !mail_bytes::has_bytes(tx.db, job.mail)? {
        return Err(SteerError::Refused(Unsteerable::Forgotten));
    }
    past::set_aside(tx, job.row, job.rerun)?.map_err(SteerError::Refused)?;
    tx.db
        .prepare(
            "UPDATE job SET state = ?2, due = ?3, retries = 0, interrupted = 0, silent = NULL, rerun = rerun + ?4 WHERE id = ?1",
        )
        .execute(params![job.row, state, tx.now, job.state.ended()])?;
    note::job(tx, job.row, job.state, state, None)?;
    Ok(settle::reopen(tx.db, job.mail)?)
}

/// Ends a job by an operator's word. Nobody is answered, and the operator need not be told of it.
fn discard(tx: &mut Transaction<'_>, job: &Job) -> Result<(), SteerError> {
    if job.state == State::Waiting {
        return Err(SteerError::Refused(Unsteerable::Parts));
    }
    let state = step(job.id, job.state, JobEvent::Discarded)?;
    tx.db
        .prepare("UPDATE job SET state = ?2, reason = ?3, detail = ?4, silent = ?3 WHERE id = ?1")
        .execute(params![
            job.row,
            state,
            Reason::Discarded.code(),
            match lacking::why(tx.db, job.mail)? {
                None => "an operator discarded it",
                Some(_) =>
                    "an operator discarded it; its mail was never received whole and stays in its mailbox as it is",
            }
        ])?;
    note::event_of_job(tx, job.row, state)?;
    note::forget_news(tx, job.row)?;
    tx.db
        .prepare("DELETE FROM rated WHERE job = ? AND begun = 0")
        .execute([job.row])?;
    talk::give_back(tx, job.row)?;
    if job.part > 0 {
        let ended = RunningJob {
            row: job.row,
            mail: job.mail,
            started: None,
            part: job.part,
            parts: job.parts,
        };
        parts::ended(tx, &ended)?;
    }
    Ok(settle::conclude(tx, job.mail)?)
}
