//! The operator's side: the same work beside a process that has the ledger open, and in it.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    job::JobId,
    ledger::{
        BacklogAnswer, BacklogPage, BacklogWish, Error, EventCursor, EventPage, JobFilter, JobPage, JobStory, JobTable,
        MailboxKey, Pause, PausedBy, Steer, Steered,
        rules::{backlog_wish, pause, steer, transaction::Transaction},
        sqlite::{Sqlite, side::ExternalSqlite},
        views::{events, jobs, story},
    },
};

/// A way to the tables.
pub(super) trait TableAccess: Send + Sync + 'static {
    /// Looks at them.
    fn read<T, W>(&self, work: W) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Error> + Send + 'static;

    /// Changes them, in one commit.
    fn change<T, W>(&self, work: W) -> impl Future<Output = Result<T, Error>> + Send
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static;
}

impl TableAccess for ExternalSqlite {
    async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        // One transaction: several looks see the same.
        self.with(move |db| {
            let tx = db.transaction_with_behavior(TransactionBehavior::Deferred)?;
            work(&tx)
        })
        .await
    }

    async fn change<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.change(self.now(), work).await
    }
}

impl TableAccess for Sqlite {
    async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let read = move |db: &Connection| {
            let tx = db.unchecked_transaction()?;
            work(&tx)
        };
        self.searches.read(read).await
    }

    async fn change<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let changed = self.post.ask(0, work).await?;
        // Whoever leaves something alone for a while tries it now, as after a change by another process.
        self.shared.changed_outside().notify_waiters();
        Ok(changed)
    }
}

/// The mailbox of an endpoint: the ledger knows none by the endpoint's name.
fn named(endpoint: &str, mailbox: Option<&MailboxKey>) -> Result<MailboxKey, Error> {
    let missing = || Error::Missing(format!("the mailbox of {endpoint}"));
    mailbox.cloned().ok_or_else(missing)
}

#[async_trait]
impl<D: TableAccess> JobTable for D {
    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error> {
        self.read(move |db| jobs::list(db, &filter)).await
    }

    async fn find(&self, part: &str) -> Result<Vec<JobId>, Error> {
        let part = part.to_owned();
        self.read(move |db| jobs::find(db, &part)).await
    }

    async fn story(&self, job: JobId) -> Result<Option<JobStory>, Error> {
        self.read(move |db| story::story(db, job)).await
    }

    async fn steer(&self, steer: Steer, jobs: Vec<JobId>) -> Result<Vec<Steered>, Error> {
        self.change(move |tx| steer::steer(tx, steer, &jobs)).await
    }

    async fn mail(&self, job: JobId) -> Result<Bytes, Error> {
        self.read(move |db| story::mail(db, job)).await
    }

    async fn reply(&self, job: JobId, rerun: Option<u32>) -> Result<Bytes, Error> {
        self.read(move |db| story::reply(db, job, rerun)).await
    }

    async fn pause(&self, endpoint: &str) -> Result<Pause, Error> {
        let endpoint = endpoint.to_owned();
        self.change(move |tx| pause::pause(tx, &endpoint, PausedBy::Operator, None))
            .await
    }

    async fn resume(&self, endpoint: &str) -> Result<Option<Pause>, Error> {
        let endpoint = endpoint.to_owned();
        self.change(move |tx| pause::resume(tx, &endpoint)).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>, Error> {
        self.read(|db| pause::all(db)).await
    }

    async fn events(&self, after: EventCursor, endpoint: Option<&str>, max: usize) -> Result<EventPage, Error> {
        let endpoint = endpoint.map(str::to_owned);
        self.read(move |db| events::after(db, after, endpoint.as_deref(), max))
            .await
    }

    async fn backlog_page(
        &self,
        endpoint: &str,
        mailbox: Option<&MailboxKey>,
        since: Option<DateTime<Utc>>,
        before: Option<u32>,
        max: usize,
    ) -> Result<BacklogPage, Error> {
        let mailbox = named(endpoint, mailbox)?;
        self.read(move |db| backlog_wish::page(db, &mailbox, since, before, max.clamp(1, JobFilter::MOST)))
            .await
    }

    async fn backlog_take(
        &self,
        endpoint: &str,
        mailbox: Option<&MailboxKey>,
        wish: BacklogWish,
    ) -> Result<BacklogAnswer, Error> {
        let mailbox = named(endpoint, mailbox)?;
        self.change(move |tx| backlog_wish::take(tx, &mailbox, &wish)).await
    }

    async fn backlog_skip(&self, endpoint: &str, mailbox: Option<&MailboxKey>) -> Result<BacklogAnswer, Error> {
        let mailbox = named(endpoint, mailbox)?;
        self.change(move |tx| backlog_wish::skip(tx, &mailbox)).await
    }

    async fn newest_event(&self) -> Result<EventCursor, Error> {
        self.read(|db| events::newest(db)).await
    }
}
