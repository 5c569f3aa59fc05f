//! Mails that lay in an endpoint's mailbox before it was watched: what is left, and having it taken.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Api,
    endpoints::{ByName, unknown},
    operation::{Json, Operation},
    parameters::NoParameters,
    problem::{ApiProblem, ProblemKind},
};
use crate::{
    config::EndpointName,
    ledger::{BacklogAnswer, BacklogPage, BacklogWish, JobFilter, MailboxKey},
};

/// Which mails are shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BacklogQuery {
    /// Received then or later.
    since: Option<DateTime<Utc>>,
    /// With UIDs below this one: `next` of the page before.
    #[schemars(range(max = 4_294_967_295_u32))]
    before: Option<u32>,
    /// So many at most.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// What can be asked of a backlog.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get::<ByName, BacklogQuery, _, _, _>(
            "/endpoints/{name}/backlog",
            "get_backlog",
            "Mails that lay in an endpoint's mailbox before it was watched and are left there, the newest first.",
            page,
        ),
        Operation::post::<ByName, BacklogWish, _, _, _>(
            "/endpoints/{name}/backlog/take",
            "take_backlog",
            "Have such mails taken: all, those received since a time, or those with some UIDs. Before the first look this says what is done then.",
            take,
        ),
        Operation::post::<ByName, NoParameters, _, _, _>(
            "/endpoints/{name}/backlog/skip",
            "skip_backlog",
            "Have them left where the mailbox waits for a word.",
            skip,
        ),
    ]
}

async fn page(api: Api, place: ByName, wanted: BacklogQuery) -> Result<Json<BacklogPage>, ApiProblem> {
    let mailbox = mailbox(&api, &place.name)?;
    let max = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let page = api
        .jobs
        .backlog_page(&place.name, Some(&mailbox), wanted.since, wanted.before, max)
        .await?;
    Ok(Json(page))
}

async fn take(api: Api, place: ByName, wish: BacklogWish) -> Result<Json<BacklogAnswer>, ApiProblem> {
    if wish.uids.len() > JobFilter::MOST {
        let why = format!("`uids` names {}; name {} at most.", wish.uids.len(), JobFilter::MOST);
        return Err(ApiProblem::new(ProblemKind::BadRequest, why, "ask several times"));
    }
    let mailbox = mailbox(&api, &place.name)?;
    Ok(Json(api.jobs.backlog_take(&place.name, Some(&mailbox), wish).await?))
}

async fn skip(api: Api, place: ByName, _: NoParameters) -> Result<Json<BacklogAnswer>, ApiProblem> {
    let mailbox = mailbox(&api, &place.name)?;
    Ok(Json(api.jobs.backlog_skip(&place.name, Some(&mailbox)).await?))
}

/// The mailbox of an endpoint that runs.
fn mailbox(api: &Api, name: &str) -> Result<MailboxKey, ApiProblem> {
    let name_of = EndpointName::new(name).ok_or_else(|| unknown(name))?;
    let running = api.running.borrow();
    let endpoint = running.config.endpoints.get(&name_of).ok_or_else(|| unknown(name))?;
    Ok(MailboxKey(endpoint.mailbox.address().into()))
}
