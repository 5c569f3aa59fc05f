//! Mails that lay in a mailbox before it was watched: what becomes of them at the first look, and what is remembered of each. Pure, but
//! for reading a header.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::header_key::header_key;
use crate::{
    config::{self, Limits, Polling},
    ledger::{BacklogChoice, OldMail},
    message::{self, clean::clean},
};

/// Characters that are kept of a From and of a subject.
const SHOWN: usize = 120;

/// What becomes of the mails that are there at the first look ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BacklogDecision {
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
pub(super) fn at_first_sight(looks: &Polling, choice: Option<BacklogChoice>, now: DateTime<Utc>) -> BacklogDecision {
    match (choice, looks.backlog) {
        (Some(BacklogChoice::Take { since: None }), _) | (None, Some(config::Backlog::Process)) => {
            BacklogDecision::Take
        }
        (Some(BacklogChoice::Take { since }), _) => BacklogDecision::Leave { take_since: since },
        (None, Some(config::Backlog::Since(since))) => BacklogDecision::Leave {
            take_since: Some(since.before(now)),
        },
        (Some(BacklogChoice::Skip), _) | (None, Some(config::Backlog::Skip)) => {
            BacklogDecision::Leave { take_since: None }
        }
        (None, None) => BacklogDecision::Doubt,
    }
}

/// Clocks differ, the server's, the sender's and ours: what is not this much later than a time may be older.
const CLOCKS: TimeDelta = TimeDelta::minutes(2);
/// The longest wait for a first sign-in after which mails that came meanwhile are taken by themselves.
const MEANWHILE: TimeDelta = TimeDelta::days(1);

/// Mails at the first look that came after it had been tried for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LateArrivals {
    /// Those that surely did: new ones, though the mailbox could not be opened when they came.
    pub(super) surely: Vec<u32>,
    /// How many others may have.
    pub(super) perhaps: usize,
}

/// Which of the mails at the first look came since it was first tried to have one, at `begun`.
///
/// A mail that lay there before is never taken by mistake: two clocks have to say that one came later, that of the server which received it
/// and that of who wrote it; where the server's is ahead of ours, as a mail from the future shows, none of them counts. What was restored,
/// moved in or long on its way is older by one of them, and left. Nor does anything count after a long wait: whoever comes back after a week
/// doesn't expect a week of mails to be answered at once.
pub(super) fn meanwhile(mails: &[OldMail], begun: DateTime<Utc>, now: DateTime<Utc>) -> LateArrivals {
    if now - begun <= CLOCKS {
        return LateArrivals::default();
    }
    let is_from_future = |at: DateTime<Utc>| at > now + CLOCKS;
    let is_ahead = mails.iter().filter_map(|mail| mail.received).any(is_from_future);
    let is_told = !is_ahead && now - begun <= MEANWHILE;
    let mut found = LateArrivals::default();
    for mail in mails {
        let is_later = |at: Option<DateTime<Utc>>, than| at.is_some_and(|at| at > than && !is_from_future(at));
        if is_told && is_later(mail.received, begun + CLOCKS) && is_later(mail.written, begun + CLOCKS) {
            found.surely.push(mail.uid);
        } else if mail.received.or(mail.written).is_some_and(|at| at > begun - CLOCKS) {
            found.perhaps += 1;
        }
    }
    found
}

/// What a file that says so now has taken of what was left: since when, or all.
pub(super) fn late_wish(looks: &Polling, first_look: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
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
        let leave = |take_since| BacklogDecision::Leave { take_since };
        let week = Backlog::Since(Since::Age(Duration::from_secs(70)));
        let day = Backlog::Since(Since::At(at(-5)));
        for (written, said, fate) in [
            (None, None, BacklogDecision::Doubt),
            (Some(Backlog::Skip), None, leave(None)),
            (Some(Backlog::Process), None, BacklogDecision::Take),
            (Some(week), None, leave(Some(at(-70)))),
            (Some(day), None, leave(Some(at(-5)))),
            (None, Some(BacklogChoice::Skip), leave(None)),
            (Some(Backlog::Process), Some(BacklogChoice::Skip), leave(None)),
            (None, Some(BacklogChoice::Take { since: None }), BacklogDecision::Take),
            (
                Some(Backlog::Skip),
                Some(BacklogChoice::Take { since: None }),
                BacklogDecision::Take,
            ),
            (
                None,
                Some(BacklogChoice::Take { since: Some(at(-9)) }),
                leave(Some(at(-9))),
            ),
        ] {
            let looks = Polling {
                backlog: written,
                ..Polling::default()
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

    fn lying(uid: u32, received: Option<i64>, written: Option<i64>) -> OldMail {
        OldMail {
            uid,
            received: received.map(at),
            written: written.map(at),
            ..OldMail::default()
        }
    }

    #[test]
    fn what_came_while_nobody_could_sign_in_is_new_where_two_clocks_say_so() {
        // It was tried at 0, and is looked at an hour later.
        for (what, received, written, surely, perhaps) in [
            ("it came a while later", Some(200), Some(190), true, 0),
            ("it lay there", Some(-200), Some(-300), false, 0),
            ("it came at that moment", Some(60), Some(60), false, 1),
            ("clocks that differ", Some(-60), Some(-60), false, 1),
            ("it was restored, or long on its way", Some(200), Some(-9_000), false, 1),
            ("it was moved in", Some(-9_000), Some(200), false, 0),
            ("it does not say when it was written", Some(200), None, false, 1),
            ("the server does not say when it came", None, Some(200), false, 1),
            ("nobody says anything", None, None, false, 0),
            ("its sender lives in the future", Some(200), Some(9_000), false, 1),
        ] {
            let found = meanwhile(&[lying(7, received, written)], at(0), at(3_600));
            let surely = if surely { vec![7] } else { vec![] };
            assert_eq!(found, LateArrivals { surely, perhaps }, "{what}");
        }
        let fresh = lying(7, Some(200), Some(190));
        let ahead = meanwhile(&[fresh.clone(), lying(8, Some(9_000), Some(190))], at(0), at(3_600));
        assert_eq!(
            (ahead.surely, ahead.perhaps),
            (vec![], 2),
            "the server's clock is ahead"
        );
        let week = meanwhile(std::slice::from_ref(&fresh), at(0), at(7 * 86_400));
        assert_eq!((week.surely, week.perhaps), (vec![], 1), "it was tried a week ago");
        assert_eq!(
            meanwhile(&[fresh], at(150), at(200)),
            LateArrivals::default(),
            "it was opened at once"
        );
    }

    proptest::proptest! {
        /// However wrong one of the two clocks is, nothing that lay there before is taken.
        #[test]
        fn one_wrong_clock_takes_no_mail_that_lay_there(
            lay in 1i64..1_000_000, wait in 0i64..100_000, off in -1_000_000i64..1_000_000, server in proptest::bool::ANY, slip in -119i64..119,
        ) {
            let (server, sender) = if server { (off, slip) } else { (slip, off) };
            let mail = lying(7, Some(-lay + server), Some(-lay + sender));
            let found = meanwhile(&[mail], at(0), at(wait));
            // The other clock may be wrong by less than two minutes.
            proptest::prop_assert!(found.surely.is_empty(), "{found:?}");
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
