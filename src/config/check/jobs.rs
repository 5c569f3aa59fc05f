//! How one mail becomes jobs.

use crate::config::{
    declare::{keys, usual},
    kind::OneOf,
};

keys! {
    /// How one mail becomes jobs, and how their results go back.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Jobs: Default in "jobs" "\
How one mail becomes jobs. One of which a job is for each attachment is ignored when none is handed on. Its own job waits for those
of the attachments; a held one keeps it waiting." {
        per: Per = OneOf(&[("mail", Per::Mail), ("attachment", Per::Attachment)]), usual(Per::Mail),
            "mail, or attachment: one job for each that is handed on";
        reply: PartReply = OneOf(&[("each", PartReply::Each), ("combined", PartReply::Combined)]), usual(PartReply::Each),
            "with attachment: each result has its own reply, or combined: one reply has a section and the files of each";
        partial: Partial = OneOf(&[("failed", Partial::Failed), ("done", Partial::Done)]), usual(Partial::Failed), "", below("\
With attachment: a mail of which a part failed has failed; or done: it is done when one part is. The files of a combined reply go with
a done mail only; for a failed one it says which parts failed and why.");
    }
}

/// What a job is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// A mail.
    Mail,
    /// An attachment that is handed on. A mail without one is ignored.
    Attachment,
}

/// How the results of a mail's parts go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartReply {
    /// One reply for each.
    Each,
    /// One reply for all.
    Combined,
}

/// What becomes of a mail of which a part failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// It failed.
    Failed,
    /// It is done when one part at least is.
    Done,
}
