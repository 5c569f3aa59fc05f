//! IDLE (RFC 2177) that can't miss a wake-up.
//!
//! News that came before, during, or between `IDLE` and `+` count; a server that refuses IDLE says so instead of hanging us; one that
//! ends it by itself is noticed.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    error::WatchError,
    imap::{Completion, ImapConnection, ImapResponse, RunningCommand, Step},
    source::{Wait, WaitEvent, WakeReason},
};

/// A server that ends IDLE by itself sooner than this might as well refuse it.
const BRIEF: Duration = Duration::from_secs(5);

/// Waits with IDLE.
pub(super) async fn idle(wire: ImapConnection, mut wait: Wait<'_>) -> Result<WakeReason<ImapConnection>, WatchError> {
    if wire.has_news() {
        return Ok(news(wire));
    }
    let begin = Instant::now();
    let mut running = match begun(wire).await? {
        Ok(running) => running,
        Err(wire) => return Ok(WakeReason::Refused(wire)),
    };
    let woke: fn(ImapConnection) -> WakeReason<ImapConnection> = loop {
        if running.has_news() {
            break news;
        }
        let said = tokio::select! {
            biased;
            event = wait.event() => break match event {
                WaitEvent::Bell => WakeReason::Bell,
                WaitEvent::Time => WakeReason::Time,
            },
            said = running.listen() => said?,
        };
        running = match running.step(said)? {
            Step::Said(running, _) => running,
            Step::Done(done) if begin.elapsed() < BRIEF => return Ok(WakeReason::Refused(done.wire)),
            Step::Done(done) => return Ok(WakeReason::Time(done.wire)),
        };
    };
    let mut running = running.answer("DONE").await?;
    loop {
        running = match running.next().await? {
            Step::Said(running, _) => running,
            // Whatever the server thinks of our IDLE now: it is over.
            Step::Done(done) => return Ok(woke(done.wire)),
        };
    }
}

/// How much there is.
fn news(mut wire: ImapConnection) -> WakeReason<ImapConnection> {
    let news = wire.take_news().unwrap_or(0);
    WakeReason::News(wire, news)
}

/// Waits for `+`; the connection, when the server refuses.
async fn begun(wire: ImapConnection) -> Result<Result<RunningCommand, ImapConnection>, WatchError> {
    let mut running = wire.send("IDLE", "").await?;
    loop {
        running = match running.next().await? {
            Step::Said(running, ImapResponse::Continue(_)) => return Ok(Ok(running)),
            Step::Said(running, _) => running,
            Step::Done(done) => {
                if let Completion::Refused(answer) = &done.answer {
                    tracing::info!(%answer, "the server refuses IDLE; polling instead");
                }
                return Ok(Err(done.wire));
            }
        };
    }
}

#[cfg(test)]
#[path = "idle_tests.rs"]
mod tests;
