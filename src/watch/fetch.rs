//! Receives mails: many small ones by one command, others one by one, as [`super::retrieve`] does.
//!
//! Asks for UID, INTERNALDATE, RFC822.SIZE and `BODY.PEEK[]` only: never for BODYSTRUCTURE or ENVELOPE, which servers build and parsers
//! choke on, and never touches a flag. Answers count by their UID, whatever their order; one that was not asked for, comes twice, or
//! has no body is passed over; a mail that comes twice with other bytes is asked for by itself. A mail that was listed and does not come is asked for by itself; it is gone when the server does not know it.
//! A mail that comes with as many bytes as the server tells costs nothing more; any other is looked at more closely.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hasher},
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    care::FetchFailures,
    cursor::{SMALL, UidBatch},
    error::{WatchError, Words},
    imap::{Completion, Expectation, FETCH, Fetch, ImapConnection, ImapResponse, Step},
    intake::IntakeHandle,
    into_ledger::IntoLedger,
    listing::present,
    reading::{Reading, ReadingStep, ReceivedBytes},
    retrieve::retrieve,
    sizes::Sizes,
    source::{Fetched, MailSink},
    taker::{MailMetadata, Shortfall, held},
    uids,
};
use crate::{job::Reason, ledger::Lack};

/// The mails that are received without having been listed: more than are ever asked for so, and a server can't make them up without
/// end.
const NEWS: usize = 256;
/// Bytes of mails that wait in memory for a closer look, at most: they are not counted, as little as what is on the wire. Others are asked
/// for anew.
const WAITING: usize = 512 << 10;

/// Receives mails into the ledger.
pub(crate) struct ImapReceiver<'a> {
    pub(crate) intake: &'a mut IntakeHandle,
    pub(crate) care: &'a mut FetchFailures,
    /// The bytes that a mail may have.
    pub(crate) limit: u64,
}

/// What came of a mail that was asked for by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SingleFetch {
    /// It is in the ledger, whole or too large.
    Came,
    /// It is not there any more.
    Gone,
    /// The server does not give it; what it says of it all the same.
    Not(Words, MailMetadata),
}

/// What a command for many mails brought.
struct FetchedBatch {
    wire: ImapConnection,
    /// Mails whose bytes may not be all.
    doubtful: BTreeMap<u32, Doubtful>,
    /// Mails that are asked for by themselves, and their sizes as far as the server told.
    alone: BTreeMap<u32, Option<u64>>,
    /// The server refused the command.
    refused: bool,
}

/// A mail whose bytes may not be all.
struct Doubtful {
    about: MailMetadata,
    bytes: Bytes,
}

