//! What happened is written down with what is done: events for those who follow them, news for the operator. In the same transaction, with
//! the same time.

use std::ops::ControlFlow;

use super::transaction::Transaction;
use crate::{
    job::state::State,
    ledger::{Error, EventKind, NewsKind, db::params},
};

/// Events that are kept.
const KEPT: i64 = 60_000;
/// Characters of what is said that an event has.
const DETAIL: usize = 200;
/// So many are written between two looks for what is too old.
const SWEEP: i64 = 1024;
/// The reason's code where a webhook is gone: its endpoint rests.
const GONE: &str = "status-410";

/// A job went from one state to another.
pub(in crate::ledger) fn job(
    tx: &Transaction<'_>,
    row: i64,
    from: State,
    to: State,
    reason: Option<&str>,
) -> Result<(), Error> {
    if from == to {
        return Ok(());
    }
    event_of_job(tx, row, to)?;
    match worth_telling(to, reason) {
        Some(kind) => news(tx, row, kind),
        None => Ok(()),
    }
}

/// The same without a word to the operator, who knows: he asked for it.
pub(in crate::ledger) fn event_of_job(tx: &Transaction<'_>, row: i64, to: State) -> Result<(), Error> {
    match event(to) {
        Some(kind) => of_job(tx, row, kind, Told::All),
        None => Ok(()),
    }
}

/// A job was made in this state.
pub(in crate::ledger) fn new_job(tx: &Transaction<'_>, row: i64, state: State) -> Result<(), Error> {
    let kind = match state {
        State::Held => EventKind::Held,
        _ => EventKind::Made,
    };
    of_job(tx, row, kind, Told::New)?;
    match state {
        State::Held => news(tx, row, NewsKind::Held),
        _ => Ok(()),
    }
}

/// Something happened to the reply of a job; the server's words, or an operator's.
pub(in crate::ledger) fn reply(tx: &Transaction<'_>, job: i64, kind: EventKind, said: &str) -> Result<(), Error> {
    of_job(tx, job, kind, Told::Words(beginning(said)))
}

/// A mail had its last touch at a place, as it ended there.
pub(in crate::ledger) fn settled(tx: &Transaction<'_>, mail: i64, verdict: Option<&str>) -> Result<(), Error> {
    let told = EventColumns {
        mail: Some(mail),
        reason: verdict,
        ..EventColumns::default()
    };
    write(tx, EventKind::Settled, &told)
}

/// An endpoint was paused or resumed; who had paused it.
pub(in crate::ledger) fn endpoint(
    tx: &Transaction<'_>,
    kind: EventKind,
    endpoint: &str,
    by: &str,
) -> Result<(), Error> {
    let told = EventColumns {
        endpoint: Some(endpoint),
        reason: Some(by),
        ..EventColumns::default()
    };
    write(tx, kind, &told)
}

/// What an event is of and says.
#[derive(Default)]
struct EventColumns<'a> {
    job: Option<i64>,
    mail: Option<i64>,
    endpoint: Option<&'a str>,
    attempt: Option<i64>,
    reason: Option<&'a str>,
    detail: Option<&'a str>,
}

/// How much an event tells of its job.
#[derive(Clone, Copy)]
enum Told<'a> {
    /// Why it is as it is, and after which attempt.
    All,
    /// The same of one that had no attempt.
    New,
    /// What somebody said.
    Words(&'a str),
}

/// Writes what happened to a job, as its row says it. Read and written by two statements: where one does both, SQLite keeps a copy of each page
/// that it changes, so that the statement could be undone alone.
fn of_job(tx: &Transaction<'_>, row: i64, kind: EventKind, told: Told<'_>) -> Result<(), Error> {
    let known = tx
        .db
        .prepare("SELECT endpoint, attempt, reason, substr(detail, 1, 200) FROM job WHERE id = ?");
    let mut written = Ok(());
    known.each([row], |columns| {
        let event = EventColumns {
            job: Some(row),
            endpoint: columns.get_ref(0)?.as_str_or_null()?,
            ..EventColumns::default()
        };
        let (attempt, why, words) = (columns.get(1)?, columns.get_ref(2)?, columns.get_ref(3)?);
        let event = match told {
            Told::Words(said) => EventColumns {
                detail: Some(said),
                ..event
            },
            Told::All | Told::New => EventColumns {
                attempt: matches!(told, Told::All).then_some(attempt),
                reason: why.as_str_or_null()?,
                detail: words.as_str_or_null()?,
                ..event
            },
        };
        written = write(tx, kind, &event);
        Ok(ControlFlow::Break(()))
    })?;
    written
}

