//! A log that is of another file than the one beside which it lies: somebody put a copy in the ledger's place and left the old log there.
//! SQLite would write that into the copy, which ruins it.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::lock;
use crate::ledger::Error;

/// How every database of SQLite begins, as far as this is asked (SQLite, "Database File Format", 1.3: the write version is byte 18).
const HEAD: usize = 19;
/// The write version of a file that has no log: a copy that `mailjob ledger backup` made, since `VACUUM INTO` writes no other. A ledger that
/// was ever opened has 2, which lies in the file itself before it has a log.
const WITHOUT_LOG: u8 = 1;

/// Refuses a ledger beside which the log of another one lies. To be asked before SQLite opens it. While a process has it, the log is its own, and the
/// file is not opened here: to close it again would take away the locks that SQLite has on it in this process (POSIX, fcntl).
///
/// # Errors
/// [`Error::Unusable`] where that is so. What can't be looked at is told by whoever opens it.
pub(in crate::ledger) fn refuse(ledger: &Path) -> Result<(), Error> {
    let is_filled = |path: &Path| fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let log = beside(ledger, "-wal");
    let is_in_use = || lock::held(&lock::beside(ledger)).is_ok_and(|holder| holder.is_some());
    if !is_filled(&log) || is_in_use() || write_version(ledger).is_none_or(|version| version != WITHOUT_LOG) {
        return Ok(());
    }
    Err(Error::Unusable {
        ledger: ledger.display().to_string(),
        what: format!(
            "is a copy that was put beside the log of another ledger, {}: that would ruin it",
            log.display()
        ),
        cure: format!(
            "remove {} and {}, which are of the ledger that was there before, and start again",
            log.display(),
            beside(ledger, "-shm").display()
        ),
    })
}

fn beside(ledger: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(ending);
    name.into()
}

fn write_version(ledger: &Path) -> Option<u8> {
    let read = || -> io::Result<[u8; HEAD]> {
        let mut head = [0; HEAD];
        fs::File::open(ledger)?.read_exact(&mut head)?;
        Ok(head)
    };
    fs::metadata(ledger).ok().filter(fs::Metadata::is_file)?;
    read().ok()?.last().copied()
}
