//! Telling the result: who hears of it, in which words, and the way there.
//!
//! [`Composer`] decides and builds in the moment in which a job ends; [`run`] submits what the ledger holds for one account, until
//! the server has taken or refused it. A reply that the server has taken and whose answer we lost is sent again with the same
//! Message-ID. Trouble with the account (no sign-in, no connection) is never held against a reply.

mod answer;
mod answerable;
mod compose;
mod inspect;
mod notice;
pub mod probe;
mod recipients;
mod smtp;
mod trouble;
mod wire;
mod words;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

pub use compose::Composer;
pub use notice::{Notice, NoticeError, send_notice};
pub use recipients::{Ourselves, ourselves};

use crate::{
    auth::{Credential, Login, Verdict},
    config::{Account, Server},
    job::NewReply,
    ledger::{self, ClaimedReply, Ledger, Submitted},
};
use smtp::{Fate, Session};
use trouble::{Stage, Trouble};

/// Replies claimed at once.
const BATCH: usize = 50;
/// How long an idle session is kept.
const IDLE: Duration = Duration::from_secs(10);

/// The replies of one SMTP account.
#[derive(Clone)]
pub struct Outbox {
    /// The account; without an SMTP server nothing goes out.
    pub account: Arc<Account>,
    /// Where replies wait.
    pub ledger: Arc<dyn Ledger>,
    /// The account's sign-in.
    pub login: Arc<Login>,
    /// Stops the loop: the reply in hand is finished, the others are given back.
    pub stop: CancellationToken,
}

/// Submits the replies of an account until it is stopped.
pub async fn run(outbox: Outbox) {
    let Some(server) = outbox.account.smtp.clone() else {
        tracing::error!(account = %outbox.account.name, "the account has no SMTP server; its replies wait");
        return;
    };
    let stop = outbox.stop.clone();
    let mut courier = Courier {
        outbox: Arc::new(outbox),
        server,
        session: None,
        failures: 0,
    };
    while let Some(claimed) = stop.run_until_cancelled(courier.claim()).await {
        let pause = match claimed {
            Ok(claimed) => courier.carry(claimed).await,
            Err(error) => {
                tracing::warn!(account = %courier.outbox.account.name, %error, "replies can't be claimed");
                Some(courier.failed(Verdict::Reconnect))
            }
        };
        if let Some(pause) = pause {
            stop.run_until_cancelled(courier.outbox.login.pause(pause)).await;
        }
    }
    courier.part().await;
}

/// One session's owner.
struct Courier {
    outbox: Arc<Outbox>,
    server: Server,
    session: Option<Session>,
    /// Failures of the account in a row.
    failures: u32,
}

/// A session that broke over a reply, and what that means for the reply: `None` where it is not to blame.
struct Broken {
    trouble: Trouble,
    submitted: Option<Submitted>,
}

impl Courier {
    /// The next replies. While there is trouble only one is claimed, to try with.
    async fn claim(&mut self) -> Result<Vec<ClaimedReply>, ledger::Error> {
        let outbox = self.outbox.clone();
        let most = if self.failures == 0 { BATCH } else { 1 };
        let claim = || outbox.ledger.claim_replies(&outbox.account.name, most);
        if self.session.is_some() {
            match timeout(IDLE, claim()).await {
                Ok(claimed) => return claimed,
                Err(_) => self.part().await,
            }
        }
        claim().await
    }

    /// Submits replies one after the other, and writes down each one's end while the next one is on its way. Says how long to
    /// pause, where there was trouble.
    async fn carry(&mut self, claimed: Vec<ClaimedReply>) -> Option<Duration> {
        let outbox = self.outbox.clone();
        let mut waiting = claimed.into_iter();
        let mut ended = None;
        let mut pause = None;
        while let Some(reply) = waiting.next() {
            if outbox.stop.is_cancelled() {
                outbox
                    .put_back([reply].into_iter().chain(waiting), Utc::now(), &Trouble::Stopping)
                    .await;
                break;
            }
            let (submitted, ()) = tokio::join!(self.submit(&reply), outbox.note(ended.take()));
            match submitted {
                Ok(submitted) => {
                    self.failures = 0;
                    ended = Some((reply, submitted));
                }
                Err(Broken {
                    trouble: stopping @ Trouble::Stopping,
                    ..
                }) => {
                    outbox
                        .put_back([reply].into_iter().chain(waiting), Utc::now(), &stopping)
                        .await;
                    break;
                }
                Err(Broken { trouble, submitted }) => {
                    let wait = self.failed(trouble.verdict());
                    tracing::warn!(account = %outbox.account.name, failures = self.failures, wait = wait.as_secs(), %trouble, "replies wait");
                    let due = Utc::now() + TimeDelta::from_std(wait).unwrap_or_default();
                    let blameless = match submitted {
                        Some(submitted) => {
                            ended = Some((reply, submitted));
                            None
                        }
                        None => Some(reply),
                    };
                    outbox
                        .put_back(blameless.into_iter().chain(waiting), due, &trouble)
                        .await;
                    pause = Some(wait);
                    break;
                }
            }
        }
        outbox.note(ended).await;
        pause
    }

