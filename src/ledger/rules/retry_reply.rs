//! An operator has replies tried again, or says that one has arrived.

use super::{settle, submit, transaction::Transaction};
use crate::{
    job::JobId,
    ledger::{
        Error, ReplyState, Retried, RetrySelection,
        db::{OptionalExtension, SqlEngine, params},
        views::recipients::STATE,
    },
};

/// Has replies tried again at once.
pub(in crate::ledger) fn retry(tx: &mut Transaction<'_>, which: RetrySelection) -> Result<Retried, Error> {
    let mut retried = Retried::default();
    match which {
        RetrySelection::Queued => {
            retried.due = tx
                .db
                .prepare("UPDATE reply SET due = ?1 WHERE state = 'queued' AND unsure = 0")
                .execute([tx.now])?;
            let running: i64 = tx
                .db
                .prepare("SELECT count(*) FROM reply WHERE state = 'running'")
                .query_row((), |row| row.get(0))?;
            retried.running = usize::try_from(running).unwrap_or(0);
        }
        RetrySelection::Job(job) => one(tx, find(tx.db, job)?, &mut retried)?,
        RetrySelection::Refused => {
            let refused = tx
                .db
                .prepare("SELECT job FROM reply WHERE state = 'refused'")
                .query_map((), |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            for reply in refused {
                one(tx, (reply, ReplyState::Refused), &mut retried)?;
            }
        }
    }
    tx.after.every_account = true;
    Ok(retried)
}

/// Counts an unsure reply as sent. Says whether there was one.
pub(in crate::ledger) fn accept(tx: &mut Transaction<'_>, job: JobId) -> Result<bool, Error> {
    find(tx.db, job)?;
    submit::accept(tx, job)
}

fn find(db: &dyn SqlEngine, job: JobId) -> Result<(i64, ReplyState), Error> {
    let found = db
        .prepare(format!(
            "SELECT r.job, {STATE} FROM reply r JOIN job j ON j.id = r.job WHERE j.uuid = ?"
        ))
        .query_row([job], |row| Ok((row.get(0)?, row.get(1)?)));
    found
        .optional()?
        .ok_or_else(|| Error::Missing(format!("a reply of job {job}")))
}

/// Makes one due; where it was refused, to those who were, and its days count anew.
fn one(tx: &Transaction<'_>, (reply, state): (i64, ReplyState), retried: &mut Retried) -> Result<(), Error> {
    let db = tx.db;
    let has = |sql| db.prepare(sql).query_row([reply], |row| row.get::<bool>(0));
    let refused = matches!(state, ReplyState::Refused | ReplyState::Unsure)
        || has(
            "SELECT EXISTS (SELECT 1 FROM reply_recipient WHERE job = ? AND (state = 'refused' OR bounced IS NOT NULL))",
        )?;
    match state {
        ReplyState::Running => retried.running += 1,
        ReplyState::Sent if !refused => retried.sent += 1,
        _ if !has("SELECT EXISTS (SELECT 1 FROM reply_body WHERE job = ?)")? => retried.gone += 1,
        ReplyState::Queued | ReplyState::Sent | ReplyState::Refused | ReplyState::Unsure | ReplyState::Bounced => {
            db.prepare("DELETE FROM reply_recipient WHERE job = ? AND (state = 'refused' OR bounced IS NOT NULL)")
                .execute([reply])?;
            db.prepare(
                "UPDATE reply SET state = 'queued', unsure = 0, bounced = NULL, lost = 0, due = ?2, revived = CASE WHEN ?3 = 1 THEN ?2 ELSE revived END WHERE job = ?1",
            )
            .execute(params![reply, tx.now, refused])?;
            if !matches!(state, ReplyState::Queued | ReplyState::Unsure) {
                let mail = db
                    .prepare("SELECT mail FROM job WHERE id = ?")
                    .query_row([reply], |row| row.get(0))?;
                settle::opens(db, mail)?;
            }
            retried.due += 1;
        }
    }
    Ok(())
}
