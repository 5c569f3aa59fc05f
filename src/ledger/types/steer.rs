//! The operator's side of the ledger: look at jobs, change what becomes of them, pause endpoints, follow what happens.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::{JobId, state::State};
pub use crate::status::state::PausedBy;

/// What an operator wants done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Steer {
    /// A failed or held job is queued again, a deferred one is due now. Its waits between attempts count anew. One whose mail was never
    /// received whole is held until the mail was fetched again from its place in the mailbox, and is queued then.
    Retry,
    /// A job that has not begun or waits or is held fails, nobody is answered, and its mail is settled; but a mail that was never received
    /// whole stays in its mailbox as it is.
    Discard,
    /// A job that has ended runs anew with the mail that is stored, under the same id; its history stays, its reply is a new one.
    Replay,
}

impl Steer {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::Replay => "replay",
        }
    }
}

/// What came of it for one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Steered {
    /// The job.
    pub job: JobId,
    /// Where it stands now; nothing where there is no such job.
    pub state: Option<State>,
    /// Why nothing was done; nothing: it was done.
    pub refused: Option<Unsteerable>,
}

/// Why nothing was done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Unsteerable {
    /// There is no such job.
    #[error("there is no such job")]
    Unknown,
    /// It is not in a state in which that can be done.
    #[error("that can't be done to a job in this state")]
    State,
    /// Its mail's bytes were dropped.
    #[error("its mail is not stored any more: retention is over")]
    Forgotten,
    /// Its mail was never received whole and has no place any more from which it could be fetched again.
    #[error("its mail was never received whole, and there is no place any more from which it could be fetched again")]
    Unreachable,
    /// It is of a part of a mail that was never received whole.
    #[error("it is of a part of a mail that was never received whole; retry the job of the mail")]
    Incomplete,
    /// Its reply is being submitted at this moment.
    #[error("its reply is being sent at this moment; try again in a few seconds")]
    Sending,
    /// It is of a part of a mail whose other parts were told of already: only the mail's own job can run anew.
    #[error("it is a part of a mail that has ended; replay the job of the mail")]
    Part,
    /// Parts of its mail have not ended: they can be discarded, it can't.
    #[error("it waits for the jobs of its parts; discard those")]
    Parts,
}

/// That an endpoint is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// The endpoint.
    pub endpoint: String,
    /// Who paused it.
    pub by: PausedBy,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Jobs that wait.
    pub waiting: u64,
}
