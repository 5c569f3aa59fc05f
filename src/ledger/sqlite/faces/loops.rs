//! What the three loops ask of the ledger: who changes something writes a letter to the writing thread, who looks has a reader.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, oneshot};

use crate::{
    config::{EndpointName, Retention},
    job::{ConversationKey, JobId, ReplyDecision},
    ledger::{
        Admission, Bounced, ClaimedJob, ClaimedReply, Content, Cursor, Error, Fence, Finish, GatheredParts, Intake,
        IntakeResult, KnownConversation, Lack, Lease, Ledger, MailId, MailboxKey, MaildropMail, MaildropName, Place,
        PruneReport, RateLimit, Raw, ReassignedJobs, RefetchRequest, Settling, Submitted, Upkeep as _, UploadId,
        WatchedMailbox,
        rules::{
            bounce, claim, finish, lacking,
            leases::{self, LeaseAttempt, NamedLease},
            mail_bytes, maildrop, owners, parts, pause, rate, route, settle, submit, take, talk,
            transaction::Transaction,
        },
        sqlite::{Sqlite, forget, post::WriteCommand, reserve},
        values::{micros, signed},
        views::{mails, replies},
        wake::{ClaimLimit, ClaimWaiter},
    },
    slots::{Quota, Slot},
};

impl Sqlite {
    /// Claims up to `max` due jobs of an endpoint beside whoever has slots: for one who looks at a ledger by hand.
    ///
    /// # Errors
    /// As [`Ledger::claim`].
    pub async fn claim_jobs(&self, endpoint: &EndpointName, max: usize) -> Result<Vec<ClaimedJob>, Error> {
        Ok(self.claim_up_to(endpoint, ClaimLimit::Items(max.max(1))).await?.0)
    }

    async fn claim_up_to(
        &self,
        endpoint: &EndpointName,
        most: ClaimLimit,
    ) -> Result<(Vec<ClaimedJob>, Vec<Slot>), Error> {
        let (tell, claimed) = oneshot::channel();
        let key = endpoint.clone();
        self.post
            .send(WriteCommand::Jobs(ClaimWaiter { key, most, tell }))
            .await?;
        Ok(claimed.await.map_err(|_| Error::Closed)??.accept())
    }

    /// Ends an attempt, and does this where that was right.
    async fn finish_then(
        &self,
        mut finish: Finish,
        then: impl FnOnce(&mut Transaction<'_>) + Send + 'static,
    ) -> Result<Option<&'static str>, Error> {
        let asked = self.clock.now();
        let bytes = match &finish.reply {
            Some(ReplyDecision::Send(reply)) => reply.bytes.len(),
            Some(ReplyDecision::Gathered) => parts::size(&finish.outcome),
            Some(ReplyDecision::Silent(_)) | None => 0,
        };
        let finishing = move |tx: &mut Transaction<'_>| {
            finish.due = finish.due.map(|due| tx.as_long_after(due, asked));
            let held_back = finish::finish(tx, finish)?;
            then(tx);
            Ok(held_back)
        };
        self.post.ask_judged(bytes, finishing).await
    }
}

impl Sqlite {
    /// Takes what has this name, if nobody has it; it is given up when the lease's last clone is dropped.
    pub(in crate::ledger) async fn take_named(&self, what: NamedLease, name: &str) -> Result<LeaseAttempt, Error> {
        let (post, name) = (Arc::downgrade(&self.post), name.to_owned());
        let taken = move |tx: &mut Transaction<'_>| {
            let asked = leases::take(tx, what, &name, &tx.holder.who)?;
            // Also where nobody waits for it any more.
            if let LeaseAttempt::Taken(lease) = &asked {
                lease.ends_by(move |fence| {
                    if let Some(post) = post.upgrade() {
                        post.tell(move |tx| leases::give_up(tx, what, &name, fence));
                    }
                });
            }
            Ok(asked)
        };
        self.post.ask(0, taken).await
    }
}

