//! `mailjob backlog`: mails that lay in a mailbox before it was watched. Runs beside `mailjob run`, and where nothing runs.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::{
    block_on,
    columns::columns,
    desk::{JobAccess, JobLocation, NOT_ALL, SharedJobs, failed, tell_as},
    jobs::ago::instant,
    rehearse::{missing, running},
};
use crate::{
    ledger::{BacklogAnswer, BacklogPage, BacklogSummary as State, BacklogWish, MailboxKey},
    message::clean::escaped,
    plural,
    status::state::time,
};

/// What can be done about such mails.
#[derive(Debug, Subcommand)]
pub(super) enum BacklogCommand {
    /// List the mails that are left, the newest first.
    ///
    /// Exit code 0; 1: there is no such endpoint; 74: the ledger can't be read; 78: the configuration can't be used.
    List {
        /// The endpoint.
        endpoint: String,
        /// Received then or later: 2026-11-25, 2026-11-25T09:30:00Z, or 90m, 36h, 7d ago.
        #[arg(long, value_name = "TIME", value_parser = then)]
        since: Option<DateTime<Utc>>,
        /// With UIDs below this one: the last of the page before.
        #[arg(long, value_name = "UID")]
        before: Option<u32>,
        /// So many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        max: u16,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: JobLocation,
    },
    /// Have mails taken that are left: all of them, those received since a time, or those that are named.
    ///
    /// Each becomes a job as if it had come now. A running `mailjob run` begins within seconds; a mailbox that is looked at by POP3 or by a
    /// schedule, at its next look. Where a mailbox waits for a word because its ledger was lost, this is the word.
    ///
    /// Exit code 0; 1: there is no such endpoint, or no such mail; 74: the ledger can't be written; 78: the configuration can't be used.
    Take {
        /// The endpoint.
        endpoint: String,
        /// Received then or later: 2026-11-25, 2026-11-25T09:30:00Z, or 90m, 36h, 7d ago.
        #[arg(long, value_name = "TIME", value_parser = then)]
        since: Option<DateTime<Utc>>,
        /// With this UID, as `mailjob backlog list` shows it; several times for several mails.
        #[arg(long, value_name = "UID")]
        uid: Vec<u32>,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: JobLocation,
    },
    /// Have the mails left that lie in a mailbox which waits for a word because its ledger was lost.
    ///
    /// Exit code 0; 1: there is no such endpoint; 74: the ledger can't be written; 78: the configuration can't be used.
    Skip {
        /// The endpoint.
        endpoint: String,
        /// For machines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: JobLocation,
    },
}

fn then(text: &str) -> Result<DateTime<Utc>, String> {
    instant(text, Utc::now())
}

/// Lists or takes.
pub(super) fn backlog(command: BacklogCommand) -> ExitCode {
    block_on(async { run(command).await.unwrap_or_else(|code| code) })
}

async fn run(command: BacklogCommand) -> Result<ExitCode, ExitCode> {
    match command {
        BacklogCommand::List {
            endpoint,
            since,
            before,
            max,
            json,
            place,
        } => {
            let (desk, mailbox) = found(place, &endpoint).await?;
            let page = desk
                .backlog_page(&endpoint, mailbox.as_ref(), since, before, max.into())
                .await;
            let page = page.map_err(|error| failed(&error))?;
            Ok(tell_as(json, &page, || listed(&endpoint, &page)))
        }
        BacklogCommand::Take {
            endpoint,
            since,
            uid,
            json,
            place,
        } => {
            let (desk, mailbox) = found(place, &endpoint).await?;
            let wished = uid.len() as u64;
            let wish = BacklogWish { since, uids: uid };
            let answer = desk.backlog_take(&endpoint, mailbox.as_ref(), wish).await;
            let answer = answer.map_err(|error| failed(&error))?;
            let told = tell_as(json, &answer, || match answer.backlog {
                None if wished > 0 => unlooked(&endpoint),
                _ => taken(&endpoint, &answer),
            });
            let is_short = answer.taken < wished;
            Ok(if is_short { ExitCode::from(NOT_ALL) } else { told })
        }
        BacklogCommand::Skip { endpoint, json, place } => {
            let (desk, mailbox) = found(place, &endpoint).await?;
            let answer = desk.backlog_skip(&endpoint, mailbox.as_ref()).await;
            let answer = answer.map_err(|error| failed(&error))?;
            Ok(tell_as(json, &answer, || skipped(&endpoint, &answer)))
        }
    }
}

