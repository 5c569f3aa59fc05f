//! The replies of a job: the one of this run, and those from before it ran anew.

use bytes::Bytes;

use super::recipients::{kept_ends, recipients};
use crate::{
    job::JobId,
    ledger::{
        Error, ReplyState, ReplyStory,
        db::{OptionalExtension, SqlEngine, params},
        values::instant,
    },
};

/// All replies of a job, the newest first.
pub(in crate::ledger) fn replies(db: &dyn SqlEngine, job: i64, rerun: u32) -> Result<Vec<ReplyStory>, Error> {
    let mut all: Vec<_> = present(db, job, rerun)?.into_iter().collect();
    let query = db.prepare(
        "SELECT rerun, account, CASE WHEN bounced IS NOT NULL THEN 'bounced' ELSE state END, recipients, message_id, attempt, made, ended, detail, withdrawn, length(bytes)
         FROM past_reply WHERE job = ? ORDER BY rerun DESC",
    );
    let rows = query.query_map([job], |row| {
        let recipients = row.get::<String>(3)?;
        Ok(ReplyStory {
            rerun: row.get(0)?,
            account: row.get(1)?,
            state: row.get(2)?,
            recipients: kept_ends(&recipients)?,
            message_id: row.get(4)?,
            attempts: row.get(5)?,
            made: instant(row.get(6)?),
            due: None,
            ended: row.get::<Option<i64>>(7)?.map(instant),
            said: row.get(8)?,
            withdrawn: row.get(9)?,
            size: row.get::<Option<i64>>(10)?.map(i64::unsigned_abs),
        })
    })?;
    for row in rows {
        all.push(row?);
    }
    Ok(all)
}

/// The reply of this run.
pub(in crate::ledger) fn present(db: &dyn SqlEngine, job: i64, rerun: u32) -> Result<Option<ReplyStory>, Error> {
    let query = db.prepare(
        "SELECT r.account, CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END, r.recipients, r.message_id, r.attempt, r.made, r.due, r.ended, r.detail, length(b.bytes)
         FROM reply r LEFT JOIN reply_body b ON b.job = r.job WHERE r.job = ?",
    );
    let found = query
        .query_row([job], |row| {
            let (reply, said): (_, Option<String>) = (row.get::<ReplyState>(1)?, row.get(8)?);
            let addresses: String = row.get(2)?;
            Ok((
                ReplyStory {
                    rerun,
                    account: row.get(0)?,
                    state: reply,
                    recipients: Vec::new(),
                    message_id: row.get(3)?,
                    attempts: row.get(4)?,
                    made: instant(row.get(5)?),
                    due: Some(instant(row.get(6)?)).filter(|_| reply == ReplyState::Queued),
                    ended: row.get::<Option<i64>>(7)?.map(instant),
                    said,
                    withdrawn: false,
                    size: row.get::<Option<i64>>(9)?.map(i64::unsigned_abs),
                },
                addresses,
            ))
        })
        .optional()?;
    let Some((story, addresses)) = found else {
        return Ok(None);
    };
    let recipients = recipients(db, job, story.state, &addresses, story.said.as_deref())?;
    Ok(Some(ReplyStory { recipients, ..story }))
}

/// The bytes of a job's reply, of that run or the newest.
pub(in crate::ledger) fn of_job(db: &dyn SqlEngine, job: JobId, rerun: Option<u32>) -> Result<Option<Bytes>, Error> {
    let query = db.prepare(
        "SELECT bytes FROM (
           SELECT j.rerun AS run, b.bytes AS bytes FROM job j JOIN reply_body b ON b.job = j.id WHERE j.uuid = ?1
           UNION ALL SELECT p.rerun, p.bytes FROM job j JOIN past_reply p ON p.job = j.id WHERE j.uuid = ?1) kept
         WHERE (run = ?2 OR ?2 IS NULL) AND bytes IS NOT NULL ORDER BY run DESC LIMIT 1",
    );
    let bytes = query.query_row(params![job, rerun], |row| row.get::<Vec<u8>>(0));
    Ok(bytes.optional()?.map(Bytes::from))
}
