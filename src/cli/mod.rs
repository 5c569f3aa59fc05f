//! The command line: one file a command.

// In this room these names mean what does not panic where nobody reads.
macro_rules! print {
    ($($said:tt)*) => { $crate::cli::print::say(format_args!($($said)*)) };
}
macro_rules! println {
    ($($said:tt)*) => { $crate::cli::print::say(format_args!("{}\n", format_args!($($said)*))) };
}
macro_rules! eprintln {
    ($($said:tt)*) => { $crate::cli::print::complain(format_args!("{}\n", format_args!($($said)*))) };
}

mod array;
mod auth;
mod backlog;
mod beside;
pub mod check;
mod columns;
mod demo;
mod desk;
mod doctor;
mod dump;
mod enclosed;
mod fault;
mod handbook;
mod jobs;
mod ledger;
mod listening;
mod log;
mod own_token;
mod pause;
mod print;
mod progress;
mod receive;
mod rehearse;
mod remote;
mod replies;
mod run;
mod send;
mod show;
mod status;
mod tail;
mod terminal;
mod whereabouts;
mod whose;

use std::{env, io::ErrorKind, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{Net, load::Sources, reference::FileKind},
    guest,
};

/// What `--version` says; `-V` says the version alone. The rest is of build.rs.
const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("MAILJOB_BUILD"), ")");

