//! A look at a mailbox by IMAP: what is new is listed and fetched into the ledger.

use chrono::Utc;
use tokio::time::Instant;

use super::{
    care::FetchFailures,
    cursor::{self, portions},
    error::WatchError,
    fetch::ImapReceiver,
    listing,
    session::Session,
    settle::Settler,
    source::{Scope, StepContext},
};

/// Old mails that are taken together.
const WANTED: usize = 200;
/// News of so many mails are received without listing them first.
const FEW: u32 = 32;

impl Session {
    /// Looks for mail and takes it, no more than a batch. Between the portions of a long look mails are settled. Says whether there is
    /// more to take.
    pub(super) async fn look(
        mut self,
        scope: Scope,
        on: &StepContext<'_>,
        batch: Option<usize>,
        settler: &mut Settler,
        care: &mut FetchFailures,
    ) -> Result<(Self, bool), WatchError> {
        self.wire.take_news();
        care.begins(self.cursor);
        let scope = match scope {
            Scope::Nothing => return Ok((self, false)),
            Scope::News(new) if new > FEW || care.lists() || batch.is_some() => Scope::All,
            scope => scope,
        };
        let mut intake = on.intake(self.cursor);
        if let Scope::News(new) = scope {
            on.health.announced(usize::try_from(new).unwrap_or(usize::MAX));
        }
        let mut receiver = ImapReceiver {
            intake: &mut intake,
            care,
            limit: on.inlet.size,
        };
        let looked = match scope {
            Scope::News(_) => match self.receive_news(&mut receiver).await {
                Ok((session, true)) => Ok((session, false)),
                // What a server refuses for all it may give one by one.
                Ok((session, false)) => session.receive_all(&mut receiver, scope, on, batch, settler).await,
                Err(error) => Err(error),
            },
            Scope::All | Scope::Again | Scope::Nothing => {
                self.receive_all(&mut receiver, scope, on, batch, settler).await
            }
        };
        // What was received whole is kept, however the session ended.
        let taken = intake.finish().await;
        care.looked(looked.as_ref().ok().map(|(session, _)| session.cursor), taken.is_ok());
        on.health.kept_back(care.kept_back(), Utc::now());
        let looked = looked?;
        let taken = taken?;
        if taken.new > 0 {
            tracing::info!(new = taken.new, known = taken.known, "took new mail");
        }
        Ok(looked)
    }

    /// Takes what an operator wants of the mails that lay there before, whose UIDs are below the cursor.
    pub(super) async fn take_wanted(
        mut self,
        on: &StepContext<'_>,
        care: &mut FetchFailures,
    ) -> Result<Self, WatchError> {
        let below = self.cursor.uid_next.saturating_sub(1);
        loop {
            let mut wanted = on.ledger.backlog_wanted(on.mailbox, WANTED + care.len()).await?;
            wanted.sort_unstable();
            care.forget(1, below, &wanted);
            let rests = care.resting(Instant::now());
            let wanted: Vec<u32> = wanted.into_iter().filter(|uid| !rests.contains(uid)).collect();
            if wanted.is_empty() {
                return Ok(self);
            }
            let listed;
            (self.wire, listed) = listing::sizes(self.wire, &wanted).await?;
            let mut intake = on.intake(self.cursor);
            let mut receiver = ImapReceiver {
                intake: &mut intake,
                care,
                limit: on.inlet.size,
            };
            let received = self.receive_listed(&mut receiver, listed, below).await;
            let taken = intake.finish().await;
            care.looked(None, taken.is_ok());
            on.health.kept_back(care.kept_back(), Utc::now());
            self = received?;
            let taken = taken?;
            let over = wanted.into_iter().filter(|uid| !care.has(*uid)).collect();
            on.ledger.backlog_taken(&on.watched(), over).await?;
            tracing::info!(new = taken.new, known = taken.known, "took mail that lay there before");
            let backlog = on.ledger.backlog(on.mailbox).await?;
            on.health.left(backlog.map_or(0, |backlog| backlog.left));
        }
    }

    async fn receive_listed(
        mut self,
        receiver: &mut ImapReceiver<'_>,
        mut listed: Vec<cursor::ListedUid>,
        below: u32,
    ) -> Result<Self, WatchError> {
        let there: Vec<u32> = listed.iter().map(|mail| mail.uid).collect();
        receiver.care.sort(1, below, &mut listed, Instant::now());
        for portion in portions(listed) {
            (self.wire, _) = receiver.portion(self.wire, &portion).await?;
        }
        self.try_again(receiver, |uid| there.contains(&uid)).await
    }

    /// Tries those of these mails again that made trouble.
    async fn try_again(
        mut self,
        receiver: &mut ImapReceiver<'_>,
        these: impl Fn(u32) -> bool,
    ) -> Result<Self, WatchError> {
        for uid in receiver.care.due(Instant::now()) {
            if !these(uid) {
                continue;
            }
            if receiver.care.gives_up(uid, Instant::now()).is_none() {
                (self.wire, _) = receiver.alone(self.wire, uid, None).await?;
            }
            if let Some((why, about)) = receiver.care.gives_up(uid, Instant::now()) {
                let known = (&*why, about);
                receiver.give_up(self.cursor.uid_validity, uid, known).await?;
            }
        }
        Ok(self)
    }

    /// Says whether that could be done at once.
    async fn receive_news(mut self, receiver: &mut ImapReceiver<'_>) -> Result<(Self, bool), WatchError> {
        let next;
        (self.wire, next) = receiver.news(self.wire, self.cursor.uid_next).await?;
        self.cursor.uid_next = next.unwrap_or(self.cursor.uid_next);
        Ok((self, next.is_some()))
    }

    async fn receive_all(
        mut self,
        receiver: &mut ImapReceiver<'_>,
        scope: Scope,
        on: &StepContext<'_>,
        batch: Option<usize>,
        settler: &mut Settler,
    ) -> Result<(Self, bool), WatchError> {
        let mut left = if scope == Scope::Again {
            0
        } else {
            batch.unwrap_or(usize::MAX)
        };
        // The cursor stays before what makes trouble; the look does not.
        let begun = self.cursor.uid_next;
        let mut from = begun;
        loop {
            let (listed, more);
            (self.wire, listed, more) = listing::list(self.wire, from).await?;
            let (mut listed, _) = cursor::lowest(listed, from, usize::MAX);
            let last = listed.last().map_or(from.saturating_sub(1), |mail| mail.uid);
            let to = if more { last } else { u32::MAX };
            receiver.care.sort(from, to, &mut listed, Instant::now());
            on.health.announced(listed.len());
            let (listed, cut) = cursor::lowest(listed, from, left);
            left -= listed.len();
            for portion in portions(listed) {
                let gone;
                (self.wire, gone) = receiver.portion(self.wire, &portion).await?;
                if gone > 0 {
                    tracing::info!(gone, "mails vanished from the mailbox before they could be taken");
                }
                from = portion.next();
                self.cursor.uid_next = receiver.care.cursor(from);
                self = Box::pin(settler.settle_if_rung(self, on)).await?;
            }
            if !cut {
                from = from.max(last.saturating_add(1));
            }
            if !more || left == 0 {
                self = self.try_again(receiver, |uid| uid >= begun).await?;
                self.cursor.uid_next = receiver.care.cursor(from);
                receiver.intake.cursor(self.cursor.uid_next).await?;
                return Ok((self, more || cut));
            }
        }
    }
}
