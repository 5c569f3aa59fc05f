//! Whether a mail that the server lists is the one that the ledger knows by this name.
//!
//! A name is no proof ([`maildrop`](super::maildrop)), so three things are compared with what was read when a mail was taken:
//!
//! - **What is deleted**, in the session that deletes it. A mail that this session took was read in it; of any other the header is asked
//!   for (TOP), which costs a round trip, and Message-ID, Date and From are compared. One without a Message-ID, or at a server without
//!   TOP, is read anew, all of it; and so is one whose id can come again by chance ([`is_weak`]): there a header is not enough to delete
//!   a body that nobody has read.
//! - **Mails of one name**, in each session: all of each is read, since nothing else tells which was done.
//! - **What is known and left alone** (a mail that failed or is not meant): once after each sign that the server may have numbered anew.
//!   Signs are our own start, and mails that changed their order. Where an id can come again by chance (GreenMail counts
//!   from 1 after each start) there need be no sign, so such mails are compared in each look, [`CHECKED`] of them, in turn.
//!
//! The price: at a server with weak ids each mail that is deleted in another session than the one that took it is read twice, as many
//! bytes again as it has. And there a mail that took the name of one that was kept is found late, by one look for each hundred mails
//! that are kept. Until it was compared it is neither deleted nor forgotten. And two mails that are kept, of one name, size, Message-ID,
//! Date and From, are one: whoever can bring that about has written both.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    body::BodyEvent,
    maildrop::{KnownMail, MaildropPlan, VerifiedExtent},
    wire::Pop3Connection,
};
use crate::{
    backoff::Backoff,
    ledger::{Fingerprint, MaildropName},
    watch::{
        error::{Violation, WatchError},
        header_key::header_key,
        source::StepContext,
    },
};

/// The mails that are compared in one look at the most …
pub(super) const CHECKED: usize = 100;
/// … in this time …
pub(super) const TIME: Duration = Duration::from_secs(10);
/// … and so many bytes of them, where they are read as a whole.
pub(super) const BYTES: u64 = 8 << 20;
/// How long a mail is left alone whose comparison was refused, or ended the session some times. A session may end for its own reasons, so
/// after the first time it is left alone for the first of these, and then four times as long each time.
const RESTS: Backoff = Backoff::growing(4, Duration::from_secs(4), Duration::from_secs(240));
/// Mails of which it is known how often they ended a session.
const TRIED: usize = 1_000;
/// The bytes of a mail that are looked through for its header.
const HEAD: usize = 256 << 10;
/// Letters and digits of an id that tell it from a count.
const STRONG: usize = 9;

/// Whether an id may be a count, which begins anew some day. One that is no count holds a time, a hash or the like: it has a long word
/// with a digit in it. Noughts before a number are none of it.
fn is_weak(uidl: &str) -> bool {
    let words = uidl.split(|c: char| !c.is_ascii_alphanumeric());
    let telling = words.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    telling.map(|word| word.trim_start_matches('0').len()).sum::<usize>() < STRONG
}

/// What was compared so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Mails that were found to be what they are taken for, since the last sign of another numbering.
    proven: HashSet<u32>,
    /// Those of them that were compared in this session.
    recent: Vec<u32>,
    /// The mails of the last look, in the server's order.
    order: Vec<u32>,
    /// How often mails were chosen.
    turns: usize,
    /// Mails that are left alone, and until when.
    resting: HashMap<MaildropName, Instant>,
    /// How often the comparison of mails ended a session in a row.
    tried: HashMap<MaildropName, u32>,
    /// The mail that is being read.
    pub(super) trying: Option<MaildropName>,
}

impl Checks {
    /// A look found these mails: what has to be compared again is forgotten.
    pub(super) fn looked(&mut self, found: &MaildropPlan, now: Instant) {
        let mut order: Vec<_> = found.there.iter().map(|(uid, mail)| (mail.number, *uid)).collect();
        order.sort_unstable();
        let order: Vec<u32> = order.into_iter().map(|(_, uid)| uid).collect();
        let (before, after): (HashSet<_>, HashSet<_>) = (self.order.iter().collect(), order.iter().collect());
        let stayed = self.order.iter().filter(|uid| after.contains(uid));
        if !stayed.eq(order.iter().filter(|uid| before.contains(uid))) {
            self.proven.clear();
        }
        self.proven
            .retain(|uid| found.there.get(uid).is_some_and(|mail| !is_weak(&mail.name.uidl)));
        self.order = order;
        self.recent.clear();
        self.resting.retain(|_, until| now < *until);
    }