/// Mail in, job done, result back.
#[derive(Debug, Parser)]
#[command(name = "mailjob", version, long_version = BUILD, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Watch the mailboxes of all endpoints and run their jobs until SIGTERM.
    ///
    /// MAILJOB_LOG says how much is logged: error, warn, info (the default), debug or trace, for a part too, with commas between:
    /// MAILJOB_LOG=info,mailjob::watch=debug. NO_COLOR=1 leaves colours out. Exit code 0: stopped; 70: a bug, or a system that refuses; 74: the ledger or the
    /// health address; 78: the configuration.
    Run {
        #[command(flatten)]
        files: ConfigArgs,
        /// The form of the log.
        #[arg(long, value_enum, default_value_t = log::LogFormat::Human, env = "MAILJOB_LOG_FORM")]
        log: log::LogFormat,
    },
    /// See Mailjob at work: it runs against mail servers in the same process, on this machine alone, in a folder that goes away.
    ///
    /// Nothing is needed but this program and /bin/sh: no account, no network, no root. Without --once it goes on until Ctrl-C, and says what you
    /// can do meanwhile: drop a file into its endpoints.d, have somebody write, answer for the boss, break the webhook and mend it. Exits 0; 1
    /// when --once did not come out as promised, or nothing could be done; 71 when the system refuses what it needs.
    Demo(Box<demo::DemoArgs>),
    /// Print every problem of every configuration file, and exit 78 when there is one.
    Check {
        #[command(flatten)]
        files: ConfigArgs,
        /// Examine the endpoints that are right as `mailjob doctor` does.
        #[arg(long)]
        live: bool,
        /// Print what was found as one JSON document.
        #[arg(long)]
        json: bool,
        /// Secrets and tokens need not be there: for a check before a roll-out, on another machine than that which runs.
        #[arg(long, conflicts_with = "live")]
        without_secrets: bool,
        /// Look at the files alone, as in a repository: no secret is opened, and accounts, programs and users of the machine that runs need not be
        /// here. What lies beside the files is looked at.
        #[arg(long, conflicts_with_all = ["live", "without_secrets"])]
        offline: bool,
    },
    /// Examine endpoints step by step, from DNS to the mailbox, and say what to do; no mail is touched. Exits 1 when a step failed.
    Doctor {
        /// The endpoint. Default: all of them.
        endpoint: Option<String>,
        /// Print what was found as one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        files: ConfigArgs,
    },
    /// Say what would happen to a mail at an endpoint as it is configured now, and do nothing.
    ///
    /// No server is talked to, nothing is started, sent or stored. Exits 0 when the job would run, 3 when it would not (the mail would be
    /// ignored or held, or its request can't be made), 66 when the mail can't be read from its file, and 78 when the configuration has a
    /// problem.
    Rehearse {
        /// The endpoint.
        endpoint: String,
        /// The mail, as servers store it; `-` for standard input.
        #[arg(value_name = "MAIL.eml")]
        mail: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Show all of the body, not only its beginning.
        #[arg(long)]
        body: bool,
        #[command(flatten)]
        files: ConfigArgs,
    },
    /// Print an endpoint's effective settings: each with the file and line that it comes from, or that it is a default.
    ///
    /// Without an endpoint: those that endpoints share, of `mailjob.toml`, with the servers that a provider has. What [defaults] says is
    /// shown with each endpoint. No secret is shown. Exit code 78 when a file has a problem, or there is no such endpoint.
    Show {
        /// The endpoint.
        endpoint: Option<String>,
        #[command(flatten)]
        files: ConfigArgs,
    },
    /// Print the JSON Schema of endpoint files, for editors: completion, descriptions, and what is wrong while it is written.
    Schema {
        /// Print that of `mailjob.toml` instead, which says what endpoints share.
        #[arg(long)]
        shared: bool,
        /// Print such a file with every key, its default, its unit and its limits instead.
        #[arg(long)]
        reference: bool,
    },
    /// Send one mail now, by an account of `mailjob.toml` or one that is given here.
    ///
    /// Nothing is queued. Exits 0 when the server took the mail for every recipient, 3 when it did not for some, whom it names; 65 when this
    /// can't be a mail or is larger than the server takes, 66 when a file can't be read, 69 when the server says no for good, 75 when it may
    /// say yes later, 78 when the configuration has a problem or no such account.
    Send(Box<send::Send>),
    /// Receive mails now: written to a folder, told as JSON on standard output.
    ///
    /// An empty mailbox is normal: `[]`. The conditions are judged here, so every header up to the last mail that is meant is fetched. What is
    /// deleted or moved was written to the disk before. By POP3, deletions count only when the exit code is 0 or 3.
    ///
    /// Exits 0 when all went well, 1 when there was no such mail and --fail-if-empty was given, 3 when something is wrong with a mail (its
    /// `error` says what), 69 when the server says no for good, 73 when the folder can't be written, 75 when it may go well later, 78 when
    /// the configuration has a problem or no such account.
    Receive(Box<receive::Receive>),
    /// Show how every endpoint is: its state in words, jobs and replies in numbers, and what a person should do.
    ///
    /// Asks the running process at [service] health; where none answers, shows what the ledger and the files know. Exits 0 when all is well, 1 when
    /// a person has to do something, 69 when no process answers, 74 when the ledger can't be read, 78 when the configuration has a problem
    /// or no such endpoint.
    Status {
        #[command(flatten)]
        args: status::Args,
        #[command(flatten)]
        files: ConfigArgs,
    },
    /// Sign in to mail accounts with OAuth, and show sign-in status.
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Replies: what waits, what was refused, and trying it again.
    #[command(subcommand)]
    Replies(replies::RepliesCommand),
    /// Jobs: what came in, what became of it, trying again, discarding, running anew, exporting.
    #[command(subcommand)]
    Jobs(Box<jobs::JobsCommand>),
    /// Pause an endpoint: none of its jobs begins until it is resumed, also after a restart.
    ///
    /// What runs is finished. Mails are taken as before and wait. A running `mailjob run` notices within two seconds. Exit code 0; 1: there is
    /// no such endpoint; 74: the ledger can't be written; 78: the configuration can't be used.
    Pause {
        /// The endpoint.
        endpoint: String,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: desk::JobLocation,
    },
    /// Let a paused endpoint go on, whoever paused it: `mailjob pause`, or a webhook that answered 410.
    ///
    /// Exit code 0, also where it was not paused; 1: there is no such endpoint; 74: the ledger can't be written; 78: the configuration can't
    /// be used.
    Resume {
        /// The endpoint.
        endpoint: String,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: desk::JobLocation,
    },
    /// Mails that lay in an endpoint's mailbox before it was watched: what is left there, and having it taken.
    #[command(subcommand)]
    Backlog(backlog::BacklogCommand),
    /// Follow what happens, a line an event, until it is stopped.
    ///
    /// Exit code 0 with --once; 74: the ledger can't be read, or standard output can't be written; 78: the configuration can't be used.
    Tail {
        /// Only events of this endpoint.
        endpoint: Option<String>,
        /// What happened after this event, by the `cursor` of --json; 0: from the oldest that is known.
        #[arg(long, value_name = "CURSOR", value_parser = clap::value_parser!(i64).range(0..))]
        since: Option<i64>,
        /// Tell what happened so far and end, from the oldest that is known if --since does not say otherwise.
        #[arg(long)]
        once: bool,
        /// For machines: a JSON document a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: desk::JobLocation,
    },
    /// Print the completions of a shell, e.g. `mailjob completions bash > /etc/bash_completion.d/mailjob`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page.
    Man {
        /// Write a page for each command into this folder instead.
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// The ledger: whether it is sound, and a copy of it.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
struct ConfigArgs {
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

impl From<ConfigArgs> for Sources {
    fn from(files: ConfigArgs) -> Self {
        let usual = || Some(PathBuf::from(Sources::USUAL)).filter(|file| file.exists());
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
    // Before anything else is set up: a warden is started for a command, and has to be small and quick.
    if env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == guest::ARGUMENT)
    {
        return ExitCode::from(guest::serve());
    }
    // What the environment says counts for commands that read no configuration.
    crate::net::proxy::leave_by(&Net::default());
    match Cli::try_parse() {
        Ok(cli) => print::ended(run(cli.command)),
        // Help, the version, or what is wrong with the arguments.
        Err(said) => match said.print() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => print::untold(&error),
            _ => u8::try_from(said.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
        },
    }
}

fn run(command: CliCommand) -> ExitCode {
    match command {
        CliCommand::Run { files, log } => run::run(files.into(), log),
        CliCommand::Demo(args) => demo::demo(*args),
        CliCommand::Auth(command) => auth::auth(command),
        CliCommand::Show { endpoint, files } => show::show(&files.into(), endpoint.as_deref()),
        CliCommand::Schema { shared, reference } => {
            let file = if shared { FileKind::Shared } else { FileKind::Endpoint };
            handbook::schema(file, reference)
        }
        CliCommand::Status { args, files } => block_on(status::status(files.into(), args)),
        CliCommand::Replies(command) => replies::replies(command),
        CliCommand::Jobs(command) => jobs::jobs(*command),
        CliCommand::Pause { endpoint, json, place } => pause::pause(&endpoint, json, place),
        CliCommand::Resume { endpoint, json, place } => pause::resume(&endpoint, json, place),
        CliCommand::Backlog(command) => backlog::backlog(command),
        CliCommand::Tail {
            endpoint,
            since,
            once,
            json,
            place,
        } => tail::tail(endpoint.as_deref(), since, once, json, place),
        CliCommand::Completions { shell } => handbook::completions(shell),
        CliCommand::Man { to } => handbook::man(to.as_deref()),
        CliCommand::Ledger(command) => ledger::ledger(command),
        CliCommand::Check {
            files,
            live: false,
            json,
            without_secrets,
            offline,
        } => {
            let depth = match (offline, without_secrets) {
                (true, _) => check::Depth::Files,
                (false, true) => check::Depth::ButSecrets,
                (false, false) => check::Depth::Machine,
            };
            check::check(&files.into(), depth, form(json))
        }
        CliCommand::Check { files, json, .. } => block_on(check::live(&files.into(), form(json))),
        CliCommand::Doctor { endpoint, json, files } => {
            block_on(doctor::doctor(&files.into(), endpoint.as_deref(), form(json)))
        }
        CliCommand::Send(args) => block_on(send::send(*args)),
        CliCommand::Receive(args) => block_on(receive::receive(*args)),
        CliCommand::Rehearse {
            endpoint,
            mail,
            json,
            body,
            files,
        } => block_on(rehearse::rehearse(&files.into(), &endpoint, &mail, json, body)),
    }
}

fn form(json: bool) -> doctor::ReportFormat {
    if json {
        doctor::ReportFormat::Json
    } else {
        doctor::ReportFormat::Human
    }
}

#[cfg(test)]
mod hints_tests;
