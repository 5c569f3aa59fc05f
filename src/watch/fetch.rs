//! Receives mails: many small ones by one command, others one by one, as [`super::retrieve`] does.
//!
//! Asks for UID, INTERNALDATE, RFC822.SIZE and `BODY.PEEK[]` only: never for BODYSTRUCTURE or ENVELOPE, which servers build and parsers
//! choke on, and never touches a flag. Answers count by their UID, whatever their order; one that was not asked for, comes twice, or
//! has no body is passed over. A mail that was listed and does not come is asked for by itself; it is gone when the server does not know it.
//! A mail that comes with as many bytes as the server tells costs nothing more; any other is looked at more closely.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    cursor::{Listed, Portion, SMALL},
    error::{Error, Words},
    imap::{Answer, FETCH, Fetch, Heard, Said, Step, Wire},
    intake::{About, Held, Intake, held},
    into_ledger::IntoLedger,
    reading::{Bit, Reading, Then},
    retrieve::{Retrieved, Sink, retrieve},
    uids,
};
use crate::{job::Reason, ledger::Lack};

/// The mails that are received without having been listed: more than are ever asked for so, and a server can't make them up without
/// end.
const NEWS: usize = 256;
/// Bytes of mails that wait in memory for a closer look, at most: they are not counted, as little as what is on the wire. Others are asked
/// for anew.
const WAITING: usize = 512 << 10;
/// The mails that are listed at once; the rest is listed when these were received.
const LISTED: usize = 100_000;

/// Lists the mails from a UID on: UIDs and sizes. The second value says that there are more.
pub(crate) async fn list(wire: Wire, from: u32) -> Result<(Wire, Vec<Listed>, bool), Error> {
    // The lowest are kept, whatever the order in which they come, and each once.
    let mut lowest: BTreeMap<u32, Option<u32>> = BTreeMap::new();
    let mut more = false;
    let (exists, mut beyond) = (wire.exists(), 0_u32);
    let what = format!("{from}:* (UID RFC822.SIZE)");
    let done = wire.run(FETCH, &what, |said| {
        let Said::Fetch(Fetch {
            uid: Some(uid), size, ..
        }) = said
        else {
            return Heard::Unasked;
        };
        if lowest.insert(uid, size).is_some() {
            return Heard::Unasked;
        }
        if lowest.len() <= LISTED {
            return Heard::Progress;
        }
        more = true;
        lowest.pop_last();
        beyond = beyond.saturating_add(1);
        // Of these nobody knows whether they come twice, but there can't be more than there are mails.
        if beyond <= exists {
            Heard::Expected
        } else {
            Heard::Unasked
        }
    });
    let (wire, _) = done.await?.ok()?;
    let listed = lowest.into_iter().map(|(uid, size)| Listed { uid, size }).collect();
    Ok((wire, listed, more))
}

/// The sizes of these mails, as far as they are there.
pub(crate) async fn sizes(mut wire: Wire, wanted: &[u32]) -> Result<(Wire, Vec<Listed>), Error> {
    let mut found = BTreeMap::new();
    for (set, named) in uids::sets(wanted) {
        let what = format!("{set} (UID RFC822.SIZE)");
        let done = wire.run(FETCH, &what, |said| match said {
            Said::Fetch(Fetch {
                uid: Some(uid), size, ..
            }) => named.binary_search(&uid).is_ok() && found.insert(uid, size).is_none(),
            _ => false,
        });
        (wire, _) = done.await?.ok()?;
    }
    let listed = found.into_iter().map(|(uid, size)| Listed { uid, size }).collect();
    Ok((wire, listed))
}

/// Which of these mails are still there.
pub(crate) async fn present(mut wire: Wire, uids: &[u32]) -> Result<(Wire, BTreeSet<u32>), Error> {
    let mut there = BTreeSet::new();
    for (set, named) in uids::sets(uids) {
        let what = format!("{set} (UID)");
        let done = wire.run(FETCH, &what, |said| match said {
            Said::Fetch(Fetch { uid: Some(uid), .. }) => named.binary_search(&uid).is_ok() && there.insert(uid),
            _ => false,
        });
        (wire, _) = done.await?.ok()?;
    }
    Ok((wire, there))
}

/// Receives mails into the ledger.
pub(crate) struct Receiver<'a> {
    pub(crate) intake: &'a mut Intake,
    /// The bytes that a mail may have.
    pub(crate) limit: u64,
}

/// What came of a mail that was asked for by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum One {
    /// It is in the ledger, whole or too large.
    Came,
    /// It is not there any more.
    Gone,
    /// The server does not give it.
    Not(Words),
}

