//! Room on the ledger's disk: how much there is, for what it is enough, and how often the log is copied into the file.
//!
//! What is in the log has to go into the file one day, which grows by it. So nothing new is taken that would leave less room than that and
//! what is kept for settling and for retention: a start on a full disk would find none. Where the log can't be copied whole, it is not begun:
//! a copy that ends half way eats what room was made, and helps nobody.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, config::DbConfig};

use super::reserve;
use crate::ledger::Error;

/// Bytes that stay free beside the reserve when a mail is taken: for what is done with it.
const SPARE: u64 = 2 << 20;
/// Bytes that stay free in place of the reserve, where that was given up.
const UNRESERVED: u64 = 4 << 20;
/// Bytes more, so that there is room again where there was none: as many come free when the log begins anew, or a mail is given up half way.
const AGAIN: u64 = 8 << 20;
/// Of a small disk only this part: it may never have as many.
const AGAIN_PART: u64 = 6;
/// Where less is free than this, the log is kept short.
const AMPLE: u64 = 64 << 20;

/// How long a look is good for, where room is ample.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// What room there is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct DiskSpace {
    /// Free on the disk.
    pub(in crate::ledger) free: u64,
    /// All that the disk has.
    whole: u64,
    /// By so much the file has to grow, so that all of the log is in it.
    growth: u64,
    /// Free inside the file.
    inside: u64,
    /// Whether the reserve lies there.
    reserved: bool,
}

/// How the log is copied into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Copies {
    /// Not at all: the file has no room to grow by it.
    None,
    /// Often, so that it stays short.
    Often,
    /// Seldom: the fewer copies, the fewer fsyncs, and the more pages that change often are copied once.
    Seldom,
}

impl DiskSpace {
    /// Looks; nothing where it can't be known.
    pub(in crate::ledger) fn look(db: &Connection, path: &Path) -> Option<Self> {
        let number = |sql: &str| -> Option<u64> {
            let found = db
                .prepare_cached(sql)
                .and_then(|mut ask| ask.query_row([], |row| row.get::<_, i64>(0)));
            Some(found.ok()?.unsigned_abs())
        };
        let page = number("PRAGMA page_size")?;
        let ledger = number("PRAGMA page_count")?.saturating_mul(page);
        let (free, whole) = reserve::disk(path)?;
        Some(Self {
            free,
            whole,
            growth: ledger.saturating_sub(fs::metadata(path).ok()?.len()),
            inside: number("PRAGMA freelist_count")?.saturating_mul(page),
            reserved: reserve::is_there(path),
        })
    }

    /// What is left of it once so many bytes were written: into the log, with as many of indexes. Pure.
    fn after(self, written: u64) -> Self {
        let written = written.saturating_mul(2);
        Self {
            free: self.free.saturating_sub(written),
            growth: self.growth.saturating_add(written),
            ..self
        }
    }

    /// Whether nobody needs to look again yet. Others write to the same disk too. Pure.
    fn is_good(self, age: Duration) -> bool {
        age < GOOD_FOR && self.free >= self.growth.saturating_add(AMPLE)
    }

    /// How the log is to be copied. Pure.
    pub(in crate::ledger) fn copies(self) -> Copies {
        match self.free {
            free if free < self.growth => Copies::None,
            free if free < AMPLE => Copies::Often,
            _ => Copies::Seldom,
        }
    }

    /// How much must be free, so that so many bytes may be written: once into the log, and once into the file. Pure.
    fn needed(self, bytes: u64, is_new: bool) -> u64 {
        let kept = if self.reserved { 0 } else { UNRESERVED };
        let spare = if is_new { SPARE } else { 0 };
        let into_file = bytes.saturating_sub(self.inside);
        [bytes, into_file, kept, spare]
            .into_iter()
            .fold(self.growth, u64::saturating_add)
    }

    /// Whether a mail of so many bytes might be taken again that found no room, with some to spare. Pure.
    fn takes_again(self, bytes: u64) -> bool {
        let again = AGAIN.min(self.whole / AGAIN_PART);
        self.free >= self.needed(bytes, true).saturating_add(again)
    }

    /// Refuses so many bytes for which there is no room; whatever is small is always tried. Pure.
    pub(in crate::ledger) fn refuse(self, path: &Path, bytes: u64, is_new: bool) -> Result<(), Error> {
        let needed = self.needed(bytes, is_new);
        if bytes == 0 || self.free >= needed {
            return Ok(());
        }
        let what = if is_new { "new mails wait" } else { "results wait" };
        Err(Error::Full(format!("{what}: {}", words(path, self.free, needed))))
    }
}

/// The most bytes for which there was seen to be no room since the disk became full: for as many there has to be some, and some to spare, so that
/// it is full no more. Nothing where only SQLite says that it is full, as by a quota.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Shortage(Option<u64>);

impl Shortage {
    /// There was no room for so many bytes.
    pub(in crate::ledger) fn refused(&mut self, bytes: u64) {
        self.0 = self.0.max(Some(bytes));
    }

    /// Whether there was none for something.
    pub(in crate::ledger) fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// Whether there is enough again.
    pub(in crate::ledger) fn is_over(&self, room: DiskSpace) -> bool {
        room.takes_again(self.0.unwrap_or(0))
    }
}

/// The looks of a writer: where room is ample, one is good for a while, for three calls of the system in each of a thousand transactions a
/// second would tell nothing new.
pub(in crate::ledger) struct Looks {
    latest: Option<(DiskSpace, Instant)>,
    /// Bytes that were written since.
    written: u64,
    /// How the log is copied into the file now.
    copies: Copies,
}

