//! A mail that becomes several jobs: one for each attachment, and its own, which waits for them. Values only.

use super::{Answer, JobId, state::State};

/// What a job is of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum JobScope {
    /// A mail that was not split, or not yet.
    #[default]
    Whole,
    /// One of its attachments.
    Part(Part),
    /// The mail again, now that the jobs of its parts have ended.
    Gathering {
        /// How many parts there are.
        parts: u32,
    },
}

/// One of the parts that a mail was split into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// The job of the mail.
    pub mail_job: JobId,
    /// The attachment.
    pub attachment: AttachmentRef,
}

/// An attachment that a job is to be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRef {
    /// Its index among all attachments of the mail, from 0.
    pub index: u32,
    /// Its safe name.
    pub name: String,
}

/// How a part ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedPart {
    /// Its number, from 1.
    pub number: u32,
    /// The attachment's safe name.
    pub name: String,
    /// `Done`, `Failed` or `Ignored`.
    pub state: State,
    /// The code of the reason, where there is one.
    pub reason: Option<String>,
    /// What the action itself says to the sender of its failure.
    pub tell: Option<String>,
    /// Whether [`Self::tell`] and [`Self::answer`] were kept: not where the part had a reply of its own.
    pub kept: bool,
    /// What the action answered.
    pub answer: Answer,
}
