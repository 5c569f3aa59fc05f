//! Mails on their way in. Types only.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Cursor, MailId, MailboxKey, Place};
use crate::{config::EndpointName, job::Reason};

/// A large mail's pieces, stored before the mail itself is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UploadId(pub Uuid);

/// A mail's bytes on their way in.
#[derive(Debug, Clone)]
pub enum Raw {
    /// All of them.
    Inline(Bytes),
    /// Stored by [`Ledger::upload`](super::Ledger::upload) before.
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
pub struct Wanted {
    /// The mail.
    pub mail: MailId,
    /// Where it is, in the mailbox as it is now; nothing where it has no place there any more.
    pub place: Option<Place>,
}

/// Mails and the cursor after them: one transaction, with the jobs of each mail that is new.
#[derive(Debug)]
pub struct Intake {
    /// The mailbox.
    pub mailbox: MailboxKey,
    /// The endpoints at which a new mail becomes a job: one at each.
    pub endpoints: Vec<EndpointName>,
    /// The cursor after these mails.
    pub cursor: Cursor,
    /// The mails; may be empty when only the cursor moves.
    pub mails: Vec<NewMail>,
}

/// What an intake came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Mails that became jobs.
    pub new: usize,
    /// Mails that were known: the same place again, or the same content at a new place.
    pub known: usize,
    /// Mails that were known and lacked bytes, and are whole now.
    pub completed: usize,
}
