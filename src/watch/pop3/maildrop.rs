//! What lies in a maildrop, beside what the ledger knows of it.
//!
//! A mail is listed by its unique id and its size, and the ledger has a number for it and remembers what its bytes were. A name says
//! which mail may be which, and no more: GreenMail numbers from 1 after each start, some servers take the id from a field that the
//! sender wrote, and some give one id to many (2026-11). What is known, and what is deleted, is compared with what was read ([`check`]).
//!
//! A line that can't be read costs its mail, not the maildrop: that mail is left alone, and somebody is told.
//!
//! [`check`]: super::check

use std::collections::{BTreeMap, HashMap, HashSet, btree_map::Entry};

use super::wire::Pop3Connection;
use crate::{
    ledger::{Fingerprint, MaildropMail, MaildropName},
    watch::error::{WatchError, Words},
};

/// The mails of a maildrop that are looked at; those behind wait until some of them left.
const LISTED: usize = 100_000;
/// What their ids may take together, in bytes.
const IDS: usize = 8 << 20;
/// The lines of a listing at the most.
const MAX_LINES: usize = 5_000_000;
/// The longest unique id. RFC 1939 section 7 has 70 characters.
const MAX_UIDL: usize = 255;

/// A mail in a listing: the server's number for this session, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MaildropEntry {
    pub(super) number: u32,
    pub(super) name: MaildropName,
}

/// What the listing says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) mails: Vec<MaildropEntry>,
    /// There are more.
    pub(super) cut: bool,
    pub(super) odd: MalformedLines,
}

/// Lines that can't be read, or don't agree with others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MalformedLines {
    pub(super) lines: usize,
    /// The first of them.
    pub(super) first: Words,
}

impl MalformedLines {
    fn note(&mut self, command: &str, line: &str) {
        if self.lines == 0 {
            self.first = Words::new(&format!("{command}: {line}"));
        }
        self.lines += 1;
    }
}

/// A mail that was not taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UntakenMail {
    pub(super) name: MaildropName,
    pub(super) number: u32,
    /// The ledger's number of one that is wanted again.
    pub(super) again: Option<u32>,
}

/// A mail that the ledger has a number for, as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownMail {
    pub(super) name: MaildropName,
    /// The server's number.
    pub(super) number: u32,
    /// What was read of it when it was taken.
    pub(super) print: Fingerprint,
    /// What shows in this session that it is that mail.
    pub(super) proof: VerifiedExtent,
}

/// What of a mail was found to be what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerifiedExtent {
    /// Nothing was compared.
    None,
    /// Its header.
    Header,
    /// All of it.
    Whole,
}

/// Mails of one name, of which at least one was taken: which is which, only their bytes tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namesakes {
    pub(super) name: MaildropName,
    /// The server's numbers.
    pub(super) numbers: Vec<u32>,
    /// What the ledger has of this name: numbers, and what was read.
    pub(super) known: Vec<(u32, Fingerprint)>,
}

/// What there is to do in a maildrop.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MaildropPlan {
    /// What was not taken yet, in the server's order.
    pub(super) new: Vec<UntakenMail>,
    /// The mails that have a number in the ledger, by that.
    pub(super) there: HashMap<u32, KnownMail>,
    /// Mails that have to be read before anything is said of them.
    pub(super) namesakes: Vec<Namesakes>,
    /// What the ledger knows and the server doesn't have.
    pub(super) left: Vec<u32>,
    /// Not everything was listed.
    pub(super) cut: bool,
}

/// Asks for unique ids and sizes.
pub(super) async fn list(wire: Pop3Connection) -> Result<(Pop3Connection, Listing), WatchError> {
    let mut ids = UniqueIds::default();
    let (wire, answer) = wire.list("UIDL", MAX_LINES, |line| ids.note(line)).await?;
    if let Err(answer) = answer {
        // Some servers refuse to list nothing.
        return match wire.stat().await? {
            (wire, 0) => Ok((wire, Listing::default())),
            _ => Err(WatchError::NoUidl(answer)),
        };
    }
    let (mut sizes, mut odd) = (HashMap::new(), ids.odd);
    let note = |line: &str| {
        let (number, size) = size(line);
        match number.map(|number| (number, ids.of.get(&number))) {
            // Behind the cut, or one that has no unique id, without which it can't be known again.
            Some((_, None)) if ids.cut => {}
            None | Some((_, None)) => odd.note("LIST", line),
            Some((number, Some(_))) => {
                let before = sizes.insert(number, size.unwrap_or_default());
                if size.is_none() || before.is_some_and(|before| Some(before) != size) {
                    sizes.insert(number, 0);
                    odd.note("LIST", line);
                }
            }
        }
    };
    let (wire, answer) = wire.list("LIST", MAX_LINES, note).await?;
    answer.map_err(|answer| WatchError::Refused {
        command: "LIST",
        answer,
    })?;
    let mut mails = Vec::with_capacity(ids.of.len());
    for (number, uidl) in ids.of {
        let Some(uidl) = uidl else { continue };
        let size = sizes.get(&number).copied().unwrap_or_else(|| {
            odd.note("LIST", &format!("no line for {number}"));
            0
        });
        let name = MaildropName { uidl, size };
        mails.push(MaildropEntry { number, name });
    }
    let cut = ids.cut;
    odd.first.strike(&wire.redaction);
    Ok((wire, Listing { mails, cut, odd }))
}

