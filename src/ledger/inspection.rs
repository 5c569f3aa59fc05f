//! What an inspection of a ledger found, and what a backup came to.

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
    pub findings: Vec<Finding>,
}

/// Something that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
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
    /// The copy is being checked.
    Checking,
}
