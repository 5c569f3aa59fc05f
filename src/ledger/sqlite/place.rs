//! The file under us: nobody else has it, and it is still the one that was opened.
//!
//! The lock lies on the file itself (flock), beside the lock file that says who holds it: should somebody remove that one, a second process
//! is refused all the same. SQLite's own locks are of another kind (fcntl), and end when this process closes any descriptor of the file:
//! this one is closed last.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::ledger::Error;

/// The file that is open, and its log beside it.
pub(in crate::ledger) struct DatabaseFile {
    path: PathBuf,
    file: File,
    /// The WAL, by its name and number.
    log: (PathBuf, Option<FileId>),
    /// What the last look saw.
    missed: Option<FileChange>,
}

/// What a file is known by, whatever its name.
type FileId = (u64, u64);

/// What happened to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileChange {
    Deleted,
    Replaced,
    LogDeleted,
    LogReplaced,
}

impl DatabaseFile {
    /// Holds the ledger, whose connection has written to its log already.
    pub(in crate::ledger) fn take(path: &Path) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Engine(format!("{}: {error}", path.display()));
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse {
                    ledger: path.display().to_string(),
                    holder: "a process whose lock file is gone".to_owned(),
                });
            }
            // Some file systems have no such locks: the lock file counts there.
            Err(TryLockError::Error(error)) => tracing::debug!(%error, "the ledger's file itself can't be locked"),
        }
        // The log lies beside the file itself, which may be reached by a link.
        let mut log = fs::canonicalize(path).map_err(failed)?.into_os_string();
        log.push("-wal");
        Ok(Self {
            path: path.to_owned(),
            file,
            log: (log.into(), None),
            missed: None,
        })
    }

    /// Where it is.
    pub(in crate::ledger) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes which log it has, once there is one.
    pub(in crate::ledger) fn with_log(mut self) -> Self {
        self.log.1 = fs::metadata(&self.log.0).ok().as_ref().map(number);
        self
    }

    /// Whether the file or its log is not any more what was opened, as two looks in a row saw it.
    pub(in crate::ledger) fn lost(&mut self) -> Option<Error> {
        let ours = self.file.metadata().ok().as_ref().map(number);
        let seen = judge((ours, look(&self.path)), (self.log.1, look(&self.log.0)));
        let before = std::mem::replace(&mut self.missed, seen);
        seen.filter(|_| before.is_some()).map(|fault| Error::Unusable {
            ledger: self.path.display().to_string(),
            what: format!(
                "{} while it was in use: what is written now would be lost",
                fault.words()
            ),
            cure: "put it back, or its last backup without the -wal and -shm that lie there, and start again; what lies in the inboxes is looked at again"
                .to_owned(),
        })
    }
}

impl FileChange {
    fn words(self) -> &'static str {
        match self {
            Self::Deleted => "was deleted",
            Self::Replaced => "was replaced by another file",
            Self::LogDeleted => "lost its log (the file beside it with -wal behind its name)",
            Self::LogReplaced => "had its log (the file beside it with -wal behind its name) replaced",
        }
    }
}

/// What is at a path: its number, nothing, or not to be known now.
type FileLookup = Option<Option<FileId>>;

fn look(path: &Path) -> FileLookup {
    match fs::metadata(path) {
        Ok(meta) => Some(Some(number(&meta))),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(None),
        Err(_) => None,
    }
}

/// What happened to a file that was this one, and to its log. Pure.
fn judge(file: (Option<FileId>, FileLookup), log: (Option<FileId>, FileLookup)) -> Option<FileChange> {
    let of = |(ours, seen): (Option<FileId>, FileLookup), deleted, replaced| match (ours, seen) {
        (Some(_), Some(None)) => Some(deleted),
        (Some(ours), Some(Some(other))) if ours != other => Some(replaced),
        _ => None,
    };
    of(file, FileChange::Deleted, FileChange::Replaced)
        .or_else(|| of(log, FileChange::LogDeleted, FileChange::LogReplaced))
}

fn number(meta: &Metadata) -> FileId {
    (meta.dev(), meta.ino())
}

/// What is held for as long as the ledger is open; given up after its connection was closed.
pub(in crate::ledger) struct OpenLedger {
    pub(in crate::ledger) place: DatabaseFile,
    pub(in crate::ledger) _lock: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_lost_where_another_or_none_is_in_its_place() {
        let (one, two) = (Some((1, 1)), Some((1, 2)));
        for (file, log, fault) in [
            ((one, Some(one)), (two, Some(two)), None),
            ((one, Some(None)), (two, Some(two)), Some(FileChange::Deleted)),
            ((one, Some(two)), (two, Some(two)), Some(FileChange::Replaced)),
            ((one, Some(one)), (two, Some(None)), Some(FileChange::LogDeleted)),
            ((one, Some(one)), (two, Some(one)), Some(FileChange::LogReplaced)),
            // What can't be known says nothing.
            ((one, None), (two, None), None),
            ((None, Some(one)), (None, Some(None)), None),
        ] {
            assert_eq!(judge(file, log), fault, "{file:?} {log:?}");
        }
    }

    #[test]
    fn one_look_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, "a").unwrap();
        let mut place = DatabaseFile::take(&path).unwrap().with_log();
        assert!(matches!(DatabaseFile::take(&path), Err(Error::InUse { .. })));
        assert_eq!(place.lost(), None);
        fs::rename(&path, folder.path().join("b.db")).unwrap();
        assert_eq!(place.lost(), None);
        fs::rename(folder.path().join("b.db"), &path).unwrap();
        assert_eq!(place.lost(), None);
        fs::remove_file(&path).unwrap();
        assert_eq!(place.lost(), None);
        fs::write(&path, "another").unwrap();
        let words = place.lost().unwrap().to_string();
        assert!(
            words.contains("was replaced by another file") && words.contains("put it back"),
            "{words}"
        );
    }
}
