//! What was dropped because it was kept long enough.

/// What one round dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Mails: their bytes.
    pub mails: Dropped,
    /// Replies: their bytes.
    pub results: Dropped,
    /// Mails: their jobs, with attempts and replies.
    pub history: Dropped,
    /// Bytes that were given back to the disk.
    pub given_back: u64,
}

impl Forgotten {
    /// Bytes that were dropped, of all kinds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.mails.bytes + self.results.bytes + self.history.bytes
    }
}

/// How much of one kind was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// Their bytes; of history about.
    pub bytes: u64,
}
