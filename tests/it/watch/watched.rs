//! A mailbox that is watched in this process, and what a test asks of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use mailjob::{
    budget::Budget,
    config::{
        Account, Action, Auth, Backlog, Command, Endpoint, EndpointName, Mailbox, Polling, ReadBy, Settle,
        SettleAction, Tls, routes,
    },
    job::{Answer, Outcome, ReplyDecision},
    ledger::{ClaimedJob, Finish, Ledger, sqlite},
    net::Connects,
    watch::{self, Watch, WatchHealth},
};
use mailjob_testbed::World;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::accounts::{account, login};

pub(super) const USER: &str = "ada@example.test";
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn endpoint(account: Arc<Account>) -> Endpoint {
    let server = account.imap.clone().unwrap();
    let command = Command::new(vec!["true".into()]);
    let name = EndpointName::new("watched").unwrap();
    Endpoint {
        settle: Settle {
            done: SettleAction::Move("Processed/Büro & Co".into()),
            failed: SettleAction::Flag,
            ignored: SettleAction::Keep,
            refused: SettleAction::Keep,
        },
        ..Endpoint::new(
            name,
            Mailbox {
                looks: Polling {
                    backlog: Some(Backlog::Process),
                    ..Polling::default()
                },
                ..Mailbox::inbox(account, ReadBy::Imap, server)
            },
            Action::Command(command),
        )
    }
}

/// A mailbox that is watched.
pub(super) struct Watched {
    pub(super) ledger: Arc<sqlite::Sqlite>,
    name: EndpointName,
    pub(super) health: Arc<WatchHealth>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Watched {
    pub(super) async fn start(world: &World, auth: Auth) -> Self {
        Self::start_with(world, Tls::Implicit, auth, |_| {}).await
    }

    pub(super) async fn start_with(world: &World, tls: Tls, auth: Auth, change: impl FnOnce(&mut Endpoint)) -> Self {
        let path = world.dir().join(format!("{}.db", fastrand::u64(..)));
        let ledger = Arc::new(sqlite::open(&path, Arc::new(Utc::now)).await.unwrap());
        let account = Arc::new(account(world, USER, tls, auth));
        let mut endpoint = endpoint(account.clone());
        change(&mut endpoint);
        let shared: Arc<dyn Ledger> = ledger.clone();
        let (health, stop) = (Arc::new(WatchHealth::default()), CancellationToken::new());
        let name = endpoint.name.clone();
        let watch = Watch {
            login: Arc::new(login(&account, &ledger)),
            inlet: Arc::new(routes([&Arc::new(endpoint)]).pop().unwrap().inlet()),
            ledger: shared,
            connects: Connects::new(16),
            budget: Budget::new(16 << 20),
            health: health.clone(),
            stop: stop.clone(),
        };
        Self {
            ledger,
            name,
            health,
            stop,
            task: tokio::spawn(watch::run(watch)),
        }
    }

    pub(super) async fn jobs(&self) -> usize {
        self.ledger.overview(100_000).await.unwrap().len()
    }

    /// Waits until there are so many jobs; there must never be more.
    pub(super) async fn has_jobs(&self, wanted: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let jobs = self.jobs().await;
            assert!(jobs <= wanted, "{jobs} jobs where {wanted} were wanted");
            if jobs == wanted {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{jobs} of {wanted} jobs; {:?}",
                self.health.state()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn is_connected(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.health.state().connected {
            assert!(Instant::now() < deadline, "{:?}", self.health.state());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn claim(&self, max: usize) -> Vec<ClaimedJob> {
        timeout(PATIENCE, self.ledger.claim_jobs(&self.name, max))
            .await
            .unwrap()
            .unwrap()
    }

    pub(super) async fn finish(&self, job: &ClaimedJob, outcome: Outcome) {
        let finish = Finish {
            job: job.id,
            attempt: job.attempt,
            reply: match outcome {
                Outcome::Done(_) | Outcome::Failed { .. } => Some(ReplyDecision::Silent("off".into())),
                _ => None,
            },
            outcome,
            due: None,
            summary: None,
            next: Vec::new(),
            gates: Vec::new(),
            trace: Default::default(),
            gone: None,
        };
        self.ledger.finish(finish).await.unwrap();
    }

    pub(super) async fn stopped(self) {
        let asked = Instant::now();
        self.stop.cancel();
        self.task.await.unwrap();
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "stopping took {:?}",
            asked.elapsed()
        );
    }
}

pub(super) fn mail(n: usize, bytes: usize) -> Vec<u8> {
    let mut mail =
        format!("Message-ID: <{n}@example.test>\r\nFrom: b@example.test\r\nSubject: mail {n}\r\n\r\n").into_bytes();
    let mut line = 0;
    while mail.len() < bytes {
        mail.extend(format!("{n:06} {line:010} abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz\r\n").bytes());
        line += 1;
    }
    mail
}

pub(super) fn done() -> Outcome {
    Outcome::Done(Answer::default())
}
