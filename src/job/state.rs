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
pub enum Event {
    /// A worker took it.
    Claimed,
    /// Its attempt ended.
    Finished(End),
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
pub enum End {
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

impl From<&Outcome> for End {
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
    pub event: Event,
}

/// The state after an event.
///
/// # Errors
/// [`Illegal`] when the event can't happen in this state. Only an operator takes a job out of done, failed, ignored or held.
pub const fn next(state: State, event: Event) -> Result<State, Illegal> {
    match (state, event) {
        (State::Queued | State::Deferred, Event::Claimed) => Ok(State::Running),
        (State::Running, Event::Finished(end)) => Ok(match end {
            End::Done => State::Done,
            End::Retry => State::Deferred,
            End::Failed => State::Failed,
            End::Ignored => State::Ignored,
            End::Held => State::Held,
            End::Split => State::Waiting,
        }),
        (State::Running, Event::Released) => Ok(State::Queued),
        (State::Queued, Event::Orphaned) => Ok(State::Ignored),
        (State::Running, Event::Interrupted { times }) => Ok(if times >= POISON { State::Held } else { State::Queued }),
        (State::Waiting, Event::Gathered) => Ok(State::Queued),
        (State::Failed | State::Held | State::Deferred, Event::Retried)
        | (State::Done | State::Failed | State::Ignored | State::Held, Event::Replayed) => Ok(State::Queued),
        (State::Done | State::Failed | State::Ignored | State::Held, Event::Reopened) => Ok(State::Waiting),
        (State::Done | State::Failed | State::Ignored | State::Held, Event::Awaited) => Ok(State::Held),
        (State::Queued | State::Deferred | State::Held, Event::Discarded) => Ok(State::Failed),
        (
            State::Running,
            Event::Claimed
            | Event::Gathered
            | Event::Orphaned
            | Event::Retried
            | Event::Replayed
            | Event::Reopened
            | Event::Awaited
            | Event::Discarded,
        )
        | (State::Queued, Event::Retried)
        | (State::Deferred | State::Waiting, Event::Orphaned)
        | (
            State::Queued | State::Deferred,
            Event::Finished(_)
            | Event::Released
            | Event::Gathered
            | Event::Interrupted { .. }
            | Event::Replayed
            | Event::Reopened
            | Event::Awaited,
        )
        | (
            State::Waiting,
            Event::Claimed
            | Event::Finished(_)
            | Event::Released
            | Event::Interrupted { .. }
            | Event::Retried
            | Event::Replayed
            | Event::Reopened
            | Event::Awaited
            | Event::Discarded,
        )
        | (State::Done | State::Ignored, Event::Retried)
        | (State::Done | State::Failed | State::Ignored, Event::Discarded)
        | (
            State::Done | State::Failed | State::Held | State::Ignored,
            Event::Claimed
            | Event::Finished(_)
            | Event::Released
            | Event::Orphaned
            | Event::Gathered
            | Event::Interrupted { .. },
        ) => Err(Illegal { state, event }),
    }
}

/// What may run beside a job whose attempts were interrupted: if it kills the process again, bystanders pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Anything.
    Any,
    /// No other job of its endpoint.
    AloneAtEndpoint,
    /// Nor any other job, of any endpoint, that stands as close to being held: only the one that kills is held.
    LastOfItsKind,
}

/// The company that a job bears after this many interrupted attempts.
#[must_use]
pub const fn company(interrupted: u32) -> Company {
    match interrupted {
        0 => Company::Any,
        n if n < POISON - 1 => Company::AloneAtEndpoint,
        _ => Company::LastOfItsKind,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
