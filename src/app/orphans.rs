//! Jobs whose endpoint is not at their mailbox: they go on to the next endpoint, or end, but not before a patience has passed. One moment is
//! not the state of a folder, and what was handed on does not come back.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::{Config, EndpointName, MailboxId, MatchMode, Route},
    ledger::{Error, Ledger, MailboxKey},
    watch,
};

/// Between two tries when the ledger refuses, and between two looks at jobs that are to be handed on.
const PAUSE: Duration = Duration::from_secs(1);

/// Jobs whose endpoint is not at a mailbox, and who may have their mails.
#[derive(Debug, Clone, PartialEq)]
struct Orphans {
    mailbox: MailboxKey,
    known: BTreeSet<EndpointName>,
    route: Vec<EndpointName>,
}

impl Orphans {
    /// Endpoints that are broken, disabled, or gone for a moment keep their jobs.
    fn of(route: &Route, config: &Config) -> Self {
        let names = route.getters();
        let next = match route.mailbox.taker {
            MatchMode::First => names.clone(),
            MatchMode::All => Vec::new(),
        };
        Self {
            mailbox: watch::mailbox_key(&route.mailbox),
            known: names.into_iter().chain(config.idle.iter().cloned()).collect(),
            route: next,
        }
    }

    /// As if all endpoints were here but for these, wherever they are not.
    fn but_for(&self, config: &Config, these: &BTreeSet<EndpointName>) -> Self {
        let others = config.endpoints.keys().filter(|name| !these.contains(*name));
        let mut orphans = self.clone();
        orphans.known.extend(others.cloned());
        orphans
    }

    async fn hand_on_surely(&self, ledger: &dyn Ledger) {
        while let Err(error) = self.reassign(ledger).await {
            warn!(mailbox = %self.mailbox, %error, "jobs of endpoints that are gone could not be handed on; trying again");
            sleep(PAUSE).await;
        }
    }

    async fn reassign(&self, ledger: &dyn Ledger) -> Result<(), Error> {
        let mailbox = &self.mailbox;
        let known: Vec<_> = self.known.iter().cloned().collect();
        let handed = ledger.reassign_orphans(mailbox, &known, &self.route).await?;
        if handed.jobs > 0 {
            info!(%mailbox, jobs = handed.jobs, "jobs of endpoints that are not at this mailbox any more went on to the next, or ended");
        }
        if handed.left > 0 {
            warn!(%mailbox, jobs = handed.left, "jobs had begun at endpoints that are not at this mailbox any more: put their files back, and they are tried again");
        }
        Ok(())
    }
}

/// The mailboxes, and who looks after jobs there that have no endpoint.
pub(super) struct OrphanSweeper {
    ledger: Arc<dyn Ledger>,
    patience: Duration,
    stop: CancellationToken,
    mailboxes: BTreeMap<MailboxId, (Orphans, CancellationToken)>,
    /// Endpoints whose mails wait for their file.
    held: BTreeSet<EndpointName>,
    /// Who may have jobs at each mailbox.
    at: Arc<BTreeMap<MailboxKey, BTreeSet<EndpointName>>>,
}

impl OrphanSweeper {
    pub(super) fn new(ledger: Arc<dyn Ledger>, patience: Duration, stop: CancellationToken) -> Self {
        Self {
            ledger,
            patience,
            stop,
            mailboxes: BTreeMap::new(),
            held: BTreeSet::new(),
            at: Arc::default(),
        }
    }

    /// Where somebody came or went, jobs are handed on in a while, unless that changes again before.
    pub(super) fn reconcile(&mut self, config: &Config, routes: &[Route]) {
        let now: BTreeMap<_, _> = routes
            .iter()
            .map(|route| (route.mailbox.id(), Orphans::of(route, config)))
            .collect();
        let held: BTreeSet<_> = config.held.keys().cloned().collect();
        let before = mem::replace(&mut self.held, held);
        let known: BTreeSet<_> = before.difference(&self.held).cloned().collect();
        let at = now
            .values()
            .map(|orphans| (orphans.mailbox.clone(), orphans.known.clone()));
        self.at = Arc::new(at.collect());
        self.mailboxes.retain(|id, (_, stop)| {
            let stays = now.contains_key(id);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for (id, orphans) in now {
            if self.mailboxes.get(&id).is_some_and(|(before, _)| *before == orphans) {
                continue;
            }
            let stop = self.stop.child_token();
            let (ledger, patience, ended) = (self.ledger.clone(), self.patience, stop.clone());
            let work = orphans.clone();
            // They are back and have their mailbox, or waited for as long as they may: what waited for them here need not wait for longer.
            let at_once = (!known.is_empty()).then(|| orphans.but_for(config, &known));
            tokio::spawn(async move {
                let all = async {
                    if let Some(orphans) = at_once {
                        orphans.hand_on_surely(ledger.as_ref()).await;
                    }
                    sleep(patience).await;
                    work.hand_on_surely(ledger.as_ref()).await;
                };
                ended.run_until_cancelled(all).await
            });
            if let Some((_, before)) = self.mailboxes.insert(id, (orphans, stop)) {
                before.cancel();
            }
        }
    }

    /// What an endpoint waits for before it begins.
    pub(super) fn strays(&self, endpoint: EndpointName, home: MailboxKey) -> StrayJobs {
        StrayJobs {
            endpoint,
            home,
            at: self.at.clone(),
        }
    }
}

/// Jobs of an endpoint for mails of mailboxes that are not its own: they were made while nobody knew which one it has.
#[derive(Clone)]
pub(super) struct StrayJobs {
    endpoint: EndpointName,
    home: MailboxKey,
    at: Arc<BTreeMap<MailboxKey, BTreeSet<EndpointName>>>,
}

impl StrayJobs {
    /// Waits until they have been handed on: it must not run them.
    pub(super) async fn gone(&self, ledger: &dyn Ledger, stop: &CancellationToken) {
        let mut said = false;
        while !stop.is_cancelled() {
            match ledger.strays(&self.endpoint, &self.home).await {
                Ok(strays) if !strays.iter().any(|mailbox| self.leaves(mailbox)) => return,
                Ok(strays) if !said => {
                    said = true;
                    let mailboxes: Vec<_> = strays.iter().map(ToString::to_string).collect();
                    info!(endpoint = %self.endpoint, mailboxes = mailboxes.join(","), "waiting until mails of other mailboxes have gone on to their endpoints");
                }
                Ok(_) => {}
                Err(error) => warn!(endpoint = %self.endpoint, %error, "the ledger can't be read; trying again"),
            }
            stop.run_until_cancelled(sleep(PAUSE)).await;
        }
    }

    /// Whether its jobs at this mailbox are going to be handed on.
    fn leaves(&self, mailbox: &MailboxKey) -> bool {
        self.at
            .get(mailbox)
            .is_some_and(|known| !known.contains(&self.endpoint))
    }
}
