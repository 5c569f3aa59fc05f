//! The jobs of a mail's parts: made together when the mail is split, and gathered by the mail's own job when the last has ended.

use uuid::Uuid;

use super::{
    claim::{RunningJob, endpoint, step},
    note,
    transaction::Transaction,
};
use crate::{
    job::{
        Answer, AttachmentRef, EndedPart, JobId, Outcome, ResultFile,
        state::{JobEvent, State},
    },
    ledger::{
        Error, GatheredParts,
        db::{OptionalExtension, SqlEngine, params},
        values::{capped, signed},
    },
};

/// Bytes that keeping this outcome adds to a transaction.
pub(in crate::ledger) fn size(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Done(answer) => answer.files.iter().map(|file| file.data.len()).sum(),
        _ => 0,
    }
}

/// Makes a job for each part of a mail. They are due at once.
pub(in crate::ledger) fn split(
    tx: &Transaction<'_>,
    mail_job: &RunningJob,
    pieces: &[AttachmentRef],
) -> Result<(), Error> {
    let insert = tx.db.prepare(
        "INSERT INTO job (uuid, mail, endpoint, state, due, part, parts, attachment, attachment_name)
         SELECT ?2, mail, endpoint, ?3, ?4, ?5, ?6, ?7, ?8 FROM job WHERE id = ?1",
    );
    let parts = signed(pieces.len());
    for (number, piece) in (1i64..).zip(pieces) {
        let id = JobId(Uuid::now_v7());
        let part = insert.insert(params![
            mail_job.row,
            id,
            State::Queued,
            tx.now,
            number,
            parts,
            piece.index,
            piece.name
        ])?;
        note::new_job(tx, part, State::Queued)?;
    }
    tx.db
        .prepare("UPDATE job SET parts = ?2 WHERE id = ?1")
        .execute(params![mail_job.row, parts])?;
    Ok(())
}

/// Keeps what a part's action answered until it is gathered.
pub(in crate::ledger) fn keep(tx: &Transaction<'_>, part: i64, outcome: &Outcome) -> Result<(), Error> {
    let nothing = Answer::default();
    let (answer, tell) = match outcome {
        Outcome::Done(answer) => (answer, None),
        Outcome::Failed { tell, .. } => (&nothing, tell.as_deref().map(capped)),
        Outcome::Retry { .. } | Outcome::Ignored { .. } | Outcome::Held { .. } | Outcome::Split(_) => return Ok(()),
    };
    let data = answer.data.as_ref().map(serde_json::Value::to_string);
    tx.db
        .prepare("INSERT INTO part_answer (job, text, tell, data) VALUES (?1, ?2, ?3, ?4)")
        .execute(params![part, answer.text, tell, data])?;
    let insert = tx
        .db
        .prepare("INSERT INTO part_file (job, number, name, media_type, data) VALUES (?1, ?2, ?3, ?4, ?5)");
    for (number, file) in (1i64..).zip(&answer.files) {
        insert.execute(params![part, number, file.name, file.media_type, &*file.data])?;
    }
    Ok(())
}

/// Queues the mail's own job when this was the last of its parts that had not ended.
pub(in crate::ledger) fn ended(tx: &mut Transaction<'_>, part: &RunningJob) -> Result<(), Error> {
    tx.db.lock_mail(part.mail)?;
    let waiting = tx
        .db
        .prepare(
            "SELECT w.id, w.uuid, w.endpoint FROM job p JOIN job w ON w.mail = p.mail AND w.endpoint = p.endpoint AND w.part = 0
             WHERE p.id = ?1 AND w.state = ?2 AND NOT EXISTS (SELECT 1 FROM job s WHERE s.mail = p.mail
               AND s.endpoint = p.endpoint AND s.part > 0 AND s.state NOT IN ('done', 'failed', 'ignored'))",
        )
        .query_row(params![part.row, State::Waiting], |row| {
            Ok((row.get::<i64>(0)?, row.get::<JobId>(1)?, endpoint(row, 2)?))
        })
        .optional()?;
    let Some((row, id, endpoint)) = waiting else {
        return Ok(());
    };
    let state = step(id, State::Waiting, JobEvent::Gathered)?;
    tx.db
        .prepare("UPDATE job SET state = ?2, due = ?3 WHERE id = ?1")
        .execute(params![row, state, tx.now])?;
    note::job(tx, row, State::Waiting, state, None)?;
    tx.after.endpoints.extend(endpoint);
    Ok(())
}

