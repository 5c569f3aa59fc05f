//! The replies for an operator: what waits, what was refused, and trying it again.

use async_trait::async_trait;

use super::operator::Door;
use crate::{
    job::JobId,
    ledger::{Again, Error, OutboxRow, ReplyFilter, ReplyTable, Retried, rules::retry_reply, views::replies},
};

#[async_trait]
impl<D: Door> ReplyTable for D {
    async fn replies(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        self.read(move |db| replies::list(db, &filter)).await
    }

    async fn retry_replies(&self, which: Again) -> Result<Retried, Error> {
        self.change(move |desk| retry_reply::retry(desk, which)).await
    }

    async fn accept_reply(&self, job: JobId) -> Result<bool, Error> {
        self.change(move |desk| retry_reply::accept(desk, job)).await
    }
}
