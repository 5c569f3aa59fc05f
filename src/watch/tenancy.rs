//! The lease of the mailbox that is watched.

use std::sync::Arc;

use parking_lot::Mutex;

use super::error::WatchError;
use crate::ledger::{self, Fence, Lease, Ledger, MailboxKey, WatchedMailbox};

/// The lease of the mailbox, once the watch has begun.
#[derive(Clone, Default)]
pub struct Tenancy(Arc<Mutex<Option<Lease>>>);

impl Tenancy {
    /// The mailbox, and which watch of it this is; it goes with whatever the watch writes.
    pub(super) fn watched(&self, mailbox: &MailboxKey) -> WatchedMailbox {
        let fence = self.0.lock().as_ref().map_or(Fence::NONE, Lease::fence);
        WatchedMailbox::new(mailbox.clone(), fence)
    }

    /// Makes sure that it is ours: takes the lease where we have none, or had it.
    pub(super) async fn secure(&self, ledger: &dyn Ledger, mailbox: &MailboxKey) -> Result<(), ledger::Error> {
        if self.0.lock().as_ref().is_some_and(Lease::holds) {
            return Ok(());
        }
        self.end();
        let lease = ledger.watch(mailbox).await?;
        *self.0.lock() = Some(lease);
        Ok(())
    }

    /// Leaves it to others.
    pub(super) fn end(&self) {
        self.0.lock().take();
    }

    /// After a failure: where another has the mailbox, whatever our own clock says, it is asked for anew.
    pub(super) fn failed(&self, error: &WatchError) {
        if let WatchError::Ledger(ledger::Error::Watched { .. }) = error {
            self.end();
        }
    }
}
