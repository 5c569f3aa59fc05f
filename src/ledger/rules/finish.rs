//! The end of an attempt: outcome and reply together.

use super::{
    claim::{self, RunningJob, running, step},
    note, parts, pause, rate, route, settle, talk,
    transaction::Transaction,
};
use crate::{
    job::{
        NewReply, Outcome, ReplyDecision, Trace,
        state::{AttemptEnd, JobEvent, State},
    },
    ledger::{
        Error, Finish, NewsKind, PausedBy, Summary,
        db::{BlobColumn, params},
        values::{capped, micros, signed},
        views::mails::REPLY_BODY,
    },
};

/// Ends an attempt. Says which gate held its reply back.
pub(in crate::ledger) fn finish(tx: &mut Transaction<'_>, finish: Finish) -> Result<Option<&'static str>, Error> {
    let Finish {
        job,
        attempt,
        outcome,
        due,
        reply,
        summary,
        next,
        gates,
        trace,
        gone,
    } = finish;
    let found = running(tx, job, attempt)?;
    let end = AttemptEnd::from(&outcome);
    let state = step(job, State::Running, JobEvent::Finished(end)).and_then(|state| match (state, due) {
        (State::Deferred, None) => Err(Error::Illegal {
            job,
            illegal: "a retry has no due time".into(),
        }),
        _ => Ok(state),
    });
    let state = match state {
        Ok(state) => state,
        Err(illegal) => {
            hold(tx, &found, &illegal)?;
            return Err(illegal);
        }
    };
    let words = OutcomeColumns::of(&outcome);
    note_attempt(tx, &found, attempt, &words, &trace)?;
    if let Some(action) = gone {
        let endpoint = claim::endpoint_of(tx.db, found.row)?;
        pause::pause(tx, &endpoint, PausedBy::Gone, Some(action))?;
    }
    change_job(tx, &found, state, due.map(micros), &words, summary.unwrap_or_default())?;
    if matches!(end, AttemptEnd::Failed | AttemptEnd::Ignored) {
        talk::give_back(tx, found.row)?;
    }
    let mut held_back = None;
    match reply.filter(|_| matches!(end, AttemptEnd::Done | AttemptEnd::Failed)) {
        Some(ReplyDecision::Send(reply)) => match rate::pass(tx, found.row, &gates)? {
            None => queue_reply(tx, found.row, reply)?,
            Some(code) => {
                held_back = Some(code);
                keep_silent(tx, found.row, code)?;
                note::news(tx, found.row, NewsKind::Unanswered)?;
            }
        },
        Some(ReplyDecision::Silent(why)) => keep_silent(tx, found.row, &why)?,
        Some(ReplyDecision::Gathered) => {
            keep_silent(tx, found.row, "combined")?;
            parts::keep(tx, found.row, &outcome)?;
        }
        None => {}
    }
    if let Outcome::Split(pieces) = &outcome {
        parts::split(tx, &found, pieces)?;
    }
    // Who comes next has the mail before anybody could think that it ended.
    let passed_on = end == AttemptEnd::Ignored && found.part == 0 && route::forward(tx, found.mail, &next)?;
    if state.ended() {
        match (found.part, found.parts) {
            (0, 0) => {}
            // Who failed may be tried again: what its parts answered is needed then.
            (0, _) if state == State::Failed => {}
            (0, _) => parts::drop_kept(tx.db, found.row)?,
            _ => parts::ended(tx, &found)?,
        }
    }
    if state.ended() && !passed_on {
        settle::conclude(tx, found.mail)?;
    }
    Ok(held_back)
}

/// An outcome as it is stored.
struct OutcomeColumns<'a> {
    outcome: &'static str,
    reason: Option<String>,
    detail: Option<&'a str>,
    answer: Option<&'a str>,
    /// Whether it only waits, which is no try.
    waits: bool,
}

