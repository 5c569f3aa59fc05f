//! What the ledger knows of replies that may be answered.

use chrono::{DateTime, Utc};

use crate::job::{Accepted, Allowed, ConversationKey};

/// A reply that may be answered, as an answer finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownConversation {
    /// Its token's key.
    pub key: ConversationKey,
    /// The name of the endpoint whose job an answer becomes.
    pub endpoint: String,
    /// Who may answer.
    pub allowed: Allowed,
    /// Whether their answer counts only if something shows that it is theirs.
    pub proven: bool,
    /// Until when.
    pub expires: DateTime<Utc>,
    /// What an answer to it is told.
    pub told: Accepted,
    /// Whether the job that asks has been accepted as an answer before.
    pub ours: bool,
}
