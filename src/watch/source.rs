//! What the one loop of a mailbox (`watcher.rs`) asks of a source: of IMAP, of POP3, and of what comes later.
//!
//! A step takes the session and gives it back. An error gives none back: the session is over, and the next one begins where the ledger says.
//! What a source has to know from one session to the next it keeps itself: what a mail is called there, how far it was read, and which mails
//! make trouble.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    Tenancy, Watch, WatchHealth,
    error::{Refusal, WatchError, Words},
    intake::IntakeHandle,
    taker::MailMetadata,
};
use crate::{
    budget::Budget,
    config::{SettleAction, WatchPlan},
    ledger::{Cursor, Ledger, MailboxKey, WatchedMailbox},
};

/// Where mails of one mailbox come from.
pub(super) trait Source: Send {
    /// An open session.
    type Session: Send;

    /// Whether a session is kept for as long as may be, and sign-ins are rationed; otherwise there is one for each look.
    const STAYS: bool;
    /// How long mails that are due for their last touch are gathered.
    const GATHER: Duration;

    /// Does what needs no session. Whether one is needed although it is not time to look.
    fn is_needed(&mut self, on: &StepContext<'_>) -> impl Future<Output = Result<bool, WatchError>> + Send;

    /// Connects, signs in, and opens the mailbox.
    fn open(&mut self, on: &StepContext<'_>) -> impl Future<Output = Result<Self::Session, WatchError>> + Send;

    /// What a session that was opened for this begins with.
    fn begin(&mut self, session: &Self::Session, errand: SessionPurpose) -> SessionStart;

    /// Lists what is new and fetches it into the ledger, no more than `most` mails.
    fn look(
        &mut self,
        session: Self::Session,
        scope: Scope,
        on: &StepContext<'_>,
        most: Option<usize>,
    ) -> impl Future<Output = Result<LookResult<Self::Session>, WatchError>> + Send;

    /// Fetches what an operator wants of the mails that lay there before.
    fn fetch_wanted(
        &mut self,
        session: Self::Session,
        on: &StepContext<'_>,
    ) -> impl Future<Output = Result<Self::Session, WatchError>> + Send;

    /// Gives mails whose work is over their last touch. Once begun it is brought to its end: only then does the ledger know of it.
    fn settle(
        &mut self,
        session: Self::Session,
        on: &StepContext<'_>,
    ) -> impl Future<Output = Result<SettleResult<Self::Session>, WatchError>> + Send;

    /// What is tried again, and when.
    fn again(&self) -> RetryTimes;

    /// The server wants no sign-in before.
    fn not_before(&self) -> Option<Instant>;

    /// Whether the server tells of new mail by itself.
    fn pushes(&self, session: &Self::Session) -> bool;

    /// Waits where the server does.
    fn wait(
        &mut self,
        session: Self::Session,
        wait: Wait<'_>,
        on: &StepContext<'_>,
    ) -> impl Future<Output = Result<WakeReason<Self::Session>, WatchError>> + Send;

    /// A session failed, or could not begin.
    fn failed(&mut self, error: &WatchError, on: &StepContext<'_>);
}

/// A mailbox that is still open, and what came of what was asked; an error leaves none open.
pub type StillOpen<M, T> = Result<(M, T), WatchError>;

/// A mailbox that is open, for whoever does something with its mails one by one: [`crate::post`].
pub trait OpenMailbox: Sized + Send {
    /// What a mail is called while it is open.
    type Key: Clone + PartialEq + Send + Sync;

    /// UIDVALIDITY, where there is such a thing.
    fn uid_validity(&self) -> Option<u32>;

    /// Whether what is deleted is gone in the end; otherwise it stays, marked, until somebody expunges the mailbox.
    fn expunges(&self) -> bool;

    /// All mails, oldest first.
    fn list(self) -> impl Future<Output = StillOpen<Self, Vec<Item<Self::Key>>>> + Send;

    /// The beginnings of these mails, each with its header if that is not too long; a mail that is not there any more is left out.
    fn beginnings(
        self,
        mails: &[Item<Self::Key>],
    ) -> impl Future<Output = StillOpen<Self, Vec<(Self::Key, Bytes)>>> + Send;

    /// Fetches a mail of at most `limit` bytes.
    fn fetch(
        self,
        mail: &Item<Self::Key>,
        limit: u64,
        kept: &mut FetchedMail,
    ) -> impl Future<Output = StillOpen<Self, Fetched>> + Send;

    /// Gives a mail its last touch; a refusal only says that it stays as it is.
    fn settle(
        self,
        mail: &Item<Self::Key>,
        fate: &SettleAction,
    ) -> impl Future<Output = StillOpen<Self, Result<(), Refusal>>> + Send;

    /// Ends the session. Where deletions count only then, an error says that mails may still be there.
    fn leave(self) -> impl Future<Output = Result<(), WatchError>> + Send;
}

/// A mail in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<K> {
    /// What it is called in this session.
    pub key: K,
    /// Its name for good.
    pub name: String,
    /// Its bytes, as the server says.
    pub size: u64,
}

/// What came of a mail that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    /// All of it.
    Whole,
    /// It has more bytes than were allowed.
    TooLarge,
    /// It is not there any more.
    Gone,
    /// The server does not give it, and why.
    Not(Words),
}

/// Where the bytes of a mail go.
pub(super) trait MailSink: Send {
    /// The next of them.
    fn piece(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), WatchError>> + Send;
    /// Those that came are of no use; it begins again.
    fn forget(&mut self) -> impl Future<Output = Result<(), WatchError>> + Send;
    /// What the server says of the mail beside its bytes.
    fn about(&mut self, about: MailMetadata);
}

/// A mail in memory.
#[derive(Debug, Default)]
pub struct FetchedMail {
    /// What came of it.
    pub bytes: Vec<u8>,
    /// When the server received it, where it says so.
    pub received: Option<DateTime<Utc>>,
}

impl MailSink for FetchedMail {
    async fn piece(&mut self, bytes: Bytes) -> Result<(), WatchError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), WatchError> {
        self.bytes.clear();
        Ok(())
    }

