//! The replies for an operator: what waits, what was refused, and trying it again.

use async_trait::async_trait;

use super::operator::TableAccess;
use crate::{
    job::JobId,
    ledger::{Error, OutboxRow, ReplyFilter, ReplyTable, Retried, RetrySelection, rules::retry_reply, views::replies},
};

#[async_trait]
impl<D: TableAccess> ReplyTable for D {
    async fn replies(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        self.read(move |db| replies::list(db, &filter)).await
    }

    async fn retry_replies(&self, which: RetrySelection) -> Result<Retried, Error> {
        self.change(move |tx| retry_reply::retry(tx, which)).await
    }

    async fn accept_reply(&self, job: JobId) -> Result<bool, Error> {
        self.change(move |tx| retry_reply::accept(tx, job)).await
    }
}
