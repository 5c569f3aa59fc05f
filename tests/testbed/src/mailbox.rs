//! What tests ask of mailboxes and do to them, past every protection and byte by byte.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{
    dovecot::Dovecot,
    imap::{Session, Stored, quoted},
};

/// How often a mailbox is emptied and filled again, where others make it anew at the same time.
const RESETS: u32 = 20;

impl Dovecot {
    async fn session(&self, user: &str) -> Result<Session> {
        Session::start(&self.conf(), user).await
    }

    /// How many mails a mailbox holds; 0 when there is no such mailbox.
    ///
    /// # Errors
    /// When Dovecot can't be asked.
    pub async fn count(&self, user: &str, mailbox: &str) -> Result<usize> {
        let mut session = self.session(user).await?;
        if !session.has(mailbox).await? {
            return Ok(0);
        }
        Ok(session.status(mailbox, "MESSAGES").await? as usize)
    }

    /// Waits until a mailbox holds exactly `count` mails.
    ///
    /// # Errors
    /// When it doesn't within `patience`; the error tells how many it holds.
    pub async fn wait_for(&self, user: &str, mailbox: &str, count: usize, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let now = self.count(user, mailbox).await?;
            if now == count {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{mailbox} of {user} holds {now} mails after {patience:?}, not {count}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The mails of a mailbox as they are stored, in the order of their UIDs.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn mailbox(&self, user: &str, mailbox: &str) -> Result<Vec<Vec<u8>>> {
        let stored = self.stored(user, mailbox, "BODY.PEEK[]").await?;
        Ok(stored.into_iter().map(|mail| mail.raw).collect())
    }

    /// The UIDs of a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn uids(&self, user: &str, mailbox: &str) -> Result<Vec<u32>> {
        let stored = self.stored(user, mailbox, "UID").await?;
        Ok(stored.into_iter().map(|mail| mail.uid).collect())
    }

    /// The flags of each mail of a mailbox, such as `\Seen \Flagged`, in the order of their UIDs.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn flags(&self, user: &str, mailbox: &str) -> Result<Vec<String>> {
        let stored = self.stored(user, mailbox, "FLAGS").await?;
        Ok(stored.into_iter().map(|mail| mail.flags).collect())
    }

    async fn stored(&self, user: &str, mailbox: &str, items: &str) -> Result<Vec<Stored>> {
        let mut session = self.session(user).await?;
        session.command(&format!("EXAMINE {}", quoted(mailbox))).await?;
        session.stored(items).await
    }

    /// Stores a mail in a mailbox by APPEND, which is made if missing: as a person does who drags it there.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn append(&self, user: &str, mailbox: &str, mail: &[u8]) -> Result<()> {
        let mut session = self.session(user).await?;
        if !session.has(mailbox).await? {
            session.command(&format!("CREATE {}", quoted(mailbox))).await?;
        }
        session.append(mailbox, "", mail).await
    }

    /// Does something to the mails of a mailbox, such as `UID MOVE 1:* Other`: as a person or another mail program does.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn act(&self, user: &str, mailbox: &str, command: &str) -> Result<()> {
        let mut session = self.session(user).await?;
        session.command(&format!("SELECT {}", quoted(mailbox))).await?;
        session.command(command).await?;
        Ok(())
    }

    /// The UIDVALIDITY of a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn uid_validity(&self, user: &str, mailbox: &str) -> Result<u32> {
        let mut session = self.session(user).await?;
        session.status(mailbox, "UIDVALIDITY").await
    }

    /// How many mails of a mailbox no session has been told of yet (`\Recent`), without telling one.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn recent(&self, user: &str, mailbox: &str) -> Result<u32> {
        let mut session = self.session(user).await?;
        session.status(mailbox, "RECENT").await
    }

    /// Gives a mailbox a new UIDVALIDITY and its mails new UIDs from 1 on, as happens when a server is restored or moved.
    /// Flags and order stay. Sessions that have the mailbox open end.
    ///
    /// # Errors
    /// When there is no such mailbox; and for the INBOX of a Maildir, which Dovecot does not delete.
    pub async fn reset_uid_validity(&self, user: &str, mailbox: &str) -> Result<()> {
        let mails = self.stored(user, mailbox, "BODY.PEEK[]").await?;
        // While another session makes the deleted mailbox anew, Dovecot may refuse a mail with NO [SERVERBUG], or lose those that it
        // took just then (2.3, 2026-11).
        for _ in 0..RESETS {
            self.doveadm(&["mailbox", "delete", "-u", user, mailbox], &[0]).await?;
            if self.refill(user, mailbox, &mails).await.is_ok() && self.count(user, mailbox).await? == mails.len() {
                return Ok(());
            }
        }
        bail!(
            "{mailbox} of {user} does not hold its {} mails after {RESETS} tries",
            mails.len()
        )
    }

    /// Stores mails in a mailbox that was deleted.
    async fn refill(&self, user: &str, mailbox: &str, mails: &[Stored]) -> Result<()> {
        let mut session = self.session(user).await?;
        if mailbox != "INBOX" {
            session.command(&format!("CREATE {}", quoted(mailbox))).await?;
        }
        for mail in mails {
            session.append(mailbox, &mail.flags, &mail.raw).await?;
        }
        Ok(())
    }
}
