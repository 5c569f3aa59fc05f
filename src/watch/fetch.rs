//! Receives mails: many small ones by one command, large ones in pieces.
//!
//! Asks for UID, INTERNALDATE, RFC822.SIZE and `BODY.PEEK[]` only: never for BODYSTRUCTURE or ENVELOPE, which servers build and parsers
//! choke on, and never touches a flag. Answers count by their UID, whatever their order; one that was not asked for, comes twice, or
//! has no body is passed over. A mail that was listed and does not come is gone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    cursor::{Listed, Portion, SMALL},
    error::{Error, Violation},
    imap::{FETCH, Fetch, Heard, Said, Step, Wire},
    intake::{About, Intake, held},
    uids,
};
use crate::{job::Reason, ledger::Lack};

/// The largest piece of a mail in bytes.
const PIECE: u64 = 1 << 20;
/// The mails that are received without having been listed: more than are ever asked for so, and a server can't make them up without
/// end.
const NEWS: usize = 256;
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

impl Receiver<'_> {
    /// Receives whatever there is from a UID on, without having listed it. Gives back the cursor's UID after it.
    pub(crate) async fn news(&mut self, wire: Wire, from: u32) -> Result<(Wire, u32), Error> {
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
        let wire = self.together(wire, &format!("{from}:*"), new).await?;
        let next = next.min(left);
        self.intake.cursor(next).await?;
        Ok((wire, next))
    }

    /// Receives what was listed. Gives back how many of them are gone.
    pub(crate) async fn portion(&mut self, mut wire: Wire, portion: &Portion) -> Result<(Wire, usize), Error> {
        let mut missing: BTreeSet<u32> = portion.small.iter().copied().collect();
        for (set, _) in uids::sets(&portion.small) {
            wire = self.together(wire, &set, |uid| missing.remove(&uid)).await?;
        }
        let mut gone = missing.len();
        for &uid in &portion.large {
            let whole;
            (wire, whole) = self.in_pieces(wire, uid, 0).await?;
            gone += usize::from(!whole);
        }
        self.intake.cursor(portion.next()).await?;
        Ok((wire, gone))
    }

    /// Takes a mail that the server can't deliver as one that is held.
    pub(crate) async fn give_up(&mut self, uid_validity: u32, uid: u32) -> Result<(), Error> {
        tracing::error!(
            uid_validity,
            uid,
            "the server can't deliver a mail; it is held, and the next ones go on"
        );
        let lack = Lack {
            reason: Reason::Unreadable,
            detail: format!(
                "the server fails whenever the mail with UID {uid} (UIDVALIDITY {uid_validity}) is fetched: look at it in the mailbox; mailjob jobs retry has it fetched again"
            ),
            size: 0,
            upload: None,
        };
        self.intake.lacking(uid, About::default(), lack).await?;
        self.intake.cursor(uid.saturating_add(1)).await
    }

    /// Receives mails by one command. Those that turn out to be large are completed in pieces.
    async fn together(&mut self, wire: Wire, set: &str, mut wanted: impl FnMut(u32) -> bool) -> Result<Wire, Error> {
        let what = format!("{set} (UID INTERNALDATE BODY.PEEK[]<0.{SMALL}>)");
        let mut running = wire.send(FETCH, &what).await?;
        // The first large one goes on where it stands; others would have to wait in memory, so they begin again.
        let (mut begun, mut again) = (None, Vec::new());
        let mut wire = loop {
            let said;
            (running, said) = match running.next().await? {
                Step::Said(running, said) => (running, said),
                Step::Done(done) => break done.ok()?.0,
            };
            let Said::Fetch(Fetch {
                uid: Some(uid),
                received,
                body: Some(body),
                ..
            }) = said
            else {
                continue;
            };
            if !wanted(uid) {
                continue;
            }
            running.heard(Heard::Progress);
            if body.len() != SMALL as usize {
                let held = held(body.len() as u64, self.limit);
                self.intake.mail(uid, about(received), body, held).await?;
            } else if begun.is_none() {
                begun = Some(uid);
                self.intake.begin_large(uid, about(received)).await?;
                self.intake.piece(body).await?;
            } else {
                again.push(uid);
            }
        };
        if let Some(uid) = begun {
            (wire, _) = self.in_pieces(wire, uid, u64::from(SMALL)).await?;
        }
        for uid in again {
            (wire, _) = self.in_pieces(wire, uid, 0).await?;
        }
        Ok(wire)
    }

    /// Receives a mail in pieces, from an offset on up to one byte more than it may have. Gives back whether it was there.
    async fn in_pieces(&mut self, mut wire: Wire, uid: u32, mut offset: u64) -> Result<(Wire, bool), Error> {
        let mut begun = offset > 0;
        loop {
            let asked = PIECE.min(self.limit.saturating_add(1).saturating_sub(offset));
            if asked == 0 {
                self.intake.end_large(held(offset, self.limit)).await?;
                return Ok((wire, true));
            }
            let mut piece = None;
            let what = format!("{uid} (UID INTERNALDATE BODY.PEEK[]<{offset}.{asked}>)");
            let done = wire.run(FETCH, &what, |said| match said {
                Said::Fetch(Fetch {
                    uid: Some(of),
                    received,
                    body: Some(body),
                    ..
                }) if of == uid => {
                    let first = piece.is_none();
                    piece = Some((received, body));
                    first
                }
                _ => false,
            });
            (wire, _) = done.await?.ok()?;
            let Some((received, body)) = piece else {
                // Some servers say nothing at all of a piece that would begin at the end.
                let there;
                (wire, there) = present(wire, &[uid]).await?;
                let whole = begun && there.contains(&uid);
                match (begun, whole) {
                    (true, true) => self.intake.end_large(held(offset, self.limit)).await?,
                    (true, false) => self.intake.gone().await?,
                    (false, _) => {}
                }
                return Ok((wire, whole));
            };
            if !begun {
                self.intake.begin_large(uid, about(received)).await?;
                begun = true;
            }
            let came = body.len() as u64;
            if came > asked {
                return Err(Violation::Literal.into());
            }
            offset += came;
            if came > 0 {
                self.intake.piece(body).await?;
            }
            if came < asked {
                self.intake.end_large(held(offset, self.limit)).await?;
                return Ok((wire, true));
            }
        }
    }
}

fn about(received: Option<DateTime<Utc>>) -> About {
    About { received, told: None }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "unasked_tests.rs"]
mod unasked_tests;
