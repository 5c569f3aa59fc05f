use super::*;
use crate::{
    ledger::MaildropName,
    watch::{
        fakes::World,
        imap::Io,
        pop3::maildrop::{Listing, MaildropEntry, compare},
        script,
    },
};

/// Mails 1, 2, 3 … of these sizes, none of which was taken.
fn found(sizes: &[u64]) -> MaildropPlan {
    let listed = sizes.iter().zip(1u32..).map(|(size, number)| MaildropEntry {
        number,
        name: MaildropName {
            uidl: format!("u{number}"),
            size: *size,
        },
    });
    let listing = Listing {
        mails: listed.collect(),
        ..Listing::default()
    };
    compare(listing, vec![])
}

struct Taking {
    world: World,
    found: MaildropPlan,
    past: MaildropMemory,
}

impl Taking {
    fn new(sizes: &[u64]) -> Self {
        Self {
            world: World::new(),
            found: found(sizes),
            past: MaildropMemory::default(),
        }
    }

    /// It is known how the server counts.
    fn after_others(sizes: &[u64]) -> Self {
        let mut taking = Self::new(sizes);
        let before = MaildropName {
            uidl: "before".to_owned(),
            size: 100,
        };
        assert!(
            taking
                .past
                .record
                .believes(&before, SizeCheck::Agrees(whole::SizeCounting::Sent))
        );
        taking
    }

    async fn take(&mut self, script: &[String]) -> Result<TakeResult, WatchError> {
        let (stream, _server) = script::play_lines(script.to_vec());
        let stream: Box<dyn Io> = Box::new(stream);
        let looking = self.world.looking();
        take(
            Pop3Connection::new(stream),
            &looking,
            &mut self.found,
            &mut self.past,
            SessionQuota::with(None),
        )
        .await
    }

