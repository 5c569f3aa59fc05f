//! The loops of mailboxes and endpoints, and what a change of the configuration does to them.
//!
//! A mailbox has one watch, whatever many endpoints share it; an endpoint has its dispatch; an SMTP account that replies use has its
//! outbox. Each is started anew only when what it uses changed. A mailbox's old watch ends before its new one begins: no mailbox is ever
//! scanned twice at once.

mod seats;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    budget::Memory,
    config::{Account, Config, Endpoint, EndpointName, Mailbox, MailboxId, Route, Service, WatchPlan},
    dispatch::{self, Dispatch, verify::Dns},
    guest::Guests,
    ledger::{Ledger, Vault},
    metrics::Metrics,
    net::{self, Connects},
    reply::{self, Composer, Outbox, OwnAddresses},
    slots::Slots,
    watch::{self, Watch},
};

use self::seats::mailbox_name;
use super::{
    adopt::Adoption,
    clients::Clients,
    notices::{self, NoticeSettings},
    orphans::OrphanSweeper,
    roster::{Roster, StartGate},
    sign_ins::SignIns,
    supervise::Loops,
};

/// What endpoints share, and the loops that run for them.
pub(super) struct Fleet {
    loops: Loops,
    ledger: Arc<dyn Ledger>,
    /// What may be in memory.
    memory: Memory,
    slots: Slots,
    connects: Connects,
    guests: Arc<Guests>,
    dns: Arc<Dns>,
    stop: CancellationToken,
    watches: Roster<MailboxId, WatchPlan>,
    dispatches: Roster<EndpointName, DispatchSpec>,
    outboxes: Roster<String, Account>,
    orphans: OrphanSweeper,
    sign_ins: SignIns,
    /// How the mailboxes are doing.
    health: BTreeMap<MailboxId, Arc<watch::WatchHealth>>,
    /// How the endpoints' dispatches are.
    acting: BTreeMap<EndpointName, Arc<dispatch::DispatchHealth>>,
    /// How the SMTP accounts are.
    sending: BTreeMap<String, Arc<reply::OutboxHealth>>,
    metrics: Metrics,
    /// Every address that is ours: none of them is answered.
    ourselves: OwnAddresses,
    clients: Clients,
}

/// What a dispatch works with.
#[derive(PartialEq)]
struct DispatchSpec {
    /// Without what only the watch of its mailbox uses.
    endpoint: Endpoint,
    next: Vec<EndpointName>,
}

impl DispatchSpec {
    fn of(endpoint: &Endpoint, route: &Route) -> Self {
        Self {
            endpoint: endpoint.for_dispatch(),
            next: route.successors(&endpoint.name),
        }
    }
}

impl Fleet {
    pub(super) fn new(
        loops: Loops,
        ledger: Arc<dyn Ledger>,
        vault: Arc<Vault>,
        metrics: Metrics,
        (memory, guests): (Memory, Arc<Guests>),
        service: &Service,
        stop: CancellationToken,
    ) -> Self {
        let sign_ins = SignIns::new(loops.clone(), vault, metrics.clone(), stop.clone());
        let orphans = OrphanSweeper::new(ledger.clone(), service.patience, stop.clone());
        Self {
            loops,
            ledger,
            orphans,
            memory,
            slots: Slots::new(service.jobs, service.commands),
            connects: Connects::new(service.connects),
            guests,
            dns: Dns::new(service.resolver),
            stop,
            watches: Roster::default(),
            dispatches: Roster::default(),
            outboxes: Roster::default(),
            sign_ins,
            health: BTreeMap::new(),
            acting: BTreeMap::new(),
            sending: BTreeMap::new(),
            metrics,
            ourselves: OwnAddresses::default(),
            clients: Clients::default(),
        }
    }

