//! Receives mails: finds those that are meant, writes each to the disk, then touches it in the mailbox, then tells of it.

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    Element, Shelf, Steps,
    look::{choose, fetch},
    page::MailboxEffect,
    parcel::{self, UnpackedMail},
    shelf::ShelvedMail,
};
use crate::{
    config::{Filter, Limits, ReadBy, SettleAction},
    message::Unreadable,
    plural,
    watch::{
        error::WatchError,
        pop3,
        source::{Fetched, FetchedMail, Item, OpenMailbox},
        visit::{self, VisitOptions},
    },
};

/// Mails whose headers are asked for at once.
const AT_ONCE: usize = 32;

/// Whose mailbox, and how it is read.
#[derive(Clone)]
pub struct ReceiveHost {
    /// IMAP or POP3.
    pub protocol: ReadBy,
    /// The account, its server for that protocol, its sign-in.
    pub host: visit::MailboxHost,
}

/// What is to be received.
#[derive(Debug, Clone)]
pub struct ReceiveRequest {
    /// The mailbox's name.
    pub mailbox: String,
    /// Whose `from` and `subject` count.
    pub filter: Filter,
    /// Globs of media types: mails that have such an attachment, and only such attachments. All where there is none.
    pub media_types: Vec<String>,
    /// So many mails at the most; all where nothing is said.
    pub count: Option<usize>,
    /// What becomes of a received mail in the mailbox.
    pub fate: SettleAction,
    /// What a mail may cost.
    pub limits: Limits,
}

impl ReceiveRequest {
    /// Whether this can be done by a protocol.
    ///
    /// # Errors
    /// In words, when it can't.
    pub fn suits(&self, protocol: ReadBy) -> Result<(), &'static str> {
        let pop3 = protocol == ReadBy::Pop3;
        match self.fate {
            _ if !pop3 => Ok(()),
            _ if !self.mailbox.eq_ignore_ascii_case("INBOX") => {
                Err("POP3 knows one mailbox only: leave --mailbox out, or read by IMAP")
            }
            SettleAction::Mark | SettleAction::Flag | SettleAction::Move(_) => {
                Err("POP3 can keep or delete mails, nothing else: --then keep or --then delete, or read by IMAP")
            }
            SettleAction::Keep | SettleAction::Delete => Ok(()),
        }
    }
}

/// How much was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiveCounts {
    /// Mails that were received, those that can't be read among them.
    pub received: usize,
    /// Mails with which something went wrong: unreadable, too large, or not to be touched.
    pub troubled: usize,
    /// Mails of which nobody knows whether they are meant, since they can't be read.
    pub unknown: usize,
    /// Deleted mails stay, marked, until somebody expunges the mailbox: the server has no UIDPLUS.
    pub marked_only: bool,
}

/// Why it went no further.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The server.
    #[error(transparent)]
    Server(#[from] WatchError),
    /// The disk.
    #[error("{} can't be written: {source}", .folder.display())]
    Disk {
        /// Where to.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody listens.
    #[error("what was received can't be told: {0}")]
    Output(io::Error),
}

/// Hears of each mail that was received: what is told of it, and the mail as it came.
pub type OnReceived<'a> = &'a mut (dyn FnMut(&Element, &[u8]) -> io::Result<()> + Send);

/// Receives mails, oldest first.
///
/// # Errors
/// When it went no further. What was told of until then is received; by POP3, deletions count only when all went well.
pub async fn receive(
    host: &ReceiveHost,
    wanted: &ReceiveRequest,
    shelf: Option<Shelf>,
    on: Steps<'_>,
    tell: OnReceived<'_>,
) -> Result<ReceiveCounts, ReceiveError> {
    let server = &host.host.server;
    on(&format!(
        "connecting to {}:{} by {}",
        server.host,
        server.port,
        host.protocol.name()
    ));
    match host.protocol {
        ReadBy::Imap => {
            let manners = match wanted.fate {
                SettleAction::Keep => VisitOptions::Look,
                SettleAction::Mark | SettleAction::Flag | SettleAction::Move(_) | SettleAction::Delete => {
                    VisitOptions::Touch
                }
            };
            let visit = visit::ImapVisit::open(&host.host, &wanted.mailbox, manners).await?;
            receive_from(visit, wanted, shelf, on, tell).await
        }
        ReadBy::Pop3 => {
            let visit = pop3::visit::Pop3Visit::open(&host.host).await?;
            receive_from(visit, wanted, shelf, on, tell).await
        }
    }
}

async fn receive_from<M: OpenMailbox>(
    visit: M,
    wanted: &ReceiveRequest,
    shelf: Option<Shelf>,
    on: Steps<'_>,
    tell: OnReceived<'_>,
) -> Result<ReceiveCounts, ReceiveError> {
    let mut taker = MailReceiver {
        wanted,
        shelf: shelf.map(Arc::new),
        uid_validity: visit.uid_validity(),
        tally: ReceiveCounts {
            marked_only: wanted.fate == SettleAction::Delete && !visit.expunges(),
            ..ReceiveCounts::default()
        },
        tell,
    };
    let (mut visit, listed) = visit.list().await?;
    on(&format!(
        "{} in {}",
        plural::counted(listed.len(), "mail"),
        wanted.mailbox
    ));
    'all: for group in listed.chunks(AT_ONCE) {
        if taker.is_full() {
            break;
        }
        let found;
        (visit, found) = choose(visit, group, &wanted.filter, &wanted.limits).await?;
        taker.tally.unknown += found.unknown;
        for mail in found.meant {
            if taker.is_full() {
                break 'all;
            }
            on(&format!("receiving mail {} ({} bytes)", mail.name, mail.size));
            visit = taker.take(visit, &mail).await?;
        }
    }
    visit.leave().await?;
    let mut tally = taker.tally;
    tally.marked_only &= tally.received > 0;
    Ok(tally)
}

