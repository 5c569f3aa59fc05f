//! The embedded engine: one SQLite file, one writing thread, a few readers.
//!
//! Every write is durable when it returns (WAL, `synchronous=FULL`); callers share fsyncs by group commit. The engine never
//! keeps a mail in memory beyond its first reading, never polls, and never lets a second process in. When the disk is full
//! it refuses and goes on: what was not answered with `Ok` was not done.

mod claims;
mod conversations;
mod events;
mod finish;
mod intake;
mod job_list;
mod line;
mod lock;
mod maildrop;
mod news;
mod notices;
mod operator;
mod outbox;
mod parts;
mod past;
mod pause;
mod plain_tokens;
mod post;
mod rate;
mod reads;
mod route;
mod schema;
mod settle;
mod shared;
mod side;
mod sign_in_rows;
mod sign_ins;
mod steer;
mod story;
mod submission;
mod turn;
mod values;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, Notify, oneshot};

use self::{
    line::Waiter,
    post::{Letter, Post},
    reads::Readers,
    shared::Shared,
    values::{micros, signed},
};
pub use self::{
    operator::Jobs,
    outbox::Outbox,
    reads::{JobRow, ReplyRow},
    sign_ins::SignIns,
};
use super::{
    Admission, ClaimedJob, ClaimedReply, Clock, Cursor, Error, Finish, Gate, GatheredParts, HandedOn, Intake,
    KnownConversation, Ledger, MailId, MailboxKey, MaildropMail, MaildropName, Place, Raw, SealedToken, Settling,
    SignInRow, SignInTable, Submitted, Taken, UploadId,
};
use crate::{
    auth::Key,
    config::EndpointName,
    job::{ConversationKey, JobId},
};

/// A ledger in a file. Dropped, it stops writing soon; [`Sqlite::close`] waits for that.
pub struct Sqlite {
    post: Arc<Post>,
    readers: Readers,
    shared: Arc<Shared>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

/// Opens the ledger, or makes it, and puts right what a process left that died: its jobs are queued again (or held as poison, when
/// it died too often over them), its replies too, half uploads are dropped.
///
/// # Errors
/// [`Error::InUse`] when another process has it, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said.
pub async fn open(path: &Path, clock: Clock) -> Result<Sqlite, Error> {
    let path = path.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        let now = clock();
        let lock = lock::acquire(&path, now)?;
        let mut db = schema::writer(&path)?;
        schema::migrate(&mut db, &path)?;
        schema::recover(&mut db, micros(now))?;
        let shared = Arc::<Shared>::default();
        let (post, ended) = writer::start(db, lock, clock, shared.clone())?;
        Ok(Sqlite {
            post,
            readers: Readers::new(path),
            shared,
            ended: Mutex::new(Some(ended)),
        })
    });
    opening
        .await
        .map_err(|error| Error::Engine(format!("opening was not finished: {error}")))?
}

impl Sqlite {
    /// Does what was asked before, then closes the file and gives up the lock. Whoever asks later gets [`Error::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        drop(self.post.send(Letter::Close).await);
        if let Some(ended) = self.ended.lock().await.take() {
            // An error is the thread's end too.
            drop(ended.await);
        }
    }

    /// Seals refresh tokens that the first schema kept plain, if there are any, and wipes out their remains. To be called before
    /// anybody signs in.
    ///
    /// # Errors
    /// When a token could not be sealed or moved; then none was.
    pub async fn seal_plain(&self, key: Arc<Key>) -> Result<(), Error> {
        SignIns::of(self.readers.path()).seal_plain(key).await
    }

    /// The newest jobs with their replies, newest first, at most `max`.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn overview(&self, max: usize) -> Result<Vec<JobRow>, Error> {
        self.readers.read(move |db| reads::overview(db, max)).await
    }
}