/// Who knows of the backlog, and the endpoint's mailbox where that is not the other side's business.
async fn found(place: JobLocation, endpoint: &str) -> Result<(SharedJobs, Option<MailboxKey>), ExitCode> {
    let JobAccess { desk, loaded, .. } = place.go().await?;
    let Some(loaded) = loaded else { return Ok((desk, None)) };
    let known = running(&loaded, endpoint);
    match known {
        Some(known) => Ok((desk, Some(MailboxKey(known.mailbox.address().into())))),
        None => {
            eprintln!("{}", missing(&loaded, endpoint));
            Err(ExitCode::from(NOT_ALL))
        }
    }
}

/// A line for each mail. Pure.
fn listed(endpoint: &str, page: &BacklogPage) -> String {
    let Some(backlog) = &page.backlog else {
        return "nothing is known to be left: the mailbox was not looked at yet, or its mails were taken from the first look on\n".to_owned();
    };
    let mut text = state(backlog);
    if page.mails.is_empty() {
        return text;
    }
    let mut lines = vec![["UID", "RECEIVED", "BYTES", "FROM", "SUBJECT"].map(str::to_owned)];
    lines.extend(page.mails.iter().map(|mail| {
        let sign = if mail.wanted { " (taken next)" } else { "" };
        [
            mail.uid.to_string(),
            mail.received
                .map_or_else(|| "-".to_owned(), |at| at.format("%F %T").to_string()),
            mail.size.to_string(),
            escaped(&mail.from),
            format!("{}{sign}", escaped(&mail.subject)),
        ]
    }));
    text.push_str(&columns(&lines));
    let name = escaped(endpoint);
    if let Some(next) = page.next {
        text.push_str(&format!("more: --before {next} shows older ones\n"));
    }
    text.push_str(&format!(
        "mailjob backlog take {name} has all of them taken; --since and --uid name some\n"
    ));
    text
}

fn state(backlog: &State) -> String {
    let State {
        first_look,
        left,
        older,
        wanted,
        ..
    } = backlog;
    let mut text = format!(
        "{} lay in this mailbox before {} and {} left there; {wanted} {} taken next\n",
        plural::counted(left, "mail"),
        time(*first_look),
        plural::of(left, "is", "are"),
        plural::of(wanted, "is", "are")
    );
    if *older > 0 {
        text.push_str(&format!(
            "{older} of them {} too old to be listed: move one out of the mailbox and back, and it is taken as a new one\n",
            plural::of(older, "is", "are")
        ));
    }
    text
}

fn unlooked(endpoint: &str) -> String {
    let name = escaped(endpoint);
    format!(
        "nothing is taken: the mailbox of {name} was not looked at yet, so none of its UIDs is known here. Where it waits for a word, \
         mailjob backlog skip {name} has its mails left and listed; then take single ones, or take {name} --since a day\n"
    )
}

fn taken(endpoint: &str, answer: &BacklogAnswer) -> String {
    match &answer.backlog {
        Some(backlog) => format!(
            "{} of {} {} taken next; {} {} left\n",
            plural::counted(answer.taken, "mail"),
            escaped(endpoint),
            plural::of(answer.taken, "is", "are"),
            backlog.left,
            plural::of(backlog.left, "is", "are")
        ),
        None => format!(
            "noted: what lies in the mailbox of {} is taken at its first look; where it was looked at already, nothing was left\n",
            escaped(endpoint)
        ),
    }
}

fn skipped(endpoint: &str, answer: &BacklogAnswer) -> String {
    match &answer.backlog {
        Some(backlog) => format!(
            "{} of {} {} left; nothing else changes\n",
            plural::counted(backlog.left, "mail"),
            escaped(endpoint),
            plural::of(backlog.left, "is", "are")
        ),
        None => format!(
            "noted: what lies in the mailbox of {} is left at its first look\n",
            escaped(endpoint)
        ),
    }
}
