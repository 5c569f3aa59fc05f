//! What is said of a mailbox rather than of one of its endpoints: all of them have to agree on it, and only its watch uses it. Pure.

use std::time::Duration;

use super::{Backlog, Endpoint, Mailbox, MatchMode, SettleAction, WatchMode};

/// A setting that belongs to a mailbox, as a file says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Watch(WatchMode),
    Taker(MatchMode),
    Batch(Option<usize>),
    Repeat(Option<usize>),
    StartDelay(Duration),
    Backlog(Backlog),
    Ignored(SettleAction),
}

impl Term {
    /// What it is called in files.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Watch(_) => "how the mailbox is watched (watch, look, every, cron)",
            Self::Taker(_) => "`mailbox.match`",
            Self::Batch(_) => "`mailbox.batch`",
            Self::Repeat(_) => "`mailbox.repeat`",
            Self::StartDelay(_) => "`mailbox.start_delay`",
            Self::Backlog(_) => "`mailbox.backlog`",
            Self::Ignored(_) => "`settle.ignored`",
        }
    }

    pub(super) fn apply(&self, endpoint: &mut Endpoint) {
        let mailbox = &mut endpoint.mailbox;
        match self.clone() {
            Self::Watch(watch) => mailbox.watch = watch,
            Self::Taker(taker) => mailbox.taker = taker,
            Self::Batch(batch) => mailbox.looks.batch = batch,
            Self::Repeat(repeat) => mailbox.looks.repeat = repeat,
            Self::StartDelay(delay) => mailbox.looks.start_delay = delay,
            Self::Backlog(backlog) => mailbox.looks.backlog = Some(backlog),
            Self::Ignored(fate) => endpoint.settle.ignored = fate,
        }
    }
}

impl Endpoint {
    /// What a dispatch works with: all but what only the watch of the mailbox uses, so that a change of that leaves the dispatch alone.
    /// Each field of a mailbox is named here, so that a new one has to be thought of.
    #[must_use]
    pub fn for_dispatch(&self) -> Self {
        let Mailbox {
            account,
            protocol,
            server,
            name,
            watch: _,
            looks: _,
            taker: _,
        } = &self.mailbox;
        let usual = Mailbox::inbox(account.clone(), *protocol, server.clone());
        let mailbox = Mailbox {
            name: name.clone(),
            ..usual
        };
        Self {
            mailbox,
            order: Self::ORDER,
            ..self.clone()
        }
    }
}

#[cfg(test)]
#[path = "term_tests.rs"]
mod tests;
