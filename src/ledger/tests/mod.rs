//! What holds of a ledger, whatever its engine: asked through its faces.

pub(in crate::ledger) mod backlog;
mod bounces;
mod clocks;
mod conversations;
mod counts;
pub(in crate::ledger) mod engine;
mod failing;
mod flow;
mod invariants;
mod lacking;
mod leases;
mod maildrop;
mod mails;
mod names;
mod news;
mod operator;
mod outbox;
mod parts;
mod poison;
mod rate;
mod replay;
mod retention;
mod route;
pub(in crate::ledger) mod samples;
mod standard_sql;
mod steer;
mod takeover;
mod unknown_words;

pub(in crate::ledger) use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

pub(in crate::ledger) use bytes::Bytes;
pub(in crate::ledger) use chrono::{DateTime, Utc};
pub(in crate::ledger) use futures_util::FutureExt;
pub(in crate::ledger) use sha2::{Digest, Sha256};
pub(in crate::ledger) use tempfile::TempDir;

pub(in crate::ledger) use self::engine::{ExternalSqlite, OverviewRow, Tested, inspect, opened, tables};
pub(in crate::ledger) use self::samples::*;
pub(in crate::ledger) use super::{rules::transaction::Transaction, *};
pub(in crate::ledger) use crate::{
    config::{EndpointName, Keep, Retention},
    job::{Answer, ConversationKey, JobId, NewReply, Outcome, Reason, ReplyDecision},
    ledger::{
        Admission, ClaimedJob, ClaimedReply, Content, Cursor, Fence, Finish, Intake, IntakeResult, KnownConversation,
        Lack, Ledger, MailId, MailOutcome, MailboxKey, MaildropName, NewMail, Place, PruneReport, RateLimit, Raw,
        RefetchRequest, ReplyTable, SealedToken, Settling, SignInRow, SignInTable, Submitted, UploadId,
    },
};

/// Long enough for any machine; only a failing test waits so long.
pub(in crate::ledger) const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that stands still until it is told.
#[derive(Clone)]
pub(in crate::ledger) struct Hands(pub(in crate::ledger) Arc<AtomicI64>);

impl Hands {
    pub(in crate::ledger) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_800_000_000)))
    }

    pub(in crate::ledger) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }

    pub(in crate::ledger) fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::of(move || hands.now(), || None)
    }
}

/// A ledger in a folder of its own.
pub(in crate::ledger) struct Desktop {
    pub(in crate::ledger) folder: TempDir,
    pub(in crate::ledger) hands: Hands,
    pub(in crate::ledger) ledger: Arc<Tested>,
    /// What was claimed is worked on, as by a loop that lives.
    held: std::sync::Mutex<Vec<Lease>>,
}

