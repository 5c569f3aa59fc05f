//! Runs an endpoint's jobs: claims what is due, reads the mail, runs the action, and commits outcome and reply in one step.
//!
//! It never acts on a mail that was not committed before, never runs more jobs than the endpoint allows, and never drops an
//! outcome: while the ledger fails, the outcome waits and is offered again. A job whose attempt panics is held. Who tears the
//! runtime down only interrupts attempts; the next start runs them again under the same ids.

pub mod action;
mod attempt;
mod bounce;
mod catch;
mod conversation;
mod decide;
mod ending;
mod excerpt;
mod gates;
mod gather;
mod health;
pub mod inputs;
mod json;
mod mending;
pub mod original;
pub mod payload;
mod reading;
pub mod rehearsal;
mod result;
mod room;
mod spool;
mod struck;
pub mod verify;
mod work;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::{
    task::{JoinError, JoinSet},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

pub use self::{action::webhook::breaker::WebhookDown, health::DispatchHealth};
use crate::{
    budget::Memory,
    config::{self, EndpointName},
    guest::Guests,
    job::{Exchange, Outcome, Reason, Replier},
    ledger::{ClaimedJob, Ledger},
    message::Reader,
    net::exchange::HttpClient,
    slots::{Quota, Slot},
};

/// One endpoint's dispatch and what it shares with the others.
#[derive(Clone)]
pub struct Dispatch {
    /// The endpoint.
    pub endpoint: Arc<config::Endpoint>,
    /// Who may want a mail that this endpoint does not, in order: the endpoints of the mailbox, where one after the other is asked.
    pub next: Vec<EndpointName>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Decides on replies.
    pub replier: Arc<dyn Replier>,
    /// The client for the endpoint's webhook.
    pub http: HttpClient,
    /// Where keys and policies of senders are asked for.
    pub dns: Arc<verify::Dns>,
    /// Reads mails.
    pub reader: Arc<Reader>,
    /// What may be in memory, over all endpoints.
    pub memory: Memory,
    /// What it may run at once, beside the other endpoints.
    pub quota: Quota,
    /// Starts commands, for all endpoints.
    pub guests: Arc<Guests>,
    /// How it is doing.
    pub health: Arc<DispatchHealth>,
    /// Stops claiming; what runs is finished.
    pub stop: CancellationToken,
}

/// What an attempt came to.
#[derive(Debug, PartialEq)]
struct AttemptResult {
    outcome: Outcome,
    /// The action said that it is no more (410): nothing more is claimed until someone looked.
    gone: bool,
    /// What a command printed or a webhook answered, as it was.
    raw: Bytes,
    told: ReplyDuty,
    /// What was asked of the action and what it answered.
    exchange: Option<Exchange>,
}

/// Who tells the sender of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplyDuty {
    /// The job itself.
    Here,
    /// The job of the mail, later: what this one answered is kept until then.
    Later,
    /// The jobs of the parts did.
    Before,
    /// Nobody: the action has nothing to say.
    Nobody,
}

impl From<Outcome> for AttemptResult {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            gone: false,
            raw: Bytes::new(),
            told: ReplyDuty::Here,
            exchange: None,
        }
    }
}

/// Another attempt, after the next of the configured waits.
fn later(reason: Reason, detail: String) -> Outcome {
    Outcome::Retry {
        reason,
        detail,
        not_before: None,
    }
}

/// What an action is, for telling whether it is another than before: a SHA-256.
fn action_key(action: &config::Action) -> [u8; 32] {
    Sha256::digest(action.describe().identity()).into()
}

/// Runs until `stop`; then claims no more, finishes what runs, and returns. While the endpoint is paused, the ledger lets nothing be claimed.
pub async fn run(dispatch: Dispatch) {
    let dispatch = Arc::new(dispatch);
    resume_changed(&dispatch).await;
    // Whoever changed the file, or started us anew, may have mended what they wait for.
    mending::call(&dispatch).await;
    let mut running = JoinSet::new();
    let claims = async {
        while let Some(claimed) = dispatch.stop.run_until_cancelled(claim(&dispatch)).await {
            for (job, slot) in claimed {
                let dispatch = dispatch.clone();
                running.spawn(async move {
                    attempt::run(&dispatch, &job).await;
                    drop(slot);
                });
            }
            while let Some(ended) = running.try_join_next() {
                look_at(&dispatch, ended);
            }
        }
    };
    tokio::select! {
        () = claims => {}
        () = hurry(&dispatch) => {}
        () = mending::watch(&dispatch) => {}
    }
    while let Some(ended) = running.join_next().await {
        look_at(&dispatch, ended);
    }
}

/// Somebody changed something in the ledger, such as that a job is to be tried again: a webhook that is down may be asked. Never ends.
async fn hurry(dispatch: &Dispatch) {
    let changed_outside = dispatch.ledger.changed_outside();
    loop {
        changed_outside.notified().await;
        dispatch.health.webhook.hurry();
    }
}

/// Who was paused because another webhook was gone may go on. Where that can't be said now, it is said at the next start, or by an operator.
async fn resume_changed(dispatch: &Dispatch) {
    let (name, action) = (&dispatch.endpoint.name, action_key(&dispatch.endpoint.action));
    match dispatch.ledger.resume_changed(name, action).await {
        Ok(true) => {
            tracing::info!(endpoint = %name, "the endpoint has another webhook than the one that was gone: it goes on")
        }
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(endpoint = %name, %error, "the endpoint may be paused; mailjob resume lets it go on")
        }
    }
}

/// Attempts catch their own panics; one while committing leaves the job claimed, and it is run again when its lease ends.
fn look_at(dispatch: &Dispatch, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(endpoint = %dispatch.endpoint.name, %error, "a job was lost sight of: it is run again when its lease ends, within a minute");
    }
}

/// The first wait after a claim failed; each further one doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait after a claim failed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Jobs that are ours to run, each with its slot; none where there may be one, but no slot just now. Waits for a slot, then for a job,
/// and meanwhile the slot is others'.
async fn claim(dispatch: &Dispatch) -> Vec<(ClaimedJob, Slot)> {
    let mut wait = FIRST_WAIT;
    loop {
        // A mail that is not meant here goes on to the next endpoint: it does not wait for this one's webhook.
        if dispatch.next.is_empty() {
            dispatch.health.webhook.claims(&dispatch.endpoint.retry).await;
        }
        let first = dispatch.quota.slot().await;
        match dispatch
            .ledger
            .claim(&dispatch.endpoint.name, &dispatch.quota, first)
            .await
        {
            Ok(jobs) => return jobs,
            Err(error) => {
                let endpoint = &dispatch.endpoint.name;
                tracing::warn!(%endpoint, %error, "jobs could not be claimed; trying again");
            }
        }
        sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests;
