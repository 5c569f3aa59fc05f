//! The loop of one maildrop: wait, look, take, delete, leave; and after a failure, a pause and all of it again.
//!
//! A maildrop is locked while somebody is signed in, so sessions are short and there is none between two looks. The bell has one opened
//! for mails that are to be deleted, after some time for gathering.

use std::{future::pending, time::Duration};

use chrono::Utc;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Past, again, check,
    first_sight::known,
    login,
    maildrop::{Found, Odd, compare, list},
    namesakes,
    portion::Portion,
    settle,
    take::take,
    wire::Wire,
};
use crate::{
    auth::Pause,
    ledger::MailboxKey,
    watch::{
        Watch,
        backoff::Backoff,
        door::{self, Door, who},
        error::{Error, Verdict},
        mailbox_key,
        schedule::{self, NextLook},
        session::Looking,
    },
};

/// How long mails that are to be deleted are gathered, after the first and after a session.
const GATHER: Duration = Duration::from_secs(3);
/// How long a deletion may still take when the program stops.
const LAST: Duration = Duration::from_secs(10);

pub(in crate::watch) struct Watcher {
    watch: Watch,
    door: Box<dyn Door<Wire>>,
    mailbox: MailboxKey,
    past: Past,
    /// What of the last listing could not be read.
    odd: Odd,
    /// When the next look is due.
    next_look: NextLook,
    /// The looks so far; one may take several sessions.
    looks: usize,
    /// The mails that this look may still take.
    left: Option<usize>,
    /// When the bell rang, and no session was opened since.
    rang: Option<Instant>,
    /// The server wants no sign-in before.
    not_before: Instant,
    /// The last session failed, or there was none yet.
    in_trouble: bool,
}

/// What a session is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    /// New mail, and deletions.
    Look,
    /// Deletions, and mails that the operator wants again: it is not his time to look.
    Delete,
}

/// Why a session is over although nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// There is more to take.
    More,
    /// Everything was taken.
    All,
    /// There was nothing that needed one.
    Needless,
    /// The program stops.
    Stopped,
}

impl Watcher {
    pub(in crate::watch) fn new(watch: Watch, door: Box<dyn Door<Wire>>) -> Self {
        let now = Instant::now();
        Self {
            next_look: NextLook::first(&watch.inlet.mailbox.watch, Utc::now(), now),
            mailbox: mailbox_key(&watch.inlet.mailbox),
            left: watch.inlet.mailbox.looks.batch,
            looks: 0,
            watch,
            door,
            past: Past::default(),
            odd: Odd::default(),
            // What became due before rang no bell that is heard now.
            rang: Some(now),
            not_before: now,
            in_trouble: true,
        }
    }