    /// Starts, restarts and ends loops so that those of `config` run and no others. What did not change is not touched.
    pub(super) fn reconcile(&mut self, config: &Config) {
        self.sign_ins.reconcile(config);
        self.ourselves = reply::ourselves(config.endpoints.values().map(AsRef::as_ref));
        let routes = config.routes();
        for name in self.dispatches.keep(|name| config.endpoints.contains_key(name)) {
            if config.idle.contains(&name) {
                info!(endpoint = %name, "endpoint rests; its running jobs finish, and what comes for it waits");
            } else {
                info!(endpoint = %name, "endpoint removed; its running jobs finish");
            }
        }
        self.orphans.reconcile(config, &routes);
        let ids: BTreeSet<_> = routes.iter().map(|route| route.mailbox.id()).collect();
        self.watches.keep(|id| ids.contains(id));
        self.health.retain(|id, _| ids.contains(id));
        self.acting.retain(|name, _| config.endpoints.contains_key(name));
        let adoption = Adoption::among(&routes);
        for route in &routes {
            for endpoint in &route.endpoints {
                if let Err(error) = self.dispatch(endpoint, route, config) {
                    error!(endpoint = %endpoint.name, %error, "endpoint can't start; mend this and save its file again");
                }
            }
            if let Err(error) = self.watch(route, &adoption, config) {
                let endpoints = listed(route);
                error!(%endpoints, %error, "the mailbox can't be watched; mend this and save the file again");
            }
        }
    }

    /// Whose sign-ins are looked at, and who is told of them.
    pub(super) fn desk(&mut self, config: &Config) -> NoticeSettings {
        let operator = config.operator.as_ref().and_then(|operator| {
            let login = self.sign_ins.login(&operator.account, config, &mut self.clients);
            let login = login.inspect_err(|error| error!(%error, "the operator can't be told"));
            Some((operator.clone(), login.ok()?))
        });
        let of = |(name, endpoint): (&EndpointName, &Arc<Endpoint>)| {
            let sign_in = endpoint.mailbox.account.sign_in.clone();
            let health = self.health.get(&endpoint.mailbox.id())?.clone();
            Some((name.to_string(), notices::MailboxHealth { sign_in, health }))
        };
        let accounts = config
            .endpoints
            .values()
            .filter_map(|endpoint| endpoint.reply.account.as_ref());
        let sends = |account: &Arc<Account>| {
            let (sign_in, health) = (account.sign_in.clone(), self.sending.get(&account.name)?.clone());
            Some((account.name.clone(), notices::OutgoingAccount { sign_in, health }))
        };
        NoticeSettings {
            senders: accounts.filter_map(sends).collect(),
            sign_ins: config.sign_ins(),
            mailboxes: config.endpoints.iter().filter_map(of).collect(),
            broken: BTreeMap::new(),
            operator,
        }
    }

    fn health(&mut self, id: &MailboxId, mailbox: &Mailbox) -> Arc<watch::WatchHealth> {
        let metrics = &self.metrics;
        let new = || {
            Arc::new(watch::WatchHealth::counted(
                metrics.mailbox(&mailbox.account.name, mailbox_name(mailbox)),
            ))
        };
        self.health.entry(id.clone()).or_insert_with(new).clone()
    }

    fn watch(&mut self, route: &Route, adoption: &Adoption, config: &Config) -> Result<(), net::ConnectError> {
        let (id, inlet) = (route.mailbox.id(), Arc::new(route.inlet()));
        let Some((gate, restarted)) = self.watches.replace(&id, &inlet) else {
            return Ok(());
        };
        let stop = self.stop.child_token();
        let watch = Watch {
            inlet: inlet.clone(),
            ledger: self.ledger.clone(),
            login: self.sign_ins.login(&route.mailbox.account, config, &mut self.clients)?,
            connects: self.connects.clone(),
            budget: self.memory.intake.clone(),
            health: self.health(&id, &route.mailbox),
            stop: stop.clone(),
        };
        let names = listed(route);
        info!(mailbox = %watch::mailbox_key(&route.mailbox), endpoints = %names, restarted, "mailbox is watched");
        let adoption = adoption.clone();
        let run = move || {
            let (watch, adoption) = (watch.clone(), adoption.clone());
            let adopted = async move {
                adoption.adopt(watch.ledger.as_ref(), &watch.inlet.mailbox).await;
                watch.remembers().await;
                watch::run(watch).await;
            };
            behind(gate.clone(), adopted)
        };
        let end = self.loops.start(format!("watch {names}"), stop.clone(), run);
        self.watches.began(id, inlet, stop, end);
        Ok(())
    }

