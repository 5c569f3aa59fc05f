//! The jobs: lists, whole stories, and what an operator has done to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    job_name::{JobName, unknown},
    letter::MailDownload,
    operation::{Json, Operation},
    parameters::NoParameters,
    problem::{ApiProblem, ProblemKind},
};
use crate::{
    job::JobId,
    ledger::{JobFilter, JobPage, JobStory, Steer, Steered, Unsteerable},
};

/// What is to be done to jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Order")]
pub struct SteerRequest {
    /// What.
    pub action: Steer,
    /// To which, 1000 at most.
    #[schemars(length(min = 1, max = 1000))]
    pub jobs: Vec<JobId>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Ordered")]
pub struct SteerResponse {
    /// Each of the jobs, in the order in which they were named.
    pub jobs: Vec<Steered>,
}

/// Jobs that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Found")]
pub struct JobMatches {
    /// Each of them.
    pub jobs: Vec<JobId>,
}

/// A part of an id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Prefix {
    /// The first or the last hexadecimal digits; hyphens don't count.
    #[schemars(length(max = 64))]
    prefix: String,
}

/// A job by its id.
#[derive(Debug, Deserialize, JsonSchema)]
struct ById {
    /// The job: its id, or any start or end of it that no other has.
    job: JobName,
}

/// One of a job's replies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WhichReply {
    /// Which: how often the job had been run anew. The newest when nothing is said.
    #[schemars(range(max = 1_000_000))]
    rerun: Option<u32>,
}

/// What can be asked of jobs.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get::<NoParameters, JobFilter, _, _, _>(
            "/jobs",
            "list_jobs",
            "A page of jobs, the newest first.",
            list,
        ),
        Operation::post::<NoParameters, SteerRequest, _, _, _>(
            "/jobs/steer",
            "steer_jobs",
            "Do the same to many jobs, all in one commit.",
            many,
        ),
        Operation::get::<NoParameters, Prefix, _, _, _>(
            "/jobs/find",
            "find_jobs",
            "The jobs whose id begins or ends so, 10 at most, the newest first.",
            find,
        ),
        Operation::get::<ById, NoParameters, _, _, _>(
            "/jobs/{job}",
            "get_job",
            "A job's whole story: its mail, each attempt, its parts, its replies, and what was done in the mailbox.",
            story,
        )
        .may(ProblemKind::Conflict),
        Operation::get::<ById, NoParameters, _, _, _>(
            "/jobs/{job}/mail",
            "get_job_mail",
            "The mail of a job, as it came; while retention lasts.",
            mail,
        )
        .may(ProblemKind::Conflict),
        Operation::get::<ById, WhichReply, _, _, _>(
            "/jobs/{job}/reply",
            "get_job_reply",
            "A reply of a job, as it was sent; while retention lasts.",
            reply,
        )
        .may(ProblemKind::Conflict),
        one(
            "/jobs/{job}/retry",
            "retry_job",
            "Have a failed or held job tried again, and a deferred one now.",
            Steer::Retry,
        ),
        one(
            "/jobs/{job}/discard",
            "discard_job",
            "Let a job fail that waits, is held or has not begun; nobody is answered.",
            Steer::Discard,
        ),
        one(
            "/jobs/{job}/replay",
            "replay_job",
            "Run a job anew that has ended, with the mail that is stored; its reply is a new one.",
            Steer::Replay,
        ),
    ]
}

/// Something that is done to one job.
fn one(path: &'static str, id: &'static str, about: &'static str, steer: Steer) -> Operation {
    let work = move |api: Api, place: ById, NoParameters {}: NoParameters| async move {
        let job = place.job.job(&api).await?;
        let steered = api.jobs.steer(steer, vec![job]).await?;
        let steered = steered.into_iter().next().ok_or_else(|| unknown(job))?;
        match steered.refused {
            None => Ok(Json(steered)),
            Some(Unsteerable::Unknown) => Err(unknown(job)),
            Some(refused) => Err(ApiProblem::new(
                ProblemKind::Conflict,
                format!("Job {job}: {refused}."),
                "look at its story, GET /api/v1/jobs/{job}",
            )),
        }
    };
    Operation::post::<ById, NoParameters, _, _, _>(path, id, about, work).may(ProblemKind::Conflict)
}

async fn list(api: Api, _: NoParameters, filter: JobFilter) -> Result<Json<JobPage>, ApiProblem> {
    Ok(Json(api.jobs.list(filter).await?))
}

async fn find(api: Api, _: NoParameters, wanted: Prefix) -> Result<Json<JobMatches>, ApiProblem> {
    let jobs = api.jobs.find(&wanted.prefix).await?;
    Ok(Json(JobMatches { jobs }))
}

async fn many(api: Api, _: NoParameters, order: SteerRequest) -> Result<Json<SteerResponse>, ApiProblem> {
    if order.jobs.is_empty() || order.jobs.len() > JobFilter::MOST {
        let why = format!("`jobs` names {}; name 1 to {}.", order.jobs.len(), JobFilter::MOST);
        return Err(ApiProblem::new(ProblemKind::BadRequest, why, "ask several times"));
    }
    let jobs = api.jobs.steer(order.action, order.jobs).await?;
    Ok(Json(SteerResponse { jobs }))
}

async fn story(api: Api, place: ById, _: NoParameters) -> Result<Json<JobStory>, ApiProblem> {
    let job = place.job.job(&api).await?;
    let story = api.jobs.story(job).await?;
    story.map(Json).ok_or_else(|| unknown(job))
}

async fn mail(api: Api, place: ById, _: NoParameters) -> Result<MailDownload, ApiProblem> {
    let job = place.job.job(&api).await?;
    let room = api.letters.clone().acquire_owned().await;
    let bytes = api.jobs.mail(job).await?;
    Ok(MailDownload::new(format!("{job}.eml"), bytes, room.ok()))
}

async fn reply(api: Api, place: ById, which: WhichReply) -> Result<MailDownload, ApiProblem> {
    let job = place.job.job(&api).await?;
    let room = api.letters.clone().acquire_owned().await;
    let bytes = api.jobs.reply(job, which.rerun).await?;
    Ok(MailDownload::new(format!("{job}-reply.eml"), bytes, room.ok()))
}
