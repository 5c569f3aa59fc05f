//! A copy of a ledger that another process may have open: one state of it, whole, checked, and only for its owner.
//!
//! `VACUUM INTO` reads everything in one transaction. SQLite's backup API would begin anew each time that the other process writes.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;

use super::{
    identity::{self, Ownership},
    inspect, schema, space,
};
use crate::ledger::{Copying, Error, Inspection};

/// The time between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// Bytes of the disk that a copy leaves free at least: it may be that of the ledger.
const LEFT: u64 = 16 << 20;
/// Bytes of a copy that are handed on at once.
const PIECE: usize = 256 << 10;

/// Copies a ledger to a file that isn't there yet, and checks the copy. `tell` hears now and then how far it is.
///
/// # Errors
/// [`Error::NoLedger`] where there is none, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said: then there is no
/// copy.
pub(in crate::ledger) async fn backup(
    ledger: &Path,
    to: &Path,
    tell: impl Fn(Copying) + Send,
) -> Result<Inspection, Error> {
    if to.exists() {
        return Err(Error::Engine(format!(
            "{} is there already: name another file",
            to.display()
        )));
    }
    let folder = folder(to);
    let copy = draft(ledger, &folder, &tell).await?;
    tell(Copying::Checking);
    let (to, shown) = (to.to_owned(), to.display().to_string());
    blocking(move || finish(copy, &folder, &to))
        .await
        .map_err(|error| match error {
            Error::Engine(said) => Error::Engine(format!("{shown}: {said}")),
            other => other,
        })
}

/// Copies a ledger into a stream: first whole into a file that goes away, so that what comes out is one state, and checked. It lies in the
/// first of these folders that has room for it.
///
/// # Errors
/// As [`backup`], and when not all of it could be written.
pub(in crate::ledger) async fn backup_into(
    ledger: &Path,
    folders: &[&Path],
    mut out: impl Write + Send + 'static,
    tell: impl Fn(Copying) + Send,
) -> Result<Inspection, Error> {
    let copy = draft_in(ledger, folders, &tell).await?;
    tell(Copying::Checking);
    blocking(move || {
        let found = inspect::look(copy.path())?;
        let of = copy.as_file().metadata().map_or(0, |meta| meta.len());
        let mut bytes = 0;
        let written = pour(&mut copy.as_file(), &mut out, &mut bytes);
        match written {
            Ok(()) if bytes == of => Ok(found),
            Ok(()) => Err(Error::Engine(format!(
                "only {bytes} of {of} bytes could be read of the copy"
            ))),
            Err(error) => Err(Error::Engine(format!(
                "the copy was not written whole, {bytes} of {of} bytes: {error}"
            ))),
        }
    })
    .await
}

fn pour(from: &mut impl Read, out: &mut impl Write, bytes: &mut u64) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece)?;
        let Some(part) = piece.get(..read).filter(|part| !part.is_empty()) else {
            return out.flush();
        };
        out.write_all(part)?;
        *bytes += part.len() as u64;
    }
}

/// A copy in the first folder that has room for it.
async fn draft_in(ledger: &Path, folders: &[&Path], tell: &(impl Fn(Copying) + Send)) -> Result<NamedTempFile, Error> {
    let mut full: Option<String> = None;
    for folder in folders {
        if full.is_some() {
            tell(Copying::Elsewhere);
        }
        match draft(ledger, folder, tell).await {
            Err(Error::Full(why)) => {
                full = Some(full.map_or_else(|| why.clone(), |before| format!("{before}; {why}")));
            }
            done => return done,
        }
    }
    Err(Error::Full(full.unwrap_or_default()))
}

/// A copy in a file that has no name yet but one that goes away.
async fn draft(ledger: &Path, folder: &Path, tell: &(impl Fn(Copying) + Send)) -> Result<NamedTempFile, Error> {
    let engine = |error: std::io::Error| Error::Engine(format!("{}: {error}", folder.display()));
    let of = {
        let ledger = ledger.to_owned();
        blocking(move || space::used(&inspect::beside(&ledger)?)).await?
    };
    let disk = rustix::fs::statvfs(folder).map_err(|error| engine(error.into()))?;
    if let Err(why) = room(of, disk.f_bavail.saturating_mul(disk.f_frsize)) {
        return Err(Error::Full(format!("{}: {why}", folder.display())));
    }
    // A temporary file is its owner's alone from the beginning, and goes away when this fails.
    let copy = tempfile::Builder::new()
        .prefix(".mailjob-backup-")
        .tempfile_in(folder)
        .map_err(engine)?;
    let (source, target) = (ledger.to_owned(), copy.path().to_owned());
    let copying = blocking(move || write(&source, &target));
    let mut copying = std::pin::pin!(copying);
    loop {
        tokio::select! {
            done = &mut copying => break done?,
            () = tokio::time::sleep(LOOK) => {
                let bytes = std::fs::metadata(copy.path()).map_or(0, |meta| meta.len());
                tell(Copying::Written { bytes, of });
            }
        }
    }
    Ok(copy)
}

/// Whether a copy of so many bytes fits where so many are free. Pure.
fn room(of: u64, free: u64) -> Result<(), String> {
    let needed = of.saturating_add(LEFT);
    if free < needed {
        return Err(format!(
            "a copy needs {} MiB, and {} MiB are free",
            needed >> 20,
            free >> 20
        ));
    }
    Ok(())
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn write(ledger: &Path, to: &Path) -> Result<(), Error> {
    let db = inspect::beside(ledger)?;
    if identity::not_anothers(&db, ledger)? == Ownership::Nobody {
        return Err(Error::NoLedger {
            path: ledger.display().to_string(),
        });
    }
    schema::not_newer(identity::version(&db)?, ledger)?;
    // The copy can give space back, also where the ledger is an old one that can't. Where it can, SQLite would write that into it again.
    if !space::gives_back(&db)? {
        db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    db.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// The name comes when all is on the disk.
fn finish(copy: NamedTempFile, folder: &Path, to: &Path) -> Result<Inspection, Error> {
    let said = |error: std::io::Error| Error::Engine(error.to_string());
    let found = inspect::look(copy.path())?;
    copy.as_file().sync_all().map_err(said)?;
    copy.persist_noclobber(to).map_err(|error| said(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(said)?;
    Ok(found)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Engine(format!("the copy was not finished: {error}")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_does_not_fit_is_not_begun() {
        assert_eq!(room(1 << 20, 17 << 20), Ok(()));
        let why = room(1 << 20, (17 << 20) - 1).unwrap_err();
        assert_eq!(why, "a copy needs 17 MiB, and 16 MiB are free");
        assert!(room(u64::MAX, u64::MAX - 1).is_err());
    }
}
