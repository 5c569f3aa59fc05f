//! The replies for an operator: what waits, what was refused, and trying it again.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::operator::Door;
use crate::{
    job::JobId,
    ledger::{
        Again, Error, OutboxRow, ReplyFilter, ReplyState, ReplyTable, Retried,
        rules::{submit, transaction::Desk},
        views::replies,
    },
};

#[async_trait]
impl<D: Door> ReplyTable for D {
    async fn replies(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        self.read(move |db| replies::list(db, &filter)).await
    }

    async fn retry_replies(&self, which: Again) -> Result<Retried, Error> {
        self.change(move |desk| retry(desk, which)).await
    }

    async fn accept_reply(&self, job: JobId) -> Result<bool, Error> {
        self.change(move |desk| accept(desk, job)).await
    }
}

fn retry(desk: &mut Desk<'_>, which: Again) -> Result<Retried, Error> {
    let (db, now) = (desk.db, desk.now);
    let mut retried = Retried::default();
    match which {
        Again::Queued => {
            retried.due = db.execute("UPDATE reply SET due = ?1 WHERE state = 'queued' AND unsure = 0", [now])?;
            let running = "SELECT count(*) FROM reply WHERE state = 'running'";
            retried.running = usize::try_from(db.query_row(running, [], |row| row.get::<_, i64>(0))?).unwrap_or(0);
        }
        Again::Job(job) => one(db, find(db, job)?, now, &mut retried)?,
        Again::Refused => {
            let refused = db
                .prepare("SELECT job FROM reply WHERE state = 'refused'")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            for reply in refused {
                one(db, (reply, ReplyState::Refused), now, &mut retried)?;
            }
        }
    }
    desk.after.every_account |= retried.due > 0;
    Ok(retried)
}

fn accept(desk: &mut Desk<'_>, job: JobId) -> Result<bool, Error> {
    find(desk.db, job)?;
    submit::accept(desk, job)
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
