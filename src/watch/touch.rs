//! One last touch: the commands that move, mark, flag or delete mails.
//!
//! By UID only, and never by a plain EXPUNGE, which would delete what other people marked.

use std::collections::BTreeMap;

use super::{
    aside::{Copied, RefusalScope},
    error::{Negative, Refusal, WatchError, Words},
    imap::{Completion, ImapResponse, mutf7, response::ResponseCode},
    listing,
    plan::TouchBatch,
    session::Session,
    uids,
};
use crate::config::SettleAction;

/// After so many refusals the rest of a set waits for another time: most likely the server refuses all of it.
const REFUSALS: usize = 32;

/// A session, and whether the server did what it was asked.
pub(super) type TouchResult = Result<(Session, Result<(), Refusal>), WatchError>;

/// What became of a touch of many mails.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Those that had it.
    pub(super) done: Vec<u32>,
    /// The others, and how they were refused.
    pub(super) refused: BTreeMap<u32, RefusalScope>,
    /// The last refusal, where there are such.
    pub(super) why: Option<Refusal>,
}

/// Touches mails. A server refuses a whole set for one of its mails: those that are gone had their touch, and of the others each half
/// is tried by itself, until it is known which they are.
pub(super) async fn touch_all(
    mut session: Session,
    touch: &TouchBatch<'_>,
    copied: &mut Copied,
) -> Result<(Session, Touched), WatchError> {
    let mut touched = Touched::default();
    let mut left = vec![touch.uids.clone()];
    let (mut refusals, mut there) = (0, None);
    while let Some(uids) = left.pop() {
        if refusals >= REFUSALS {
            touched
                .refused
                .extend(uids.iter().map(|uid| (*uid, RefusalScope::Together)));
            continue;
        }
        let answer;
        (session, answer) = touch_some(session, touch.fate, &uids, copied).await?;
        let Err(refusal) = answer else {
            touched.done.extend(uids);
            continue;
        };
        // A server that wants to be left alone is not asked for each half.
        refusals = refusal.patience().map_or(refusals + 1, |_| REFUSALS);
        touched.why = Some(refusal);
        let first = there.is_none();
        if first {
            let present;
            (session.wire, present) = listing::present(session.wire, &touch.uids).await?;
            there = Some(present);
        }
        let is_there = |uid: &u32| there.as_ref().is_some_and(|there| there.contains(uid));
        let (mut uids, gone): (Vec<u32>, Vec<u32>) = uids.into_iter().partition(is_there);
        let whole = gone.is_empty();
        touched.done.extend(gone);
        match uids.as_slice() {
            [] => {}
            _ if !whole => left.push(uids),
            [uid] => drop(touched.refused.insert(*uid, RefusalScope::Alone)),
            _ => {
                let second = uids.split_off(uids.len().div_ceil(2));
                left.extend([second, uids]);
            }
        }
    }
    touched.why = touched.why.filter(|_| !touched.refused.is_empty());
    Ok((session, touched))
}

/// Touches mails, in as few commands as can be.
async fn touch_some(mut session: Session, fate: &SettleAction, uids: &[u32], copied: &mut Copied) -> TouchResult {
    for (set, uids) in uids::sets(uids) {
        session = match touch_set(session, fate, (&set, &uids), copied).await? {
            (session, Ok(())) => session,
            refused => return Ok(refused),
        };
    }
    Ok((session, Ok(())))
}

/// Mails, as a command names them and one by one.
type UidSet<'a> = (&'a str, &'a [u32]);

/// Touches mails that one command can name.
pub(super) async fn touch_set(
    session: Session,
    fate: &SettleAction,
    mails: UidSet<'_>,
    copied: &mut Copied,
) -> TouchResult {
    let (set, _) = mails;
    match fate {
        SettleAction::Keep => Ok((session, Ok(()))),
        SettleAction::Mark => command(session, "UID STORE", &format!("{set} +FLAGS.SILENT (\\Seen)")).await,
        SettleAction::Flag => command(session, "UID STORE", &format!("{set} +FLAGS.SILENT (\\Flagged)")).await,
        SettleAction::Delete => delete(session, mails).await,
        SettleAction::Move(target) => transfer(session, mails, target, copied).await,
    }
}

async fn command(mut session: Session, name: &'static str, arguments: &str) -> TouchResult {
    let (mut copied, mut expunged) = (None, 0);
    let done = session.wire.run(name, arguments, |said| match said {
        ImapResponse::Ok(Some(ResponseCode::Copied(count))) => copied = Some(count),
        ImapResponse::Expunged => expunged += 1,
        _ => {}
    });
    let done = done.await?;
    session.wire = done.wire;
    if let Completion::Ok(Some(ResponseCode::Copied(count))) = done.answer {
        copied = Some(count);
    }
    session.targets.expunged = expunged;
    session.targets.touched = match name {
        "UID MOVE" | "UID COPY" => copied.and_then(|count| usize::try_from(count).ok()),
        // What others deleted may be told here too: it counts for more, never for less.
        "UID EXPUNGE" => session.targets.touched.or(Some(expunged)),
        _ => session.targets.touched,
    };
    let answer = match done.answer {
        Completion::Ok(_) => Ok(()),
        Completion::Refused(refusal) => Err(refusal),
    };
    Ok((session, answer))
}

/// Deletes mails: `\Deleted`, and UID EXPUNGE of just these where the server has it (UIDPLUS, RFC 4315).
async fn delete(session: Session, mails: UidSet<'_>) -> TouchResult {
    let (set, _) = mails;
    let (mut session, marked) = command(session, "UID STORE", &format!("{set} +FLAGS.SILENT (\\Deleted)")).await?;
    if marked.is_ok() && session.can.uidplus {
        return expunge(session, mails).await;
    }
    if marked.is_ok() && !std::mem::replace(&mut session.targets.warned, true) {
        tracing::warn!(
            "the server has no UIDPLUS: deleted mails stay in the mailbox, marked as deleted, until somebody expunges it"
        );
    }
    Ok((session, marked))
}

