//! The endpoints: what there is, what runs, and what each is set to.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Api, RunningConfig,
    operation::{Json, Operation},
    parameters::NoParameters,
    problem::{ApiProblem, ProblemKind},
};
use crate::{
    config::{self, Action, Describe, Endpoint, EndpointName, effective},
    ledger::Pause,
};

/// All endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Endpoints")]
pub struct EndpointList {
    /// Each of them, by name.
    pub endpoints: Vec<EndpointRow>,
}

/// An endpoint in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointRow {
    /// Its name: the stem of its file.
    pub name: String,
    /// What its file says of it, for people; empty where it does not run.
    pub description: String,
    /// Its file.
    pub file: String,
    /// Whether it runs.
    pub state: EndpointState,
    /// Its mailbox, such as `imap://user@host/INBOX`; nothing where it does not run.
    pub mailbox: Option<String>,
    /// What it does with a mail; nothing where it does not run.
    pub action: Option<EndpointAction>,
    /// That it is paused, by whom and since when; nothing where it is not.
    pub paused: Option<Pause>,
    /// What is wrong with its file. Where it runs all the same, it does so as the file was before.
    pub problems: Vec<FileProblem>,
}

/// Whether an endpoint runs. How its mailbox and its jobs are doing is told by the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// It runs.
    Running,
    /// Its file says that it does not run.
    Disabled,
    /// Its file can't be used, and never could.
    Broken,
}

/// What is done with a mail: an object with one key, the kind of the action, and what it asks or starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointAction(BTreeMap<String, String>);

impl From<&dyn Describe> for EndpointAction {
    fn from(action: &dyn Describe) -> Self {
        Self([(action.name().to_owned(), action.place())].into())
    }
}

impl JsonSchema for EndpointAction {
    fn schema_name() -> Cow<'static, str> {
        "EndpointAction".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds = Action::KINDS.iter().map(|kind| {
            json!({
                "type": "object", "description": kind.place, "required": [kind.name],
                "properties": { kind.name: { "type": "string" } }, "additionalProperties": false,
            })
        });
        let kinds: Vec<_> = kinds.collect();
        json_schema!({ "description": "What is done with a mail.", "oneOf": kinds })
    }
}

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileProblem {
    /// The line, from 1; nothing where the file can't be read at all.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub cure: String,
}

/// What an endpoint is set to in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// TOML, with the file and line beside each value that it comes from, or that it is a default.
    pub toml: String,
}

/// That an endpoint goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Resumed")]
pub struct ResumeResult {
    /// How it was paused; nothing where it was not.
    pub was: Option<Pause>,
}

/// An endpoint by its name.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ByName {
    /// The endpoint.
    #[schemars(length(min = 1, max = 63))]
    pub(super) name: String,
}

/// What can be asked of endpoints.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get::<NoParameters, NoParameters, _, _, _>(
            "/endpoints",
            "list_endpoints",
            "Every endpoint that has a file, whether it runs or not.",
            list,
        ),
        Operation::get::<ByName, NoParameters, _, _, _>("/endpoints/{name}", "get_endpoint", "One endpoint.", one),
        Operation::get::<ByName, NoParameters, _, _, _>(
            "/endpoints/{name}/settings",
            "get_settings",
            "What an endpoint that runs is set to in the end, and where each setting comes from.",
            settings,
        )
        .may(ProblemKind::Conflict),
        Operation::post::<ByName, NoParameters, _, _, _>(
            "/endpoints/{name}/pause",
            "pause_endpoint",
            "Pause an endpoint: mails are taken and wait, no job begins, what runs is finished.",
            pause,
        ),
        Operation::post::<ByName, NoParameters, _, _, _>(
            "/endpoints/{name}/resume",
            "resume_endpoint",
            "Let an endpoint go on, whoever paused it.",
            resume,
        ),
    ]
}

async fn list(api: Api, _: NoParameters, _: NoParameters) -> Result<Json<EndpointList>, ApiProblem> {
    let endpoints = known(&api).await?;
    Ok(Json(EndpointList { endpoints }))
}

async fn one(api: Api, place: ByName, _: NoParameters) -> Result<Json<EndpointRow>, ApiProblem> {
    let row = known(&api).await?.into_iter().find(|row| row.name == place.name);
    row.map(Json).ok_or_else(|| unknown(&place.name))
}

