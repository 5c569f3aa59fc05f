//! The replies of a ledger that another process has, by its API.

use reqwest::Method;
use serde_json::json;

use super::Remote;
use crate::{
    http::api::{self, ReplyList},
    job::JobId,
    ledger::{Error, OutboxRow, ReplyFilter, Retried, RetrySelection},
};

impl Remote {
    /// The newest replies that are wanted, and how many there are in all.
    pub(in crate::cli) async fn replies(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        let (mut rows, mut all) = (Vec::new(), None);
        let mut before = filter.before;
        while rows.len() < filter.max {
            let query = json!({
                "account": filter.account,
                "state": filter.states,
                "before": before,
                "limit": (filter.max - rows.len()).min(1000),
            });
            let page: ReplyList = self.get(&["replies"], &query).await?;
            all.get_or_insert(page.all);
            rows.extend(page.replies);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok((rows, all.unwrap_or_default()))
    }

    /// Has replies tried again at once.
    pub(in crate::cli) async fn retry_replies(&self, which: RetrySelection) -> Result<Retried, Error> {
        let state = match which {
            RetrySelection::Job(job) => return self.retry_reply(job).await,
            RetrySelection::Queued => api::RetryState::Queued,
            RetrySelection::Refused => api::RetryState::Refused,
        };
        self.post(&["replies", "retry"], &api::RetryRequest { state }).await
    }

    /// Counts an unsure reply as sent; whether there was one.
    pub(in crate::cli) async fn accept_reply(&self, job: JobId) -> Result<bool, Error> {
        let address = self.address(&["replies", &job.to_string(), "accept"]);
        let heard = self.ask(Method::POST, address, Some(b"{}".to_vec())).await?;
        if heard.is_missing() {
            return Err(Error::Missing(format!("a reply of job {job}")));
        }
        let api::AcceptResult { accepted } = self.read(heard)?;
        Ok(accepted)
    }

    async fn retry_reply(&self, job: JobId) -> Result<Retried, Error> {
        let address = self.address(&["replies", &job.to_string(), "retry"]);
        let heard = self.ask(Method::POST, address, Some(b"{}".to_vec())).await?;
        match heard.is_missing() {
            true => Err(Error::Missing(format!("a reply of job {job}"))),
            false => self.read(heard),
        }
    }
}
