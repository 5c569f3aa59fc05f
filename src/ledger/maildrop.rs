//! Mails of a maildrop (POP3), which knows neither UIDs nor UIDVALIDITY. Types only.

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
    /// Its number: the UID of its [`Place`](super::Place), whose UIDVALIDITY is [`MAILDROP`].
    pub uid: u32,
    /// Whether it was taken, or is left.
    pub taken: bool,
    /// Whether it is left, as it lay there before the maildrop was watched.
    pub skipped: bool,
    /// What was read of it.
    pub print: Fingerprint,
}
