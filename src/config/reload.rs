//! Notices that the configuration changed.
//!
//! The folder of endpoints and that of `mailjob.toml` are watched, not the files: a Kubernetes ConfigMap swaps a link
//! beside them, and editors put new files in the place of old ones. Where files or folders are links, so are the folders that they
//! lead to and those that the links lie in. Whatever happened, everything is read again and compared with what was read before, so it
//! does not matter which event came, or how many. Where events don't come (network file systems, no watches left), a look each
//! minute is what remains.
//!
//! One moment is not the state of a folder: a file that is still being written does not count yet, and one that is gone counts as
//! removed only when it has not come back for a while.
//!
//! Never ends and never fails: what can't be read is a problem in the result.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    time::{Duration, Instant},
};

use chrono::Utc;
use tokio::{signal::unix::Signal, task, time};

use super::{
    Changes, Config, EndpointName, Problem,
    ears::FolderWatcher,
    files::{self, FileMetas},
    load::{Loaded, PreviousLoad, Sources, load_beside},
    remembered::Remembered,
    versions::{Revision, Versions},
};

/// How long the files must be quiet before they are read: editors and kubelet write in several steps.
const QUIET: Duration = Duration::from_millis(300);

/// How long that is waited for while events keep coming.
const LONGEST_STORM: Duration = Duration::from_secs(3);

/// The time between two looks when no event comes.
const LOOK: Duration = Duration::from_secs(60);

/// A file that changed without an event has to stand still between two looks so far apart …
const STILL: Duration = Duration::from_secs(1);
/// … of which there are no more than this.
const LOOKS: u32 = 10;

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
    /// What that changes in the last good versions.
    pub revision: Revision,
}

/// The stream of changes.
#[derive(Debug)]
pub struct Reloader {
    sources: Sources,
    running: Config,
    last: Loaded,
    versions: Versions,
    files: Remembered,
    prints: FileMetas,
    hangup: Signal,
    ears: FolderWatcher,
    /// Whether something was noticed that has not been read yet.
    stale: bool,
    /// Since when files are gone that were there.
    gone: BTreeMap<EndpointName, time::Instant>,
}

impl Reloader {
    /// Watches the sources of what runs; `loaded` is where that came from, and `versions` what is kept of it. A signal has them read at once.
    #[must_use]
    pub fn new(sources: Sources, loaded: Loaded, running: Config, versions: Versions, hangup: Signal) -> Self {
        let now = Instant::now();
        let mut ears = FolderWatcher::new(&loaded.unfinished, now);
        ears.listen(&sources);
        Self {
            gone: loaded
                .away
                .iter()
                .map(|name| (name.clone(), time::Instant::now()))
                .collect(),
            prints: files::prints(&sources),
            sources,
            running,
            last: loaded,
            versions,
            files: Remembered::default(),
            hangup,
            ears,
            // Something may have changed since the load.
            stale: true,
        }
    }

    /// Waits until the configuration is not what it was. Safe to drop at any time: nothing is missed.
    pub async fn next(&mut self) -> Reload {
        loop {
            if !self.stale {
                let next = self.next_look();
                tokio::select! {
                    () = self.ears.heard() => {}
                    Some(()) = self.hangup.recv() => {}
                    () = time::sleep(next) => {}
                }
                self.stale = true;
            }
            self.quiet().await;
            // A folder that was replaced has a new watch from here on.
            self.ears.listen(&self.sources);
            let (unfinished, late) = self.ears.unfinished(Instant::now());
            for file in late {
                tracing::warn!(file = %file.display(), "somebody has been writing this file for a minute: what is in it counts now");
            }
            let (sources, running, versions) = (self.sources.clone(), self.running.clone(), self.versions.clone());
            let removed = self.removed();
            // When this is dropped meanwhile, they are understood again at the next look.
            let mut files = mem::take(&mut self.files);
            let reading = task::spawn_blocking(move || {
                let before = PreviousLoad {
                    running: Some(&running),
                    versions: Some(&versions),
                    removed,
                    unfinished,
                    ..PreviousLoad::default()
                };
                (load_beside(&sources, &before, &mut files), files)
            });
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

    /// How long to wait for the next look if nothing is heard.
    fn next_look(&self) -> Duration {
        let patience = self.running.service.patience;
        let gone = self.gone.values().filter(|since| since.elapsed() < patience);
        let gone = gone.map(|since| patience.saturating_sub(since.elapsed()));
        let now = Instant::now();
        let writers = self.ears.next().map(|at| at.saturating_duration_since(now));
        gone.chain(writers).fold(LOOK, Duration::min)
    }

    /// Waits until nothing more is heard, and until files that changed unheard stand still.
    async fn quiet(&mut self) {
        let begun = Instant::now();
        while let Some(rest) = self.ears.last().and_then(|last| QUIET.checked_sub(last.elapsed())) {
            if begun.elapsed() > LONGEST_STORM {
                break;
            }
            time::sleep(rest).await;
        }
        for _ in 0..LOOKS {
            let sources = self.sources.clone();
            let Ok(now) = task::spawn_blocking(move || files::prints(&sources)).await else {
                break;
            };
            let before = mem::replace(&mut self.prints, now);
            let changed = files::changed(&before, &self.prints);
            if changed.iter().all(|file| self.ears.knows(file)) {
                break;
            }
            time::sleep(STILL).await;
        }
        self.ears.forget();
    }

    /// The endpoints whose file has been gone for too long.
    fn removed(&self) -> BTreeSet<EndpointName> {
        let patience = self.running.service.patience;
        let over = self.gone.iter().filter(|(_, since)| since.elapsed() >= patience);
        over.map(|(name, _)| name.clone()).collect()
    }

    /// Compares with what was read before.
    fn take(&mut self, loaded: Loaded) -> Option<Reload> {
        let patience = self.running.service.patience;
        // One that counts as removed is remembered until its file is back: it is not away for a second time.
        let there: BTreeSet<_> = loaded.names().cloned().collect();
        self.gone.retain(|name, _| !there.contains(name));
        for name in self
            .gone
            .keys()
            .filter(|name| self.last.away.contains(*name) && !loaded.away.contains(*name))
        {
            tracing::info!(endpoint = %name, "endpoint removed: its file has not come back");
        }
        for name in &loaded.away {
            if loaded.listed && !self.gone.contains_key(name) {
                tracing::warn!(endpoint = %name, patience_s = patience.as_secs(), "the endpoint's file is gone: nothing new begins, and if it is not back in time the endpoint counts as removed");
                self.gone.insert(name.clone(), time::Instant::now());
            }
        }
        for hint in loaded.hints.iter().filter(|hint| !self.last.hints.contains(hint)) {
            tracing::warn!("{hint}");
        }
        if loaded == self.last {
            return None;
        }
        let changes = Changes::between(&self.running, &loaded);
        self.running = changes.applied(&self.running, &loaded);
        let revision = self.versions.take(&loaded, Utc::now());
        let (problems, broken) = (loaded.problems.clone(), loaded.broken.clone());
        self.last = loaded;
        Some(Reload {
            config: self.running.clone(),
            changes,
            broken,
            problems,
            revision,
        })
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
