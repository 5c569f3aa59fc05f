//! `mailjob auth`: one file a command below it.

mod status;

use std::process::ExitCode;

use clap::Subcommand;

use super::Files;

/// What can be done about sign-ins.
#[derive(Debug, Subcommand)]
pub(super) enum Auth {
    /// Show how the sign-ins are and what will end. Connects nowhere; may run beside `mailjob run`.
    ///
    /// Exit code 0: all is well. 1: an account needs a sign-in, or something ends within 7 days. 74: the ledger can't be read. 78:
    /// the configuration can't be used, or has no such account.
    Status {
        /// Only this one.
        account: Option<String>,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        files: Files,
    },
}

/// Runs the command.
pub(super) fn auth(command: Auth) -> ExitCode {
    match command {
        Auth::Status { account, json, files } => status::status(&files.into(), account.as_deref(), json),
    }
}
