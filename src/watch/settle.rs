//! The last touch: mails whose work is over are moved, marked, flagged or deleted.
//!
//! By UID only, and never by a plain EXPUNGE, which would delete what other people marked. A touch is noted in the ledger only after
//! the server's OK, so it's repeated until it holds; a mail that is gone has had its touch. Where the server has no MOVE and the
//! connection dies between COPY and EXPUNGE, the repeated COPY makes a second copy in the target mailbox; the mail's work is not done
//! again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::Utc;
use futures_util::FutureExt;
use tokio::{sync::Notify, time::Instant};

use super::{
    backoff::Backoff,
    error::{Error, Refusal, Verdict},
    fetch,
    imap::{Answer, Said, Step, mutf7, response::Known},
    plan::{Touch, plan},
    rival::{self, Rivals},
    session::{Looking, Session},
    uids,
};
use crate::{config::Fate, ledger::Place};

/// The mails that are asked for at once.
const AT_ONCE: usize = 1000;

/// Names of target mailboxes, as written by the operator and as the server wants them.
#[derive(Debug, Default)]
pub(super) struct Targets {
    names: HashMap<String, String>,
    /// It was said that deleted mails stay.
    warned: bool,
    /// Of the mails that the last command named, so many were touched, as far as the server says.
    touched: Option<usize>,
}

/// When to settle: as soon as the bell rings, but seldom while the server refuses.
pub(super) struct Settler {
    pub(super) bell: Arc<Notify>,
    /// When the bell rang, and nothing was settled since.
    pub(super) rang: Option<Instant>,
    /// Nothing is settled before.
    after: Option<Instant>,
    failures: Backoff,
    /// What is known of others who work at this mailbox.
    pub(super) rivals: Box<Rivals>,
}

impl Settler {
    pub(super) fn new(bell: Arc<Notify>) -> Self {
        Self {
            bell,
            rang: None,
            after: None,
            failures: Backoff::default(),
            rivals: Box::default(),
        }
    }

    /// In the midst of other work: settles what is due, if the bell rang.
    pub(super) async fn settle_if_rung(&mut self, session: Session, on: &Looking<'_>) -> Result<Session, Error> {
        match self.bell.notified().now_or_never() {
            Some(()) => self.settle(session, on).await,
            None => Ok(session),
        }
    }

    /// Settles what is due, unless the server refused and the pause after that isn't over.
    pub(super) async fn settle(&mut self, session: Session, on: &Looking<'_>) -> Result<Session, Error> {
        self.rang = None;
        if self.after.is_some_and(|after| Instant::now() < after) {
            return Ok(session);
        }
        let (session, answer) = settle(session, on, &mut self.rivals).await?;
        match answer {
            Ok(()) => (self.after, self.failures) = (None, Backoff::default()),
            Err(answer) => {
                let command = "a last touch";
                let patience = Error::Refused { command, answer }.patience();
                let wait = self
                    .failures
                    .after(Verdict::SlowDown, Duration::ZERO, patience, fastrand::f64());
                self.after = Some(Instant::now() + wait);
            }
        }
        Ok(session)
    }
}

/// A session, and whether the server did what it was asked.
pub(super) type Tried = Result<(Session, Result<(), Refusal>), Error>;

/// Gives every mail that is due its last touch. The last refusal comes back with the session.
async fn settle(mut session: Session, on: &Looking<'_>, rivals: &mut Rivals) -> Tried {
    let mut refused = Ok(());
    loop {
        let uid_validity = session.cursor.uid_validity;
        let due = on.ledger.settling(on.mailbox, uid_validity, AT_ONCE).await?;
        for touch in plan(&due, on.inlet) {
            let (touched, answer);
            session.targets.touched = None;
            (session, touched, answer) = touch_all(session, &touch).await?;
            if matches!(touch.fate, Fate::Move(_) | Fate::Delete) && answer.is_ok() {
                rivals.touched(touch.uids.len(), session.targets.touched, Instant::now());
            }
            if !touched.is_empty() {
                let mails = touched.len();
                let place = |uid: &u32| Place {
                    uid_validity,
                    uid: *uid,
                };
                let places: Vec<Place> = touched.iter().map(place).collect();
                on.ledger.settled(on.mailbox, &places).await?;
                on.health.settled(&due, &touched);
                tracing::debug!(mails, fate = ?touch.fate, "settled mails");
            }
            if let Err(answer) = answer {
                tracing::warn!(mails = touch.uids.len(), fate = ?touch.fate, %answer, "the server refuses to settle mails; trying again later");
                refused = Err(answer);
            }
        }
        // Those that were refused would come again at once.
        if refused.is_err() || due.len() < AT_ONCE {
            return Ok((session, refused));
        }
    }
}

