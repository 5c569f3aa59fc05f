use std::collections::BTreeSet;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::watch::{imap::Io, script};

fn name(uidl: &str, size: u64) -> MaildropName {
    MaildropName {
        uidl: uidl.into(),
        size,
    }
}

fn listing(mails: &[(u32, &str, u64)]) -> Listing {
    let listed = |(number, uidl, size): &(u32, &str, u64)| MaildropEntry {
        number: *number,
        name: name(uidl, *size),
    };
    Listing {
        mails: mails.iter().map(listed).collect(),
        ..Listing::default()
    }
}

fn known(mails: &[(&str, u64, u32, bool)]) -> Vec<MaildropMail> {
    let mail = |(uidl, size, uid, taken): &(&str, u64, u32, bool)| MaildropMail {
        name: name(uidl, *size),
        uid: *uid,
        taken: *taken,
        skipped: false,
        print: Fingerprint::default(),
    };
    mails.iter().map(mail).collect()
}

/// New mails as `uidl: number`, known ones as `uid: number`, those of one name, and the UIDs of those that left.
fn compared(listing: Listing, known: Vec<MaildropMail>) -> (Vec<String>, Vec<String>, Vec<String>, Vec<u32>) {
    let found = compare(listing, known);
    let new = found.new.iter().map(|new| format!("{}: {}", new.name.uidl, new.number));
    let mut there: Vec<_> = found
        .there
        .iter()
        .map(|(uid, known)| format!("{uid}: {}", known.number))
        .collect();
    there.sort();
    let alike = found.namesakes.iter().map(|group| {
        let uids: Vec<_> = group.known.iter().map(|(uid, _)| *uid).collect();
        format!("{uids:?}: {:?}", group.numbers)
    });
    (new.collect(), there, alike.collect(), found.left)
}

#[test]
fn what_is_new_what_is_known_and_what_left() {
    let ledger = || known(&[("a", 1, 11, true), ("b", 1, 12, true), ("c", 1, 13, false)]);
    type Case<'a> = (
        &'a str,
        &'a [(u32, &'a str, u64)],
        &'a [&'a str],
        &'a [&'a str],
        &'a [&'a str],
        &'a [u32],
    );
    let cases: [Case<'_>; 8] = [
        ("nothing is listed", &[], &[], &[], &[], &[11, 12, 13]),
        (
            "one was numbered, but not taken",
            &[(1, "b", 1), (2, "c", 1), (3, "d", 1)],
            &["c: 2", "d: 3"],
            &["12: 1"],
            &[],
            &[11],
        ),
        (
            "the id was given to another mail",
            &[(1, "a", 2), (2, "b", 1)],
            &["a: 1"],
            &["12: 2"],
            &[],
            &[11, 13],
        ),
        (
            "all were renumbered",
            &[(1, "x", 1), (2, "y", 1), (3, "z", 1)],
            &["x: 1", "y: 2", "z: 3"],
            &[],
            &[],
            &[11, 12, 13],
        ),
        (
            "of one name with one that was taken: nobody knows",
            &[(1, "a", 1), (2, "a", 1), (3, "b", 1)],
            &[],
            &["12: 3"],
            &["[11]: [1, 2]"],
            &[13],
        ),
        (
            "of one name, and none was taken",
            &[(1, "d", 1), (2, "d", 1), (3, "c", 1), (4, "c", 1)],
            &["d: 1", "d: 2", "c: 3", "c: 4"],
            &[],
            &[],
            &[11, 12],
        ),
        (
            "an unknown size is another name",
            &[(1, "a", 0)],
            &["a: 1"],
            &[],
            &[],
            &[11, 12, 13],
        ),
        (
            "numbers that go the other way",
            &[(1, "b", 1), (2, "a", 1)],
            &[],
            &["11: 2", "12: 1"],
            &[],
            &[13],
        ),
    ];
    for (what, mails, new, there, alike, left) in cases {
        let found = compared(listing(mails), ledger());
        let strings = |of: &[&str]| of.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            found,
            (strings(new), strings(there), strings(alike), left.to_vec()),
            "{what}"
        );
    }
    let two = known(&[("a", 1, 11, true), ("a", 1, 12, true), ("a", 1, 13, false)]);
    let found = compared(listing(&[(1, "a", 1)]), two);
    assert_eq!(found.2, ["[11, 12]: [1]"], "one of two left, and which?");
    for listing in [
        Listing {
            cut: true,
            ..listing(&[(1, "a", 1)])
        },
        Listing {
            odd: MalformedLines {
                lines: 1,
                first: Words::new("2"),
            },
            ..listing(&[(1, "a", 1)])
        },
    ] {
        assert!(
            compared(listing, ledger()).3.is_empty(),
            "nobody knows what else is there"
        );
    }
}