    fn dispatch(&mut self, endpoint: &Arc<Endpoint>, route: &Route, config: &Config) -> Result<(), net::ConnectError> {
        let name = &endpoint.name;
        if let Some(account) = &endpoint.reply.account {
            self.outbox(account, config)?;
        }
        let work = Arc::new(DispatchSpec::of(endpoint, route));
        let Some((gate, restarted)) = self.dispatches.replace(name, &work) else {
            return Ok(());
        };
        let action = endpoint.action.describe();
        let remote = action.remote().unwrap_or_default();
        let http = self.clients.webhook(remote.tls, remote.allow_private_network)?;
        info!(endpoint = %name, restarted, "endpoint started");
        let metrics = self.metrics.endpoint(name.as_str(), action.name());
        let health = Arc::new(dispatch::DispatchHealth::counted(metrics));
        self.acting.insert(name.clone(), health.clone());
        let stop = self.stop.child_token();
        let dispatch = Dispatch {
            endpoint: endpoint.clone(),
            next: work.next.clone(),
            ledger: self.ledger.clone(),
            replier: Arc::new(Composer::new(endpoint, self.ourselves.clone())),
            http,
            dns: self.dns.clone(),
            reader: Arc::default(),
            memory: self.memory.clone(),
            quota: self.slots.join(action.slots(), endpoint.concurrency),
            guests: self.guests.clone(),
            health,
            stop: stop.clone(),
        };
        let strays = self.orphans.strays(name.clone(), watch::mailbox_key(&endpoint.mailbox));
        let run = move || {
            let (strays, dispatch) = (strays.clone(), dispatch.clone());
            behind(gate.clone(), async move {
                strays.gone(dispatch.ledger.as_ref(), &dispatch.stop).await;
                dispatch::run(dispatch).await;
            })
        };
        let end = self.loops.start(format!("dispatch {name}"), stop.clone(), run);
        self.dispatches.began(name.clone(), work, stop, end);
        Ok(())
    }

    /// One outbox an account. It goes on when the last endpoint that used it is gone: what is queued still has to be sent.
    fn outbox(&mut self, account: &Arc<Account>, config: &Config) -> Result<(), net::ConnectError> {
        let Some((gate, _)) = self.outboxes.replace(&account.name, account) else {
            return Ok(());
        };
        let stop = self.stop.child_token();
        let new = || Arc::new(reply::OutboxHealth::counted(self.metrics.outbox(&account.name)));
        let health = self.sending.entry(account.name.clone()).or_insert_with(new).clone();
        let outbox = Outbox {
            health,
            account: account.clone(),
            ledger: self.ledger.clone(),
            work: self.memory.work.clone(),
            login: self.sign_ins.login(account, config, &mut self.clients)?,
            stop: stop.clone(),
        };
        let run = move || behind(gate.clone(), reply::run(outbox.clone()));
        let end = self.loops.start(format!("reply {}", account.name), stop.clone(), run);
        self.outboxes.began(account.name.clone(), account.clone(), stop, end);
        Ok(())
    }
}

/// A loop that begins when the gate is open.
fn behind(gate: StartGate, run: impl Future<Output = ()>) -> impl Future<Output = ()> {
    let run = Box::pin(run);
    async move {
        gate.open().await;
        run.await;
    }
}

/// The names of a mailbox's endpoints, for the log.
fn listed(route: &Route) -> String {
    let names: Vec<_> = route.names().iter().map(ToString::to_string).collect();
    names.join(",")
}
