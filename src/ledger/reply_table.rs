//! The operator's side of replies: what waits, what was refused, and trying it again.

use async_trait::async_trait;

use super::{Again, Error, OutboxRow, ReplyFilter, Retried};
use crate::job::JobId;

/// What a ledger can do for operators with replies. Changes are durable on return; whoever runs beside notices them within two seconds.
#[async_trait]
pub trait ReplyTable: Send + Sync + 'static {
    /// The newest replies that are wanted, newest first, and how many there are in all from there on.
    async fn replies(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error>;

    /// Has replies tried again at once.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply.
    async fn retry_replies(&self, which: Again) -> Result<Retried, Error>;

    /// Counts an unsure reply as sent: an operator knows that it has arrived. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply.
    async fn accept_reply(&self, job: JobId) -> Result<bool, Error>;
}
