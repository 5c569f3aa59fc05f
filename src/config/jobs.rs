//! How one mail becomes jobs. Types only; `check` reads them.

/// How one mail becomes jobs, and how their results go back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jobs {
    /// What a job is of.
    pub per: Per,
    /// With [`Per::Attachment`]: how the results go back.
    pub reply: PartReply,
    /// With [`Per::Attachment`]: what becomes of a mail of which a part failed.
    pub partial: Partial,
}

/// What a job is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// A mail.
    #[default]
    Mail,
    /// An attachment that is handed on. A mail without one is ignored.
    Attachment,
}

/// How the results of a mail's parts go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartReply {
    /// One reply for each.
    #[default]
    Each,
    /// One reply for all.
    Combined,
}

/// What becomes of a mail of which a part failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Partial {
    /// It failed.
    #[default]
    Failed,
    /// It is done when one part at least is.
    Done,
}
