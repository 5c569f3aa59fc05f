//! The replies: what waits, what was refused, and trying it again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    job_name::JobName,
    operation::{Json, Operation},
    parameters::NoParameters,
    problem::{ApiProblem, ProblemKind},
};
use crate::{
    job::JobId,
    ledger::{self, OutboxRow, ReplyFilter, ReplyState, Retried},
};

/// Replies in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Replies")]
pub struct ReplyList {
    /// Each of them, the newest first.
    pub replies: Vec<OutboxRow>,
    /// How many there are from the first of these on.
    pub all: usize,
    /// What to give as `before` for those that follow; nothing where none do.
    pub next: Option<JobId>,
}

/// Which replies are shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReplyQuery {
    /// Of this SMTP account only.
    #[schemars(length(max = 63))]
    account: Option<String>,
    /// In these states only. When none is named: those that wait, that are being sent, that were refused, and that
    /// are unsure.
    #[serde(default)]
    state: Vec<ReplyState>,
    /// Older than that of this job: `next` of the page before.
    before: Option<JobId>,
    /// So many at most.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// Which replies are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Again")]
pub enum RetryState {
    /// All that wait.
    Queued,
    /// All that nobody has got.
    Refused,
}

/// Which replies are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Retry")]
pub struct RetryRequest {
    /// Those in this state.
    pub state: RetryState,
}

/// What accepting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Accepted")]
pub struct AcceptResult {
    /// Whether there was an unsure reply, which counts as sent now.
    pub accepted: bool,
}

/// A reply by its job.
#[derive(Debug, Deserialize, JsonSchema)]
struct ByJob {
    /// The job whose reply it is: its id, or any start or end of it that no other has.
    job: JobName,
}

/// What can be asked of replies.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get::<NoParameters, ReplyQuery, _, _, _>("/replies", "list_replies", "Replies, the newest first.", list),
        Operation::post::<NoParameters, RetryRequest, _, _, _>(
            "/replies/retry",
            "retry_replies",
            "Have replies tried again now.",
            retry_all,
        ),
        Operation::post::<ByJob, NoParameters, _, _, _>(
            "/replies/{job}/retry",
            "retry_reply",
            "Have the reply of a job tried again now: with the same bytes and the same Message-ID, by those who have not got it.",
            retry,
        )
        .may(ProblemKind::Conflict),
        Operation::post::<ByJob, NoParameters, _, _, _>(
            "/replies/{job}/accept",
            "accept_reply",
            "Count the unsure reply of a job as sent: somebody knows that it has arrived.",
            accept,
        )
        .may(ProblemKind::Conflict),
    ]
}

async fn list(api: Api, _: NoParameters, wanted: ReplyQuery) -> Result<Json<ReplyList>, ApiProblem> {
    let usual = [
        ReplyState::Queued,
        ReplyState::Running,
        ReplyState::Refused,
        ReplyState::Unsure,
        ReplyState::Bounced,
    ];
    let filter = ReplyFilter {
        account: wanted.account,
        states: if wanted.state.is_empty() {
            usual.into()
        } else {
            wanted.state
        },
        before: wanted.before,
        max: usize::try_from(wanted.limit).unwrap_or(usize::MAX),
    };
    let (replies, all) = api.replies.replies(filter).await?;
    let next = replies.last().map(|row| row.job).filter(|_| all > replies.len());
    Ok(Json(ReplyList { replies, all, next }))
}

async fn retry_all(api: Api, _: NoParameters, which: RetryRequest) -> Result<Json<Retried>, ApiProblem> {
    let which = match which.state {
        RetryState::Queued => ledger::RetrySelection::Queued,
        RetryState::Refused => ledger::RetrySelection::Refused,
    };
    Ok(Json(api.replies.retry_replies(which).await?))
}

async fn retry(api: Api, place: ByJob, _: NoParameters) -> Result<Json<Retried>, ApiProblem> {
    let which = ledger::RetrySelection::Job(place.job.job(&api).await?);
    Ok(Json(api.replies.retry_replies(which).await?))
}

async fn accept(api: Api, place: ByJob, _: NoParameters) -> Result<Json<AcceptResult>, ApiProblem> {
    let job = place.job.job(&api).await?;
    let accepted = api.replies.accept_reply(job).await?;
    Ok(Json(AcceptResult { accepted }))
}
