//! The last touch: mails whose work is over are moved, marked, flagged or deleted.
//!
//! A touch is noted in the ledger only after the server's OK, so it's repeated until it holds; a mail that is gone has had its touch. What
//! the server refuses waits for another try, ever more seldom, and holds up no other mail. Where the server has no MOVE and this process
//! ends between COPY and EXPUNGE, the repeated COPY makes a second copy in the target mailbox; the mail's work is not done again.

use std::{collections::BTreeMap, sync::Arc};

use chrono::Utc;
use futures_util::FutureExt;
use tokio::{sync::Notify, time::Instant};

use super::{
    aside::{Copied, DeferredMails, RefusalScope},
    error::{Refusal, WatchError},
    imap::{Completion, ImapResponse, Step},
    plan::{TouchBatch, plan},
    rival::{self, Rivals},
    session::Session,
    source::StepContext,
    touch::{TouchResult, quoted, touch_all, touch_set},
    uids,
};
use crate::{config::SettleAction, ledger::Place, message::clean::clean};

/// The mails that are asked for at once.
const AT_ONCE: usize = 1000;
/// Characters of a mailbox's name that are shown.
const NAME: usize = 100;

/// When to settle: as soon as the bell rings; what the server refused, seldom.
pub(super) struct Settler {
    bell: Arc<Notify>,
    aside: Box<DeferredMails>,
    /// What is known of others who work at this mailbox.
    pub(super) rivals: Box<Rivals>,
}

impl Settler {
    pub(super) fn new(bell: Arc<Notify>) -> Self {
        Self {
            bell,
            aside: Box::default(),
            rivals: Box::default(),
        }
    }

    /// When what the server refused is tried again.
    pub(super) fn again(&self) -> Option<Instant> {
        self.aside.again()
    }

    /// In the midst of other work: settles what is due, if the bell rang.
    pub(super) async fn settle_if_rung(
        &mut self,
        session: Session,
        on: &StepContext<'_>,
    ) -> Result<Session, WatchError> {
        match self.bell.notified().now_or_never() {
            Some(()) => self.settle(session, on).await,
            None => Ok(session),
        }
    }

    /// Settles what is due, and what was refused before where its time has come.
    pub(super) async fn settle(&mut self, session: Session, on: &StepContext<'_>) -> Result<Session, WatchError> {
        let aside = self.aside.numbered(session.cursor.uid_validity);
        let before = aside.take(Instant::now());
        let again = before.is_some();
        let (session, refusal) = settle(session, on, aside, &before.unwrap_or_default(), &mut self.rivals).await?;
        aside.over(refusal, again, Instant::now(), fastrand::f64());
        Ok(session)
    }
}

/// Gives every mail that is due its last touch, but for those aside. The last refusal comes back with the session.
async fn settle(
    mut session: Session,
    on: &StepContext<'_>,
    aside: &mut DeferredMails,
    before: &BTreeMap<u32, RefusalScope>,
    rivals: &mut Rivals,
) -> Result<(Session, Option<Refusal>), WatchError> {
    let (mut refused, mut why) = (None, None);
    loop {
        let most = AT_ONCE.saturating_add(aside.len());
        let due = on
            .ledger
            .settling(on.mailbox, session.cursor.uid_validity, most)
            .await?;
        let all = due.len() < most;
        for due in aside.tried(due, before) {
            for touch in plan(&due, on.inlet) {
                let touched;
                session.targets.touched = None;
                (session, touched) = touch_all(session, &touch, aside.copied()).await?;
                if matches!(touch.fate, SettleAction::Move(_) | SettleAction::Delete) && touched.why.is_none() {
                    rivals.touched(touch.uids.len(), session.targets.touched, Instant::now());
                }
                if !touched.done.is_empty() {
                    let uid_validity = session.cursor.uid_validity;
                    let place = |uid: &u32| Place {
                        uid_validity,
                        uid: *uid,
                    };
                    let places: Vec<Place> = touched.done.iter().map(place).collect();
                    on.ledger.settled(&on.watched(), &places).await?;
                    on.health.settled(&due, &touched.done);
                    aside.touched(&touched.done);
                    tracing::debug!(mails = places.len(), fate = ?touch.fate, "settled mails");
                }
                if let Some(answer) = touched.why {
                    let mails = touched.refused.len();
                    tracing::warn!(mails, fate = ?touch.fate, %answer, "the server refuses to settle mails; trying again later");
                    why = Some(words(&touch, &answer));
                    refused = Some(answer);
                }
                aside.put(touched.refused);
            }
        }
        // All the others are settled, or aside.
        if all {
            on.health.aside(aside.len(), why, Utc::now());
            return Ok((session, refused));
        }
    }
}

