//! Opening the file: its mode, its settings, its schema, and what the last process left behind.

use std::{
    fs::{OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig, params};

use super::{
    claims::step,
    identity::{self, Whose},
    mail_bytes::drop_upload,
    time::{self, Noted},
    values::signed,
};
use crate::{
    job::{
        JobId, Reason,
        state::{Event, State},
    },
    ledger::{Error, Reading},
    plural,
};

/// Every step of the schema, in order; `PRAGMA user_version` counts them.
pub(super) const MIGRATIONS: [&str; 20] = [
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_sign_in.sql"),
    include_str!("migrations/0003_maildrop.sql"),
    include_str!("migrations/0004_notice.sql"),
    include_str!("migrations/0005_route.sql"),
    include_str!("migrations/0006_parts.sql"),
    include_str!("migrations/0007_outbox.sql"),
    include_str!("migrations/0008_rate.sql"),
    include_str!("migrations/0009_conversation.sql"),
    include_str!("migrations/0010_jobs.sql"),
    include_str!("migrations/0011_retention.sql"),
    include_str!("migrations/0012_whole.sql"),
    include_str!("migrations/0013_unusable.sql"),
    include_str!("migrations/0014_backlog.sql"),
    include_str!("migrations/0015_file_version.sql"),
    include_str!("migrations/0016_maildrop_namesakes.sql"),
    include_str!("migrations/0017_unsure.sql"),
    include_str!("migrations/0018_bounced.sql"),
    include_str!("migrations/0019_probe.sql"),
    include_str!("migrations/0020_clock.sql"),
];

/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS: usize = 152;

/// The longest wait for another process's write, in milliseconds.
const BUSY: i32 = 30_000;

/// The writing connection: durable at each commit (`synchronous=FULL`), small in memory.
///
/// The WAL is copied into the file at 16 MiB: the fewer copies, the fewer fsyncs, and the more pages that change often are copied
/// once. No memory map: its pages would count as ours. A new file can give space back (`space`); of one that is there, only VACUUM
/// makes one that can.
pub(super) fn writer(path: &Path) -> Result<Connection, Error> {
    own(path).map_err(|error| Error::Engine(format!("{}: {error}", path.display())))?;
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    keep_plans(&db)?;
    db.execute_batch(
        "PRAGMA busy_timeout = 5000;
         PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -4096;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4096;
         PRAGMA journal_size_limit = 33554432;",
    )?;
    Ok(db)
}

/// Makes the file where it is missing; only its owner may read it. One that is there is not opened: closing it would take away
/// the locks that SQLite has on it in this process (POSIX, fcntl).
fn own(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        made => made.map(drop),
    }
}

/// A connection for a moment, beside a writer at work. It looks for a gap each millisecond: SQLite's own pauses grow so long that
/// they miss the gaps of a busy writer. Copying the WAL is left to that writer.
pub(super) fn side(path: &Path) -> Result<Connection, Error> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_handler(Some(|times| {
        std::thread::sleep(Duration::from_millis(1));
        times < BUSY
    }))?;
    #[cfg(test)]
    super::tests::plans::listen(&db);
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -512; PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 0;",
    )?;
    Ok(db)
}

/// A reading connection, smaller still.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    keep_plans(&db)?;
    db.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -512; PRAGMA mmap_size = 0;")?;
    Ok(db)
}

/// Keeps statements and their plans. Without the stability guarantee, each binding of a value that a partial index might
/// depend on makes SQLite parse and plan the statement again.
fn keep_plans(db: &Connection) -> Result<(), Error> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    #[cfg(test)]
    super::tests::plans::listen(db);
    Ok(())
}

/// The schema of a file; 0 when it has none yet.
pub(super) fn version(db: &Connection) -> Result<i64, Error> {
    Ok(db.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Writes the number of the schema as it is: a page that goes to the disk with the commit, and changes nothing.
pub(super) fn write_version(db: &Connection) -> Result<(), Error> {
    Ok(db.pragma_update(None, "user_version", version(db)?)?)
}

/// The schema that is ours.
pub(super) fn known() -> i64 {
    signed(MIGRATIONS.len())
}

/// Refuses a schema that is newer than ours.
pub(super) fn not_newer(found: i64, path: &Path) -> Result<(), Error> {
    if found > known() {
        return Err(Error::Newer {
            path: path.display().to_string(),
            found,
            known: known(),
        });
    }
    Ok(())
}

/// Brings the schema up to ours; a newer one is refused.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<(), Error> {
    let whose = identity::not_anothers(db, path)?;
    let found = version(db)?;
    not_newer(found, path)?;
    for (version, sql) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
    }
    if found == 0 {
        // Nothing was ever kept plain in a new file.
        db.execute_batch("DROP TABLE token")?;
    }
    if whose != Whose::Ours {
        identity::stamp(db)?;
    }
    Ok(())
}

/// Puts right what a process left that died: its claims are queued again, its half uploads go; and what waits keeps its wait, where the
/// clock was set since. Says what the clocks show.
pub(super) fn recover(db: &mut Connection, reading: Reading) -> Result<Noted, Error> {
    let now = reading.wall;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let noted = time::begin(&tx, reading)?;
    for job in interrupted(&tx)? {
        requeue(&tx, &job, now)?;
    }
    tx.execute("UPDATE reply SET state = 'queued' WHERE state = 'running'", [])?;
    // Queued means due. The first condition is that of the index.
    tx.execute(
        "UPDATE job SET due = ?1 WHERE state IN ('queued', 'deferred') AND state = 'queued' AND due > ?1",
        [now],
    )?;
    let uploads = tx
        .prepare("SELECT mail FROM upload")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for upload in uploads {
        drop_upload(&tx, upload)?;
    }
    tx.commit()?;
    Ok(noted)
}

struct Interrupted {
    row: i64,
    job: JobId,
    times: u32,
}

fn interrupted(tx: &Transaction<'_>) -> Result<Vec<Interrupted>, Error> {
    let mut query = tx.prepare("SELECT id, uuid, interrupted + 1 FROM job WHERE state = 'running'")?;
    let rows = query.query_map([], |row| {
        Ok(Interrupted {
            row: row.get(0)?,
            job: row.get(1)?,
            times: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn requeue(tx: &Transaction<'_>, Interrupted { row, job, times }: &Interrupted, now: i64) -> Result<(), Error> {
    let state = step(*job, State::Running, Event::Interrupted { times: *times })?;
    let poison = (state == State::Held).then(|| {
        (
            Reason::Poison.code(),
            format!("the process died {} while it ran", plural::counted(times, "time")),
        )
    });
    let (reason, detail) = poison.unzip();
    if state == State::Held {
        tracing::error!(%job, times, "a job is held: the process died each time it ran");
    }
    tx.prepare_cached(
        "INSERT INTO attempt (job, number, started, ended, outcome, reason, detail)
         SELECT id, attempt, started, ?2, 'interrupted', ?3, ?4 FROM job WHERE id = ?1",
    )?
    .execute(params![row, now, reason, detail])?;
    tx.prepare_cached(
        "UPDATE job SET state = ?2, interrupted = ?3, reason = ifnull(?4, reason), detail = ifnull(?5, detail) WHERE id = ?1",
    )?
    .execute(params![row, state, times, reason, detail])?;
    Ok(())
}