impl<'a> OutcomeColumns<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (name, reason, detail) = match outcome {
            Outcome::Done(answer) => {
                let (flaw, answer) = (answer.flaw.as_ref(), answer.text.as_deref().map(capped));
                return Self {
                    outcome: "done",
                    reason: flaw.map(|flaw| flaw.reason.code()),
                    detail: flaw.map(|flaw| capped(&flaw.detail)),
                    answer,
                    waits: false,
                };
            }
            Outcome::Retry { reason, detail, .. } => ("retry", reason, detail),
            Outcome::Failed { reason, detail, .. } => ("failed", reason, detail),
            Outcome::Ignored { reason, detail } => ("ignored", reason, detail),
            Outcome::Held { reason, detail } => ("held", reason, detail),
            Outcome::Split(_) => {
                return Self {
                    outcome: "split",
                    reason: None,
                    detail: None,
                    answer: None,
                    waits: false,
                };
            }
        };
        Self {
            outcome: name,
            reason: Some(reason.code()),
            detail: Some(capped(detail)),
            answer: None,
            waits: !reason.is_attempt(),
        }
    }
}

fn note_attempt(
    tx: &Transaction<'_>,
    job: &RunningJob,
    number: u32,
    words: &OutcomeColumns<'_>,
    trace: &Trace,
) -> Result<(), Error> {
    let trace = match trace == &Trace::default() {
        true => None,
        false => Some(serde_json::to_string(trace).map_err(|error| Error::Engine(error.to_string()))?),
    };
    tx.db
        .prepare(
            "INSERT INTO attempt (job, number, started, ended, outcome, reason, detail, answer, trace)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .execute(params![
            job.row,
            number,
            job.started,
            tx.now,
            words.outcome,
            words.reason,
            words.detail,
            words.answer,
            trace
        ])?;
    Ok(())
}

fn change_job(
    tx: &Transaction<'_>,
    job: &RunningJob,
    state: State,
    due: Option<i64>,
    words: &OutcomeColumns<'_>,
    summary: Summary,
) -> Result<(), Error> {
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    tx.db
        .prepare(
            "UPDATE job SET state = ?2, due = coalesce(?3, due), retries = retries + ?4, reason = ?5, detail = ?6,
             sender = coalesce(?7, sender), subject = coalesce(?8, subject), message_id = coalesce(?9, message_id),
             owner = NULL, until = NULL
             WHERE id = ?1",
        )
        .execute(params![
            job.row,
            state,
            due.filter(|_| state == State::Deferred),
            state == State::Deferred && !words.waits,
            words.reason,
            words.detail,
            said(summary.from),
            said(summary.subject),
            said(summary.message_id)
        ])?;
    note::job(tx, job.row, State::Running, state, words.reason.as_deref())
}

/// A bug of ours must not lose a mail: a person looks.
fn hold(tx: &Transaction<'_>, job: &RunningJob, illegal: &Error) -> Result<(), Error> {
    tx.db
        .prepare("UPDATE job SET state = ?2, reason = NULL, detail = ?3, owner = NULL, until = NULL WHERE id = ?1")
        .execute(params![job.row, State::Held, illegal.to_string()])?;
    note::job(tx, job.row, State::Running, State::Held, None)
}

fn queue_reply(tx: &mut Transaction<'_>, job: i64, reply: NewReply) -> Result<(), Error> {
    let recipients = serde_json::to_string(&reply.recipients).map_err(|error| Error::Engine(error.to_string()))?;
    tx.db
        .prepare(
            "INSERT INTO reply (job, account, state, due, made, message_id, sender, recipients, size)
             VALUES (?1, ?2, 'queued', ?3, ?3, ?4, ?5, ?6, ?7)",
        )
        .execute(params![
            job,
            reply.account,
            tx.now,
            reply.message_id,
            reply.sender,
            recipients,
            signed(reply.bytes.len())
        ])?;
    let body = BlobColumn { row: job, ..REPLY_BODY };
    tx.db.store_bytes(body, &reply.bytes)?;
    if let Some(new) = &reply.conversation {
        talk::begin(tx, job, new)?;
    }
    tx.after.accounts.insert(reply.account.into());
    Ok(())
}

fn keep_silent(tx: &Transaction<'_>, job: i64, why: &str) -> Result<(), Error> {
    tx.db
        .prepare("UPDATE job SET silent = ?2 WHERE id = ?1")
        .execute(params![job, why])?;
    Ok(())
}
