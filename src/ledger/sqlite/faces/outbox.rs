//! The replies by the side door: what waits, what was refused, and trying it again.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{
    job::JobId,
    ledger::{
        Again, Error, OutboxRow, ReplyFilter, ReplyState, Retried,
        rules::{
            submit,
            transaction::{After, Desk},
        },
        sqlite::side::Side,
        values::micros,
        views::replies,
    },
};

/// The replies of a ledger that another process may have open. That process notices within seconds what is due.
#[derive(Debug, Clone)]
pub struct Outbox {
    side: Side,
}

impl Outbox {
    /// Brings the schema up to date where nobody has it open.
    ///
    /// # Errors
    /// [`Error::NoLedger`] where there is none, [`Error::Newer`] when a newer Mailjob wrote it, [`Error::Older`] when an older one has it open, else what the disk said.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let side = Side::open(path).await?;
        Ok(Self { side })
    }

    /// Those of a ledger that this process has open.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { side: Side::of(path) }
    }

    /// The newest replies that are wanted, newest first, and how many there are in all from there on.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn list(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        self.side.with(move |db| replies::list(db, &filter)).await
    }

    /// Has replies tried again at once.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply; or when the engine fails.
    pub async fn retry(&self, which: Again, now: DateTime<Utc>) -> Result<Retried, Error> {
        self.side.with(move |db| retry(db, which, micros(now))).await
    }

    /// Counts an unsure reply as sent: an operator knows that it has arrived. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply; or when the engine fails.
    pub async fn accept(&self, job: JobId, now: DateTime<Utc>) -> Result<bool, Error> {
        self.side.with(move |db| accept(db, job, micros(now))).await
    }
}

fn retry(db: &mut Connection, which: Again, now: i64) -> Result<Retried, Error> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut retried = Retried::default();
    match which {
        Again::Queued => {
            retried.due = tx.execute("UPDATE reply SET due = ?1 WHERE state = 'queued' AND unsure = 0", [now])?;
            let running = "SELECT count(*) FROM reply WHERE state = 'running'";
            retried.running = usize::try_from(tx.query_row(running, [], |row| row.get::<_, i64>(0))?).unwrap_or(0);
        }
        Again::Job(job) => one(&tx, find(&tx, job)?, now, &mut retried)?,
        Again::Refused => {
            let refused = tx
                .prepare("SELECT job FROM reply WHERE state = 'refused'")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            for reply in refused {
                one(&tx, (reply, ReplyState::Refused), now, &mut retried)?;
            }
        }
    }
    tx.commit()?;
    Ok(retried)
}

fn accept(db: &mut Connection, job: JobId, now: i64) -> Result<bool, Error> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    find(&tx, job)?;
    let mut desk = Desk {
        db: &tx,
        now,
        // Whoever runs beside looks for itself.
        after: After::default(),
    };
    let accepted = submit::accept(&mut desk, job)?;
    drop(desk);
    tx.commit()?;
    Ok(accepted)
}

fn find(db: &Connection, job: JobId) -> Result<(i64, ReplyState), Error> {
    let found = db
        .prepare_cached("SELECT r.job, CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END FROM reply r JOIN job j ON j.id = r.job WHERE j.uuid = ?")?
        .query_row([job], |row| {
            let state = ReplyState::named(row.get_ref(1)?.as_str()?).unwrap_or(ReplyState::Queued);
            Ok((row.get(0)?, state))
        });
    found
        .optional()?
        .ok_or_else(|| Error::Missing(format!("a reply of job {job}")))
}

/// Makes one due; where it was refused, to those who were, and its days count anew.
fn one(db: &Connection, (reply, state): (i64, ReplyState), now: i64, retried: &mut Retried) -> Result<(), Error> {
    let has = |sql| db.prepare_cached(sql)?.query_row([reply], |row| row.get::<_, bool>(0));
    let refused = matches!(state, ReplyState::Refused | ReplyState::Unsure)
        || has(
            "SELECT EXISTS (SELECT 1 FROM reply_recipient WHERE job = ? AND (state = 'refused' OR bounced IS NOT NULL))",
        )?;
    match state {
        ReplyState::Running => retried.running += 1,
        ReplyState::Sent if !refused => retried.sent += 1,
        _ if !has("SELECT EXISTS (SELECT 1 FROM reply_body WHERE job = ?)")? => retried.gone += 1,
        ReplyState::Queued | ReplyState::Sent | ReplyState::Refused | ReplyState::Unsure | ReplyState::Bounced => {
            db.prepare_cached(
                "DELETE FROM reply_recipient WHERE job = ? AND (state = 'refused' OR bounced IS NOT NULL)",
            )?
            .execute([reply])?;
            db.prepare_cached(
                "UPDATE reply SET state = 'queued', unsure = 0, bounced = NULL, lost = 0, due = ?2, revived = CASE WHEN ?3 THEN ?2 ELSE revived END WHERE job = ?1",
            )?
            .execute(params![reply, now, refused])?;
            retried.due += 1;
        }
    }
    Ok(())
}
