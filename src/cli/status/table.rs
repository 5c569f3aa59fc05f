//! How everything is, as text for people. Pure. What a stranger wrote can't steer a terminal.

use chrono::{DateTime, Utc};

use crate::{
    cli::columns::columns,
    message::clean::escaped,
    status::{EndpointStatus, Status, state::time},
};

const HEAD: [&str; 10] = [
    "ENDPOINT",
    "STATE",
    "LAST LOOK",
    "LAST MAIL",
    "QUEUED",
    "RUNNING",
    "DEFERRED",
    "HELD",
    "FAILED",
    "REPLIES",
];

/// What runs, a line for each endpoint, and below what needs more words. `silent`: why the process could not be asked, and
/// whether there is none.
pub(super) fn people(status: &Status, (silent, nobody_runs): (Option<&str>, bool), now: DateTime<Utc>) -> String {
    let mut text = silent.map_or_else(String::new, |why| {
        let stop = if why.ends_with(['.', '?', '!']) { "" } else { "." };
        format!("{}{stop} What the ledger and the files know:\n", escaped(why))
    });
    text.push_str(&head(status, now));
    text.push('\n');
    if status.endpoints.is_empty() {
        text.push_str("no endpoints\n");
    } else {
        let mut lines = vec![HEAD.map(str::to_owned)];
        lines.extend(status.endpoints.iter().map(|endpoint| cells(endpoint, now)));
        text.push_str(&columns(&lines));
    }
    let running = || status.endpoints.iter().filter_map(|endpoint| endpoint.jobs);
    if nobody_runs && running().any(|jobs| jobs.running > 0) {
        text.push_str(
            "\nRUNNING: these ran when their process ended; the next start of mailjob run begins them again\n",
        );
    }
    let remarks = status.endpoints.iter().filter_map(remark);
    let problems = status.problems.iter().map(|problem| format!("{}\n", escaped(problem)));
    for remark in remarks.chain(problems) {
        text.push('\n');
        text.push_str(&remark);
    }
    text
}

fn head(status: &Status, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    if let Some(process) = &status.process {
        let draining = if process.draining { ", stopping" } else { "" };
        text.push_str(&format!(
            "mailjob {}, process {}, since {} ({}){draining}\n",
            escaped(&process.version),
            process.pid,
            time(process.since),
            age(process.since, now),
        ));
        let memory = process.memory;
        if memory.waiting > 0 {
            text.push_str(&format!(
                "memory: {} waiting for room, {} of {} taken; [service] memory gives more\n",
                memory.waiting,
                bytes(memory.taken),
                bytes(memory.budget),
            ));
        }
    }
    let size = status.ledger.size.map_or_else(|| "not there yet".to_owned(), bytes);
    let free = status
        .ledger
        .free
        .map_or_else(String::new, |free| format!(", {} free", bytes(free)));
    text.push_str(&format!("ledger {}, {size}{free}\n", escaped(&status.ledger.path)));
    if let Some(problem) = &status.ledger.problem {
        text.push_str(&format!("ledger: {}\n", escaped(problem)));
    }
    text
}

fn cells(endpoint: &EndpointStatus, now: DateTime<Utc>) -> [String; 10] {
    let ago = |at: Option<DateTime<Utc>>| at.map_or_else(|| "-".to_owned(), |at| age(at, now));
    let mailbox = endpoint.mailbox.as_ref();
    let jobs = |of: fn(crate::status::JobTotals) -> u64| {
        endpoint
            .jobs
            .map_or_else(|| "?".to_owned(), |jobs| of(jobs).to_string())
    };
    let replies = endpoint.replies.as_ref().map_or_else(
        || "?".to_owned(),
        |replies| {
            let more = [
                (replies.refused, "refused"),
                (replies.unsure, "unsure"),
                (replies.bounced, "bounced"),
            ];
            let more = more.iter().filter(|(count, _)| *count > 0);
            let more: Vec<_> = more.map(|(count, what)| format!("{count} {what}")).collect();
            match more.as_slice() {
                [] => replies.waiting.to_string(),
                more => format!("{} ({})", replies.waiting, more.join(", ")),
            }
        },
    );
    let sign = if endpoint.to_do.is_some() { " !" } else { "" };
    [
        escaped(&endpoint.name),
        format!("{}{sign}", endpoint.state.name()),
        ago(mailbox.and_then(|mailbox| mailbox.last_look)),
        ago(mailbox.and_then(|mailbox| mailbox.last_mail)),
        jobs(|jobs| jobs.queued),
        jobs(|jobs| jobs.running),
        jobs(|jobs| jobs.deferred + jobs.waiting),
        jobs(|jobs| jobs.held),
        jobs(|jobs| jobs.failed),
        replies,
    ]
}