proptest! {
    #[test]
    fn every_number_has_one_place(
        listed in prop::collection::vec((0u8..6, 0u64..3), 0..30),
        ledger in prop::collection::btree_map((0u8..6, 0u64..3), any::<bool>(), 0..12),
    ) {
        let mails = listed.iter().zip(1..).map(|((uidl, size), number)| MaildropEntry {
            number,
            name: name(&uidl.to_string(), *size),
        });
        let listing = Listing { mails: mails.collect(), ..Listing::default() };
        let known: Vec<_> = ledger.iter().zip(1..).map(|(((uidl, size), taken), uid)| MaildropMail {
            name: name(&uidl.to_string(), *size),
            uid,
            taken: *taken,
            skipped: false,
            print: Fingerprint::default(),
        }).collect();
        let found = compare(listing, known.clone());
        let new = found.new.iter().map(|new| new.number);
        let alike = found.namesakes.iter().flat_map(|group| group.numbers.clone());
        let mut numbers: Vec<u32> = new.chain(alike).chain(found.there.values().map(|known| known.number)).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1..=listed.len() as u32).collect::<Vec<_>>());
        let left: BTreeSet<u32> = found.left.iter().copied().collect();
        for mail in known {
            let listed = listed.iter().filter(|(uidl, size)| name(&uidl.to_string(), *size) == mail.name).count();
            prop_assert_eq!(left.contains(&mail.uid), listed == 0);
            prop_assert_eq!(found.there.contains_key(&mail.uid), listed == 1 && mail.taken);
        }
    }
}

async fn listed(uidl: &str, list: &str) -> Result<Listing, WatchError> {
    let lines = |text: &str| {
        text.split(',')
            .filter(|line| !line.is_empty())
            .map(|line| format!("S: {line}\n"))
            .collect::<String>()
    };
    let script = format!(
        "L: UIDL\nS: +OK\n{}S: .\nL: LIST\nS: +OK\n{}S: .",
        lines(uidl),
        lines(list)
    );
    let (stream, _server) = script::play(&script);
    let stream: Box<dyn Io> = Box::new(stream);
    Ok(super::list(Pop3Connection::new(stream)).await?.1)
}

#[tokio::test]
async fn listings_of_servers() {
    let two = listing(&[(1, "whqtswO00WBw418f9t5JxYwZ", 120), (2, "!~", 200)]);
    let found = listed("1 whqtswO00WBw418f9t5JxYwZ,2 !~", "1 120,2 200 and more words").await;
    assert_eq!(found.unwrap(), two);
    let found = listed("2 !~,1  whqtswO00WBw418f9t5JxYwZ ", "2 200,1 120").await;
    assert_eq!(found.unwrap(), two, "in any order");
    let found = listed(" 1\twhqtswO00WBw418f9t5JxYwZ , 2   !~", " 1   120 ,2\t200").await;
    assert_eq!(found.unwrap(), two, "blanks more or less");
    assert_eq!(listed("", "").await.unwrap(), listing(&[]));
}

