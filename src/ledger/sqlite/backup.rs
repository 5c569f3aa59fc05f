//! A copy of a ledger that another process may have open: one state of it, whole, checked, and only for its owner.
//!
//! `VACUUM INTO` reads everything in one transaction. SQLite's backup API would begin anew each time that the other process writes.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;

use super::{inspect, schema, space};
use crate::ledger::{Copying, Error, Inspection};

/// The time between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// Copies a ledger to a file that isn't there yet, and checks the copy. `tell` hears now and then how far it is.
///
/// # Errors
/// [`Error::Missing`] where there is no ledger, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said: then there is no
/// copy.
pub async fn backup(ledger: &Path, to: &Path, tell: impl Fn(Copying) + Send) -> Result<Inspection, Error> {
    let engine = |error: std::io::Error| Error::Engine(format!("{}: {error}", to.display()));
    if to.exists() {
        return Err(Error::Engine(format!(
            "{} is there already: name another file",
            to.display()
        )));
    }
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // A temporary file is its owner's alone from the beginning, and goes away when this fails.
    let copy = tempfile::Builder::new()
        .prefix(".mailjob-backup-")
        .tempfile_in(&folder)
        .map_err(engine)?;
    let of = {
        let ledger = ledger.to_owned();
        blocking(move || space::used(&inspect::beside(&ledger)?)).await?
    };
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
    tell(Copying::Checking);
    let (to, shown) = (to.to_owned(), to.display().to_string());
    blocking(move || finish(copy, &folder, &to))
        .await
        .map_err(|error| match error {
            Error::Engine(said) => Error::Engine(format!("{shown}: {said}")),
            other => other,
        })
}

fn write(ledger: &Path, to: &Path) -> Result<(), Error> {
    let db = inspect::beside(ledger)?;
    schema::not_newer(schema::version(&db)?, ledger)?;
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
