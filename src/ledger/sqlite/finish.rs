//! The end of an attempt: outcome and reply together; and the end of a submission.

use rusqlite::{OptionalExtension, params};

use super::{
    claims::{Running, running, step},
    conversations, settle,
    values::{capped, micros},
    writer::Desk,
};
use crate::{
    job::{
        JobId, NewReply, Outcome, ReplyDecision,
        state::{End, Event, State},
    },
    ledger::{Error, Finish, Submitted, Summary},
};

/// Ends an attempt.
pub(super) fn finish(desk: &mut Desk<'_>, finish: Finish) -> Result<(), Error> {
    let Finish {
        job,
        attempt,
        outcome,
        due,
        reply,
        summary,
    } = finish;
    let found = running(desk, job, attempt)?;
    let end = End::from(&outcome);
    let state = step(job, State::Running, Event::Finished(end)).and_then(|state| match (state, due) {
        (State::Deferred, None) => Err(Error::Illegal {
            job,
            illegal: "a retry has no due time".into(),
        }),
        _ => Ok(state),
    });
    let state = match state {
        Ok(state) => state,
        Err(illegal) => {
            hold(desk, &found, &illegal)?;
            return Err(illegal);
        }
    };
    let words = Words::of(&outcome);
    note_attempt(desk, &found, attempt, &words)?;
    change_job(
        desk,
        &found,
        state,
        due.map(micros),
        &words,
        summary.unwrap_or_default(),
    )?;
    if matches!(end, End::Failed | End::Ignored) {
        conversations::give_back(desk, found.row)?;
    }
    match reply.filter(|_| matches!(end, End::Done | End::Failed)) {
        Some(ReplyDecision::Send(reply)) => queue_reply(desk, found.row, reply)?,
        Some(ReplyDecision::Silent(why)) => keep_silent(desk, found.row, &why)?,
        None => {}
    }
    if state.ended() {
        settle::conclude(desk, found.mail)?;
    }
    Ok(())
}

/// An outcome as it is stored.
struct Words<'a> {
    outcome: &'static str,
    reason: Option<String>,
    detail: Option<&'a str>,
    answer: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (name, reason, detail) = match outcome {
            Outcome::Done(answer) => {
                let answer = answer.text.as_deref().map(capped);
                return Self {
                    outcome: "done",
                    reason: None,
                    detail: None,
                    answer,
                };
            }
            Outcome::Retry { reason, detail, .. } => ("retry", reason, detail),
            Outcome::Failed { reason, detail, .. } => ("failed", reason, detail),
            Outcome::Ignored { reason, detail } => ("ignored", reason, detail),
            Outcome::Held { reason, detail } => ("held", reason, detail),
        };
        Self {
            outcome: name,
            reason: Some(reason.code()),
            detail: Some(capped(detail)),
            answer: None,
        }
    }
}

fn note_attempt(desk: &Desk<'_>, job: &Running, number: u32, words: &Words<'_>) -> Result<(), Error> {
    desk.db
        .prepare_cached(
            "INSERT INTO attempt (job, number, started, ended, outcome, reason, detail, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            job.row,
            number,
            job.started,
            desk.now,
            words.outcome,
            words.reason,
            words.detail,
            words.answer
        ])?;
    Ok(())
}

fn change_job(
    desk: &Desk<'_>,
    job: &Running,
    state: State,
    due: Option<i64>,
    words: &Words<'_>,
    summary: Summary,
) -> Result<(), Error> {
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    desk.db
        .prepare_cached(
            "UPDATE job SET state = ?2, due = ifnull(?3, due), retries = retries + ?4, reason = ?5, detail = ?6,
             sender = ifnull(?7, sender), subject = ifnull(?8, subject), message_id = ifnull(?9, message_id)
             WHERE id = ?1",
        )?
        .execute(params![
            job.row,
            state,
            due.filter(|_| state == State::Deferred),
            state == State::Deferred,
            words.reason,
            words.detail,
            said(summary.from),
            said(summary.subject),
            said(summary.message_id)
        ])?;
    Ok(())
}

/// A bug of ours must not lose a mail: a person looks.
fn hold(desk: &Desk<'_>, job: &Running, illegal: &Error) -> Result<(), Error> {
    desk.db
        .prepare_cached("UPDATE job SET state = ?2, reason = NULL, detail = ?3 WHERE id = ?1")?
        .execute(params![job.row, State::Held, illegal.to_string()])?;
    Ok(())
}

fn queue_reply(desk: &mut Desk<'_>, job: i64, reply: NewReply) -> Result<(), Error> {
    let recipients = serde_json::to_string(&reply.recipients).map_err(|error| Error::Engine(error.to_string()))?;
    desk.db
        .prepare_cached(
            "INSERT INTO reply (job, account, state, due, made, message_id, sender, recipients)
             VALUES (?1, ?2, 'queued', ?3, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            job,
            reply.account,
            desk.now,
            reply.message_id,
            reply.sender,
            recipients
        ])?;
    desk.db
        .prepare_cached("INSERT INTO reply_body (job, bytes) VALUES (?1, ?2)")?
        .execute(params![job, &*reply.bytes])?;
    if let Some(new) = &reply.conversation {
        conversations::begin(desk, job, new)?;
    }
    desk.after.accounts.insert(reply.account.into());
    Ok(())
}

fn keep_silent(desk: &Desk<'_>, job: i64, why: &str) -> Result<(), Error> {
    desk.db
        .prepare_cached("UPDATE job SET silent = ?2 WHERE id = ?1")?
        .execute(params![job, why])?;
    Ok(())
}

/// Ends a submission.
pub(super) fn submitted(desk: &mut Desk<'_>, job: JobId, attempt: u32, what: &Submitted) -> Result<(), Error> {
    let found = desk
        .db
        .prepare_cached(
            "SELECT j.id, j.mail, r.state = 'running' AND r.attempt = ?2, r.account
             FROM job j JOIN reply r ON r.job = j.id WHERE j.uuid = ?1",
        )?
        .query_row(params![job, attempt], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let (row, mail, ours, account) = found.ok_or_else(|| Error::Missing(format!("the reply of job {job}")))?;
    if !ours {
        return Err(Error::Stale(job));
    }
    let (state, due, detail) = match what {
        Submitted::Sent(words) => ("sent", None, words),
        Submitted::Refused(words) => ("refused", None, words),
        Submitted::Later { due, detail } => ("queued", Some(micros(*due)), detail),
    };
    desk.db
        .prepare_cached("UPDATE reply SET state = ?2, due = ifnull(?3, due), detail = ?4 WHERE job = ?1")?
        .execute(params![row, state, due, capped(detail)])?;
    match what {
        Submitted::Later { .. } => {
            desk.after.accounts.insert(account.into());
            Ok(())
        }
        Submitted::Sent(_) | Submitted::Refused(_) => settle::conclude(desk, mail),
    }
}
