//! The mailboxes, in memory: who has which, what lies in them, and who looks at them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::{MAIL_SERVER, event::SandboxEvent};

/// The bytes of a mail.
pub(super) const LARGEST: usize = 20 << 20;
/// All mails together, in bytes and in number.
const BYTES: usize = 256 << 20;
const MAILS: usize = 10_000;
/// People who have a mailbox, and mailboxes of one of them.
const PEOPLE: usize = 200;
const MAILBOXES: usize = 50;
/// Flags of a mail.
const FLAGS: usize = 30;
/// Nested parts of a mail, and parts in all, that are looked at for its attachments.
const DEPTH: usize = 10;
const PARTS: usize = 200;
/// Characters kept of a subject or a name, bytes of a text, and names of attachments, where a mail is shown.
const SHOWN: usize = 500;
const TEXT: usize = 64 << 10;
const FILES: usize = 20;
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

/// What people see of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Message-ID, without angle brackets.
    pub message_id: String,
    /// The first of In-Reply-To, the same.
    pub in_reply_to: String,
    /// The address that answers go to.
    pub reply_to: String,
    /// Subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The names of its attachments.
    pub files: Vec<String>,
}

impl Delivered {
    /// Reads a mail, and of what is long its beginning.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let parser = MessageParser::new().max_depth(DEPTH).max_parts(PARTS);
        let Some(mail) = parser.parse(bytes) else {
            return Self::default();
        };
        let from = mail
            .from()
            .and_then(|from| from.first().and_then(|from| from.address()));
        let reply_to = mail.reply_to().and_then(|to| to.first().and_then(|to| to.address()));
        Self {
            message_id: mail.message_id().unwrap_or_default().to_owned(),
            in_reply_to: mail
                .in_reply_to()
                .and_then(|ids| ids.first())
                .unwrap_or_default()
                .to_owned(),
            reply_to: reply_to.or(from).unwrap_or_default().to_owned(),
            subject: beginning(mail.subject().unwrap_or_default(), SHOWN),
            text: beginning(&mail.body_text(0).unwrap_or_default(), TEXT),
            files: mail
                .attachments()
                .filter_map(|file| file.attachment_name().map(|name| beginning(name, SHOWN)))
                .take(FILES)
                .collect(),
        }
    }
}

fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// A mailbox.
#[derive(Debug)]
pub(super) struct Tray {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) mails: Vec<StoredMail>,
}