    async fn submit(&mut self, claimed: &ClaimedReply) -> Result<Submitted, Broken> {
        let again = |now| answer::next(claimed.attempt, claimed.made, now, fastrand::f64());
        let last = again(Utc::now()).is_none();
        let later = |why: String| match again(Utc::now()) {
            Some(due) => Submitted::Later { due, detail: why },
            None => Submitted::Refused(format!("given up: {why}")),
        };
        match self.exchange(&claimed.reply, last).await {
            Ok(Fate::Sent(said)) => Ok(Submitted::Sent(said)),
            Ok(Fate::Refused(why)) => Ok(Submitted::Refused(why)),
            Ok(Fate::Later(why)) => Ok(later(why)),
            Err(trouble) => {
                // From the first recipient on, what breaks a session may be this reply's doing.
                let blamed = matches!(
                    trouble.stage(),
                    Some(Stage::Recipient | Stage::Data | Stage::Content | Stage::End)
                );
                let submitted = blamed.then(|| later(trouble.to_string()));
                Err(Broken { trouble, submitted })
            }
        }
    }

    /// One exchange, on a new session where the kept one turns out to be closed: servers end sessions that have idled or carried
    /// enough.
    async fn exchange(&mut self, reply: &NewReply, last: bool) -> Result<Fate, Trouble> {
        if let Some(mut session) = self.session.take() {
            match session.submit(reply, last).await {
                Ok(fate) => {
                    self.session = Some(session);
                    return Ok(fate);
                }
                Err(trouble) if trouble.stage() == Some(Stage::Mail) => {
                    tracing::debug!(account = %self.outbox.account.name, %trouble, "a new session is opened");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let stop = self.outbox.stop.clone();
        let mut session = stop
            .run_until_cancelled(self.open())
            .await
            .unwrap_or(Err(Trouble::Stopping))?;
        let fate = session.submit(reply, last).await?;
        self.session = Some(session);
        Ok(fate)
    }

    /// A session that is signed in; with a new token where the server does not take the one at hand.
    async fn open(&self) -> Result<Session, Trouble> {
        let Outbox { account, login, .. } = &*self.outbox;
        let credential = login.credential().await?;
        match Session::open(account, &self.server, &credential).await {
            Err(Trouble::Unauthorized { reply, .. }) if matches!(credential, Credential::Bearer(_)) => {
                tracing::info!(account = %account.name, answer = %reply, "the SMTP server refuses the token; a new one is tried");
                login.rejected(&credential);
                Session::open(account, &self.server, &login.credential().await?).await
            }
            opened => opened,
        }
    }

    /// Counts a failure. How long to leave the account alone, a fifth more or less.
    fn failed(&mut self, verdict: Verdict) -> Duration {
        self.failures = self.failures.saturating_add(1);
        verdict.pause(self.failures).mul_f64(0.8 + 0.4 * fastrand::f64())
    }

    /// Leaves the server, if there is a session.
    async fn part(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }
}

impl Outbox {
    /// Gives back replies that are not to blame for anything.
    async fn put_back(&self, replies: impl Iterator<Item = ClaimedReply>, due: DateTime<Utc>, why: &Trouble) {
        let later = || Submitted::Later {
            due,
            detail: why.to_string(),
        };
        join_all(replies.map(|reply| self.note(Some((reply, later()))))).await;
    }

    /// Writes down what became of a reply. Tries until the ledger has it: what the server took and the ledger doesn't know is
    /// sent again.
    async fn note(&self, ended: Option<(ClaimedReply, Submitted)>) {
        let Some((reply, submitted)) = ended else {
            return;
        };
        let (job, endpoint) = (reply.job, &reply.endpoint);
        match &submitted {
            Submitted::Sent(answer) => tracing::info!(%endpoint, %job, %answer, "reply sent"),
            Submitted::Refused(answer) => tracing::warn!(%endpoint, %job, %answer, "reply refused"),
            Submitted::Later { due, detail } => tracing::debug!(%endpoint, %job, %due, %detail, "reply waits"),
        }
        let mut failures = 0;
        while let Err(error) = self.ledger.submitted(job, reply.attempt, submitted.clone()).await {
            failures += 1;
            tracing::warn!(%endpoint, %job, %error, failures, "what became of a reply can't be written down");
            let pause = Verdict::Reconnect.pause(failures);
            let is_over = matches!(
                error,
                ledger::Error::Stale(_) | ledger::Error::Missing(_) | ledger::Error::Closed
            );
            if is_over || self.stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod server_tests;
#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
