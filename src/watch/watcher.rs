//! The loop of one mailbox: connect, look, settle, wait; and after a failure, a pause and all of it again.

use std::{ops::ControlFlow, time::Duration};

use chrono::Utc;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    Watch,
    backoff::Backoff,
    care::Care,
    door::Door,
    error::{Error, Verdict},
    first_sight,
    idle::{Event, Wait, Woke},
    imap::{Habit, Wire},
    mailbox_key,
    refetch::Refetcher,
    schedule::{self, NextLook},
    session::{self, Looking, Scope, Session},
    settle::{self, Settler},
};
use crate::{auth::Pause, config, ledger::MailboxKey};

/// How long a session of a mailbox that is seldom looked at stays open for last touches.
const LINGER: Duration = Duration::from_secs(60);
/// How often it is asked, at most, whether old mails are wanted.
const SELDOM: Duration = Duration::from_millis(250);
/// How long a last touch may still take when the program stops.
const LAST: Duration = Duration::from_secs(10);

pub(super) struct Watcher {
    watch: Watch,
    door: Box<dyn Door<Wire>>,
    mailbox: MailboxKey,
    settler: Settler,
    refetcher: Refetcher,
    care: Box<Care>,
    habit: Habit,
    /// When the next unconditional look is due.
    next_look: Box<NextLook>,
    /// When it was last asked whether old mails are wanted.
    wanted_at: Option<Instant>,
    /// The looks so far.
    looks: usize,
    /// The server refused IDLE in this session.
    no_idle: bool,
    /// The last session failed, or there was none yet.
    in_trouble: bool,
}

/// What to do next with a session.
#[derive(Debug, Clone, Copy)]
enum Next {
    Look(Scope),
    Settle,
    Wait,
}

/// Why a session is over although nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// It isn't needed until the next look, or the next last touch.
    Rest,
    /// The program stops.
    Stopped,
}

/// What a step came to: the session and what is next for it, or the session's end.
type Turn = ControlFlow<Over, (Session, Next)>;

impl Watcher {
    pub(super) fn new(watch: Watch, door: Box<dyn Door<Wire>>) -> Self {
        let mailbox = mailbox_key(&watch.inlet.mailbox);
        let settler = Settler::new(watch.ledger.bell(&mailbox));
        Self {
            next_look: Box::new(NextLook::first(&watch.inlet.mailbox.watch, Utc::now(), Instant::now())),
            watch,
            door,
            mailbox,
            settler,
            refetcher: Refetcher::default(),
            care: Box::default(),
            habit: Habit::default(),
            wanted_at: None,
            looks: 0,
            no_idle: false,
            in_trouble: true,
        }
    }

    pub(super) async fn run(mut self) {
        let stop = self.watch.stop.clone();
        let begun = Instant::now();
        let mut backoff = Box::<Backoff>::default();
        while !stop.is_cancelled() {
            let ration = backoff.sign_in(begun.elapsed());
            if stop.run_until_cancelled(sleep(ration)).await.is_none() {
                return;
            }
            let connected = Instant::now();
            match self.session().await {
                Ok(Over::Rest) => self.rest().await,
                Ok(Over::Stopped) => return,
                Err(error) => {
                    let verdict = error.verdict();
                    let wait = backoff.after(verdict, connected.elapsed(), error.patience(), fastrand::f64());
                    let is_away = error.is_away();
                    self.report(&error, verdict, wait, !is_away || backoff.missed());
                    let pause = Box::pin(async {
                        let server = &self.watch.inlet.mailbox.server;
                        tokio::select! {
                            ended = self.watch.login.pause(wait, error.mends()) => ended,
                            () = self.watch.connects.pause(server, is_away, wait, fastrand::f64()) => Pause::Over,
                            () = decided(&error, &self.settler.bell) => Pause::Over,
                        }
                    });
                    match stop.run_until_cancelled(pause).await {
                        Some(Pause::Mended) => backoff.mended(),
                        Some(Pause::Over | Pause::Works) => {}
                        None => return,
                    }
                }
            }
        }
    }

    fn report(&mut self, error: &Error, verdict: Verdict, wait: Duration, is_told: bool) {
        let next = format!("{:.0?}", wait);
        match verdict {
            Verdict::Reconnect if !is_told => tracing::debug!(%error, next, "no way to the mailbox yet"),
            Verdict::Reconnect => tracing::warn!(%error, next, "lost the mailbox; connecting again"),
            Verdict::SlowDown | Verdict::Fatal => tracing::error!(%error, next, "the mailbox can't be watched"),
        }
        self.watch.health.lost(error, wait, Utc::now());
        self.in_trouble = true;
    }

