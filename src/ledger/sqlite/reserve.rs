//! Room that is kept for the day on which the disk is full: a file beside the ledger that is given up then, so that what retention does not
//! keep can be dropped, which takes some room itself, and so that a start finds what it needs.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Bytes that are kept.
const SIZE: u64 = 4 << 20;
/// Bytes that must be free beyond that, so that it is kept.
const PLENTY: u64 = 4 * SIZE;

/// The file.
fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(".reserve");
    name.into()
}

/// Bytes that are free on the disk of a file.
pub(in crate::ledger) fn free(file: &Path) -> Option<u64> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let disk = statvfs(folder.unwrap_or(Path::new("."))).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Gives the room up; whether there was some.
pub(in crate::ledger) fn give_up(ledger: &Path) -> bool {
    let given = fs::remove_file(beside(ledger)).is_ok();
    if given {
        tracing::warn!(ledger = %ledger.display(), "the disk is full: gave up the room that was kept for dropping what [retention] does not keep");
    }
    given
}

/// Keeps room where there is plenty. Where none can be kept, all goes on without.
pub(in crate::ledger) fn keep(ledger: &Path) {
    let path = beside(ledger);
    if path.exists() || free(ledger).is_none_or(|free| free < SIZE + PLENTY) {
        return;
    }
    if let Err(error) = make(&path) {
        tracing::debug!(%error, "no room is kept for a full disk");
        drop(fs::remove_file(&path));
    }
}

fn make(path: &Path) -> io::Result<()> {
    let file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(fallocate(&file, FallocateFlags::empty(), 0, SIZE)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn room_is_kept_once_and_given_up_once() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("mailjob.db");
        assert!(!give_up(&ledger));
        keep(&ledger);
        keep(&ledger);
        let meta = fs::metadata(folder.path().join("mailjob.db.reserve")).unwrap();
        assert_eq!((meta.len(), meta.mode() & 0o777), (SIZE, 0o600));
        assert!(meta.blocks() * 512 >= SIZE, "it takes its room");
        assert!(give_up(&ledger));
        assert!(!give_up(&ledger));
    }
}
