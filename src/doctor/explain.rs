//! The doctor's words for what others met on their way to a server. Pure.

use super::{
    Issue,
    words::{named, of_auth, of_mailbox, of_reply, of_watch},
};
use crate::{auth, reply::probe::ProbeFailure, watch::error::WatchError};

/// Why an account has no credential.
#[must_use]
pub fn credential(error: &auth::AuthError, sign_in: &str) -> Issue {
    named(of_auth(error), sign_in)
}

/// Why a mailbox can't be read.
#[must_use]
pub fn reading(error: &WatchError, mailbox: &str, sign_in: &str) -> Issue {
    match error {
        WatchError::Refused {
            command: "SELECT" | "EXAMINE",
            answer,
        } => of_mailbox(mailbox, answer),
        error => named(of_watch(error), sign_in),
    }
}

/// Why nothing can be submitted.
#[must_use]
pub fn submitting(failure: &ProbeFailure, sign_in: &str) -> Issue {
    named(of_reply(failure), sign_in)
}
