//! What happened, for those who follow it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Api,
    operation::{Json, Operation},
    parameters::NoParameters,
    problem::ApiProblem,
};
use crate::ledger::{EventCursor, EventPage};

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    /// After this one: `next` of the answer before, or 0 for the oldest that is kept. When nothing is said, no events are answered, only
    /// `next`: what happens from now on comes after it.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    after: Option<i64>,
    /// Of this endpoint only.
    #[schemars(length(max = 63))]
    endpoint: Option<String>,
    /// So many at most.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// What can be asked of events.
pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::get::<NoParameters, EventQuery, _, _, _>(
        "/events",
        "list_events",
        "What happened, the oldest first.",
        list,
    )]
}

async fn list(api: Api, _: NoParameters, wanted: EventQuery) -> Result<Json<EventPage>, ApiProblem> {
    let Some(after) = wanted.after else {
        return Ok(Json(EventPage {
            events: Vec::new(),
            next: api.jobs.newest_event().await?,
        }));
    };
    let most = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let page = api
        .jobs
        .events(EventCursor(after), wanted.endpoint.as_deref(), most)
        .await?;
    Ok(Json(page))
}
