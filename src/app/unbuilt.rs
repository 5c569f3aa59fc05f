//! The operator's side of a ledger that has none yet: there are no jobs to be seen, and none is steered.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    job::JobId,
    ledger::{
        Error, EventCursor, EventPage, JobFilter, JobPage, JobStory, JobTable, Pause, Steer, Steered, Unsteerable,
    },
};

pub(super) struct Unbuilt;

fn none<T>(what: &str) -> Result<T, Error> {
    Err(Error::Missing(what.to_owned()))
}

#[async_trait]
impl JobTable for Unbuilt {
    async fn list(&self, _: JobFilter) -> Result<JobPage, Error> {
        Ok(JobPage::default())
    }
    async fn find(&self, _: &str) -> Result<Vec<JobId>, Error> {
        Ok(Vec::new())
    }
    async fn story(&self, _: JobId) -> Result<Option<JobStory>, Error> {
        Ok(None)
    }
    async fn steer(&self, _: Steer, jobs: Vec<JobId>) -> Result<Vec<Steered>, Error> {
        let each = jobs.into_iter().map(|job| Steered {
            job,
            state: None,
            refused: Some(Unsteerable::Unknown),
        });
        Ok(each.collect())
    }
    async fn mail(&self, _: JobId) -> Result<Bytes, Error> {
        none("its mail")
    }
    async fn reply(&self, _: JobId, _: Option<u32>) -> Result<Bytes, Error> {
        none("its reply")
    }
    async fn pause(&self, _: &str) -> Result<Pause, Error> {
        none("a pause")
    }
    async fn resume(&self, _: &str) -> Result<Option<Pause>, Error> {
        Ok(None)
    }
    async fn pauses(&self) -> Result<Vec<Pause>, Error> {
        Ok(Vec::new())
    }
    async fn events(&self, _: EventCursor, _: Option<&str>, _: usize) -> Result<EventPage, Error> {
        Ok(EventPage::default())
    }
    async fn newest_event(&self) -> Result<EventCursor, Error> {
        Ok(EventCursor::default())
    }
}