    /// One session, from the connection to its end. The large futures are boxed, so that waiting costs little memory.
    async fn session(&mut self) -> Result<Over, Error> {
        let stop = self.watch.stop.clone();
        let Some(opened) = stop.run_until_cancelled(Box::pin(self.open())).await else {
            return Ok(Over::Stopped);
        };
        let mut session = opened?;
        self.note(&mut session);
        let mut next = match session.first {
            // This session is for last touches only.
            _ if (self.is_scheduled() || self.is_over()) && !self.is_due() => Next::Settle,
            // What may break the session again holds up no last touch.
            first if self.care.take_failed() => {
                match Box::pin(self.step(session, Next::Settle)).await? {
                    ControlFlow::Continue((settled, _)) => session = settled,
                    ControlFlow::Break(over) => return Ok(over),
                }
                Next::Look(first)
            }
            first => Next::Look(first),
        };
        let mut fresh = true;
        loop {
            (session, next) = match self.step(session, next).await? {
                // What became due before this session rang no bell that it heard.
                ControlFlow::Continue((session, Next::Wait)) if fresh => (session, Next::Settle),
                ControlFlow::Continue(next) => next,
                ControlFlow::Break(over) => return Ok(over),
            };
            self.note(&mut session);
            fresh = false;
        }
    }

    /// Keeps what the server said that can't be read.
    fn note(&self, session: &mut Session) {
        if let Some(unread) = session.wire.take_unread() {
            self.watch.health.passed_over(unread.lines as usize, &unread.first);
        }
    }

    async fn open(&mut self) -> Result<Session, Error> {
        let stored = self.watch.ledger.cursor(&self.mailbox).await?;
        Box::pin(self.watch.tries(&self.mailbox, stored.is_none())).await?;
        let connected = session::connect(&*self.door, &self.watch.inlet.mailbox, &self.habit).await;
        let (wire, can, selected) = Box::pin(self.watch.judged(connected)).await?;
        self.watch.connects.reached(&self.watch.inlet.mailbox.server);
        let now = u32::try_from(Utc::now().timestamp()).unwrap_or(u32::MAX);
        let on = Looking::of(&self.watch, &self.mailbox);
        let (wire, selected, stored) = Box::pin(first_sight::admit(wire, &on, selected, stored, now)).await?;
        self.no_idle = false;
        if std::mem::take(&mut self.in_trouble) {
            tracing::info!(mailbox = %self.mailbox, idle = can.idle, "connected");
            self.watch.login.works();
        }
        self.care.sizes.greeted(&wire.greeting);
        Ok(Session::begin(wire, can, selected, stored, now))
    }

    /// One step of a session: does what is next, and says what comes after it.
    async fn step(&mut self, session: Session, next: Next) -> Result<Turn, Error> {
        match next {
            Next::Look(scope) => {
                let stop = self.watch.stop.clone();
                let Some(session) = stop.run_until_cancelled(Box::pin(self.look(session, scope))).await else {
                    return Ok(ControlFlow::Break(Over::Stopped));
                };
                let settles = matches!(scope, Scope::All | Scope::Again) || self.watch.health.has_probes();
                let next = if settles { Next::Settle } else { Next::Wait };
                Ok(ControlFlow::Continue((session?, next)))
            }
            Next::Settle => {
                let stop = self.watch.stop.clone();
                let Some(session) = stop.run_until_cancelled(Box::pin(self.take_wanted(session))).await else {
                    return Ok(ControlFlow::Break(Over::Stopped));
                };
                let session = session?;
                // A touch that was begun is brought to its end: only then does the ledger know of it.
                let on = Looking::of(&self.watch, &self.mailbox);
                let (settler, refetcher, care) = (&mut self.settler, &mut self.refetcher, &mut self.care);
                let settled = Box::pin(async move {
                    let session = settler.settle(session, &on).await?;
                    refetcher.refetch(session, &on, care).await
                });
                let late = async {
                    stop.cancelled().await;
                    sleep(LAST).await;
                };
                tokio::select! {
                    session = settled => {
                        let on = Looking::of(&self.watch, &self.mailbox);
                        let session = Box::pin(settle::probe(session?, &on, &mut self.settler.rivals)).await?;
                        Ok(ControlFlow::Continue((session, Next::Wait)))
                    }
                    () = late => Ok(ControlFlow::Break(Over::Stopped)),
                }
            }
            Next::Wait => {
                let stop = self.watch.stop.clone();
                let waited = stop.run_until_cancelled(self.wait(session)).await;
                waited.unwrap_or(Ok(ControlFlow::Break(Over::Stopped)))
            }
        }
    }

    async fn look(&mut self, mut session: Session, scope: Scope) -> Result<Session, Error> {
        if scope == Scope::All {
            // A server tells of mail that came since only when it's asked something.
            session.wire = session.wire.run("NOOP", "", |_| {}).await?.ok()?.0;
        }
        let on = Looking::of(&self.watch, &self.mailbox);
        let looked = session.look(scope, &on, &mut self.settler, &mut self.care).await;
        let (session, more) = looked.inspect_err(|error| self.care.failed(error, Instant::now()))?;
        if scope == Scope::Again {
            self.watch.health.reached();
            return Ok(session);
        }
        self.watch.health.looked(Utc::now(), more);
        if scope != Scope::Nothing || self.is_due() {
            self.looks = self.looks.saturating_add(1);
            let looks = &self.watch.inlet.mailbox.looks;
            // Who is told of mail expects that it is taken; who looks at times expects a batch each time.
            let at_once = more && !self.is_scheduled();
            let usual = || self.usual(self.pushes(&session));
            *self.next_look = schedule::after_look(looks, self.looks, at_once, Instant::now(), usual);
            if self.is_over() {
                tracing::info!(
                    looks = self.looks,
                    "the mailbox is left alone from now on, as `repeat` says"
                );
            }
        }
        Ok(session)
    }

