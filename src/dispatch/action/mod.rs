//! The seam of actions: what is done with a mail, a file or folder for each.
//!
//! What an attempt, a rehearsal and the doctor ask of an action is asked through `Action`; what others tell of one says
//! [`config::Describe`]. `of` alone knows them all.

pub mod command;
mod null;
pub mod plan;
pub mod webhook;

use std::net::SocketAddr;

use async_trait::async_trait;

use self::plan::Plan;
use super::{AttemptResult, Dispatch, later, room::AttemptResources, work::Work};
use crate::{
    config::{self, HeaderValue, RemoteAccess},
    job::{Outcome, Reason},
    ledger::ClaimedJob,
    net::http::{PrivateNetwork, public},
};

/// An action as an endpoint's file has it.
///
/// An attempt prepares it while the mail is read, keeps the handle of what it will begin elsewhere, and runs it. What runs elsewhere outlives
/// us: the next attempt has its handle, and resumes it in place of beginning anew.
#[async_trait]
pub(super) trait Action: Sync {
    /// What makes an attempt ready, once its mail is read. What that needs beside the mail is waited for here.
    ///
    /// # Errors
    /// With what becomes of the attempt.
    async fn prepare(&self, dispatch: &Dispatch) -> Result<Prepare, Outcome>;

    /// Goes on with what an earlier attempt began elsewhere.
    async fn resume(&self, handle: &Handle, run: &mut Run<'_>) -> Resumed;

    /// What it would get, of long texts at most `most` bytes. Reads no secret, asks nobody and starts nothing.
    ///
    /// # Errors
    /// With what would become of the attempt.
    fn rehearse(&self, work: &Work<'_>, most: u64) -> Result<Plan, Outcome>;

    /// A success and a refusal as it could come to them, with placeholders for its own words.
    fn made_up(&self) -> (Outcome, Outcome);

    /// Whether it could be run, as far as this machine can tell. Asks nobody and starts nothing, but reads secrets. Blocks.
    ///
    /// # Errors
    /// With what keeps it from that.
    fn probe(&self) -> Result<ProbeReport, Unfit>;
}

/// Makes an attempt ready of a mail that was read and is meant, on the thread that reads it. Blocks.
pub(super) type Prepare = Box<dyn FnOnce(&Work<'_>) -> Result<Box<dyn Prepared>, Outcome> + Send>;

/// An attempt that is ready: it has all that its action needs of the mail.
#[async_trait]
pub(super) trait Prepared: Send {
    /// By what the next attempt finds what this one begins, where that outlives us. It is kept before that begins.
    fn handle(&self) -> Option<Handle>;

    /// Runs the action to its end; `None` when we were stopped before it began.
    async fn run(self: Box<Self>, run: &mut Run<'_>) -> Option<AttemptResult>;
}

/// The name of something that was begun elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handle(pub(super) String);

/// What became of what an earlier attempt began.
#[derive(Debug)]
pub(super) enum Resumed {
    /// There is nothing of it: the action is run.
    Nothing,
    /// It has ended so; `None` when we were stopped before that.
    #[cfg_attr(not(test), expect(dead_code, reason = "webhooks and commands end with us"))]
    Ended(Option<Box<AttemptResult>>),
}

/// Where handles are kept from one attempt to the next.
#[async_trait]
pub(super) trait Handles: Sync {
    /// What the last attempt at this job began.
    ///
    /// # Errors
    /// With what becomes of the attempt.
    async fn kept(&self, job: &ClaimedJob) -> Result<Option<Handle>, Outcome>;

    /// Keeps what this one is about to begin, durably.
    ///
    /// # Errors
    /// With what becomes of the attempt: nothing is begun of which no handle is kept.
    async fn keep(&self, job: &ClaimedJob, handle: &Handle) -> Result<(), Outcome>;
}

/// Keeps none: no action begins anything elsewhere so far, and the ledger has no place for it.
pub(super) struct NoHandles;

#[async_trait]
impl Handles for NoHandles {
    async fn kept(&self, _job: &ClaimedJob) -> Result<Option<Handle>, Outcome> {
        Ok(None)
    }

    async fn keep(&self, _job: &ClaimedJob, Handle(handle): &Handle) -> Result<(), Outcome> {
        let detail = format!("{handle} was not begun: this ledger can't keep where it would run");
        Err(later(Reason::Local, detail))
    }
}

/// Goes on with what an earlier attempt began, else runs what is ready; `None` when we were stopped before it began.
pub(super) async fn act(
    action: &dyn Action,
    prepared: Box<dyn Prepared>,
    run: &mut Run<'_>,
    handles: &dyn Handles,
) -> Option<AttemptResult> {
    match handles.kept(run.job).await {
        Ok(None) => {}
        Ok(Some(handle)) => {
            if let Resumed::Ended(ended) = action.resume(&handle, run).await {
                return ended.map(|ended| *ended);
            }
        }
        Err(outcome) => return Some(outcome.into()),
    }
    if let Some(handle) = prepared.handle()
        && let Err(outcome) = handles.keep(run.job, &handle).await
    {
        return Some(outcome.into());
    }
    prepared.run(run).await
}

/// What an attempt has while its action runs.
pub(super) struct Run<'a> {
    /// The endpoint, and what it shares with the others.
    pub(super) dispatch: &'a Dispatch,
    /// The job.
    pub(super) job: &'a ClaimedJob,
    /// What it may take in memory.
    pub(super) means: AttemptResources<'a>,
}

/// What a look at an action found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// What it is, in words.
    pub told: String,
    /// Where its server is, when it asks one.
    pub destination: Option<Destination>,
}

/// Where an action's server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub is_secure: bool,
}

/// Why an action can't be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

/// What an action does.
pub(super) fn of(action: &config::Action) -> &dyn Action {
    match action {
        config::Action::Webhook(webhook) => webhook,
        config::Action::Command(command) => command,
        config::Action::Null(null) => null,
    }
}

/// Whether an action could be run, as far as this machine can tell. Asks nobody and starts nothing, but reads secrets. Blocks.
///
/// # Errors
/// With what keeps it from that.
pub fn probe(action: &config::Action) -> Result<ProbeReport, Unfit> {
    of(action).probe()
}

/// A success and a refusal as an action could come to them, with placeholders for its own words.
#[must_use]
pub fn made_up(action: &config::Action) -> (Outcome, Outcome) {
    of(action).made_up()
}

/// Those of a server's addresses to which an action may go.
///
/// # Errors
/// When there is none.
pub fn allowed(
    remote: &RemoteAccess<'_>,
    host: &str,
    found: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, PrivateNetwork> {
    if remote.allow_private_network {
        Ok(found)
    } else {
        public(host, found)
    }
}

/// Reads those of these values that are secrets.
///
/// # Errors
/// In plain words, when one is not there; never with the secret.
fn secrets_of(values: &[(String, HeaderValue)]) -> Result<(), String> {
    for (_, value) in values {
        if let HeaderValue::Secret(secret) = value {
            secret.read().map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
