use std::fmt::Write as _;

use super::*;
use crate::{
    ledger::Cursor,
    watch::{care::FetchFailures, fakes::World, imap::ImapCapabilities, source::Scope},
};

const NEWS: &str = "C: UID FETCH 5:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)";

fn cursor(uid_next: u32) -> Option<Cursor> {
    Some(Cursor {
        uid_validity: 7,
        uid_next,
    })
}

/// An answer with a mail.
fn mail(uid: u32, bytes: &str) -> String {
    begin(uid, bytes, bytes.len())
}

/// An answer with the beginning of a mail of this size.
fn begin(uid: u32, bytes: &str, told: usize) -> String {
    format!(
        "S: * 1 FETCH (UID {uid} RFC822.SIZE {told} INTERNALDATE \" 1-Jan-2026 00:00:00 +0000\" BODY[]<0> {{{}}}\r\n{bytes})",
        bytes.len()
    )
}

async fn look(world: &World, scope: Scope, script: &[String]) -> Result<u32, WatchError> {
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let (session, server) = world.session(&script, ImapCapabilities::default());
    let (session, _) = session
        .look(
            scope,
            &world.looking(),
            None,
            &mut world.settler(),
            &mut FetchFailures::default(),
        )
        .await?;
    server.finished().await;
    Ok(session.cursor.uid_next)
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[tokio::test]
async fn answers_count_by_uid() {
    let world = World::new();
    let script = [
        NEWS.to_owned(),
        mail(9, "nine"),
        "S: * 2 FETCH (FLAGS (\\Seen))".into(),
        "S: * 2 FETCH (UID 6 FLAGS (\\Seen))".into(),
        "S: * 3 FETCH (BODY[] \"no uid\")".into(),
        mail(4, "old"),
        mail(6, "six"),
        mail(9, "nine"),
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 10);
    assert_eq!(world.memory.uids(), [6, 9]);
    assert_eq!(world.memory.bytes(9), b"nine");
    assert_eq!(world.memory.cursor_now(), cursor(10));
    assert_eq!(
        world.memory.state.lock().unwrap().commits,
        1,
        "one FETCH and one commit"
    );
}

#[tokio::test]
async fn nothing_new_changes_nothing() {
    let world = World::new();
    let script = [NEWS.to_owned(), mail(4, "old"), "S: $ OK".into()];
    assert_eq!(look(&world, Scope::News(1), &script).await.unwrap(), 5);
    assert_eq!(world.memory.state.lock().unwrap().commits, 0);
}

#[tokio::test]
async fn a_mail_that_was_listed_and_is_gone_is_passed_over() {
    let world = World::new();
    let script = [
        "C: UID FETCH 5:* (UID RFC822.SIZE)".to_owned(),
        "S: * 1 FETCH (UID 4 RFC822.SIZE 10)".into(),
        "S: * 4 FETCH (UID 8 RFC822.SIZE 10)".into(),
        "S: * 2 FETCH (UID 5 RFC822.SIZE 10)".into(),
        "S: * 3 FETCH (UID 6 RFC822.SIZE 300000)".into(),
        "S: * 5 FETCH (UID 9 RFC822.SIZE 10)".into(),
        "S: $ OK".into(),
        "C: UID FETCH 5,8:9 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)".into(),
        mail(8, "eight"),
        "S: $ OK".into(),
        "C: UID FETCH 5,9 (UID)".into(),
        "S: $ OK".into(),
        "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)".into(),
        "S: $ OK".into(),
        "C: UID FETCH 6 (UID)".into(),
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::All, &script).await.unwrap(), 10);
    assert_eq!(world.memory.uids(), [8]);
    assert_eq!(world.memory.cursor_now(), cursor(10));
}

