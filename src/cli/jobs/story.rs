//! A job's story as a page for people. Pure. What a stranger or an action wrote can't steer a terminal.

use std::fmt::{self, Display, Write as _};

use super::table::short;
use crate::{
    job::{Decision, Exchange, JobId, TruncatedText},
    ledger::{AttemptStory, JobStory, MailOutcome, MailStory, PlaceStory, ReplyState, ReplyStory, TouchState},
    message::clean::{escaped, escaped_lines},
    rehearse::silence,
    status::state::time,
};

/// A page. `nobody_runs`: whether no process has the ledger.
pub(super) fn people(story: &JobStory, nobody_runs: bool) -> String {
    let mut page = StoryPage(String::new());
    head(&mut page, story);
    mail(&mut page, &story.mail);
    for attempt in &story.attempts {
        self::attempt(&mut page, attempt);
    }
    if let Some(since) = story.running_since {
        let (attempt, since) = (story.job.attempts, time(since));
        page.title(&match nobody_runs {
            false => format!("attempt {attempt} runs since {since}"),
            true => format!(
                "attempt {attempt} began {since} and was running when its process ended; the next start of mailjob run begins it again"
            ),
        });
    }
    if !story.parts.is_empty() {
        page.title("parts");
        for part in &story.parts {
            let (job, name) = (&part.job, short(&part.attachment));
            page.line(format_args!("{}  {:8}  {name}", job.id.short(), job.state.as_str()));
        }
    }
    for reply in &story.replies {
        self::reply(&mut page, reply);
    }
    if let Some(why) = &story.silent {
        page.title("no reply");
        page.line(format_args!("{}: {}", escaped(why), silence(why)));
    }
    places(&mut page, &story.mail.places);
    page.0
}

/// Text with titles and lines below them.
struct StoryPage(String);

impl StoryPage {
    fn title(&mut self, title: &str) {
        self.0.push_str(title);
        self.0.push('\n');
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a String can't fail.
        let _infallible = writeln!(self.0, "  {line}");
    }

    /// A field, where there is something in it.
    fn field(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(format_args!("{name:12}{value}"));
        }
    }

    /// A text of several lines below its name.
    fn text(&mut self, name: &str, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.line(format_args!("{name}:"));
        for line in escaped_lines(text.trim_end()).lines() {
            self.line(format_args!("  | {line}"));
        }
    }

    fn cut(&mut self, name: &str, cut: &TruncatedText) {
        if cut.is_cut() {
            self.text(&format!("{name} ({} of {} bytes)", cut.text.len(), cut.size), &cut.text);
        } else {
            self.text(name, &cut.text);
        }
    }
}

fn head(page: &mut StoryPage, story: &JobStory) {
    let job = &story.job;
    page.title(&format!(
        "job {} of {}: {}",
        job.id,
        escaped(&job.endpoint),
        job.state.as_str()
    ));
    page.field("because", job.reason.as_deref().map(escaped));
    page.field("detail", job.detail.as_deref().map(escaped));
    page.field("next try", job.due.map(time));
    page.field(
        "run anew",
        Some(job.reruns).filter(|times| *times > 0).map(|times| match times {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        }),
    );
    page.field("part", job.part);
    page.field("mail's job", story.mail_job);
}

fn mail(page: &mut StoryPage, mail: &MailStory) {
    page.title("mail");
    page.field("From", mail.from.as_deref().map(short));
    page.field("Subject", mail.subject.as_deref().map(short));
    page.field("Message-ID", mail.message_id.as_deref().map(escaped));
    page.field(
        "size",
        Some(format!(
            "{} bytes{}",
            mail.size,
            match (mail.has_bytes, &mail.incomplete) {
                (true, _) => "",
                (false, Some(_)) => " at least, none stored",
                (false, None) => ", not stored any more",
            }
        )),
    );
    page.field("not whole", mail.incomplete.as_deref().map(escaped));
    page.field("SHA-256", Some(&mail.sha256).filter(|sha256| !sha256.is_empty()));
    page.field("received", mail.received.map(time));
    page.field("taken", Some(time(mail.taken)));
}

fn attempt(page: &mut StoryPage, attempt: &AttemptStory) {
    let took = attempt.began.map(|began| attempt.ended.signed_duration_since(began));
    let took = took.map_or_else(String::new, |took| {
        format!(" after {}.{:03} s", took.num_seconds(), took.subsec_nanos() / 1_000_000)
    });
    // One word for one state: what comes back for another attempt is deferred.
    let outcome = match &*attempt.outcome {
        "retry" => "deferred".to_owned(),
        other => escaped(other),
    };
    let number = attempt.number;
    page.title(&format!("attempt {number}: {outcome}, {}{took}", time(attempt.ended)));
    page.field("because", attempt.reason.as_deref().map(escaped));
    page.field("detail", attempt.detail.as_deref().map(escaped));
    if let Some(decision) = &attempt.trace.decision {
        decided(page, decision);
    }
    if let Some(exchange) = &attempt.trace.exchange {
        exchanged(page, exchange);
    }
    page.text("answer for the reply", attempt.answer.as_deref().unwrap_or_default());
}

