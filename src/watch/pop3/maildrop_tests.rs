use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::watch::{imap::Io, script};

fn name(uidl: &str, size: u64) -> MaildropName {
    MaildropName {
        uidl: uidl.into(),
        size,
    }
}

fn listing(mails: &[(u32, &str, u64)]) -> Listing {
    let listed = |(number, uidl, size): &(u32, &str, u64)| Listed {
        number: *number,
        name: name(uidl, *size),
    };
    Listing {
        mails: mails.iter().map(listed).collect(),
        cut: false,
    }
}

fn known(mails: &[(&str, u64, u32, bool)]) -> Vec<MaildropMail> {
    let mail = |(uidl, size, uid, taken): &(&str, u64, u32, bool)| MaildropMail {
        name: name(uidl, *size),
        uid: *uid,
        taken: *taken,
        skipped: false,
    };
    mails.iter().map(mail).collect()
}

/// New mails as `uidl: numbers`, known ones as `uid: numbers`, and the UIDs of those that left.
fn compared(listing: Listing, known: Vec<MaildropMail>) -> (Vec<String>, Vec<String>, Vec<u32>) {
    let found = compare(listing, known);
    let new = found
        .new
        .iter()
        .map(|new| format!("{}: {:?}", new.name.uidl, new.numbers));
    let mut there: Vec<_> = found
        .there
        .iter()
        .map(|(uid, numbers)| format!("{uid}: {numbers:?}"))
        .collect();
    there.sort();
    (new.collect(), there, found.left)
}

#[test]
fn what_is_new_what_is_known_and_what_left() {
    let none: [&str; 0] = [];
    let ledger = || known(&[("a", 1, 11, true), ("b", 1, 12, true), ("c", 1, 13, false)]);
    let (new, there, left) = compared(listing(&[]), ledger());
    assert_eq!(
        (new.as_slice(), there.as_slice(), left),
        (&[][..], &[][..], vec![11, 12, 13])
    );

    let (new, there, left) = compared(listing(&[(1, "b", 1), (2, "c", 1), (3, "d", 1)]), ledger());
    assert_eq!(new, ["c: [2]", "d: [3]"], "one was numbered, but not taken");
    assert_eq!(there, ["12: [1]"]);
    assert_eq!(left, [11]);

    let (new, there, left) = compared(listing(&[(1, "a", 2), (2, "b", 1)]), ledger());
    assert_eq!(new, ["a: [1]"], "the id was given to another mail");
    assert_eq!((there, left), (vec!["12: [2]".to_owned()], vec![11, 13]));

    let (new, there, left) = compared(listing(&[(1, "x", 1), (2, "y", 1), (3, "z", 1)]), ledger());
    assert_eq!(new, ["x: [1]", "y: [2]", "z: [3]"], "all were renumbered");
    assert_eq!(there, none);
    assert_eq!(left, [11, 12, 13]);

    let (new, there, _) = compared(listing(&[(1, "a", 1), (2, "a", 1), (3, "d", 1), (4, "d", 1)]), ledger());
    assert_eq!(new, ["d: [3, 4]"], "copies are one mail");
    assert_eq!(there, ["11: [1, 2]"]);

    let cut = Listing {
        cut: true,
        ..listing(&[(1, "a", 1)])
    };
    assert!(compared(cut, ledger()).2.is_empty(), "nobody knows what is behind");
}

proptest! {
    #[test]
    fn every_number_has_one_place(
        listed in prop::collection::vec((0u8..6, 0u64..3), 0..30),
        ledger in prop::collection::btree_map((0u8..6, 0u64..3), any::<bool>(), 0..12),
    ) {
        let mails = listed.iter().zip(1..).map(|((uidl, size), number)| Listed {
            number,
            name: name(&uidl.to_string(), *size),
        });
        let listing = Listing { mails: mails.collect(), cut: false };
        let known: Vec<_> = ledger.iter().zip(1..).map(|(((uidl, size), taken), uid)| MaildropMail {
            name: name(&uidl.to_string(), *size),
            uid,
            taken: *taken,
            skipped: false,
        }).collect();
        let found = compare(listing, known.clone());
        let new = found.new.iter().flat_map(|new| new.numbers.clone());
        let mut numbers: Vec<u32> = new.chain(found.there.values().flatten().copied()).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1..=listed.len() as u32).collect::<Vec<_>>());
        let left: BTreeSet<u32> = found.left.iter().copied().collect();
        for mail in known {
            let is_listed = listed.iter().any(|(uidl, size)| name(&uidl.to_string(), *size) == mail.name);
            prop_assert_eq!(left.contains(&mail.uid), !is_listed);
            prop_assert_eq!(found.there.contains_key(&mail.uid), is_listed && mail.taken);
        }
    }
}

async fn listed(uidl: &str, list: &str) -> Result<Listing, Error> {
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
    Ok(super::list(Wire::new(stream)).await?.1)
}

#[tokio::test]
async fn listings_of_servers() {
    let two = listing(&[(1, "whqtswO00WBw418f9t5JxYwZ", 120), (2, "!~", 200)]);
    let found = listed("1 whqtswO00WBw418f9t5JxYwZ,2 !~", "1 120,2 200 and more words").await;
    assert_eq!(found.unwrap(), two);
    let found = listed("2 !~,1  whqtswO00WBw418f9t5JxYwZ ", "2 200,3 7,1 120").await;
    assert_eq!(found.unwrap(), two, "in any order");
    assert_eq!(listed("", "").await.unwrap(), listing(&[]));
}

#[tokio::test]
async fn listings_that_cannot_be() {
    let long = format!("1 {}", "x".repeat(256));
    for (uidl, list) in [
        ("1", "1 1"),
        ("1 ", "1 1"),
        ("0 a", "0 1"),
        ("-1 a", "1 1"),
        ("4294967296 a", "1 1"),
        ("x a", "1 1"),
        ("1 a b", "1 1"),
        ("1 \u{e9}", "1 1"),
        (&long, "1 1"),
        ("1 a,1 b", "1 1"),
        ("1 a,2 b", "1 1"),
        ("1 a", "1"),
        ("1 a", "1 x"),
        ("1 a", "1 -5"),
        ("1 a", "1 99999999999999999999999"),
    ] {
        let error = listed(uidl, list).await.unwrap_err();
        assert!(
            matches!(error, Error::Protocol(Violation::Listing)),
            "{uidl} {list}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_server_without_unique_ids_is_refused_in_words() {
    let (stream, _server) = script::play("L: UIDL\nS: -ERR unknown command");
    let stream: Box<dyn Io> = Box::new(stream);
    let error = super::list(Wire::new(stream))
        .await
        .map(|(_, listing)| listing)
        .unwrap_err();
    assert!(matches!(&error, Error::NoUidl(_)));
    assert!(error.to_string().contains("read this mailbox by IMAP"), "{error}");
}
