//! What can go wrong, told apart by who must act.

use std::time::Duration;

use crate::job::JobId;

/// What can go wrong in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process has it open.
    #[error("the ledger {ledger} is in use by {holder}; stop that process, or give this one another ledger")]
    InUse {
        /// Where it is, as its address says.
        ledger: String,
        /// Who, as far as it said.
        holder: String,
    },
    /// It was written by a newer Mailjob.
    #[error(
        "the ledger {ledger} has schema {found}, this Mailjob knows {known}: run the newer Mailjob, or restore a backup"
    )]
    Newer {
        /// Where it is, as its address says.
        ledger: String,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It was written by an older Mailjob, and another process has it open.
    #[error(
        "the ledger {ledger} has schema {found}, this Mailjob knows {known}, and {holder} has it open: start that process again with this version of Mailjob"
    )]
    Older {
        /// Where it is, as its address says.
        ledger: String,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
        /// Who, as far as it said.
        holder: String,
    },
    /// A sign-in is used by another, and stays so.
    #[error("the sign-in `{name}` is in use by {holder}; waited {} s; stop that process if it hangs", .waited.as_secs())]
    SignInBusy {
        /// The sign-in.
        name: String,
        /// Who, as far as it said.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// There is none: only `mailjob run` makes one.
    #[error("there is no ledger at {ledger}: `mailjob run` makes it")]
    NoLedger {
        /// Where there is none, as its address says.
        ledger: String,
    },
    /// The file, its folder or its disk can't be used as they are.
    #[error("the ledger {ledger} {what}; {cure}")]
    Unusable {
        /// Where it is, as its address says.
        ledger: String,
        /// What is wrong.
        what: String,
        /// What to do.
        cure: String,
    },
    /// What is in the file is damaged, or no ledger at all.
    #[error("the ledger is damaged ({0}): `mailjob ledger check` says where, and what to do")]
    Damaged(String),
    /// The disk is full.
    #[error("the ledger's disk is full ({0}): make room")]
    Full(String),
    /// The claim is not ours any more: another attempt has begun.
    #[error("job {0} is not claimed by this attempt")]
    Stale(JobId),
    /// Another process watches this mailbox, or has it since we lost it.
    #[error("the mailbox {mailbox} is watched by {by}; it is tried again")]
    Watched {
        /// The mailbox.
        mailbox: String,
        /// Who, as far as that is known.
        by: String,
    },
    /// A state change that can't be. The job is held.
    #[error("job {job}: {illegal}")]
    Illegal {
        /// The job.
        job: JobId,
        /// The change.
        illegal: String,
    },
    /// The row is not there.
    #[error("{0} is not in the ledger")]
    Missing(String),
    /// The mail was never received whole, and what is not the mail is handed to nobody; the words say why.
    #[error("the mail was never received whole ({0}): mailjob jobs retry has it fetched again")]
    Incomplete(String),
    /// Another process, which has it, knows no such thing; the words are its own.
    #[error("{0}")]
    Unknown(String),
    /// It is that of another process, which could not be asked or said no; the words say who, why and what to do.
    #[error("{0}")]
    Remote(String),
    /// The engine failed.
    #[error("ledger: {0}")]
    Engine(String),
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
}