/// What was received whole is kept, but the cursor stays.
#[tokio::test]
async fn a_connection_that_breaks_in_a_mail_moves_no_cursor() {
    for script in [
        vec![
            NEWS.to_owned(),
            mail(9, "nine"),
            "B: * 1 FETCH (UID 6 BODY[] {10}\r\nhalf".into(),
            "EOF".into(),
        ],
        vec![NEWS.to_owned(), mail(9, "nine"), "S: * BYE".into()],
    ] {
        let world = World::new();
        look(&world, Scope::News(2), &script).await.unwrap_err();
        assert_eq!(world.memory.uids(), [9]);
        assert_eq!(world.memory.cursor_now(), cursor(5));
    }
}

/// A part of a text, with what it repeats of the one before.
fn piece(uid: u32, text: &str, from: usize, to: usize) -> Vec<String> {
    let offset = from - from.min(16);
    let bytes = &text[offset..to];
    vec![
        format!("C: UID FETCH {uid} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<{offset}.*>)"),
        format!(
            "S: * 1 FETCH (UID {uid} BODY[]<{offset}> {{{}}}\r\n{bytes})",
            bytes.len()
        ),
        "S: $ OK".into(),
    ]
}

fn letters(len: usize) -> String {
    let mut text = String::from("Message-ID: <large@example.test>\r\n\r\n");
    while text.len() < len {
        writeln!(text, "{:07}", text.len()).unwrap();
    }
    text.truncate(len);
    text
}

#[tokio::test]
async fn a_large_mail_comes_in_pieces() {
    const K: usize = 1 << 10;
    for len in [256 * K, 256 * K + 1, 256 * K + 1024 * K, 3000 * K] {
        let world = World::new();
        let text = letters(len);
        let mut script = vec![
            NEWS.to_owned(),
            mail(5, "small"),
            begin(6, &text[..256 * K], len),
            "S: $ OK".into(),
        ];
        let mut offset = 256 * K;
        loop {
            let end = len.min(offset + 1024 * K);
            script.extend(piece(6, &text, offset, end));
            if end - offset < 1024 * K {
                break;
            }
            offset = end;
        }
        assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 7, "{len}");
        assert!(world.memory.bytes(6) == text.as_bytes(), "{len}");
        assert_eq!(world.memory.bytes(5), b"small");
        let state = world.memory.state.lock().unwrap();
        let large = state.mails.values().find(|mail| mail.place.uid == 6).unwrap();
        assert!(large.header_key.is_some() && large.lack().is_none() && large.received.is_some());
    }
}

#[tokio::test]
async fn what_would_have_to_wait_in_memory_begins_again() {
    let world = World::new();
    let [one, two, three] = [300_000, 400_000, 500_000].map(letters);
    let mut script = vec![
        NEWS.to_owned(),
        begin(6, &one[..262_144], 300_000),
        begin(8, &two[..262_144], 400_000),
        begin(9, &three[..262_144], 500_000),
        mail(7, "x"),
        "S: $ OK".into(),
    ];
    script.extend(piece(6, &one, 262_144, 300_000));
    script.extend(piece(8, &two, 262_144, 400_000));
    script.extend(piece(9, &three, 0, 500_000));
    assert_eq!(look(&world, Scope::News(4), &script).await.unwrap(), 10);
    for (uid, text) in [(6, one), (8, two), (9, three)] {
        assert!(world.memory.bytes(uid) == text.as_bytes(), "{uid}");
    }
}

#[tokio::test]
async fn a_mail_over_the_limit_is_held_without_a_byte() {
    for (limit, held) in [(300_000, true), (399_999, true), (400_000, false), (1000, true)] {
        let mut world = World::new();
        world.inlet.size = limit as u64;
        let text = letters(400_000);
        let mut script = vec![
            NEWS.to_owned(),
            begin(6, &text[..262_144], 400_000),
            mail(7, "after"),
            "S: $ OK".into(),
        ];
        if limit > 262_144 {
            script.extend(piece(6, &text, 262_144, (limit + 1).min(400_000)));
        }
        look(&world, Scope::News(2), &script).await.unwrap();
        assert_eq!(world.memory.uids(), [6, 7]);
        let lack = world.memory.lack(6);
        assert_eq!(lack.is_some(), held, "{limit}");
        match lack {
            Some(lack) => assert!(
                lack.reason == Reason::TooLarge && lack.size as usize > limit && lack.detail.contains("raise `size`"),
                "{limit}: {lack:?}"
            ),
            None => assert!(world.memory.bytes(6) == text.as_bytes()),
        }
    }
}

