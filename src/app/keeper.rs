//! Keeps the last good versions of files in the ledger, however long that takes.

use std::{mem, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};
use tracing::warn;

use crate::{config::versions::Revision, ledger::Archive};

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(10);

/// Takes revisions.
#[derive(Clone, Default)]
pub(super) struct Keeper {
    pending: Arc<Mutex<Revision>>,
    came: Arc<Notify>,
}

impl Keeper {
    /// Starts to keep.
    pub(super) fn start(archive: Archive) -> Self {
        let keeper = Self::default();
        let waits = keeper.clone();
        tokio::spawn(async move {
            loop {
                waits.came.notified().await;
                let mut revision = waits.take();
                while let Err(error) = archive.revise(revision.clone()).await {
                    warn!(%error, "the files that are in use can't be kept: after a restart, one that is broken would not run in this version; trying again");
                    sleep(PAUSE).await;
                    revision.then(waits.take());
                }
            }
        });
        keeper
    }

    /// To be kept soon.
    pub(super) fn keep(&self, revision: Revision) {
        if !revision.is_empty() {
            self.pending.lock().then(revision);
            self.came.notify_one();
        }
    }

    fn take(&self) -> Revision {
        mem::take(&mut *self.pending.lock())
    }
}
