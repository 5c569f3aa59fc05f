//! What the ledger in memory knows of mails that lay there before.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::memory::Memory;
use crate::ledger::*;

#[async_trait]
impl BacklogLedger for Memory {
    async fn backlog(&self, _: &MailboxKey) -> Result<Option<BacklogSummary>, Error> {
        Ok(self.state.lock().unwrap().backlog)
    }

    async fn backlog_choice(&self, _: &MailboxKey) -> Result<Option<BacklogChoice>, Error> {
        Ok(self.state.lock().unwrap().choice)
    }

    async fn backlog_wait(&self, _: &WatchedMailbox, cursor: Cursor) -> Result<Cursor, Error> {
        Ok(*self.state.lock().unwrap().waited.get_or_insert(cursor))
    }

    async fn backlog_waited(&self, _: &MailboxKey) -> Result<Option<Cursor>, Error> {
        Ok(self.state.lock().unwrap().waited)
    }

    async fn knows_account(&self, _: &str) -> Result<bool, Error> {
        Ok(self.state.lock().unwrap().knows_account)
    }

    async fn backlog_begun(&self, _: &WatchedMailbox) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(self.state.lock().unwrap().begun)
    }

    async fn backlog_came(&self, _: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        state.old.retain(|mail| !uids.contains(&mail.uid));
        state.old_wanted.extend(uids);
        Ok(())
    }

    async fn backlog_begin(&self, _: &WatchedMailbox, cursor: Cursor, _: Option<DateTime<Utc>>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        state.cursor = Some(cursor);
        state.backlog.get_or_insert_default().listed = false;
        Ok(())
    }

    async fn backlog_try(&self, _: &WatchedMailbox) -> Result<u32, Error> {
        Ok(1)
    }

    async fn backlog_note(&self, _: &WatchedMailbox, _: u32, mails: Vec<OldMail>) -> Result<(), Error> {
        self.state.lock().unwrap().old.extend(mails);
        Ok(())
    }

    async fn backlog_listed(&self, _: &WatchedMailbox, older: u64) -> Result<BacklogSummary, Error> {
        let mut state = self.state.lock().unwrap();
        let left = state.old.len() as u64 + older;
        let backlog = state.backlog.get_or_insert_default();
        *backlog = BacklogSummary {
            left,
            older,
            listed: true,
            ..*backlog
        };
        Ok(*backlog)
    }

    async fn backlog_wanted(&self, _: &MailboxKey, max: usize) -> Result<Vec<u32>, Error> {
        let state = self.state.lock().unwrap();
        Ok(state.old_wanted.iter().take(max).copied().collect())
    }

    async fn backlog_taken(&self, _: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        self.state.lock().unwrap().old_wanted.retain(|uid| !uids.contains(uid));
        Ok(())
    }

    async fn backlog_want(&self, _: &WatchedMailbox, _: Option<DateTime<Utc>>) -> Result<u64, Error> {
        let mut state = self.state.lock().unwrap();
        let uids: Vec<_> = state.old.drain(..).map(|mail| mail.uid).collect();
        state.old_wanted.extend(&uids);
        Ok(uids.len() as u64)
    }

    async fn maildrop_first(
        &self,
        mailbox: &WatchedMailbox,
        cursor: Cursor,
        _: Option<DateTime<Utc>>,
        mails: Vec<(MaildropName, OldMail)>,
    ) -> Result<(), Error> {
        self.backlog_begin(mailbox, cursor, None).await?;
        self.maildrop_sort(mailbox, mails).await
    }

    async fn maildrop_sort(&self, mailbox: &WatchedMailbox, mails: Vec<(MaildropName, OldMail)>) -> Result<(), Error> {
        let (names, mails): (Vec<_>, Vec<_>) = mails.into_iter().unzip();
        self.state.lock().unwrap().old.extend(mails);
        self.maildrop_skip(mailbox, names).await
    }

    async fn installation(&self) -> Result<[u8; 16], Error> {
        Ok([7; 16])
    }

    async fn probes(&self, _: &MailboxKey) -> Result<Vec<(u32, u32)>, Error> {
        Ok(self.state.lock().unwrap().probes.clone())
    }

    async fn note_probes(&self, _: &WatchedMailbox, places: Vec<(u32, u32)>) -> Result<(), Error> {
        self.state.lock().unwrap().probes = places;
        Ok(())
    }
}