fn decided(page: &mut StoryPage, decision: &Decision) {
    let proofs = match decision.proofs.as_slice() {
        [] => String::new(),
        proofs => format!(", shown by {}", escaped(&proofs.join(", "))),
    };
    page.field(
        "filter",
        Some(format!("accepted; sender {}{proofs}", escaped(&decision.sender))),
    );
    if decision.attachment_count > 0 {
        let names: Vec<_> = decision.attachments.iter().map(|name| short(name)).collect();
        page.field(
            "attachments",
            Some(format!("{}: {}", decision.attachment_count, names.join(", "))),
        );
    }
    page.field(
        "answers",
        decision.answers.map(|job: JobId| format!("the reply of job {job}")),
    );
}

fn exchanged(page: &mut StoryPage, exchange: &Exchange) {
    match exchange {
        Exchange::Webhook {
            method,
            url,
            sent,
            status,
            media_type,
            body,
        } => {
            page.field(
                "request",
                Some(format!("{} {}, {sent} bytes", escaped(method), escaped(url))),
            );
            let media_type = media_type
                .as_deref()
                .map(|media_type| format!(", {}", escaped(media_type)));
            let answer = match status {
                Some(status) => format!("{status}{}", media_type.unwrap_or_default()),
                None => "none".to_owned(),
            };
            page.field("response", Some(answer));
            if let Some(body) = body {
                page.cut("body", body);
            }
        }
        Exchange::Command {
            argv,
            exit,
            signal,
            stdout,
            stderr,
        } => {
            page.field(
                "ran",
                Some(
                    argv.iter()
                        .map(|one| format!("{one:?}"))
                        .map(|one| escaped(&one))
                        .collect::<Vec<_>>()
                        .join(" "),
                ),
            );
            page.field("exit code", *exit);
            page.field("signal", *signal);
            page.cut("stdout", stdout);
            page.cut("stderr", stderr);
        }
    }
}

fn reply(page: &mut StoryPage, reply: &ReplyStory) {
    let state = match reply.state {
        _ if reply.withdrawn => "withdrawn".to_owned(),
        ReplyState::Queued => reply
            .due
            .map_or("queued".to_owned(), |due| format!("queued, next try {}", time(due))),
        ReplyState::Running => "being sent".to_owned(),
        ReplyState::Sent => "sent".to_owned(),
        ReplyState::Refused => "refused".to_owned(),
        ReplyState::Bounced => "came back; mailjob replies retry sends it again".to_owned(),
        ReplyState::Unsure => {
            "unsure: the server may have it or not; mailjob replies accept or retry decides".to_owned()
        }
    };
    page.title(&format!("reply by {}: {state}", escaped(&reply.account)));
    page.field("Message-ID", Some(escaped(&reply.message_id)));
    page.field("made", Some(time(reply.made)));
    page.field("attempts", Some(reply.attempts));
    page.field("ended", reply.ended.map(time));
    page.field(
        "size",
        Some(
            reply
                .size
                .map_or("not stored any more".to_owned(), |size| format!("{size} bytes")),
        ),
    );
    for end in &reply.recipients {
        let said = short(&end.said);
        page.line(format_args!(
            "{:8}  {}  {said}",
            end.state.as_str(),
            escaped(&end.address)
        ));
    }
}

fn places(page: &mut StoryPage, places: &[PlaceStory]) {
    page.title("mailbox");
    for place in places {
        let verdict = place.verdict.map_or("", |verdict| match verdict {
            MailOutcome::Done => " as done",
            MailOutcome::Failed => " as failed",
            MailOutcome::Ignored => " as ignored",
        });
        let touch = match place.touch {
            TouchState::Waiting => "untouched until the mail has ended".to_owned(),
            TouchState::Due => format!("to be settled{verdict}"),
            TouchState::Settled => {
                let at = place.settled.map_or_else(String::new, |at| format!(", {}", time(at)));
                format!("settled{verdict}{at}")
            }
        };
        page.line(format_args!(
            "{} {}/{}  {touch}",
            escaped(&place.mailbox),
            place.uid_validity,
            place.uid
        ));
    }
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