struct MailReceiver<'a> {
    wanted: &'a ReceiveRequest,
    shelf: Option<Arc<Shelf>>,
    uid_validity: Option<u32>,
    tally: ReceiveCounts,
    tell: OnReceived<'a>,
}

impl MailReceiver<'_> {
    fn is_full(&self) -> bool {
        self.wanted.count.is_some_and(|count| self.tally.received >= count)
    }

    async fn take<M: OpenMailbox>(&mut self, visit: M, mail: &Item<M::Key>) -> Result<M, ReceiveError> {
        let limits = &self.wanted.limits;
        let mut kept = FetchedMail::default();
        let (visit, fetched) = fetch(visit, mail, limits.size, &mut kept).await?;
        let (raw, received) = match fetched {
            Fetched::Whole => (Bytes::from(kept.bytes), kept.received),
            Fetched::Gone => return Ok(visit),
            Fetched::TooLarge => {
                let why = format!(
                    "the mail has {} bytes, and {} are allowed: --max-size",
                    mail.size, limits.size
                );
                self.told(&mut self.element(mail, None), &[], Some(why))?;
                return Ok(visit);
            }
            Fetched::Not(answer) => {
                let why = format!("the server does not give the mail: {answer}");
                self.told(&mut self.element(mail, None), &[], Some(why))?;
                return Ok(visit);
            }
        };
        let opened = parcel::open(raw.clone(), limits, &self.wanted.media_types).await;
        let parcel = match opened {
            Ok(Some(parcel)) => Ok(parcel),
            Ok(None) => return Ok(visit),
            Err(_) if !self.wanted.media_types.is_empty() => {
                self.tally.unknown += 1;
                return Ok(visit);
            }
            Err(unreadable) => Err(unreadable),
        };
        let mut element = self.element(mail, received);
        element.size = raw.len() as u64;
        let why = self.keep(&mut element, &raw, parcel).await?;
        self.tally.received += 1;
        self.settle(visit, mail, element, &raw, why).await
    }

    /// Writes a mail to the disk, if that is wanted. Gives back what is wrong with the mail.
    async fn keep(
        &self,
        element: &mut Element,
        raw: &Bytes,
        parcel: Result<UnpackedMail, Unreadable>,
    ) -> Result<Option<String>, ReceiveError> {
        let mut contents = ShelvedMail {
            raw: raw.clone(),
            ..ShelvedMail::default()
        };
        let why = match parcel {
            Ok(parcel) => {
                contents.text.clone_from(&parcel.mail.text);
                contents.html.clone_from(&parcel.mail.html);
                contents.attachments = parcel.files;
                element.mail = Some(parcel.mail);
                None
            }
            Err(unreadable) => Some(unreadable.to_string()),
        };
        let Some(shelf) = self.shelf.clone() else {
            return Ok(why);
        };
        let dir = shelf.dir().to_owned();
        let stored = tokio::task::spawn_blocking(move || shelf.store(&contents)).await;
        let stored = stored.map_err(io::Error::other).flatten();
        let folder = stored.map_err(|source| ReceiveError::Disk { folder: dir, source })?;
        element.folder = Some(folder.to_string_lossy().into_owned());
        Ok(why)
    }

    /// The last touch, then the telling: of a mail that was touched somebody always hears.
    async fn settle<M: OpenMailbox>(
        &mut self,
        visit: M,
        mail: &Item<M::Key>,
        mut element: Element,
        raw: &[u8],
        why: Option<String>,
    ) -> Result<M, ReceiveError> {
        match visit.settle(mail, &self.wanted.fate).await {
            Ok((visit, Ok(()))) => {
                element.then = MailboxEffect::from(&self.wanted.fate);
                self.told(&mut element, raw, why)?;
                Ok(visit)
            }
            Ok((visit, Err(answer))) => {
                let refused = format!("the server leaves the mail where it is: {answer}");
                self.told(&mut element, raw, Some(why.unwrap_or(refused)))?;
                Ok(visit)
            }
            Err(error) => {
                let unknown = format!("whether the mail is still in the mailbox is not known: {error}");
                self.told(&mut element, raw, Some(why.unwrap_or(unknown)))?;
                Err(error.into())
            }
        }
    }

    fn told(&mut self, element: &mut Element, raw: &[u8], why: Option<String>) -> Result<(), ReceiveError> {
        self.tally.troubled += usize::from(why.is_some());
        element.error = why;
        (self.tell)(element, raw).map_err(ReceiveError::Output)
    }

    fn element<K>(&self, mail: &Item<K>, received: Option<DateTime<Utc>>) -> Element {
        Element {
            folder: None,
            uid: mail.name.clone(),
            uid_validity: self.uid_validity,
            size: mail.size,
            received,
            then: MailboxEffect::Kept,
            error: None,
            mail: None,
        }
    }
}
