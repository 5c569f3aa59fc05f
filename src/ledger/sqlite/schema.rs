//! Opening the file: its mode, its settings, its schema, and what the last process left behind.

use std::{
    fs::{OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::{
    identity::{self, Ownership, version},
    room::{self, Copies, DiskSpace},
};
use crate::ledger::{Error, values::signed};

/// Every step of the schema, in order; `PRAGMA user_version` counts them.
pub(in crate::ledger) const MIGRATIONS: [&str; 25] = [
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
    include_str!("migrations/0021_lease.sql"),
    include_str!("migrations/0022_rules_tell.sql"),
    include_str!("migrations/0023_fence.sql"),
    include_str!("migrations/0024_attempt.sql"),
    include_str!("migrations/0025_upload_fence.sql"),
];

/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS: usize = 176;

/// The longest wait for another process's write, in milliseconds.
const BUSY: i32 = 30_000;

/// The writing connection: durable at each commit (`synchronous=FULL`), small in memory.
///
/// The WAL is not copied into the file before it is known that this has room for it (`room`). No memory map: its pages would count as ours. A new file can give space back (`space`); of one that is there, only VACUUM
/// makes one that can.
pub(in crate::ledger) fn writer(path: &Path) -> Result<Connection, Error> {
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
         PRAGMA temp_store = MEMORY;",
    )?;
    room::copy(&db, Copies::None)?;
    Ok(db)
}

/// Makes the file where it is missing; only its owner may read it. One that is there is not opened: closing it would take away
/// the locks that SQLite has on it in this process (POSIX, fcntl).
fn own(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        // The mode of a device is everybody's.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match std::fs::metadata(path)?.is_file() {
            true => std::fs::set_permissions(path, Permissions::from_mode(0o600)),
            false => Err(std::io::Error::other("is no file")),
        },
        made => made.map(drop),
    }
}

/// A connection for a moment, beside a writer at work. It looks for a gap each millisecond: SQLite's own pauses grow so long that
/// they miss the gaps of a busy writer. Copying the WAL is left to that writer.
pub(in crate::ledger) fn side(path: &Path) -> Result<Connection, Error> {
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
    // Who is the last to close a ledger copies its log into it.
    if DiskSpace::look(&db, path).is_some_and(|room| room.copies() == Copies::None) {
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    Ok(db)
}

/// A reading connection, smaller still.
pub(in crate::ledger) fn reader(path: &Path) -> Result<Connection, Error> {
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

/// Writes the number of the schema as it is: a page that goes to the disk with the commit, and changes nothing.
pub(in crate::ledger) fn write_version(db: &Connection) -> Result<(), Error> {
    Ok(db.pragma_update(None, "user_version", version(db)?)?)
}

/// The schema that is ours.
pub(in crate::ledger) fn known() -> i64 {
    signed(MIGRATIONS.len())
}

/// Refuses a schema that is newer than ours.
pub(in crate::ledger) fn not_newer(found: i64, path: &Path) -> Result<(), Error> {
    if found > known() {
        return Err(Error::Newer {
            ledger: path.display().to_string(),
            found,
            known: known(),
        });
    }
    Ok(())
}

/// Brings the schema up to ours; a newer one is refused.
pub(in crate::ledger) fn migrate(db: &mut Connection, path: &Path) -> Result<(), Error> {
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
    if found < known() {
        // What the steps have touched is needed no more.
        db.execute_batch("PRAGMA shrink_memory")?;
    }
    if whose != Ownership::Ours {
        identity::stamp(db)?;
    }
    Ok(())
}
