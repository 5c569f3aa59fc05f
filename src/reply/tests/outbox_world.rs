//! A real ledger with replies, a server that answers as it is told, and the loop between them.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use tokio_util::sync::CancellationToken;

use super::super::{
    Outbox,
    server_tests::{Act, Fake, reply},
};
use crate::{
    auth::{Login, NullTokenStore},
    config::{Account, Auth, EndpointName, Rate, Tls},
    job::{Answer, Outcome, ReplyDecision},
    ledger::{
        self, Address, Clock, Content, Cursor, Fence, Finish, Intake, Ledger, MailboxKey, NewMail, OutboxRow, Place,
        Raw, ReplyFilter, ReplyState, ReplyTable, WatchedMailbox,
        sqlite::{self, OverviewRow, Sqlite},
    },
    secret::SecretRef,
};

/// Long enough for any machine; only a failing test waits so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Writes the account's password, whole as an editor does.
fn put(folder: &TempDir, password: &str) {
    let (new, file) = (folder.path().join("new"), folder.path().join("password"));
    std::fs::write(&new, password).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&new, &file).unwrap();
}

/// A ledger with replies of an account, and the loop that submits them to a server.
pub(super) struct World {
    pub(super) fake: Fake,
    folder: TempDir,
    pub(super) ledger: Arc<Sqlite>,
    /// Seconds that the ledger's clock is ahead.
    pub(super) ahead: Arc<AtomicI64>,
    pub(super) stop: CancellationToken,
    running: Mutex<Option<JoinHandle<()>>>,
    login: Mutex<Option<Arc<Login>>>,
}

impl World {
    pub(super) async fn new(replies: u32, script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let world = Self::empty(script).await;
        world.fill(replies).await;
        world
    }

    pub(super) async fn empty(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let folder = TempDir::new().unwrap();
        put(&folder, "tanstaaf");
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = ahead.clone();
        let clock = Arc::new(move || Utc::now() + TimeDelta::seconds(clock.load(Ordering::SeqCst)));
        Self::by(clock.into(), (folder, ahead), script).await
    }

    /// One whose process can stand still: for everybody but the ledger's own thread, which has renewed nothing yet when the others go on, as many
    /// microseconds have passed as this says.
    pub(super) async fn asleep(
        asleep: &Arc<AtomicI64>,
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        put(&folder, "tanstaaf");
        let (system, asleep) = (Clock::system(), asleep.clone());
        let clock = Clock::of(Utc::now, move || {
            let is_ledger = std::thread::current().name() == Some("ledger");
            let asleep = if is_ledger { 0 } else { asleep.load(Ordering::SeqCst) };
            let now = system.read().run?;
            Some(ledger::MonotonicTime {
                micros: now.micros + asleep,
                ..now
            })
        });
        Self::by(clock, (folder, Arc::default()), script).await
    }

    async fn by(
        clock: Clock,
        (folder, ahead): (TempDir, Arc<AtomicI64>),
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        let ledger = sqlite::open(&folder.path().join("ledger.db"), clock).await.unwrap();
        Self {
            fake: Fake::start(Tls::Implicit, script).await,
            folder,
            ledger: Arc::new(ledger),
            ahead,
            stop: CancellationToken::new(),
            running: Mutex::default(),
            login: Mutex::default(),
        }
    }

    /// Writes another password.
    pub(super) fn password(&self, password: &str) {
        put(&self.folder, password);
    }

