//! The loop against a real ledger: every mail becomes what its attempt came to, once, whatever fails around it.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::{
    Router, extract,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::post,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Dispatch, Memory, run,
    tests::{MAIL, endpoint, shell},
};
use crate::{
    auth::StoredToken,
    config::{Action, Body, Endpoint, EndpointName, Webhook},
    job::{Ending, JobId, Outcome, Reason, Replier, ReplyDecision, state::State},
    ledger::{
        ClaimedJob, ClaimedReply, Cursor, Error, Finish, Intake, Ledger, MailId, MailboxKey, NewMail, Place, Raw,
        Settling, Submitted, Taken, UploadId,
        sqlite::{JobRow, Sqlite, open},
    },
    net::http::client,
};

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A ledger that fails a few times when asked to.
struct Shaky {
    inner: Sqlite,
    claims: AtomicUsize,
    finishes: AtomicUsize,
    panics: AtomicUsize,
}

fn fails(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
}

#[async_trait]
impl Ledger for Shaky {
    async fn claim_jobs(&self, endpoint: &EndpointName, max: usize) -> Result<Vec<ClaimedJob>, Error> {
        if fails(&self.claims) {
            return Err(Error::Engine("as the test wants".into()));
        }
        self.inner.claim_jobs(endpoint, max).await
    }
    async fn raw(&self, mail: MailId) -> Result<Bytes, Error> {
        assert!(!fails(&self.panics), "as the test wants");
        self.inner.raw(mail).await
    }
    async fn finish(&self, finish: Finish) -> Result<(), Error> {
        if fails(&self.finishes) {
            return Err(Error::Full("as the test wants".into()));
        }
        self.inner.finish(finish).await
    }
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
        self.inner.cursor(mailbox).await
    }
    async fn upload(&self, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error> {
        self.inner.upload(upload, index, piece).await
    }
    async fn take(&self, intake: Intake) -> Result<Taken, Error> {
        self.inner.take(intake).await
    }
    async fn release(&self, job: JobId, attempt: u32) -> Result<(), Error> {
        self.inner.release(job, attempt).await
    }
    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error> {
        self.inner.claim_replies(account, max).await
    }
    async fn submitted(&self, job: JobId, attempt: u32, what: Submitted) -> Result<(), Error> {
        self.inner.submitted(job, attempt, what).await
    }
    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error> {
        self.inner.settling(mailbox, uid_validity, max).await
    }
    async fn settled(&self, mailbox: &MailboxKey, places: &[Place]) -> Result<(), Error> {
        self.inner.settled(mailbox, places).await
    }
    fn bell(&self, mailbox: &MailboxKey) -> Arc<tokio::sync::Notify> {
        self.inner.bell(mailbox)
    }
    async fn token(&self, account: &str) -> Result<Option<StoredToken>, Error> {
        self.inner.token(account).await
    }
    async fn store_token(&self, account: &str, token: StoredToken) -> Result<(), Error> {
        self.inner.store_token(account, token).await
    }
    async fn forget(&self, before: DateTime<Utc>) -> Result<u64, Error> {
        self.inner.forget(before).await
    }
    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }
}

