//! What keeps a ledger from being opened or used: the file, the cause and the cure. One place judges an error together with what is seen of
//! the disk, at a start, while it runs, and beside it.

use std::{fs, path::Path};

use rustix::{fs::Access, io::Errno};

use super::room;
use crate::ledger::Error;

/// Bytes that must be free on the disk, so that SQLite can open a ledger: its index of the WAL, and some pages.
const ROOM: u64 = 64 << 10;
/// Bytes that a start needs, and the first that retention drops.
const START: u64 = 1 << 20;

/// How every database of SQLite begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What is seen of a ledger that can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileFacts {
    /// Its folder is there.
    folder: bool,
    /// Why the folder can't be written, if it can't.
    folder_refused: Option<Errno>,
    /// Why the file can't be written, if it is there and can't.
    file_refused: Option<Errno>,
    /// It is a file, or not there yet.
    plain: bool,
    /// It begins as a database does, or is empty, or not there.
    begins: bool,
    /// Bytes that are free on its disk.
    free: Option<u64>,
}

/// The error that keeps the ledger from being opened, as somebody who has to mend it needs it.
pub(in crate::ledger) fn explained(path: &Path, error: Error) -> Error {
    let (said, is_full) = match error {
        Error::Engine(said) | Error::Damaged(said) => (said, false),
        Error::Full(said) => (said, true),
        told => return told,
    };
    hindrance(path, facts(path), &said, is_full).unwrap_or_else(|| {
        let what = format!("can't be used: {said}");
        let cure = "`mailjob ledger check` says what is wrong with it, and what to do";
        unusable(path, (what, cure.to_owned()))
    })
}

/// The error of who reads a ledger beside its process: where the disk or a right keeps it from being read, that, and never that it is broken.
pub(in crate::ledger) fn hindered(path: &Path, error: Error) -> Error {
    let (Error::Engine(said) | Error::Damaged(said) | Error::Full(said)) = &error else {
        return error;
    };
    let facts = facts(path);
    let told = facts.begins.then(|| hindrance(path, facts, said, false)).flatten();
    told.unwrap_or(error)
}

/// The error of who has it open: what a full disk does is told as that, whatever SQLite makes of it.
pub(in crate::ledger) fn judged(path: &Path, error: Error) -> Error {
    match &error {
        Error::Engine(said) | Error::Damaged(said) | Error::Full(said) => {
            match hindrance(path, seen(path), said, false) {
                Some(full @ Error::Full(_)) => full,
                _ => error,
            }
        }
        _ => error,
    }
}

/// What is seen before anybody tries to open it.
///
/// # Errors
/// What [`explained`] would say of it.
pub(in crate::ledger) fn foreseen(path: &Path) -> Result<(), Error> {
    diagnosis(path, facts(path)).map_or(Ok(()), |told| Err(unusable(path, told)))
}

/// What is seen to keep a ledger from being used that may be well.
fn hindrance(path: &Path, facts: FileFacts, said: &str, is_full: bool) -> Option<Error> {
    if let Some(told) = diagnosis(path, facts) {
        return Some(unusable(path, told));
    }
    let free = facts.free;
    let is_seen = free.is_some_and(|free| free < ROOM);
    let words = room::words(path, free.unwrap_or(0), START);
    match (is_seen, is_full) {
        // What SQLite calls that tells nobody more.
        (true, _) => Some(Error::Full(words)),
        (false, true) => Some(Error::Full(format!("{said}; {words}"))),
        (false, false) => None,
    }
}

fn unusable(path: &Path, (what, cure): (String, String)) -> Error {
    Error::Unusable {
        ledger: path.display().to_string(),
        what,
        cure,
    }
}

/// What is seen of a ledger that this process does not have open.
fn facts(path: &Path) -> FileFacts {
    let head = || -> std::io::Result<Vec<u8>> {
        use std::io::Read as _;
        let mut head = Vec::new();
        fs::File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut head)?;
        Ok(head)
    };
    FileFacts {
        begins: head().map_or(true, |head| head.is_empty() || head == MAGIC),
        ..seen(path)
    }
}