/// Expunges just these mails. A server that told of fewer is asked for those that are left: Courier 5.0.13 says OK and deletes nothing
/// where the right to delete is missing (2026-11).
async fn expunge(session: Session, (set, uids): UidSet<'_>) -> TouchResult {
    let (mut session, answer) = command(session, "UID EXPUNGE", set).await?;
    if answer.is_err() || session.targets.expunged >= uids.len() {
        return Ok((session, answer));
    }
    let there;
    (session.wire, there) = listing::present(session.wire, uids).await?;
    let left = uids.iter().filter(|uid| there.contains(uid)).count();
    session.targets.lied |= left > 0;
    let kept = || Refusal {
        status: Negative::No,
        code: None,
        text: Words::new("by what it did: it said OK to UID EXPUNGE, and the mail is still there"),
    };
    Ok((session, (left == 0).then_some(()).ok_or_else(kept)))
}

/// Moves mails to a mailbox, which is made when it's missing.
async fn transfer(session: Session, mails: UidSet<'_>, target: &str, copied: &mut Copied) -> TouchResult {
    let known = session.targets.names.get(target).cloned();
    let name = known.clone().unwrap_or_else(|| target.to_owned());
    let (mut session, refusal) = match put(session, mails, &name, copied).await? {
        (session, Err(refusal)) => (session, refusal),
        (mut session, Ok(())) => {
            session.targets.names.insert(target.to_owned(), name);
            return Ok((session, Ok(())));
        }
    };
    let missing = refusal.is("TRYCREATE") || refusal.is("NONEXISTENT");
    // Not every server says so by a code: then it is tried once.
    let is_there = known.is_some() || std::mem::take(&mut session.targets.lied);
    if !missing && (is_there || refusal.code.is_some() || refusal.patience().is_some()) {
        return Ok((session, Err(refusal)));
    }
    let (mut session, created) = create(session, target).await?;
    let Some(name) = created else {
        return Ok((session, Err(refusal)));
    };
    session.targets.names.insert(target.to_owned(), name.clone());
    put(session, mails, &name, copied).await
}

async fn put(mut session: Session, (set, uids): UidSet<'_>, name: &str, copied: &mut Copied) -> TouchResult {
    let target = quoted(name)?;
    if session.can.moves && copied.missing(name, uids).len() == uids.len() {
        let answer;
        (session, answer) = command(session, "UID MOVE", &format!("{set} {target}")).await?;
        // Each mail that moves is told to be gone (RFC 6851 section 3.3). A server that told of fewer is asked for those that are left.
        if answer.is_err() || session.targets.expunged >= uids.len() {
            return Ok((session, answer));
        }
        let there;
        (session.wire, there) = listing::present(session.wire, uids).await?;
        let left: Vec<u32> = uids.iter().copied().filter(|uid| there.contains(uid)).collect();
        if left.is_empty() {
            return Ok((session, answer));
        }
        tracing::warn!(
            mails = left.len(),
            "the server said OK to UID MOVE, and mails are still there: they are copied and deleted"
        );
        session.can.moves = false;
        // It copied them, by its own word (COPYUID).
        if session.targets.touched.is_some_and(|moved| moved >= uids.len()) {
            copied.add(name, &left);
        }
        for (set, uids) in uids::sets(&left) {
            session = match Box::pin(put(session, (&set, &uids), name, copied)).await? {
                (session, Ok(())) => session,
                refused => return Ok(refused),
            };
        }
        return Ok((session, Ok(())));
    }
    // What could be copied and not deleted is not copied again.
    for (set, uids) in uids::sets(&copied.missing(name, uids)) {
        session = match command(session, "UID COPY", &format!("{set} {target}")).await? {
            (session, Ok(())) => session,
            refused => return Ok(refused),
        };
        copied.add(name, &uids);
    }
    delete(session, (set, uids)).await
}

/// Makes a mailbox and gives back its name: as it's written or, where the server takes no mailboxes beside INBOX (Courier, Cyrus
/// before 3, cPanel), below INBOX.
async fn create(session: Session, target: &str) -> Result<(Session, Option<String>), WatchError> {
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

async fn make(session: Session, name: &str) -> Result<(Session, bool), WatchError> {
    let (session, answer) = command(session, "CREATE", &quoted(name)?).await?;
    match answer {
        Ok(()) => {
            tracing::info!(mailbox = name, "made a mailbox");
            Ok((session, true))
        }
        Err(refusal) if refusal.is("ALREADYEXISTS") => Ok((session, true)),
        // Not every server says so by a code: Courier 5.0.13 says "Error in IMAP command received by server" (2026-11).
        Err(_) => {
            let name = format!("{} (UIDVALIDITY)", quoted(name)?);
            let (session, answer) = command(session, "STATUS", &name).await?;
            Ok((session, answer.is_ok()))
        }
    }
}

/// The character between the names of a mailbox and those below it (RFC 9051 section 6.3.9).
async fn delimiter(mut session: Session) -> Result<(Session, Option<String>), WatchError> {
    let mut found = None;
    let done = session.wire.run("LIST", r#""" """#, |said| {
        if let ImapResponse::Delimiter(delimiter) = said {
            found = delimiter;
        }
    });
    session.wire = done.await?.wire;
    Ok((session, found))
}

pub(super) fn quoted(name: &str) -> Result<String, WatchError> {
    mutf7::quoted(name).ok_or_else(|| WatchError::Name(name.to_owned()))
}
