//! The command line: one file a command.

mod auth;
pub mod check;
mod dump;
mod log;
mod run;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::config::load::Sources;

/// Mail in, job done, result back.
#[derive(Debug, Parser)]
#[command(name = "mailjob", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the mailboxes of all endpoints and run their jobs until SIGTERM.
    Run {
        #[command(flatten)]
        files: Files,
        /// The form of the log.
        #[arg(long, value_enum, default_value_t = log::Form::Human, env = "MAILJOB_LOG_FORM")]
        log: log::Form,
    },
    /// Sign in to accounts.
    Auth {
        #[command(subcommand)]
        command: Auth,
    },
    /// Print every problem of every configuration file, and exit 78 when there is one.
    Check {
        #[command(flatten)]
        files: Files,
    },
}

#[derive(Debug, Subcommand)]
enum Auth {
    /// Sign in to an account that a person signs in to, once; then try what that opens.
    Login {
        /// The account's name in `mailjob.toml`.
        account: String,
        #[command(flatten)]
        how: auth::How,
        #[command(flatten)]
        files: Files,
    },
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct Files {
    /// The folder of endpoint files.
    #[arg(
        long,
        default_value = "endpoints.d",
        value_name = "FOLDER",
        env = "MAILJOB_ENDPOINTS"
    )]
    endpoints: PathBuf,
    /// The file of shared settings and accounts. Default: `mailjob.toml`, where there is one.
    #[arg(long, value_name = "FILE", env = "MAILJOB_CONFIG")]
    config: Option<PathBuf>,
}

impl From<Files> for Sources {
    fn from(files: Files) -> Self {
        let usual = || Some(PathBuf::from("mailjob.toml")).filter(|file| file.exists());
        Self {
            endpoints: files.endpoints,
            config: files.config.or_else(usual),
        }
    }
}

/// Runs a command that talks to servers.
fn block_on(work: impl Future<Output = ExitCode>) -> ExitCode {
    dump::forbid();
    crate::net::tls::install_provider();
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
    {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A thread may still wait for somebody to type.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            eprintln!("this system refuses threads: {error}");
            ExitCode::from(70)
        }
    }
}

/// Reads the arguments of this process and runs the command they ask for.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run { files, log } => run::run(files.into(), log),
        Command::Auth {
            command: Auth::Login { account, how, files },
        } => block_on(auth::login(&files.into(), &account, how)),
        Command::Check { files } => check::check(&files.into()),
    }
}
