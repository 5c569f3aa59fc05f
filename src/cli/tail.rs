//! `mailjob tail`: follows what happens, a line an event.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use tokio::time::sleep;

use super::{
    block_on,
    desk::{JobLocation, failed, untold},
    print,
};
use crate::{
    ledger::{Event, EventCursor, EventKind},
    message::clean::{escaped, json_line},
    status::state::time,
};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Events of one look.
const PAGE: usize = 500;

/// Follows events until it is stopped, or nobody reads any more.
pub(super) fn tail(endpoint: Option<&str>, since: Option<i64>, once: bool, json: bool, place: JobLocation) -> ExitCode {
    block_on(async {
        let ended = async {
            let found = place.go().await?;
            found.knows(endpoint).await?;
            let mut cursor = match since {
                Some(since) => EventCursor(since),
                None if once => EventCursor::default(),
                None => found.desk.newest_event().await.map_err(|error| failed(&error))?,
            };
            loop {
                let page = found
                    .desk
                    .events(cursor, endpoint, PAGE)
                    .await
                    .map_err(|error| failed(&error))?;
                write(&page.events, json).map_err(|error| untold(&error))?;
                if print::is_gone() {
                    return Ok(ExitCode::SUCCESS);
                }
                let still = page.next == cursor;
                cursor = page.next;
                match (still, once) {
                    (true, true) => return Ok(ExitCode::SUCCESS),
                    (true, false) => sleep(PAUSE).await,
                    (false, _) => {}
                }
            }
        };
        ended.await.unwrap_or_else(|code: ExitCode| code)
    })
}

fn write(events: &[Event], json: bool) -> io::Result<()> {
    let mut out = print::stdout();
    for event in events {
        if json {
            let line = json_line(event).map_err(io::Error::other)?;
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{}", line(event))?;
        }
    }
    out.flush()
}

/// An event for people. Pure. What a stranger wrote can't steer a terminal.
fn line(event: &Event) -> String {
    let what = match event.kind {
        EventKind::Made => "taken",
        EventKind::ReplySent => "reply sent",
        EventKind::ReplyRefused => "reply refused",
        kind => kind.as_str(),
    };
    let mut text = format!(
        "{}  {}  {what}",
        time(event.at),
        event.endpoint.as_deref().map_or("-".to_owned(), escaped)
    );
    let known = [
        event.reason.as_deref().map(escaped),
        event.detail.as_deref().filter(|detail| !detail.is_empty()).map(escaped),
        event.job.map(|job| format!("job {}", job.short())),
        event
            .sender
            .as_deref()
            .map(|sender| format!("from {}", escaped(sender))),
        event.subject.as_deref().map(escaped),
    ];
    for known in known.into_iter().flatten() {
        text.push_str("  ");
        text.push_str(&known);
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn an_event_is_one_line_that_steers_nothing() {
        let event = Event {
            cursor: EventCursor(7),
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            kind: EventKind::Failed,
            endpoint: Some("invoices".into()),
            job: None,
            attempt: Some(1),
            reason: Some("exit-1".into()),
            detail: Some("the command ended with 1: a\nb".into()),
            sender: Some("ann@a.example".into()),
            subject: Some("\u{1b}[2J".into()),
        };
        assert_eq!(
            line(&event),
            "2027-01-15 08:00:00 UTC  invoices  failed  exit-1  the command ended with 1: a\\u{a}b  from ann@a.example  \\u{1b}[2J"
        );
    }
}
