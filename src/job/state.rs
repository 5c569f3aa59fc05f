//! The life of a job: one pure function of state and event. Every change of a job's state in the ledger comes from [`next`].
//!
//! ```text
//!  queued ─► running ─► done      (queued ─► ignored: its endpoint is no more)
//!   ▲  ▲        │  ├──► failed
//!   │  └deferred┘  ├──► ignored
//!   │              ├──► held      (a person must look)
//!   └──────────────┴─── waiting   (for the jobs of its parts)
//! ```
//!
//! An operator may queue a job again that failed, is held or deferred, or any that has ended to run anew; where the mail itself must be fetched first, it is held until then. He may discard one that has not
//! begun, is deferred or held: then it has failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outcome;

/// Interrupted attempts after which a job is held as [`Reason::Poison`](super::Reason::Poison).
pub const POISON: u32 = 5;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// To be run when due.
    Queued,
    /// Claimed by a worker of this process.
    Running,
    /// To be run again, later.
    Deferred,
    /// To be run again when the jobs of its parts have ended.
    Waiting,
    /// Ended: the action did its work.
    Done,
    /// Ended: it will not work.
    Failed,
    /// A person must look.
    Held,
    /// Ended: the mail isn't meant.
    Ignored,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Deferred,
        Self::Waiting,
        Self::Done,
        Self::Failed,
        Self::Held,
        Self::Ignored,
    ];

    /// The stable name, e.g. `queued`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Deferred => "deferred",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Ignored => "ignored",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more will happen to the job.
    #[must_use]
    pub const fn ended(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Ignored => true,
            Self::Queued | Self::Running | Self::Deferred | Self::Waiting | Self::Held => false,
        }
    }
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEvent {
    /// A worker took it.
    Claimed,
    /// Its attempt ended.
    Finished(AttemptEnd),
    /// The worker gave it back without beginning.
    Released,
    /// Its endpoint is no more, and it had not begun.
    Orphaned,
    /// The last of its parts ended.
    Gathered,
    /// An operator wants it tried again.
    Retried,
    /// An operator wants it run anew.
    Replayed,
    /// An operator wants parts of its mail tried again or run anew, after it had ended.
    Reopened,
    /// An operator wants it tried again or run anew, and its mail must be fetched first, which was never received whole.
    Awaited,
    /// An operator wants nothing done about it.
    Discarded,
    /// The process died while it ran.
    Interrupted {
        /// How often that happened to this job, this time included.
        times: u32,
    },
}

/// How an attempt ended: an [`Outcome`] without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEnd {
    /// [`Outcome::Done`].
    Done,
    /// [`Outcome::Retry`].
    Retry,
    /// [`Outcome::Failed`].
    Failed,
    /// [`Outcome::Ignored`].
    Ignored,
    /// [`Outcome::Held`].
    Held,
    /// [`Outcome::Split`].
    Split,
}

impl From<&Outcome> for AttemptEnd {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done(_) => Self::Done,
            Outcome::Retry { .. } => Self::Retry,
            Outcome::Failed { .. } => Self::Failed,
            Outcome::Ignored { .. } => Self::Ignored,
            Outcome::Held { .. } => Self::Held,
            Outcome::Split(_) => Self::Split,
        }
    }
}

/// A change that can't be: a bug of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a {} job", state.as_str())]
pub struct Illegal {
    /// Where the job stood.
    pub state: State,
    /// What was said to have happened.
    pub event: JobEvent,
}

/// The state after an event.
///
/// # Errors
/// [`Illegal`] when the event can't happen in this state. Only an operator takes a job out of done, failed, ignored or held.
pub const fn next(state: State, event: JobEvent) -> Result<State, Illegal> {
    match (state, event) {
        (State::Queued | State::Deferred, JobEvent::Claimed) => Ok(State::Running),
        (State::Running, JobEvent::Finished(end)) => Ok(match end {
            AttemptEnd::Done => State::Done,
            AttemptEnd::Retry => State::Deferred,
            AttemptEnd::Failed => State::Failed,
            AttemptEnd::Ignored => State::Ignored,
            AttemptEnd::Held => State::Held,
            AttemptEnd::Split => State::Waiting,
        }),
        (State::Running, JobEvent::Released) => Ok(State::Queued),
        (State::Queued, JobEvent::Orphaned) => Ok(State::Ignored),
        (State::Running, JobEvent::Interrupted { times }) => {
            Ok(if times >= POISON { State::Held } else { State::Queued })
        }
        (State::Waiting, JobEvent::Gathered) => Ok(State::Queued),
        (State::Failed | State::Held | State::Deferred, JobEvent::Retried)
        | (State::Done | State::Failed | State::Ignored | State::Held, JobEvent::Replayed) => Ok(State::Queued),
        (State::Done | State::Failed | State::Ignored | State::Held, JobEvent::Reopened) => Ok(State::Waiting),
        (State::Done | State::Failed | State::Ignored | State::Held, JobEvent::Awaited) => Ok(State::Held),
        (State::Queued | State::Deferred | State::Held, JobEvent::Discarded) => Ok(State::Failed),
        (
            State::Running,
            JobEvent::Claimed
            | JobEvent::Gathered
            | JobEvent::Orphaned
            | JobEvent::Retried
            | JobEvent::Replayed
            | JobEvent::Reopened
            | JobEvent::Awaited
            | JobEvent::Discarded,
        )
        | (State::Queued, JobEvent::Retried)
        | (State::Deferred | State::Waiting, JobEvent::Orphaned)
        | (
            State::Queued | State::Deferred,
            JobEvent::Finished(_)
            | JobEvent::Released
            | JobEvent::Gathered
            | JobEvent::Interrupted { .. }
            | JobEvent::Replayed
            | JobEvent::Reopened
            | JobEvent::Awaited,
        )
        | (
            State::Waiting,
            JobEvent::Claimed
            | JobEvent::Finished(_)
            | JobEvent::Released
            | JobEvent::Interrupted { .. }
            | JobEvent::Retried
            | JobEvent::Replayed
            | JobEvent::Reopened
            | JobEvent::Awaited
            | JobEvent::Discarded,
        )
        | (State::Done | State::Ignored, JobEvent::Retried)
        | (State::Done | State::Failed | State::Ignored, JobEvent::Discarded)
        | (
            State::Done | State::Failed | State::Held | State::Ignored,
            JobEvent::Claimed
            | JobEvent::Finished(_)
            | JobEvent::Released
            | JobEvent::Orphaned
            | JobEvent::Gathered
            | JobEvent::Interrupted { .. },
        ) => Err(Illegal { state, event }),
    }
}

/// What may run beside a job whose attempts were interrupted: if it kills the process again, bystanders pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Anything.
    Any,
    /// No other job of its endpoint.
    AloneAtEndpoint,
    /// Nor any other job, of any endpoint, that stands as close to being held: only the one that kills is held.
    LastOfItsKind,
}

/// The company that a job bears after this many interrupted attempts.
#[must_use]
pub const fn company(interrupted: u32) -> Isolation {
    match interrupted {
        0 => Isolation::Any,
        n if n < POISON - 1 => Isolation::AloneAtEndpoint,
        _ => Isolation::LastOfItsKind,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
