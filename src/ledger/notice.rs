//! What the operator was told.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::Error;

/// What was told, by key, and when: as long as what was told holds.
pub type Told = BTreeMap<String, DateTime<Utc>>;

/// What a ledger can do for notices to the operator.
#[async_trait]
pub trait NoticeTable: Send + Sync + 'static {
    /// All that was told and not forgotten.
    async fn told(&self) -> Result<Told, Error>;

    /// Notes that these were told, and forgets others that hold no more; durable on return, both or neither.
    async fn note_told(&self, told: Vec<String>, over: Vec<String>, at: DateTime<Utc>) -> Result<(), Error>;
}
