//! Jobs whose endpoint is no more: at each start of a watch they go on to the next endpoint of the mailbox, or end.

use tracing::{info, warn};

use crate::{
    config::{Config, EndpointName, Route, Taker},
    ledger::{Ledger, MailboxKey},
    watch,
};

/// Jobs whose endpoint is not at a mailbox any more, and who may have their mails.
#[derive(Clone)]
pub(super) struct Orphans {
    mailbox: MailboxKey,
    known: Vec<EndpointName>,
    route: Vec<EndpointName>,
}

impl Orphans {
    /// Endpoints that are broken or disabled have a file: their jobs wait.
    pub(super) fn of(route: &Route, config: &Config) -> Self {
        let known = route.names().into_iter().chain(config.idle.iter().cloned());
        let next = match route.mailbox.taker {
            Taker::First => route.names(),
            Taker::All => Vec::new(),
        };
        Self {
            mailbox: watch::mailbox_key(&route.mailbox),
            known: known.collect(),
            route: next,
        }
    }

    pub(super) async fn hand_on(&self, ledger: &dyn Ledger) {
        let mailbox = &self.mailbox;
        match ledger.hand_on(mailbox, &self.known, &self.route).await {
            Ok(handed) => {
                if handed.jobs > 0 {
                    info!(%mailbox, jobs = handed.jobs, "jobs of endpoints that are not at this mailbox any more went on to the next, or ended");
                }
                if handed.left > 0 {
                    warn!(%mailbox, jobs = handed.left, "jobs had begun at endpoints that are not at this mailbox any more: put their files back, and they are tried again");
                }
            }
            Err(error) => {
                warn!(%mailbox, %error, "jobs of endpoints that are gone could not be handed on; trying again at the next start")
            }
        }
    }
}