/// A line that can't be read costs its mail, or the mail its size; the others go on.
#[tokio::test]
async fn lines_that_cannot_be() {
    let long = format!("1 {}", "y".repeat(256));
    let longer = format!("1 {},2 b", "y".repeat(20_000));
    let one = || vec![(2, "b", 2)];
    let sized = |size| vec![(1, "a", size), (2, "b", 2)];
    for (uidl, list, mails, lines, first) in [
        ("1,2 b", "1 1,2 2", one(), 1, "UIDL: 1"),
        ("1 ,2 b", "1 1,2 2", one(), 1, "UIDL: 1"),
        ("0 a,2 b", "2 2", one(), 1, "UIDL: 0 a"),
        ("-1 a,2 b", "2 2", one(), 1, "UIDL: -1 a"),
        ("4294967296 a,2 b", "2 2", one(), 1, "UIDL: 4294967296 a"),
        ("x a,2 b", "2 2", one(), 1, "UIDL: x a"),
        ("1 a b,2 b", "1 1,2 2", one(), 1, "UIDL: 1 a b"),
        ("1 \u{e9},2 b", "1 1,2 2", one(), 1, "UIDL: 1 \u{e9}"),
        (&long, "1 1", vec![], 1, "UIDL: 1 yyy"),
        // Longer than any line may be: it costs itself.
        (&longer, "1 1,2 2", one(), 1, "UIDL: 1 yyy"),
        ("1 a,1 x,2 b", "1 1,2 2", one(), 1, "UIDL: 1 x"),
        ("1 a,1 a,2 b", "1 1,2 2", sized(1), 0, ""),
        ("1 a,2 b", "2 2", sized(0), 1, "LIST: no line for 1"),
        ("1 a,2 b", "1,2 2", sized(0), 1, "LIST: 1"),
        ("1 a,2 b", "1 x,2 2", sized(0), 1, "LIST: 1 x"),
        // GreenMail 2.1, of a mail without a body (2026-11).
        ("1 a,2 b", "1 -1,2 2", sized(0), 1, "LIST: 1 -1"),
        ("1 a,2 b", "1 99999999999999999999999,2 2", sized(0), 1, "LIST: 1 999"),
        ("1 a,2 b", "1 9223372036854775808,2 2", sized(0), 1, "LIST: 1 922"),
        ("1 a,2 b", "1 1,1 9,2 2", sized(0), 1, "LIST: 1 9"),
        ("2 b", "1 1,2 2", one(), 1, "LIST: 1 1"),
        ("1 a,2 b", "one 1,1 1,2 2", sized(1), 1, "LIST: one 1"),
    ] {
        let found = listed(uidl, list).await.unwrap();
        assert_eq!(found.mails, listing(&mails).mails, "{uidl} {list}");
        assert_eq!(found.odd.lines, lines, "{uidl} {list}");
        assert!(found.odd.first.to_string().starts_with(first), "{:?}", found.odd.first);
    }
}

/// However much a server lists, what is kept of it has a bound.
#[tokio::test]
async fn a_flood_of_lines_is_cut() {
    let (stream, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(theirs);
        let mut command = [0; 100];
        for _ in 0..2 {
            assert!(read.read(&mut command).await.unwrap() > 0);
            write.write_all(b"+OK\r\n").await.unwrap();
            let id = "x".repeat(200);
            for first in (1..=500_000).step_by(10_000) {
                let lines = (first..first + 10_000)
                    .map(|n| format!("{n} {id}\r\n"))
                    .collect::<String>();
                write.write_all(lines.as_bytes()).await.unwrap_or(());
            }
            write.write_all(b".\r\n").await.unwrap();
        }
    });
    let stream: Box<dyn Io> = Box::new(stream);
    let (_, listing) = super::list(Pop3Connection::new(stream)).await.unwrap();
    assert!(listing.cut);
    let bytes: usize = listing.mails.iter().map(|mail| mail.name.uidl.len()).sum();
    assert!(bytes <= IDS + MAX_UIDL && listing.mails.len() <= LISTED);
}

#[tokio::test]
async fn an_empty_maildrop_may_refuse_to_be_listed() {
    for (count, empty) in [("+OK 0 0", true), ("+OK 2 300", false)] {
        let (stream, _server) = script::play(&format!("L: UIDL\nS: -ERR no mail\nL: STAT\nS: {count}"));
        let stream: Box<dyn Io> = Box::new(stream);
        let listed = super::list(Pop3Connection::new(stream)).await;
        assert_eq!(listed.is_ok_and(|(_, listing)| listing == Listing::default()), empty);
    }
}

#[tokio::test]
async fn a_server_without_unique_ids_is_refused_in_words() {
    let (stream, _server) = script::play("L: UIDL\nS: -ERR unknown command\nL: STAT\nS: +OK 2 300");
    let stream: Box<dyn Io> = Box::new(stream);
    let error = super::list(Pop3Connection::new(stream))
        .await
        .map(|(_, listing)| listing)
        .unwrap_err();
    assert!(matches!(&error, WatchError::NoUidl(_)));
    assert!(error.to_string().contains("read this mailbox by IMAP"), "{error}");
}