#[tokio::test]
async fn a_mail_that_vanishes_between_two_pieces() {
    let world = World::new();
    let text = letters(262_144);
    let mut script = vec![
        NEWS.to_owned(),
        begin(6, &text, 300_000),
        mail(7, "after"),
        "S: $ OK".into(),
    ];
    script.extend(strings(&[
        "C: UID FETCH 6 *",
        "S: $ OK",
        "C: UID FETCH 6 (UID)",
        "S: $ OK",
    ]));
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 8);
    assert_eq!(world.memory.uids(), [7]);
}

/// At the end of the mails, and in their midst where the budget has what waits committed.
#[tokio::test]
async fn a_ledger_that_fails_ends_the_session() {
    let mut world = World::new();
    world.budget = crate::budget::Budget::new(2 << 20);
    world.memory.state.lock().unwrap().fail = true;
    let text = "x".repeat(200_000);
    for mails in [1, 100] {
        let mut script = vec![NEWS.to_owned()];
        script.extend((5..5 + mails).map(|uid| mail(uid, &text)));
        script.push("S: $ OK".into());
        let error = look(&world, Scope::News(3), &script).await.unwrap_err();
        assert!(
            matches!(error, WatchError::Ledger(crate::ledger::Error::Full(_))),
            "{error:?}"
        );
    }
}

/// More than the budget, and more than there may be news: it takes several commits, none of which moves the cursor but the last.
#[tokio::test]
async fn memory_is_bounded_whatever_comes() {
    let mut world = World::new();
    world.budget = crate::budget::Budget::new(2 << 20);
    let text = "x".repeat(200_000);
    let mut script = vec![NEWS.to_owned()];
    script.extend((5..65).map(|uid| mail(uid, &format!("{uid}{text}"))));
    script.push("S: $ OK".into());
    assert_eq!(look(&world, Scope::News(3), &script).await.unwrap(), 65);
    assert_eq!(world.memory.uids().len(), 60);
    assert!(world.memory.state.lock().unwrap().commits > 4);
}

#[tokio::test]
async fn mails_are_settled_between_the_portions_of_a_long_look() {
    let world = World::new();
    let mut script = strings(&["C: UID FETCH 5:* (UID RFC822.SIZE)"]);
    script.extend((5..305).map(|uid| format!("S: * 1 FETCH (UID {uid} RFC822.SIZE 10)")));
    script.push("S: $ OK".into());
    for (first, last) in [(5, 132), (133, 260), (261, 304)] {
        script.push(format!("C: UID FETCH {first}:{last} *"));
        script.extend((first..=last).map(|uid| mail(uid, &format!("mail {uid}"))));
        script.push("S: $ OK".into());
        if first == 5 {
            script.extend(strings(&["C: UID STORE 1 *", "S: $ OK"]));
        }
    }
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let (session, server) = world.session(&script, ImapCapabilities::default());
    world.memory.due(7, &[1], crate::ledger::MailOutcome::Failed);
    session
        .look(
            Scope::All,
            &world.looking(),
            None,
            &mut world.settler(),
            &mut FetchFailures::default(),
        )
        .await
        .unwrap();
    server.finished().await;
    assert_eq!(world.memory.settled_uids(), [1]);
    assert_eq!(world.memory.uids(), (5..305).collect::<Vec<_>>());
}

#[path = "answers_tests.rs"]
mod answers;