impl Looks {
    /// Nobody has looked yet, and the log is not copied.
    pub(in crate::ledger) fn new() -> Self {
        Self {
            latest: None,
            written: 0,
            copies: Copies::None,
        }
    }

    /// What room there is; nothing where it can't be known. Where that changed, the log is copied more or less often from now on.
    pub(in crate::ledger) fn room(&mut self, db: &Connection, path: &Path) -> Option<DiskSpace> {
        if let Some((room, at)) = self.latest {
            let room = room.after(self.written);
            if room.is_good(at.elapsed()) {
                return Some(room);
            }
        }
        self.forget();
        let room = DiskSpace::look(db, path)?;
        self.latest = Some((room, Instant::now()));
        let copies = room.copies();
        if copies != self.copies {
            match copy(db, copies) {
                Ok(()) => self.copies = copies,
                Err(error) => tracing::debug!(%error, "the ledger's log is copied as before"),
            }
        }
        Some(room)
    }

    /// So many bytes are written.
    pub(in crate::ledger) fn write(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes as u64);
    }

    /// The next one looks.
    pub(in crate::ledger) fn forget(&mut self) {
        (self.latest, self.written) = (None, 0);
    }
}

/// How much is free, and how much has to be.
pub(in crate::ledger) fn words(path: &Path, free: u64, needed: u64) -> String {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).display();
    format!("{free} bytes are free in {folder}, and {needed} have to be")
}

/// Has the log copied so. A log that can't be copied is left alone at the end too.
pub(in crate::ledger) fn copy(db: &Connection, copies: Copies) -> Result<(), Error> {
    let (pages, limit) = match copies {
        Copies::None => (0, 33_554_432),
        Copies::Often => (256, 1_048_576),
        Copies::Seldom => (4096, 33_554_432),
    };
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, copies == Copies::None)?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", pages, |_| Ok(()))?;
    Ok(db.pragma_update_and_check(None, "journal_size_limit", limit, |_| Ok(()))?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mail_leaves_room_for_the_log_and_for_what_is_done_with_it() {
        let room = |free, growth, inside, reserved| DiskSpace {
            free,
            whole: 1 << 40,
            growth,
            inside,
            reserved,
        };
        let mib = 1 << 20;
        for (room, bytes, is_new, fits) in [
            (room(20 * mib, 0, 0, true), 3 * mib, true, true),
            (room(8 * mib, 0, 0, true), 3 * mib, true, true),
            (room(8 * mib - 1, 0, 0, true), 3 * mib, true, false),
            (room(6 * mib, 0, 0, true), 3 * mib, false, true),
            (room(8 * mib, 0, 0, false), 3 * mib, true, false),
            (room(17 * mib, 12 * mib, 0, true), 3 * mib, true, false),
            (room(5 * mib, 0, 3 * mib, true), 3 * mib, true, true),
            (room(0, 12 * mib, 0, false), 0, true, true),
        ] {
            let said = room.refuse(Path::new("/l/mailjob.db"), bytes, is_new);
            assert_eq!(said.is_ok(), fits, "{room:?} {bytes}: {said:?}");
        }
        let said = room(5, 7, 0, true)
            .refuse(Path::new("/l/mailjob.db"), 1, false)
            .unwrap_err();
        assert_eq!(
            said.to_string(),
            "the ledger's disk is full (results wait: 5 bytes are free in /l, and 9 have to be): make room"
        );
    }

    #[test]
    fn an_empty_disk_has_room_again_however_small_it_is() {
        let mib = 1 << 20;
        for whole in [12, 48, 1 << 20] {
            let room = DiskSpace {
                free: (whole - 1) * mib,
                whole: whole * mib,
                growth: 0,
                inside: 0,
                reserved: false,
            };
            assert!(room.takes_again(300_000), "{whole} MiB");
            let scarce = DiskSpace { free: 7 * mib, ..room };
            assert!(!scarce.takes_again(300_000), "{whole} MiB: with some to spare");
        }
    }

    #[test]
    fn a_look_is_good_for_a_while_where_room_is_ample() {
        let room = DiskSpace {
            free: AMPLE + 500,
            whole: 1 << 40,
            growth: 100,
            inside: 0,
            reserved: true,
        };
        let now = Duration::ZERO;
        assert!(room.is_good(now) && !room.is_good(GOOD_FOR), "others write too");
        assert!(room.after(100).is_good(now) && !room.after(101).is_good(now));
    }

    #[test]
    fn a_log_is_copied_where_all_of_it_finds_room() {
        let room = |free, growth| DiskSpace {
            free,
            whole: 1 << 40,
            growth,
            inside: 0,
            reserved: true,
        };
        assert_eq!(room(4, 5).copies(), Copies::None);
        assert_eq!(room(5, 5).copies(), Copies::Often);
        assert_eq!(room(AMPLE, 5).copies(), Copies::Seldom);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_the_log_still_finds_room(
            free in 0_u64..1 << 40, growth in 0_u64..1 << 30, inside in 0_u64..1 << 30, reserved: bool, bytes in 1_u64..1 << 30, is_new: bool,
        ) {
            let room = DiskSpace { free, whole: 1 << 40, growth, inside, reserved };
            if room.refuse(Path::new("l.db"), bytes, is_new).is_ok() {
                // The log grew by it, and so does what is to be copied, where there is no room inside the file.
                let after = DiskSpace { free: free - bytes, growth: growth + bytes.saturating_sub(inside), ..room };
                prop_assert_ne!(after.copies(), Copies::None);
                let left = after.free - after.growth;
                let kept = if reserved { 0 } else { UNRESERVED };
                prop_assert!(left >= kept);
                prop_assert!(!is_new || left >= SPARE);
            }
        }
    }
}
