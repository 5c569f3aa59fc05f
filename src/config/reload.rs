//! Notices that the configuration changed.
//!
//! The folder of endpoints and that of `mailjob.toml` are watched, not the files: a Kubernetes ConfigMap swaps a link
//! beside them, and editors put new files in the place of old ones. Whatever happened, everything is read again and
//! compared with what was read before, so it does not matter which event came, or how many. Where events don't come
//! (network file systems, no watches left), a look each minute is what remains.
//!
//! Never ends and never fails: what can't be read is a problem in the result.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify_debouncer_full::{
    DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache, new_debouncer,
    notify::{self, EventKind, RecommendedWatcher, RecursiveMode},
};
use tokio::{signal::unix::Signal, sync::Notify, task, time};

use super::{
    Changes, Config, EndpointName, Problem,
    load::{Loaded, Sources, load_beside},
    remembered::Remembered,
};

/// How long the files must be quiet before they are read: editors and kubelet write in several steps.
const QUIET: Duration = Duration::from_millis(300);

/// The time between two looks when no event comes.
const LOOK: Duration = Duration::from_secs(60);

/// A configuration that changed.
#[derive(Debug, Clone)]
pub struct Reload {
    /// What is to run from now on; broken endpoints in their last good version.
    pub config: Config,
    /// What that changes.
    pub changes: Changes,
    /// Endpoints whose file is broken, whether a good version goes on or not.
    pub broken: BTreeSet<EndpointName>,
    /// All that is wrong now.
    pub problems: Vec<Problem>,
}

/// The stream of changes.
#[derive(Debug)]
pub struct Reloader {
    sources: Sources,
    running: Config,
    last: Loaded,
    files: Remembered,
    hangup: Signal,
    heard: Arc<Notify>,
    watcher: Option<Watcher>,
    /// Whether something was noticed that has not been read yet.
    stale: bool,
    /// Whether it was said that changes are noticed late.
    deaf: bool,
}

impl Reloader {
    /// Watches the sources of what runs; `loaded` is where that came from. A signal has them read at once.
    #[must_use]
    pub fn new(sources: Sources, loaded: Loaded, running: Config, hangup: Signal) -> Self {
        let mut reloader = Self {
            sources,
            running,
            last: loaded,
            files: Remembered::default(),
            hangup,
            heard: Arc::default(),
            watcher: None,
            // Something may have changed since the load.
            stale: true,
            deaf: false,
        };
        match watcher(&reloader.sources, &reloader.heard) {
            Ok(watcher) => reloader.watcher = Some(watcher),
            Err(error) => reloader.say_deaf(&error),
        }
        reloader.watch();
        reloader
    }

    /// Waits until the configuration is not what it was. Safe to drop at any time: nothing is missed.
    pub async fn next(&mut self) -> Reload {
        loop {
            if !self.stale {
                tokio::select! {
                    () = self.heard.notified() => {}
                    Some(()) = self.hangup.recv() => {}
                    () = time::sleep(LOOK) => {}
                }
                self.stale = true;
            }
            // A folder that was replaced has a new watch from here on.
            self.watch();
            let (sources, running) = (self.sources.clone(), self.running.clone());
            // When this is dropped meanwhile, they are understood again at the next look.
            let mut files = std::mem::take(&mut self.files);
            let reading = task::spawn_blocking(move || (load_beside(&sources, Some(&running), &mut files), files));
            match reading.await {
                Ok((loaded, files)) => {
                    self.files = files;
                    self.stale = false;
                    if let Some(reload) = self.take(loaded) {
                        return reload;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "reading the configuration panicked; trying again in a minute");
                    time::sleep(LOOK).await;
                }
            }
        }
    }

    /// Compares with what was read before.
    fn take(&mut self, loaded: Loaded) -> Option<Reload> {
        if loaded == self.last {
            return None;
        }
        let changes = Changes::between(&self.running, &loaded);
        self.running = changes.applied(&self.running, &loaded);
        let (problems, broken) = (loaded.problems.clone(), loaded.broken.clone());
        self.last = loaded;
        Some(Reload {
            config: self.running.clone(),
            changes,
            broken,
            problems,
        })
    }

    /// Watches the folders, again where they are watched already: one that was replaced needs a new watch.
    fn watch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut refused = None;
        for folder in folders(&self.sources) {
            refused = watcher.watch(folder, RecursiveMode::NonRecursive).err().or(refused);
        }
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

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

fn watcher(sources: &Sources, heard: &Arc<Notify>) -> notify::Result<Watcher> {
    let (sources, heard) = (sources.clone(), Arc::clone(heard));
    let handler = move |result: DebounceEventResult| {
        // An error may be an overflow of the queue: anything may have changed.
        if result.map_or(true, |events| events.iter().any(|event| concerns(event, &sources))) {
            heard.notify_one();
        }
    };
    new_debouncer(QUIET, None, handler)
}

/// The folders whose entries matter.
fn folders(sources: &Sources) -> impl Iterator<Item = &Path> {
    let beside = sources.config.as_deref().map(|file| match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    });
    [Some(sources.endpoints.as_path()), beside].into_iter().flatten()
}

/// Whether an event may have changed the configuration. Our own reading causes events too, and the ledger may be
/// written in the same folder.
fn concerns(event: &DebouncedEvent, sources: &Sources) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    let config = sources.config.as_deref().and_then(Path::file_name);
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        let text = name.to_str().unwrap_or_default();
        text.ends_with(".toml") || text.starts_with("..") || Some(name) == config || *path == sources.endpoints
    };
    event.need_rescan() || event.paths.iter().any(ours)
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
