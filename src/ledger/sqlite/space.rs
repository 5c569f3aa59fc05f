//! How large the file is, what room there is, and giving free space of it back to the disk, a little in each commit (`auto_vacuum = INCREMENTAL`).

use std::{ops::ControlFlow, path::Path, time::Instant};

use rusqlite::Connection;

use super::room::{Copies, DiskSpace};
use crate::{
    ledger::{Error, db::SqlEngine, values::signed},
    status,
};

/// Pages that one commit gives back: each may have to be moved.
const STEP: i64 = 256;
/// Free pages that are kept in any case: they are used again soon.
const KEPT: i64 = 256;
/// The largest file that a start makes able to give space back, in bytes: that takes as much room for temporary files, and seconds.
const AT_START: i64 = 512 << 20;

/// The size of the file and what is free in it, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageCounts {
    all: i64,
    free: i64,
}

impl PageCounts {
    /// How many to give back: what is over an eighth of the file.
    fn surplus(self) -> i64 {
        (self.free - (self.all / 8).max(KEPT)).max(0)
    }
}

/// Gives some pages back. Returns the bytes, and whether there is more to give.
pub(in crate::ledger) fn give_back(db: &dyn SqlEngine) -> Result<(u64, bool), Error> {
    if !gives_back(db)? {
        return Ok((0, false));
    }
    let before = pages(db)?;
    let now = before.surplus().min(STEP);
    if now == 0 {
        return Ok((0, false));
    }
    let vacuum = db.prepare(format!("PRAGMA incremental_vacuum({now})"));
    vacuum.each((), |_| Ok(ControlFlow::Continue(())))?;
    let after = pages(db)?;
    let bytes = (before.all - after.all).max(0) * number(db, "PRAGMA page_size")?;
    Ok((bytes.unsigned_abs(), after.surplus() > 0 && after.all < before.all))
}

/// Lets the file itself shrink, as far as nobody reads what is written beside it.
pub(in crate::ledger) fn shrink(db: &Connection, path: &Path) -> Result<(), Error> {
    if DiskSpace::look(db, path).is_some_and(|room| room.copies() == Copies::None) {
        return Ok(());
    }
    number(db, "PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(())
}

/// Makes a file of an older Mailjob able to give space back, where it is not large. Not being able to is no reason not to start.
pub(in crate::ledger) fn prepare(db: &Connection, path: &Path) -> Result<(), Error> {
    if gives_back(db)? {
        return Ok(());
    }
    let bytes = pages(db)?.all * number(db, "PRAGMA page_size")?;
    let mib = bytes >> 20;
    if bytes > AT_START {
        tracing::warn!(ledger = %path.display(), mib, "space that is freed in the ledger is used again, but not given back to the disk: \
             it was made by an older Mailjob. To change that, stop, put a copy by `mailjob ledger backup` in its place, and start");
        return Ok(());
    }
    tracing::info!(mib, "writing the ledger anew, once, so that it can give space back");
    let begun = Instant::now();
    // By a file, not by memory: that of a small container may be less.
    match db.execute_batch("PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY") {
        Ok(()) => tracing::info!(
            mib,
            ms = signed(begun.elapsed().as_millis()),
            "the ledger was written anew"
        ),
        Err(error) => {
            tracing::warn!(%error, "the ledger could not be written anew; space that is freed in it is used again, but not given back");
            db.execute_batch("PRAGMA temp_store = MEMORY")?;
        }
    }
    Ok(())
}

/// Whether the file can give space back.
pub(in crate::ledger) fn gives_back(db: &dyn SqlEngine) -> Result<bool, Error> {
    Ok(number(db, "PRAGMA auto_vacuum")? == 2)
}

fn pages(db: &dyn SqlEngine) -> Result<PageCounts, Error> {
    Ok(PageCounts {
        all: number(db, "PRAGMA page_count")?,
        free: number(db, "PRAGMA freelist_count")?,
    })
}

/// Bytes of the file that are used.
pub(in crate::ledger) fn used(db: &Connection) -> Result<u64, Error> {
    let pages = pages(db)?;
    Ok(((pages.all - pages.free) * number(db, "PRAGMA page_size")?).unsigned_abs())
}

fn number(db: &dyn SqlEngine, sql: &str) -> Result<i64, Error> {
    Ok(db.prepare(sql).query_row((), |row| row.get(0))?)
}

/// The ledger's file: where it lies, how large it is with its log, and what is free on its disk.
#[must_use]
pub(in crate::ledger) fn size_and_room(path: &Path) -> status::LedgerStatus {
    // The log lies beside the file itself, which may be reached by a link.
    let whole = std::fs::canonicalize(path);
    let place = whole.as_deref().unwrap_or(path);
    let bytes = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.len());
    let mut log = place.as_os_str().to_owned();
    log.push("-wal");
    let folder = place
        .parent()
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or(Path::new("."));
    let free = rustix::fs::statvfs(folder).ok();
    status::LedgerStatus {
        path: path.display().to_string(),
        size: bytes(place).map(|size| size + bytes(Path::new(&log)).unwrap_or(0)),
        free: free.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        problem: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eighth_of_the_file_stays_free() {
        for (all, free, surplus) in [
            (0, 0, 0),
            (300, 256, 0),
            (300, 299, 43),
            (80_000, 10_000, 0),
            (80_000, 50_000, 40_000),
        ] {
            assert_eq!(PageCounts { all, free }.surplus(), surplus, "{free} of {all}");
        }
    }
}