#[async_trait]
impl Ledger for Sqlite {
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| reads::cursor(db, &mailbox)).await
    }

    async fn upload(&self, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error> {
        self.post
            .ask(piece.len(), move |desk| intake::upload(desk, upload, index, &piece))
            .await
    }

    async fn take(&self, intake: Intake) -> Result<Taken, Error> {
        let bytes = intake.mails.iter().map(|mail| match &mail.raw {
            Raw::Inline(bytes) => bytes.len(),
            Raw::Uploaded { .. } => 0,
        });
        self.post.ask(bytes.sum(), move |desk| intake::take(desk, intake)).await
    }

    async fn claim_jobs(&self, endpoint: &EndpointName, max: usize) -> Result<Vec<ClaimedJob>, Error> {
        let (tell, claimed) = oneshot::channel();
        self.post
            .send(Letter::Jobs(Waiter {
                key: endpoint.clone(),
                max: max.max(1),
                tell,
            }))
            .await?;
        Ok(claimed.await.map_err(|_| Error::Closed)??.accept())
    }

    async fn resume_changed(&self, endpoint: &EndpointName, action: [u8; 32]) -> Result<bool, Error> {
        let endpoint = endpoint.clone();
        self.post
            .ask(0, move |desk| pause::resume_changed(desk, &endpoint, action))
            .await
    }

    async fn raw(&self, mail: MailId) -> Result<Bytes, Error> {
        match self.shared.take(mail) {
            Some(bytes) => Ok(bytes),
            None => self.readers.read(move |db| reads::raw(db, mail)).await,
        }
    }

    async fn finish(&self, finish: Finish) -> Result<(), Error> {
        let bytes = match &finish.reply {
            Some(crate::job::ReplyDecision::Send(reply)) => reply.bytes.len(),
            Some(crate::job::ReplyDecision::Gathered) => parts::size(&finish.outcome),
            Some(crate::job::ReplyDecision::Silent(_)) | None => 0,
        };
        self.post.ask(bytes, move |desk| finish::finish(desk, finish)).await
    }

    async fn hand_on(
        &self,
        mailbox: &MailboxKey,
        known: &[EndpointName],
        route: &[EndpointName],
    ) -> Result<HandedOn, Error> {
        let (mailbox, known, route) = (mailbox.clone(), known.to_vec(), route.to_vec());
        self.post
            .ask(0, move |desk| route::hand_on(desk, &mailbox, &known, &route))
            .await
    }

    async fn parts(&self, mail_job: JobId, most: u64) -> Result<GatheredParts, Error> {
        self.readers.read(move |db| parts::gathered(db, mail_job, most)).await
    }

    async fn admit(&self, job: JobId, attempt: u32, gates: Vec<Gate>) -> Result<Admission, Error> {
        self.post
            .ask(0, move |desk| rate::admit(desk, job, attempt, &gates))
            .await
    }

    async fn conversation(
        &self,
        keys: Vec<ConversationKey>,
        answer: JobId,
    ) -> Result<Option<KnownConversation>, Error> {
        self.readers
            .read(move |db| conversations::find(db, &keys, answer))
            .await
    }

    async fn accept_answer(&self, key: ConversationKey, job: JobId, attempt: u32) -> Result<bool, Error> {
        self.post
            .ask(0, move |desk| conversations::accept(desk, key, job, attempt))
            .await
    }

    async fn release(&self, job: JobId, attempt: u32) -> Result<(), Error> {
        self.post.ask(0, move |desk| claims::release(desk, job, attempt)).await
    }

    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error> {
        let (tell, claimed) = oneshot::channel();
        self.post
            .send(Letter::Replies(Waiter {
                key: account.into(),
                max: max.max(1),
                tell,
            }))
            .await?;
        Ok(claimed.await.map_err(|_| Error::Closed)??.accept())
    }

    async fn submitted(&self, job: JobId, attempt: u32, what: Submitted) -> Result<(), Error> {
        self.post
            .ask(0, move |desk| submission::submitted(desk, job, attempt, &what))
            .await
    }

    async fn submissions(&self, account: &str, since: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Error> {
        let account = account.to_owned();
        self.readers
            .read(move |db| outbox::submissions(db, &account, since))
            .await
    }

    fn knock(&self) -> Arc<Notify> {
        self.shared.knock()
    }

    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error> {
        let mailbox = mailbox.clone();
        self.readers
            .read(move |db| settle::settling(db, &mailbox, uid_validity, signed(max)))
            .await
    }

    async fn settled(&self, mailbox: &MailboxKey, places: &[Place]) -> Result<(), Error> {
        let (mailbox, places) = (mailbox.clone(), places.to_vec());
        self.post
            .ask(0, move |desk| settle::settled(desk.db, desk.now, &mailbox, &places))
            .await
    }

    async fn maildrop(&self, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| maildrop::mails(db, &mailbox)).await
    }

    async fn maildrop_number(&self, mailbox: &MailboxKey, names: Vec<MaildropName>) -> Result<Vec<u32>, Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |desk| maildrop::number(desk, &mailbox, &names))
            .await
    }

    async fn maildrop_skip(&self, mailbox: &MailboxKey, names: Vec<MaildropName>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |desk| maildrop::skip(desk, &mailbox, &names))
            .await
    }

    async fn maildrop_left(&self, mailbox: &MailboxKey, uids: Vec<u32>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |desk| maildrop::left(desk, &mailbox, &uids))
            .await
    }

    fn bell(&self, mailbox: &MailboxKey) -> Arc<Notify> {
        self.shared.bell(mailbox)
    }

    async fn forget(&self, before: DateTime<Utc>) -> Result<u64, Error> {
        let mut all = 0;
        loop {
            let (freed, more) = self
                .post
                .ask(0, move |desk| settle::forget(desk.db, micros(before)))
                .await?;
            all += freed;
            if !more {
                return Ok(all);
            }
        }
    }

    async fn ping(&self) -> Result<(), Error> {
        self.post.ask(0, |_| Ok(())).await
    }
}

#[async_trait]
impl SignInTable for Sqlite {
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error> {
        let name = name.to_owned();
        self.readers.read(move |db| sign_in_rows::find(db, &name)).await
    }

    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error> {
        self.readers.read(sign_in_rows::all).await
    }

    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error> {
        let name = name.to_owned();
        self.post
            .ask(0, move |desk| sign_in_rows::store(desk.db, &name, &token))
            .await
    }

    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let name = name.to_owned();
        self.post
            .ask(0, move |desk| sign_in_rows::refreshed(desk.db, &name, at))
            .await
    }

    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error> {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.post
            .ask(0, move |desk| sign_in_rows::refused(desk.db, &name, at, &why))
            .await
    }

    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error> {
        let turn = turn::take(self.readers.path(), name, turn::LONGEST_WAIT).await?;
        Ok(Box::new(turn))
    }
}

#[cfg(test)]
mod tests;
