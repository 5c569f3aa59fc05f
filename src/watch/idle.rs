//! IDLE (RFC 2177) that can't miss a wake-up.
//!
//! News that came before, during, or between `IDLE` and `+` count; a server that refuses IDLE says so instead of hanging us; one that
//! ends it by itself is noticed.

use std::{future::pending, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    error::Error,
    imap::{Answer, Running, Said, Step, Wire},
};

/// How long mails that are due for their last touch are gathered.
pub(super) const GATHER: Duration = Duration::from_millis(300);

/// A server that ends IDLE by itself sooner than this might as well refuse it.
const BRIEF: Duration = Duration::from_secs(5);

/// What a wait listens for.
pub(super) struct Wait<'a> {
    pub(super) until: Instant,
    pub(super) bell: &'a Notify,
    /// When the bell rang, and nobody answered yet.
    pub(super) rang: &'a mut Option<Instant>,
}

/// Why a wait ended.
#[derive(Debug)]
pub(super) enum Woke {
    /// There may be new mail.
    News(Wire),
    /// The bell rang, and what could be gathered is.
    Bell(Wire),
    /// The time is over, or the server ended IDLE.
    Time(Wire),
    /// The server knows no IDLE.
    Refused(Wire),
}

impl Wait<'_> {
    /// Waits with IDLE.
    pub(super) async fn idle(mut self, wire: Wire) -> Result<Woke, Error> {
        if wire.has_news() {
            return Ok(Woke::News(wire));
        }
        let begin = Instant::now();
        let mut running = match begun(wire).await? {
            Ok(running) => running,
            Err(wire) => return Ok(Woke::Refused(wire)),
        };
        let woke: fn(Wire) -> Woke = loop {
            if running.has_news() {
                break Woke::News;
            }
            let said = tokio::select! {
                biased;
                event = self.event() => break match event {
                    Event::Bell => Woke::Bell,
                    Event::Time => Woke::Time,
                },
                said = running.listen() => said?,
            };
            running = match running.step(said)? {
                Step::Said(running, _) => running,
                Step::Done(done) if begin.elapsed() < BRIEF => return Ok(Woke::Refused(done.wire)),
                Step::Done(done) => return Ok(Woke::Time(done.wire)),
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

    /// Waits without IDLE: nobody hears the server until the next command.
    pub(super) async fn rest(mut self, wire: Wire) -> Woke {
        match self.event().await {
            Event::Bell => Woke::Bell(wire),
            Event::Time => Woke::Time(wire),
        }
    }

    /// Waits without a connection.
    pub(super) async fn alone(mut self) -> Event {
        self.event().await
    }

    /// When the gathering ends.
    fn gathered(&self) -> Option<Instant> {
        self.rang.map(|rang| rang + GATHER)
    }

    /// Waits for anything but the server.
    async fn event(&mut self) -> Event {
        loop {
            let gathered = self.gathered();
            tokio::select! {
                biased;
                () = until(gathered) => return Event::Bell,
                () = sleep_until(self.until) => return Event::Time,
                () = self.bell.notified(), if gathered.is_none() => *self.rang = Some(Instant::now()),
            }
        }
    }
}

/// What ends a wait but for the server.
pub(super) enum Event {
    /// The bell rang, and what could be gathered is.
    Bell,
    /// The time is over.
    Time,
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// Waits for `+`; the connection, when the server refuses.
async fn begun(wire: Wire) -> Result<Result<Running, Wire>, Error> {
    let mut running = wire.send("IDLE", "").await?;
    loop {
        running = match running.next().await? {
            Step::Said(running, Said::Continue(_)) => return Ok(Ok(running)),
            Step::Said(running, _) => running,
            Step::Done(done) => {
                if let Answer::Refused(answer) = &done.answer {
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