/// Notes what it was asked about, and panics when a subject says so.
#[derive(Default)]
struct Notes(Mutex<Vec<(JobId, Option<String>, Outcome)>>);

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
struct Scene {
    _folder: TempDir,
    ledger: Arc<Shaky>,
    notes: Arc<Notes>,
    memory: Memory,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Scene {
    async fn with(mails: Vec<String>) -> Self {
        let folder = TempDir::new().unwrap();
        let inner = open(&folder.path().join("mailjob.db"), Arc::new(Utc::now))
            .await
            .unwrap();
        let mails = (1..).zip(mails).map(|(uid, mail)| NewMail {
            place: Place { uid_validity: 1, uid },
            received: None,
            sha256: Sha256::digest(format!("{uid}{mail}")).into(),
            header_key: None,
            raw: Raw::Inline(mail.into()),
            held: None,
        });
        let mails: Vec<_> = mails.collect();
        let cursor = Cursor {
            uid_validity: 1,
            uid_next: 1 + u32::try_from(mails.len()).unwrap(),
        };
        let mailbox = MailboxKey("imap://invoices@us.example/INBOX".into());
        let endpoint = EndpointName::new("invoices").unwrap();
        inner
            .take(Intake {
                mailbox,
                endpoint,
                cursor,
                mails,
            })
            .await
            .unwrap();
        let ledger = Shaky {
            inner,
            claims: AtomicUsize::new(0),
            finishes: AtomicUsize::new(0),
            panics: AtomicUsize::new(0),
        };
        Self {
            _folder: folder,
            ledger: Arc::new(ledger),
            notes: Arc::default(),
            memory: Memory::new(32 << 20),
            stop: CancellationToken::new(),
            running: None,
        }
    }

    fn start(&mut self, endpoint: Endpoint) {
        self.running = Some(tokio::spawn(run(Dispatch {
            endpoint: Arc::new(endpoint),
            ledger: self.ledger.clone(),
            replier: self.notes.clone(),
            http: client(None, true).unwrap(),
            memory: self.memory.clone(),
            commands: Arc::new(Semaphore::new(2)),
            stop: self.stop.clone(),
        })));
    }

    /// Waits until the jobs, oldest first, are as wanted.
    async fn until(&self, wanted: impl Fn(&[JobRow]) -> bool) -> Vec<JobRow> {
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

    async fn ended(&self) -> Vec<JobRow> {
        self.until(|rows| rows.iter().all(|row| row.state.ended() || row.state == State::Held))
            .await
    }

    async fn stopped(&mut self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running.take().unwrap())
            .await
            .unwrap()
            .unwrap();
    }
}

fn states(rows: &[JobRow]) -> Vec<State> {
    rows.iter().map(|row| row.state).collect()
}

type Seen = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// A webhook that answers with these statuses in turn, the last one for ever; and what it saw: id, attempt, body.
async fn webhook(statuses: &[u16]) -> (Action, Seen) {
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
        url: format!("http://{}/", listener.local_addr().unwrap()),
        body: Body::Json,
        secrets: Vec::new(),
        headers: Vec::new(),
        timeout: PATIENCE,
        max_answer: 1 << 20,
        allow_private_network: true,
        ca_file: None,
    });
    let app = Router::new()
        .route("/", post(handle))
        .with_state((statuses, seen.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (action, seen)
}

#[tokio::test]
async fn every_mail_is_one_request_and_one_decision() {
    let mut scene = Scene::with(vec![MAIL.to_owned(); 50]).await;
    let (action, seen) = webhook(&[200]).await;
    scene.start(endpoint(action));
    let rows = scene.ended().await;
    assert!(
        rows.iter()
            .all(|row| row.state == State::Done && row.attempts == 1 && row.silent.as_deref() == Some("off"))
    );
    assert_eq!(rows[0].summary.from, "ann@supplier.example");
    assert_eq!(rows[0].summary.subject, "Grüße");
    scene.stopped().await;
    let ids: HashSet<_> = seen.lock().unwrap().iter().map(|(id, ..)| id.clone()).collect();
    assert_eq!(
        (
            ids.len(),
            seen.lock().unwrap().len(),
            scene.notes.0.lock().unwrap().len()
        ),
        (50, 50, 50)
    );
}

#[tokio::test]
async fn each_kind_of_mail_ends_in_its_state_and_none_stops_the_next() {
    let bomb = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    let other = MAIL.replace("ann@supplier", "ann@other");
    let large = MAIL.to_owned() + &"x".repeat(5_000_000);
    let mut scene = Scene::with(vec![MAIL.into(), other, bomb, "\0".into(), large, MAIL.into()]).await;
    let (action, seen) = webhook(&[422]).await;
    let mut endpoint = endpoint(action);
    endpoint.filter.from = vec!["*@supplier.example".into()];
    endpoint.limits.size = 4_000_000;
    scene.start(endpoint);
    let rows = scene.ended().await;
    let ends: Vec<_> = rows
        .iter()
        .map(|row| (row.state, row.reason.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        ends,
        [
            (State::Failed, "status-422"),
            (State::Ignored, "from"),
            (State::Held, "too-large"),
            (State::Held, "unreadable"),
            (State::Held, "too-large"),
            (State::Failed, "status-422"),
        ]
    );
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(
        scene.notes.0.lock().unwrap().len(),
        2,
        "only done and failed jobs are asked about"
    );
}

#[tokio::test]
async fn another_attempt_has_the_same_id_and_the_same_bytes() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let (action, seen) = webhook(&[503, 200]).await;
    scene.start(endpoint(action));
    let rows = scene.ended().await;
    assert_eq!((rows[0].state, rows[0].attempts), (State::Done, 2));
    scene.stopped().await;
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].1.as_str(), seen[1].1.as_str()), ("1", "2"));
    assert_eq!((&seen[0].0, &seen[0].2), (&seen[1].0, &seen[1].2));
}

