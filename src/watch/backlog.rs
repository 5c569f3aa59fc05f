//! Mails that lay in a mailbox before it was watched: what becomes of them at the first look, and what is remembered of each. Pure, but
//! for reading a header.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::header_key::header_key;
use crate::{
    config::{self, Limits, Looks},
    ledger::{Choice, OldMail},
    message::{self, clean::clean},
};

/// Characters that are kept of a From and of a subject.
const SHOWN: usize = 120;

/// What becomes of the mails that are there at the first look ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are taken.
    Take,
    /// They are left; those that were received since a time that was named are taken all the same.
    Leave {
        /// That time.
        take_since: Option<DateTime<Utc>>,
    },
    /// Nobody said, and a ledger may have been lost: that has to be looked at.
    Doubt,
}

/// What becomes of the mails that are there at the first look ever. The operator's word by command is the newer one.
pub(super) fn at_first_sight(looks: &Looks, choice: Option<Choice>, now: DateTime<Utc>) -> Fate {
    match (choice, looks.backlog) {
        (Some(Choice::Take { since: None }), _) | (None, Some(config::Backlog::Process)) => Fate::Take,
        (Some(Choice::Take { since }), _) => Fate::Leave { take_since: since },
        (None, Some(config::Backlog::Since(since))) => Fate::Leave {
            take_since: Some(since.before(now)),
        },
        (Some(Choice::Skip), _) | (None, Some(config::Backlog::Skip)) => Fate::Leave { take_since: None },
        (None, None) => Fate::Doubt,
    }
}

/// What a file that says so now has taken of what was left: since when, or all.
pub(super) fn late_wish(looks: &Looks, first_look: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
    match looks.backlog? {
        config::Backlog::Process => Some(None),
        config::Backlog::Since(since) => Some(Some(since.before(first_look))),
        config::Backlog::Skip => None,
    }
}

/// What is remembered of a mail, by its header or what there is of it.
pub(super) async fn remember(mail: OldMail, head: Option<Bytes>) -> OldMail {
    let Some(head) = head.filter(|head| !head.is_empty()) else {
        return mail;
    };
    let key = key(&head);
    // What can't be read has a key all the same.
    let Ok(read) = message::read(head, Limits::default(), |mail| mail.head()).await else {
        return OldMail { key: Some(key), ..mail };
    };
    let sender = read.from.first();
    let sender = sender.map_or("", |from| match &from.name {
        Some(name) if from.address.is_empty() => name.as_str(),
        _ => from.address.as_str(),
    });
    OldMail {
        key: Some(key),
        written: read.date,
        sender: clean(sender, SHOWN),
        subject: clean(&read.subject, SHOWN),
        ..mail
    }
}

/// What stays of a header when a server renumbers its mail: as the ledger knows mails that were taken, where there is a Message-ID.
fn key(head: &[u8]) -> [u8; 32] {
    header_key(head).unwrap_or_else(|| {
        let mut hash = Sha256::new();
        for name in ["date", "from", "subject"] {
            let value = field(head, name).unwrap_or_default();
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value);
        }
        hash.finalize().into()
    })
}

/// When the last server on a mail's way received it, by the topmost Received.
pub(super) fn received(head: &[u8]) -> Option<DateTime<Utc>> {
    let field = field(head, "received")?;
    let text = String::from_utf8_lossy(&field);
    let (_, date) = text.rsplit_once(';')?;
    // What stands in parentheses is a comment.
    let date = date.split('(').next().unwrap_or(date).trim();
    DateTime::parse_from_rfc2822(date).ok().map(|at| at.to_utc())
}

