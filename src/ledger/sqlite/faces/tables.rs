//! Notices to the operator, versions of files, and what waits in numbers.

use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::ledger::{
    Error, JobNews, MailboxKey, NewsMark, NoticeTable, SealedVersion, SentNotices, VersionTable,
    counts::{Countable, Counts},
    rules::{backlog_wish, file_versions, notices, settle},
    sqlite::{Sqlite, inspect, side::ExternalSqlite},
    values::micros,
    views::{counts, news},
};

#[async_trait]
impl NoticeTable for Sqlite {
    async fn told(&self) -> Result<SentNotices, Error> {
        self.readers.read(|db| notices::told(db)).await
    }

    async fn news(&self, examples: usize) -> Result<(Vec<JobNews>, NewsMark), Error> {
        self.readers.read(move |db| news::news(db, examples)).await
    }

    async fn note_told(
        &self,
        told: Vec<String>,
        over: Vec<String>,
        jobs: Option<NewsMark>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.post
            .ask(0, move |tx| {
                notices::note(tx.db, &told, &over, at)?;
                jobs.map_or(Ok(()), |mark| news::forget(tx.db, mark))
            })
            .await
    }
}

#[async_trait]
impl VersionTable for Sqlite {
    async fn versions(&self) -> Result<Vec<SealedVersion>, Error> {
        self.readers.read(|db| file_versions::all(db)).await
    }

    async fn revise(&self, keep: Vec<SealedVersion>, dropped: Vec<(String, i64)>) -> Result<(), Error> {
        let size = keep.iter().map(|version| version.sealed.len()).sum();
        self.post
            .ask(size, move |tx| file_versions::revise(tx.db, &keep, &dropped))
            .await
    }
}

/// The versions of a ledger that another process may have open. Changes nothing, not even an older schema.
///
/// # Errors
/// When there is no such ledger, it can't be read, or an older Mailjob wrote it that kept none.
pub(in crate::ledger) async fn versions_beside(path: &Path) -> Result<Vec<SealedVersion>, Error> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || file_versions::all(&inspect::beside(&path)?));
    read.await
        .map_err(|error| Error::Engine(format!("the ledger was not looked at: {error}")))?
}

#[async_trait]
impl Countable for Sqlite {
    async fn counts(&self) -> Result<Counts, Error> {
        let mut counts = self.readers.read(|db| counts::counts(db)).await?;
        counts.unwritable = self.shared.unwritable();
        Ok(counts)
    }

    async fn unsettled(&self, mailbox: &MailboxKey, before: DateTime<Utc>) -> Result<u64, Error> {
        let mailbox = mailbox.clone();
        self.searches
            .read(move |db| settle::unsettled(db, &mailbox, micros(before)))
            .await
    }

    async fn is_decided(&self, mailbox: &MailboxKey) -> Result<bool, Error> {
        let mailbox = mailbox.clone();
        self.readers
            .read(move |db| backlog_wish::is_decided(db, &mailbox))
            .await
    }
}

#[async_trait]
impl Countable for ExternalSqlite {
    async fn counts(&self) -> Result<Counts, Error> {
        self.with(|db| counts::counts(db)).await
    }

    async fn unsettled(&self, mailbox: &MailboxKey, before: DateTime<Utc>) -> Result<u64, Error> {
        let mailbox = mailbox.clone();
        self.with(move |db| settle::unsettled(db, &mailbox, micros(before)))
            .await
    }

    async fn is_decided(&self, mailbox: &MailboxKey) -> Result<bool, Error> {
        let mailbox = mailbox.clone();
        self.with(move |db| backlog_wish::is_decided(db, &mailbox)).await
    }
}