/// What a line of the table can't say.
fn remark(endpoint: &EndpointStatus) -> Option<String> {
    let name = escaped(&endpoint.name);
    let sends = endpoint.replies.as_ref().and_then(|replies| replies.problem.as_ref());
    let is_plain = endpoint.words == endpoint.state.name();
    let setback = &endpoint.setback;
    let left = endpoint.mailbox.as_ref().map_or(0, |mailbox| mailbox.left);
    let is_plain = is_plain && left == 0;
    let unread = endpoint
        .mailbox
        .as_ref()
        .and_then(|mailbox| mailbox.unread_line.as_ref());
    let kept_back = endpoint.mailbox.as_ref().and_then(|mailbox| mailbox.kept_back.as_ref());
    let reused_ids = endpoint.mailbox.as_ref().map_or(0, |mailbox| mailbox.reused_ids);
    let hears_well = unread.is_none() && kept_back.is_none() && reused_ids == 0;
    let is_quiet = endpoint.problem.is_none() && setback.is_none() && sends.is_none() && hears_well;
    if is_plain && endpoint.to_do.is_none() && is_quiet {
        return None;
    }
    let mut text = format!("{name}: {}\n", escaped(&endpoint.words));
    if let Some(line) = unread {
        text.push_str(&format!(
            "  its server says what can't be read, and it is passed over: {}\n",
            escaped(line)
        ));
    }
    if let Some(why) = kept_back {
        text.push_str(&format!(
            "  its server does not give {}; that is tried again, and held in the end\n",
            escaped(why)
        ));
    }
    if reused_ids > 0 {
        text.push_str(&format!(
            "  its server gave the ids of mails to others ({reused_ids} so far): each mail is compared before it is deleted\n"
        ));
    }
    let is_said = |words: &String| endpoint.words.contains(words.as_str());
    if let Some(problem) = endpoint.problem.as_ref().filter(|problem| !is_said(problem)) {
        text.push_str(&format!("  its file can't be used: {}\n", escaped(problem)));
    }
    if let Some(setback) = setback {
        let why = match setback.why() {
            why if why.is_empty() || endpoint.to_do.as_ref().is_some_and(|to_do| to_do.contains(why)) => String::new(),
            why => format!(": {}", escaped(why)),
        };
        text.push_str(&format!(
            "  jobs are tried again, the next {}{why}\n",
            time(setback.next)
        ));
    }
    if let Some(why) = sends {
        text.push_str(&format!("  its replies wait: {}\n", escaped(why)));
    }
    if left > 0 {
        let (mails, are) = if left == 1 { ("mail", "is") } else { ("mails", "are") };
        text.push_str(&format!(
            "  {left} {mails} lay in its mailbox before it was watched and {are} left there: mailjob backlog list {name} shows them, mailjob backlog take {name} has them taken\n"
        ));
    }
    if let Some(to_do) = &endpoint.to_do {
        text.push_str(&format!("  what to do: {}\n", escaped(to_do)));
    }
    Some(text)
}

/// How long ago, in the largest unit.
fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - at).num_seconds() {
        seconds @ ..120 => format!("{} s", seconds.max(0)),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Bytes in their largest unit.
fn bytes(bytes: u64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    for unit in units {
        if value < 1000.0 || unit == "TB" {
            return if unit == "B" {
                format!("{bytes} B")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{bytes} B")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