/// The unique ids of a listing, as far as they can be used.
#[derive(Default)]
struct UniqueIds {
    /// None where a mail's id is none, or there are two for it.
    of: BTreeMap<u32, Option<String>>,
    bytes: usize,
    cut: bool,
    odd: MalformedLines,
}

impl UniqueIds {
    fn note(&mut self, line: &str) {
        let (number, uidl) = unique_id(line);
        let Some(number) = number else {
            return self.odd.note("UIDL", line);
        };
        if self.of.len() >= LISTED || self.bytes >= IDS {
            self.cut = true;
            return;
        }
        if uidl.is_none() {
            self.odd.note("UIDL", line);
        }
        match self.of.entry(number) {
            Entry::Vacant(free) => {
                self.bytes += uidl.map_or(0, str::len);
                free.insert(uidl.map(str::to_owned));
            }
            Entry::Occupied(mut other) => {
                if other.get().as_deref() != uidl {
                    other.insert(None);
                    self.odd.note("UIDL", line);
                }
            }
        }
    }
}

/// A line of UIDL: a number and an id, which is of printable characters without a blank.
fn unique_id(line: &str) -> (Option<u32>, Option<&str>) {
    let line = line.trim_ascii();
    let (number, uidl) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let uidl = uidl.trim_ascii();
    let fits = !uidl.is_empty() && uidl.len() <= MAX_UIDL && uidl.bytes().all(|b| b.is_ascii_graphic());
    (session_number(number), fits.then_some(uidl))
}

/// A line of LIST: a number and a size, and what else the server likes to say (RFC 1939 section 5). GreenMail 2.1 says -1 of a mail
/// without a body (2026-11).
fn size(line: &str) -> (Option<u32>, Option<u64>) {
    let mut words = line.split_ascii_whitespace();
    let number = words.next().and_then(session_number);
    let size = words.next().and_then(|size| size.parse().ok());
    (number, size.filter(|size| i64::try_from(*size).is_ok()))
}

fn session_number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

/// What there is to do, by what the server lists and what the ledger knows.
pub(super) fn compare(listing: Listing, known: Vec<MaildropMail>) -> MaildropPlan {
    let mut by_name: HashMap<MaildropName, Vec<MaildropMail>> = HashMap::new();
    for mail in known {
        by_name.entry(mail.name.clone()).or_default().push(mail);
    }
    let mut found = MaildropPlan {
        // A mail whose line can't be read is still there.
        cut: listing.cut || listing.odd.lines > 0,
        ..MaildropPlan::default()
    };
    let (mut unsure, mut order) = (HashMap::<MaildropName, Vec<u32>>::new(), Vec::new());
    let mut numbered = HashSet::new();
    for MaildropEntry { number, name } in listing.mails {
        if by_name
            .get(&name)
            .is_some_and(|mails| mails.iter().any(|mail| mail.taken))
        {
            let numbers = unsure.entry(name.clone()).or_default();
            if numbers.is_empty() {
                order.push(name);
            }
            numbers.push(number);
        } else {
            if by_name.contains_key(&name) {
                numbered.insert(name.clone());
            }
            let again = None;
            found.new.push(UntakenMail { name, number, again });
        }
    }
    for name in order {
        let (Some(numbers), Some(mails)) = (unsure.remove(&name), by_name.remove(&name)) else {
            continue;
        };
        let mut known: Vec<_> = mails.into_iter().filter(|mail| mail.taken).collect();
        known.sort_unstable_by_key(|mail| mail.uid);
        match (numbers.as_slice(), known.as_slice()) {
            (&[number], [only]) => {
                let known = KnownMail {
                    name,
                    number,
                    print: only.print,
                    proof: VerifiedExtent::None,
                };
                found.there.insert(only.uid, known);
            }
            _ => found.namesakes.push(Namesakes {
                name,
                numbers,
                known: known.iter().map(|mail| (mail.uid, mail.print)).collect(),
            }),
        }
    }
    if !found.cut {
        let left = by_name.into_iter().filter(|(name, _)| !numbered.contains(name));
        found.left = left.flat_map(|(_, mails)| mails).map(|mail| mail.uid).collect();
        found.left.sort_unstable();
    }
    found
}

#[cfg(test)]
#[path = "maildrop_tests.rs"]
mod tests;
