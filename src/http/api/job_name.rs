//! A job in a path: its id, or any start or end of it that no other job has.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Api,
    problem::{ApiProblem, ProblemKind},
};
use crate::job::JobId;

/// A job's id, or a part of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", inline, extend("pattern" = "^[0-9a-fA-F]{1,32}$"))]
pub(super) struct JobName(String);

/// That a text can't be a part of an id.
#[derive(Debug, thiserror::Error)]
#[error("a job is 1 to 32 hexadecimal digits: its id, or a start or end of it")]
pub(super) struct BadName;

impl TryFrom<String> for JobName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then_some(Self(text)).ok_or(BadName)
    }
}

impl JobName {
    /// The job that is meant. A whole id is not looked up here.
    pub(super) async fn job(&self, api: &Api) -> Result<JobId, ApiProblem> {
        if let Ok(id) = self.0.parse() {
            return Ok(id);
        }
        match api.jobs.find(&self.0).await?.as_slice() {
            [one] => Ok(*one),
            [] => Err(unknown(&self.0)),
            several => {
                let several: Vec<_> = several.iter().map(ToString::to_string).collect();
                let why = format!("`{}` may be any of: {}.", self.0, several.join(", "));
                Err(ApiProblem::new(ProblemKind::Conflict, why, "name one of them"))
            }
        }
    }
}

/// That there is no such job.
pub(super) fn unknown(job: impl std::fmt::Display) -> ApiProblem {
    ApiProblem::missing(format!("There is no job {job}."), "/api/v1/jobs")
}