/// The same without its bytes: who has it open must not open it again, since closing it would take away the locks that SQLite has on it in
/// this process (POSIX, fcntl).
fn seen(path: &Path) -> FileFacts {
    let folder = folder(path);
    let refused = |path: &Path, access| rustix::fs::access(path, access).err();
    let there = fs::metadata(path).ok();
    let disk = rustix::fs::statvfs(folder).ok();
    FileFacts {
        folder: folder.is_dir(),
        folder_refused: refused(folder, Access::WRITE_OK | Access::EXEC_OK),
        file_refused: there
            .as_ref()
            .and_then(|_| refused(path, Access::READ_OK | Access::WRITE_OK)),
        plain: there.as_ref().is_none_or(fs::Metadata::is_file),
        begins: true,
        free: disk.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
    }
}

/// What is wrong, and what to do, as far as it can be seen. Pure.
fn diagnosis(path: &Path, facts: FileFacts) -> Option<(String, String)> {
    let folder = folder(path).display();
    let refused = |place: &dyn std::fmt::Display, errno: Errno| match errno {
        Errno::ROFS => (
            format!("can't be written: the file system of {place} is read-only"),
            "mount it writable, or name a file elsewhere by `ledger` in [service]".to_owned(),
        ),
        errno => (
            format!(
                "can't be written: {place}: {}",
                std::io::Error::from_raw_os_error(errno.raw_os_error())
            ),
            format!(
                "run it as the user that runs Mailjob; that user has to be able to write {place}, and all files that lie there beside it"
            ),
        ),
    };
    Some(match facts {
        FileFacts { folder: false, .. } => (
            format!("can't be opened: there is no folder {folder}"),
            "make that folder for the user that runs Mailjob, or name another file by `ledger` in [service]".to_owned(),
        ),
        FileFacts { plain: false, .. } => (
            "is no file".to_owned(),
            "name a file by `ledger` in [service]".to_owned(),
        ),
        FileFacts {
            folder_refused: Some(errno),
            ..
        } => refused(&folder, errno),
        FileFacts {
            file_refused: Some(errno),
            ..
        } => refused(&path.display(), errno),
        FileFacts { begins: false, .. } => (
            "is no database, or its beginning was overwritten".to_owned(),
            "remove its -wal and -shm and put the last backup in its place, or name another file by `ledger` in [service]; keep a copy of this one"
                .to_owned(),
        ),
        _ => return None,
    })
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_start_is_said_with_its_cure() {
        let well = FileFacts {
            folder: true,
            folder_refused: None,
            file_refused: None,
            plain: true,
            begins: true,
            free: Some(1 << 30),
        };
        for (facts, what, cure) in [
            (
                FileFacts { folder: false, ..well },
                "there is no folder /var/lib/m",
                "make that folder",
            ),
            (FileFacts { plain: false, ..well }, "is no file", "name a file"),
            (
                FileFacts {
                    folder_refused: Some(Errno::ROFS),
                    ..well
                },
                "the file system of /var/lib/m is read-only",
                "mount it writable",
            ),
            (
                FileFacts {
                    folder_refused: Some(Errno::ACCESS),
                    ..well
                },
                "/var/lib/m: Permission denied",
                "that user has to be able to write /var/lib/m,",
            ),
            (
                FileFacts {
                    file_refused: Some(Errno::ACCESS),
                    ..well
                },
                "/var/lib/m/l.db: Permission denied",
                "able to write /var/lib/m/l.db",
            ),
            (FileFacts { begins: false, ..well }, "is no database", "the last backup"),
        ] {
            let (said, to_do) = diagnosis(Path::new("/var/lib/m/l.db"), facts).unwrap();
            assert!(said.contains(what), "{said}");
            assert!(to_do.contains(cure), "{to_do}");
        }
        let full = FileFacts { free: Some(0), ..well };
        assert_eq!(
            (diagnosis(Path::new("l.db"), well), diagnosis(Path::new("l.db"), full)),
            (None, None)
        );
        // SQLite can't make its index of the log larger, and calls that an I/O error.
        let said = |facts| hindrance(Path::new("/l/l.db"), facts, "disk I/O error", false);
        assert_eq!(said(well), None);
        let words = said(full).unwrap().to_string();
        assert_eq!(
            words,
            "the ledger's disk is full (0 bytes are free in /l, and 1048576 have to be): make room"
        );
    }
}
