//! The courier of one SMTP account: claims replies, submits them in a session that it keeps for as long as there is something to carry,
//! and keeps the account's pace.

use std::{sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Outbox, answer,
    fates::{DeliveryOutcome, DeliveryOutcomes},
    letter::ReplyContent,
    pace::Pace,
    smtp::SmtpSession,
    trouble::{SmtpError, SmtpStage},
};
use crate::{
    auth::AuthVerdict,
    config::Server,
    job::NewReply,
    ledger::{self, ClaimedReply, Submitted},
};

/// Replies claimed at once.
const BATCH: usize = 50;
/// The longest wait for a server to which nobody gets through.
const AWAY: Duration = Duration::from_secs(8);
/// How long an idle session is kept.
const IDLE: Duration = Duration::from_secs(10);

/// One session's owner.
pub(super) struct Submitter {
    outbox: Arc<Outbox>,
    server: Server,
    session: Option<SmtpSession>,
    pace: Pace,
    /// Failures of the account in a row.
    failures: u32,
    /// Who has to act, as the last of them says.
    verdict: AuthVerdict,
}

/// A session that broke over a reply, and what that means for the reply: `None` where it is not to blame.
struct BrokenSession {
    trouble: SmtpError,
    submitted: Option<Submitted>,
}

impl Submitter {
    /// A courier who knows what was sent before it came.
    pub(super) async fn new(outbox: Outbox, server: Server) -> Self {
        let now = Utc::now();
        let mut ages = Vec::new();
        if let Some(rate) = outbox.account.pace {
            let since = now - TimeDelta::from_std(rate.per).unwrap_or_default();
            match outbox.ledger.submissions(&outbox.account.name, since).await {
                Ok(sent) => ages.extend(sent.into_iter().map(|sent| (now - sent).to_std().unwrap_or_default())),
                Err(error) => {
                    tracing::warn!(account = %outbox.account.name, %error, "what was sent of late can't be read")
                }
            }
        }
        Self {
            pace: Pace::new(outbox.account.pace, &ages, Instant::now()),
            outbox: Arc::new(outbox),
            server,
            session: None,
            failures: 0,
            verdict: AuthVerdict::Reconnect,
        }
    }