/// What a command for many mails brought.
struct Brought {
    wire: Wire,
    /// Mails whose bytes may not be all.
    doubtful: Vec<Doubtful>,
    /// Mails that are asked for by themselves, and their sizes as far as the server told.
    alone: BTreeMap<u32, Option<u64>>,
    /// The server refused the command.
    refused: bool,
}

/// A mail whose bytes may not be all.
struct Doubtful {
    uid: u32,
    about: About,
    bytes: Bytes,
}

impl Receiver<'_> {
    /// Receives whatever there is from a UID on, without having listed it. Gives back the cursor's UID after it; nothing where the server
    /// refuses that, and what there is beside what came is not known.
    pub(crate) async fn news(&mut self, wire: Wire, from: u32) -> Result<(Wire, Option<u32>), Error> {
        let (mut next, mut left) = (from, u32::MAX);
        let mut seen = BTreeSet::new();
        // The last mail comes even where its UID is below `from` (RFC 9051 section 6.4.8).
        let new = |uid: u32| {
            if seen.len() >= NEWS && uid >= from {
                left = left.min(uid);
                return false;
            }
            let new = uid >= from && seen.insert(uid);
            if new {
                next = next.max(uid.saturating_add(1));
            }
            new
        };
        let brought = self.together(wire, &format!("{from}:*"), new).await?;
        let (wire, refused) = self.closer(brought).await?;
        if refused {
            return Ok((wire, None));
        }
        let next = next.min(left);
        self.intake.cursor(next).await?;
        Ok((wire, Some(next)))
    }

    /// Receives what was listed. Gives back how many of them are gone.
    pub(crate) async fn portion(&mut self, mut wire: Wire, portion: &Portion) -> Result<(Wire, usize), Error> {
        let mut missing: BTreeSet<u32> = portion.small.iter().copied().collect();
        let mut failed = None;
        for (set, _) in uids::sets(&portion.small) {
            let brought = self.together(wire, &set, |uid| missing.remove(&uid)).await?;
            // What was refused for all is asked for one by one.
            (wire, _) = self.closer_or(brought, &mut failed).await?;
        }
        let listed = missing.len() + portion.large.len();
        let still: Vec<u32> = missing.into_iter().collect();
        let there;
        (wire, there) = present(wire, &still).await?;
        let still: Vec<u32> = there.into_iter().collect();
        let mut gone = listed - still.len() - portion.large.len();
        for uid in still.into_iter().chain(portion.large.iter().copied()) {
            let there;
            (wire, there) = self.alone(wire, uid, None, &mut failed).await?;
            gone += usize::from(!there);
        }
        // Those behind one that can't be had are in the ledger: they are known when they come again.
        failed.map_or(Ok(()), Err)?;
        self.intake.cursor(portion.next()).await?;
        Ok((wire, gone))
    }

    /// Receives a mail by itself. The cursor stays where it is.
    pub(crate) async fn one(&mut self, wire: Wire, uid: u32) -> Result<(Wire, One), Error> {
        let mut failed = None;
        let (wire, there) = self.alone(wire, uid, None, &mut failed).await?;
        let one = match failed {
            Some(Error::Undelivered { why, .. }) => One::Not(why),
            Some(error) => return Err(error),
            None if there => One::Came,
            None => One::Gone,
        };
        Ok((wire, one))
    }

    /// Takes a mail that the server can't deliver as one that is held.
    pub(crate) async fn give_up(&mut self, uid_validity: u32, uid: u32, why: &str) -> Result<(), Error> {
        tracing::error!(
            uid_validity,
            uid,
            why,
            "the server can't deliver a mail; it is held, and the next ones go on"
        );
        let about = About::default();
        self.intake
            .lacking(uid, about, undelivered(uid_validity, uid, why))
            .await?;
        self.intake.cursor(uid.saturating_add(1)).await
    }

    /// Receives mails by one command.
    async fn together(
        &mut self,
        mut wire: Wire,
        set: &str,
        mut wanted: impl FnMut(u32) -> bool,
    ) -> Result<Brought, Error> {
        let what = format!("{set} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{SMALL}>)");
        wire.allow(Reading::new(None, self.limit).most());
        let mut running = wire.send(FETCH, &what).await?;
        // A body larger than what is gathered, where the server gives all for a part: it is asked for by itself.
        let mut passed = false;
        let (mut doubtful, mut alone, mut waiting) = (Vec::new(), BTreeMap::new(), 0);
        let done = loop {
            let said;
            (running, said) = match running.next().await? {
                Step::Said(running, said) => (running, said),
                Step::Done(done) => break done,
            };
            if let Said::Piece(_) = said {
                running.heard(Heard::Progress);
                passed = true;
                continue;
            }
            let passed = std::mem::take(&mut passed);
            let Said::Fetch(Fetch {
                uid: Some(uid),
                received,
                size,
                body,
                origin,
                ..
            }) = said
            else {
                continue;
            };
            let Some(bytes) = body.or_else(|| passed.then(Bytes::new)) else {
                continue;
            };
            if !wanted(uid) {
                continue;
            }
            running.heard(Heard::Progress);
            let about = About {
                received,
                told: size.map(u64::from),
            };
            let begins = !bytes.is_empty() && origin.unwrap_or(0) == 0;
            if begins && about.told == Some(bytes.len() as u64) && bytes.len() != SMALL as usize {
                let held = held(bytes.len() as u64, self.limit);
                self.intake.mail(uid, about, bytes, held).await?;
                continue;
            }
            let waits = begins && bytes.len() <= SMALL as usize && waiting + bytes.len() <= WAITING;
            if waits {
                waiting += bytes.len();
                doubtful.push(Doubtful { uid, about, bytes });
            } else {
                alone.insert(uid, about.told);
            }
        };
        let refused = matches!(done.answer, Answer::Refused(_));
        Ok(Brought {
            wire: done.wire,
            doubtful,
            alone,
            refused,
        })
    }

    /// Looks more closely at what a command brought. The first mail that can't be had is the error, after all others were received.
    async fn closer(&mut self, brought: Brought) -> Result<(Wire, bool), Error> {
        let mut failed = None;
        let (wire, refused) = self.closer_or(brought, &mut failed).await?;
        failed.map_or(Ok((wire, refused)), Err)
    }

    async fn closer_or(&mut self, brought: Brought, failed: &mut Option<Error>) -> Result<(Wire, bool), Error> {
        let Brought {
            mut wire,
            doubtful,
            alone,
            refused,
        } = brought;
        for Doubtful { uid, about, bytes } in doubtful {
            let (reading, then) = Reading::begun(about.told, self.limit, SMALL.into(), Bit::new(Some(0), &bytes));
            let mut sink = IntoLedger::new(self.intake, uid);
            sink.about(about);
            sink.piece(bytes).await?;
            match then {
                Then::Keep(_) => (wire, _) = rest(wire, reading, sink, self.limit, failed).await?,
                Then::KeepLast(_) | Then::End => sink.end(None).await?,
                Then::TooLarge => sink.end(too_large(self.limit)).await?,
                Then::Anew | Then::Not(_) => (wire, _) = self.alone(wire, uid, about.told, failed).await?,
            }
        }
        for (uid, told) in alone {
            (wire, _) = self.alone(wire, uid, told, failed).await?;
        }
        Ok((wire, refused))
    }

    /// Receives a mail by itself. Says whether it was there.
    async fn alone(
        &mut self,
        wire: Wire,
        uid: u32,
        told: Option<u64>,
        failed: &mut Option<Error>,
    ) -> Result<(Wire, bool), Error> {
        let reading = Reading::new(told, self.limit);
        let sink = IntoLedger::new(self.intake, uid);
        rest(wire, reading, sink, self.limit, failed).await
    }
}

