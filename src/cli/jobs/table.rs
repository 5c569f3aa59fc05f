//! Jobs as lines for people. Pure. What a stranger wrote can't steer a terminal.

use crate::{
    job::state::State,
    ledger::{JobPage, JobRow, ReplyState},
    message::clean::escaped,
    status::state::time,
};

/// Characters of a subject or a detail.
const MOST: usize = 100;

/// A line for each, and another where something is wrong.
pub(super) fn people(page: &JobPage) -> String {
    if page.jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let widths = widths(&page.jobs);
    let mut text: String = page.jobs.iter().map(|job| lines(job, widths)).collect();
    if let Some(next) = page.next {
        text.push_str(&format!("and older ones: --before {next} shows more\n"));
    }
    text
}

/// The widest endpoint and sender.
fn widths(jobs: &[JobRow]) -> (usize, usize) {
    let widest = |of: fn(&JobRow) -> String| jobs.iter().map(|job| of(job).chars().count()).max().unwrap_or(0);
    (widest(|job| short(&job.endpoint)), widest(sender))
}

fn sender(job: &JobRow) -> String {
    short(job.sender.as_deref().unwrap_or("-"))
}

fn lines(job: &JobRow, (endpoint, from): (usize, usize)) -> String {
    let mut text = format!(
        "{id}  {state:8}  {taken}  {name:endpoint$}  {sender:from$}  {subject}\n",
        id = job.id,
        state = job.state.as_str(),
        taken = job.taken.format("%F %T"),
        name = short(&job.endpoint),
        sender = sender(job),
        subject = short(job.subject.as_deref().unwrap_or("-")),
    );
    let notes: Vec<String> = [why(job), next(job), reply(job)].into_iter().flatten().collect();
    if !notes.is_empty() {
        text.push_str(&format!("  {}\n", notes.join("; ")));
    }
    text
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
    let Some(reply) = job.reply else {
        let held_back = job.unanswered.as_deref().filter(|why| ["rate", "loop"].contains(why));
        return held_back.map(|why| format!("no reply: [rates] held it back ({why})"));
    };
    match reply {
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
            unanswered: None,
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
                    unanswered: Some("rate".into()),
                    ..job(State::Done)
                },
            ],
            next: Some(JobId(uuid::Uuid::nil())),
        };
        assert_eq!(
            people(&page),
            "00000000000000000000000000000000  failed    2027-01-15 08:00:00  invoices  -              Invoice\\u{1b}[2J 7\n\
             \x20 exit-1: the command ended with 1; its reply was refused\n\
             00000000000000000000000000000000  done      2027-01-15 08:00:00  invoices  ann@a.example  Invoice\\u{1b}[2J 7\n\
             \x20 no reply: [rates] held it back (rate)\n\
             and older ones: --before 00000000000000000000000000000000 shows more\n"
        );
        assert_eq!(people(&JobPage::default()), "no jobs\n");
    }
}
