//! `mailjob jobs`: what came in, what became of it, and trying again. Runs beside `mailjob run`, and where nothing runs.

pub(super) mod ago;
mod export;
mod filter;
mod list;
mod show;
mod steer;
mod story;
mod table;

use std::process::ExitCode;

use clap::Subcommand;

use self::filter::JobPageArgs;
use super::{block_on, desk::JobLocation};
use crate::ledger::Steer;

/// What can be done about jobs.
#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// List jobs, the newest first, without those that were ignored.
    ///
    /// What was ignored is shown by --state ignored, and by --json. Connects nowhere; may run beside `mailjob run`. Exit code 0, also where
    /// there is none; 74: the ledger can't be read; 78: the configuration can't be used.
    List {
        #[command(flatten)]
        which: JobPageArgs,
        /// For machines: `jobs`, and `next` where there are more, which is `--before` of the next page.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: JobLocation,
    },
    /// Tell a job's whole story: its mail, what was decided, each attempt with what was asked and answered, its reply, its mailbox.
    ///
    /// Exit code 0; 1: there is no such job, or several; 74: the ledger can't be read; 78: the configuration can't be used.
    Show {
        /// The job: its id as the lists show it, or any start or end of it.
        job: String,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: JobLocation,
    },
    /// Queue jobs again that failed or are held, and try those now that wait for their next attempt.
    ///
    /// A running `mailjob run` begins within two seconds, with the configuration as it is now. The job keeps its id, and has all its
    /// attempts again. Where its sender was told that it failed, the next end has a reply of its own; a reply that nobody has got yet is
    /// withdrawn.
    ///
    /// Exit code 0: all of them were; 1: one was not, or there is none; 74: the ledger can't be written; 78: the configuration can't be
    /// used.
    Retry {
        #[command(flatten)]
        jobs: steer::JobSelection,
        #[command(flatten)]
        place: JobLocation,
    },
    /// End jobs that have not begun, wait for their next attempt, or are held. Nobody is answered, and the mail is settled as one that failed.
    ///
    /// Exit code 0: all of them were; 1: one was not, or there is none; 74: the ledger can't be written; 78: the configuration can't be
    /// used.
    Discard {
        #[command(flatten)]
        jobs: steer::JobSelection,
        #[command(flatten)]
        place: JobLocation,
    },
    /// Run jobs anew that have ended, however they did, with the mail that is stored.
    ///
    /// The job keeps its id and its history: a webhook gets the same `webhook-id` with a higher attempt. Its reply is a new one. The mail
    /// stays where it was settled.
    ///
    /// Exit code 0: all of them are queued; 1: one is not, or there is none; 74: the ledger can't be written; 78: the configuration can't
    /// be used.
    Replay {
        #[command(flatten)]
        jobs: steer::JobSelection,
        #[command(flatten)]
        place: JobLocation,
    },
    /// Write what is stored of a job: its mail, its reply, what its action gets, its story.
    ///
    /// Exit code 0; 1: there is no such job, or it has no such thing; 73: the folder can't be written; 74: the ledger can't be read; 78: the
    /// configuration can't be used.
    Export {
        /// The job: its id as the lists show it, or any start or end of it.
        job: String,
        #[command(flatten)]
        into: export::ExportArgs,
        #[command(flatten)]
        place: JobLocation,
    },
}

/// Runs the command.
pub(super) fn jobs(command: JobsCommand) -> ExitCode {
    block_on(async {
        let ended = match command {
            JobsCommand::List { which, json, place } => list::list(which, json, place).await,
            JobsCommand::Show { job, json, place } => show::show(&job, json, place).await,
            JobsCommand::Retry { jobs, place } => steer::steer(Steer::Retry, jobs, place).await,
            JobsCommand::Discard { jobs, place } => steer::steer(Steer::Discard, jobs, place).await,
            JobsCommand::Replay { jobs, place } => steer::steer(Steer::Replay, jobs, place).await,
            JobsCommand::Export { job, into, place } => export::export(&job, into, place).await,
        };
        ended.unwrap_or_else(|code| code)
    })
}