impl ImapReceiver<'_> {
    /// Receives whatever there is from a UID on, without having listed it. Gives back the cursor's UID after it; nothing where the server
    /// refuses that, and what there is beside what came is not known.
    pub(crate) async fn news(
        &mut self,
        wire: ImapConnection,
        from: u32,
    ) -> Result<(ImapConnection, Option<u32>), WatchError> {
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
        self.care.asks_news();
        let brought = self.together(wire, &format!("{from}:*"), new).await?;
        let (wire, refused) = self.closer(brought).await?;
        self.care.asks([]);
        if refused {
            return Ok((wire, None));
        }
        let next = self.care.cursor(next.min(left));
        self.intake.cursor(next).await?;
        Ok((wire, Some(next)))
    }

    /// Receives what was listed, but for what the server does not give. Gives back how many of them are gone.
    pub(crate) async fn portion(
        &mut self,
        mut wire: ImapConnection,
        portion: &UidBatch,
    ) -> Result<(ImapConnection, usize), WatchError> {
        let mut missing: BTreeSet<u32> = portion.small.iter().copied().collect();
        for (set, named) in uids::sets(&portion.small) {
            self.care.asks(named.iter().copied());
            let brought = self.together(wire, &set, |uid| missing.remove(&uid)).await?;
            // What was refused for all is asked for one by one.
            (wire, _) = self.closer(brought).await?;
        }
        let missing: Vec<u32> = missing.into_iter().collect();
        let there;
        (wire, there) = present(wire, &missing).await?;
        let mut gone = 0;
        for uid in missing {
            if !there.contains(&uid) {
                self.care.over(uid);
                gone += 1;
            }
        }
        for uid in there.into_iter().chain(portion.large.iter().copied()) {
            let came;
            (wire, came) = self.alone(wire, uid, None).await?;
            gone += usize::from(came == SingleFetch::Gone);
        }
        self.intake.cursor(self.care.cursor(portion.next())).await?;
        Ok((wire, gone))
    }

    /// Receives a mail by itself, beside all others.
    pub(crate) async fn one(
        &mut self,
        wire: ImapConnection,
        uid: u32,
    ) -> Result<(ImapConnection, SingleFetch), WatchError> {
        let sink = IntoLedger::new(self.intake, uid);
        rest(
            wire,
            Reading::new(None, self.limit),
            sink,
            self.limit,
            &mut self.care.sizes,
        )
        .await
    }

    /// Takes a mail that the server can't deliver as one that is held.
    pub(crate) async fn give_up(
        &mut self,
        uid_validity: u32,
        uid: u32,
        (why, about): (&str, MailMetadata),
    ) -> Result<(), WatchError> {
        tracing::error!(
            uid_validity,
            uid,
            why,
            "the server can't deliver a mail; it is held, and the next ones go on"
        );
        let lack = undelivered(uid_validity, uid, why);
        self.intake.lacking(uid, about, lack).await?;
        self.care.over(uid);
        Ok(())
    }

    /// Receives mails by one command.
    async fn together(
        &mut self,
        mut wire: ImapConnection,
        set: &str,
        mut wanted: impl FnMut(u32) -> bool,
    ) -> Result<FetchedBatch, WatchError> {
        let what = format!("{set} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{SMALL}>)");
        wire.allow(Reading::new(None, self.limit).most());
        let mut running = wire.send(FETCH, &what).await?;
        // A body larger than what is gathered, where the server gives all for a part: it is asked for by itself.
        let mut passed = false;
        let mut once = SeenBodies::default();
        let (mut doubtful, mut alone, mut waiting) = (BTreeMap::new(), BTreeMap::new(), 0);
        let done = loop {
            let said;
            (running, said) = match running.next().await? {
                Step::Said(running, said) => (running, said),
                Step::Done(done) => break done,
            };
            if let ImapResponse::Piece(_) = said {
                running.heard(Expectation::Progress);
                passed = true;
                continue;
            }
            let passed = std::mem::take(&mut passed);
            let ImapResponse::Fetch(Fetch {
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
            if once.differs(uid, &bytes) {
                // Nobody knows which of the two it is.
                self.care.came_in_vain(uid);
                self.intake.retract(uid).await?;
                doubtful.remove(&uid);
                alone.insert(uid, None);
                continue;
            }
            if !wanted(uid) {
                continue;
            }
            once.note(uid, &bytes);
            running.heard(Expectation::Progress);
            let about = MailMetadata {
                received,
                told: size.map(u64::from),
            };
            let begins = !bytes.is_empty() && origin.unwrap_or(0) == 0;
            if begins && about.told == Some(bytes.len() as u64) && bytes.len() != SMALL as usize {
                let held = held(bytes.len() as u64, self.limit);
                self.intake.mail(uid, about, bytes, held).await?;
                self.care.sizes.exact();
                self.care.came(uid, Instant::now());
                continue;
            }
            let waits = begins && bytes.len() <= SMALL as usize && waiting + bytes.len() <= WAITING;
            if waits {
                waiting += bytes.len();
                doubtful.insert(uid, Doubtful { about, bytes });
            } else {
                alone.insert(uid, about.told);
            }
        };
        let refused = matches!(done.answer, Completion::Refused(_));
        Ok(FetchedBatch {
            wire: done.wire,
            doubtful,
            alone,
            refused,
        })
    }

    /// Looks more closely at what a command brought. Says whether it was refused.
    async fn closer(&mut self, brought: FetchedBatch) -> Result<(ImapConnection, bool), WatchError> {
        let FetchedBatch {
            mut wire,
            doubtful,
            alone,
            refused,
        } = brought;
        for (uid, Doubtful { about, bytes }) in doubtful {
            self.care.asks([uid]);
            let (reading, then) = Reading::begun(
                about.told,
                self.limit,
                SMALL.into(),
                ReceivedBytes::new(Some(0), &bytes),
            );
            let mut sink = IntoLedger::new(self.intake, uid);
            sink.about(about);
            sink.piece(bytes).await?;
            match then {
                ReadingStep::Keep(_) => {
                    let came;
                    (wire, came) = rest(wire, reading, sink, self.limit, &mut self.care.sizes).await?;
                    self.note(uid, &came)?;
                }
                ReadingStep::KeepLast(_) | ReadingStep::End => {
                    sink.end(None).await?;
                    self.care.came(uid, Instant::now());
                }
                ReadingStep::TooLarge => {
                    sink.end(too_large(self.limit)).await?;
                    self.care.came(uid, Instant::now());
                }
                ReadingStep::Anew | ReadingStep::Not(_) => (wire, _) = self.alone(wire, uid, about.told).await?,
            }
        }
        for (uid, told) in alone {
            (wire, _) = self.alone(wire, uid, told).await?;
        }
        Ok((wire, refused))
    }

    /// Receives a mail by itself. One that the server does not give is noted, and the session goes on.
    pub(crate) async fn alone(
        &mut self,
        wire: ImapConnection,
        uid: u32,
        told: Option<u64>,
    ) -> Result<(ImapConnection, SingleFetch), WatchError> {
        self.care.asks([uid]);
        let reading = Reading::new(told, self.limit);
        let sink = IntoLedger::new(self.intake, uid);
        let (wire, came) = rest(wire, reading, sink, self.limit, &mut self.care.sizes).await?;
        self.note(uid, &came)?;
        Ok((wire, came))
    }

    /// Notes what came of a mail. Where the server refuses one after the other, it is left alone.
    fn note(&mut self, uid: u32, came: &SingleFetch) -> Result<(), WatchError> {
        match came {
            SingleFetch::Came => self.care.came(uid, Instant::now()),
            SingleFetch::Gone => self.care.over(uid),
            SingleFetch::Not(why, about) => {
                tracing::warn!(uid, %why, "the server does not give a mail, which is not taken; trying again later");
                if !self.care.refused(uid, why, *about, Instant::now()) {
                    let why = why.clone();
                    return Err(WatchError::Undelivered { uid, why });
                }
            }
        }
        Ok(())
    }
}

/// What bodies a command brought so far.
#[derive(Default)]
struct SeenBodies(HashMap<u32, (usize, u64)>);

impl SeenBodies {
    fn note(&mut self, uid: u32, body: &[u8]) {
        self.0.insert(uid, Self::print(body));
    }

    /// Whether another body came for this mail. An empty one is none.
    fn differs(&self, uid: u32, body: &[u8]) -> bool {
        let before = self.0.get(&uid).filter(|(len, _)| *len > 0 && !body.is_empty());
        before.is_some_and(|before| *before != Self::print(body))
    }

    fn print(body: &[u8]) -> (usize, u64) {
        let mut hasher = DefaultHasher::new();
        hasher.write(body);
        (body.len(), hasher.finish())
    }
}

/// Reads a mail to its end and takes it.
async fn rest(
    wire: ImapConnection,
    reading: Reading,
    mut sink: IntoLedger<'_>,
    limit: u64,
    sizes: &mut Sizes,
) -> Result<(ImapConnection, SingleFetch), WatchError> {
    let uid = sink.uid;
    let (wire, retrieved) = retrieve(wire, uid, reading, &mut sink, sizes).await?;
    let one = match retrieved {
        Fetched::Whole => {
            sink.end(None).await?;
            SingleFetch::Came
        }
        Fetched::TooLarge => {
            sink.end(too_large(limit)).await?;
            SingleFetch::Came
        }
        Fetched::Gone => SingleFetch::Gone,
        Fetched::Not(why) => SingleFetch::Not(why, sink.told()),
    };
    Ok((wire, one))
}

fn too_large(limit: u64) -> Shortfall {
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