    pub(in crate::watch) async fn run(mut self) {
        let stop = self.watch.stop.clone();
        let mut backoff = Box::<Backoff>::default();
        while let Some(errand) = stop.run_until_cancelled(self.wait()).await {
            let begun = Instant::now();
            self.rang = None;
            let over = self.session(errand).await;
            if let Err(error) = &over {
                self.past.care.failed(error, Instant::now());
                self.past.checks.failed(Instant::now());
                self.past.bare_ends |= matches!(error, Error::BareEnd);
            }
            self.watch.health.kept_back(self.past.care.kept_back(), Utc::now());
            match over {
                Ok(Over::Stopped) => return,
                Ok(Over::Needless) => {}
                Ok(over @ (Over::More | Over::All)) => {
                    *backoff = Backoff::default();
                    self.watch.health.reached();
                    if errand == Errand::Look {
                        self.watch.health.looked(Utc::now(), over == Over::More);
                        self.next_look = self.after(over);
                    }
                }
                Err(error) => {
                    let verdict = error.verdict();
                    let wait = backoff.after(verdict, begun.elapsed(), error.patience(), fastrand::f64());
                    let is_away = error.is_away();
                    self.report(&error, verdict, wait, !is_away || backoff.missed());
                    // What was to be deleted still is.
                    self.rang = Some(begun);
                    let Watch {
                        inlet, connects, login, ..
                    } = &self.watch;
                    let pause = Box::pin(async {
                        tokio::select! {
                            ended = login.pause(wait, error.mends()) => ended,
                            () = connects.pause(&inlet.mailbox.server, is_away, wait, fastrand::f64()) => Pause::Over,
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

    /// The pause after a session that looked. A look ends when all is taken, or its batch is.
    fn after(&mut self, over: Over) -> NextLook {
        if over == Over::More && self.left != Some(0) {
            return NextLook::at(Instant::now());
        }
        let looks = &self.watch.inlet.mailbox.looks;
        self.left = looks.batch;
        self.looks = self.looks.saturating_add(1);
        if schedule::is_over(looks, self.looks) {
            tracing::info!(
                looks = self.looks,
                "the mailbox is left alone from now on, as `repeat` says"
            );
        }
        let (watch, now) = (&self.watch.inlet.mailbox.watch, Instant::now());
        schedule::after_look(looks, self.looks, false, now, || {
            NextLook::after(watch, false, Utc::now(), now)
        })
    }

    fn report(&mut self, error: &Error, verdict: Verdict, wait: Duration, is_told: bool) {
        let next = format!("{wait:.0?}");
        match verdict {
            Verdict::Reconnect if !is_told => tracing::debug!(%error, next, "no way to the mailbox yet"),
            Verdict::Reconnect => tracing::warn!(%error, next, "no session with the mailbox; connecting again"),
            Verdict::SlowDown | Verdict::Fatal => tracing::error!(%error, next, "the mailbox can't be watched"),
        }
        self.watch.health.lost(error, wait, Utc::now());
        self.in_trouble = true;
    }

    /// Waits until a session is wanted.
    async fn wait(&mut self) -> Errand {
        let bell = self.watch.ledger.bell(&self.mailbox);
        loop {
            let gathered = self.rang.map(|rang| (rang + GATHER).max(self.not_before));
            tokio::select! {
                biased;
                () = sleep_until(self.next_look.at.max(self.not_before)) => {
                    let watch = &self.watch.inlet.mailbox.watch;
                    if self.next_look.is_due(watch, Utc::now(), Instant::now()) {
                        return Errand::Look;
                    }
                }
                () = until(gathered) => return Errand::Delete,
                () = bell.notified(), if gathered.is_none() => self.rang = Some(Instant::now()),
            }
        }
    }

    /// One session, from the connection to its end.
    async fn session(&mut self, errand: Errand) -> Result<Over, Error> {
        let on = Looking::of(&self.watch, &self.mailbox);
        if errand == Errand::Delete && settle::settle_kept(&on).await?.is_empty() && !again::any(&on).await? {
            return Ok(Over::Needless);
        }
        let stop = self.watch.stop.clone();
        let Some(looked) = stop.run_until_cancelled(Box::pin(self.look(errand))).await else {
            return Ok(Over::Stopped);
        };
        let (wire, mut found, over) = looked?;
        let Some(wire) = wire else { return Ok(over) };
        // A deletion that was begun is brought to its end: only then does the ledger know of it.
        let on = Looking::of(&self.watch, &self.mailbox);
        let late = async {
            stop.cancelled().await;
            sleep(LAST).await;
        };
        let leaving = settle::leave(wire, &on, &mut found, &mut self.past.checks);
        tokio::select! {
            left = Box::pin(leaving) => {
                let left = left?;
                if left.more {
                    self.rang = Some(Instant::now());
                }
                if left.look {
                    self.next_look = NextLook::at(Instant::now());
                }
                Ok(if left.look { Over::More } else { over })
            }
            () = late => Ok(Over::Stopped),
        }
    }

    /// Connects, looks what there is, and takes what is new.
    async fn look(&mut self, errand: Errand) -> Result<(Option<Wire>, Found, Over), Error> {
        let mailbox = &self.watch.inlet.mailbox;
        let open = async |wire, credential| login::open(wire, &who(mailbox, &credential)).await;
        let is_first = self.watch.ledger.cursor(&self.mailbox).await?.is_none();
        self.watch.tries(&self.mailbox, is_first).await?;
        let admitted = door::admitted(&*self.door, open).await;
        let (mut wire, can) = Box::pin(self.watch.judged(admitted)).await?;
        self.watch.connects.reached(&mailbox.server);
        wire.bare_ends = self.past.bare_ends;
        self.not_before = Instant::now() + can.login_delay.unwrap_or_default();
        if std::mem::take(&mut self.in_trouble) {
            tracing::info!(mailbox = %self.mailbox, "connected");
            self.watch.login.works();
        }
        self.past.record.greeted(&wire.greeting);
        let (wire, listing) = list(wire).await?;
        self.tell(&listing.odd);
        let on = Looking::of(&self.watch, &self.mailbox);
        let (wire, known) = Box::pin(known(wire, &on, &listing)).await?;
        let mut found = compare(listing, known);
        if !found.left.is_empty() {
            let left = std::mem::take(&mut found.left);
            tracing::debug!(mails = left.len(), "mails left the maildrop");
            on.ledger.maildrop_left(on.mailbox, left).await?;
        }
        self.past.checks.looked(&found, Instant::now());
        again::first(&on, &mut found).await?;
        if errand == Errand::Delete {
            found.new.retain(|mail| mail.again.is_some());
            let portion = Portion::with(can.login_delay);
            let took = take(wire, &on, &mut found, &mut self.past, portion).await?;
            return Ok((took.wire, found, Over::All));
        }
        let wire = namesakes::tell(wire, &on, &mut found, &mut self.past.checks, None).await?;
        let portion = Portion::with(can.login_delay).at_most(self.left);
        let took = take(wire, &on, &mut found, &mut self.past, portion).await?;
        self.left = self.left.map(|left| left.saturating_sub(took.mails));
        let Some(wire) = took.wire else {
            return Ok((None, found, Over::More));
        };
        let (wire, others) = check::known(wire, &on, &mut found, &mut self.past.checks).await?;
        let over = if took.more || others { Over::More } else { Over::All };
        Ok((Some(wire), found, over))
    }

    /// Says which lines of a listing can't be read, once.
    fn tell(&mut self, odd: &Odd) {
        if odd.lines > 0 && self.odd != *odd {
            tracing::warn!(
                lines = odd.lines,
                first = %odd.first,
                "the server lists mails in a way that can't be read: those are left alone, or taken without a size"
            );
            self.watch.health.passed_over(odd.lines, &odd.first);
        }
        self.odd = odd.clone();
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

#[cfg(test)]
#[path = "watcher_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "watcher_trouble_tests.rs"]
mod trouble_tests;
#[cfg(test)]
#[path = "watcher_world.rs"]
mod world;
