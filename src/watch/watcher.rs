//! The loop of one mailbox: rest, connect, look, settle, wait; and after a failure, a pause and all of it again.
//!
//! A [`Source`] that stays keeps one session and waits in it; for one that doesn't, each look and each round of last touches has a session
//! of its own.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    Watch,
    error::{Verdict, WatchError},
    lost, mailbox_key,
    pacing::Pacing,
    schedule::{self, LookPlan},
    source::{Scope, SessionPurpose, Source, StepContext, Wait, WaitEvent, WakeReason},
};
use crate::{auth::PauseEnd, ledger::MailboxKey};

/// How long a session of a mailbox that is seldom looked at stays open for last touches.
const LINGER: Duration = Duration::from_secs(60);
/// How long a last touch may still take when the program stops.
const LAST: Duration = Duration::from_secs(10);

pub(super) struct Watcher<S> {
    watch: Watch,
    source: S,
    mailbox: MailboxKey,
    bell: Arc<Notify>,
    /// When the bell rang, and nobody answered since.
    rang: Option<Instant>,
    looks: LookPlan,
    /// A session is wanted without a reason.
    at_once: bool,
    /// The last session failed, or there was none yet.
    in_trouble: bool,
}

/// What to do next with a session.
#[derive(Debug, Clone, Copy)]
enum NextAction {
    Look(Scope),
    Settle,
    Wait,
}

/// Why a session is over although nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionEnd {
    /// It isn't needed until the next look, or the next last touch.
    Rest,
    /// There was nothing that needed one.
    Needless,
    /// The program stops.
    Stopped,
}

/// A look that is noted when its session has come to a good end.
type Unnoted = Option<(usize, bool)>;

/// What a step came to: the session and what is next for it, or the session's end.
type StepResult<S> = ControlFlow<SessionEnd, (S, NextAction)>;

impl<S: Source> Watcher<S> {
    pub(super) fn new(watch: Watch, source: S) -> Self {
        let mailbox = mailbox_key(&watch.inlet.mailbox);
        let now = Instant::now();
        Self {
            bell: watch.ledger.settle_due(&mailbox),
            looks: LookPlan::first(&watch.inlet.mailbox, Utc::now(), now),
            watch,
            source,
            mailbox,
            // What became due before rang no bell that is heard now.
            rang: Some(now),
            at_once: S::STAYS,
            in_trouble: true,
        }
    }

    /// Boxed first: a future keeps room for what it was given beside what it makes of it.
    pub(super) fn run(self) -> impl Future<Output = ()> {
        Box::new(self).watch()
    }

