//! What lies in a maildrop, beside what the ledger knows of it.
//!
//! A mail is known by its unique id and its size; the ledger has a number for it, and for its bytes a hash. A server that gives other
//! ids to mails that it had, or an id that it had to another mail, makes us read mails again, and nothing else.

use std::collections::{BTreeMap, HashMap};

use super::wire::Wire;
use crate::{
    ledger::{MaildropMail, MaildropName},
    watch::error::{Error, Violation},
};

/// The mails of a maildrop that are looked at; those behind wait until some of them left.
const LISTED: usize = 100_000;
/// The lines of a listing at the most.
const MAX_LINES: usize = 5_000_000;
/// The longest unique id. RFC 1939 section 7 has 70 characters.
const MAX_UIDL: usize = 255;

/// A mail in a listing: the server's number for this session, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) number: u32,
    pub(super) name: MaildropName,
}

/// What the listing says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) mails: Vec<Listed>,
    /// There are more.
    pub(super) cut: bool,
}

/// A mail that was not taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct New {
    pub(super) name: MaildropName,
    /// It, and its copies.
    pub(super) numbers: Vec<u32>,
}

/// What there is to do in a maildrop.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// What was not taken yet, in the server's order.
    pub(super) new: Vec<New>,
    /// The mails that have a number in the ledger: those of the session.
    pub(super) there: HashMap<u32, Vec<u32>>,
    /// What the ledger knows and the server doesn't have.
    pub(super) left: Vec<u32>,
    /// Not everything was listed.
    pub(super) cut: bool,
}

/// Asks for unique ids and sizes.
pub(super) async fn list(wire: Wire) -> Result<(Wire, Listing), Error> {
    let (mut ids, mut cut) = (BTreeMap::new(), false);
    let note = |line: &str| {
        let (number, uidl) = unique_id(line)?;
        if ids.len() >= LISTED {
            cut = true;
        } else if ids.insert(number, uidl).is_some() {
            return Err(Violation::Listing);
        }
        Ok(())
    };
    let (wire, answer) = wire.list("UIDL", MAX_LINES, note).await?;
    answer.map_err(Error::NoUidl)?;
    let mut sizes = HashMap::new();
    let note = |line: &str| {
        let (number, size) = size(line)?;
        if ids.contains_key(&number) {
            sizes.insert(number, size);
        }
        Ok(())
    };
    let (wire, answer) = wire.list("LIST", MAX_LINES, note).await?;
    answer.map_err(|answer| Error::Refused {
        command: "LIST",
        answer,
    })?;
    let listed = |(number, uidl)| {
        let size = *sizes.get(&number).ok_or(Violation::Listing)?;
        Ok(Listed {
            number,
            name: MaildropName { uidl, size },
        })
    };
    let mails = ids.into_iter().map(listed).collect::<Result<_, Violation>>()?;
    Ok((wire, Listing { mails, cut }))
}

/// A line of UIDL: a number and an id, which is of printable characters without a blank.
fn unique_id(line: &str) -> Result<(u32, String), Violation> {
    let (number, uidl) = line.split_once(' ').ok_or(Violation::Listing)?;
    let uidl = uidl.trim_matches(' ');
    let fits = !uidl.is_empty() && uidl.len() <= MAX_UIDL && uidl.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        return Err(Violation::Listing);
    }
    Ok((session_number(number)?, uidl.to_owned()))
}

/// A line of LIST: a number and a size, and what else the server likes to say (RFC 1939 section 5).
fn size(line: &str) -> Result<(u32, u64), Violation> {
    let mut words = line.split_ascii_whitespace();
    let (Some(number), Some(size)) = (words.next(), words.next()) else {
        return Err(Violation::Listing);
    };
    let size = size.parse().map_err(|_| Violation::Listing)?;
    Ok((session_number(number)?, size))
}

fn session_number(text: &str) -> Result<u32, Violation> {
    text.parse().ok().filter(|number| *number > 0).ok_or(Violation::Listing)
}

/// What there is to do, by what the server lists and what the ledger knows. Mails of one name are copies of each other: taken once, and
/// deleted together.
pub(super) fn compare(listing: Listing, known: Vec<MaildropMail>) -> Found {
    let mut by_name: HashMap<MaildropName, (u32, bool)> = known
        .into_iter()
        .map(|mail| (mail.name, (mail.uid, mail.taken)))
        .collect();
    let mut found = Found {
        cut: listing.cut,
        ..Found::default()
    };
    let mut new: HashMap<MaildropName, Vec<u32>> = HashMap::new();
    let mut order = Vec::new();
    for Listed { number, name } in listing.mails {
        match by_name.get(&name) {
            Some((uid, true)) => found.there.entry(*uid).or_default().push(number),
            Some((_, false)) | None => {
                let numbers = new.entry(name.clone()).or_default();
                if numbers.is_empty() {
                    order.push(name);
                }
                numbers.push(number);
            }
        }
    }
    by_name.retain(|name, (uid, _)| !found.there.contains_key(uid) && !new.contains_key(name));
    if !listing.cut {
        found.left = by_name.into_values().map(|(uid, _)| uid).collect();
        found.left.sort_unstable();
    }
    let with_numbers = |name: MaildropName| New {
        numbers: new.remove(&name).unwrap_or_default(),
        name,
    };
    found.new = order.into_iter().map(with_numbers).collect();
    found
}

#[cfg(test)]
#[path = "maildrop_tests.rs"]
mod tests;
