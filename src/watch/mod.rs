//! Watches one mailbox: sees mail, takes it into the ledger, and gives it its last touch when its work is over.
//!
//! By IMAP one session watches one mailbox, by POP3 short ones follow each other. A mail is taken once, whatever the server repeats,
//! forgets or renumbers; it leaves the mailbox only after the ledger says that its work is over. Flags are never read: people and other
//! programs may do with mails what they like. Whatever goes wrong ends the session and nothing else: the next one begins where the
//! ledger says, after a pause.

mod aside;
mod backlog;
mod by_imap;
mod care;
#[cfg(test)]
mod connects_tests;
mod cursor;
mod door;
pub mod error;
#[cfg(test)]
#[path = "tests/fakes.rs"]
mod fakes;
mod fetch;
mod first_sight;
mod header_key;
pub mod health;
mod idle;
mod imap;
pub mod intake;
mod into_ledger;
mod listing;
mod look;
mod lost;
mod mechanism;
#[cfg(test)]
#[path = "tests/memory.rs"]
mod memory;
#[cfg(test)]
#[path = "tests/memory_backlog.rs"]
mod memory_backlog;
#[cfg(test)]
#[path = "tests/memory_state.rs"]
mod memory_state;
mod pacing;
mod plan;
pub mod pop3;
pub mod probe;
mod reading;
mod refetch;
mod retrieve;
mod rival;
mod schedule;
#[cfg(test)]
#[path = "tests/script.rs"]
mod script;
mod session;
mod settle;
mod size_history;
mod sizes;
pub mod source;
mod taker;
mod tenancy;
mod touch;
mod uids;
pub mod visit;
mod watcher;
pub mod words;

use std::{pin::Pin, sync::Arc};

use chrono::Utc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::door::AccountConnector;
use crate::{
    auth::Login,
    budget::Budget,
    config::{EndpointName, Mailbox, ReadBy, WatchPlan},
    ledger::{self, Ledger, MailboxKey},
    net::Connects,
};

pub use self::{health::WatchHealth, tenancy::Tenancy};

/// A mailbox to watch, and what for.
#[derive(Clone)]
pub struct Watch {
    /// Which mailbox, who gets its mails, and what becomes of them.
    pub inlet: Arc<WatchPlan>,
    /// Where mails go.
    pub ledger: Arc<dyn Ledger>,
    /// How to sign in.
    pub login: Arc<Login>,
    /// When it may connect.
    pub connects: Connects,
    /// The memory that mails on their way may take, shared by all mailboxes.
    pub budget: Budget,
    /// How the mailbox is doing.
    pub health: Arc<WatchHealth>,
    /// That it is ours to watch.
    pub tenancy: Tenancy,
    /// Ends the watch.
    pub stop: CancellationToken,
}

impl Watch {
    /// A connection is tried. What comes from the first one on is new, however long it takes to be let in.
    async fn tries(&self, mailbox: &MailboxKey, is_first: bool) -> Result<(), ledger::Error> {
        self.tenancy.secure(self.ledger.as_ref(), mailbox).await?;
        if is_first {
            self.ledger.backlog_begun(&self.tenancy.watched(mailbox)).await?;
        }
        let server = &self.inlet.mailbox.server;
        let server = format!("{}:{}", server.host, server.port);
        self.health.connects(&server, Utc::now());
        Ok(())
    }

    /// Who looks wants to know when the last mail came, though that was before this process began.
    pub async fn remembers(&self) {
        if let Ok(Some(at)) = self.ledger.last_taken(&mailbox_key(&self.inlet.mailbox)).await {
            self.health.took_before(at);
        }
    }

    /// Keeps that the server let us in, or that it doesn't believe who we are; any other error is no judgement.
    async fn judged<T>(&self, admitted: Result<T, error::WatchError>) -> Result<T, error::WatchError> {
        let why = match &admitted {
            Ok(_) => None,
            Err(error @ error::WatchError::Credential { .. }) if error.patience().is_none() => Some(error.to_string()),
            Err(_) => return admitted,
        };
        let mailbox = &self.inlet.mailbox;
        self.login
            .judged(&mailbox.account, mailbox.protocol.into(), why.as_deref())
            .await;
        admitted
    }
}

/// Watches a mailbox until it's stopped: it connects again for ever.
pub async fn run(watch: Watch) {
    let door = AccountConnector {
        inlet: watch.inlet.clone(),
        login: watch.login.clone(),
        connects: watch.connects.clone(),
    };
    let delay = watch.inlet.mailbox.looks.start_delay;
    if watch.stop.run_until_cancelled(sleep(delay)).await.is_none() {
        return;
    }
    let span = tracing::info_span!("watch", endpoint = %names(&watch.inlet));
    let tenancy = watch.tenancy.clone();
    // Boxed, so that each takes the memory that it needs itself, once.
    let watching: Pin<Box<dyn Future<Output = ()> + Send>> = match watch.inlet.mailbox.protocol {
        ReadBy::Pop3 => Box::pin(pop3::watcher(watch, Box::new(door)).run()),
        ReadBy::Imap => Box::pin(by_imap::watcher(watch, Box::new(door)).run()),
    };
    watching.instrument(span).await;
    tenancy.end();
}

/// Who gets mails of this mailbox, for the log.
fn names(inlet: &WatchPlan) -> String {
    let names: Vec<_> = inlet.settle.keys().map(EndpointName::as_str).collect();
    names.join(",")
}

/// A mailbox's name for good.
#[must_use]
pub fn mailbox_key(mailbox: &Mailbox) -> MailboxKey {
    MailboxKey(mailbox.address().into())
}
