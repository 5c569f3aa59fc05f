//! Mails of a maildrop (POP3), which knows neither UIDs nor UIDVALIDITY. Types only.

/// What stands for UIDVALIDITY in the places of a maildrop: POP3 has none, and its numbers are the ledger's own.
pub const MAILDROP: u32 = 1;

/// What a POP3 server calls a mail. Two mails of one name and size are taken for copies of each other, as RFC 1939 section 7 has it;
/// the size tells a name that was given to another mail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaildropName {
    /// UIDL, at most 70 characters (RFC 1939 section 7).
    pub uidl: String,
    /// LIST, in bytes.
    pub size: u64,
}

/// A mail of a maildrop that has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaildropMail {
    /// What the server calls it.
    pub name: MaildropName,
    /// Its number: the UID of its [`Place`](super::Place), whose UIDVALIDITY is [`MAILDROP`].
    pub uid: u32,
    /// Whether it was taken, or is left.
    pub taken: bool,
    /// Whether it is left, as it lay there before the maildrop was watched.
    pub skipped: bool,
}