/// Touches mails, and says which had their touch. Servers may refuse a whole set because one of its mails is gone: that one had its
/// touch, and the others are tried again.
async fn touch_all(session: Session, touch: &Touch<'_>) -> Result<(Session, Vec<u32>, Result<(), Refusal>), Error> {
    let (mut session, refusal) = match touch_set(session, touch.fate, &touch.set).await? {
        (session, Ok(())) => return Ok((session, touch.uids.clone(), Ok(()))),
        (session, Err(refusal)) => (session, refusal),
    };
    let there;
    (session.wire, there) = fetch::present(session.wire, &touch.set).await?;
    let (left, gone): (Vec<u32>, Vec<u32>) = touch.uids.iter().partition(|uid| there.contains(uid));
    if gone.is_empty() {
        return Ok((session, gone, Err(refusal)));
    }
    for (set, _) in uids::sets(&left) {
        session = match touch_set(session, touch.fate, &set).await? {
            (session, Ok(())) => session,
            (session, Err(refusal)) => return Ok((session, gone, Err(refusal))),
        };
    }
    Ok((session, touch.uids.clone(), Ok(())))
}

pub(super) async fn touch_set(session: Session, fate: &Fate, set: &str) -> Tried {
    match fate {
        Fate::Keep => Ok((session, Ok(()))),
        Fate::Mark => command(session, "UID STORE", &format!("{set} +FLAGS.SILENT (\\Seen)")).await,
        Fate::Flag => command(session, "UID STORE", &format!("{set} +FLAGS.SILENT (\\Flagged)")).await,
        Fate::Delete => delete(session, set).await,
        Fate::Move(target) => transfer(session, set, target).await,
    }
}

async fn command(mut session: Session, name: &'static str, arguments: &str) -> Tried {
    let (mut copied, mut expunged) = (None, 0);
    let done = session.wire.run(name, arguments, |said| match said {
        Said::Ok(Some(Known::Copied(count))) => copied = Some(count),
        Said::Expunged => expunged += 1,
        _ => {}
    });
    let done = done.await?;
    session.wire = done.wire;
    if let Answer::Ok(Some(Known::Copied(count))) = done.answer {
        copied = Some(count);
    }
    session.targets.touched = match name {
        "UID MOVE" | "UID COPY" => copied.and_then(|count| usize::try_from(count).ok()),
        // What others deleted may be told here too: it counts for more, never for less.
        "UID EXPUNGE" => session.targets.touched.or(Some(expunged)),
        _ => session.targets.touched,
    };
    let answer = match done.answer {
        Answer::Ok(_) => Ok(()),
        Answer::Refused(refusal) => Err(refusal),
    };
    Ok((session, answer))
}

/// Deletes mails: `\Deleted`, and UID EXPUNGE of just these where the server has it (UIDPLUS, RFC 4315).
async fn delete(session: Session, set: &str) -> Tried {
    let (mut session, marked) = command(session, "UID STORE", &format!("{set} +FLAGS.SILENT (\\Deleted)")).await?;
    if marked.is_ok() && session.can.uidplus {
        return command(session, "UID EXPUNGE", set).await;
    }
    if marked.is_ok() && !std::mem::replace(&mut session.targets.warned, true) {
        tracing::warn!(
            "the server has no UIDPLUS: deleted mails stay in the mailbox, marked as deleted, until somebody expunges it"
        );
    }
    Ok((session, marked))
}