async fn settings(api: Api, place: ByName, _: NoParameters) -> Result<Json<Settings>, ApiProblem> {
    let name = EndpointName::new(&place.name).ok_or_else(|| unknown(&place.name))?;
    let found = api.running.borrow().config.endpoints.get(&name).cloned();
    let Some(endpoint) = found else {
        return match api.running.borrow().config.idle.contains(&name) {
            true => Err(ApiProblem::new(
                ProblemKind::Conflict,
                format!("The endpoint {name} does not run."),
                "mend its file, or enable it",
            )),
            false => Err(unknown(&place.name)),
        };
    };
    let sources = api.sources.clone();
    let read = tokio::task::spawn_blocking(move || effective(&sources, &endpoint)).await;
    match read {
        Ok(Ok(toml)) => Ok(Json(Settings { toml })),
        Ok(Err(problem)) => Err(ApiProblem::new(
            ProblemKind::Conflict,
            problem.to_string(),
            "mend its file",
        )),
        Err(error) => Err(ApiProblem::new(
            ProblemKind::Internal,
            error.to_string(),
            "see the log of mailjob run",
        )),
    }
}

async fn pause(api: Api, place: ByName, _: NoParameters) -> Result<Json<Pause>, ApiProblem> {
    let name = EndpointName::new(&place.name).filter(|name| {
        let config = &api.running.borrow().config;
        config.endpoints.contains_key(name) || config.idle.contains(name)
    });
    let name = name.ok_or_else(|| unknown(&place.name))?;
    Ok(Json(api.jobs.pause(name.as_str()).await?))
}

async fn resume(api: Api, place: ByName, _: NoParameters) -> Result<Json<ResumeResult>, ApiProblem> {
    // Its file may be gone since it was paused.
    let was = api.jobs.resume(&place.name).await?;
    if was.is_none() && !known(&api).await?.iter().any(|row| row.name == place.name) {
        return Err(unknown(&place.name));
    }
    Ok(Json(ResumeResult { was }))
}

/// Every endpoint that has a file, by name.
async fn known(api: &Api) -> Result<Vec<EndpointRow>, ApiProblem> {
    let pauses = api.jobs.pauses().await?;
    let mut rows = rows(&api.running.borrow(), &api.sources.endpoints);
    for row in &mut rows {
        row.paused = pauses.iter().find(|pause| pause.endpoint == row.name).cloned();
    }
    Ok(rows)
}

pub(super) fn unknown(name: &str) -> ApiProblem {
    let name: String = name.chars().take(63).collect();
    ApiProblem::missing(format!("There is no endpoint {name:?}."), "/api/v1/endpoints")
}

/// The same without what the ledger knows. Pure.
fn rows(running: &RunningConfig, folder: &Path) -> Vec<EndpointRow> {
    let config = &running.config;
    let runs = config
        .endpoints
        .iter()
        .map(|(name, endpoint)| (name, Some(&**endpoint)));
    let idle = config.idle.iter().map(|name| (name, None));
    // A broken file may run as it was before.
    let all: BTreeMap<_, _> = idle.chain(runs).collect();
    all.into_iter()
        .map(|(name, endpoint)| row(name, endpoint, running, folder))
        .collect()
}

fn row(name: &EndpointName, endpoint: Option<&Endpoint>, running: &RunningConfig, folder: &Path) -> EndpointRow {
    let is_its_own = |problem: &&config::Problem| problem.endpoint.as_ref() == Some(name);
    let problems: Vec<_> = running.problems.iter().filter(is_its_own).collect();
    // A file that is wrongly called counts as its own, too.
    let usual = folder.join(format!("{name}.toml"));
    let file = problems.first().map_or(usual, |problem| problem.file.clone());
    let state = match endpoint {
        Some(_) => EndpointState::Running,
        None if problems.is_empty() => EndpointState::Disabled,
        None => EndpointState::Broken,
    };
    EndpointRow {
        name: name.to_string(),
        description: endpoint.map_or_else(String::new, |endpoint| endpoint.description.clone()),
        file: file.display().to_string(),
        state,
        mailbox: endpoint.map(|endpoint| endpoint.mailbox.address()),
        action: endpoint.map(|endpoint| EndpointAction::from(endpoint.action.describe())),
        paused: None,
        problems: problems.into_iter().map(problem).collect(),
    }
}

fn problem(problem: &config::Problem) -> FileProblem {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    FileProblem {
        line: problem.place.as_ref().map(|place| number(place.line)),
        column: problem.place.as_ref().map(|place| number(place.column)),
        cause: problem.cause.clone(),
        cure: problem.cure.clone(),
    }
}
