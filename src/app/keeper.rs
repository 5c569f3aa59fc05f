//! Keeps the last good versions of files in the ledger, in the order in which they came, however long the ledger takes.

use std::time::Duration;

use tokio::{sync::mpsc, time::sleep};
use tracing::warn;

use crate::{config::versions::Revision, ledger::Archive};

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(10);

/// Takes revisions.
pub(super) struct Keeper(mpsc::UnboundedSender<Revision>);

impl Keeper {
    /// Starts to keep.
    pub(super) fn start(archive: Archive) -> Self {
        let (sender, mut revisions) = mpsc::unbounded_channel::<Revision>();
        tokio::spawn(async move {
            while let Some(revision) = revisions.recv().await {
                while let Err(error) = archive.revise(revision.clone()).await {
                    warn!(%error, "the files that are in use can't be kept: after a restart, one that is broken would not run in this version; trying again");
                    sleep(PAUSE).await;
                }
            }
        });
        Self(sender)
    }

    /// To be kept soon.
    pub(super) fn keep(&self, revision: Revision) {
        if !revision.is_empty() {
            // It ends only with this process.
            drop(self.0.send(revision));
        }
    }
}