impl Desktop {
    pub(in crate::ledger) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let hands = Hands::new();
        let at = Address::file(folder.path().join("mailjob.db"));
        let ledger = opened(&at, hands.clock()).await.unwrap();
        engine::hold_rules(&at);
        Self::of(folder, hands, ledger)
    }

    pub(in crate::ledger) fn of(folder: TempDir, hands: Hands, ledger: Arc<Tested>) -> Self {
        Self {
            folder,
            hands,
            ledger,
            held: Default::default(),
        }
    }

    pub(in crate::ledger) fn path(&self) -> PathBuf {
        self.folder.path().join("mailjob.db")
    }

    pub(in crate::ledger) fn address(&self) -> Address {
        Address::file(self.path())
    }

    /// What it writes is not looked at: the test does what Mailjob never does.
    pub(in crate::ledger) fn unwatched(&self) {
        engine::let_rules_be(&self.address());
    }

    /// Lets time pass; the writer looks at its clock when spoken to.
    pub(in crate::ledger) async fn pass(&self, seconds: i64) {
        self.hands.0.fetch_add(seconds, Ordering::SeqCst);
        self.ledger.ping().await.unwrap();
    }

    /// The ledger as another process sees it.
    pub(in crate::ledger) async fn beside(&self) -> ExternalSqlite {
        ExternalSqlite::open(&self.path()).await.unwrap().by(self.hands.clock())
    }

    pub(in crate::ledger) async fn reopen(&mut self) {
        self.ledger.close().await;
        self.ledger = opened(&self.address(), self.hands.clock()).await.unwrap();
    }

    pub(in crate::ledger) async fn take(&self, mails: Vec<NewMail>) -> IntakeResult {
        let last = mails.last().map(|mail| mail.place);
        let cursor = last.map_or(
            Cursor {
                uid_validity: 1,
                uid_next: 1,
            },
            |place| Cursor {
                uid_validity: place.uid_validity,
                uid_next: place.uid + 1,
            },
        );
        let intake = Intake {
            mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
            endpoints: vec![endpoint("invoices")],
            cursor,
            mails,
        };
        self.ledger.take(intake).await.unwrap()
    }

    pub(in crate::ledger) async fn claim(&self, max: usize) -> Vec<ClaimedJob> {
        let jobs = soon(self.ledger.claim_jobs(&endpoint("invoices"), max)).await.unwrap();
        self.held
            .lock()
            .unwrap()
            .extend(jobs.iter().map(|job| job.lease.clone()));
        jobs
    }

    /// Claims one job and ends it.
    pub(in crate::ledger) async fn run(&self, outcome: Outcome, reply: Option<ReplyDecision>) -> ClaimedJob {
        let job = self.claim(1).await.pop().unwrap();
        self.ledger
            .finish(Finish {
                reply,
                ..finish(&job, outcome)
            })
            .await
            .unwrap();
        job
    }

    /// Whether nothing is due: a claim is looked at and left waiting.
    pub(in crate::ledger) async fn nothing_due(&self) -> bool {
        let name = endpoint("invoices");
        let claimed = at_once(&self.ledger, self.ledger.claim_jobs(&name, 1)).await;
        for job in claimed.iter().flatten() {
            self.ledger.release(job.id, job.lease.fence()).await.unwrap();
        }
        claimed.is_none()
    }

    /// Drops all that ended before then; returns bytes.
    pub(in crate::ledger) async fn forget(&self, before: DateTime<Utc>) -> u64 {
        self.forget_all(before, Kinds::All).await.bytes()
    }

    pub(in crate::ledger) async fn forget_all(&self, before: DateTime<Utc>, kinds: Kinds) -> PruneReport {
        let all = Keep {
            age: Some(Duration::ZERO),
            size: None,
        };
        let only = |kind| {
            if kinds == Kinds::All || kinds == kind {
                all
            } else {
                Keep::FOR_EVER
            }
        };
        let kept = Retention {
            mails: only(Kinds::Mails),
            results: only(Kinds::Results),
            history: only(Kinds::History),
        };
        self.ledger.forget(kept, before).await.unwrap()
    }

    /// Notes that these mails had their last touch.
    pub(in crate::ledger) async fn touched(&self, uids: impl IntoIterator<Item = u32>) {
        let places: Vec<_> = uids.into_iter().map(|uid| Place { uid_validity: 1, uid }).collect();
        self.ledger.settled(&nobodys(&mailbox()), &places).await.unwrap();
    }

    pub(in crate::ledger) async fn count(&self, sql: &'static str) -> i64 {
        self.ledger
            .look(move |db| Ok(db.prepare(sql).query_row((), |row| row.get(0))?))
            .await
    }

    pub(in crate::ledger) async fn settling(&self) -> Vec<(u32, MailOutcome)> {
        self.settling_in(1).await
    }

    pub(in crate::ledger) async fn settling_in(&self, uid_validity: u32) -> Vec<(u32, MailOutcome)> {
        let due = self.ledger.settling(&mailbox(), uid_validity, 100).await.unwrap();
        due.into_iter()
            .map(|settling| (settling.place.uid, settling.verdict))
            .collect()
    }

    /// The only job.
    pub(in crate::ledger) async fn row(&self) -> OverviewRow {
        let mut rows = self.ledger.overview(10).await.unwrap();
        assert_eq!(rows.len(), 1);
        rows.pop().unwrap()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.path().exists() {
            engine::check_rules(&self.address());
        }
    }
}

/// What is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Kinds {
    All,
    Mails,
    Results,
    History,
}

/// What a claim gets without waiting for an event: claims are answered before what was asked after them.
pub(in crate::ledger) async fn at_once<T>(
    ledger: &Tested,
    claim: impl Future<Output = Result<Vec<T>, Error>>,
) -> Option<Vec<T>> {
    tokio::pin!(claim);
    if let Some(claimed) = (&mut claim).now_or_never() {
        return Some(claimed.unwrap());
    }
    ledger.ping().await.unwrap();
    claim.now_or_never().map(Result::unwrap)
}

pub(in crate::ledger) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it took too long")
}