/// Looks for another Mailjob at this mailbox, where there is a reason to, and answers one that looks for us.
pub(super) async fn probe(mut session: Session, on: &Looking<'_>, rivals: &mut Rivals) -> Result<Session, Error> {
    let now = Instant::now();
    let found = on.health.probes();
    let old = rivals.old(session.cursor.uid_validity, now);
    if found.is_empty() && old.is_empty() && !rivals.is_due(now) {
        if rivals.is_over(now) {
            tracing::info!("no other Mailjob answers at this mailbox any more");
            on.health.rival(None);
        }
        return Ok(session);
    }
    for (set, _) in uids::sets(&old) {
        (session, _) = touch_set(session, &Fate::Delete, &set).await?;
    }
    let own = on.ledger.installation().await?;
    for (whose, place) in found {
        if rivals.found(whose, own, place, now) {
            tracing::error!(
                "another Mailjob works at this mailbox with a ledger of its own: mails are done and answered twice; stop one of the two, or have it watch another mailbox"
            );
            on.health.rival(Some(Utc::now()));
        }
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
async fn append(mut session: Session, mailbox: &str, mail: &[u8]) -> Tried {
    let what = format!("{} (\\Seen) {{{}}}", quoted(mailbox)?, mail.len());
    let mut running = session.wire.send("APPEND", &what).await?;
    loop {
        match running.next().await? {
            Step::Said(asked, Said::Continue(_)) => running = asked.literal(mail).await?,
            Step::Said(on_its_way, _) => running = on_its_way,
            Step::Done(done) => {
                session.wire = done.wire;
                let answer = match done.answer {
                    Answer::Ok(_) => Ok(()),
                    Answer::Refused(refusal) => Err(refusal),
                };
                return Ok((session, answer));
            }
        }
    }
}

/// Moves mails to a mailbox, which is made when it's missing.
async fn transfer(session: Session, set: &str, target: &str) -> Tried {
    let known = session.targets.names.get(target).cloned();
    let name = known.clone().unwrap_or_else(|| target.to_owned());
    let (session, refusal) = match put(session, set, &name).await? {
        (session, Err(refusal)) => (session, refusal),
        (mut session, Ok(())) => {
            session.targets.names.insert(target.to_owned(), name);
            return Ok((session, Ok(())));
        }
    };
    let missing = refusal.is("TRYCREATE") || refusal.is("NONEXISTENT");
    // Not every server says so by a code: then it is tried once.
    if !missing && (known.is_some() || refusal.code.is_some()) {
        return Ok((session, Err(refusal)));
    }
    let (mut session, created) = create(session, target).await?;
    let Some(name) = created else {
        return Ok((session, Err(refusal)));
    };
    session.targets.names.insert(target.to_owned(), name.clone());
    put(session, set, &name).await
}

async fn put(session: Session, set: &str, name: &str) -> Tried {
    let name = quoted(name)?;
    if session.can.moves {
        return command(session, "UID MOVE", &format!("{set} {name}")).await;
    }
    match command(session, "UID COPY", &format!("{set} {name}")).await? {
        (session, Ok(())) => delete(session, set).await,
        refused => Ok(refused),
    }
}

/// Makes a mailbox and gives back its name: as it's written or, where the server takes no mailboxes beside INBOX (Courier, Cyrus
/// before 3, cPanel), below INBOX.
async fn create(session: Session, target: &str) -> Result<(Session, Option<String>), Error> {
    let (session, made) = make(session, target).await?;
    if made {
        return Ok((session, Some(target.to_owned())));
    }
    let (session, delimiter) = delimiter(session).await?;
    let Some(delimiter) = delimiter else {
        return Ok((session, None));
    };
    let below = format!("INBOX{delimiter}{target}");
    let (session, made) = make(session, &below).await?;
    Ok((session, made.then_some(below)))
}

async fn make(session: Session, name: &str) -> Result<(Session, bool), Error> {
    let (session, answer) = command(session, "CREATE", &quoted(name)?).await?;
    let there = match answer {
        Ok(()) => {
            tracing::info!(mailbox = name, "made a mailbox");
            true
        }
        Err(refusal) => refusal.is("ALREADYEXISTS"),
    };
    Ok((session, there))
}

/// The character between the names of a mailbox and those below it (RFC 9051 section 6.3.9).
async fn delimiter(mut session: Session) -> Result<(Session, Option<String>), Error> {
    let mut found = None;
    let done = session.wire.run("LIST", r#""" """#, |said| {
        if let Said::Delimiter(delimiter) = said {
            found = delimiter;
        }
    });
    session.wire = done.await?.wire;
    Ok((session, found))
}

fn quoted(name: &str) -> Result<String, Error> {
    mutf7::quoted(name).ok_or_else(|| Error::Name(name.to_owned()))
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