    /// This mail was read as a whole when it was taken, or compared now.
    pub(super) fn proved(&mut self, uid: u32) {
        self.proven.insert(uid);
        self.recent.push(uid);
    }

    /// The session failed: whatever was being compared is left alone for a while, and what was compared in it is compared again. The
    /// answers may have been those to other questions.
    pub(super) fn failed(&mut self, now: Instant) {
        for uid in self.recent.drain(..) {
            self.proven.remove(&uid);
        }
        if let Some(name) = self.trying.take() {
            if self.tried.len() >= TRIED {
                self.tried.clear();
            }
            let tried = self.tried.entry(name.clone()).or_default();
            *tried = tried.saturating_add(1);
            self.resting.insert(name, now + RESTS.after(*tried));
        }
    }

    /// The answer came whole.
    pub(super) fn answered(&mut self) {
        if let Some(name) = self.trying.take() {
            self.tried.remove(&name);
        }
    }

    /// Whether it is left alone now.
    pub(super) fn rests(&self, name: &MaildropName) -> bool {
        self.resting.contains_key(name)
    }

    /// The mails that are compared next, in turn.
    fn choose(&mut self, found: &MaildropPlan) -> Vec<u32> {
        let due = |uid: &&u32| {
            let mail = found.there.get(uid);
            mail.is_some_and(|mail| mail.proof == VerifiedExtent::None && !self.rests(&mail.name))
                && !self.proven.contains(uid)
        };
        let mut due: Vec<u32> = self.order.iter().filter(due).copied().collect();
        self.turn(&mut due);
        due.truncate(CHECKED);
        due
    }

    /// Begins where the last turn ended.
    pub(super) fn turn(&mut self, due: &mut [impl Copy]) {
        if due.len() > CHECKED {
            due.rotate_left(self.turns.wrapping_mul(CHECKED) % due.len());
        }
        self.turns = self.turns.wrapping_add(1);
    }
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompareResult {
    Yes,
    No,
    /// The server does not give it.
    Unknown,
}

/// Compares the mails of which it is time, and says whether any was another than it was taken for: it will be new in the next session.
pub(super) async fn known(
    mut wire: Pop3Connection,
    on: &StepContext<'_>,
    found: &mut MaildropPlan,
    checks: &mut Checks,
) -> Result<(Pop3Connection, bool), WatchError> {
    let until = Instant::now() + TIME;
    let (mut bytes, mut seen, mut others) = (0, Vec::new(), Vec::new());
    for uid in checks.choose(found) {
        if Instant::now() >= until || bytes > BYTES {
            break;
        }
        let Some(mail) = found.there.get_mut(&uid) else {
            continue;
        };
        if mail.print == Fingerprint::default() {
            if !is_weak(&mail.name.uidl) {
                checks.proved(uid);
                continue;
            }
            // Nothing of it was ever read: it is what it is from now on.
            checks.trying = Some(mail.name.clone());
            let key;
            (wire, key) = header(wire, mail.number, on.inlet.size).await?;
            checks.answered();
            seen.extend(key.flatten().map(|key| (uid, key)));
            checks.proved(uid);
            continue;
        }
        let (same, read);
        (wire, same, read) = prove(wire, mail, checks, on.inlet.size, ComparePurpose::Sign).await?;
        bytes += read;
        if same == CompareResult::No {
            others.push(uid);
        } else {
            checks.proved(uid);
        }
    }
    for uid in &others {
        if let Some(mail) = found.there.remove(uid) {
            tracing::warn!(
                uidl = mail.name.uidl,
                "the server gave the id of a mail to another one, which is taken now"
            );
        }
    }
    if !seen.is_empty() {
        on.ledger.maildrop_seen(&on.watched(), seen).await?;
    }
    let any = !others.is_empty();
    on.health.ids_again(others.len());
    if any {
        on.ledger.maildrop_left(&on.watched(), others).await?;
    }
    Ok((wire, any))
}

/// Whether enough of a mail was compared in this session for it to be deleted.
pub(super) fn is_proven(mail: &KnownMail) -> bool {
    match mail.proof {
        VerifiedExtent::None => false,
        VerifiedExtent::Header => !is_weak(&mail.name.uidl),
        VerifiedExtent::Whole => true,
    }
}

/// What a comparison is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ComparePurpose {
    /// The mail stays as it is.
    Sign,
    /// It is to be deleted.
    Deletion,
}