    /// The same world with another token that stops its loop.
    pub(super) fn with_stop(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Takes mails, and ends their jobs with replies.
    pub(super) async fn fill(&self, replies: u32) {
        self.fill_to(replies, &["ann@a.example"]).await;
    }

    pub(super) async fn fill_to(&self, replies: u32, recipients: &[&str]) {
        self.fill_with(replies, recipients, |_| reply(recipients).bytes).await;
    }

    /// The same, with these letters.
    pub(super) async fn fill_with(&self, replies: u32, recipients: &[&str], letter: impl Fn(usize) -> Bytes) {
        let endpoint = EndpointName::new("invoices").unwrap();
        let mail = |uid: u32| NewMail {
            place: Place { uid_validity: 1, uid },
            received: None,
            told: None,
            header_key: None,
            content: Content::Whole {
                sha256: std::array::from_fn(|i| uid.to_be_bytes()[i % 4]),
                raw: Raw::Inline("x".into()),
            },
        };
        let intake = Intake {
            mailbox: WatchedMailbox::new(MailboxKey("imap://us/INBOX".into()), Fence::NONE),
            endpoints: vec![endpoint.clone()],
            cursor: Cursor {
                uid_validity: 1,
                uid_next: replies + 1,
            },
            mails: (1..=replies).map(mail).collect(),
        };
        self.ledger.take(intake).await.unwrap();
        let claimed = self.ledger.claim_jobs(&endpoint, 1000).await.unwrap();
        for (number, job) in claimed.into_iter().enumerate() {
            let mut reply = reply(recipients);
            reply.bytes = letter(number);
            reply.message_id = format!("{}.reply@us.example", job.id);
            let finish = Finish {
                job: job.id,
                fence: job.lease.fence(),
                outcome: Outcome::Done(Answer::default()),
                due: None,
                reply: Some(ReplyDecision::Send(reply)),
                summary: None,
                next: Vec::new(),
                gates: Vec::new(),
                trace: Default::default(),
                gone: None,
            };
            self.ledger.finish(finish).await.unwrap();
        }
    }

    pub(super) fn start(&self) {
        self.start_as(|folder| Auth::Password(SecretRef::File(folder.path().join("password"))));
    }

    pub(super) fn start_as(&self, auth: impl Fn(&TempDir) -> Auth) {
        self.run(Account {
            auth: auth(&self.folder),
            ..self.fake.account()
        });
    }

    pub(super) fn start_at(&self, pace: Option<Rate>) {
        self.run(Account {
            auth: Auth::Password(SecretRef::File(self.folder.path().join("password"))),
            pace,
            ..self.fake.account()
        });
    }

    fn run(&self, account: Account) {
        let account = Arc::new(account);
        crate::net::tls::install_provider();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let outbox = Outbox {
            account: account.clone(),
            ledger: self.ledger.clone(),
            work: crate::budget::Budget::new(0),
            login: Arc::new(Login::new(account, &[], Arc::new(NullTokenStore), http)),
            health: Arc::default(),
            stop: self.stop.clone(),
        };
        self.login.lock().unwrap().replace(outbox.login.clone());
        *self.running.lock().unwrap() = Some(tokio::spawn(super::super::run(outbox)));
    }

    /// The sign-in that the loop uses.
    pub(super) fn login(&self) -> Arc<Login> {
        self.login.lock().unwrap().clone().unwrap()
    }

    pub(super) async fn stop(&self) {
        self.stop.cancel();
        let running = self.running.lock().unwrap().take().unwrap();
        timeout(PATIENCE, running).await.unwrap().unwrap();
    }

    /// The replies as another process sees them.
    pub(super) async fn door(&self) -> Arc<dyn ReplyTable> {
        let address = Address::file(self.folder.path().join("ledger.db"));
        ledger::beside(&address).await.unwrap().replies()
    }

    pub(super) async fn outbox(&self) -> Vec<OutboxRow> {
        let filter = ReplyFilter {
            account: None,
            states: ReplyState::ALL.to_vec(),
            max: 100,
            before: None,
        };
        self.door().await.replies(filter).await.unwrap().0
    }

    /// Returns when the loop has asked the ledger for work and waits, or could have.
    pub(super) async fn idle(&self) {
        for _ in 0..20 {
            self.ledger.ping().await.unwrap();
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn rows(&self) -> Vec<OverviewRow> {
        self.ledger.overview(1000).await.unwrap()
    }

    pub(super) async fn count(&self, state: &str) -> usize {
        let rows = self.rows().await;
        rows.iter()
            .filter(|row| row.reply.as_ref().is_some_and(|reply| reply.state == state))
            .count()
    }

    /// Waits until the server has seen the ends of so many mails.
    pub(super) async fn until_mails(&self, count: usize) {
        let reached = async {
            while self.fake.mails().len() < count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(PATIENCE, reached).await.is_ok(), "{:?}", self.rows().await);
    }

    /// Waits until so many replies are in this state.
    pub(super) async fn until(&self, state: &str, count: usize) {
        let reached = async {
            while self.count(state).await != count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        if timeout(PATIENCE, reached).await.is_err() {
            panic!("not {count} {state}: {:?}", self.rows().await);
        }
    }

    /// Waits until the first reply has this in its detail.
    pub(super) async fn until_said(&self, words: &str) {
        let reached = async {
            while !self.rows().await.iter().any(|row| {
                row.reply
                    .as_ref()
                    .is_some_and(|reply| reply.detail.as_ref().is_some_and(|detail| detail.contains(words)))
            }) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        if timeout(PATIENCE, reached).await.is_err() {
            panic!("nobody said {words}: {:?}", self.rows().await);
        }
    }
}