impl Tray {
    fn put(&mut self, flags: Vec<String>, received: DateTime<Utc>, bytes: Bytes) -> u32 {
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

/// Where mails were copied to.
pub(super) struct CopiedMails {
    pub(super) uid_validity: u32,
    /// The UID of each before and after.
    pub(super) uids: Vec<(u32, u32)>,
}

#[derive(Debug, Default)]
struct Trays {
    /// By person's address, in small letters, and mailbox's name as a client writes it.
    people: BTreeMap<String, BTreeMap<String, Tray>>,
    bytes: usize,
    mails: usize,
    /// UIDVALIDITY of the next mailbox.
    validity: u32,
    /// Sessions that wait for news, by person.
    waiting: BTreeMap<String, usize>,
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

/// All mailboxes.
#[derive(Debug)]
pub struct PostOffice {
    trays: Mutex<Trays>,
    /// Goes up with each change.
    changes: watch::Sender<u64>,
    events: mpsc::Sender<SandboxEvent>,
}

impl PostOffice {
    pub(super) fn new(events: mpsc::Sender<SandboxEvent>) -> Self {
        let trays = Trays {
            validity: 1,
            ..Trays::default()
        };
        Self {
            trays: Mutex::new(trays),
            changes: watch::Sender::new(0),
            events,
        }
    }

    /// Says that something happened. Nobody waits for those who listen.
    pub(super) fn tell(&self, event: SandboxEvent) {
        drop(self.events.try_send(event));
    }

    /// Hears of each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// A mail of somebody comes to the INBOX of each of these.
    ///
    /// # Errors
    /// When there is no room for it, or somebody can't be written to; then nobody has got it.
    pub fn post(&self, from: &str, to: &[String], mail: &[u8]) -> Result<(), PostOfficeFull> {
        self.arrive(from, to, mail)?;
        let seen = Delivered::read(mail);
        for to in to {
            self.tell(SandboxEvent::Came {
                from: from.to_owned(),
                to: to.clone(),
                subject: seen.subject.clone(),
                files: seen.files.clone(),
            });
        }
        Ok(())
    }

    /// The same for a mail that was submitted by SMTP.
    pub(super) fn submit(&self, from: &str, to: &[String], mail: &[u8]) -> Result<(), PostOfficeFull> {
        self.arrive(from, to, mail)?;
        let seen = Delivered::read(mail);
        let first = seen.text.lines().find(|line| !line.trim().is_empty());
        for to in to {
            self.tell(SandboxEvent::Submitted {
                from: from.to_owned(),
                to: to.clone(),
                subject: seen.subject.clone(),
                text: first.unwrap_or_default().trim().to_owned(),
                files: seen.files.clone(),
            });
        }
        Ok(())
    }

    fn arrive(&self, from: &str, to: &[String], mail: &[u8]) -> Result<(), PostOfficeFull> {
        if mail.len() > LARGEST {
            return Err(PostOfficeFull::Large);
        }
        let people = to.iter().map(|to| person(to)).collect::<Result<Vec<_>, _>>()?;
        let now = Utc::now();
        let domain = from.rsplit('@').next().unwrap_or_default();
        let top = format!(
            "Return-Path: <{from}>\r\nAuthentication-Results: {MAIL_SERVER};\r\n dmarc=pass header.from={domain}\r\n\
             Received: from {domain} (127.0.0.1) by {MAIL_SERVER}; {}\r\n",
            now.to_rfc2822()
        );
        let bytes = Bytes::from([top.as_bytes(), mail].concat());
        let mut trays = self.trays.lock();
        // Everybody has a mailbox before anybody gets the mail.
        for person in &people {
            trays.tray(person, INBOX)?;
        }
        trays.room(people.len(), bytes.len().saturating_mul(people.len()))?;
        for person in &people {
            trays.tray(person, INBOX)?.put(Vec::new(), now, bytes.clone());
        }
        drop(trays);
        self.changed();
        Ok(())
    }

    /// Puts a mail into a mailbox, as APPEND does; its UIDVALIDITY and UID. Nothing: there is no such mailbox.
    pub(super) fn append(
        &self,
        user: &str,
        mailbox: &str,
        flags: Vec<String>,
        bytes: Bytes,
    ) -> Result<Option<(u32, u32)>, PostOfficeFull> {
        let mut trays = self.trays.lock();
        if trays.existing(user, mailbox).is_none() {
            return Ok(None);
        }
        trays.room(1, bytes.len())?;
        let Some(tray) = trays.existing(user, mailbox) else {
            return Ok(None);
        };
        let uid = tray.put(flags.into_iter().take(FLAGS).collect(), Utc::now(), bytes);
        let place = (tray.uid_validity, uid);
        drop(trays);
        self.changed();
        Ok(Some(place))
    }

    /// Makes a mailbox. False: it was there.
    pub(super) fn create(&self, user: &str, mailbox: &str) -> Result<bool, PostOfficeFull> {
        let mut trays = self.trays.lock();
        if trays.existing(user, mailbox).is_some() {
            return Ok(false);
        }
        trays.tray(user, mailbox)?;
        Ok(true)
    }

    /// The names of somebody's mailboxes.
    #[must_use]
    pub fn mailboxes(&self, user: &str) -> Vec<String> {
        let trays = self.trays.lock();
        let its = trays.people.get(&user.to_ascii_lowercase());
        let mut names: Vec<String> = its.map(|trays| trays.keys().cloned().collect()).unwrap_or_default();
        if !names.iter().any(|name| name == INBOX) {
            names.push(INBOX.to_owned());
        }
        names
    }

    /// Everybody who has a mailbox.
    #[must_use]
    pub fn people(&self) -> Vec<String> {
        self.trays.lock().people.keys().cloned().collect()
    }

    /// The mails of a mailbox, the oldest first.
    #[must_use]
    pub fn mails(&self, user: &str, mailbox: &str) -> Vec<StoredMail> {
        self.look(user, mailbox, |tray| tray.mails.clone()).unwrap_or_default()
    }

    /// Looks at a mailbox, if it is there.
    pub(super) fn look<T>(&self, user: &str, mailbox: &str, look: impl FnOnce(&Tray) -> T) -> Option<T> {
        let mut trays = self.trays.lock();
        trays.existing(user, mailbox).map(|tray| look(tray))
    }

    /// Changes flags of mails: what is left of them is `change` of what they had.
    pub(super) fn flag(&self, user: &str, mailbox: &str, uids: &[u32], change: impl Fn(&[String]) -> Vec<String>) {
        let mut trays = self.trays.lock();
        let Some(tray) = trays.existing(user, mailbox) else {
            return;
        };
        for mail in tray.mails.iter_mut().filter(|mail| uids.contains(&mail.uid)) {
            mail.flags = change(&mail.flags);
            mail.flags.truncate(FLAGS);
        }
        drop(trays);
        self.changed();
    }

    /// Removes mails.
    pub(super) fn expunge(&self, user: &str, mailbox: &str, uids: &[u32]) {
        let mut trays = self.trays.lock();
        let Some(tray) = trays.existing(user, mailbox) else {
            return;
        };
        let mut gone = (0, 0);
        tray.mails.retain(|mail| {
            let stays = !uids.contains(&mail.uid);
            if !stays {
                gone = (gone.0 + 1, gone.1 + mail.bytes.len());
            }
            stays
        });
        trays.mails = trays.mails.saturating_sub(gone.0);
        trays.bytes = trays.bytes.saturating_sub(gone.1);
        drop(trays);
        self.changed();
    }

    /// Copies mails to another mailbox of the same person, or moves them. Nothing: there is no such mailbox.
    pub(super) fn copy(
        &self,
        user: &str,
        from: &str,
        uids: &[u32],
        to: &str,
        moves: bool,
    ) -> Result<Option<CopiedMails>, PostOfficeFull> {
        let chosen: Vec<StoredMail> = self
            .mails(user, from)
            .into_iter()
            .filter(|mail| uids.contains(&mail.uid))
            .collect();
        let mut trays = self.trays.lock();
        let bytes = chosen.iter().map(|mail| mail.bytes.len()).sum();
        if trays.existing(user, to).is_none() {
            return Ok(None);
        }
        trays.room(chosen.len(), bytes)?;
        let Some(tray) = trays.existing(user, to) else {
            return Ok(None);
        };
        let placed = chosen
            .iter()
            .map(|mail| {
                (
                    mail.uid,
                    tray.put(mail.flags.clone(), mail.received, mail.bytes.clone()),
                )
            })
            .collect();
        let copied = CopiedMails {
            uid_validity: tray.uid_validity,
            uids: placed,
        };
        drop(trays);
        if moves {
            self.expunge(user, from, uids);
            for mail in &chosen {
                self.tell(SandboxEvent::Moved {
                    user: user.to_owned(),
                    subject: Delivered::read(&mail.bytes).subject,
                    mailbox: to.to_owned(),
                });
            }
        } else {
            self.changed();
        }
        Ok(Some(copied))
    }

    /// A session of this person waits for news for as long as what is given lives.
    pub(super) fn wait(self: &Arc<Self>, user: &str) -> NewsWait {
        *self.trays.lock().waiting.entry(user.to_owned()).or_default() += 1;
        self.changed();
        NewsWait {
            office: self.clone(),
            user: user.to_owned(),
        }
    }

    /// Whether a session of this person waits for news.
    #[must_use]
    pub fn is_watched(&self, user: &str) -> bool {
        self.trays.lock().waiting.get(user).is_some_and(|count| *count > 0)
    }
}

/// A session that waits for news.
pub(super) struct NewsWait {
    office: Arc<PostOffice>,
    user: String,
}

impl Drop for NewsWait {
    fn drop(&mut self) {
        if let Some(count) = self.office.trays.lock().waiting.get_mut(&self.user) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Trays {
    /// Takes room for so many more mails of so many bytes together.
    fn room(&mut self, mails: usize, bytes: usize) -> Result<(), PostOfficeFull> {
        let (all, size) = (self.mails.saturating_add(mails), self.bytes.saturating_add(bytes));
        if all > MAILS || size > BYTES {
            return Err(PostOfficeFull::Full);
        }
        (self.mails, self.bytes) = (all, size);
        Ok(())
    }

    fn existing(&mut self, user: &str, mailbox: &str) -> Option<&mut Tray> {
        let user = user.to_ascii_lowercase();
        if mailbox.eq_ignore_ascii_case(INBOX) {
            return self.tray(&user, INBOX).ok();
        }
        self.people.get_mut(&user)?.get_mut(mailbox)
    }

    /// A mailbox, made where it is missing.
    fn tray(&mut self, user: &str, mailbox: &str) -> Result<&mut Tray, PostOfficeFull> {
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
fn person(address: &str) -> Result<String, PostOfficeFull> {
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

    #[test]
    fn everything_has_a_limit() {
        let office = PostOffice::new(mpsc::channel(1).0);
        let to = |number: usize| vec![format!("p{number}@us.example")];
        for number in 0..PEOPLE {
            assert_eq!(office.post("a@b.example", &to(number), b"Subject: x\r\n\r\n"), Ok(()));
        }
        assert_eq!(office.post("a@b.example", &to(PEOPLE), b""), Err(PostOfficeFull::Full));
        assert_eq!(
            office.post("a@b.example", &to(0), &vec![0; LARGEST + 1]),
            Err(PostOfficeFull::Large)
        );
        for number in 0..MAILBOXES - 1 {
            assert_eq!(office.create("p0@us.example", &format!("m{number}")), Ok(true));
        }
        assert_eq!(office.create("p0@us.example", "one more"), Err(PostOfficeFull::Full));
        // What is removed makes room.
        let large = vec![b'x'; 15 << 20];
        let mut came = 0;
        while office.post("a@b.example", &to(1), &large).is_ok() {
            came += 1;
        }
        assert!((10..20).contains(&came), "{came}");
        office.expunge("p1@us.example", INBOX, &[2]);
        assert_eq!(office.post("a@b.example", &to(1), &large), Ok(()));
    }
}
