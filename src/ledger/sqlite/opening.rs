//! Opening the ledger for good.

use std::{fs, path::Path, sync::Arc};

use rusqlite::{Connection, OpenFlags};

use super::{
    Sqlite,
    change::change,
    foreign_log,
    hindrance::{explained, foreseen},
    identity, lock,
    place::{DatabaseFile, OpenLedger},
    readers::Readers,
    reserve, schema,
    shared::Shared,
    space, writer,
};
use crate::{
    ledger::{
        Clock, Error,
        lease::{LeaseHolder, Owner},
        rules::recover,
    },
    metrics::Commits,
};

/// Opens the ledger, or makes it, and puts right what a process left that died. On a full disk it gives up the room that was kept for that.
pub(in crate::ledger) fn begin(path: &Path, clock: &Clock, commits: &Commits) -> Result<Sqlite, Error> {
    let opened = attempt(path, clock, commits).map_err(|error| explained(path, error));
    let opened = match opened {
        Err(Error::Full(_)) if reserve::give_up(path) => {
            attempt(path, clock, commits).map_err(|error| explained(path, error))
        }
        opened => opened,
    };
    if opened.is_ok() {
        reserve::keep(path);
    }
    opened
}

fn attempt(path: &Path, clock: &Clock, commits: &Commits) -> Result<Sqlite, Error> {
    not_anothers(path)?;
    let lock = lock::acquire(path, clock.now())?;
    let mut db = schema::writer(path)?;
    let place = DatabaseFile::take(path)?;
    schema::migrate(&mut db, path)?;
    space::prepare(&db, path)?;
    let holder = LeaseHolder::new(Owner::new(), clock);
    let reading = clock.read();
    let noted = change(&mut db, reading.wall, &holder, |tx| recover::begin(tx, reading))?;
    let shared = Arc::<Shared>::default();
    let (readers, searches) = (
        Readers::new(path.to_owned(), shared.clone()),
        Readers::new(path.to_owned(), shared.clone()),
    );
    let held = OpenLedger {
        place: place.with_log(),
        _lock: lock,
    };
    let (post, ended) = writer::start(
        db,
        held,
        (clock.clone(), noted, holder),
        shared.clone(),
        commits.clone(),
    )?;
    Ok(Sqlite {
        post,
        readers,
        searches,
        shared,
        clock: clock.clone(),
        ended: tokio::sync::Mutex::new(Some(ended)),
    })
}

/// What will keep a start from using this ledger, as far as that can be seen without making or changing anything. That another process has
/// it is no fault of the configuration.
///
/// # Errors
/// What a start would say.
pub(in crate::ledger) fn foresee(path: &Path) -> Result<(), Error> {
    not_anothers(path).map_err(|error| explained(path, error))?;
    foreseen(path)
}

/// Before anything of the file is changed, not even its mode.
fn not_anothers(path: &Path) -> Result<(), Error> {
    foreign_log::refuse(path)?;
    let is_empty = fs::metadata(path).map_or(true, |file| file.len() == 0);
    if is_empty {
        return Ok(());
    }
    let looked = untouched(path).and_then(|db| identity::not_anothers(&db, path));
    match looked {
        Err(error @ (Error::Unusable { .. } | Error::Damaged(_))) => Err(error),
        // Whatever else keeps it from being read is told by whoever opens it.
        _ => Ok(()),
    }
}

/// A connection that makes no file beside this one: SQLite else begins a log for whoever reads a database that is used to have one. Where
/// there is a log, somebody has begun it, and what is in it counts.
fn untouched(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    let opened = match (has_log, uri(path)) {
        (false, Some(uri)) => Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI),
        _ => Connection::open_with_flags(path, flags),
    };
    Ok(opened?)
}

/// A path as SQLite's URI of a file that does not change while it is looked at.
fn uri(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let mut uri = "file://".to_owned();
    for byte in path.to_str()?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(uri + "?immutable=1")
}
