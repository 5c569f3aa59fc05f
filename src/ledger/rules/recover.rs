//! What is nobody's any more is put right: claims whose lease has ended are queued again, half uploads go. It is done now and then while a
//! process lives, and at a start.

use super::{
    claim::{endpoint, step},
    mail_bytes::drop_upload,
    note,
    transaction::Transaction,
};
use crate::{
    config::EndpointName,
    job::{
        JobId, Reason,
        state::{Isolation, JobEvent, State, company},
    },
    ledger::{
        ClockReading, Error,
        db::params,
        lease::{TERM, low},
        sqlite::time::{self, Noted},
    },
    plural,
};

/// A process begins: what waits keeps its wait, where the clock was set since the last one, and what others worked on goes on. Says what the
/// clocks show.
///
/// Whoever calls this has the lock of the file: no other process is alive that could work on anything, so that all leases but its own end
/// at once. An engine that has no such lock leaves that to their time.
pub(in crate::ledger) fn begin(tx: &mut Transaction<'_>, reading: ClockReading) -> Result<Noted, Error> {
    let (now, owner) = (tx.now, tx.holder.owner.0);
    let noted = time::begin(tx.db, reading)?;
    for others in [
        // Where it runs is indexed: few rows do.
        "UPDATE job SET until = ?1 WHERE state = 'running' AND owner IS DISTINCT FROM ?2",
        "UPDATE reply SET until = ?1 WHERE state = 'running' AND owner IS DISTINCT FROM ?2",
        "UPDATE upload SET until = ?1 WHERE owner IS DISTINCT FROM ?2",
    ] {
        tx.db.prepare(others).execute([now, owner])?;
    }
    // Queued means due. The first condition is that of the index.
    tx.db
        .prepare("UPDATE job SET due = ?1 WHERE state IN ('queued', 'deferred') AND state = 'queued' AND due > ?1")
        .execute([now])?;
    ended(tx)?;
    Ok(noted)
}

/// Prolongs what is held on to, then puts right what nobody holds. Says whether anything is left that has an owner.
pub(in crate::ledger) fn look(tx: &mut Transaction<'_>) -> Result<bool, Error> {
    prolong(tx)?;
    ended(tx)?;
    let any = tx.db.prepare(
        "SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running') OR EXISTS (SELECT 1 FROM reply WHERE state = 'running')
         OR EXISTS (SELECT 1 FROM upload)",
    );
    Ok(any.query_row((), |row| row.get(0))?)
}

/// Those of ours that are held on to and have not much of their term left.
fn prolong(tx: &Transaction<'_>) -> Result<(), Error> {
    let (now, owner) = (tx.now, tx.holder.owner.0);
    let (jobs, replies) = (tx.holder.jobs.rows(), tx.holder.replies.rows());
    for (rows, sql) in [
        (
            jobs,
            "UPDATE job SET until = ?1 WHERE id IN (SELECT value FROM json_each(?4)) AND state = 'running' AND owner = ?2 AND until < ?3",
        ),
        (
            replies,
            "UPDATE reply SET until = ?1 WHERE job IN (SELECT value FROM json_each(?4)) AND state = 'running' AND owner = ?2 AND until < ?3",
        ),
    ] {
        if !rows.is_empty() {
            tx.db
                .prepare(sql)
                .execute(params![now + TERM, owner, now + low(TERM), format!("{rows:?}")])?;
        }
    }
    Ok(())
}

/// Queues again what has passed its end, and drops what came of mails that nobody will take.
pub(in crate::ledger) fn ended(tx: &mut Transaction<'_>) -> Result<(), Error> {
    for job in interrupted(tx)? {
        requeue(tx, &job)?;
        tx.after.endpoints.extend(job.endpoint);
        tx.after.everyone |= company(job.times.saturating_sub(1)) == Isolation::LastOfItsKind;
    }
    let replies = tx
        .db
        .prepare(
            "UPDATE reply SET state = 'queued', owner = NULL, until = NULL WHERE state = 'running' AND until <= ?1",
        )
        .execute([tx.now])?;
    tx.after.every_account |= replies > 0;
    let uploads = tx
        .db
        .prepare("SELECT mail FROM upload WHERE until <= ?1")
        .query_map([tx.now], |row| row.get(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for upload in uploads {
        drop_upload(tx.db, upload)?;
    }
    Ok(())
}

struct Interrupted {
    row: i64,
    job: JobId,
    times: u32,
    endpoint: Option<EndpointName>,
}

fn interrupted(tx: &Transaction<'_>) -> Result<Vec<Interrupted>, Error> {
    let query = tx
        .db
        .prepare("SELECT id, uuid, interrupted + 1, endpoint FROM job WHERE state = 'running' AND until <= ?1");
    let rows = query.query_map([tx.now], |row| {
        Ok(Interrupted {
            row: row.get(0)?,
            job: row.get(1)?,
            times: row.get(2)?,
            endpoint: endpoint(row, 3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn requeue(tx: &Transaction<'_>, Interrupted { row, job, times, .. }: &Interrupted) -> Result<(), Error> {
    let state = step(*job, State::Running, JobEvent::Interrupted { times: *times })?;
    let poison = (state == State::Held).then(|| {
        (
            Reason::Poison.code(),
            format!("the process died {} while it ran", plural::counted(times, "time")),
        )
    });
    let (reason, detail) = poison.unzip();
    if state == State::Held {
        tracing::error!(%job, times, "a job is held: the process died each time it ran");
    }
    tx.db
        .prepare(
            "INSERT INTO attempt (job, number, started, ended, outcome, reason, detail)
             SELECT id, attempt, started, ?2, 'interrupted', ?3, ?4 FROM job WHERE id = ?1",
        )
        .execute(params![row, tx.now, reason, detail])?;
    tx.db
        .prepare(
            "UPDATE job SET state = ?2, interrupted = ?3, reason = coalesce(?4, reason), detail = coalesce(?5, detail),
             owner = NULL, until = NULL
             WHERE id = ?1",
        )
        .execute(params![row, state, times, reason, detail])?;
    note::job(tx, *row, State::Running, state, reason.as_deref())
}
