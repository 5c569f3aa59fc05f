//! `mailjob check`: every problem of every file to stderr, what would run to stdout. Changes nothing, connects nowhere.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::config::{
    Action, Endpoint, Reply, ReplyTo, Watch,
    load::{Loaded, Sources, load},
};

/// Checks the configuration. The exit code is 0, 78 (`EX_CONFIG`) when there is a problem, or 74 (`EX_IOERR`) when it
/// could not be told.
#[must_use]
pub fn check(sources: &Sources) -> ExitCode {
    let loaded = load(sources);
    match report(&loaded, &mut io::stdout().lock(), &mut io::stderr().lock()) {
        Ok(()) if loaded.problems.is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(78),
        Err(_) => ExitCode::from(74),
    }
}

fn report(loaded: &Loaded, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
    for problem in &loaded.problems {
        writeln!(err, "{}", problem.render())?;
    }
    for endpoint in loaded.endpoints.values() {
        writeln!(out, "{}", line(endpoint))?;
    }
    let right = counted(loaded.endpoints.len(), "endpoint");
    let problems = match loaded.problems.len() {
        0 => "no problems".to_owned(),
        some => counted(some, "problem"),
    };
    writeln!(out, "{right} would run, {} would not; {problems}", loaded.broken.len())?;
    if loaded.start().is_none() {
        writeln!(
            out,
            "mailjob run would not start: the settings that endpoints share can't be used"
        )?;
    }
    out.flush()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// An endpoint in one line: where mail comes from, what is done, who hears of it.
fn line(endpoint: &Endpoint) -> String {
    let mailbox = &endpoint.mailbox;
    let watch = match &mailbox.watch {
        Watch::Idle { .. } => "as it comes".to_owned(),
        Watch::Every(interval) => format!("every {interval:?}"),
        Watch::Cron { pattern, zone } => format!("at {} {zone}", pattern.as_str()),
    };
    let action = match &endpoint.action {
        Action::Webhook(webhook) => format!("POST {}", without_query(&webhook.url)),
        Action::Command(command) => command.argv.first().cloned().unwrap_or_default(),
    };
    let (user, reply) = (&mailbox.account.user, answered(&endpoint.reply));
    format!(
        "{}: {user} {}, {watch} → {action} → {reply}",
        endpoint.name, mailbox.name
    )
}

/// A URL's query may hold a key.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(place, _)| place)
}

fn answered(reply: &Reply) -> String {
    match &reply.to {
        ReplyTo::Nobody => "no reply".to_owned(),
        ReplyTo::Sender => "reply to the sender".to_owned(),
        ReplyTo::Addresses(addresses) => format!("reply to {}", addresses.join(", ")),
    }
}
