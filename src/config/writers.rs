//! Files that somebody is still writing: what is in them is no configuration yet.
//!
//! Linux tells that a file was changed and that its writer closed it; in between it counts as unfinished, for a minute at most. Where
//! nobody tells of closing, a file counts once it was left alone for two seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, ModifyKind},
};

/// How long a writer may keep a file open; after that what is there is taken.
const LONGEST: Duration = if cfg!(target_os = "linux") {
    Duration::from_secs(60)
} else {
    Duration::from_secs(2)
};

/// The files whose writers have not closed them, and since when they are written.
#[derive(Debug, Default)]
pub(super) struct Writers(BTreeMap<PathBuf, Instant>);

impl Writers {
    /// These files were open when we began.
    pub(super) fn of(files: &BTreeSet<PathBuf>, now: Instant) -> Self {
        Self(files.iter().map(|file| (file.clone(), now)).collect())
    }

    /// Something happened to files.
    pub(super) fn heard(&mut self, event: &Event, now: Instant) {
        for path in &event.paths {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) if cfg!(target_os = "linux") => {
                    self.0.entry(path.clone()).or_insert(now);
                }
                EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => drop(self.0.insert(path.clone(), now)),
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Remove(_) => drop(self.0.remove(path)),
                _ => {}
            }
        }
    }

    /// The files that are unfinished now. Those that were written for too long are given up and named.
    pub(super) fn look(&mut self, now: Instant) -> (BTreeSet<PathBuf>, Vec<PathBuf>) {
        let is_late = |since: &Instant| now.saturating_duration_since(*since) >= LONGEST;
        let late = self.0.extract_if(.., |_, since| is_late(since));
        let late = late.map(|(path, _)| path).collect();
        (self.0.keys().cloned().collect(), late)
    }

    /// When the first of them is given up.
    pub(super) fn next(&self) -> Option<Instant> {
        Some(*self.0.values().min()? + LONGEST)
    }
}

/// Those of these files that changed a moment ago and that a process of this machine has open for writing, as far as we may see that.
/// Their real paths.
pub(super) fn open_now<'a>(files: impl Iterator<Item = &'a Path>) -> BTreeSet<PathBuf> {
    let now = SystemTime::now();
    let is_young = |file: &&Path| {
        let changed = fs::metadata(file).and_then(|meta| meta.modified());
        changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age < LONGEST))
    };
    let young = files.filter(is_young).filter_map(|file| fs::canonicalize(file).ok());
    let young: BTreeSet<_> = young.collect();
    if young.is_empty() || !cfg!(target_os = "linux") {
        return BTreeSet::new();
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let descriptors =
        processes.flat_map(|process| fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten());
    let written = descriptors.filter_map(|descriptor| {
        let path = fs::read_link(descriptor.path()).ok()?;
        (young.contains(&path) && is_for_writing(&descriptor.path())).then_some(path)
    });
    written.collect()
}

/// Whether a descriptor of `/proc/PID/fd` was opened for writing: the lowest two bits of its flags, in octal, are not zero.
fn is_for_writing(descriptor: &Path) -> bool {
    let info = || {
        let number = descriptor.file_name()?;
        let info = descriptor.parent()?.parent()?.join("fdinfo").join(number);
        let text = fs::read_to_string(info).ok()?;
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
        u64::from_str_radix(flags.trim(), 8).ok()
    };
    info().is_some_and(|flags| flags & 3 != 0)
}

#[cfg(test)]
#[path = "writers_tests.rs"]
mod tests;
