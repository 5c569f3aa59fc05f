//! `mailjob auth`: sign-ins, by hand. One file a command below it.

mod browser;
mod countdown;
mod fault;
mod login;
mod logout;
mod loopback;
mod status;

use std::process::ExitCode;

use clap::Subcommand;

use super::{Files, block_on};

/// What can be done about sign-ins.
#[derive(Debug, Subcommand)]
pub(super) enum Auth {
    /// Sign in to an account that a person signs in to, once; then try what that opens.
    ///
    /// The sign-in is kept in the ledger, which `mailjob run` makes. One that no server takes does not replace one that is good: then that
    /// one stays.
    ///
    /// Exit code 0: all works. 1: nobody signed in, or a server does not let us in. 66: there is no ledger. 78: the configuration can't
    /// be used, or has no
    /// such account.
    Login {
        /// The account's name in `mailjob.toml`.
        account: String,
        #[command(flatten)]
        how: login::How,
        #[command(flatten)]
        files: Files,
    },
    /// Forget a person's sign-in, so that nobody is signed in to the account. The provider is not told.
    ///
    /// Exit code 0: nobody is signed in any more. 1: the account signs in by itself. 66: there is no ledger. 74: the ledger can't be
    /// read or written. 78: there is no such account.
    Logout {
        /// The account's name in `mailjob.toml`.
        account: String,
        #[command(flatten)]
        files: Files,
    },
    /// Show how the sign-ins are and what will end. Connects nowhere; may run beside `mailjob run`.
    ///
    /// Exit code 0: all is well. 1: an account needs a sign-in, or something ends within 7 days. 66: there is no ledger. 74: the ledger can't be read. 78:
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
        Auth::Login { account, how, files } => block_on(login::login(&files.into(), &account, how)),
        Auth::Logout { account, files } => block_on(logout::logout(files.into(), &account)),
        Auth::Status { account, json, files } => block_on(status::status(files.into(), account.as_deref(), json)),
    }
}