/// Looks for another Mailjob at this mailbox, where there is a reason to, and answers one that looks for us.
pub(super) async fn probe(
    mut session: Session,
    on: &StepContext<'_>,
    rivals: &mut Rivals,
) -> Result<Session, WatchError> {
    let now = Instant::now();
    if !rivals.recalled {
        rivals.recall(on.ledger.probes(on.mailbox).await?, now);
        rivals.recalled = true;
    }
    let found = on.health.probes();
    let known = rivals.places();
    let old = rivals.old(session.cursor.uid_validity, now);
    let is_same = rivals.places() == known;
    if found.is_empty() && is_same && !rivals.is_due(now) {
        if rivals.is_over(now) {
            tracing::info!("no other Mailjob answers at this mailbox any more");
            on.health.rival(None);
        }
        return Ok(session);
    }
    // Where the session ends before they are deleted, the ledger knows them still.
    rivals.recalled = false;
    for (set, uids) in uids::sets(&old) {
        (session, _) = touch_set(session, &SettleAction::Delete, (&set, &uids), &mut Copied::default()).await?;
    }
    rivals.recalled = true;
    let own = on.ledger.installation().await?;
    for (whose, place) in found {
        if rivals.found(whose, own, place, now) {
            tracing::error!(
                "another Mailjob works at this mailbox with a ledger of its own: mails are done and answered twice; stop one of the two, or have it watch another mailbox"
            );
            on.health.rival(Some(Utc::now()));
        }
    }
    let places = rivals.places();
    if places != known {
        on.ledger.note_probes(&on.watched(), places).await?;
    }
    if rivals.is_due(now) {
        rivals.probed(now);
        let bytes = rival::write(own, &Utc::now().to_rfc2822());
        let answer;
        (session, answer) = append(session, &on.inlet.mailbox.name, bytes.as_bytes()).await?;
        match answer {
            Ok(()) => tracing::warn!(
                "mails were gone before their last touch: a small mail in the mailbox asks whether another Mailjob works there; it is deleted within some minutes"
            ),
            Err(answer) => {
                tracing::warn!(%answer, "mails were gone before their last touch; whether another Mailjob works at this mailbox can't be asked")
            }
        }
    }
    Ok(session)
}

/// Puts a mail into a mailbox, as one that was read.
async fn append(mut session: Session, mailbox: &str, mail: &[u8]) -> TouchResult {
    let what = format!("{} (\\Seen) {{{}}}", quoted(mailbox)?, mail.len());
    let mut running = session.wire.send("APPEND", &what).await?;
    loop {
        match running.next().await? {
            Step::Said(asked, ImapResponse::Continue(_)) => running = asked.literal(mail).await?,
            Step::Said(on_its_way, _) => running = on_its_way,
            Step::Done(done) => {
                session.wire = done.wire;
                let answer = match done.answer {
                    Completion::Ok(_) => Ok(()),
                    Completion::Refused(refusal) => Err(refusal),
                };
                return Ok((session, answer));
            }
        }
    }
}

/// What the server refuses, for people.
fn words(touch: &TouchBatch<'_>, answer: &Refusal) -> String {
    let touched = match touch.fate {
        SettleAction::Keep => "kept".to_owned(),
        SettleAction::Mark => "marked as read".to_owned(),
        SettleAction::Flag => "flagged".to_owned(),
        SettleAction::Move(target) => format!("moved to {}", clean(target, NAME)),
        SettleAction::Delete => "deleted".to_owned(),
    };
    format!("can't be {touched}: the server said {answer}")
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
