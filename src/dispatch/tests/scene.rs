//! A dispatch loop beside a test: its ledger, its webhook, and what it decided.

use std::{
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use axum::{
    Router, extract,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::post,
};
use bytes::Bytes;
use chrono::Utc;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::shaky::Shaky;
use crate::{
    budget::Memory,
    config::{Action, Endpoint, EndpointName, Webhook},
    dispatch::{Dispatch, DispatchHealth, WebhookDown, run, verify::Dns},
    job::{Ending, JobId, Outcome, Replier, ReplyDecision, state::State},
    ledger::{
        Clock, Content, Cursor, Fence, Intake, Ledger, MailboxKey, NewMail, Place, Raw, WatchedMailbox,
        sqlite::{OverviewRow, open},
    },
    message::Reader,
    net::exchange::HttpClient,
    slots::{Size, Slots},
};

/// Long enough for any machine; only a failing test waits so long.
pub(in crate::dispatch) const PATIENCE: Duration = Duration::from_secs(60);

/// Notes what it was asked about, and panics when a subject says so.
#[derive(Default)]
pub(in crate::dispatch) struct Notes(pub(in crate::dispatch) Mutex<Vec<(JobId, Option<String>, Outcome)>>);

impl Replier for Notes {
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision {
        let subject = ending.head.map(|head| head.subject.clone());
        assert_ne!(subject.as_deref(), Some("panic"), "as the test wants");
        self.0
            .lock()
            .unwrap()
            .push((ending.job, subject, ending.outcome.clone()));
        ReplyDecision::Silent("off".into())
    }
}

/// A ledger with mails, and a dispatch loop that runs beside the test.
pub(in crate::dispatch) struct Scene {
    _folder: TempDir,
    pub(in crate::dispatch) ledger: Arc<Shaky>,
    pub(in crate::dispatch) notes: Arc<Notes>,
    pub(in crate::dispatch) memory: Memory,
    pub(in crate::dispatch) next: Vec<EndpointName>,
    pub(in crate::dispatch) slots: Slots,
    pub(in crate::dispatch) dns: Arc<Dns>,
    pub(in crate::dispatch) reader: Arc<Reader>,
    pub(in crate::dispatch) health: Arc<DispatchHealth>,
    pub(in crate::dispatch) stop: CancellationToken,
    pub(in crate::dispatch) running: JoinSet<()>,
}

impl Scene {
    pub(in crate::dispatch) async fn with(mails: Vec<String>) -> Self {
        Self::by(Arc::new(Utc::now).into(), mails).await
    }

    /// The same by another clock.
    pub(in crate::dispatch) async fn by(clock: Clock, mails: Vec<String>) -> Self {
        let folder = TempDir::new().unwrap();
        let inner = open(&folder.path().join("mailjob.db"), clock).await.unwrap();
        let ledger = Shaky {
            inner,
            claims: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            finishes: AtomicUsize::new(0),
            panics: AtomicUsize::new(0),
        };
        let scene = Self {
            _folder: folder,
            ledger: Arc::new(ledger),
            notes: Arc::default(),
            memory: Memory::new(32 << 20),
            next: Vec::new(),
            slots: Slots::new(Size::Exactly(32), Size::Exactly(2)),
            dns: Dns::new(None),
            reader: Arc::default(),
            health: Arc::default(),
            stop: CancellationToken::new(),
            running: JoinSet::new(),
        };
        scene.deliver(1, mails).await;
        scene
    }

    /// Takes further mails, from this UID on.
    pub(in crate::dispatch) async fn deliver(&self, first: u32, mails: Vec<String>) {
        self.deliver_to("invoices", first, mails).await;
    }

    /// The same for the mailbox of another endpoint.
    pub(in crate::dispatch) async fn deliver_to(&self, name: &str, first: u32, mails: Vec<String>) {
        let mails = (first..).zip(mails).map(|(uid, mail)| NewMail {
            place: Place { uid_validity: 1, uid },
            received: None,
            told: None,
            header_key: None,
            content: Content::Whole {
                sha256: Sha256::digest(format!("{uid}{mail}")).into(),
                raw: Raw::Inline(mail.into()),
            },
        });
        let mails: Vec<_> = mails.collect();
        let cursor = Cursor {
            uid_validity: 1,
            uid_next: first + u32::try_from(mails.len()).unwrap(),
        };
        let mailbox = MailboxKey(format!("imap://{name}@us.example/INBOX").into());
        let endpoint = EndpointName::new(name).unwrap();
        let intake = Intake {
            mailbox: WatchedMailbox::new(mailbox, Fence::NONE),
            endpoints: vec![endpoint],
            cursor,
            mails,
        };
        self.ledger.inner.take(intake).await.unwrap();
    }

    pub(in crate::dispatch) fn start(&mut self, endpoint: Endpoint) {
        let notes = self.notes.clone();
        self.start_with(endpoint, notes);
    }

    pub(in crate::dispatch) fn start_with(&mut self, endpoint: Endpoint, replier: Arc<dyn Replier>) {
        let dispatch = Dispatch {
            replier,
            ..self.dispatch(endpoint)
        };
        self.running.spawn(run(dispatch.into()));
    }

    /// The loop of an endpoint, which is not run.
    pub(in crate::dispatch) fn dispatch(&self, endpoint: Endpoint) -> Dispatch {
        let quota = self
            .slots
            .join(endpoint.action.describe().slots(), endpoint.concurrency);
        Dispatch {
            endpoint: Arc::new(endpoint),
            ledger: self.ledger.clone(),
            replier: self.notes.clone(),
            http: HttpClient::new(None, true).unwrap(),
            dns: self.dns.clone(),
            reader: self.reader.clone(),
            memory: self.memory.clone(),
            next: self.next.clone(),
            quota,
            guests: Arc::default(),
            health: self.health.clone(),
            stop: self.stop.clone(),
        }
    }

    /// How the webhook is down.
    pub(in crate::dispatch) fn down(&self) -> Option<WebhookDown> {
        self.health.down()
    }

    /// Waits until the jobs, oldest first, are as wanted.
    pub(in crate::dispatch) async fn until(&self, wanted: impl Fn(&[OverviewRow]) -> bool) -> Vec<OverviewRow> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut rows = self.ledger.inner.overview(1_000).await.unwrap();
            rows.reverse();
            if wanted(&rows) {
                return rows;
            }
            assert!(Instant::now() < end, "{rows:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(in crate::dispatch) async fn ended(&self) -> Vec<OverviewRow> {
        self.until(|rows| rows.iter().all(|row| row.state.ended() || row.state == State::Held))
            .await
    }

    pub(in crate::dispatch) async fn stopped(&mut self) {
        self.stop.cancel();
        while let Some(ended) = tokio::time::timeout(PATIENCE, self.running.join_next()).await.unwrap() {
            ended.unwrap();
        }
    }
}

pub(in crate::dispatch) fn states(rows: &[OverviewRow]) -> Vec<State> {
    rows.iter().map(|row| row.state).collect()
}

pub(in crate::dispatch) type Seen = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// A webhook that answers with these statuses in turn, the last one for ever; and what it saw: id, attempt, body.
pub(in crate::dispatch) async fn webhook(statuses: &[u16]) -> (Action, Seen) {
    let seen = Seen::default();
    let statuses: Arc<[u16]> = statuses.into();
    let handle = |extract::State((statuses, seen)): extract::State<(Arc<[u16]>, Seen)>,
                  headers: HeaderMap,
                  body: Bytes| async move {
        let mut seen = seen.lock().unwrap();
        let status = statuses[seen.len().min(statuses.len() - 1)];
        let field = |name: &str| headers[name].to_str().unwrap().to_owned();
        seen.push((field("webhook-id"), field("x-mailjob-attempt"), body));
        StatusCode::from_u16(status).unwrap().into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let action = Action::Webhook(Webhook {
        timeout: PATIENCE,
        allow_private_network: true,
        ..Webhook::new(format!("http://{}/", listener.local_addr().unwrap()))
    });
    let app = Router::new()
        .route("/", post(handle))
        .with_state((statuses, seen.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (action, seen)
}
