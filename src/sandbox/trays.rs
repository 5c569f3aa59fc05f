//! Who has which mailbox and what lies in it, and how much that may be. It waits for nobody and tells nobody.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};

/// The bytes of a mail.
pub(super) const LARGEST: usize = 20 << 20;
/// All mails together, in bytes and in number.
const BYTES: usize = 256 << 20;
const MAILS: usize = 10_000;
/// People who have a mailbox, and mailboxes of one of them.
pub(super) const PEOPLE: usize = 200;
pub(super) const MAILBOXES: usize = 50;
/// Flags of a mail.
pub(super) const FLAGS: usize = 30;
/// The mailbox that everybody has.
pub(super) const INBOX: &str = "INBOX";
/// The only domains that are delivered to: nothing leaves this machine.
const DOMAIN: &str = ".example";

/// A mail in a mailbox.
#[derive(Debug, Clone)]
pub struct StoredMail {
    pub(super) uid: u32,
    pub(super) flags: Vec<String>,
    pub(super) received: DateTime<Utc>,
    /// Its bytes.
    pub bytes: Bytes,
}

/// No more fits, or nobody of this name can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostOfficeFull {
    /// There are too many mails or mailboxes.
    #[error("the demo's mailboxes are full: end it and start it anew")]
    Full,
    /// The mail is too large.
    #[error("the mail is larger than 20 MB")]
    Large,
    /// The address is outside.
    #[error("nothing leaves the demo: write to an address that ends with .example")]
    Outside,
}

/// A mailbox.
#[derive(Debug)]
pub(super) struct Tray {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) mails: Vec<StoredMail>,
}

impl Tray {
    /// Puts a mail into it, and says its UID.
    pub(super) fn put(&mut self, flags: Vec<String>, received: DateTime<Utc>, bytes: Bytes) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.mails.push(StoredMail {
            uid,
            flags,
            received,
            bytes,
        });
        uid
    }
}

/// All mailboxes, and who waits for news of them.
#[derive(Debug, Default)]
pub(super) struct Trays {
    /// By person's address, in small letters, and mailbox's name as a client writes it.
    pub(super) people: BTreeMap<String, BTreeMap<String, Tray>>,
    pub(super) bytes: usize,
    pub(super) mails: usize,
    /// UIDVALIDITY of the next mailbox.
    pub(super) validity: u32,
    /// Sessions that wait for news, by person.
    pub(super) waiting: BTreeMap<String, usize>,
}

impl Trays {
    /// Takes room for so many more mails of so many bytes together.
    pub(super) fn room(&mut self, mails: usize, bytes: usize) -> Result<(), PostOfficeFull> {
        let (all, size) = (self.mails.saturating_add(mails), self.bytes.saturating_add(bytes));
        if all > MAILS || size > BYTES {
            return Err(PostOfficeFull::Full);
        }
        (self.mails, self.bytes) = (all, size);
        Ok(())
    }

    /// A mailbox that is there; everybody has an INBOX.
    pub(super) fn existing(&mut self, user: &str, mailbox: &str) -> Option<&mut Tray> {
        let user = user.to_ascii_lowercase();
        if mailbox.eq_ignore_ascii_case(INBOX) {
            return self.tray(&user, INBOX).ok();
        }
        self.people.get_mut(&user)?.get_mut(mailbox)
    }

    /// A mailbox, made where it is missing.
    pub(super) fn tray(&mut self, user: &str, mailbox: &str) -> Result<&mut Tray, PostOfficeFull> {
        if !self.people.contains_key(user) && self.people.len() >= PEOPLE {
            return Err(PostOfficeFull::Full);
        }
        let its = self.people.entry(user.to_owned()).or_default();
        if !its.contains_key(mailbox) && its.len() >= MAILBOXES {
            return Err(PostOfficeFull::Full);
        }
        let validity = &mut self.validity;
        Ok(its.entry(mailbox.to_owned()).or_insert_with(|| {
            *validity += 1;
            Tray {
                uid_validity: *validity,
                uid_next: 1,
                mails: Vec::new(),
            }
        }))
    }
}

/// Whose mailbox an address means: a plus and what follows it name no other person.
pub(super) fn person(address: &str) -> Result<String, PostOfficeFull> {
    let (local, domain) = address.rsplit_once('@').ok_or(PostOfficeFull::Outside)?;
    if !domain.to_ascii_lowercase().ends_with(DOMAIN) || local.is_empty() || !address.is_ascii() {
        return Err(PostOfficeFull::Outside);
    }
    let local = local.split('+').next().unwrap_or_default();
    Ok(format!("{local}@{domain}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_names_no_other_person_and_nobody_outside_is_reached() {
        assert_eq!(person("Ann+tok@Us.Example"), Ok("ann@us.example".into()));
        for outside in [
            "ann",
            "ann@example.com",
            "@us.example",
            "ann@notexample",
            "\u{e9}@us.example",
        ] {
            assert_eq!(person(outside), Err(PostOfficeFull::Outside), "{outside}");
        }
    }
}