    /// The next replies: no more than the pace allows now. While there is trouble only one is claimed, to try with.
    pub(super) async fn claim(&mut self) -> Result<Vec<ClaimedReply>, ledger::Error> {
        let outbox = self.outbox.clone();
        while let Some(wait) = self.pace.wait(Instant::now()) {
            tracing::debug!(account = %outbox.account.name, wait_s = wait.as_secs_f32(), "replies wait for the account's pace");
            if wait > IDLE {
                self.part().await;
            }
            sleep(wait).await;
        }
        let most = if self.failures == 0 { BATCH } else { 1 };
        let most = most.min(self.pace.room(Instant::now()));
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
    pub(super) async fn carry(&mut self, claimed: Vec<ClaimedReply>) -> Option<Duration> {
        let outbox = self.outbox.clone();
        let mut waiting = claimed.into_iter();
        let mut ended = None;
        let mut pause = None;
        while let Some(reply) = waiting.next() {
            if outbox.stop.is_cancelled() {
                outbox
                    .put_back([reply].into_iter().chain(waiting), Utc::now(), &SmtpError::Stopping)
                    .await;
                break;
            }
            let (submitted, ()) = tokio::join!(self.submit(&reply), outbox.note(ended.take()));
            match submitted {
                Ok(submitted) => {
                    if std::mem::take(&mut self.failures) > 0 {
                        outbox.login.works();
                    }
                    ended = Some((reply, submitted));
                }
                Err(BrokenSession {
                    trouble: stopping @ SmtpError::Stopping,
                    ..
                }) => {
                    outbox
                        .put_back([reply].into_iter().chain(waiting), Utc::now(), &stopping)
                        .await;
                    break;
                }
                Err(BrokenSession { trouble, submitted }) => {
                    let is_away = trouble.is_away();
                    let wait = self.failed(trouble.verdict());
                    // Who gets through to nobody tries often, and tells of it ever more seldom.
                    let wait = if is_away { wait.min(AWAY) } else { wait };
                    if is_away && !self.failures.is_power_of_two() {
                        tracing::debug!(account = %outbox.account.name, failures = self.failures, wait_s = wait.as_secs(), %trouble, "replies wait");
                    } else {
                        tracing::warn!(account = %outbox.account.name, failures = self.failures, wait_s = wait.as_secs(), %trouble, "replies wait");
                    }
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

    async fn submit(&mut self, claimed: &ClaimedReply) -> Result<Submitted, BrokenSession> {
        let again = |waits| {
            let now = Utc::now();
            answer::next(claimed.attempt, waits, claimed.tried_since(now), now, fastrand::f64())
        };
        let later = |why: String| {
            DeliveryOutcomes::all(&claimed.reply.recipients, &DeliveryOutcome::later(why)).submitted(again(None))
        };
        let begun = Instant::now();
        let letter = match ReplyContent::of(claimed, &self.outbox).await {
            Ok(letter) => letter,
            // The ledger's trouble, and no word of the server's.
            Err(error) => return Ok(later(error.to_string())),
        };
        self.pace.note(begun);
        match self.exchange(&claimed.reply, &letter).await {
            Ok(fates) => {
                let operator = fates.operator().map(str::to_owned);
                let waits = fates.waits();
                let submitted = fates.submitted(again(waits));
                self.outbox.health.submitted(&submitted, begun.elapsed());
                if let Some(words) = operator {
                    self.outbox.health.asks(words, Utc::now());
                }
                Ok(submitted)
            }
            Err(trouble @ SmtpError::Stopping) => Err(BrokenSession {
                trouble,
                submitted: None,
            }),
            Err(trouble) => {
                let (words, verdict) = (trouble.to_string(), trouble.verdict());
                self.outbox.health.failed(words, verdict, begun.elapsed(), Utc::now());
                // From the first recipient on, what breaks a session may be this reply's doing.
                let blamed = matches!(
                    trouble.stage(),
                    Some(SmtpStage::Recipient | SmtpStage::Data | SmtpStage::Content | SmtpStage::End)
                );
                let submitted = match trouble.is_in_doubt() {
                    true => Some(Submitted::Lost {
                        due: again(None),
                        detail: trouble.to_string(),
                    }),
                    false => blamed.then(|| later(trouble.to_string())),
                };
                Err(BrokenSession { trouble, submitted })
            }
        }
    }

    /// The account, for the log.
    pub(super) fn account(&self) -> &str {
        &self.outbox.account.name
    }

    /// One exchange, on a new session where the kept one turns out to be closed: servers end sessions that have idled or carried
    /// enough.
    async fn exchange(&mut self, reply: &NewReply, letter: &ReplyContent) -> Result<DeliveryOutcomes, SmtpError> {
        if let Some(mut session) = self.session.take() {
            match session.submit_letter(reply, letter).await {
                Ok(fates) => {
                    self.session = Some(session).filter(SmtpSession::is_sound);
                    return Ok(fates);
                }
                Err(trouble) if trouble.stage() == Some(SmtpStage::Mail) => {
                    tracing::debug!(account = %self.outbox.account.name, %trouble, "a new session is opened");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let stop = self.outbox.stop.clone();
        let mut session = stop
            .run_until_cancelled(self.open())
            .await
            .unwrap_or(Err(SmtpError::Stopping))?;
        let fates = session.submit_letter(reply, letter).await?;
        self.session = Some(session).filter(SmtpSession::is_sound);
        Ok(fates)
    }

    /// A session that is signed in; with a new token where the server does not take the one at hand.
    async fn open(&self) -> Result<SmtpSession, SmtpError> {
        let Outbox { account, login, .. } = &*self.outbox;
        SmtpSession::admitted(account, &self.server, login).await
    }

    /// Who has to act, as the last failure says.
    pub(super) fn verdict(&self) -> AuthVerdict {
        self.verdict
    }

    /// Counts a failure. How long to leave the account alone, a fifth more or less.
    pub(super) fn failed(&mut self, verdict: AuthVerdict) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.verdict = verdict;
        verdict.pause(self.failures).mul_f64(0.8 + 0.4 * fastrand::f64())
    }

    /// Somebody mended the account: its replies are tried at once. Where the ledger can't say so, they come by themselves.
    pub(super) async fn mended(&mut self) {
        self.failures = 0;
        let Outbox { ledger, account, .. } = &*self.outbox;
        match ledger.account_mended(&account.name).await {
            Ok(0) => {}
            Ok(replies) => tracing::info!(account = %account.name, replies, "replies that waited are tried now"),
            Err(error) => {
                tracing::warn!(account = %account.name, %error, "replies that wait could not be called; they come later")
            }
        }
    }

    /// Leaves the server, if there is a session.
    pub(super) async fn part(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }
}
