//! The composition root: opens the ledger, starts the loops, follows the configuration, and drains.
//!
//! Every other room gets what it needs as arguments from here; nothing imports this room but the command line.

mod adopt;
mod board;
mod clients;
mod fatal;
mod first_load;
mod fleet;
mod guests;
mod housekeeping;
mod keeper;
mod notices;
mod opening;
mod orphans;
mod roster;
mod sign_ins;
mod signals;
mod signpost;
mod supervise;

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    auth,
    budget::Memory,
    config::{
        Config, EndpointName, Problem, Service,
        load::{Loader, Sources},
        reload::{Reload, Reloader},
        versions::{self, Versions},
    },
    http::{
        self, Heartbeat, HttpState, Sampler,
        api::{Api, OwnToken, RunningConfig, letters},
    },
    ledger::{self, Address, Archive, Ledger, Vault, archive},
    metrics::Metrics,
    net::proxy,
    secret::kept,
};

pub use self::fatal::Fatal;
use self::{
    board::{Board, FleetView},
    first_load::{first_config, first_service, last_good, report_problems, unknown_settings},
    fleet::Fleet,
    keeper::Keeper,
    notices::{NoticeSettings, Notices},
    supervise::Loops,
};

/// How often it is looked whether the ledger still writes.
const LEDGER_LOOK: Duration = Duration::from_secs(10);

/// Runs until a signal asks for a stop; returns when drained or when the drain's deadline has passed.
///
/// # Errors
/// Only what keeps the program from starting at all. A broken endpoint, mailbox or token never ends it.
pub async fn run(sources: Sources, metrics: Metrics) -> Result<(), Fatal> {
    let refused = |what| {
        move |e: std::io::Error| Fatal::System {
            what,
            why: e.to_string(),
        }
    };
    let mut stop_signals = signals::StopSignals::new().map_err(refused("signals"))?;
    let hangup = signals::hangup().map_err(refused("signals"))?;
    let (service, key, lapse) = first_service(&sources)?;
    let opening = opening::when_there_is_room(&service, &metrics);
    let store = tokio::select! {
        opened = opening => opened?,
        signal = stop_signals.asked() => {
            info!(signal, "stopping before the ledger could be opened");
            return Ok(());
        }
    };
    let key = match key {
        Some(key) => Arc::new(key),
        None => Arc::new(auth::key::load(service.key.as_ref(), service.ledger.base())?),
    };
    let upkeep = store.upkeep();
    store.sign_ins().seal_plain(key.clone()).await?;
    let archive = Archive::new(store.versions(), key.clone());
    let (mut versions, closed) = last_good(&archive).await;
    if closed.iter().any(|file| file == versions::SHARED) && (lapse.is_some() || sources.config.is_none()) {
        return Err(Fatal::Settings(unknown_settings(lapse)));
    }
    let sources = sources.after(&versions);
    let mut loader = Loader::default();
    let (loaded, config) = first_config(&mut loader, &sources, &service, &versions)?;
    proxy::leave_by(&config.service.net);
    if !loaded.is_shared_broken() {
        signpost::put_up(&sources, &config.service);
    }
    let keeper = Keeper::start(archive);
    keeper.keep(versions.take(&loaded, Utc::now()));
    let vault = Arc::new(Vault::new(store.sign_ins(), key));
    let ledger = store.ledger();
    let (draining, stopped) = (CancellationToken::new(), CancellationToken::new());
    let memory = Memory::new(config.service.memory);
    let board = Board::new(
        store.counts(),
        store.address(),
        metrics.clone(),
        memory.clone(),
        draining.clone(),
    );
    let board = Arc::new(board);
    let sampler = Sampler::start(board.clone(), metrics.clone()).map_err(refused("a thread"))?;
    let pages = HttpState {
        ledger: ledger.clone(),
        sampler,
        board: board.clone(),
        heartbeat: Heartbeat::new(Heartbeat::LIMIT),
        draining: draining.clone(),
    };
    tokio::spawn(pages.heartbeat.clone().beat());
    let (shown, running) = watch::channel(Arc::new(RunningConfig::of(&config, &loaded.problems)));
    let api = |listener| Api {
        listener,
        sources: Arc::new(sources.clone()),
        running,
        replies: store.replies(),
        jobs: store.jobs(),
        letters: letters(),
        own: own_token(store.address()),
    };
    let serving = serve(&config, pages, api, &stopped)?;
    let chores = housekeeping::start(store.clone(), config.service.retention).await;
    let _chores = chores.map_err(|e| Fatal::System {
        what: "a timer",
        why: e.to_string(),
    })?;

    let loops = Loops::counted(metrics.panics.clone());
    let mut fleet = Fleet::new(
        loops.clone(),
        ledger.clone(),
        vault,
        metrics.clone(),
        (memory, guests::start(&sources, &config)),
        &config.service,
        draining.clone(),
    );
    fleet.reconcile(&config);
    board.show(FleetView::of(
        fleet.seats(&config),
        &disabled(&config),
        &loaded.broken,
        &loaded.problems,
    ));
    let (desk, listening) = watch::channel(desk_of(&mut fleet, &config, &loaded.problems));
    let notices = Notices {
        desk: listening,
        sign_ins: store.sign_ins(),
        told: store.notices(),
        counts: store.counts(),
        metrics,
        speaker: notices::speaker(&config.service),
        stop: draining.clone(),
    };
    loops.start("notices".into(), draining.clone(), move || {
        Box::pin(notices::run(notices.clone()))
    });
    for told in proxy::routes().told() {
        info!("servers are reached by a proxy: {told}");
    }
    info!(endpoints = config.endpoints.len(), ledger = %store.address(), "mailjob is running");

    let drain = config.service.drain;
    let mut reloader = Reloader::new(sources, loaded, config, versions, hangup).remembering(loader);
    let signal = loop {
        tokio::select! {
            signal = stop_signals.asked() => break signal,
            reload = reloader.next() => {
                follow(&mut fleet, &desk, &reload);
                keeper.keep(reload.revision.clone());
                board.show(FleetView::of(fleet.seats(&reload.config), &disabled(&reload.config), &reload.broken, &reload.problems));
                shown.send_replace(Arc::new(RunningConfig::of(&reload.config, &reload.problems)));
            }
            gone = ended(ledger.as_ref()) => return Err(upkeep.lost().unwrap_or(gone).into()),
        }
    };
    info!(
        signal,
        deadline_s = drain.as_secs(),
        "stopping: nothing new is taken, what runs is brought to a safe state"
    );
    draining.cancel();
    tokio::select! {
        end = loops.drained(drain) => report(end),
        again = stop_signals.asked() => warn!(signal = again, "stopping at once; what was running is tried again at the next start"),
    }
    upkeep.close().await;
    stopped.cancel();
    if let Some(serving) = serving {
        serving.ended().await;
    }
    Ok(())
}

