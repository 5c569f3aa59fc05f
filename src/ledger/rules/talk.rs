//! Replies that may be answered, and the jobs that were accepted as answers.

use serde::{Deserialize, Serialize};

use super::{claim::running, transaction::Transaction};
use crate::{
    job::{AcceptedAnswer, AllowedSenders, ConversationKey, JobId, NewConversation},
    ledger::{
        Error, Fence, KnownConversation,
        db::{self, OptionalExtension, Row, SqlEngine, SqlError, params},
        values::{instant, micros},
    },
};

/// Who may answer, as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredAnswerers {
    #[serde(flatten)]
    allowed: AllowedSenders,
    /// What was kept before this was asked for has nothing here: then a proof is wanted, as it is by default.
    #[serde(default = "yes")]
    proven: bool,
}

fn yes() -> bool {
    true
}

/// Notes that the reply of this job may be answered.
pub(in crate::ledger) fn begin(tx: &Transaction<'_>, job: i64, new: &NewConversation) -> Result<(), Error> {
    let unwritable = |error: serde_json::Error| Error::Engine(error.to_string());
    let who = StoredAnswerers {
        allowed: new.allowed.clone(),
        proven: new.proven,
    };
    let allowed = serde_json::to_string(&who).map_err(unwritable)?;
    let data = new
        .data
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(unwritable)?;
    tx.db
        .prepare(
            "INSERT INTO conversation (key, job, endpoint, allowed, most, depth, data, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .execute(params![
            new.key.0,
            job,
            new.endpoint.as_str(),
            allowed,
            new.most,
            new.depth,
            data,
            tx.now,
            micros(new.expires)
        ])?;
    Ok(())
}

/// The conversation of the first of these keys that is known, for a job that may be an answer.
pub(in crate::ledger) fn find(
    db: &dyn SqlEngine,
    keys: &[ConversationKey],
    answer: JobId,
) -> Result<Option<KnownConversation>, Error> {
    let query = db.prepare(
        "SELECT c.endpoint, c.allowed, c.expires, j.uuid, j.endpoint, c.data, j.subject, j.message_id, j.sender, c.depth + 1,
           EXISTS (SELECT 1 FROM conversation_answer a JOIN job o ON o.id = a.job WHERE a.key = c.key AND o.uuid = ?2)
         FROM conversation c JOIN job j ON j.id = c.job WHERE c.key = ?1",
    );
    for key in keys {
        let found = query
            .query_row(params![key.0, answer], |row| known(*key, row))
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn known(key: ConversationKey, row: &Row<'_>) -> db::Result<KnownConversation> {
    let unreadable =
        |what: &str, error: serde_json::Error| SqlError::Unreadable(format!("{what} of a conversation: {error}"));
    let allowed = row.get_ref(1)?.as_str()?;
    let data = row.get_ref(5)?.as_str_or_null()?;
    let said = |column| row.get::<Option<String>>(column);
    let StoredAnswerers { allowed, proven } =
        serde_json::from_str(allowed).map_err(|error| unreadable("who may answer", error))?;
    Ok(KnownConversation {
        key,
        endpoint: row.get(0)?,
        allowed,
        proven,
        expires: instant(row.get(2)?),
        told: AcceptedAnswer {
            job: row.get(3)?,
            endpoint: row.get(4)?,
            data: data
                .map(serde_json::from_str)
                .transpose()
                .map_err(|error| unreadable("the data", error))?,
            subject: said(6)?.unwrap_or_default(),
            message_id: said(7)?,
            from: said(8)?.unwrap_or_default(),
            depth: row.get(9)?,
        },
        ours: row.get(10)?,
    })
}

/// Accepts the running job as an answer, unless there are as many as there may be. One that was accepted stays so.
pub(in crate::ledger) fn accept(
    tx: &mut Transaction<'_>,
    key: ConversationKey,
    job: JobId,
    fence: Fence,
) -> Result<bool, Error> {
    let running = running(tx, job, fence)?;
    tx.db.lock_count(&key.0)?;
    let changed = tx
        .db
        .prepare(
            "INSERT INTO conversation_answer (job, key, accepted)
             SELECT ?2, c.key, ?3 FROM conversation c
             WHERE c.key = ?1 AND (SELECT count(*) FROM conversation_answer a WHERE a.key = c.key AND a.job <> ?2) < c.most
             ON CONFLICT (job) DO UPDATE SET accepted = conversation_answer.accepted WHERE conversation_answer.key = excluded.key",
        )
        .execute(params![key.0, running.row, tx.now])?;
    Ok(changed > 0)
}

/// A job that came to nothing leaves its place: whoever answered may answer again.
pub(in crate::ledger) fn give_back(tx: &Transaction<'_>, job: i64) -> Result<(), Error> {
    tx.db
        .prepare("DELETE FROM conversation_answer WHERE job = ?")
        .execute([job])?;
    Ok(())
}
