//! `mailjob auth`: sign-ins, by hand. One file a command below it.

mod browser;
mod countdown;
mod device;
mod fault;
mod login;
mod logout;
mod loopback;
mod status;

use std::process::ExitCode;

use clap::Subcommand;

use super::{ConfigArgs, block_on};

/// What can be done about sign-ins.
#[derive(Debug, Subcommand)]
pub(super) enum AuthCommand {
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
        how: login::LoginArgs,
        #[command(flatten)]
        files: ConfigArgs,
    },
    /// Forget a person's sign-in, so that nobody is signed in to the account. The provider is not told.
    ///
    /// Exit code 0: nobody is signed in any more. 1: the account signs in by itself. 66: there is no ledger. 74: the ledger can't be
    /// read or written. 78: there is no such account.
    Logout {
        /// The account's name in `mailjob.toml`.
        account: String,
        #[command(flatten)]
        files: ConfigArgs,
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
        files: ConfigArgs,
    },
}

/// Runs the command.
pub(super) fn auth(command: AuthCommand) -> ExitCode {
    match command {
        AuthCommand::Login { account, how, files } => block_on(login::login(&files.into(), &account, how)),
        AuthCommand::Logout { account, files } => block_on(logout::logout(files.into(), &account)),
        AuthCommand::Status { account, json, files } => {
            block_on(status::status(files.into(), account.as_deref(), json))
        }
    }
}
