//! A job's whole story, out of its rows.

use std::fmt::Write as _;

use bytes::Bytes;

use super::{
    jobs::{self, COLUMNS, JOINED},
    mails, past,
};
use crate::{
    job::{JobId, Trace},
    ledger::{
        AttemptStory, Error, JobStory, MailId, MailOutcome, MailStory, PartStory, PlaceStory, TouchState,
        db::{self, OptionalExtension, Row, SqlEngine, params},
        rules::mail_bytes::pieces,
        values::instant,
    },
};

/// Attempts in a story, at most.
const ATTEMPTS: i64 = 200;

/// What the story of a job is looked up by.
struct StoryKeys {
    row: i64,
    mail: i64,
    part: u32,
}

/// All that is known of a job.
pub(in crate::ledger) fn story(db: &dyn SqlEngine, id: JobId) -> Result<Option<JobStory>, Error> {
    let query = db.prepare(format!(
        "SELECT {COLUMNS}, j.id, j.mail, j.part, j.started, j.message_id FROM job j {JOINED} WHERE j.uuid = ?"
    ));
    let found = query
        .query_row([id], |row| {
            let rows = StoryKeys {
                row: row.get(15)?,
                mail: row.get(16)?,
                part: row.get(17)?,
            };
            let started: Option<i64> = row.get(18)?;
            Ok((jobs::row(row, 0)?, rows, started, row.get::<Option<String>>(19)?))
        })
        .optional()?;
    let Some((job, rows, started, message_id)) = found else {
        return Ok(None);
    };
    let running = job.state == crate::job::state::State::Running;
    Ok(Some(JobStory {
        mail: MailStory {
            from: job.sender.clone(),
            subject: job.subject.clone(),
            message_id,
            ..of_mail(db, rows.mail)?
        },
        attempts: attempts(db, rows.row)?,
        running_since: started.filter(|_| running).map(instant),
        parts: parts(db, &rows)?,
        mail_job: mail_job(db, &rows)?,
        replies: past::replies(db, rows.row, job.reruns)?,
        silent: job.silent.clone(),
        job,
    }))
}

fn of_mail(db: &dyn SqlEngine, mail: i64) -> Result<MailStory, Error> {
    let places = db.prepare(
        "SELECT b.name, p.uid_validity, p.uid, p.touch, p.verdict, p.settled
         FROM place p JOIN mailbox b ON b.id = p.mailbox WHERE p.mail = ? ORDER BY p.mailbox, p.uid_validity, p.uid",
    );
    let places = places.query_map([mail], place)?.collect::<Result<Vec<_>, _>>()?;
    let (first, last) = pieces(mail);
    let query = db.prepare(
        "SELECT size, sha256, received, taken, lacks IS NULL AND (size = 0 OR EXISTS (SELECT 1 FROM chunk WHERE id BETWEEN ?2 AND ?3)), lacks
         FROM mail WHERE id = ?1",
    );
    let story = query.query_row(params![mail, first, last], |row| {
        Ok(MailStory {
            from: None,
            subject: None,
            message_id: None,
            size: row.get::<i64>(0)?.unsigned_abs(),
            sha256: hexadecimal(row.get_ref(1)?.as_blob()?),
            received: row.get::<Option<i64>>(2)?.map(instant),
            taken: instant(row.get(3)?),
            has_bytes: row.get(4)?,
            incomplete: row.get(5)?,
            places: Vec::new(),
        })
    })?;
    Ok(MailStory { places, ..story })
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String can't fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn place(row: &Row<'_>) -> db::Result<PlaceStory> {
    let touch = row.get_ref(3)?.as_str()?;
    let (touch, verdict) = match touch {
        "waiting" => (TouchState::Waiting, None),
        "settled" => (TouchState::Settled, row.get(4)?),
        _ => (TouchState::Due, Some(row.get::<MailOutcome>(3)?)),
    };
    Ok(PlaceStory {
        mailbox: row.get(0)?,
        uid_validity: row.get(1)?,
        uid: row.get(2)?,
        touch,
        verdict,
        settled: row.get::<Option<i64>>(5)?.map(instant),
    })
}

fn attempts(db: &dyn SqlEngine, job: i64) -> Result<Vec<AttemptStory>, Error> {
    let query = db.prepare(
        "SELECT number, started, ended, outcome, reason, detail, answer, trace FROM attempt WHERE job = ?1
         ORDER BY number DESC LIMIT ?2",
    );
    let rows = query.query_map(params![job, ATTEMPTS], |row| {
        let trace = row.get::<Option<String>>(7)?;
        // What another version wrote and this one can't read is as if it were not there.
        let trace: Option<Trace> = trace.and_then(|trace| serde_json::from_str(&trace).ok());
        Ok(AttemptStory {
            number: row.get(0)?,
            began: row.get::<Option<i64>>(1)?.map(instant),
            ended: instant(row.get(2)?),
            outcome: row.get(3)?,
            reason: row.get(4)?,
            detail: row.get(5)?,
            answer: row.get(6)?,
            trace: trace.unwrap_or_default(),
        })
    })?;
    let mut attempts = rows.collect::<Result<Vec<_>, _>>()?;
    attempts.reverse();
    Ok(attempts)
}

fn parts(db: &dyn SqlEngine, rows: &StoryKeys) -> Result<Vec<PartStory>, Error> {
    if rows.part > 0 {
        return Ok(Vec::new());
    }
    let query = db.prepare(format!(
        "SELECT {COLUMNS}, coalesce(j.attachment_name, '') FROM job w JOIN job j ON j.mail = w.mail AND j.endpoint = w.endpoint
         AND j.part > 0 {JOINED} WHERE w.id = ? ORDER BY j.part"
    ));
    let rows = query.query_map([rows.row], |row| {
        Ok(PartStory {
            attachment: row.get(15)?,
            job: jobs::row(row, 0)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn mail_job(db: &dyn SqlEngine, rows: &StoryKeys) -> Result<Option<JobId>, Error> {
    if rows.part == 0 {
        return Ok(None);
    }
    let query = db.prepare(
        "SELECT w.uuid FROM job p JOIN job w ON w.mail = p.mail AND w.endpoint = p.endpoint AND w.part = 0 WHERE p.id = ?",
    );
    Ok(query.query_row([rows.row], |row| row.get(0)).optional()?)
}

/// The bytes of a job's mail.
pub(in crate::ledger) fn mail(db: &dyn SqlEngine, job: JobId) -> Result<Bytes, Error> {
    let query = db.prepare("SELECT mail FROM job WHERE uuid = ?");
    let mail = query.query_row([job], |row| row.get(0)).optional()?;
    let mail = mail.ok_or_else(|| Error::Missing(format!("job {job}")))?;
    match mails::raw(db, MailId(mail)) {
        Err(Error::Missing(_)) => Err(Error::Missing(format!("the mail of job {job}, for retention is over,"))),
        read => read,
    }
}

/// The bytes of a job's reply.
pub(in crate::ledger) fn reply(db: &dyn SqlEngine, job: JobId, rerun: Option<u32>) -> Result<Bytes, Error> {
    let bytes = past::of_job(db, job, rerun)?;
    bytes.ok_or_else(|| match rerun {
        Some(rerun) => Error::Missing(format!("reply {rerun} of job {job} with its bytes")),
        None => Error::Missing(format!("a reply of job {job} with its bytes")),
    })
}
