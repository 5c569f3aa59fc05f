//! What an inspection of a ledger found, what a backup came to, and what was dropped because it was kept long enough. Types only.

use serde::Serialize;

/// What a ledger has, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Inspection {
    /// Its schema.
    pub schema: i64,
    /// The schema that this Mailjob knows. An older one is brought up to date at the next start; until then only the file itself and
    /// what its rows name are looked at.
    pub known: i64,
    /// Bytes of the file that are used.
    pub bytes: u64,
    /// Mails that it knows.
    pub mails: u64,
    /// Jobs.
    pub jobs: u64,
    /// Replies.
    pub replies: u64,
    /// What is wrong, if anything.
    pub findings: Vec<IntegrityFinding>,
}

/// Something that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntegrityFinding {
    /// What.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// How far a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copying {
    /// So many bytes were written.
    Written {
        /// Up to now.
        bytes: u64,
        /// About as many as there will be.
        of: u64,
    },
    /// There is no room for it where it was to be: it is tried elsewhere.
    Elsewhere,
    /// The copy is being checked.
    Checking,
}

/// What one round dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PruneReport {
    /// Mails: their bytes.
    pub mails: Dropped,
    /// Replies: their bytes.
    pub results: Dropped,
    /// Mails: their jobs, with attempts and replies.
    pub history: Dropped,
    /// Bytes that were given back to the disk.
    pub given_back: u64,
}

impl PruneReport {
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
