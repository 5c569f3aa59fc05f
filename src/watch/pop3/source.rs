//! POP3 as a source.
//!
//! A maildrop is locked while somebody is signed in, so sessions are short and there is none between two looks. The bell has one opened
//! for mails that are to be deleted, after some time for gathering.

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::{
    MaildropMemory, again, check,
    first_sight::known,
    login,
    maildrop::{MaildropPlan, MalformedLines, compare, list},
    namesakes,
    portion::SessionQuota,
    settle,
    take::take,
    wire::Pop3Connection,
};
use crate::watch::{
    Watch,
    door::{self, Connector, who},
    error::WatchError,
    source::{
        LookResult, RetryTimes, Scope, SessionPurpose, SessionStart, SettleResult, Source, StepContext, Wait,
        WakeReason,
    },
    watcher::Watcher,
};

/// A mailbox by POP3.
pub(in crate::watch) struct Pop3 {
    door: Box<dyn Connector<Pop3Connection>>,
    past: MaildropMemory,
    /// What of the last listing could not be read.
    odd: MalformedLines,
    /// The ledger took no new mails the last time: last touches come first then, by which it gets room.
    refused: bool,
    /// The server wants no sign-in before.
    not_before: Instant,
}

/// A maildrop that is locked by us.
pub(in crate::watch) struct MaildropSession {
    wire: Pop3Connection,
    login_delay: Option<Duration>,
    found: MaildropPlan,
}

/// The loop of a mailbox that is read by POP3.
pub(in crate::watch) fn watcher(watch: Watch, door: Box<dyn Connector<Pop3Connection>>) -> Watcher<Pop3> {
    let source = Pop3 {
        door,
        past: MaildropMemory::default(),
        odd: MalformedLines::default(),
        refused: false,
        not_before: Instant::now(),
    };
    Watcher::new(watch, source)
}

impl Source for Pop3 {
    type Session = Box<MaildropSession>;

    const STAYS: bool = false;
    const GATHER: Duration = Duration::from_secs(3);

    async fn is_needed(&mut self, on: &StepContext<'_>) -> Result<bool, WatchError> {
        Ok(!settle::settle_kept(on).await?.is_empty() || again::any(on).await?)
    }

    async fn open(&mut self, on: &StepContext<'_>) -> Result<Box<MaildropSession>, WatchError> {
        let mailbox = &on.inlet.mailbox;
        let open = async |wire, credential| login::open(wire, &who(mailbox, &credential)).await;
        let (mut wire, can) = door::admitted(&*self.door, open).await?;
        wire.bare_ends = self.past.bare_ends;
        self.not_before = Instant::now() + can.login_delay.unwrap_or_default();
        self.past.record.greeted(&wire.greeting);
        Ok(Box::new(MaildropSession {
            wire,
            login_delay: can.login_delay,
            found: MaildropPlan::default(),
        }))
    }

    fn begin(&mut self, _: &Box<MaildropSession>, errand: SessionPurpose) -> SessionStart {
        SessionStart {
            settles: false,
            look: Some(match errand {
                SessionPurpose::Look if !std::mem::take(&mut self.refused) => Scope::All,
                SessionPurpose::Look | SessionPurpose::Settle => Scope::Again,
            }),
        }
    }