/// The sign-ins of the service, for a command that may run beside `mailjob run`.
///
/// # Errors
/// When the key or the ledger can't be had; neither is made.
pub async fn sign_ins(service: &Service) -> Result<Vault, Fatal> {
    let table = ledger::beside(&service.ledger).await?.sign_ins();
    let key = Arc::new(auth::key::there(service.key.as_ref(), service.ledger.base())?);
    table.seal_plain(key.clone()).await?;
    Ok(Vault::new(table, key))
}

/// Returns when the ledger has ended by itself: without it there is nothing that we could do, and a new start can mend it.
async fn ended(ledger: &dyn Ledger) -> ledger::Error {
    loop {
        tokio::time::sleep(LEDGER_LOOK).await;
        if let Err(closed @ ledger::Error::Closed) = ledger.ping().await {
            return closed;
        }
    }
}

/// The last good versions, for a command that may run beside `mailjob run`; nothing where they can't be read. Makes no key.
pub async fn last_good_beside(service: &Service) -> Option<Versions> {
    if !service.ledger.exists() {
        return None;
    }
    let key = auth::key::there(service.key.as_ref(), service.ledger.base()).ok()?;
    let sealed = ledger::versions_beside(&service.ledger).await.ok()?;
    Some(Versions::of(archive::opened(sealed, &key).0))
}

/// The endpoints that rest because their files say so. Of those whose file is gone only their jobs are shown.
fn disabled(config: &Config) -> BTreeSet<EndpointName> {
    let rests = config.idle.iter().filter(|name| !config.held.contains_key(*name));
    rests.cloned().collect()
}

fn follow(fleet: &mut Fleet, desk: &watch::Sender<NoticeSettings>, reload: &Reload) {
    report_problems(&reload.problems);
    if reload.changes.restart {
        warn!("[service], [retention] or [net] changed: that counts from the next start on");
    }
    for name in &reload.changes.kept {
        warn!(endpoint = %name, "the endpoint's file is broken; its last good version keeps running");
    }
    for name in &reload.changes.refused {
        warn!(endpoint = %name, "the endpoint's file can't be used, and no version that may run is known: mails that may be meant for it wait");
    }
    fleet.reconcile(&reload.config);
    desk.send_replace(desk_of(fleet, &reload.config, &reload.problems));
}

/// What the notices look at from now on.
fn desk_of(fleet: &mut Fleet, config: &Config, problems: &[Problem]) -> NoticeSettings {
    let broken = notices::broken(problems, Utc::now());
    NoticeSettings {
        broken,
        ..fleet.desk(config)
    }
}

/// By what programs of our own user are known. Where that can't be had they are not let in, and all else goes on.
fn own_token(ledger: &Address) -> OwnToken {
    let token = kept::machine_token(ledger.base()).inspect_err(|error| {
        tracing::error!(%error, "mailjob status and the API can't be used without it; it is looked for again at the next start");
    });
    let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    OwnToken {
        path: whole(kept::token_path(ledger.base())),
        ledger: ledger.absolute(),
        token: token.ok(),
    }
}

/// Answers at the health address, if there is one.
fn serve(
    config: &Config,
    pages: HttpState,
    api: impl FnOnce(SocketAddr) -> Api,
    stopped: &CancellationToken,
) -> Result<Option<http::Serving>, Fatal> {
    let Some(address) = config.service.health else {
        return Ok(None);
    };
    let serving = TcpListener::bind(address)
        .and_then(|listener| http::start(listener, http::routes(pages, api(address)), stopped.clone()))
        .map_err(|source| Fatal::Health { address, source })?;
    info!(%address, "answering /livez, /readyz, /status, /metrics and the API");
    Ok(Some(serving))
}

fn report(end: Result<(), Vec<String>>) {
    match end {
        Ok(()) => info!("stopped"),
        Err(late) => warn!(
            late = late.join(", "),
            "stopped without waiting any longer; what these were doing is tried again at the next start"
        ),
    }
}