    fn about(&mut self, about: MailMetadata) {
        self.received = self.received.or(about.received);
    }
}

/// What a session is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionPurpose {
    /// New mail, and last touches.
    Look,
    /// Last touches, and mails that the operator wants again: it is not his time to look.
    Settle,
}

/// What a session begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionStart {
    /// Last touches come first.
    pub(super) settles: bool,
    pub(super) look: Option<Scope>,
}

/// Where to look for mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The server spoke of about so many new ones.
    News(u32),
    /// Everything that was not taken.
    All,
    /// What made trouble before or is wanted again, and nothing else.
    Again,
    /// There is nothing new.
    Nothing,
}

/// What a look came to.
pub(super) struct LookResult<S> {
    /// Nothing where the session is over.
    pub(super) session: Option<S>,
    /// The mails that were tried, where they are counted from one session to the next.
    pub(super) mails: usize,
    /// There is more to take.
    pub(super) more: bool,
}

/// What last touches came to.
pub(super) struct SettleResult<S> {
    /// Nothing where the session is over.
    pub(super) session: Option<S>,
    /// More may be due.
    pub(super) more: bool,
    /// There is a mail that nobody has read.
    pub(super) look: bool,
}

/// When something is tried again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RetryTimes {
    /// Mails that could not be fetched.
    pub(super) look: Option<Instant>,
    /// Last touches that were refused.
    pub(super) settle: Option<Instant>,
    /// What this session waits for.
    pub(super) session: Option<Instant>,
}

impl RetryTimes {
    /// Whatever comes first without a session.
    pub(super) fn first(self) -> Option<Instant> {
        self.look.into_iter().chain(self.settle).min()
    }
}

/// What the steps of a session need.
pub(super) struct StepContext<'a> {
    pub(super) inlet: &'a WatchPlan,
    pub(super) ledger: &'a Arc<dyn Ledger>,
    pub(super) mailbox: &'a MailboxKey,
    pub(super) budget: &'a Budget,
    pub(super) health: &'a Arc<WatchHealth>,
    pub(super) tenancy: &'a Tenancy,
}

impl<'a> StepContext<'a> {
    pub(super) fn of(watch: &'a Watch, mailbox: &'a MailboxKey) -> Self {
        Self {
            inlet: &watch.inlet,
            ledger: &watch.ledger,
            mailbox,
            budget: &watch.budget,
            health: &watch.health,
            tenancy: &watch.tenancy,
        }
    }

    /// The mailbox, for whatever is written of it. Asked at each use: a session may begin before the mailbox is ours.
    pub(super) fn watched(&self) -> WatchedMailbox {
        self.tenancy.watched(self.mailbox)
    }

    /// What takes the mails of this look into the ledger. To be called within a runtime: it starts a task.
    pub(super) fn intake(&self, cursor: Cursor) -> IntakeHandle {
        IntakeHandle::begin(
            self.ledger.clone(),
            self.inlet.takers.clone(),
            self.watched(),
            cursor,
            self.budget.clone(),
            self.health.clone(),
        )
    }
}

/// What a wait listens for beside the server.
pub(super) struct Wait<'a> {
    pub(super) until: Instant,
    pub(super) bell: &'a Notify,
    /// When the bell rang, and nobody answered yet.
    pub(super) rang: &'a mut Option<Instant>,
    /// How long mails are gathered after it.
    pub(super) gather: Duration,
}

/// Why a wait ended.
#[derive(Debug)]
pub(super) enum WakeReason<S> {
    /// There may be new mail.
    News(S, u32),
    /// The bell rang, and what could be gathered is.
    Bell(S),
    /// The time is over, or the server ended the wait.
    Time(S),
    /// The server tells nothing by itself.
    Refused(S),
}

impl<S> WakeReason<S> {
    /// What it came back with.
    pub(super) fn connection(&mut self) -> &mut S {
        match self {
            Self::News(with, _) | Self::Bell(with) | Self::Time(with) | Self::Refused(with) => with,
        }
    }

    /// The same with another.
    pub(super) fn map<T>(self, with: impl FnOnce(S) -> T) -> WakeReason<T> {
        match self {
            Self::News(of, news) => WakeReason::News(with(of), news),
            Self::Bell(of) => WakeReason::Bell(with(of)),
            Self::Time(of) => WakeReason::Time(with(of)),
            Self::Refused(of) => WakeReason::Refused(with(of)),
        }
    }
}

/// What ends a wait but for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitEvent {
    /// The bell rang, and what could be gathered is.
    Bell,
    /// The time is over.
    Time,
}

impl Wait<'_> {
    /// Waits for anything but the server. Dropping the future loses nothing.
    pub(super) async fn event(&mut self) -> WaitEvent {
        loop {
            let gathered = self.rang.map(|rang| rang + self.gather);
            tokio::select! {
                biased;
                () = until(gathered) => return WaitEvent::Bell,
                () = sleep_until(self.until) => return WaitEvent::Time,
                () = self.bell.notified(), if gathered.is_none() => *self.rang = Some(Instant::now()),
            }
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
