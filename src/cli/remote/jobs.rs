//! The operator's side of a ledger that another process has, by its API.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::Remote;
use crate::{
    http::api::{EndpointList, JobMatches, ResumeResult, SteerRequest, SteerResponse},
    job::JobId,
    ledger::{
        BacklogAnswer, BacklogPage, BacklogWish, Error, EventCursor, EventPage, JobFilter, JobPage, JobStory, JobTable,
        MailboxKey, Pause, Steer, Steered,
    },
};

#[async_trait]
impl JobTable for Remote {
    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error> {
        self.get(&["jobs"], &filter).await
    }

    async fn find(&self, prefix: &str) -> Result<Vec<JobId>, Error> {
        let found: JobMatches = self.get(&["jobs", "find"], &json!({ "prefix": prefix })).await?;
        Ok(found.jobs)
    }

    async fn story(&self, job: JobId) -> Result<Option<JobStory>, Error> {
        let heard = self.look(&["jobs", &job.to_string()], &json!({})).await?;
        match heard.is_missing() {
            true => Ok(None),
            false => self.read(heard).map(Some),
        }
    }

    async fn steer(&self, action: Steer, jobs: Vec<JobId>) -> Result<Vec<Steered>, Error> {
        let ordered: SteerResponse = self.post(&["jobs", "steer"], &SteerRequest { action, jobs }).await?;
        Ok(ordered.jobs)
    }

    async fn mail(&self, job: JobId) -> Result<Bytes, Error> {
        let heard = self.look(&["jobs", &job.to_string(), "mail"], &json!({})).await?;
        match heard.is_missing() {
            true => Err(Error::Missing(format!("the mail of job {job}"))),
            false => self.body(heard),
        }
    }

    async fn reply(&self, job: JobId, rerun: Option<u32>) -> Result<Bytes, Error> {
        let query = json!({ "rerun": rerun });
        let heard = self.look(&["jobs", &job.to_string(), "reply"], &query).await?;
        match heard.is_missing() {
            true => Err(Error::Missing(format!("that reply of job {job}"))),
            false => self.body(heard),
        }
    }

    async fn pause(&self, endpoint: &str) -> Result<Pause, Error> {
        self.post(&["endpoints", endpoint, "pause"], &json!({})).await
    }

    async fn resume(&self, endpoint: &str) -> Result<Option<Pause>, Error> {
        let resumed: ResumeResult = self.post(&["endpoints", endpoint, "resume"], &json!({})).await?;
        Ok(resumed.was)
    }

    async fn pauses(&self) -> Result<Vec<Pause>, Error> {
        let all: EndpointList = self.get(&["endpoints"], &json!({})).await?;
        Ok(all
            .endpoints
            .into_iter()
            .filter_map(|endpoint| endpoint.paused)
            .collect())
    }

    async fn events(&self, after: EventCursor, endpoint: Option<&str>, max: usize) -> Result<EventPage, Error> {
        let query = json!({ "after": after, "endpoint": endpoint, "limit": max.clamp(1, 1000) });
        self.get(&["events"], &query).await
    }

    async fn backlog_page(
        &self,
        endpoint: &str,
        _: Option<&MailboxKey>,
        since: Option<DateTime<Utc>>,
        before: Option<u32>,
        max: usize,
    ) -> Result<BacklogPage, Error> {
        let query = json!({ "since": since, "before": before, "limit": max.clamp(1, 1000) });
        self.get(&["endpoints", endpoint, "backlog"], &query).await
    }

    async fn backlog_take(
        &self,
        endpoint: &str,
        _: Option<&MailboxKey>,
        wish: BacklogWish,
    ) -> Result<BacklogAnswer, Error> {
        self.post(&["endpoints", endpoint, "backlog", "take"], &wish).await
    }

    async fn backlog_skip(&self, endpoint: &str, _: Option<&MailboxKey>) -> Result<BacklogAnswer, Error> {
        self.post(&["endpoints", endpoint, "backlog", "skip"], &json!({})).await
    }

    async fn newest_event(&self) -> Result<EventCursor, Error> {
        let page: EventPage = self.get(&["events"], &json!({})).await?;
        Ok(page.next)
    }
}
