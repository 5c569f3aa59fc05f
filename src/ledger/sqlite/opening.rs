//! Opening the ledger for good.

use std::{fs, path::Path, sync::Arc};

use rusqlite::{Connection, OpenFlags};

use super::{
    Sqlite,
    hindrance::explained,
    identity, lock,
    place::{Held, Place},
    readers::Readers,
    reserve, schema,
    shared::Shared,
    space, writer,
};
use crate::{
    ledger::{
        Clock, Error,
        lease::{Holder, Owner},
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
    let place = Place::take(path)?;
    schema::migrate(&mut db, path)?;
    space::prepare(&db, path)?;
    let holder = Holder::new(Owner::new());
    let noted = recover::begin(&mut db, clock.read(), &holder)?;
    let shared = Arc::<Shared>::default();
    let (readers, searches) = (
        Readers::new(path.to_owned(), shared.clone()),
        Readers::new(path.to_owned(), shared.clone()),
    );
    let held = Held {
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

/// Before anything of the file is changed, not even its mode.
fn not_anothers(path: &Path) -> Result<(), Error> {
    let is_empty = fs::metadata(path).map_or(true, |file| file.len() == 0);
    if is_empty {
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let looked = Connection::open_with_flags(path, flags)
        .map_err(Error::from)
        .and_then(|db| identity::not_anothers(&db, path));
    match looked {
        Err(error @ (Error::Unusable { .. } | Error::Damaged(_))) => Err(error),
        // Whatever else keeps it from being read is told by whoever opens it.
        _ => Ok(()),
    }
}
