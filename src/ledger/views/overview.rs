//! The newest jobs with their replies, for who looks at a ledger by hand.

use crate::{
    job::{JobId, state::State},
    ledger::{
        Error, MailId, Summary,
        db::{SqlEngine, params},
        values::signed,
    },
};

/// A job as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverviewRow {
    /// The job.
    pub job: JobId,
    /// Its mail.
    pub mail: MailId,
    /// Its endpoint's name.
    pub endpoint: String,
    /// Where it stands.
    pub state: State,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts in which the process died.
    pub interrupted: u32,
    /// The latest attempt's reason, a code.
    pub reason: Option<String>,
    /// The latest attempt's detail.
    pub detail: Option<String>,
    /// What people look for.
    pub summary: Summary,
    /// Its reply.
    pub reply: Option<ReplyRow>,
    /// Why there is no reply, a code.
    pub silent: Option<String>,
}

/// A reply as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyRow {
    /// `queued`, `running`, `sent`, `refused` or `unsure`.
    pub state: String,
    /// Submissions begun.
    pub attempts: u32,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The server's words, or why it waits.
    pub detail: Option<String>,
}

/// The newest jobs, newest first.
pub(in crate::ledger) fn overview(db: &dyn SqlEngine, max: usize) -> Result<Vec<OverviewRow>, Error> {
    let query = db.prepare(
        "SELECT j.uuid, j.mail, j.endpoint, j.state, j.attempt, j.interrupted, j.reason, j.detail,
         coalesce(j.sender, ''), coalesce(j.subject, ''), coalesce(j.message_id, ''), j.silent,
         CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END, r.attempt, r.message_id, r.detail
         FROM job j LEFT JOIN reply r ON r.job = j.id ORDER BY j.id DESC LIMIT ?",
    );
    let rows = query.query_map(params![signed(max)], |row| {
        let reply = match row.get::<Option<String>>(12)? {
            Some(state) => Some(ReplyRow {
                state,
                attempts: row.get(13)?,
                message_id: row.get(14)?,
                detail: row.get(15)?,
            }),
            None => None,
        };
        Ok(OverviewRow {
            job: row.get(0)?,
            mail: MailId(row.get(1)?),
            endpoint: row.get(2)?,
            state: row.get(3)?,
            attempts: row.get(4)?,
            interrupted: row.get(5)?,
            reason: row.get(6)?,
            detail: row.get(7)?,
            summary: Summary {
                from: row.get(8)?,
                subject: row.get(9)?,
                message_id: row.get(10)?,
            },
            silent: row.get(11)?,
            reply,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
