//! A mailbox, by its name for good, and as each write of its watch names it.

use std::{fmt, sync::Arc};

use crate::ledger::{lease::Fence, types::error::Error};

/// A mailbox for good: `imap://user@host/NAME` or `pop3://user@host/INBOX`, with a port that isn't usual. Survives a renamed endpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxKey(pub Arc<str>);

impl fmt::Display for MailboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox, and which watch of it this is ([`crate::ledger::Lease::fence`]; [`Fence::NONE`] where nobody ever watched it). It goes with each write that a watch
/// does; one that another has followed changes nothing any more.
///
/// Its name can be had only by having the fence judged: so no rule can forget to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedMailbox {
    name: MailboxKey,
    fence: Fence,
}

impl fmt::Display for WatchedMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl WatchedMailbox {
    /// This mailbox, by this taking of it.
    #[must_use]
    pub const fn new(name: MailboxKey, fence: Fence) -> Self {
        Self { name, fence }
    }

    /// Its name, and what came of the judgement, where that finds this watch to be the present one.
    pub(in crate::ledger) fn judged_by<T>(
        &self,
        judge: impl FnOnce(&MailboxKey, Fence) -> Result<T, Error>,
    ) -> Result<(&MailboxKey, T), Error> {
        let judged = judge(&self.name, self.fence)?;
        Ok((&self.name, judged))
    }
}
