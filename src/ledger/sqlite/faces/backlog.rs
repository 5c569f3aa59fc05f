//! Mails that lay in a mailbox before it was watched, as the watch asks for them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::ledger::{
    BacklogChoice, BacklogLedger, BacklogSummary, Cursor, Error, MailboxKey, MaildropName, OldMail, WatchedMailbox,
    rules::{backlog, backlog_sort, backlog_wish, transaction::Transaction},
    sqlite::Sqlite,
    values::{micros, signed},
};

#[async_trait]
impl BacklogLedger for Sqlite {
    async fn backlog(&self, mailbox: &MailboxKey) -> Result<Option<BacklogSummary>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| backlog::backlog(db, &mailbox)).await
    }

    async fn backlog_choice(&self, mailbox: &MailboxKey) -> Result<Option<BacklogChoice>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| backlog::choice(db, &mailbox)).await
    }

    async fn backlog_wait(&self, mailbox: &WatchedMailbox, cursor: Cursor) -> Result<Cursor, Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| backlog::wait(tx, &mailbox, cursor)).await
    }

    async fn backlog_waited(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| backlog::waited(db, &mailbox)).await
    }

    async fn knows_account(&self, account: &str) -> Result<bool, Error> {
        let account = account.to_owned();
        self.readers.read(move |db| backlog::knows_account(db, &account)).await
    }

    async fn backlog_begun(&self, mailbox: &WatchedMailbox) -> Result<Option<DateTime<Utc>>, Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| backlog::begun(tx, &mailbox)).await
    }

    async fn backlog_came(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| backlog_wish::came(tx, &mailbox, uids)).await
    }

    async fn backlog_begin(
        &self,
        mailbox: &WatchedMailbox,
        cursor: Cursor,
        take_since: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| {
                backlog::begin(tx, &mailbox, cursor, take_since.map(micros))
            })
            .await
    }

    async fn backlog_try(&self, mailbox: &WatchedMailbox) -> Result<u32, Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| backlog::attempt(tx, &mailbox)).await
    }

    async fn backlog_note(
        &self,
        mailbox: &WatchedMailbox,
        uid_validity: u32,
        mails: Vec<OldMail>,
    ) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| backlog_sort::note(tx, &mailbox, uid_validity, &mails))
            .await
    }

    async fn backlog_listed(&self, mailbox: &WatchedMailbox, older: u64) -> Result<BacklogSummary, Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| backlog::listed(tx, &mailbox, older)).await
    }

    async fn backlog_wanted(&self, mailbox: &MailboxKey, max: usize) -> Result<Vec<u32>, Error> {
        let mailbox = mailbox.clone();
        self.readers
            .read(move |db| backlog::wanted(db, &mailbox, signed(max)))
            .await
    }

    async fn backlog_taken(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post.ask(0, move |tx| backlog::taken(tx, &mailbox, &uids)).await
    }

    async fn backlog_want(&self, mailbox: &WatchedMailbox, since: Option<DateTime<Utc>>) -> Result<u64, Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| backlog::wanted_by_file(tx, &mailbox, since))
            .await
    }

    async fn maildrop_first(
        &self,
        mailbox: &WatchedMailbox,
        cursor: Cursor,
        take_since: Option<DateTime<Utc>>,
        mails: Vec<(MaildropName, OldMail)>,
    ) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        let first = move |tx: &mut Transaction<'_>| {
            backlog::begin(tx, &mailbox, cursor, take_since.map(micros))?;
            backlog_sort::sort_maildrop(tx, &mailbox, mails, true)
        };
        self.post.ask(0, first).await
    }

    async fn maildrop_sort(&self, mailbox: &WatchedMailbox, mails: Vec<(MaildropName, OldMail)>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| backlog_sort::sort_maildrop(tx, &mailbox, mails, false))
            .await
    }

    async fn installation(&self) -> Result<[u8; 16], Error> {
        self.readers.read(|db| backlog::installation(db)).await
    }

    async fn probes(&self, mailbox: &MailboxKey) -> Result<Vec<(u32, u32)>, Error> {
        let mailbox = mailbox.clone();
        self.readers.read(move |db| backlog::probes(db, &mailbox)).await
    }

    async fn note_probes(&self, mailbox: &WatchedMailbox, places: Vec<(u32, u32)>) -> Result<(), Error> {
        let mailbox = mailbox.clone();
        self.post
            .ask(0, move |tx| backlog::note_probes(tx, &mailbox, &places))
            .await
    }
}