/// The first field of a name, unfolded, its white space evened out.
fn field(head: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut found: Option<Vec<u8>> = None;
    for line in head.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        match (line.first(), &mut found) {
            (None, _) => break,
            (Some(b' ' | b'\t'), Some(value)) => value.extend_from_slice(line),
            (Some(b' ' | b'\t'), None) => {}
            (Some(_), Some(_)) => break,
            (Some(_), None) => {
                let mut parts = line.splitn(2, |byte| *byte == b':');
                let is = parts
                    .next()
                    .is_some_and(|found| found.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()));
                found = parts.next().filter(|_| is).map(<[u8]>::to_vec);
            }
        }
    }
    let value = found?;
    let words: Vec<&[u8]> = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    Some(words.join(&b' '))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Backlog, Since};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn nothing_that_lay_there_is_taken_unless_somebody_says_so() {
        let leave = |take_since| Fate::Leave { take_since };
        let week = Backlog::Since(Since::Age(Duration::from_secs(70)));
        let day = Backlog::Since(Since::At(at(-5)));
        for (written, said, fate) in [
            (None, None, Fate::Doubt),
            (Some(Backlog::Skip), None, leave(None)),
            (Some(Backlog::Process), None, Fate::Take),
            (Some(week), None, leave(Some(at(-70)))),
            (Some(day), None, leave(Some(at(-5)))),
            (None, Some(Choice::Skip), leave(None)),
            (Some(Backlog::Process), Some(Choice::Skip), leave(None)),
            (None, Some(Choice::Take { since: None }), Fate::Take),
            (Some(Backlog::Skip), Some(Choice::Take { since: None }), Fate::Take),
            (None, Some(Choice::Take { since: Some(at(-9)) }), leave(Some(at(-9)))),
        ] {
            let looks = Looks {
                backlog: written,
                ..Looks::default()
            };
            assert_eq!(at_first_sight(&looks, said, at(0)), fate, "{written:?} {said:?}");
            let late = match written {
                None | Some(Backlog::Skip) => None,
                Some(Backlog::Process) => Some(None),
                Some(Backlog::Since(since)) => Some(Some(since.before(at(0)))),
            };
            assert_eq!(late_wish(&looks, at(0)), late);
        }
    }

    #[tokio::test]
    async fn what_is_remembered_is_fit_to_be_shown_and_known_again() {
        let remembered = async |head: &'static [u8]| remember(OldMail::default(), Some(Bytes::from_static(head))).await;
        let mail = remembered(b"From: =?utf-8?q?J=C3=B6rg?= <j@example.test>\r\nSubject: a\x1b[2J\x07b\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a@b>\r\n\r\n").await;
        assert_eq!(mail.sender, "j@example.test");
        assert!(
            !mail.subject.contains('\u{1b}') && mail.subject.contains('b'),
            "{:?}",
            mail.subject
        );
        assert_eq!(mail.written.unwrap().timestamp(), 1_793_613_600);
        assert_eq!(mail.key, header_key(b"Message-ID: <a@b>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nFrom: =?utf-8?q?J=C3=B6rg?= <j@example.test>\n"));
        let bare = remembered(b"From: a@b\r\nSubject: x\r\n y\r\n\r\n").await;
        assert_eq!(bare.key, remembered(b"Subject:  x y\r\nfrom: a@b\r\n\r\n").await.key);
        assert_ne!(bare.key, remembered(b"Subject: x z\r\nfrom: a@b\r\n\r\n").await.key);
        assert_eq!(remembered(b"").await, OldMail::default());
        assert!(remembered(b"\xff\xfe\x00").await.key.is_some());
    }

    #[test]
    fn the_last_server_says_when_it_received_a_mail() {
        let date = Some("2026-11-02T10:00:00Z".parse().unwrap());
        for (head, found) in [
            (
                "Received: from a by b; Mon, 2 Nov 2026 10:00:00 +0000\r\nReceived: from c; Sun, 1 Nov 2026 10:00:00 +0000\r\n\r\n",
                date,
            ),
            (
                "X: y\r\nreceived: from a\r\n by b;\r\n\tMon, 2 Nov 2026 11:00:00 +0100 (CET)\r\n\r\n",
                date,
            ),
            ("Received: from a by b\r\n\r\n", None),
            ("Received: from a; yesterday\r\n\r\n", None),
            ("\r\nReceived: from a; Mon, 2 Nov 2026 10:00:00 +0000\r\n", None),
            ("", None),
        ] {
            assert_eq!(received(head.as_bytes()), found, "{head:?}");
        }
    }
}
