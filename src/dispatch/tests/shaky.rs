//! A ledger that fails when the test wants.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{
    config::{EndpointName, Retention},
    job::{ConversationKey, JobId},
    ledger::{
        Admission, BacklogChoice, BacklogLedger, BacklogSummary, Bounced, ClaimedJob, ClaimedReply, Cursor, Error,
        Fence, Finish, GatheredParts, Intake, IntakeResult, KnownConversation, Lack, Lease, Ledger, MailId, MailboxKey,
        MaildropMail, MaildropName, OldMail, Place, PruneReport, RateLimit, ReassignedJobs, RefetchRequest, Settling,
        Submitted, UploadId, WatchedMailbox, sqlite::Sqlite,
    },
    slots::{Quota, Slot},
};

/// A ledger that fails a few times when asked to.
pub(in crate::dispatch) struct Shaky {
    pub(super) inner: Sqlite,
    pub(super) claims: AtomicUsize,
    /// How often claims were asked for.
    pub(super) asked: AtomicUsize,
    pub(super) finishes: AtomicUsize,
    pub(super) panics: AtomicUsize,
}

fn fails(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
}

#[async_trait]
impl Ledger for Shaky {
    async fn claim(
        &self,
        endpoint: &EndpointName,
        quota: &Quota,
        first: Slot,
    ) -> Result<Vec<(ClaimedJob, Slot)>, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if fails(&self.claims) {
            return Err(Error::Engine("as the test wants".into()));
        }
        self.inner.claim(endpoint, quota, first).await
    }
    async fn watch(&self, mailbox: &MailboxKey) -> Result<Lease, Error> {
        self.inner.watch(mailbox).await
    }
    async fn announce(&self, known: Vec<(MailboxKey, Vec<EndpointName>)>) -> Result<(), Error> {
        self.inner.announce(known).await
    }
    async fn resume_changed(&self, endpoint: &EndpointName, action: [u8; 32]) -> Result<bool, Error> {
        self.inner.resume_changed(endpoint, action).await
    }
    async fn mended(&self, endpoint: &EndpointName) -> Result<u64, Error> {
        self.inner.mended(endpoint).await
    }
    async fn account_mended(&self, account: &str) -> Result<u64, Error> {
        self.inner.account_mended(account).await
    }
    async fn submissions(&self, account: &str, since: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Error> {
        self.inner.submissions(account, since).await
    }
    fn changed_outside(&self) -> Arc<tokio::sync::Notify> {
        self.inner.changed_outside()
    }
    async fn raw(&self, mail: MailId) -> Result<Bytes, Error> {
        assert!(!fails(&self.panics), "as the test wants");
        self.inner.raw(mail).await
    }
    async fn finish(&self, finish: Finish) -> Result<Option<&'static str>, Error> {
        if fails(&self.finishes) {
            return Err(Error::Full("as the test wants".into()));
        }
        self.inner.finish(finish).await
    }
    async fn finish_and_claim(
        &self,
        finish: Finish,
        endpoint: &EndpointName,
    ) -> Result<(Option<&'static str>, Option<ClaimedJob>), Error> {
        if fails(&self.finishes) {
            return Err(Error::Full("as the test wants".into()));
        }
        self.inner.finish_and_claim(finish, endpoint).await
    }
    async fn parts(&self, mail_job: JobId, most: u64) -> Result<GatheredParts, Error> {
        self.inner.parts(mail_job, most).await
    }
    async fn admit(&self, job: JobId, fence: Fence, gates: Vec<RateLimit>) -> Result<Admission, Error> {
        self.inner.admit(job, fence, gates).await
    }
    async fn conversation(
        &self,
        keys: Vec<ConversationKey>,
        answer: JobId,
    ) -> Result<Option<KnownConversation>, Error> {
        self.inner.conversation(keys, answer).await
    }
    async fn accept_answer(&self, key: ConversationKey, job: JobId, fence: Fence) -> Result<bool, Error> {
        self.inner.accept_answer(key, job, fence).await
    }
    async fn bounced(&self, bounce: Bounced) -> Result<Option<JobId>, Error> {
        self.inner.bounced(bounce).await
    }
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
        self.inner.cursor(mailbox).await
    }
    async fn last_taken(&self, mailbox: &MailboxKey) -> Result<Option<DateTime<Utc>>, Error> {
        self.inner.last_taken(mailbox).await
    }
    async fn upload(&self, mailbox: &WatchedMailbox, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error> {
        self.inner.upload(mailbox, upload, index, piece).await
    }
    async fn mailboxes(&self) -> Result<Vec<MailboxKey>, Error> {
        self.inner.mailboxes().await
    }
    async fn rename_mailbox(&self, from: &MailboxKey, to: &MailboxKey) -> Result<bool, Error> {
        self.inner.rename_mailbox(from, to).await
    }
    async fn abandon(&self, mailbox: &WatchedMailbox, upload: UploadId) -> Result<(), Error> {
        self.inner.abandon(mailbox, upload).await
    }
    async fn take(&self, intake: Intake) -> Result<IntakeResult, Error> {
        self.inner.take(intake).await
    }
    async fn wanted(&self, mailbox: &MailboxKey, uid_validity: u32) -> Result<Vec<RefetchRequest>, Error> {
        self.inner.wanted(mailbox, uid_validity).await
    }
    async fn unfetched(&self, mailbox: &WatchedMailbox, mail: MailId, why: Lack) -> Result<(), Error> {
        self.inner.unfetched(mailbox, mail, why).await
    }
    async fn reassign_orphans(
        &self,
        mailbox: &MailboxKey,
        known: &[EndpointName],
        route: &[EndpointName],
    ) -> Result<ReassignedJobs, Error> {
        self.inner.reassign_orphans(mailbox, known, route).await
    }
    async fn strays(&self, endpoint: &EndpointName, home: &MailboxKey) -> Result<Vec<MailboxKey>, Error> {
        self.inner.strays(endpoint, home).await
    }
    async fn maildrop_skip(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<(), Error> {
        self.inner.maildrop_skip(mailbox, names).await
    }
    async fn release(&self, job: JobId, fence: Fence) -> Result<(), Error> {
        self.inner.release(job, fence).await
    }
    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error> {
        self.inner.claim_replies(account, max).await
    }
    async fn letter(&self, job: JobId, from: u64) -> Result<Bytes, Error> {
        self.inner.letter(job, from).await
    }
    async fn submitted(&self, job: JobId, fence: Fence, what: Submitted) -> Result<(), Error> {
        self.inner.submitted(job, fence, what).await
    }
    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error> {
        self.inner.settling(mailbox, uid_validity, max).await
    }
    async fn settled(&self, mailbox: &WatchedMailbox, places: &[Place]) -> Result<(), Error> {
        self.inner.settled(mailbox, places).await
    }
    async fn maildrop(&self, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error> {
        self.inner.maildrop(mailbox).await
    }
    async fn maildrop_number(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<Vec<u32>, Error> {
        self.inner.maildrop_number(mailbox, names).await
    }
    async fn maildrop_seen(&self, mailbox: &WatchedMailbox, keys: Vec<(u32, [u8; 32])>) -> Result<(), Error> {
        self.inner.maildrop_seen(mailbox, keys).await
    }
    async fn maildrop_left(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        self.inner.maildrop_left(mailbox, uids).await
    }
    fn settle_due(&self, mailbox: &MailboxKey) -> Arc<tokio::sync::Notify> {
        self.inner.settle_due(mailbox)
    }
    async fn forget(&self, kept: Retention, now: DateTime<Utc>) -> Result<PruneReport, Error> {
        self.inner.forget(kept, now).await
    }
    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }
}

#[async_trait]
impl BacklogLedger for Shaky {
    async fn backlog(&self, _: &MailboxKey) -> Result<Option<BacklogSummary>, Error> {
        unreachable!()
    }
    async fn backlog_choice(&self, _: &MailboxKey) -> Result<Option<BacklogChoice>, Error> {
        unreachable!()
    }
    async fn backlog_wait(&self, _: &WatchedMailbox, _: Cursor) -> Result<Cursor, Error> {
        unreachable!()
    }

    async fn backlog_waited(&self, _: &MailboxKey) -> Result<Option<Cursor>, Error> {
        unreachable!()
    }

    async fn knows_account(&self, _: &str) -> Result<bool, Error> {
        unreachable!()
    }
    async fn backlog_begun(&self, _: &WatchedMailbox) -> Result<Option<DateTime<Utc>>, Error> {
        unreachable!()
    }
    async fn backlog_came(&self, _: &WatchedMailbox, _: Vec<u32>) -> Result<(), Error> {
        unreachable!()
    }
    async fn backlog_begin(&self, _: &WatchedMailbox, _: Cursor, _: Option<DateTime<Utc>>) -> Result<(), Error> {
        unreachable!()
    }
    async fn backlog_try(&self, _: &WatchedMailbox) -> Result<u32, Error> {
        unreachable!()
    }
    async fn backlog_note(&self, _: &WatchedMailbox, _: u32, _: Vec<OldMail>) -> Result<(), Error> {
        unreachable!()
    }
    async fn backlog_listed(&self, _: &WatchedMailbox, _: u64) -> Result<BacklogSummary, Error> {
        unreachable!()
    }
    async fn backlog_wanted(&self, _: &MailboxKey, _: usize) -> Result<Vec<u32>, Error> {
        unreachable!()
    }
    async fn backlog_taken(&self, _: &WatchedMailbox, _: Vec<u32>) -> Result<(), Error> {
        unreachable!()
    }
    async fn backlog_want(&self, _: &WatchedMailbox, _: Option<DateTime<Utc>>) -> Result<u64, Error> {
        unreachable!()
    }
    async fn maildrop_first(
        &self,
        _: &WatchedMailbox,
        _: Cursor,
        _: Option<DateTime<Utc>>,
        _: Vec<(MaildropName, OldMail)>,
    ) -> Result<(), Error> {
        unreachable!()
    }
    async fn maildrop_sort(&self, _: &WatchedMailbox, _: Vec<(MaildropName, OldMail)>) -> Result<(), Error> {
        unreachable!()
    }
    async fn installation(&self) -> Result<[u8; 16], Error> {
        unreachable!()
    }
    async fn probes(&self, _: &MailboxKey) -> Result<Vec<(u32, u32)>, Error> {
        unreachable!()
    }
    async fn note_probes(&self, _: &WatchedMailbox, _: Vec<(u32, u32)>) -> Result<(), Error> {
        unreachable!()
    }
}
