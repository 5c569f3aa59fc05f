//! `mailjob replies`: what waits to be sent, what was refused, and trying it again. Runs beside `mailjob run`.

mod desk;
mod retry;
mod table;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::{block_on, desk::NOT_ALL, print};
use crate::ledger::{Error, ReplyFilter, ReplyState};

/// `EX_IOERR` of sysexits.
const IO: u8 = 74;

/// What can be done about replies.
#[derive(Debug, Subcommand)]
pub(super) enum RepliesCommand {
    /// Show replies, the newest first: those that wait, were refused, came back, or are unsure, when nothing else is asked for.
    ///
    /// Without --url it connects nowhere; may run beside `mailjob run`. Exit code 0; 74: the ledger can't be read, or the API not be asked.
    /// 78: the configuration can't be used.
    List {
        #[command(flatten)]
        which: ReplyPageArgs,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: desk::ReplyLocation,
    },
    /// Have replies tried again now; a running `mailjob run` does so within seconds.
    ///
    /// Without a job and --all-refused: all that wait. A refused reply, or one that came back, goes to those who have not got it, with the same bytes and the
    /// same Message-ID, and is tried for five days anew. Exit code 0. 1: the job has no reply, or its reply can't be tried again. 74:
    /// the ledger can't be written. 78: the configuration can't be used.
    Retry {
        /// The job whose reply it is, or any start or end of its id.
        #[arg(conflicts_with = "all_refused")]
        job: Option<String>,
        /// All replies that nobody has got.
        #[arg(long)]
        all_refused: bool,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: desk::ReplyLocation,
    },
    /// Count an unsure reply as sent, since it has arrived; its mail is settled then.
    ///
    /// A reply is unsure when its server lost the answer to the end of the mail three times: it may have arrived or not. One that has not is
    /// sent again by `mailjob replies retry JOB`. Exit code 0. 1: the job has no reply, or none that is unsure. 74: the ledger can't be
    /// written. 78: the configuration can't be used.
    Accept {
        /// The job whose reply it is, or any start or end of its id; `mailjob replies list --state unsure` shows them.
        job: String,
        #[command(flatten)]
        place: desk::ReplyLocation,
    },
}

/// Which replies are shown.
#[derive(Debug, Args)]
pub(super) struct ReplyPageArgs {
    /// Only replies by this SMTP account.
    #[arg(long)]
    account: Option<String>,
    /// Only replies in this state.
    #[arg(long, value_enum)]
    state: Option<ReplyStateArg>,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max: u32,
}

/// The states of replies, as people ask for them.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReplyStateArg {
    /// They wait, or are being sent.
    Queued,
    /// A server took them.
    Sent,
    /// A server refused them, or one recipient.
    Refused,
    /// A server may have them or not: its answer was lost time and again.
    Unsure,
    /// A server took them, and they came back later, or came back from one recipient.
    Bounced,
    /// Whatever they are.
    All,
}

impl ReplyStateArg {
    fn states(self) -> Vec<ReplyState> {
        match self {
            Self::Queued => vec![ReplyState::Queued, ReplyState::Running],
            Self::Sent => vec![ReplyState::Sent],
            Self::Refused => vec![ReplyState::Refused],
            Self::Unsure => vec![ReplyState::Unsure],
            Self::Bounced => vec![ReplyState::Bounced],
            Self::All => ReplyState::ALL.to_vec(),
        }
    }
}

/// Runs the command.
pub(super) fn replies(command: RepliesCommand) -> ExitCode {
    block_on(async {
        let ended = match command {
            RepliesCommand::List { which, json, place } => list(place, which, json).await,
            RepliesCommand::Retry {
                job,
                all_refused,
                json,
                place,
            } => retry::retry(place, job, all_refused, json).await,
            RepliesCommand::Accept { job, place } => accept(place, &job).await,
        };
        ended.unwrap_or_else(|code| code)
    })
}

/// Shows replies.
async fn list(place: desk::ReplyLocation, which: ReplyPageArgs, json: bool) -> Result<ExitCode, ExitCode> {
    let desk = place.go().await?;
    let usual = vec![
        ReplyState::Queued,
        ReplyState::Running,
        ReplyState::Refused,
        ReplyState::Unsure,
        ReplyState::Bounced,
    ];
    let filter = ReplyFilter {
        account: which.account.clone(),
        states: which.state.map_or(usual, ReplyStateArg::states),
        max: usize::try_from(which.max).unwrap_or(usize::MAX),
        before: None,
    };
    let (rows, all) = desk.list(filter).await.map_err(|error| {
        eprintln!("{error}");
        ExitCode::from(IO)
    })?;
    if let Some(account) = which.account.filter(|_| all == 0) {
        desk.knows(&account)?;
    }
    let text = match json {
        true => table::json(&rows, all),
        false => table::people(&rows, all, desk.nobody_runs()),
    };
    Ok(print::all(&text))
}

/// Counts a reply as sent: an operator knows that it has arrived.
async fn accept(place: desk::ReplyLocation, job: &str) -> Result<ExitCode, ExitCode> {
    let desk = place.go().await?;
    let job = desk.named(job).await?;
    if desk.accept(job).await.map_err(|error| refused(&error))? {
        println!("it counts as sent");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("the reply of job {job} is not unsure; mailjob replies list --state unsure shows those that are");
    Ok(ExitCode::from(NOT_ALL))
}

/// Tells why nothing could be done with a reply.
fn refused(error: &Error) -> ExitCode {
    match error {
        Error::Missing(_) => {
            eprintln!("{error}; mailjob replies list --state all shows which have one");
            ExitCode::from(NOT_ALL)
        }
        error => {
            eprintln!("{error}");
            ExitCode::from(IO)
        }
    }
}
