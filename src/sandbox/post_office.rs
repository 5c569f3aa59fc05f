//! The mailboxes, in memory: who has which, what lies in them, and who looks at them.

use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::{
    MAIL_SERVER,
    delivered::Delivered,
    event::SandboxEvent,
    trays::{FLAGS, INBOX, LARGEST, PostOfficeFull, StoredMail, Tray, Trays, person},
};

/// Where mails were copied to.
pub(super) struct CopiedMails {
    pub(super) uid_validity: u32,
    /// The UID of each before and after.
    pub(super) uids: Vec<(u32, u32)>,
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

#[cfg(test)]
mod tests {
    use super::{
        super::trays::{MAILBOXES, PEOPLE},
        *,
    };

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