#[async_trait]
impl Ledger for Sqlite {
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| mails::cursor(db, &mailbox)).await
    }

    async fn watch(&self, mailbox: &MailboxKey) -> Result<Lease, Error> {
        let name = mailbox.0.to_string();
        match self.take_named(NamedLease::Mailbox, &name).await? {
            LeaseAttempt::Taken(lease) => Ok(lease),
            LeaseAttempt::Busy(by) => Err(Error::Watched { mailbox: name, by }),
        }
    }

    async fn last_taken(&self, mailbox: &MailboxKey) -> Result<Option<DateTime<Utc>>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| mails::last_taken(db, &mailbox)).await
    }

    async fn mailboxes(&self) -> Result<Vec<MailboxKey>, Error> {
        self.readers.read(|db| mails::mailboxes(db)).await
    }

    async fn rename_mailbox(&self, from: &MailboxKey, to: &MailboxKey) -> Result<bool, Error> {
        let (from, to) = (from.clone(), to.clone());
        let rename = move |tx: &mut Transaction<'_>| take::rename(tx, &from, &to);
        self.post.ask(0, rename).await
    }

    async fn upload(&self, mailbox: &WatchedMailbox, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        let so_far = piece.len().saturating_mul(index as usize + 1);
        self.post
            .ask_to_take(piece.len(), so_far, move |tx| {
                mail_bytes::upload(tx, &mailbox, upload, index, &piece)
            })
            .await
    }

    async fn abandon(&self, mailbox: &WatchedMailbox, upload: UploadId) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| mail_bytes::abandon(tx, &mailbox, upload))
            .await
    }

    async fn take(&self, intake: Intake) -> Result<IntakeResult, Error> {
        let bytes = intake.mails.iter().map(|mail| match &mail.content {
            Content::Whole {
                raw: Raw::Inline(bytes),
                ..
            } => bytes.len(),
            Content::Whole { .. } | Content::Lacking(_) => 0,
        });
        let bytes = bytes.sum();
        self.post
            .ask_to_take(bytes, bytes, move |tx| take::take(tx, intake))
            .await
    }

    async fn wanted(&self, mailbox: &MailboxKey, uid_validity: u32) -> Result<Vec<RefetchRequest>, Error> {
        let mailbox = mailbox.clone();
        self.readers
            .read(move |db| lacking::wanted(db, &mailbox, uid_validity))
            .await
    }

    async fn unfetched(&self, mailbox: &WatchedMailbox, mail: MailId, why: Lack) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| lacking::unfetched(tx, &mailbox, mail.0, &why))
            .await
    }

    async fn claim(
        &self,
        endpoint: &EndpointName,
        quota: &Quota,
        first: Slot,
    ) -> Result<Vec<(ClaimedJob, Slot)>, Error> {
        let most = ClaimLimit::Slots(quota.clone(), Some(first));
        let (jobs, slots) = self.claim_up_to(endpoint, most).await?;
        Ok(jobs.into_iter().zip(slots).collect())
    }

    async fn resume_changed(&self, endpoint: &EndpointName, action: [u8; 32]) -> Result<bool, Error> {
        let endpoint = endpoint.clone();
        self.post
            .ask(0, move |tx| pause::resume_changed(tx, &endpoint, action))
            .await
    }

    async fn mended(&self, endpoint: &EndpointName) -> Result<u64, Error> {
        let endpoint = endpoint.clone();
        self.post.ask(0, move |tx| pause::jobs_mended(tx, &endpoint)).await
    }

    async fn account_mended(&self, account: &str) -> Result<u64, Error> {
        let account = account.into();
        self.post.ask(0, move |tx| pause::replies_mended(tx, account)).await
    }

    async fn raw(&self, mail: MailId) -> Result<Bytes, Error> {
        match self.shared.take(mail) {
            Some(bytes) => Ok(bytes),
            None => self.readers.read(move |db| mails::raw(db, mail)).await,
        }
    }

    async fn finish(&self, finish: Finish) -> Result<Option<&'static str>, Error> {
        self.finish_then(finish, |_| ()).await
    }

    async fn finish_and_claim(
        &self,
        finish: Finish,
        endpoint: &EndpointName,
    ) -> Result<(Option<&'static str>, Option<ClaimedJob>), Error> {
        let (tell, next) = oneshot::channel();
        let endpoint = endpoint.clone();
        let claim = move |tx: &mut Transaction<'_>| tx.after.next.push((endpoint, tell));
        let held_back = self.finish_then(finish, claim).await?;
        // Told before the end is; nobody tells where none is due.
        Ok((held_back, next.await.ok()))
    }

    async fn announce(&self, known: Vec<(MailboxKey, Vec<EndpointName>)>) -> Result<(), Error> {
        self.post.ask(0, move |tx| owners::announce(tx, &known)).await
    }

    async fn reassign_orphans(
        &self,
        mailbox: &MailboxKey,
        known: &[EndpointName],
        route: &[EndpointName],
    ) -> Result<ReassignedJobs, Error> {
        let (mailbox, known, route) = (mailbox.clone(), known.to_vec(), route.to_vec());
        self.post
            .ask(0, move |tx| route::reassign_orphans(tx, &mailbox, &known, &route))
            .await
    }

    async fn strays(&self, endpoint: &EndpointName, home: &MailboxKey) -> Result<Vec<MailboxKey>, Error> {
        let (endpoint, home) = (endpoint.clone(), home.clone());
        self.readers.read(move |db| route::strays(db, &endpoint, &home)).await
    }

    async fn parts(&self, mail_job: JobId, most: u64) -> Result<GatheredParts, Error> {
        self.readers.read(move |db| parts::gathered(db, mail_job, most)).await
    }

    async fn admit(&self, job: JobId, fence: Fence, gates: Vec<RateLimit>) -> Result<Admission, Error> {
        self.post.ask(0, move |tx| rate::admit(tx, job, fence, &gates)).await
    }

    async fn conversation(
        &self,
        keys: Vec<ConversationKey>,
        answer: JobId,
    ) -> Result<Option<KnownConversation>, Error> {
        self.readers.read(move |db| talk::find(db, &keys, answer)).await
    }

    async fn accept_answer(&self, key: ConversationKey, job: JobId, fence: Fence) -> Result<bool, Error> {
        self.post.ask(0, move |tx| talk::accept(tx, key, job, fence)).await
    }

    async fn bounced(&self, bounce: Bounced) -> Result<Option<JobId>, Error> {
        self.post.ask(0, move |tx| bounce::bounced(tx, &bounce)).await
    }

    async fn release(&self, job: JobId, fence: Fence) -> Result<(), Error> {
        self.post.ask(0, move |tx| claim::release(tx, job, fence)).await
    }

    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error> {
        let (tell, claimed) = oneshot::channel();
        self.post
            .send(WriteCommand::Replies(ClaimWaiter {
                key: account.into(),
                most: ClaimLimit::Items(max.max(1)),
                tell,
            }))
            .await?;
        Ok(claimed.await.map_err(|_| Error::Closed)??.accept().0)
    }

    async fn letter(&self, job: JobId, from: u64) -> Result<Bytes, Error> {
        self.readers.read(move |db| mails::letter(db, job, from)).await
    }

    async fn submitted(&self, job: JobId, fence: Fence, mut what: Submitted) -> Result<(), Error> {
        let asked = self.clock.now();
        self.post
            .ask(0, move |tx| {
                if let Some(due) = what.due_mut() {
                    *due = tx.as_long_after(*due, asked);
                }
                submit::submitted(tx, job, fence, &what)
            })
            .await
    }

    async fn submissions(&self, account: &str, since: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Error> {
        let account = account.to_owned();
        self.readers
            .read(move |db| replies::submissions(db, &account, since))
            .await
    }

    fn changed_outside(&self) -> Arc<Notify> {
        self.shared.changed_outside()
    }

    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error> {
        let mailbox = mailbox.clone();
        self.readers
            .read(move |db| settle::settling(db, &mailbox, uid_validity, signed(max)))
            .await
    }

    async fn settled(&self, mailbox: &WatchedMailbox, places: &[Place]) -> Result<(), Error> {
        let (mailbox, places) = (mailbox.clone(), places.to_vec());
        self.post.ask(0, move |tx| settle::settled(tx, &mailbox, &places)).await
    }

    async fn maildrop(&self, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| maildrop::mails(db, &mailbox)).await
    }

    async fn maildrop_number(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<Vec<u32>, Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| maildrop::number(tx, &mailbox, &names)).await
    }

    async fn maildrop_skip(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| maildrop::skip(tx, &mailbox, &names).map(drop))
            .await
    }

    async fn maildrop_seen(&self, mailbox: &WatchedMailbox, keys: Vec<(u32, [u8; 32])>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| maildrop::seen(tx, &mailbox, &keys)).await
    }

    async fn maildrop_left(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| maildrop::left(tx, &mailbox, &uids)).await
    }

    fn settle_due(&self, mailbox: &MailboxKey) -> Arc<Notify> {
        self.shared.settle_due(mailbox)
    }

    async fn forget(&self, kept: Retention, now: DateTime<Utc>) -> Result<PruneReport, Error> {
        let path = self.readers.path();
        if self.is_full() && reserve::is_needed(path) {
            reserve::give_up(path);
        }
        let forgotten = forget::forget(&self.post, &self.readers, kept, micros(now)).await?;
        reserve::keep(path);
        Ok(forgotten)
    }

    async fn ping(&self) -> Result<(), Error> {
        self.post.ask(0, |_| Ok(())).await
    }
}
