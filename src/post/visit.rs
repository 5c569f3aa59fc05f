//! A mailbox that is visited, by IMAP or by POP3: one face for both.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{
    config::{Fate, ReadBy},
    watch::{
        error::{Error, Refusal},
        pop3::visit as pop3,
        visit as imap,
    },
};

/// Bytes of a mail's beginning in which its header is looked for first. IMAP only: what is longer is read whole.
const BEGINNING: u32 = 64 << 10;
/// Bytes of a header at most, as everywhere (`message::read`).
const MAX_HEADER: u64 = 1 << 20;

/// Whose mailbox, and how it is read.
#[derive(Clone)]
pub struct Host {
    /// IMAP or POP3.
    pub protocol: ReadBy,
    /// The account, its server for that protocol, its sign-in.
    pub host: imap::Host,
}

/// A mail in the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// What it is called in this session: the UID, or the number.
    pub(super) number: u32,
    /// Its name for good: the UID, or the unique id.
    pub(super) uid: String,
    /// Bytes, as the server says.
    pub(super) size: u64,
}

/// A mail that was asked for.
pub(super) enum Read {
    Whole {
        bytes: Bytes,
        received: Option<DateTime<Utc>>,
    },
    TooLarge,
    /// The server does not give it, and its words for that.
    Refused(String),
    /// Somebody else took it.
    Gone,
}

pub(super) enum Visit {
    Imap(imap::Visit),
    Pop3(pop3::Visit),
}

impl Visit {
    pub(super) async fn open(host: &Host, mailbox: &str, touches: bool) -> Result<Self, Error> {
        let manners = if touches {
            imap::Manners::Touch
        } else {
            imap::Manners::Look
        };
        Ok(match host.protocol {
            ReadBy::Pop3 => Self::Pop3(pop3::Visit::open(&host.host).await?),
            ReadBy::Imap => Self::Imap(imap::Visit::open(&host.host, mailbox, manners).await?),
        })
    }

    /// UIDVALIDITY, where there is such a thing.
    pub(super) fn uid_validity(&self) -> Option<u32> {
        match self {
            Self::Imap(visit) => Some(visit.uid_validity()),
            Self::Pop3(_) => None,
        }
    }

    /// Whether what is deleted is gone in the end.
    pub(super) fn expunges(&self) -> bool {
        match self {
            Self::Imap(visit) => visit.expunges(),
            Self::Pop3(_) => true,
        }
    }

    /// All mails, oldest first.
    pub(super) async fn list(self) -> Result<(Self, Vec<Listed>), Error> {
        let mut visit = match self {
            Self::Imap(visit) => visit,
            Self::Pop3(visit) => {
                let (visit, listed) = visit.list().await?;
                let listed = listed.into_iter().map(|mail| Listed {
                    number: mail.number,
                    uid: mail.uidl,
                    size: mail.size,
                });
                return Ok((Self::Pop3(visit), listed.collect()));
            }
        };
        let (mut all, mut from) = (Vec::new(), 1);
        loop {
            let (listed, more);
            (visit, listed, more) = visit.list(from).await?;
            all.extend(listed.iter().map(|mail| Listed {
                number: mail.uid,
                uid: mail.uid.to_string(),
                size: mail.size,
            }));
            match listed.last().and_then(|last| last.uid.checked_add(1)) {
                Some(next) if more => from = next,
                _ => return Ok((Self::Imap(visit), all)),
            }
        }
    }

    /// The beginnings of these mails, each with its header if that is not too long; a mail that is not there any more is left out.
    pub(super) async fn beginnings(self, mails: &[Listed]) -> Result<(Self, Vec<(u32, Bytes)>), Error> {
        match self {
            Self::Imap(visit) => {
                let numbers: Vec<_> = mails.iter().map(|mail| mail.number).collect();
                let (visit, found) = visit.beginnings(&numbers, BEGINNING).await?;
                Ok((Self::Imap(visit), found))
            }
            Self::Pop3(mut visit) => {
                let mut found = Vec::new();
                for mail in mails {
                    let read;
                    (visit, read) = visit.header(mail.number, MAX_HEADER).await?;
                    // Without TOP, nothing of it is known yet.
                    let bytes = match read {
                        pop3::Read::Whole(bytes) => bytes.into(),
                        pop3::Read::TooLarge | pop3::Read::Refused(_) => Bytes::new(),
                    };
                    found.push((mail.number, bytes));
                }
                Ok((Self::Pop3(visit), found))
            }
        }
    }

    /// A mail of at most `limit` bytes.
    pub(super) async fn read(self, mail: &Listed, limit: u64) -> Result<(Self, Read), Error> {
        // What says of itself that it is too large is not asked for.
        if mail.size > limit {
            return Ok((self, Read::TooLarge));
        }
        Ok(match self {
            Self::Imap(visit) => {
                let (visit, read) = visit.read(mail.number, limit).await?;
                let read = match read {
                    imap::Read::Whole { bytes, received } => Read::Whole {
                        bytes: bytes.into(),
                        received,
                    },
                    imap::Read::TooLarge => Read::TooLarge,
                    imap::Read::Gone => Read::Gone,
                    imap::Read::Refused(why) => Read::Refused(why.to_string()),
                };
                (Self::Imap(visit), read)
            }
            Self::Pop3(visit) => {
                let (visit, read) = visit.read(mail.number, limit).await?;
                let read = match read {
                    pop3::Read::Whole(bytes) => Read::Whole {
                        bytes: bytes.into(),
                        received: None,
                    },
                    pop3::Read::TooLarge => Read::TooLarge,
                    pop3::Read::Refused(answer) => Read::Refused(answer.to_string()),
                };
                (Self::Pop3(visit), read)
            }
        })
    }

    /// The last touch of a mail. By POP3 a deletion counts only once [`Self::leave`] went well.
    pub(super) async fn touch(self, mail: &Listed, fate: &Fate) -> Result<(Self, Result<(), Refusal>), Error> {
        match (self, fate) {
            (visit, Fate::Keep) => Ok((visit, Ok(()))),
            (Self::Imap(visit), fate) => {
                let (visit, answer) = visit.touch(mail.number, fate).await?;
                Ok((Self::Imap(visit), answer))
            }
            (Self::Pop3(visit), Fate::Delete) => {
                let (visit, answer) = visit.delete(mail.number).await?;
                Ok((Self::Pop3(visit), answer))
            }
            // Flags and other mailboxes are not known here; such a wish is refused before.
            (visit @ Self::Pop3(_), Fate::Mark | Fate::Flag | Fate::Move(_)) => Ok((visit, Ok(()))),
        }
    }

    /// Ends the session.
    pub(super) async fn leave(self) -> Result<(), Error> {
        match self {
            Self::Imap(visit) => visit.leave().await,
            Self::Pop3(visit) => visit.leave().await?,
        }
        Ok(())
    }
}
