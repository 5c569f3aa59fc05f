//! What an action gets to work with: a mail that was read and is meant.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::inputs::ResolvedInput;
use crate::{
    config::EndpointName,
    job::AcceptedAnswer,
    ledger::ClaimedJob,
    message::{Attachment, Head, Mail, trust::Sender},
};

/// A mail that was read and is meant, and the attempt that it is for.
pub(super) struct Work<'a> {
    /// The endpoint.
    pub(super) endpoint: &'a EndpointName,
    /// The job.
    pub(super) job: &'a ClaimedJob,
    /// The time of the attempt.
    pub(super) now: DateTime<Utc>,
    /// The mail.
    pub(super) mail: &'a Mail<'a>,
    /// Its head.
    pub(super) head: &'a Head,
    /// Who sent it, and what shows that.
    pub(super) sender: Sender,
    /// Those of its attachments that the filter hands on.
    pub(super) attachments: Vec<Attachment<'a>>,
    /// The named inputs.
    pub(super) inputs: Vec<ResolvedInput>,
    /// Its bytes, shared.
    pub(super) raw: &'a Bytes,
    /// What it answers, where it is an answer that counts.
    pub(super) answers: Option<&'a AcceptedAnswer>,
}