#[tokio::test]
async fn a_job_fails_when_its_attempts_are_used_up() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let (action, seen) = webhook(&[503]).await;
    scene.start(endpoint(action));
    let rows = scene.ended().await;
    assert_eq!(
        (rows[0].state, rows[0].reason.as_deref()),
        (State::Failed, Some("exhausted"))
    );
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 3);
    let notes = scene.notes.0.lock().unwrap();
    assert!(matches!(
        notes[0].2,
        Outcome::Failed {
            reason: Reason::Exhausted,
            ..
        }
    ));
}

#[tokio::test]
async fn gone_pauses_the_endpoint_and_loses_nothing() {
    let mut scene = Scene::with(vec![MAIL.into(); 3]).await;
    let (action, seen) = webhook(&[410]).await;
    let one_by_one = Endpoint {
        concurrency: 1,
        ..endpoint(action)
    };
    scene.start(one_by_one);
    let rows = scene.until(|rows| rows[0].state == State::Deferred).await;
    assert_eq!(rows[0].reason.as_deref(), Some("status-410"));
    assert!(!scene.running.as_ref().unwrap().is_finished(), "it waits to be stopped");
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 1);
    let rows = scene.ledger.inner.overview(9).await.unwrap();
    assert!(rows.iter().all(|row| !row.state.ended()), "{rows:?}");
}

#[tokio::test]
async fn an_outcome_waits_for_a_ledger_that_fails() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    scene.ledger.claims.store(2, Ordering::SeqCst);
    scene.ledger.finishes.store(2, Ordering::SeqCst);
    let (action, seen) = webhook(&[200]).await;
    scene.start(endpoint(action));
    assert_eq!(states(&scene.ended().await), [State::Done]);
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 1, "the action is not run again for that");
}

#[tokio::test]
async fn a_panic_costs_one_job_or_one_reply() {
    let panicking = "Subject: panic\r\n\r\nx".to_owned();
    let mut scene = Scene::with(vec![MAIL.into(), panicking, MAIL.into()]).await;
    scene.ledger.panics.store(1, Ordering::SeqCst);
    let (action, _) = webhook(&[200]).await;
    let one_by_one = Endpoint {
        concurrency: 1,
        ..endpoint(action)
    };
    scene.start(one_by_one);
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Held, State::Done, State::Done]);
    assert_eq!(rows[0].reason.as_deref(), Some("panicked"));
    assert_eq!(rows[1].silent.as_deref(), Some("unbuildable"));
    scene.stopped().await;
}

#[tokio::test]
async fn a_stop_gives_back_what_was_not_begun() {
    let mut scene = Scene::with(vec![MAIL.into(); 2]).await;
    let (action, seen) = webhook(&[200]).await;
    let all = scene.memory.take(u64::MAX).await;
    scene.start(endpoint(action));
    scene
        .until(|rows| rows.iter().all(|row| row.state == State::Running))
        .await;
    scene.stopped().await;
    let rows = scene
        .until(|rows| rows.iter().all(|row| row.state == State::Queued))
        .await;
    assert!(rows.iter().all(|row| row.attempts == 0), "{rows:?}");
    assert!(seen.lock().unwrap().is_empty());
    drop(all);
}

#[tokio::test]
async fn a_stop_waits_for_what_runs() {
    let folder = TempDir::new().unwrap();
    let gate = folder.path().join("gate");
    let script = format!(
        "echo begun >{0}; while [ -e {0} ]; do sleep 0.02; done; echo ready",
        gate.display()
    );
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    scene.start(endpoint(Action::Command(shell(&script))));
    let end = Instant::now() + PATIENCE;
    while !gate.exists() {
        assert!(Instant::now() < end, "the command did not begin");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.stop.cancel();
    std::fs::remove_file(gate).unwrap();
    scene.stopped().await;
    assert_eq!(states(&scene.ended().await), [State::Done]);
    let notes = scene.notes.0.lock().unwrap();
    assert!(matches!(&notes[0].2, Outcome::Done(answer) if answer.text.as_deref() == Some("ready")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_many_mails_run() {
    let mut scene = Scene::with(vec![MAIL.into(); 20]).await;
    scene.start(endpoint(Action::Command(shell(
        "cat attachments/invoice.pdf; cp attachments/* out/",
    ))));
    let rows = scene.ended().await;
    assert!(rows.iter().all(|row| row.state == State::Done), "{rows:?}");
    scene.stopped().await;
    for (_, _, outcome) in scene.notes.0.lock().unwrap().iter() {
        assert!(
            matches!(outcome, Outcome::Done(answer) if answer.text.as_deref() == Some("%PDF-1.4") && answer.files.len() == 2)
        );
    }
}
