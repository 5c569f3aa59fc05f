//! The loops of every endpoint, and what a change of the configuration does to them.
//!
//! An endpoint has two loops, watch and dispatch; an SMTP account that replies use has one, the outbox. A changed endpoint's
//! old loops end, with their running jobs, before its new ones start: no mailbox is ever scanned twice at once.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    budget::Budget,
    config::{Account, Action, Config, Endpoint, EndpointName, Service},
    dispatch::{self, Dispatch, verify::Dns},
    ledger::{Ledger, Vault},
    metrics::Metrics,
    net,
    reply::{self, Composer, Ourselves, Outbox},
    watch::{self, Watch},
};

use super::{clients::Clients, notices::Desk, sign_ins::SignIns, supervise::Loops};

/// What endpoints share, and the loops that run for them.
pub(super) struct Fleet {
    loops: Loops,
    ledger: Arc<dyn Ledger>,
    /// Mail on its way into the ledger.
    intake: Budget,
    /// Mail that jobs work on.
    memory: Budget,
    commands: Arc<Semaphore>,
    dns: Arc<Dns>,
    stop: CancellationToken,
    endpoints: BTreeMap<EndpointName, Running<Endpoint>>,
    outboxes: BTreeMap<String, Running<Account>>,
    sign_ins: SignIns,
    /// Every address that is ours: none of them is answered.
    ourselves: Ourselves,
    clients: Clients,
}

/// Loops, the settings they were started with, and their ends.
struct Running<S> {
    settings: Arc<S>,
    stop: CancellationToken,
    ends: Vec<JoinHandle<()>>,
}

impl<S> Running<S> {
    /// Asks the loops to stop; the handles end when they have.
    fn end(self) -> Vec<JoinHandle<()>> {
        self.stop.cancel();
        self.ends
    }
}

impl Fleet {
    pub(super) fn new(
        loops: Loops,
        ledger: Arc<dyn Ledger>,
        vault: Arc<Vault>,
        metrics: Metrics,
        service: &Service,
        stop: CancellationToken,
    ) -> Self {
        let sign_ins = SignIns::new(loops.clone(), vault, metrics, stop.clone());
        Self {
            loops,
            ledger,
            intake: Budget::new(service.memory / 4),
            memory: Budget::new(service.memory),
            commands: Arc::new(Semaphore::new(service.commands)),
            dns: Dns::new(service.resolver),
            stop,
            endpoints: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            sign_ins,
            ourselves: Ourselves::default(),
            clients: Clients::default(),
        }
    }

    /// Starts, restarts and ends loops so that those of `config` run and no others. What did not change is not touched.
    pub(super) fn become_like(&mut self, config: &Config) {
        self.sign_ins.become_like(config);
        self.ourselves = reply::ourselves(config.endpoints.values().map(AsRef::as_ref));
        let gone: Vec<_> = self
            .endpoints
            .keys()
            .filter(|name| !config.endpoints.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(running) = self.endpoints.remove(&name) {
                info!(endpoint = %name, "endpoint removed; its running jobs finish");
                drop(running.end());
            }
        }
        for (name, endpoint) in &config.endpoints {
            let before = match self.endpoints.remove(name) {
                Some(running) if running.settings == *endpoint => {
                    self.endpoints.insert(name.clone(), running);
                    continue;
                }
                Some(running) => running.end(),
                None => Vec::new(),
            };
            info!(endpoint = %name, restarted = !before.is_empty(), "endpoint started");
            if let Err(error) = self.start(endpoint, config, before) {
                error!(endpoint = %name, %error, "endpoint can't start; mend this and save its file again");
            }
        }
    }

    /// Whose sign-ins are looked at, and who is told of them.
    pub(super) fn desk(&mut self, config: &Config) -> Desk {
        let operator = config.operator.as_ref().and_then(|operator| {
            let login = self.sign_ins.login(&operator.account, config, &mut self.clients);
            let login = login.inspect_err(|error| error!(%error, "the operator can't be told"));
            Some((operator.clone(), login.ok()?))
        });
        Desk {
            sign_ins: config.sign_ins(),
            operator,
        }
    }

