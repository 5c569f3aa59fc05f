//! Jobs as lines for people. Pure. What a stranger wrote can't steer a terminal.

use crate::{
    cli::columns::lines,
    job::state::State,
    ledger::{JobPage, JobRow, ReplyState},
    message::clean::escaped,
    rehearse::silence,
    status::state::time,
};

/// Characters of a subject or a detail.
const MOST: usize = 100;

const HEAD: [&str; 6] = ["JOB", "STATE", "TAKEN", "ENDPOINT", "SENDER", "SUBJECT"];

/// A line for each, and another where something is wrong. `hides`: whether those that were ignored are left out; `nobody_runs`:
/// whether no process has the ledger.
pub(super) fn people(page: &JobPage, hides: bool, nobody_runs: bool) -> String {
    let hidden = if hides {
        "; --state ignored shows mails that were not meant"
    } else {
        ""
    };
    if page.jobs.is_empty() {
        return format!("no jobs{hidden}\n");
    }
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(page.jobs.iter().map(cells));
    let notes = [String::new()]
        .into_iter()
        .chain(page.jobs.iter().map(|job| notes(job, nobody_runs)));
    let mut text: String = lines(&rows)
        .zip(notes)
        .map(|(line, notes)| format!("{line}\n{notes}"))
        .collect();
    if let Some(next) = page.next {
        text.push_str(&format!("more: --before {} shows older ones\n", next.short()));
    }
    text
}

fn cells(job: &JobRow) -> [String; 6] {
    [
        job.id.short(),
        job.state.as_str().to_owned(),
        job.taken.format("%F %T").to_string(),
        short(&job.endpoint),
        short(job.sender.as_deref().unwrap_or("-")),
        short(job.subject.as_deref().unwrap_or(unread(job))),
    ]
}

/// What stands for the subject where there is none: a mail is first read when its job begins.
fn unread(job: &JobRow) -> &'static str {
    let begins = matches!(job.state, State::Queued | State::Running) && job.sender.is_none();
    if begins { "(not read yet)" } else { "-" }
}

/// What a line of the table can't say.
fn notes(job: &JobRow, nobody_runs: bool) -> String {
    let notes: Vec<String> = [
        why(job),
        cut_off(job, nobody_runs),
        next(job),
        reply(job),
        no_reply(job),
    ]
    .into_iter()
    .flatten()
    .collect();
    match notes.as_slice() {
        [] => String::new(),
        notes => format!("  {}\n", notes.join("; ")),
    }
}

/// Why nobody is answered, where that isn't simply as the endpoint says.
fn no_reply(job: &JobRow) -> Option<String> {
    const MEANT: [&str; 6] = ["off", "combined", "each", "nobody", "discarded", "failed"];
    let why = job.silent.as_deref().filter(|why| !MEANT.contains(why))?;
    let ended = matches!(job.state, State::Done | State::Failed);
    ended.then(|| format!("no reply: {}", silence(why)))
}

/// That nobody runs it any more, though it is written down as running.
fn cut_off(job: &JobRow, nobody_runs: bool) -> Option<String> {
    let is = nobody_runs && job.state == State::Running;
    is.then(|| "it ran when its process ended; the next start of mailjob run begins it again".to_owned())
}

/// Why it is as it is, where it isn't simply well.
fn why(job: &JobRow) -> Option<String> {
    let reason = job.reason.as_deref().filter(|_| job.state != State::Done)?;
    match job.detail.as_deref() {
        Some(detail) if !detail.is_empty() => Some(format!("{}: {}", escaped(reason), short(detail))),
        _ => Some(escaped(reason)),
    }
}

fn next(job: &JobRow) -> Option<String> {
    let due = job.due.filter(|_| job.state == State::Deferred)?;
    Some(format!("next attempt {}", time(due)))
}

fn reply(job: &JobRow) -> Option<String> {
    match job.reply? {
        ReplyState::Queued | ReplyState::Running => Some("its reply waits".to_owned()),
        ReplyState::Refused => Some("its reply was refused".to_owned()),
        ReplyState::Bounced => Some("its reply came back".to_owned()),
        ReplyState::Unsure => Some("its reply may have arrived or not".to_owned()),
        ReplyState::Sent => None,
    }
}

/// Cut, and fit for a terminal.
pub(super) fn short(text: &str) -> String {
    let cut: String = text.chars().take(MOST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escaped(&cut))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::job::JobId;

    fn job(state: State) -> JobRow {
        JobRow {
            id: JobId(uuid::Uuid::nil()),
            endpoint: "invoices".into(),
            state,
            reason: None,
            detail: None,
            taken: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            due: None,
            attempts: 1,
            reruns: 0,
            sender: Some("ann@a.example".into()),
            subject: Some("Invoice\u{1b}[2J 7".into()),
            size: 7,
            part: None,
            reply: None,
            silent: None,
        }
    }

    #[test]
    fn people_see_what_is_wrong() {
        let failed = JobRow {
            reason: Some("exit-1".into()),
            detail: Some("the command ended with 1".into()),
            sender: None,
            reply: Some(ReplyState::Refused),
            ..job(State::Failed)
        };
        let page = JobPage {
            jobs: vec![
                failed,
                JobRow {
                    silent: Some("rate".into()),
                    ..job(State::Done)
                },
            ],
            next: Some(JobId(uuid::Uuid::nil())),
        };
        assert_eq!(
            people(&page, false, true),
            "JOB       STATE   TAKEN                ENDPOINT  SENDER         SUBJECT\n\
             00000000  failed  2027-01-15 08:00:00  invoices  -              Invoice\\u{1b}[2J 7\n\
             \x20 exit-1: the command ended with 1; its reply was refused\n\
             00000000  done    2027-01-15 08:00:00  invoices  ann@a.example  Invoice\\u{1b}[2J 7\n\
             \x20 no reply: there were more replies than [rates] allows\n\
             more: --before 00000000 shows older ones\n"
        );
        assert_eq!(people(&JobPage::default(), false, false), "no jobs\n");
        assert!(people(&JobPage::default(), true, false).contains("--state ignored"));
    }

    #[test]
    fn why_nobody_was_answered_stands_on_the_row() {
        let of = |silent: &str| {
            let silent = Some(silent.to_owned());
            notes(
                &JobRow {
                    silent,
                    ..job(State::Done)
                },
                true,
            )
        };
        assert!(of("auto-submitted").contains("no reply: the mail says that it was sent automatically"));
        assert!(of("rate").contains("[rates]"));
        assert_eq!(of("off"), "");
        let open = JobRow {
            silent: Some("rate".to_owned()),
            ..job(State::Queued)
        };
        assert_eq!(notes(&open, true), "");
        let open = JobRow {
            sender: None,
            subject: None,
            ..job(State::Running)
        };
        assert_eq!(notes(&open, false), "");
        assert!(notes(&open, true).contains("it ran when its process ended"));
        assert_eq!(&cells(&open)[4..], ["-", "(not read yet)"]);
        assert_eq!(cells(&job(State::Running))[4], "ann@a.example");
    }
}
