//! What happens, as it happens: one plain line each, with the time.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Local, Utc};
use tokio::{
    sync::mpsc,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::super::{print, terminal::fitting};
use crate::{
    clean::clean,
    job::JobId,
    ledger::{self, Address, Event, EventCursor, EventKind, JobTable},
    sandbox::SandboxEvent,
};

/// Characters shown of a text of others.
const SHOWN: usize = 80;
/// How often the ledger is asked what happened.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked whether anybody reads.
const LOOK: Duration = Duration::from_secs(1);
/// Events that are asked for at once.
const PAGE: usize = 500;

/// A line, and since when it is true.
type Line = (DateTime<Utc>, &'static str, String);

/// Tells what happens in the world and of jobs, each in its time, until it is to end; then what is left.
pub(super) async fn tell(mut events: mpsc::Receiver<SandboxEvent>, address: Address, end: CancellationToken) {
    let mut jobs = JobsTold::new(address);
    let mut lines = Vec::new();
    let mut tick = interval(PAUSE);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    let (what, words) = told(&event);
                    lines.push((Utc::now(), what, words));
                }
                None => return,
            },
            // What happened before a tick is known at the tick: then it can be put in order.
            _ = tick.tick() => say(&mut lines, jobs.news().await),
            () = end.cancelled() => {
                while let Ok(event) = events.try_recv() {
                    let (what, words) = told(&event);
                    lines.push((Utc::now(), what, words));
                }
                say(&mut lines, jobs.news().await);
                return;
            }
        }
    }
}

/// Prints lines in their order.
fn say(lines: &mut Vec<Line>, more: Vec<Line>) {
    lines.extend(more);
    lines.sort_by_key(|(at, ..)| *at);
    for (at, what, words) in lines.drain(..) {
        let line = format!("{}  {what:8} {words}", at.with_timezone(&Local).format("%T"));
        println!("{}", fitting(&line));
    }
}

/// What the ledger tells of jobs.
struct JobsTold {
    address: Address,
    jobs: Option<Arc<dyn JobTable>>,
    cursor: EventCursor,
}

impl JobsTold {
    fn new(address: Address) -> Self {
        Self {
            address,
            jobs: None,
            cursor: EventCursor::default(),
        }
    }

    /// What happened since this was asked. What can't be read now is read the next time.
    async fn news(&mut self) -> Vec<Line> {
        if self.jobs.is_none() && self.address.exists() {
            self.jobs = ledger::beside(&self.address).await.ok().map(|store| store.jobs());
        }
        let Some(jobs) = &self.jobs else {
            return Vec::new();
        };
        let Ok(page) = jobs.events(self.cursor, None, PAGE).await else {
            return Vec::new();
        };
        self.cursor = page.next;
        let lines = page
            .events
            .iter()
            .filter_map(|event| Some((event.at, "job", job(event)?)));
        lines.collect()
    }
}

/// Returns when nobody reads any more.
pub(super) async fn nobody_reads() {
    while !print::is_gone() {
        sleep(LOOK).await;
    }
}

fn short(text: &str) -> String {
    clean(text, SHOWN)
}

fn with(files: &[String]) -> String {
    match files {
        [] => String::new(),
        files => format!(" (with {})", short(&files.join(", "))),
    }
}

/// An event of the world in words. Pure.
fn told(event: &SandboxEvent) -> (&'static str, String) {
    match event {
        SandboxEvent::Came {
            from,
            to,
            subject,
            files,
        } => (
            "mail",
            format!("{} → {}: \"{}\"{}", short(from), short(to), short(subject), with(files)),
        ),
        SandboxEvent::Submitted {
            from,
            to,
            subject,
            text,
            files,
        } => (
            "answer",
            format!(
                "{} → {}: \"{}\": {}{}",
                short(from),
                short(to),
                short(subject),
                short(text),
                with(files)
            ),
        ),
        SandboxEvent::Moved { user, subject, mailbox } => (
            "settled",
            format!("\"{}\" is in {} of {}", short(subject), short(mailbox), short(user)),
        ),
        SandboxEvent::Asked {
            job,
            attempt,
            status,
            words,
        } => (
            "webhook",
            format!(
                "job {}, attempt {}: {status} {}",
                short_id(job),
                short(attempt),
                short(words)
            ),
        ),
    }
}

/// The end of a job's id, by which commands know it.
fn short_id(id: &str) -> String {
    id.parse::<JobId>().map_or_else(|_| short(id), |id| id.short())
}

/// What happened to a job, where that is of interest here. Pure.
fn job(event: &Event) -> Option<String> {
    let what = match event.kind {
        EventKind::Made => "made",
        EventKind::Done => "done",
        EventKind::Deferred => "tried again later",
        EventKind::Failed => "failed",
        EventKind::Held => "held: somebody has to look",
        EventKind::Ignored => "not meant",
        EventKind::Paused => "the endpoint is paused",
        _ => return None,
    };
    let endpoint = event.endpoint.as_deref().unwrap_or("-");
    let id = event.job.map(|job| format!("{} ", job.short())).unwrap_or_default();
    let detail = event.detail.as_deref().filter(|detail| !detail.is_empty());
    let detail = detail.filter(|_| event.kind != EventKind::Done);
    let detail = detail.map(|detail| format!(": {}", short(detail))).unwrap_or_default();
    Some(format!("{id}of {}: {what}{detail}", short(endpoint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_steers_no_terminal() {
        let came = SandboxEvent::Came {
            from: "a@b.example".into(),
            to: "c@d.example".into(),
            subject: "\u{1b}[2Jx\r\ny".into(),
            files: vec!["a\u{202e}.pdf".into()],
        };
        let (what, words) = told(&came);
        assert_eq!(what, "mail");
        assert!(words.starts_with("a@b.example → c@d.example: "), "{words}");
        assert!(!words.contains(['\u{1b}', '\r', '\n', '\u{202e}']), "{words:?}");
    }

    #[test]
    fn an_event_of_a_job_is_told_where_it_is_of_interest() {
        let event = |kind, detail: &str| Event {
            cursor: EventCursor(1),
            at: Utc::now(),
            kind,
            endpoint: Some("invoices".into()),
            job: None,
            attempt: Some(1),
            reason: None,
            detail: Some(detail.into()),
            sender: None,
            subject: None,
        };
        let deferred = event(EventKind::Deferred, "the webhook answered 503");
        assert_eq!(
            job(&deferred).as_deref(),
            Some("of invoices: tried again later: the webhook answered 503")
        );
        assert_eq!(job(&event(EventKind::Done, "x")).as_deref(), Some("of invoices: done"));
        assert_eq!(job(&event(EventKind::ReplySent, "")), None);
    }
}
