//! What is nobody's any more is put right: claims whose lease has ended are queued again, half uploads go. It is done now and then while a
//! process lives, and at a start.

use super::{
    claim::{endpoint, step},
    leases,
    mail_bytes::drop_upload,
    note, owners,
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
        lease::Claimed,
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
        // Whoever is no owner of this list signs in beside us, and lives.
        "UPDATE lease SET until = ?1 WHERE owner IN (SELECT id FROM owner WHERE id <> ?2)",
        "UPDATE owner SET until = ?1 WHERE id <> ?2",
    ] {
        tx.db.prepare(others).execute([now, owner])?;
    }
    owners::begin(tx)?;
    // Queued means due. The first condition is that of the index.
    tx.db
        .prepare("UPDATE job SET due = ?1 WHERE state IN ('queued', 'deferred') AND state = 'queued' AND due > ?1")
        .execute([now])?;
    ended(tx)?;
    Ok(noted)
}

/// Renews what is held on to, then puts right what nobody holds. Says what is left that has an owner.
pub(in crate::ledger) fn look(tx: &mut Transaction<'_>) -> Result<Claimed, Error> {
    let holder = tx.holder;
    for (kind, held) in [
        (leases::JOBS, &holder.jobs),
        (leases::REPLIES, &holder.replies),
        (leases::NAMES, &holder.mailboxes),
        (leases::NAMES, &holder.sign_ins),
    ] {
        leases::renew(tx, kind, held)?;
    }
    owners::renew(tx)?;
    ended(tx)?;
    let any = tx.db.prepare(
        "SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running') OR EXISTS (SELECT 1 FROM reply WHERE state = 'running')
         OR EXISTS (SELECT 1 FROM upload) OR EXISTS (SELECT 1 FROM lease WHERE kind = 'sign-in' AND owner IS NOT NULL)",
    );
    let works: bool = any.query_row((), |row| row.get(0))?;
    Ok(match works {
        true => Claimed::Work,
        false => Claimed::Names,
    })
}

/// Queues again what has passed its end, and drops what came of mails that nobody will take.
pub(in crate::ledger) fn ended(tx: &mut Transaction<'_>) -> Result<(), Error> {
    for job in interrupted(tx)? {
        if !requeue(tx, &job)? {
            continue;
        }
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
    tx.db
        .prepare("UPDATE lease SET owner = NULL WHERE owner IS NOT NULL AND until <= ?1")
        .execute([tx.now])?;
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

/// Says whether it was done: another who looked at the same time may have been first, or its owner renewed it.
fn requeue(tx: &Transaction<'_>, Interrupted { row, job, times, .. }: &Interrupted) -> Result<bool, Error> {
    let state = step(*job, State::Running, JobEvent::Interrupted { times: *times })?;
    let poison = (state == State::Held).then(|| {
        (
            Reason::Poison.code(),
            format!("the process died {} while it ran", plural::counted(times, "time")),
        )
    });
    let (reason, detail) = poison.unzip();
    let changed = tx
        .db
        .prepare(
            "UPDATE job SET state = ?2, interrupted = ?3, reason = coalesce(?4, reason), detail = coalesce(?5, detail),
             owner = NULL, until = NULL
             WHERE id = ?1 AND state = 'running' AND until <= ?6",
        )
        .execute(params![row, state, times, reason, detail, tx.now])?;
    if changed == 0 {
        return Ok(false);
    }
    if state == State::Held {
        tracing::error!(%job, times, "a job is held: the process died each time it ran");
    }
    tx.db
        .prepare(
            "INSERT INTO attempt (job, number, started, ended, outcome, reason, detail)
             SELECT id, attempt, started, ?2, 'interrupted', ?3, ?4 FROM job WHERE id = ?1",
        )
        .execute(params![row, tx.now, reason, detail])?;
    note::job(tx, *row, State::Running, state, reason.as_deref())?;
    Ok(true)
}
