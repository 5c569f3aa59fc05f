//! Mailboxes, the mails in them, and mails on their way in. Types only.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::mailbox::WatchedMailbox;
use crate::{config::EndpointName, job::Reason};

/// How far a mailbox was read: every UID below `uid_next` is in the ledger (RFC 9051 section 2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// The smallest UID that was not taken yet.
    pub uid_next: u32,
}

/// A mail's place in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// UID.
    pub uid: u32,
}

/// A mail's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(pub i64);

/// How a mail ended, over all its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Verdict")]
pub enum MailOutcome {
    /// Every job done (or ignored, at least one done).
    Done,
    /// A job failed.
    Failed,
    /// Every job ignored.
    Ignored,
}

impl MailOutcome {
    /// Every one.
    pub(in crate::ledger) const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Ignored];

    /// Its name in the ledger.
    pub(in crate::ledger) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Ignored => "ignored",
        }
    }

    /// The one of this name.
    pub(in crate::ledger) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == name)
    }
}

/// A mail whose last touch in the mailbox is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    /// Where it is.
    pub place: Place,
    /// How it ended.
    pub verdict: MailOutcome,
    /// The endpoint that decided: of the first job that failed, else of the first that was done, else of the one that refused its sender;
    /// nobody where all ignored it.
    pub endpoint: Option<EndpointName>,
}

/// A large mail's pieces, stored before the mail itself is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UploadId(pub Uuid);

/// A mail's bytes on their way in.
#[derive(Debug, Clone)]
pub enum Raw {
    /// All of them.
    Inline(Bytes),
    /// Stored by [`Ledger::upload`](crate::ledger::Ledger::upload) before.
    Uploaded {
        /// The pieces.
        upload: UploadId,
        /// Their bytes together.
        size: u64,
    },
}

/// A mail seen in a mailbox.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// Where.
    pub place: Place,
    /// When the server received it (INTERNALDATE), if it said so.
    pub received: Option<DateTime<Utc>>,
    /// Its size as the server tells it (RFC822.SIZE, LIST), if it did: an estimate with some, yet each time the same.
    pub told: Option<u64>,
    /// SHA-256 over Message-ID, Date and From, where there is a Message-ID: finds a mail again that a server re-rendered
    /// after a change of UIDVALIDITY.
    pub header_key: Option<[u8; 32]>,
    /// The bytes, or why we don't have all of them.
    pub content: Content,
}

impl NewMail {
    /// Why we don't hold all of its bytes; nothing where we do.
    #[must_use]
    pub fn lack(&self) -> Option<&Lack> {
        match &self.content {
            Content::Whole { .. } => None,
            Content::Lacking(lack) => Some(lack),
        }
    }
}

/// What we hold of a mail.
#[derive(Debug, Clone)]
pub enum Content {
    /// All of its bytes.
    Whole {
        /// The bytes.
        raw: Raw,
        /// SHA-256 of them.
        sha256: [u8; 32],
    },
    /// Not all of them: none is kept, so that nobody takes a part for the mail. Its job is born held.
    Lacking(Lack),
}

/// Why we don't hold all bytes of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The code for it: [`Reason::TooLarge`] or [`Reason::Unreadable`].
    pub reason: Reason,
    /// In words, and what to do about it.
    pub detail: String,
    /// The bytes that it has at least, as far as that is known.
    pub size: u64,
    /// The pieces that were stored of it before that was clear: they are dropped.
    pub upload: Option<UploadId>,
}

/// A mail that lacks bytes and that an operator wants to have fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefetchRequest {
    /// The mail.
    pub mail: MailId,
    /// Where it is, in the mailbox as it is now; nothing where it has no place there any more.
    pub place: Option<Place>,
}

/// Mails and the cursor after them: one transaction, with the jobs of each mail that is new.
#[derive(Debug)]
pub struct Intake {
    /// The mailbox, and which watch of it this is: one that another has followed can't set the cursor back.
    pub mailbox: WatchedMailbox,
    /// The endpoints at which a new mail becomes a job: one at each.
    pub endpoints: Vec<EndpointName>,
    /// The cursor after these mails.
    pub cursor: Cursor,
    /// The mails; may be empty when only the cursor moves.
    pub mails: Vec<NewMail>,
}

/// What an intake came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntakeResult {
    /// Mails that became jobs.
    pub new: usize,
    /// Mails that were known: the same place again, or the same content at a new place.
    pub known: usize,
    /// Mails that were known and lacked bytes, and are whole now.
    pub completed: usize,
}

/// What stands for UIDVALIDITY in the places of a maildrop: POP3 has none, and its numbers are the ledger's own.
pub const MAILDROP: u32 = 1;

/// What a POP3 server calls a mail. No two should have one name, and some do: which is which, their bytes tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaildropName {
    /// UIDL, at most 70 characters (RFC 1939 section 7).
    pub uidl: String,
    /// LIST, in bytes; 0 where the server says nothing that can be read.
    pub size: u64,
}

/// What is remembered of a mail's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// SHA-256 over Message-ID, Date and From, where there is a Message-ID.
    pub header_key: Option<[u8; 32]>,
    /// SHA-256 of all bytes, where they were read.
    pub sha256: Option<[u8; 32]>,
}

/// A mail of a maildrop that has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaildropMail {
    /// What the server calls it.
    pub name: MaildropName,
    /// Its number: the UID of its [`Place`], whose UIDVALIDITY is [`MAILDROP`].
    pub uid: u32,
    /// Whether it was taken, or is left.
    pub taken: bool,
    /// Whether it is left, as it lay there before the maildrop was watched.
    pub skipped: bool,
    /// What was read of it.
    pub print: Fingerprint,
}