    /// Each mail that was taken: its number, its bytes, and why it's held.
    fn taken(&self) -> Vec<(u32, usize, Option<Reason>)> {
        let state = self.world.memory.state.lock().unwrap();
        let mails: Vec<_> = state
            .mails
            .values()
            .map(|mail| (mail.place.uid, mail.lack().cloned()))
            .collect();
        drop(state);
        let taken = mails.into_iter().map(|(uid, lack)| match lack {
            Some(lack) => (uid, usize::try_from(lack.size).unwrap(), Some(lack.reason)),
            None => (uid, self.world.memory.bytes(uid).len(), None),
        });
        taken.collect()
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// A server that delivers a mail of this many bytes, which ends its lines.
fn delivers(number: u32, size: usize) -> Vec<String> {
    let mut mail = format!("Message-ID: <{number}>\r\n\r\n");
    while mail.len() < size {
        let line = (size - mail.len()).clamp(3, 1000);
        mail.push_str(&"x".repeat(line - 2));
        mail.push_str("\r\n");
    }
    vec![
        format!("L: RETR {number}"),
        "S: +OK".to_owned(),
        format!("B: {mail}"),
        "S: .".to_owned(),
    ]
}

#[tokio::test]
async fn mails_of_every_size_come_whole() {
    // Around the border of what is one piece, and in several.
    let sizes = [100, 262_143, 262_144, 262_145, 262_146, 1_310_720, 1_310_721, 3_000_000];
    let mut taking = Taking::after_others(&sizes.map(|size| size as u64));
    let script: Vec<_> = sizes
        .iter()
        .zip(1..)
        .flat_map(|(size, number)| delivers(number, *size))
        .collect();
    let took = taking.take(&script).await.unwrap();
    assert!(took.wire.is_some() && !took.more);
    let taken: Vec<_> = taking.taken().into_iter().map(|(_, size, held)| (size, held)).collect();
    assert_eq!(taken, sizes.map(|size| (size, None)));
    assert_eq!(taking.found.there.len(), 8, "they can be deleted in this session");
}

#[tokio::test]
async fn a_mail_over_the_limit_is_held_and_read_no_further() {
    for (limit, size, kept) in [
        (1_000, 1_000, None),
        (1_000, 1_003, Some(1_001)),
        (1_000, 500_000, Some(1_001)),
        (262_144, 262_150, Some(262_145)),
        (1_000_000, 999_997, None),
        (1_000_000, 2_000_000, Some(1_000_001)),
    ] {
        // What the server says of the size decides nothing. It is asked something else behind a mail whose size it does not know.
        let mut taking = Taking::after_others(&[5, 100]);
        taking.world.inlet.size = limit;
        let stat = if kept.is_none() { "L: STAT\nS: +OK 2 105" } else { "" };
        let script = [delivers(1, size), lines(stat), delivers(2, 100)].concat();
        let took = taking.take(&script).await.unwrap();
        let first = taking.taken()[0];
        match kept {
            None => assert_eq!(first, (1, size, None), "{limit} {size}"),
            Some(kept) => {
                assert_eq!(first, (1, kept, Some(Reason::TooLarge)), "{limit} {size}");
                assert!(
                    took.wire.is_none() && took.more,
                    "the next one comes in the next session"
                );
            }
        }
        assert_eq!(taking.taken().len(), if kept.is_none() { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_takes_what_came_whole() {
    for rest in [
        "EOF",
        "L: RETR 2\nEOF",
        "L: RETR 2\nS: +OK\nS: half of it\nEOF",
        "L: RETR 2\nS: what?",
        // Dovecot 2.3 when it stops (2026-11).
        "L: RETR 2\nS: -ERR [SYS/TEMP] Server shutting down.",
    ] {
        let mut taking = Taking::after_others(&[100, 100, 100]);
        let script = [delivers(1, 100), lines(rest)].concat();
        assert!(taking.take(&script).await.is_err(), "{rest}");
        assert_eq!(taking.taken(), [(1, 100, None)], "{rest}");
    }
    // In the midst of a large one.
    let mut taking = Taking::after_others(&[100, 900_000]);
    let large = delivers(2, 900_000);
    let script = [delivers(1, 100), large[..3].to_vec(), lines("EOF")].concat();
    assert!(matches!(taking.take(&script).await, Err(WatchError::Closed)));
    assert_eq!(taking.taken(), [(1, 100, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_the_server_refuses_is_passed_over_and_given_up_in_the_end() {
    let mut taking = Taking::after_others(&[100, 100]);
    let script = [lines("L: RETR 1\nS: -ERR not now"), delivers(2, 100)].concat();
    taking.take(&script).await.unwrap();
    assert_eq!(taking.taken(), [(2, 100, None)]);
    for _ in 0..2 {
        taking.found = found(&[100]);
        tokio::time::advance(Duration::from_secs(300)).await;
        taking.take(&lines("L: RETR 1\nS: -ERR not now")).await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(300)).await;
    taking.found = found(&[100]);
    let took = taking.take(&lines("EOF")).await.unwrap();
    assert!(took.wire.is_some(), "it is not asked for again");
    assert_eq!(taking.taken()[0].2, Some(Reason::Unreadable));
}

#[tokio::test]
async fn a_ledger_that_fails_ends_the_session() {
    let mut taking = Taking::after_others(&[100]);
    taking.world.memory.state.lock().unwrap().fail = true;
    let error = taking.take(&delivers(1, 100)).await.map(|took| took.more).unwrap_err();
    assert!(matches!(error, WatchError::Ledger(_)), "{error:?}");
}

/// What came whole is one mail, whatever its session does behind it; what did not come whole is none.
#[tokio::test]
async fn what_lies_behind_a_mail_says_whether_it_is_whole() {
    // The mail of 100 bytes, and what LIST said.
    for (what, listed, behind, taken, goes_on) in [
        (
            "the first mail says how the server counts",
            100,
            "L: STAT\nS: +OK 1 100",
            true,
            true,
        ),
        ("the same, and the server closes", 100, "L: STAT\nEOF", true, false),
        ("the same, and the rest of it", 100, "L: STAT\nS: +OK", false, false),
        (
            "the same, where the end is not counted",
            98,
            "L: STAT\nS: the rest",
            false,
            false,
        ),
        (
            "a size of another way of counting, and the answer that is due",
            50,
            "L: STAT\nS: +OK 1 50",
            true,
            true,
        ),
        ("the same, and the server closes", 50, "L: STAT\nEOF", true, false),
        (
            "the same, and the server is silent no longer",
            50,
            "L: STAT\nS: the rest\nS: .",
            false,
            false,
        ),
        (
            "the same, and the rest ends the mail",
            50,
            "L: STAT\nS: .\nS: +OK 1 50",
            false,
            false,
        ),
        ("the rest, at once", 100, "S: the rest\nS: .", false, false),
        (
            "a goodbye",
            100,
            "S: -ERR [SYS/TEMP] Server shutting down.",
            true,
            false,
        ),
        (
            "a goodbye, and a size of another way of counting",
            50,
            "S: -ERR [SYS/TEMP] Server shutting down.",
            true,
            false,
        ),
        (
            "what looks like one, and less than was listed",
            120,
            "S: -ERR no",
            false,
            false,
        ),
        ("what looks like one, and more", 100, "S: -ERR no\nS: .", false, false),
        ("the end, once more", 100, "S: .", false, false),
        ("a bit less than was listed", 120, "L: STAT\nS: +OK 1 120", true, true),
        ("the same, and the server closes", 120, "L: STAT\nEOF", false, false),
        ("much less than was listed", 300, "L: STAT\nS: +OK 1 300", false, true),
        ("nothing is listed", 0, "L: STAT\nS: -ERR what?", true, true),
    ] {
        for size in [100, 400_000] {
            let mut taking = Taking::new(&[listed * size / 100]);
            let script = [delivers(1, size as usize), lines(behind)].concat();
            let took = taking.take(&script).await;
            assert_eq!(took.is_ok(), goes_on, "{what}, {size}");
            let expected = if taken { vec![(1, size as usize, None)] } else { vec![] };
            assert_eq!(taking.taken(), expected, "{what}, {size}");
            assert_eq!(taking.found.there.len(), usize::from(taken), "{what}, {size}");
        }
    }
}
