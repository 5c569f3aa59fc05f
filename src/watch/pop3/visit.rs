//! A visit to a maildrop, beside the watch: mails are listed, read and deleted, and the ledger hears of nothing.
//!
//! While it lasts, the maildrop is locked (RFC 1939 section 4): a watch of the same one waits.

use async_trait::async_trait;

use bytes::Bytes;

use super::{
    login,
    maildrop::{self, MaildropEntry},
    secure,
    take::{Received, receive},
    whole::SizeRecord,
    wire::Pop3Connection,
};
use crate::{
    config::SettleAction,
    ledger::MaildropName,
    net,
    watch::{
        door::{self, CONNECT, Connector},
        error::{Refusal, WatchError, Words},
        source::{Fetched, FetchedMail, Item, OpenMailbox},
        visit::MailboxHost,
    },
};

/// Bytes of a header at most, as everywhere (`message::read`).
const MAX_HEADER: usize = 1 << 20;

#[async_trait]
impl Connector<Pop3Connection> for MailboxHost {
    async fn connect(&self) -> Result<Pop3Connection, WatchError> {
        let socket = net::tcp(&self.server, CONNECT).await?;
        let (wire, _) = secure(socket, &self.server, self.account.tls()).await?;
        Ok(wire)
    }
}

/// An open maildrop.
pub struct Pop3Visit {
    wire: Pop3Connection,
    record: SizeRecord,
}

impl Pop3Visit {
    /// Connects and signs in, within 90 s.
    ///
    /// # Errors
    /// When there is no way in, or the maildrop is another's now.
    pub async fn open(host: &MailboxHost) -> Result<Self, WatchError> {
        let enter = async |wire, credential| login::open(wire, &host.who(&credential)).await;
        let (wire, _) = door::admitted(host, enter).await?;
        let mut record = SizeRecord::default();
        record.greeted(&wire.greeting);
        Ok(Self { wire, record })
    }
}

impl OpenMailbox for Pop3Visit {
    type Key = u32;

    fn uid_validity(&self) -> Option<u32> {
        None
    }

    fn expunges(&self) -> bool {
        true
    }

    async fn list(self) -> Result<(Self, Vec<Item<u32>>), WatchError> {
        let (wire, listing) = maildrop::list(self.wire).await?;
        if listing.odd.lines > 0 {
            tracing::warn!(lines = listing.odd.lines, first = %listing.odd.first, "the server lists mails in a way that can't be read");
        }
        let item = |mail: MaildropEntry| Item {
            key: mail.number,
            name: mail.name.uidl,
            size: mail.name.size,
        };
        let items = listing.mails.into_iter().map(item).collect();
        Ok((Self { wire, ..self }, items))
    }

    /// By TOP (RFC 1939 section 7), which a server need not have: then nothing of a mail is known yet.
    async fn beginnings(mut self, mails: &[Item<u32>]) -> Result<(Self, Vec<(u32, Bytes)>), WatchError> {
        let mut found = Vec::with_capacity(mails.len());
        for mail in mails {
            let beginning;
            (self.wire, beginning) = match self.wire.retrieve_by("TOP", &format!("{} 0", mail.key)).await? {
                Ok(body) => {
                    let (beginning, mut wire, _) = body.head(MAX_HEADER, u64::MAX).await?;
                    wire.quiet("the next command").await?;
                    (wire, beginning)
                }
                Err((wire, _)) => (wire, Vec::new()),
            };
            found.push((mail.key, beginning.into()));
        }
        Ok((self, found))
    }

    async fn fetch(
        mut self,
        mail: &Item<u32>,
        limit: u64,
        kept: &mut FetchedMail,
    ) -> Result<(Self, Fetched), WatchError> {
        let body = match self.wire.retrieve(mail.key).await? {
            Ok(body) => body,
            Err((wire, answer)) => return Ok((Self { wire, ..self }, Fetched::Not(Words::new(&answer.to_string())))),
        };
        let name = MaildropName {
            uidl: mail.name.clone(),
            size: mail.size,
        };
        let (wire, fetched) = match receive(body, &name, limit, kept, &mut self.record).await? {
            Received::Whole(wire) => (wire, Fetched::Whole),
            Received::Short(wire, why) => (wire, Fetched::Not(Words::new(&why))),
            // Its rest is read and thrown away, so that the session can go on.
            Received::TooLarge(next) => (next.passed().await?, Fetched::TooLarge),
            Received::Over(error) => return Err(error),
        };
        Ok((Self { wire, ..self }, fetched))
    }

    /// Flags and other mailboxes are not known here; such a wish is refused before. A mail is deleted only once [`Self::leave`] went well.
    async fn settle(self, mail: &Item<u32>, fate: &SettleAction) -> Result<(Self, Result<(), Refusal>), WatchError> {
        match fate {
            SettleAction::Keep | SettleAction::Mark | SettleAction::Flag | SettleAction::Move(_) => Ok((self, Ok(()))),
            SettleAction::Delete => {
                let (wire, answer) = self.wire.try_run("DELE", &mail.key.to_string()).await?;
                Ok((Self { wire, ..self }, answer))
            }
        }
    }

    async fn leave(self) -> Result<(), WatchError> {
        self.wire.quit().await
    }
}
