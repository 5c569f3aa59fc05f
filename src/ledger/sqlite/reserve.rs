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

/// Bytes that are kept, on a small disk and on a large one: as many as the log may have, so that all of it finds room in the ledger.
const SIZES: (u64, u64) = (4 << 20, 24 << 20);
/// That part of the disk is kept between the two.
const PART: u64 = 64;
/// So many times of that must be free beyond it, so that it is kept.
const PLENTY: u64 = 4;
/// Where less is free than this, it is needed.
const LITTLE: u64 = 1 << 20;

/// The file.
fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(".reserve");
    name.into()
}

/// Bytes that are free on the disk of a file.
pub(in crate::ledger) fn free(file: &Path) -> Option<u64> {
    Some(disk(file)?.0)
}

/// Bytes that are free on the disk of a file, and all that it has.
pub(in crate::ledger) fn disk(file: &Path) -> Option<(u64, u64)> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let disk = statvfs(folder.unwrap_or(Path::new("."))).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Some((bytes(disk.f_bavail), bytes(disk.f_blocks)))
}

/// How much is kept on a disk of this size. Pure.
fn size(disk: u64) -> u64 {
    (disk / PART).clamp(SIZES.0, SIZES.1)
}

/// Whether room is kept now.
pub(in crate::ledger) fn is_there(ledger: &Path) -> bool {
    beside(ledger).exists()
}

/// Whether so little is free that what is kept has to be given up.
pub(in crate::ledger) fn is_needed(ledger: &Path) -> bool {
    free(ledger).is_some_and(|free| free < LITTLE)
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
    let Some((free, all)) = disk(ledger).filter(|_| !path.exists()) else {
        return;
    };
    let size = size(all);
    if free < size * (1 + PLENTY) {
        return;
    }
    if let Err(error) = make(&path, size) {
        tracing::debug!(%error, "no room is kept for a full disk");
        drop(fs::remove_file(&path));
    }
}

fn make(path: &Path, size: u64) -> io::Result<()> {
    let file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(fallocate(&file, FallocateFlags::empty(), 0, size)?)
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
        let size = size(disk(&ledger).unwrap().1);
        assert_eq!((meta.len(), meta.mode() & 0o777), (size, 0o600));
        assert!(meta.blocks() * 512 >= size, "it takes its room");
        assert!(is_there(&ledger) && !is_needed(&ledger));
        assert!(give_up(&ledger));
        assert!(!give_up(&ledger));
    }

    #[test]
    fn a_large_disk_keeps_as_much_as_the_log_may_have() {
        for (disk, kept) in [(0, 4), (48 << 20, 4), (1 << 30, 16), (1 << 40, 24)] {
            assert_eq!(size(disk), kept << 20, "{disk}");
        }
    }
}
