//! What an operator does to jobs: tries them again, discards them, has them run anew.

use super::{
    claim::{self, Running, step},
    lacking, mail_bytes, note, parts, past, settle, talk,
    transaction::Desk,
};
use crate::{
    config::EndpointName,
    job::{
        JobId, Reason,
        state::{Event, State},
    },
    ledger::{
        Error, Steer, Steered, Unsteerable,
        db::{Failed, ToValue, params},
    },
};

/// Jobs of one commit, at most.
const MOST: usize = 1_000;

/// Why nothing was done, or what the engine said.
enum Stop {
    Refused(Unsteerable),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Illegal { .. } => Self::Refused(Unsteerable::State),
            error => Self::Failed(error),
        }
    }
}

impl From<Failed> for Stop {
    fn from(error: Failed) -> Self {
        Self::Failed(error.into())
    }
}

/// Does the same to each of these jobs.
pub(in crate::ledger) fn steer(desk: &mut Desk<'_>, steer: Steer, jobs: &[JobId]) -> Result<Vec<Steered>, Error> {
    jobs.iter().take(MOST).map(|job| one(desk, steer, *job)).collect()
}

fn one(desk: &mut Desk<'_>, steer: Steer, id: JobId) -> Result<Steered, Error> {
    let Some(job) = find(desk, "j.uuid = ?1", id)? else {
        return Ok(Steered {
            job: id,
            state: None,
            refused: Some(Unsteerable::Unknown),
        });
    };
    // What is refused leaves nothing half done.
    desk.db.execute_batch("SAVEPOINT steer")?;
    let done = match steer {
        Steer::Retry => retry(desk, &job),
        Steer::Replay => replay(desk, &job),
        Steer::Discard => discard(desk, &job),
    };
    let refused = match done {
        Ok(()) => None,
        Err(Stop::Refused(why)) => {
            desk.db.execute_batch("ROLLBACK TO steer")?;
            Some(why)
        }
        Err(Stop::Failed(error)) => return Err(error),
    };
    desk.db.execute_batch("RELEASE steer")?;
    let state = find(desk, "j.uuid = ?1", id)?.map(|job| job.state);
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

fn find(desk: &Desk<'_>, condition: &str, value: impl ToValue) -> Result<Option<Job>, Error> {
    Ok(all(desk, condition, value)?.into_iter().next())
}

fn all(desk: &Desk<'_>, condition: &str, value: impl ToValue) -> Result<Vec<Job>, Error> {
    let query = desk.db.prepare(format!(
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

fn its_parts(desk: &Desk<'_>, job: &Job) -> Result<Vec<Job>, Error> {
    all(desk, &format!("{SAME} AND j.part > 0"), job.row)
}

fn retry(desk: &mut Desk<'_>, job: &Job) -> Result<(), Stop> {
    // Before anything is changed: whether that can be done at all.
    step(job.id, job.state, Event::Retried)?;
    if lacking::why(desk.db, job.mail)?.is_some() {
        return fetch_again(desk, job);
    }
    if job.part > 0 {
        let whole = find(desk, &format!("{SAME} AND j.part = 0"), job.row)?;
        match whole {
            Some(whole) if whole.state == State::Failed => reopen(desk, &whole)?,
            Some(whole) if whole.state == State::Waiting => {}
            _ => return Err(Stop::Refused(Unsteerable::Part)),
        }
        return requeue(desk, job, Event::Retried);
    }
    let bad = its_parts(desk, job)?;
    let bad: Vec<_> = bad
        .iter()
        .filter(|part| matches!(part.state, State::Failed | State::Held))
        .collect();
    if bad.is_empty() || job.state == State::Deferred {
        return requeue(desk, job, Event::Retried);
    }
    reopen(desk, job)?;
    bad.into_iter().try_for_each(|part| requeue(desk, part, Event::Retried))
}

fn replay(desk: &mut Desk<'_>, job: &Job) -> Result<(), Stop> {
    step(job.id, job.state, Event::Replayed)?;
    if lacking::why(desk.db, job.mail)?.is_some() {
        return fetch_again(desk, job);
    }
    if job.part > 0 {
        return Err(Stop::Refused(Unsteerable::Part));
    }
    if job.parts == 0 {
        return requeue(desk, job, Event::Replayed);
    }
    reopen(desk, job)?;
    its_parts(desk, job)?
        .iter()
        .try_for_each(|part| requeue(desk, part, Event::Replayed))
}

/// Holds a job until its mail was fetched again, of which we don't hold all bytes.
fn fetch_again(desk: &mut Desk<'_>, job: &Job) -> Result<(), Stop> {
    if job.part > 0 {
        return Err(Stop::Refused(Unsteerable::Incomplete));
    }
    let state = step(job.id, job.state, Event::Awaited)?;
    past::set_aside(desk, job.row, job.rerun)?.map_err(Stop::Refused)?;
    match lacking::want(desk, job.mail, job.row, (job.state, state))? {
        true => Ok(()),
        false => Err(Stop::Refused(Unsteerable::Unreachable)),
    }
}

/// Queues a job.
fn requeue(desk: &mut Desk<'_>, job: &Job, event: Event) -> Result<(), Stop> {
    let state = step(job.id, job.state, event)?;
    if job.part > 0 {
        parts::drop_answer(desk.db, job.row)?;
    }
    anew(desk, job, state)?;
    desk.after.endpoints.extend(job.endpoint.clone());
    Ok(())
}

/// Has the job of a mail wait for its parts again.
fn reopen(desk: &mut Desk<'_>, job: &Job) -> Result<(), Stop> {
    let state = step(job.id, job.state, Event::Reopened)?;
    anew(desk, job, state)
}

/// Gives a job all its attempts again, and its mail back its life.
fn anew(desk: &Desk<'_>, job: &Job, state: State) -> Result<(), Stop> {
    if !mail_bytes::has_bytes(desk.db, job.mail)? {
        return Err(Stop::Refused(Unsteerable::Forgotten));
    }
    past::set_aside(desk, job.row, job.rerun)?.map_err(Stop::Refused)?;
    desk.db
        .prepare(
            "UPDATE job SET state = ?2, due = ?3, retries = 0, interrupted = 0, silent = NULL, rerun = rerun + ?4 WHERE id = ?1",
        )
        .execute(params![job.row, state, desk.now, job.state.ended()])?;
    note::job(desk, job.row, job.state, state, None)?;
    Ok(settle::reopen(desk.db, job.mail)?)
}

/// Ends a job by an operator's word. Nobody is answered, and the operator need not be told of it.
fn discard(desk: &mut Desk<'_>, job: &Job) -> Result<(), Stop> {
    if job.state == State::Waiting {
        return Err(Stop::Refused(Unsteerable::Parts));
    }
    let state = step(job.id, job.state, Event::Discarded)?;
    desk.db
        .prepare("UPDATE job SET state = ?2, reason = ?3, detail = ?4, silent = ?3 WHERE id = ?1")
        .execute(params![
            job.row,
            state,
            Reason::Discarded.code(),
            match lacking::why(desk.db, job.mail)? {
                None => "an operator discarded it",
                Some(_) =>
                    "an operator discarded it; its mail was never received whole and stays in its mailbox as it is",
            }
        ])?;
    note::event_of_job(desk, job.row, state)?;
    note::forget_news(desk, job.row)?;
    desk.db
        .prepare("DELETE FROM rated WHERE job = ? AND begun = 0")
        .execute([job.row])?;
    talk::give_back(desk, job.row)?;
    if job.part > 0 {
        let ended = Running {
            row: job.row,
            mail: job.mail,
            started: None,
            attempt: 0,
            part: job.part,
            parts: job.parts,
        };
        parts::ended(desk, &ended)?;
    }
    Ok(settle::conclude(desk, job.mail)?)
}
