//! `mailjob check`: every problem of every file to stderr, what would run to stdout. Changes nothing, connects nowhere but with
//! `--live`.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;

use super::{
    doctor::{self, ReportFormat},
    listening, print,
    terminal::fitting,
};
use crate::config::{
    Backlog, Endpoint, Problem, Reply, ReplyTemplate, ReplyTo, Since, WatchMode,
    load::{Loaded, Sources, load, load_offline, load_without_secrets},
    rescue::Lapse,
};
use crate::doctor::{DoctorReport, Finding, render};
use crate::ledger::{self, Error};
use crate::status::state::time;

/// Looks that are further apart are no burden to the large providers.
const SELDOM: Duration = Duration::from_secs(10);
/// Times of a cron pattern that are shown.
const SHOWN: usize = 3;

/// How far a check looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// At all that the files need on this machine.
    Machine,
    /// The same but secrets, which are on the machine that runs.
    ButSecrets,
    /// At the files, and what lies beside them.
    Files,
}

/// Checks the configuration. The exit code is 0, 78 (`EX_CONFIG`) when there is a problem, or 74 (`EX_IOERR`) when it
/// could not be told.
pub(super) fn check(sources: &Sources, depth: Depth, form: ReportFormat) -> ExitCode {
    let mut loaded = match depth {
        Depth::Machine => load(sources),
        Depth::ButSecrets => load_without_secrets(sources),
        Depth::Files => load_offline(sources),
    };
    let starts = look_beside(sources, &mut loaded, depth);
    let (mut out, mut err) = (print::stdout(), print::stderr());
    let told = match form {
        ReportFormat::Human => report(&loaded, starts, &mut out, &mut err),
        ReportFormat::Json => writeln!(out, "{}", document(&loaded)).and_then(|()| out.flush()),
    };
    match told {
        // A first start refuses a `mailjob.toml` that sets nothing, and a later one takes it for broken.
        Ok(()) if Lapse::of(sources, &loaded) == Some(Lapse::Silent) => ExitCode::from(78),
        Ok(()) if loaded.problems.is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(78),
        Err(error) => print::untold(&error),
    }
}

/// Adds what is wrong beside the files' own words: with the ledger, and with a folder in which every endpoint is called otherwise. Says whether
/// `mailjob run` would start.
fn look_beside(sources: &Sources, loaded: &mut Loaded, depth: Depth) -> bool {
    let refused = [
        ledger_problem(sources, loaded, depth),
        address_problem(sources, loaded, depth),
    ];
    let starts = loaded.start().is_some() && refused.iter().all(Option::is_none);
    loaded.problems.extend(refused.into_iter().flatten());
    let is_empty = loaded.endpoints.is_empty() && loaded.broken.is_empty() && loaded.disabled.is_empty();
    let is_silent = Lapse::of(sources, loaded) == Some(Lapse::Silent);
    // Of no endpoints nothing but the names of files can be odd.
    if is_empty && loaded.listed && !is_silent && !loaded.hints.is_empty() {
        loaded.problems.push(Problem {
            file: sources.endpoints.clone(),
            place: None,
            cause: format!("no endpoint is in it, but {}", loaded.hints.join(", and ")),
            cure: "give the file the ending .toml, or remove it".to_owned(),
            endpoint: None,
            follows: false,
        });
    }
    starts
}

/// What would keep `mailjob run` from using the ledger, in its own words. Nothing is made. On another machine than that which runs there is
/// no ledger, and often not its folder either.
fn ledger_problem(sources: &Sources, loaded: &Loaded, depth: Depth) -> Option<Problem> {
    let ledger = &loaded.service.as_ref()?.ledger;
    if depth != Depth::Machine && !ledger.try_exists().unwrap_or(false) {
        return None;
    }
    let error = ledger::foresee(ledger).err()?;
    let (cause, cure) = match error {
        Error::Unusable { ledger, what, cure } => (format!("the ledger {ledger} {what}"), cure),
        other => (
            other.to_string(),
            "name another file by `ledger` in [service], or look at this one by mailjob ledger check".to_owned(),
        ),
    };
    Some(Problem {
        file: sources.config.clone().unwrap_or_else(|| ledger.base().to_owned()),
        place: None,
        cause,
        cure,
        endpoint: None,
        follows: false,
    })
}

/// What would keep `mailjob run` from listening at its health address, on the machine that runs.
fn address_problem(sources: &Sources, loaded: &Loaded, depth: Depth) -> Option<Problem> {
    let service = loaded.service.as_ref().filter(|_| depth == Depth::Machine)?;
    let (cause, cure) = listening::trouble(service)?;
    Some(Problem {
        file: sources.config.clone().unwrap_or_else(|| sources.endpoints.clone()),
        place: None,
        cause,
        cure,
        endpoint: None,
        follows: false,
    })
}

/// What is wrong for machines: a document as `mailjob check --live --json` prints it, of the files alone.
fn document(loaded: &Loaded) -> String {
    render::json(&DoctorReport {
        findings: loaded.told().map(Finding::of_problem).collect(),
    })
}