    async fn look(
        &mut self,
        session: Box<MaildropSession>,
        scope: Scope,
        on: &StepContext<'_>,
        most: Option<usize>,
    ) -> Result<LookResult<Box<MaildropSession>>, WatchError> {
        let delay = session.login_delay;
        let portion = SessionQuota::with(delay);
        let (wire, mut found) = self.list(session.wire, on).await?;
        let found = &mut found;
        let (wire, portion) = match scope {
            Scope::Again => {
                found.new.retain(|mail| mail.again.is_some());
                (wire, portion)
            }
            Scope::News(_) | Scope::All | Scope::Nothing => {
                let wire = namesakes::tell(wire, on, found, &mut self.past.checks, None).await?;
                (wire, portion.at_most(most))
            }
        };
        let took = take(wire, on, found, &mut self.past, portion).await?;
        let (wire, more) = match took.wire {
            Some(wire) if scope == Scope::Again => (Some(wire), false),
            Some(wire) => {
                let (wire, others) = check::known(wire, on, found, &mut self.past.checks).await?;
                (Some(wire), took.more || others)
            }
            None => (None, scope != Scope::Again),
        };
        on.health.kept_back(self.past.care.kept_back(), Utc::now());
        let session = wire.map(|wire| {
            Box::new(MaildropSession {
                wire,
                login_delay: delay,
                found: std::mem::take(found),
            })
        });
        Ok(LookResult {
            session,
            mails: took.mails,
            more,
        })
    }

    async fn fetch_wanted(
        &mut self,
        session: Box<MaildropSession>,
        _: &StepContext<'_>,
    ) -> Result<Box<MaildropSession>, WatchError> {
        Ok(session)
    }

    async fn settle(
        &mut self,
        session: Box<MaildropSession>,
        on: &StepContext<'_>,
    ) -> Result<SettleResult<Box<MaildropSession>>, WatchError> {
        let MaildropSession { wire, mut found, .. } = *session;
        let left = settle::leave(wire, on, &mut found, &mut self.past.checks).await?;
        Ok(SettleResult {
            session: None,
            more: left.more,
            look: left.look,
        })
    }

    fn again(&self) -> RetryTimes {
        RetryTimes::default()
    }

    fn not_before(&self) -> Option<Instant> {
        Some(self.not_before)
    }

    fn pushes(&self, _: &Box<MaildropSession>) -> bool {
        false
    }

    async fn wait(
        &mut self,
        session: Box<MaildropSession>,
        _: Wait<'_>,
        _: &StepContext<'_>,
    ) -> Result<WakeReason<Box<MaildropSession>>, WatchError> {
        Ok(WakeReason::Refused(session))
    }

    fn failed(&mut self, error: &WatchError, on: &StepContext<'_>) {
        self.past.care.failed(error, Instant::now());
        self.past.checks.failed(Instant::now());
        self.past.bare_ends |= matches!(error, WatchError::BareEnd);
        self.refused |= matches!(error, WatchError::Ledger(_));
        on.health.kept_back(self.past.care.kept_back(), Utc::now());
    }
}

impl Pop3 {
    /// Lists what there is, beside what the ledger knows.
    async fn list(
        &mut self,
        wire: Pop3Connection,
        on: &StepContext<'_>,
    ) -> Result<(Pop3Connection, MaildropPlan), WatchError> {
        let (wire, listing) = list(wire).await?;
        self.tell(&listing.odd, on);
        let (wire, known) = Box::pin(known(wire, on, &listing)).await?;
        let mut found = compare(listing, known);
        if !found.left.is_empty() {
            let left = std::mem::take(&mut found.left);
            tracing::debug!(mails = left.len(), "mails left the maildrop");
            on.ledger.maildrop_left(&on.watched(), left).await?;
        }
        self.past.checks.looked(&found, Instant::now());
        again::first(on, &mut found).await?;
        Ok((wire, found))
    }

    /// Says which lines of a listing can't be read, once.
    fn tell(&mut self, odd: &MalformedLines, on: &StepContext<'_>) {
        if odd.lines > 0 && self.odd != *odd {
            tracing::warn!(
                lines = odd.lines,
                first = %odd.first,
                "the server lists mails in a way that can't be read: those are left alone, or taken without a size"
            );
            on.health.passed_over(odd.lines, &odd.first);
        }
        self.odd = odd.clone();
    }
}

#[cfg(test)]
#[path = "watcher_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "watcher_trouble_tests.rs"]
mod trouble_tests;
#[cfg(test)]
#[path = "../tests/pop3_world.rs"]
mod world;
