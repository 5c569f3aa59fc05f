//! A reply is set aside when its job runs anew.

use super::transaction::Transaction;
use crate::ledger::{
    Error, RecipientEnd, ReplyState, Unsteerable,
    db::{SqlEngine, params},
    values::signed,
    views::past::present,
};

/// Sets a job's reply aside, so that its next run has one of its own. Who has not got it, does not get it any more.
///
/// # Errors
/// The inner one where it is being submitted at this moment.
pub(in crate::ledger) fn set_aside(
    tx: &Transaction<'_>,
    job: i64,
    rerun: u32,
) -> Result<Result<(), Unsteerable>, Error> {
    let Some(reply) = present(tx.db, job, rerun)? else {
        return Ok(Ok(()));
    };
    if reply.state == ReplyState::Running {
        return Ok(Err(Unsteerable::Sending));
    }
    let recipients: &Vec<RecipientEnd> = &reply.recipients;
    let recipients = serde_json::to_string(recipients).map_err(|error| Error::Engine(error.to_string()))?;
    tx.db
        .prepare(
            "INSERT INTO past_reply (job, rerun, account, state, withdrawn, attempt, made, ended, message_id, recipients, detail, bytes, bounced)
             SELECT r.job, ?2, r.account, r.state, CASE WHEN r.state = 'queued' THEN 1 ELSE 0 END, r.attempt, r.made, r.ended, r.message_id, ?3, r.detail, b.bytes, r.bounced
             FROM reply r LEFT JOIN reply_body b ON b.job = r.job WHERE r.job = ?1",
        )
        .execute(params![job, signed(rerun), recipients])?;
    for table in ["reply_recipient", "reply_body", "reply"] {
        tx.db
            .prepare(format!("DELETE FROM {table} WHERE job = ?"))
            .execute([job])?;
    }
    Ok(Ok(()))
}

/// Drops the bytes of a mail's earlier replies; returns bytes freed.
pub(in crate::ledger) fn forget(db: &dyn SqlEngine, mail: i64) -> Result<u64, Error> {
    let of_mail = "job IN (SELECT id FROM job WHERE mail = ?) AND bytes IS NOT NULL";
    let freed: i64 = db
        .prepare(format!(
            "SELECT coalesce(sum(length(bytes)), 0) FROM past_reply WHERE {of_mail}"
        ))
        .query_row([mail], |row| row.get(0))?;
    db.prepare(format!("UPDATE past_reply SET bytes = NULL WHERE {of_mail}"))
        .execute([mail])?;
    Ok(freed.unsigned_abs())
}