/// Reads a mail to its end and takes it. One that the server does not give is noted, and the session goes on. Says whether it was there.
async fn rest(
    wire: Wire,
    reading: Reading,
    mut sink: IntoLedger<'_>,
    limit: u64,
    failed: &mut Option<Error>,
) -> Result<(Wire, bool), Error> {
    let uid = sink.uid;
    let (wire, retrieved) = retrieve(wire, uid, reading, &mut sink).await?;
    match retrieved {
        Retrieved::Whole => sink.end(None).await?,
        Retrieved::TooLarge => sink.end(too_large(limit)).await?,
        Retrieved::Gone => return Ok((wire, false)),
        Retrieved::Not(why) => {
            failed.get_or_insert(Error::Undelivered { uid, why });
        }
    }
    Ok((wire, true))
}

fn too_large(limit: u64) -> Held {
    held(limit.saturating_add(1), limit)
}

/// Why a mail that the server does not give is held.
pub(super) fn undelivered(uid_validity: u32, uid: u32, why: &str) -> Lack {
    Lack {
        reason: Reason::Unreadable,
        detail: format!(
            "the server does not give the mail with UID {uid} (UIDVALIDITY {uid_validity}), whenever it is asked: {why}; look at it in the mailbox; mailjob jobs retry has it fetched again"
        ),
        size: 0,
        upload: None,
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "unasked_tests.rs"]
mod unasked_tests;