    async fn watch(mut self: Box<Self>) {
        let stop = self.watch.stop.clone();
        let begun = Instant::now();
        let mut pacing = Box::<Pacing>::default();
        while let Some(errand) = stop.run_until_cancelled(self.rest()).await {
            if S::STAYS {
                let ration = pacing.sign_in(begun.elapsed());
                if stop.run_until_cancelled(sleep(ration)).await.is_none() {
                    return;
                }
            }
            let connected = Instant::now();
            match Box::pin(self.session(errand)).await {
                Ok(SessionEnd::Rest) => pacing.mended(),
                Ok(SessionEnd::Needless) => {}
                Ok(SessionEnd::Stopped) => return,
                Err(error) => {
                    let paused = Box::pin(self.paused(&error, connected, &mut pacing));
                    if stop.run_until_cancelled(paused).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Tells of a failure, and waits before the next session.
    async fn paused(&mut self, error: &WatchError, connected: Instant, pacing: &mut Pacing) {
        self.watch.tenancy.failed(error);
        let on = StepContext::of(&self.watch, &self.mailbox);
        self.source.failed(error, &on);
        let verdict = error.verdict();
        let wait = pacing.after(verdict, connected.elapsed(), error.patience(), fastrand::f64());
        let is_away = error.is_away();
        self.report(error, verdict, wait, !is_away || pacing.missed());
        // What was due for a last touch still is.
        self.rang = Some(connected);
        self.at_once = S::STAYS;
        let server = &self.watch.inlet.mailbox.server;
        let ended = tokio::select! {
            ended = self.watch.login.pause(wait, error.mends()) => ended,
            () = self.watch.connects.pause(server, is_away, wait, fastrand::f64()) => PauseEnd::Over,
            () = lost::decided(error, &self.bell) => PauseEnd::Over,
        };
        if matches!(ended, PauseEnd::Mended) {
            pacing.mended();
        }
    }

    fn report(&mut self, error: &WatchError, verdict: Verdict, wait: Duration, is_told: bool) {
        let next = format!("{wait:.0?}");
        match verdict {
            Verdict::Reconnect if !is_told => tracing::debug!(%error, next, "no way to the mailbox yet"),
            Verdict::Reconnect => tracing::warn!(%error, next, "the session with the mailbox ended; connecting again"),
            Verdict::SlowDown | Verdict::Fatal => tracing::error!(%error, next, "the mailbox can't be watched"),
        }
        self.watch.health.lost(error, wait, Utc::now());
        self.in_trouble = true;
    }

    /// Waits without a session until one is wanted.
    async fn rest(&mut self) -> SessionPurpose {
        if std::mem::take(&mut self.at_once) {
            // Whoever said when to look has sessions for last touches only in between.
            let looks = self.looks.is_free(&self.watch.inlet.mailbox) || self.is_due();
            return if looks {
                SessionPurpose::Look
            } else {
                SessionPurpose::Settle
            };
        }
        loop {
            let not_before = self.source.not_before();
            let later = |at: Instant| not_before.map_or(at, |not_before| at.max(not_before));
            let again = self.source.again().first();
            let until = again.map_or(self.looks.next(), |again| again.min(self.looks.next()));
            let mut rang = self.rang.map(|rang| later(rang + S::GATHER) - S::GATHER);
            let mut wait = Wait {
                until: later(until),
                bell: &self.bell,
                rang: &mut rang,
                gather: S::GATHER,
            };
            let woke = wait.event().await;
            self.rang = rang;
            let now = Instant::now();
            if not_before.is_some_and(|not_before| now < not_before) {
                continue;
            }
            if self.is_due() {
                return SessionPurpose::Look;
            }
            if woke == WaitEvent::Bell || again.is_some_and(|again| again <= now) {
                return SessionPurpose::Settle;
            }
        }
    }

    /// One session, from the connection to its end. The large futures are boxed, so that waiting costs little memory.
    async fn session(&mut self, errand: SessionPurpose) -> Result<SessionEnd, WatchError> {
        self.rang = None;
        let stop = self.watch.stop.clone();
        let on = StepContext::of(&self.watch, &self.mailbox);
        if errand == SessionPurpose::Settle && !Box::pin(self.source.is_needed(&on)).await? {
            return Ok(SessionEnd::Needless);
        }
        // Once a session was had, the first look is behind us.
        let is_first = self.in_trouble && self.watch.ledger.cursor(&self.mailbox).await?.is_none();
        Box::pin(self.watch.tries(&self.mailbox, is_first)).await?;
        let Some(opened) = stop.run_until_cancelled(Box::pin(self.source.open(&on))).await else {
            return Ok(SessionEnd::Stopped);
        };
        let mut session = Box::pin(self.watch.judged(opened)).await?;
        if std::mem::take(&mut self.in_trouble) {
            tracing::info!(mailbox = %self.mailbox, idle = self.source.pushes(&session), "connected");
            self.watch.login.works();
        }
        let begin = self.source.begin(&session, errand);
        let mut unnoted = None;
        if begin.settles && begin.look.is_some() {
            match self.step(session, NextAction::Settle, &mut unnoted).await? {
                ControlFlow::Continue((settled, _)) => session = settled,
                ControlFlow::Break(over) => return Ok(over),
            }
        }
        let mut next = begin.look.map_or(NextAction::Settle, NextAction::Look);
        let mut fresh = true;
        loop {
            (session, next) = match self.step(session, next, &mut unnoted).await? {
                // What became due before this session rang no bell that it heard.
                ControlFlow::Continue((session, NextAction::Wait)) if fresh => (session, NextAction::Settle),
                ControlFlow::Continue(next) => next,
                ControlFlow::Break(over) => return Ok(over),
            };
            fresh = false;
        }
    }

    /// One step of a session: does what is next, and says what comes after it.
    async fn step(
        &mut self,
        session: S::Session,
        next: NextAction,
        unnoted: &mut Unnoted,
    ) -> Result<StepResult<S::Session>, WatchError> {
        match next {
            NextAction::Look(scope) => Box::pin(self.look(session, scope, unnoted)).await,
            NextAction::Settle => Box::pin(self.settle(session, unnoted)).await,
            NextAction::Wait => {
                let stop = self.watch.stop.clone();
                let waited = stop.run_until_cancelled(self.wait(session)).await;
                waited.unwrap_or(Ok(ControlFlow::Break(SessionEnd::Stopped)))
            }
        }
    }

    async fn look(
        &mut self,
        session: S::Session,
        scope: Scope,
        unnoted: &mut Unnoted,
    ) -> Result<StepResult<S::Session>, WatchError> {
        let stop = self.watch.stop.clone();
        let on = StepContext::of(&self.watch, &self.mailbox);
        let looking = self.source.look(session, scope, &on, self.looks.left());
        let Some(looked) = stop.run_until_cancelled(looking).await else {
            return Ok(ControlFlow::Break(SessionEnd::Stopped));
        };
        let looked = looked?;
        let push = looked
            .session
            .as_ref()
            .is_some_and(|session| self.source.pushes(session));
        match scope {
            Scope::Again if S::STAYS || looked.session.is_none() => self.watch.health.reached(),
            Scope::Again => {}
            _ if S::STAYS || looked.session.is_none() => self.note(scope, looked.mails, looked.more, push),
            // It may turn out in the end that the session was not what it seemed.
            _ => *unnoted = Some((looked.mails, looked.more)),
        }
        let Some(session) = looked.session else {
            return Ok(ControlFlow::Break(SessionEnd::Rest));
        };
        let settles = !S::STAYS || matches!(scope, Scope::All | Scope::Again) || self.watch.health.has_probes();
        let next = if settles { NextAction::Settle } else { NextAction::Wait };
        Ok(ControlFlow::Continue((session, next)))
    }

    /// Notes a look that went well, and when the next one is. It ends when all is taken, or its batch is.
    fn note(&mut self, scope: Scope, mails: usize, more: bool, push: bool) {
        self.watch.health.looked(Utc::now(), more);
        self.looks.took(mails);
        if !S::STAYS && more && self.looks.left() != Some(0) {
            self.looks.at_once(Instant::now());
            return;
        }
        if scope == Scope::Nothing && !self.is_due() {
            return;
        }
        let mailbox = &self.watch.inlet.mailbox;
        self.looks.ended(mailbox, more, push, Utc::now(), Instant::now());
        if self.looks.is_over(mailbox) {
            tracing::info!(
                looks = self.looks.count(),
                "the mailbox is left alone from now on, as `repeat` says"
            );
        }
    }

    async fn settle(
        &mut self,
        session: S::Session,
        unnoted: &mut Unnoted,
    ) -> Result<StepResult<S::Session>, WatchError> {
        let stop = self.watch.stop.clone();
        let on = StepContext::of(&self.watch, &self.mailbox);
        let wanted = self.source.fetch_wanted(session, &on);
        let Some(session) = stop.run_until_cancelled(wanted).await else {
            return Ok(ControlFlow::Break(SessionEnd::Stopped));
        };
        self.rang = None;
        let settling = self.source.settle(session?, &on);
        let late = async {
            stop.cancelled().await;
            sleep(LAST).await;
        };
        let settled = tokio::select! {
            settled = settling => settled?,
            () = late => return Ok(ControlFlow::Break(SessionEnd::Stopped)),
        };
        if settled.more {
            self.rang = Some(Instant::now());
        }
        if settled.look {
            self.looks.at_once(Instant::now());
        }
        match unnoted.take() {
            Some((mails, more)) => self.note(Scope::All, mails, more || settled.look, false),
            None if !S::STAYS => self.watch.health.reached(),
            None => {}
        }
        Ok(match settled.session {
            Some(session) => ControlFlow::Continue((session, NextAction::Wait)),
            None => ControlFlow::Break(SessionEnd::Rest),
        })
    }

    /// Waits for mail, for the bell, or for the time of the next look.
    async fn wait(&mut self, session: S::Session) -> Result<StepResult<S::Session>, WatchError> {
        let now = Instant::now();
        if self.is_due() {
            return Ok(ControlFlow::Continue((session, NextAction::Look(Scope::All))));
        }
        let again = self.source.again();
        if again.look.is_some_and(|again| again <= now) {
            return Ok(ControlFlow::Continue((session, NextAction::Look(Scope::Again))));
        }
        let soon = again.session.into_iter().chain(again.settle).min();
        if soon.is_some_and(|soon| soon <= now) {
            return Ok(ControlFlow::Continue((session, NextAction::Settle)));
        }
        let soon = soon.into_iter().chain(again.look).min();
        // The server tells of new mail by itself, and that is wanted.
        let push = self.looks.is_free(&self.watch.inlet.mailbox) && self.source.pushes(&session);
        let pause = self.looks.next().saturating_duration_since(now);
        let lingers = !push && !schedule::keeps(pause);
        let until = now + if lingers { LINGER } else { pause };
        let mut wait = Wait {
            until: soon.map_or(until, |soon| soon.min(until)),
            bell: &self.bell,
            rang: &mut self.rang,
            gather: S::GATHER,
        };
        let woke = if push {
            let on = StepContext::of(&self.watch, &self.mailbox);
            Box::pin(self.source.wait(session, wait, &on)).await?
        } else {
            // Nobody hears the server until the next command.
            match Box::pin(wait.event()).await {
                WaitEvent::Bell => WakeReason::Bell(session),
                WaitEvent::Time => WakeReason::Time(session),
            }
        };
        Ok(match woke {
            WakeReason::News(session, news) => ControlFlow::Continue((session, NextAction::Look(Scope::News(news)))),
            WakeReason::Bell(session) => ControlFlow::Continue((session, NextAction::Settle)),
            // What is due now, as a last touch that was refused, needs this session.
            WakeReason::Time(_)
                if lingers && again.session.is_none() && soon.is_none_or(|soon| soon > Instant::now()) =>
            {
                ControlFlow::Break(SessionEnd::Rest)
            }
            WakeReason::Time(session) => ControlFlow::Continue((session, NextAction::Wait)),
            WakeReason::Refused(session) => {
                self.looks.polls(&self.watch.inlet.mailbox, Utc::now(), Instant::now());
                ControlFlow::Continue((session, NextAction::Wait))
            }
        })
    }

    /// Whether the next look is due.
    fn is_due(&mut self) -> bool {
        self.looks.is_due(&self.watch.inlet.mailbox, Utc::now(), Instant::now())
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
#[path = "tests/watcher_world.rs"]
pub(in crate::watch) mod world;
