//! IMAP as a source: one long session in a mailbox that is selected.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{sync::Notify, time::Instant};

use super::{
    Watch,
    care::FetchFailures,
    door::Connector,
    error::WatchError,
    first_sight,
    idle::idle,
    imap::{Habit, ImapConnection},
    mailbox_key,
    refetch::Refetcher,
    session::{self, Session},
    settle::{self, Settler},
    source::{
        LookResult, RetryTimes, Scope, SessionPurpose, SessionStart, SettleResult, Source, StepContext, Wait,
        WakeReason,
    },
    watcher::Watcher,
};

/// How often it is asked, at most, whether old mails are wanted.
const SELDOM: Duration = Duration::from_millis(250);

/// A mailbox by IMAP.
pub(super) struct Imap {
    door: Box<dyn Connector<ImapConnection>>,
    settler: Settler,
    refetcher: Refetcher,
    care: Box<FetchFailures>,
    habit: Habit,
    /// When it was last asked whether old mails are wanted.
    wanted_at: Option<Instant>,
    /// The server refused IDLE in this session.
    no_idle: bool,
}

/// The loop of a mailbox that is read by IMAP.
pub(super) fn watcher(watch: Watch, door: Box<dyn Connector<ImapConnection>>) -> Watcher<Imap> {
    let bell = watch.ledger.settle_due(&mailbox_key(&watch.inlet.mailbox));
    Watcher::new(watch, Imap::new(door, bell))
}

impl Imap {
    fn new(door: Box<dyn Connector<ImapConnection>>, bell: Arc<Notify>) -> Self {
        Self {
            door,
            settler: Settler::new(bell),
            refetcher: Refetcher::default(),
            care: Box::default(),
            habit: Habit::default(),
            wanted_at: None,
            no_idle: false,
        }
    }
}

/// Keeps what the server said that can't be read.
fn note(session: &mut Session, on: &StepContext<'_>) {
    if let Some(unread) = session.wire.take_unread() {
        on.health.passed_over(unread.lines as usize, &unread.first);
    }
}

impl Source for Imap {
    type Session = Box<Session>;

    const STAYS: bool = true;
    const GATHER: Duration = Duration::from_millis(300);

    async fn is_needed(&mut self, _: &StepContext<'_>) -> Result<bool, WatchError> {
        Ok(true)
    }

    async fn open(&mut self, on: &StepContext<'_>) -> Result<Box<Session>, WatchError> {
        let stored = on.ledger.cursor(on.mailbox).await?;
        let (wire, can, selected) = session::connect(&*self.door, &on.inlet.mailbox, &self.habit).await?;
        let now = u32::try_from(Utc::now().timestamp()).unwrap_or(u32::MAX);
        let (wire, selected, stored) = Box::pin(first_sight::admit(wire, on, selected, stored, now)).await?;
        self.no_idle = false;
        self.care.sizes.greeted(&wire.greeting);
        let mut session = Box::new(Session::begin(wire, can, selected, stored, now));
        note(&mut session, on);
        Ok(session)
    }

    fn begin(&mut self, session: &Box<Session>, errand: SessionPurpose) -> SessionStart {
        match errand {
            SessionPurpose::Settle => SessionStart {
                settles: true,
                look: None,
            },
            // What may break the session again holds up no last touch.
            SessionPurpose::Look => SessionStart {
                settles: self.care.take_failed(),
                look: Some(session.first),
            },
        }
    }

    async fn look(
        &mut self,
        mut session: Box<Session>,
        scope: Scope,
        on: &StepContext<'_>,
        most: Option<usize>,
    ) -> Result<LookResult<Box<Session>>, WatchError> {
        if scope == Scope::All {
            // A server tells of mail that came since only when it's asked something.
            session.wire = session.wire.run("NOOP", "", |_| {}).await?.ok()?.0;
        }
        let session = *session;
        let looked = session.look(scope, on, most, &mut self.settler, &mut self.care).await;
        let (mut session, more) = looked.inspect_err(|error| self.care.failed(error, Instant::now()))?;
        note(&mut session, on);
        Ok(LookResult {
            session: Some(Box::new(session)),
            mails: 0,
            more,
        })
    }

    async fn fetch_wanted(&mut self, session: Box<Session>, on: &StepContext<'_>) -> Result<Box<Session>, WatchError> {
        let now = Instant::now();
        if self.wanted_at.is_some_and(|at| now < at + SELDOM) {
            return Ok(session);
        }
        self.wanted_at = Some(now);
        let taken = session.take_wanted(on, &mut self.care).await;
        let taken = taken.inspect_err(|error| self.care.failed(error, Instant::now()))?;
        Ok(Box::new(taken))
    }

    async fn settle(
        &mut self,
        session: Box<Session>,
        on: &StepContext<'_>,
    ) -> Result<SettleResult<Box<Session>>, WatchError> {
        let session = self.settler.settle(*session, on).await?;
        let session = self.refetcher.refetch(session, on, &mut self.care).await?;
        let mut session = settle::probe(session, on, &mut self.settler.rivals).await?;
        note(&mut session, on);
        Ok(SettleResult {
            session: Some(Box::new(session)),
            more: false,
            look: false,
        })
    }

    fn again(&self) -> RetryTimes {
        RetryTimes {
            look: self.care.again(),
            settle: self.settler.again(),
            session: self.settler.rivals.next(),
        }
    }

    fn not_before(&self) -> Option<Instant> {
        None
    }

    fn pushes(&self, session: &Box<Session>) -> bool {
        session.can.idle && !self.no_idle
    }

    async fn wait(
        &mut self,
        session: Box<Session>,
        wait: Wait<'_>,
        on: &StepContext<'_>,
    ) -> Result<WakeReason<Box<Session>>, WatchError> {
        let session = *session;
        let mut woke = idle(session.wire, wait).await?;
        if let Some(unread) = woke.connection().take_unread() {
            on.health.passed_over(unread.lines as usize, &unread.first);
        }
        self.no_idle |= matches!(woke, WakeReason::Refused(_));
        Ok(woke.map(|wire| Box::new(Session { wire, ..session })))
    }

    fn failed(&mut self, _: &WatchError, _: &StepContext<'_>) {}
}
