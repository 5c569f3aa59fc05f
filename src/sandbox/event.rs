//! What happens in the world, for those who watch it.

/// Something that happened. Texts are those of mails and actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxEvent {
    /// Somebody's mail came to a mailbox.
    Came {
        /// The sender's address.
        from: String,
        /// Whose mailbox.
        to: String,
        /// Its subject.
        subject: String,
        /// The names of its attachments.
        files: Vec<String>,
    },
    /// A mail that was submitted by SMTP came to a mailbox.
    Submitted {
        /// Who signed in.
        from: String,
        /// Whose mailbox.
        to: String,
        /// Its subject.
        subject: String,
        /// The first line of its text.
        text: String,
        /// The names of its attachments.
        files: Vec<String>,
    },
    /// A mail was moved.
    Moved {
        /// Whose.
        user: String,
        /// Its subject.
        subject: String,
        /// Where to.
        mailbox: String,
    },
    /// The webhook was asked.
    Asked {
        /// The job.
        job: String,
        /// Which attempt.
        attempt: String,
        /// What it answered: a status of HTTP,
        status: u16,
        /// and its words.
        words: String,
    },
}