    /// Takes what an operator wants of the mails that lay there before.
    async fn take_wanted(&mut self, session: Session) -> Result<Session, Error> {
        let now = Instant::now();
        if self.wanted_at.is_some_and(|at| now < at + SELDOM) {
            return Ok(session);
        }
        self.wanted_at = Some(now);
        let on = Looking::of(&self.watch, &self.mailbox);
        let taken = Box::pin(session.take_wanted(&on, &mut self.care)).await;
        taken.inspect_err(|error| self.care.failed(error, Instant::now()))
    }

    /// Waits for mail, for the bell, or for the time of the next look.
    async fn wait(&mut self, session: Session) -> Result<Turn, Error> {
        let now = Instant::now();
        if self.is_due() {
            return Ok(ControlFlow::Continue((session, Next::Look(Scope::All))));
        }
        let probe = self.settler.rivals.next();
        let again = self.care.again();
        if again.is_some_and(|again| again <= now) {
            return Ok(ControlFlow::Continue((session, Next::Look(Scope::Again))));
        }
        let soon = probe.into_iter().chain(self.settler.again()).min();
        if soon.is_some_and(|soon| soon <= now) {
            return Ok(ControlFlow::Continue((session, Next::Settle)));
        }
        let soon = soon.into_iter().chain(again).min();
        let push = self.pushes(&session);
        let pause = self.next_look.at.saturating_duration_since(now);
        let lingers = !push && !schedule::keeps(pause);
        let until = now + if lingers { LINGER } else { pause };
        let wait = Wait {
            until: soon.map_or(until, |soon| soon.min(until)),
            bell: &self.settler.bell,
            rang: &mut self.settler.rang,
        };
        let woke = if push {
            Box::pin(wait.idle(session.wire)).await?
        } else {
            wait.rest(session.wire).await
        };
        let back = |wire, next| ControlFlow::Continue((Session { wire, ..session }, next));
        Ok(match woke {
            Woke::News(mut wire) => {
                let news = wire.take_news().unwrap_or(0);
                back(wire, Next::Look(Scope::News(news)))
            }
            Woke::Bell(wire) => back(wire, Next::Settle),
            // What is due now, as a last touch that was refused, needs this session.
            Woke::Time(_) if lingers && probe.is_none() && soon.is_none_or(|soon| soon > Instant::now()) => {
                ControlFlow::Break(Over::Rest)
            }
            Woke::Time(wire) => back(wire, Next::Wait),
            Woke::Refused(wire) => {
                self.no_idle = true;
                *self.next_look = self.next_look.or_earlier(self.usual(false));
                back(wire, Next::Wait)
            }
        })
    }

    /// Waits without a session: for the next look, or for mails to settle.
    async fn rest(&mut self) {
        let stop = self.watch.stop.clone();
        loop {
            let again = self.care.again().into_iter().chain(self.settler.again()).min();
            let wait = Wait {
                until: again.map_or(self.next_look.at, |again| again.min(self.next_look.at)),
                bell: &self.settler.bell,
                rang: &mut self.settler.rang,
            };
            let woke = stop.run_until_cancelled(wait.alone()).await;
            let is_time = woke.is_some_and(|woke| matches!(woke, Event::Time));
            if !is_time || self.is_due() || again.is_some_and(|again| again <= Instant::now()) {
                return;
            }
        }
    }

    /// Whether the next look is due.
    fn is_due(&mut self) -> bool {
        let watch = &self.watch.inlet.mailbox.watch;
        self.next_look.is_due(watch, Utc::now(), Instant::now())
    }

    /// Whether the server tells of new mail by itself.
    fn pushes(&self, session: &Session) -> bool {
        !self.is_scheduled() && !self.is_over() && session.can.idle && !self.no_idle
    }

    /// Whether the operator said when to look.
    fn is_scheduled(&self) -> bool {
        !matches!(self.watch.inlet.mailbox.watch, config::Watch::Idle { .. })
    }

    /// Whether there were as many looks as the operator wants.
    fn is_over(&self) -> bool {
        schedule::is_over(&self.watch.inlet.mailbox.looks, self.looks)
    }

    fn usual(&self, push: bool) -> NextLook {
        NextLook::after(&self.watch.inlet.mailbox.watch, push, Utc::now(), Instant::now())
    }
}

/// Somebody may have said what becomes of the mails that lie there, where that is waited for.
async fn decided(error: &Error, bell: &Notify) {
    match error {
        Error::LostLedger { .. } | Error::Forgotten => bell.notified().await,
        _ => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "looks_tests.rs"]
mod looks_tests;
#[cfg(test)]
#[path = "watcher_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "watcher_trouble_tests.rs"]
mod trouble_tests;
#[cfg(test)]
#[path = "watcher_world.rs"]
pub(in crate::watch) mod world;