fn write(tx: &Transaction<'_>, kind: EventKind, told: &EventColumns<'_>) -> Result<(), Error> {
    in_order(tx)?;
    let insert = tx.db.prepare(
        "INSERT INTO event (at, kind, job, mail, endpoint, attempt, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    );
    let id = insert.insert(params![
        tx.now,
        kind.as_str(),
        told.job,
        told.mail,
        told.endpoint,
        told.attempt,
        told.reason,
        told.detail
    ])?;
    sweep(tx, id)
}

/// As much of it as an event has.
fn beginning(said: &str) -> &str {
    said.char_indices()
        .nth(DETAIL)
        .map_or(said, |(end, _)| said.get(..end).unwrap_or(said))
}

/// Something that the operator is to be told of a job.
pub(in crate::ledger) fn news(tx: &Transaction<'_>, job: i64, kind: NewsKind) -> Result<(), Error> {
    in_order(tx)?;
    tx.db
        .prepare("INSERT INTO news (job, kind, at) VALUES (?1, ?2, ?3)")
        .execute(params![job, kind.as_str(), tx.now])?;
    Ok(())
}

/// The operator need not be told of this job any more.
pub(in crate::ledger) fn forget_news(tx: &Transaction<'_>, job: i64) -> Result<(), Error> {
    tx.db.prepare("DELETE FROM news WHERE job = ?").execute([job])?;
    Ok(())
}

/// Who follows events goes on behind the last id, and who tells news forgets all up to one: an id that is committed after a higher one
/// would never be seen. Where several write at a time, one after the other has to write these, until its transaction ends.
fn in_order(tx: &Transaction<'_>) -> Result<(), Error> {
    Ok(tx.db.lock_count(b"what happened")?)
}

/// Drops what is too old, now and then.
fn sweep(tx: &Transaction<'_>, id: i64) -> Result<(), Error> {
    if id % SWEEP == 0 {
        tx.db.prepare("DELETE FROM event WHERE id <= ?").execute([id - KEPT])?;
    }
    Ok(())
}

/// What is told of a job that comes to this state. A claim is nothing that happened. Pure.
fn event(to: State) -> Option<EventKind> {
    Some(match to {
        State::Running => return None,
        State::Queued => EventKind::Queued,
        State::Deferred => EventKind::Deferred,
        State::Waiting => EventKind::Waiting,
        State::Done => EventKind::Done,
        State::Failed => EventKind::Failed,
        State::Held => EventKind::Held,
        State::Ignored => EventKind::Ignored,
    })
}

/// What the operator is to be told of a job that comes to this state for this reason. Pure.
fn worth_telling(to: State, reason: Option<&str>) -> Option<NewsKind> {
    match to {
        State::Held => Some(NewsKind::Held),
        State::Failed => Some(NewsKind::Failed),
        State::Deferred if reason == Some(GONE) => Some(NewsKind::Paused),
        State::Done if reason.is_some() => Some(NewsKind::Unusable),
        State::Queued | State::Running | State::Deferred | State::Waiting | State::Done | State::Ignored => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Reason;

    #[test]
    fn what_a_job_comes_to_is_told() {
        for (to, reason, told) in [
            (State::Queued, None, None),
            (State::Running, None, None),
            (State::Deferred, Some("status-503"), None),
            (State::Deferred, Some(GONE), Some(NewsKind::Paused)),
            (State::Waiting, None, None),
            (State::Done, None, None),
            (State::Done, Some("answer"), Some(NewsKind::Unusable)),
            (State::Failed, None, Some(NewsKind::Failed)),
            (State::Held, Some("poison"), Some(NewsKind::Held)),
            (State::Ignored, Some("filter"), None),
        ] {
            assert_eq!(worth_telling(to, reason), told, "{to:?} {reason:?}");
            assert_eq!(
                event(to).map(EventKind::as_str),
                Some(to.as_str()).filter(|_| to != State::Running)
            );
        }
        assert_eq!(Reason::Status(410).code(), GONE);
    }
}