/// Compares a mail with what was read of it before.
pub(super) async fn prove(
    mut wire: Pop3Connection,
    mail: &mut KnownMail,
    checks: &mut Checks,
    limit: u64,
    wanted: ComparePurpose,
) -> Result<(Pop3Connection, CompareResult, u64), WatchError> {
    let held = mail.print;
    let all = wanted == ComparePurpose::Deletion && is_weak(&mail.name.uidl);
    checks.trying = Some(mail.name.clone());
    if held.header_key.is_some() && !all {
        let key;
        (wire, key) = header(wire, mail.number, limit).await?;
        if let Some(key @ Some(_)) = key {
            checks.answered();
            if key != held.header_key {
                return Ok((wire, CompareResult::No, 0));
            }
            mail.proof = VerifiedExtent::Header;
            return Ok((wire, CompareResult::Yes, 0));
        }
    }
    let read;
    (wire, read) = whole(wire, mail.number, limit).await?;
    checks.answered();
    let Some(read) = read else {
        checks
            .resting
            .insert(mail.name.clone(), Instant::now() + RESTS.after(u32::MAX));
        return Ok((wire, CompareResult::Unknown, 0));
    };
    let same_header = held.header_key.is_some() && held.header_key == read.header_key && !all;
    let same = match held.sha256 {
        Some(held) if held == read.sha256 => {
            mail.proof = VerifiedExtent::Whole;
            CompareResult::Yes
        }
        _ if same_header => {
            mail.proof = VerifiedExtent::Header;
            CompareResult::Yes
        }
        Some(_) => CompareResult::No,
        None => CompareResult::Unknown,
    };
    Ok((wire, same, read.bytes))
}

/// What was read of a mail.
pub(super) struct ReadDigest {
    header_key: Option<[u8; 32]>,
    pub(super) sha256: [u8; 32],
    pub(super) bytes: u64,
}

/// Asks for a header: its key, where it has one; nothing, where the server does not give it.
pub(super) async fn header(
    wire: Pop3Connection,
    number: u32,
    limit: u64,
) -> Result<(Pop3Connection, Option<Option<[u8; 32]>>), WatchError> {
    match wire.retrieve_by("TOP", &format!("{number} 0")).await? {
        Ok(body) => {
            let (head, mut wire, _) = body.head(HEAD, limit).await?;
            wire.quiet("the mail was compared").await?;
            Ok((wire, Some(header_key(&head))))
        }
        Err((wire, _)) => Ok((wire, None)),
    }
}

/// Reads all of a mail, of which nothing is kept but what it is known by.
pub(super) async fn whole(
    wire: Pop3Connection,
    number: u32,
    limit: u64,
) -> Result<(Pop3Connection, Option<ReadDigest>), WatchError> {
    let mut body = match wire.retrieve(number).await? {
        Ok(body) => body,
        Err((wire, _)) => return Ok((wire, None)),
    };
    let (mut hash, mut key, mut bytes) = (Sha256::new(), None, 0);
    loop {
        let (piece, next) = body.piece(HEAD).await?;
        if bytes == 0 {
            key = header_key(&piece);
        }
        hash.update(&piece);
        bytes += piece.len() as u64;
        body = match next {
            BodyEvent::Piece(_) if bytes > limit => return Err(Violation::Lines.into()),
            BodyEvent::Piece(body) => body,
            BodyEvent::End(mut wire, _) => {
                wire.quiet("the mail was compared").await?;
                let read = ReadDigest {
                    header_key: key,
                    sha256: hash.finalize().into(),
                    bytes,
                };
                return Ok((wire, Some(read)));
            }
        };
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