    fn start(
        &mut self,
        endpoint: &Arc<Endpoint>,
        config: &Config,
        before: Vec<JoinHandle<()>>,
    ) -> Result<(), net::Error> {
        if let Some(account) = &endpoint.reply.account {
            self.outbox(account, config)?;
        }
        let account = &endpoint.mailbox.account;
        let login = self.sign_ins.login(account, config, &mut self.clients)?;
        let http = match &endpoint.action {
            Action::Webhook(hook) => self.clients.client(hook.ca_file.clone(), hook.allow_private_network)?,
            Action::Command(_) => self.clients.client(None, false)?,
        };
        let stop = self.stop.child_token();
        let gate = Gate::after(before);

        let watch = Watch {
            endpoint: endpoint.clone(),
            ledger: self.ledger.clone(),
            login,
            budget: self.intake.clone(),
            health: Arc::default(),
            stop: stop.clone(),
        };
        let waited = gate.clone();
        let watching = self
            .loops
            .start(format!("watch {}", endpoint.name), stop.clone(), move || {
                let (watch, gate) = (watch.clone(), waited.clone());
                async move {
                    gate.open().await;
                    Box::pin(watch::run(watch)).await;
                }
            });

        let dispatch = Dispatch {
            endpoint: endpoint.clone(),
            ledger: self.ledger.clone(),
            replier: Arc::new(Composer::new(endpoint, self.ourselves.clone())),
            http,
            dns: self.dns.clone(),
            memory: self.memory.clone(),
            commands: self.commands.clone(),
            stop: stop.clone(),
        };
        let dispatching = self
            .loops
            .start(format!("dispatch {}", endpoint.name), stop.clone(), move || {
                let (dispatch, gate) = (dispatch.clone(), gate.clone());
                async move {
                    gate.open().await;
                    Box::pin(dispatch::run(dispatch)).await;
                }
            });
        let ends = vec![watching, dispatching];
        self.endpoints.insert(
            endpoint.name.clone(),
            Running {
                settings: endpoint.clone(),
                stop,
                ends,
            },
        );
        Ok(())
    }

    /// One outbox an account. It goes on when the last endpoint that used it is gone: what is queued still has to be sent.
    fn outbox(&mut self, account: &Arc<Account>, config: &Config) -> Result<(), net::Error> {
        let before = match self.outboxes.remove(&account.name) {
            Some(running) if running.settings == *account => {
                self.outboxes.insert(account.name.clone(), running);
                return Ok(());
            }
            Some(running) => running.end(),
            None => Vec::new(),
        };
        let stop = self.stop.child_token();
        let outbox = Outbox {
            account: account.clone(),
            ledger: self.ledger.clone(),
            login: self.sign_ins.login(account, config, &mut self.clients)?,
            stop: stop.clone(),
        };
        let gate = Gate::after(before);
        let sending = self
            .loops
            .start(format!("reply {}", account.name), stop.clone(), move || {
                let (outbox, gate) = (outbox.clone(), gate.clone());
                async move {
                    gate.open().await;
                    Box::pin(reply::run(outbox)).await;
                }
            });
        let running = Running {
            settings: account.clone(),
            stop,
            ends: vec![sending],
        };
        self.outboxes.insert(account.name.clone(), running);
        Ok(())
    }
}

/// Opens when the loops before have ended.
#[derive(Clone)]
struct Gate(CancellationToken);

impl Gate {
    fn after(before: Vec<JoinHandle<()>>) -> Self {
        let opened = CancellationToken::new();
        if before.is_empty() {
            opened.cancel();
        } else {
            let gate = opened.clone();
            tokio::spawn(async move {
                for end in before {
                    // A loop that was aborted has ended as well.
                    drop(end.await);
                }
                gate.cancel();
            });
        }
        Self(opened)
    }

    async fn open(&self) {
        self.0.cancelled().await;
    }
}
