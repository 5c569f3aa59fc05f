//! Reading: a few connections of their own, used on blocking threads, that never hinder the writer. A read that nobody waits for any more
//! is interrupted: it may be a search through all that there is.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, MAIN_DB, OptionalExtension, params};
use tokio::sync::Semaphore;

use super::{
    mail_bytes::pieces,
    schema,
    values::{instant, signed},
};
use crate::{
    job::{JobId, state::State},
    ledger::{Cursor, Error, MailId, MailboxKey, Summary},
};

/// Reading connections at once.
const READERS: usize = 2;
/// Steps of SQLite's machine between two looks whether somebody still waits: less than a millisecond.
const STEPS: i32 = 10_000;

/// The reading connections.
#[derive(Clone)]
pub(super) struct Readers(Arc<Pool>);

struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turn: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(Arc::new(Pool {
            path,
            idle: Mutex::default(),
            turn: Arc::new(Semaphore::new(READERS)),
        }))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads on a blocking thread, as soon as a connection is free. A connection that failed is not used again. Where the future is dropped,
    /// the read ends too.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let turn = self.0.turn.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let pool = self.0.clone();
        let wanted = Wanted::default();
        let unwanted = wanted.0.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = idle.map_or_else(|| schema::reader(&pool.path), Ok)?;
            let read = while_wanted(&db, unwanted, work);
            if !matches!(read, Err(Error::Engine(_) | Error::Damaged(_))) {
                pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            }
            drop(turn);
            read
        });
        let read = reading.await;
        drop(wanted);
        read.map_err(|error| Error::Engine(format!("a read was not finished: {error}")))?
    }

    /// Lets nobody read any more, and closes the connections once those who read are done.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.0.turn.acquire_many(signed(READERS).try_into().unwrap_or(1)).await {
            self.0.turn.close();
            drop(all);
        }
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// That somebody waits for a read. Dropped before it has ended, it ends it: looked at while the read runs, and not by an interrupt, which
/// would be missed between two statements.
#[derive(Default)]
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads for as long as somebody waits for it.
fn while_wanted<T>(
    db: &Connection,
    unwanted: Arc<AtomicBool>,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    if unwanted.load(Ordering::Relaxed) {
        return Err(Error::Engine("nobody waits for this read any more".to_owned()));
    }
    db.progress_handler(STEPS, Some(move || unwanted.load(Ordering::Relaxed)))?;
    let read = work(db);
    db.progress_handler(0, None::<fn() -> bool>)?;
    read
}

/// Every mailbox that was ever read.
pub(super) fn mailboxes(db: &Connection) -> Result<Vec<MailboxKey>, Error> {
    let mut query = db.prepare_cached("SELECT name FROM mailbox ORDER BY id")?;
    let names = query.query_map([], |row| Ok(MailboxKey(row.get::<_, Arc<str>>(0)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// How far a mailbox was read.
pub(super) fn cursor(db: &Connection, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
    let mut query = db.prepare_cached("SELECT uid_validity, uid_next FROM mailbox WHERE name = ?")?;
    let cursor = query.query_row([&*mailbox.0], |row| {
        Ok(Cursor {
            uid_validity: row.get(0)?,
            uid_next: row.get(1)?,
        })
    });
    Ok(cursor.optional()?)
}

/// When the mail with the last number of a mailbox was taken.
pub(super) fn last_taken(db: &Connection, mailbox: &MailboxKey) -> Result<Option<DateTime<Utc>>, Error> {
    let mut query = db.prepare_cached(
        "SELECT mail.taken FROM place JOIN mail ON mail.id = place.mail
         WHERE place.mailbox = (SELECT id FROM mailbox WHERE name = ?)
         ORDER BY place.uid_validity DESC, place.uid DESC LIMIT 1",
    )?;
    let taken = query.query_row([&*mailbox.0], |row| row.get(0)).optional()?;
    Ok(taken.map(instant))
}

/// A mail's bytes, in one allocation: all of them, or none. Whoever gets the bytes of a mail gets them here, or as they were just taken.
pub(super) fn raw(db: &Connection, mail: MailId) -> Result<Bytes, Error> {
    let missing = || Error::Missing(format!("mail {} with its bytes", mail.0));
    let (size, lacks): (i64, Option<String>) = db
        .prepare_cached("SELECT size, lacks FROM mail WHERE id = ?")?
        .query_row([mail.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(missing)?;
    if let Some(why) = lacks {
        return Err(Error::Incomplete(why));
    }
    let size = usize::try_from(size).map_err(|_| missing())?;
    let mut bytes = Vec::with_capacity(size);
    let (first, last) = pieces(mail.0);
    let mut query = db.prepare_cached("SELECT data FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = query.query([first, last])?;
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    if bytes.len() == size {
        Ok(bytes.into())
    } else {
        Err(missing())
    }
}

/// Bytes of a letter that are read at once.
const LETTER_PIECE: usize = 256 << 10;

/// A piece of a reply's letter, from there on. SQLite finds its way to it through the letter's pages and holds none of it.
pub(super) fn letter(db: &Connection, job: JobId, from: u64) -> Result<Bytes, Error> {
    let row: i64 = db
        .prepare_cached("SELECT b.job FROM job j JOIN reply_body b ON b.job = j.id WHERE j.uuid = ?")?
        .query_row([job], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::Missing(format!("the letter of job {job}")))?;
    let blob = db.blob_open(MAIN_DB, "reply_body", "bytes", row, true)?;
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(blob.len());
    let mut piece = vec![0; LETTER_PIECE.min(blob.len() - from)];
    blob.read_at_exact(&mut piece, from)?;
    Ok(piece.into())
}

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
pub(super) fn overview(db: &Connection, max: usize) -> Result<Vec<OverviewRow>, Error> {
    let mut query = db.prepare_cached(
        "SELECT j.uuid, j.mail, j.endpoint, j.state, j.attempt, j.interrupted, j.reason, j.detail,
         ifnull(j.sender, ''), ifnull(j.subject, ''), ifnull(j.message_id, ''), j.silent,
         CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END, r.attempt, r.message_id, r.detail
         FROM job j LEFT JOIN reply r ON r.job = j.id ORDER BY j.id DESC LIMIT ?",
    )?;
    let rows = query.query_map(params![signed(max)], |row| {
        let reply = match row.get::<_, Option<String>>(12)? {
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
