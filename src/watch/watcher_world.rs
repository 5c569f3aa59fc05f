//! A watch over scripts, for the tests of the loop.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Login, StoreError, StoredSignIn, StoredToken, TokenStore},
    budget::Budget,
    config,
    ledger::Cursor,
    watch::{
        Health, Watch,
        fakes::{Scripts, endpoint},
        memory::Memory,
        script,
        watcher::Watcher,
    },
};

struct NoStore;

#[async_trait]
impl TokenStore for NoStore {
    async fn load(&self, _: &str) -> Result<StoredSignIn, StoreError> {
        Ok(StoredSignIn::default())
    }

    async fn save(&self, _: &str, _: StoredToken) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_refreshed(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_refused(&self, _: &str, _: DateTime<Utc>, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lock(&self, _: &str) -> Result<Box<dyn Send>, StoreError> {
        Ok(Box::new(()))
    }
}

/// A watch over scripts: each connection plays the next one.
pub(super) struct Running {
    pub(super) memory: Arc<Memory>,
    pub(super) health: Arc<Health>,
    pub(super) stop: CancellationToken,
    pub(super) servers: Arc<Mutex<Vec<script::Server>>>,
    pub(super) rejected: Arc<Mutex<usize>>,
    pub(super) task: tokio::task::JoinHandle<()>,
    pub(super) begun: Instant,
}

pub(super) fn start(watch: config::Watch, scripts: &[&str]) -> Running {
    crate::net::tls::install_provider();
    let memory = Arc::new(Memory::default());
    memory.state.lock().unwrap().cursor = Some(Cursor {
        uid_validity: 7,
        uid_next: 5,
    });
    let endpoint = Arc::new(endpoint(watch));
    let door = Scripts::new(scripts);
    let (servers, rejected) = (door.servers.clone(), door.rejected.clone());
    let login = Login::new(
        endpoint.mailbox.account.clone(),
        Arc::new(NoStore),
        reqwest::Client::new(),
    );
    let (health, stop) = (Arc::new(Health::default()), CancellationToken::new());
    let watch = Watch {
        endpoint,
        ledger: memory.clone(),
        login: Arc::new(login),
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
        task: tokio::spawn(Watcher::new(watch, Box::new(door)).run()),
        begun: Instant::now(),
    }
}

pub(super) fn idle() -> config::Watch {
    config::Watch::Idle {
        look: Duration::from_secs(180),
    }
}

impl Running {
    /// Waits until something holds; the clock of the test runs as fast as it can.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(7200);
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what}; {:?}", self.health.state());
            sleep(Duration::from_millis(250)).await;
        }
    }

    pub(super) async fn has(&self, uids: &[u32]) {
        self.until(&format!("{uids:?} are taken"), |this| this.memory.uids() == uids)
            .await;
    }

    /// Stops, and checks that every server saw what its script wanted.
    pub(super) async fn stopped(self) {
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
    }
}

pub(super) const OPEN: &str = "
    S: * OK ready
    C: CAPABILITY
    S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
    S: $ OK
    C: AUTHENTICATE *
    S: $ OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] in
    C: SELECT *
    S: * 4 EXISTS
    S: * OK [UIDVALIDITY 7] .";

pub(super) fn script(rest: &str) -> String {
    format!("{OPEN}\n{rest}")
}