/// Drops what was kept of one part, which is to answer anew.
pub(in crate::ledger) fn drop_answer(db: &dyn SqlEngine, part: i64) -> Result<(), Error> {
    for table in ["part_file", "part_answer"] {
        db.prepare(format!("DELETE FROM {table} WHERE job = ?"))
            .execute([part])?;
    }
    Ok(())
}

/// Drops what was kept of the parts of a mail's job that has ended: it is in that job's reply, or goes nowhere.
pub(in crate::ledger) fn drop_kept(db: &dyn SqlEngine, mail_job: i64) -> Result<(), Error> {
    let of_parts = "IN (SELECT p.id FROM job w JOIN job p ON p.mail = w.mail AND p.endpoint = w.endpoint AND p.part > 0
                    WHERE w.id = ?)";
    for table in ["part_file", "part_answer"] {
        db.prepare(format!("DELETE FROM {table} WHERE job {of_parts}"))
            .execute([mail_job])?;
    }
    Ok(())
}

/// Drops what was kept of all parts of a mail; returns bytes freed.
pub(in crate::ledger) fn forget(db: &dyn SqlEngine, mail: i64) -> Result<u64, Error> {
    let size: i64 = db
        .prepare(
            "SELECT coalesce(sum(length(data)), 0) FROM part_file WHERE job IN (SELECT id FROM job WHERE mail = ?)",
        )
        .query_row([mail], |row| row.get(0))?;
    for table in ["part_file", "part_answer"] {
        db.prepare(format!(
            "DELETE FROM {table} WHERE job IN (SELECT id FROM job WHERE mail = ?)"
        ))
        .execute([mail])?;
    }
    Ok(size.unsigned_abs())
}

/// How the parts ended.
pub(in crate::ledger) fn gathered(db: &dyn SqlEngine, mail_job: JobId, most: u64) -> Result<GatheredParts, Error> {
    let query = db.prepare(
        "SELECT p.id, p.part, p.attachment_name, p.state, p.reason, a.tell, a.text, a.data,
           (SELECT coalesce(sum(length(f.data)), 0) FROM part_file f WHERE f.job = p.id), a.job IS NOT NULL
         FROM job w JOIN job p ON p.mail = w.mail AND p.endpoint = w.endpoint AND p.part > 0
         LEFT JOIN part_answer a ON a.job = p.id WHERE w.uuid = ? ORDER BY p.part",
    );
    let rows = query.query_map([mail_job], |row| {
        let data = row.get::<Option<String>>(7)?;
        let part = EndedPart {
            number: row.get(1)?,
            name: row.get(2)?,
            state: row.get(3)?,
            reason: row.get(4)?,
            tell: row.get(5)?,
            kept: row.get(9)?,
            answer: Answer {
                text: row.get(6)?,
                data: data.and_then(|data| serde_json::from_str(&data).ok()),
                ..Answer::default()
            },
        };
        Ok((row.get::<i64>(0)?, part, row.get::<i64>(8)?.unsigned_abs()))
    })?;
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    let size = rows.iter().map(|(.., size)| size).sum();
    if size <= most {
        for (row, part, _) in &mut rows {
            part.answer.files = files(db, *row)?;
        }
    }
    let parts = rows.into_iter().map(|(_, part, _)| part).collect();
    Ok(GatheredParts { parts, size })
}

fn files(db: &dyn SqlEngine, part: i64) -> Result<Vec<ResultFile>, Error> {
    let query = db.prepare("SELECT name, media_type, data FROM part_file WHERE job = ? ORDER BY number");
    let rows = query.query_map([part], |row| {
        Ok(ResultFile {
            name: row.get(0)?,
            media_type: row.get(1)?,
            data: row.get::<Vec<u8>>(2)?.into(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
