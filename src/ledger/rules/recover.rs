//! A start puts right what a process left that died.

use super::{claim::step, mail_bytes::drop_upload, note, transaction::Desk};
use crate::{
    job::{
        JobId, Reason,
        state::{Event, State},
    },
    ledger::{
        Error, Reading,
        db::params,
        sqlite::time::{self, Noted},
    },
};

/// Puts right what a process left that died: its claims are queued again, its half uploads go; and what waits keeps its wait, where the
/// clock was set since. Says what the clocks show.
pub(in crate::ledger) fn recover(desk: &Desk<'_>, reading: Reading) -> Result<Noted, Error> {
    let noted = time::begin(desk.db, reading)?;
    for job in interrupted(desk)? {
        requeue(desk, &job)?;
    }
    desk.db
        .prepare("UPDATE reply SET state = 'queued' WHERE state = 'running'")
        .execute(())?;
    // Queued means due. The first condition is that of the index.
    desk.db
        .prepare("UPDATE job SET due = ?1 WHERE state IN ('queued', 'deferred') AND state = 'queued' AND due > ?1")
        .execute([desk.now])?;
    let uploads = desk
        .db
        .prepare("SELECT mail FROM upload")
        .query_map((), |row| row.get(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for upload in uploads {
        drop_upload(desk.db, upload)?;
    }
    Ok(noted)
}

struct Interrupted {
    row: i64,
    job: JobId,
    times: u32,
}

fn interrupted(desk: &Desk<'_>) -> Result<Vec<Interrupted>, Error> {
    let query = desk
        .db
        .prepare("SELECT id, uuid, interrupted + 1 FROM job WHERE state = 'running'");
    let rows = query.query_map((), |row| {
        Ok(Interrupted {
            row: row.get(0)?,
            job: row.get(1)?,
            times: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn requeue(desk: &Desk<'_>, Interrupted { row, job, times }: &Interrupted) -> Result<(), Error> {
    let state = step(*job, State::Running, Event::Interrupted { times: *times })?;
    let poison = (state == State::Held).then(|| {
        (
            Reason::Poison.code(),
            format!("the process died {times} times while it ran"),
        )
    });
    let (reason, detail) = poison.unzip();
    if state == State::Held {
        tracing::error!(%job, times, "a job is held: the process died each time it ran");
    }
    desk.db
        .prepare(
            "INSERT INTO attempt (job, number, started, ended, outcome, reason, detail)
         SELECT id, attempt, started, ?2, 'interrupted', ?3, ?4 FROM job WHERE id = ?1",
        )
        .execute(params![row, desk.now, reason, detail])?;
    desk.db.prepare(
        "UPDATE job SET state = ?2, interrupted = ?3, reason = coalesce(?4, reason), detail = coalesce(?5, detail) WHERE id = ?1",
    )
    .execute(params![row, state, times, reason, detail])?;
    note::job(desk, *row, State::Running, state, reason.as_deref())
}
