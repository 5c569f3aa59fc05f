//! A watch over scripts, for the tests of the loop.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Login, NullTokenStore},
    budget::Budget,
    config,
    ledger::Cursor,
    net::Connects,
    watch::{
        Watch, WatchHealth, by_imap,
        fakes::{Scripts, endpoint, inlet},
        memory::Memory,
        script,
    },
};

/// A watch over scripts: each connection plays the next one.
pub(in crate::watch) struct Running {
    pub(in crate::watch) memory: Arc<Memory>,
    pub(in crate::watch) health: Arc<WatchHealth>,
    pub(in crate::watch) stop: CancellationToken,
    pub(in crate::watch) servers: Arc<Mutex<Vec<script::Server>>>,
    pub(in crate::watch) rejected: Arc<Mutex<usize>>,
    pub(in crate::watch) task: tokio::task::JoinHandle<()>,
    pub(in crate::watch) begun: Instant,
    /// What was taken when it was last looked at.
    seen: Mutex<Vec<u32>>,
}

pub(in crate::watch) fn start(watch: config::WatchMode, scripts: &[&str]) -> Running {
    let run = |watch, door| tokio::spawn(by_imap::watcher(watch, Box::new(door)).run());
    start_with(endpoint(watch), scripts, run)
}

/// The same for any endpoint and loop.
pub(in crate::watch) fn start_with(
    endpoint: config::Endpoint,
    scripts: &[&str],
    run: impl FnOnce(Watch, Scripts) -> tokio::task::JoinHandle<()>,
) -> Running {
    crate::net::tls::install_provider();
    let memory = Arc::new(Memory::default());
    memory.state.lock().unwrap().cursor = Some(Cursor {
        uid_validity: 7,
        uid_next: 5,
    });
    let door = Scripts::new(scripts);
    let (servers, rejected) = (door.servers.clone(), door.rejected.clone());
    let login = Login::new(
        endpoint.mailbox.account.clone(),
        &[],
        Arc::new(NullTokenStore),
        reqwest::Client::new(),
    );
    let (health, stop) = (Arc::new(WatchHealth::default()), CancellationToken::new());
    let watch = Watch {
        inlet: Arc::new(inlet(endpoint)),
        ledger: memory.clone(),
        login: Arc::new(login),
        connects: Connects::new(16),
        budget: Budget::new(8 << 20),
        health: health.clone(),
        stop: stop.clone(),
    };
    Running {
        memory,
        health,
        stop,
        servers,
        rejected,
        task: run(watch, door),
        begun: Instant::now(),
        seen: Mutex::default(),
    }
}

pub(in crate::watch) fn idle() -> config::WatchMode {
    config::WatchMode::Idle {
        look: Duration::from_secs(180),
    }
}

impl Running {
    /// Waits until something holds; the clock of the test runs as fast as it can.
    pub(in crate::watch) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(7200);
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what}; {:?}", self.health.state());
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// Waits until just these are taken; [`Self::stopped`] looks again.
    pub(in crate::watch) async fn has(&self, uids: &[u32]) {
        self.until(&format!("{uids:?} are taken"), |this| this.memory.uids() == uids)
            .await;
        *self.seen.lock().unwrap() = uids.to_vec();
    }

    /// Stops, and checks that every server saw what its script wanted, and that no mail was taken since [`Self::has`] looked.
    pub(in crate::watch) async fn stopped(self) {
        let seen = self.seen.lock().unwrap().clone();
        let taken = self.stopped_with().await;
        assert!(
            seen.is_empty() || taken == seen,
            "{seen:?} were taken, and in the end {taken:?}"
        );
    }

    /// The same; what was taken in the end is the test's to look at.
    pub(in crate::watch) async fn stopped_with(self) -> Vec<u32> {
        let asked = Instant::now();
        self.stop.cancel();
        self.task.await.unwrap();
        assert!(
            asked.elapsed() < Duration::from_millis(100),
            "stopping took {:?}",
            asked.elapsed()
        );
        let servers = std::mem::take(&mut *self.servers.lock().unwrap());
        for server in servers {
            server.finished().await;
        }
        self.memory.uids()
    }
}

pub(in crate::watch) const OPEN: &str = "
    S: * OK ready
    C: CAPABILITY
    S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
    S: $ OK
    C: AUTHENTICATE *
    S: $ OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] in
    C: SELECT *
    S: * 4 EXISTS
    S: * OK [UIDVALIDITY 7] .";

pub(in crate::watch) fn script(rest: &str) -> String {
    format!("{OPEN}\n{rest}")
}
