//! What the system tells of the configuration's files while it is watched.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, event::AccessKind};
use tokio::sync::Notify;

use super::{file_name, files, load::Sources, writers::Writers};

/// Links that lead to a file, at most.
const LINKS: usize = 8;

/// Listens to the folders that matter.
pub(super) struct FolderWatcher {
    heard: Arc<Notify>,
    memory: Arc<Mutex<FolderEvents>>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Whether it was said that changes are noticed late.
    deaf: bool,
}

impl fmt::Debug for FolderWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ears")
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}

/// What was heard.
#[derive(Debug, Default)]
struct FolderEvents {
    /// What files are called of which something may be heard that matters.
    names: BTreeSet<OsString>,
    writers: Writers,
    last: Option<Instant>,
    /// Names of files of which something was heard since the last look.
    fresh: BTreeSet<OsString>,
    /// Whether anything may have happened.
    lost: bool,
}

impl FolderWatcher {
    /// These files are being written already.
    pub(super) fn new(unfinished: &BTreeSet<PathBuf>, now: Instant) -> Self {
        let (heard, memory) = (Arc::<Notify>::default(), Arc::<Mutex<FolderEvents>>::default());
        lock(&memory).writers = Writers::of(unfinished, now);
        let mut ears = Self {
            heard: heard.clone(),
            memory: memory.clone(),
            watcher: None,
            watched: BTreeSet::new(),
            deaf: false,
        };
        let handler = move |result: notify::Result<Event>| {
            if lock(&memory).hear(result, Instant::now()) {
                heard.notify_one();
            }
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => ears.watcher = Some(watcher),
            Err(error) => ears.say_deaf(&error),
        }
        ears
    }

    /// Waits until something was heard.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// When something was heard last.
    pub(super) fn last(&self) -> Option<Instant> {
        lock(&self.memory).last
    }

    /// Whether something was heard of this file since the last look, or may have been.
    pub(super) fn knows(&self, file: &Path) -> bool {
        let memory = lock(&self.memory);
        memory.lost || file.file_name().is_some_and(|name| memory.fresh.contains(name))
    }

    /// Begins a new look.
    pub(super) fn forget(&self) {
        let mut memory = lock(&self.memory);
        memory.fresh.clear();
        memory.lost = false;
    }

    /// The real paths of files that are being written, and those that have been for too long.
    pub(super) fn unfinished(&self, now: Instant) -> (BTreeSet<PathBuf>, Vec<PathBuf>) {
        let (files, late) = lock(&self.memory).writers.look(now);
        let real = |file: PathBuf| fs::canonicalize(&file).unwrap_or(file);
        (files.into_iter().map(real).collect(), late)
    }

    /// When the first writer is given up.
    pub(super) fn next(&self) -> Option<Instant> {
        lock(&self.memory).writers.next()
    }

    /// Watches the folders, again where they are watched already: one that was replaced needs a new watch.
    pub(super) fn listen(&mut self, sources: &Sources) {
        let (folders, names) = places(sources);
        lock(&self.memory).names = names;
        let Some(watcher) = &mut self.watcher else { return };
        for old in self.watched.difference(&folders) {
            // It may be gone, and then nobody watches it any more.
            drop(watcher.unwatch(old));
        }
        let mut refused = None;
        for folder in &folders {
            refused = watcher.watch(folder, RecursiveMode::NonRecursive).err().or(refused);
        }
        self.watched = folders;
        match refused {
            Some(error) => self.say_deaf(&error),
            None => self.deaf = false,
        }
    }

    fn say_deaf(&mut self, error: &notify::Error) {
        if !self.deaf {
            tracing::warn!(%error, "configuration can't be watched; a change counts within a minute");
        }
        self.deaf = true;
    }
}

fn lock(memory: &Mutex<FolderEvents>) -> MutexGuard<'_, FolderEvents> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FolderEvents {
    /// Says whether the files have to be read.
    fn hear(&mut self, result: notify::Result<Event>, now: Instant) -> bool {
        // An error may be an overflow of the queue: anything may have changed.
        let Ok(event) = result else {
            self.lost = true;
            self.last = Some(now);
            return true;
        };
        let ours: Vec<_> = event
            .paths
            .iter()
            .filter_map(|path| path.file_name())
            .filter(|name| self.concerns(name))
            .collect();
        if ours.is_empty() && !event.need_rescan() {
            return false;
        }
        // Our own reading causes events too.
        if matches!(event.kind, EventKind::Access(kind) if !matches!(kind, AccessKind::Close(notify::event::AccessMode::Write)))
        {
            return false;
        }
        let ours: Vec<_> = ours.into_iter().map(ToOwned::to_owned).collect();
        self.lost |= event.need_rescan() || ours.iter().any(|name| name.to_string_lossy().starts_with(".."));
        self.fresh.extend(ours);
        self.writers.heard(&event, now);
        self.last = Some(now);
        true
    }

    /// Whether something that has this name may be of the configuration. The ledger may be written in the same folder.
    fn concerns(&self, name: &std::ffi::OsStr) -> bool {
        let is_link = name.to_str().is_some_and(|text| text.starts_with(".."));
        is_link || file_name::is_meant(name) || self.names.contains(name)
    }
}

/// The folders whose entries matter, and what they are called that matter in them beside files of endpoints.
fn places(sources: &Sources) -> (BTreeSet<PathBuf>, BTreeSet<OsString>) {
    let (mut folders, mut names) = (BTreeSet::new(), BTreeSet::new());
    let endpoints = absolute(&sources.endpoints);
    let files = files::entries(&endpoints).into_iter().map(|name| endpoints.join(name));
    let linked = files.filter(|file| file.is_symlink());
    let config = sources.config.as_deref().map(absolute);
    for path in config.into_iter().chain(linked).chain([endpoints.clone()]) {
        for path in chain(path) {
            names.extend(path.file_name().map(ToOwned::to_owned));
            folders.extend(path.parent().map(Path::to_owned));
        }
    }
    folders.insert(endpoints);
    (folders, names)
}

/// The path, where it leads if it is a link, and so on; and where it really is.
fn chain(path: PathBuf) -> Vec<PathBuf> {
    let mut chain = vec![path.clone()];
    let mut at = path.clone();
    while let Ok(target) = fs::read_link(&at) {
        at = at
            .parent()
            .map_or_else(|| target.clone(), |folder| folder.join(&target));
        chain.push(at.clone());
        if chain.len() > LINKS {
            break;
        }
    }
    chain.extend(fs::canonicalize(&path));
    chain
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
#[path = "ears_tests.rs"]
mod tests;
