//! Mails on their way in. Types only.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Cursor, MailboxKey, Place};
use crate::config::EndpointName;

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
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// SHA-256 over Message-ID, Date and From, where there is a Message-ID: finds a mail again that a server re-rendered
    /// after a change of UIDVALIDITY.
    pub header_key: Option<[u8; 32]>,
    /// The bytes.
    pub raw: Raw,
    /// Set when the mail is over the endpoint's size limit: the job is born `held` with this reason, `raw` has what was read.
    pub held: Option<(crate::job::Reason, String)>,
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
}