/// Checks the configuration, then examines the endpoints that are right.
pub(super) async fn live(sources: &Sources, form: ReportFormat) -> ExitCode {
    let mut loaded = load(sources);
    let starts = look_beside(sources, &mut loaded, Depth::Machine);
    let told = match form {
        ReportFormat::Human => report(&loaded, starts, &mut print::stdout(), &mut print::stderr()),
        ReportFormat::Json => Ok(()),
    };
    match told {
        Ok(()) => doctor::live(&loaded, form).await,
        Err(error) => print::untold(&error),
    }
}

fn report(loaded: &Loaded, starts: bool, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
    for problem in loaded.told() {
        writeln!(err, "{}", problem.render())?;
    }
    for hint in &loaded.hints {
        writeln!(err, "note: {hint}")?;
    }
    let now = Utc::now();
    for endpoint in loaded.endpoints.values() {
        writeln!(out, "{}", fitting(&line(endpoint, now)))?;
    }
    for name in &loaded.disabled {
        writeln!(out, "{name}: disabled")?;
    }
    let right = counted(loaded.endpoints.len(), "endpoint");
    let problems = match loaded.told().count() {
        0 => "no problems".to_owned(),
        some => counted(some, "problem"),
    };
    writeln!(out, "{right} would run, {} would not; {problems}", loaded.broken.len())?;
    if !starts {
        writeln!(out, "mailjob run would not start with this")?;
    }
    if loaded.listed && loaded.endpoints.is_empty() && loaded.broken.is_empty() && loaded.disabled.is_empty() {
        writeln!(
            err,
            "note: there is no endpoint file (NAME.toml) in the folder of endpoints: nothing would be done; --endpoints names another folder"
        )?;
    }
    out.flush()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// An endpoint in one line: where mail comes from, what is done, who hears of it.
fn line(endpoint: &Endpoint, now: DateTime<Utc>) -> String {
    let mailbox = &endpoint.mailbox;
    let watch = match &mailbox.watch {
        WatchMode::Idle { .. } => "as it comes".to_owned(),
        WatchMode::Every(interval) if *interval < SELDOM => {
            format!("every {interval:?} (often: large providers limit how often one may ask)")
        }
        WatchMode::Every(interval) => format!("every {interval:?}"),
        WatchMode::Cron { pattern, zone } => {
            let next = next(pattern, *zone, now).join(", ");
            format!("at {} {zone} (next: {next})", pattern.as_str())
        }
    };
    let action = endpoint.action.describe();
    let reply = match action.answers() {
        true => answered(&endpoint.reply),
        false => "no reply".to_owned(),
    };
    let (user, action) = (&mailbox.account.user, action.summary());
    format!(
        "{}: {user} {}, {watch}{} → {action} → {reply}",
        endpoint.name,
        mailbox.name,
        before(mailbox.looks.backlog)
    )
}

/// The next times of a pattern: what it means shows best there.
fn next(pattern: &croner::Cron, zone: Tz, now: DateTime<Utc>) -> Vec<String> {
    let mut times = Vec::new();
    let mut from = now.with_timezone(&zone);
    for _ in 0..SHOWN {
        let Ok(time) = pattern.find_next_occurrence(&from, false) else {
            break;
        };
        let seconds = if time.second() == 0 { "" } else { ":%S" };
        times.push(time.format(&format!("%a %Y-%m-%d %H:%M{seconds}")).to_string());
        from = time;
    }
    times
}

/// What becomes of mails that lie there at the first start.
fn before(backlog: Option<Backlog>) -> String {
    match backlog {
        None | Some(Backlog::Skip) => " from the first start on (what lies there before is left)".to_owned(),
        Some(Backlog::Process) => ", at the first start also all that lies there".to_owned(),
        Some(Backlog::Since(Since::At(at))) => format!(", at the first start also what came since {}", time(at)),
        Some(Backlog::Since(Since::Age(age))) => {
            format!(", at the first start also what came in the {} before", span(age))
        }
    }
}

/// In days, else in hours, else in seconds.
fn span(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds > 0 && seconds % 86_400 == 0 => counted_u64(seconds / 86_400, "day"),
        seconds if seconds > 0 && seconds % 3_600 == 0 => counted_u64(seconds / 3_600, "hour"),
        seconds => counted_u64(seconds, "second"),
    }
}

fn counted_u64(count: u64, what: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), what)
}

fn answered(reply: &Reply) -> String {
    let to = |letter: Option<&ReplyTemplate>| {
        let names = letter.map_or(&[][..], |letter| &letter.to).iter().map(|to| match to {
            ReplyTo::Sender => "the sender",
            ReplyTo::From => "its From",
            ReplyTo::Address(address) => address.as_str(),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match (to(reply.success.as_ref()), to(reply.failure.as_ref())) {
        (success, failure) if success.is_empty() && failure.is_empty() => "no reply".to_owned(),
        (success, failure) if success == failure => format!("reply to {success}"),
        (success, failure) if failure.is_empty() => format!("reply of success to {success}"),
        (success, failure) if success.is_empty() => format!("reply of failure to {failure}"),
        (success, failure) => format!("reply of success to {success}, of failure to {failure}"),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
