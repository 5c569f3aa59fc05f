use sha2::{Digest, Sha256};

use super::*;
use crate::{
    config::Settle,
    ledger::{Fingerprint, MailOutcome, MaildropName},
    watch::{
        fakes::World,
        header_key::header_key,
        imap::Io,
        pop3::maildrop::{KnownMail, Namesakes, VerifiedExtent},
        script,
    },
};

/// A mail that was read in this session.
fn read(number: u32) -> KnownMail {
    KnownMail {
        name: MaildropName {
            uidl: format!("u{number}"),
            size: 9,
        },
        number,
        print: Fingerprint::default(),
        proof: VerifiedExtent::Whole,
    }
}

/// Mails 1, 2 and 3 of the ledger are the server's 4 and 5; 3 is not there.
fn found() -> MaildropPlan {
    MaildropPlan {
        there: [(1, read(4)), (2, read(5))].into(),
        ..MaildropPlan::default()
    }
}

fn world() -> World {
    let mut world = World::new();
    *world.settle() = Settle {
        done: SettleAction::Delete,
        failed: SettleAction::Keep,
        ignored: SettleAction::Keep,
        refused: SettleAction::Keep,
    };
    world
}

/// Leaves by this script; gives back the mails whose last touch was noted.
async fn left(world: &World, found: &mut MaildropPlan, script: &str) -> (Vec<u32>, Result<bool, WatchError>) {
    let (stream, server) = script::play(script);
    let stream: Box<dyn Io> = Box::new(stream);
    let left = leave(
        Pop3Connection::new(stream),
        &world.looking(),
        found,
        &mut Checks::default(),
    )
    .await;
    let left = left.map(|left| left.more);
    server.finished().await;
    let mut uids = world.memory.settled_uids();
    uids.sort_unstable();
    (uids, left)
}

#[tokio::test]
async fn done_mails_are_deleted_and_noted_after_the_end() {
    let world = world();
    world.memory.due(MAILDROP, &[1, 2, 3], MailOutcome::Done);
    world.memory.due(MAILDROP, &[7], MailOutcome::Failed);
    let script = "L: DELE 4\nS: +OK\nL: DELE 5\nS: +OK\nL: STAT\nS: +OK 0 0\nL: QUIT\nS: +OK bye";
    let (uids, left) = left(&world, &mut found(), script).await;
    assert!(!left.unwrap());
    assert_eq!(uids, [1, 2, 3, 7], "one was gone already, one is kept");
}

#[tokio::test]
async fn nothing_is_noted_when_the_end_was_not_reached() {
    let marked = "L: DELE 4\nS: +OK\nL: DELE 5\nS: +OK\n";
    for end in [
        "EOF",
        "L: STAT\nEOF",
        "L: STAT\nS: the rest of a mail\nS: .",
        "L: STAT\nS: +OK 0 0\nL: QUIT\nEOF",
        "L: STAT\nS: +OK 0 0\nL: QUIT\nS: -ERR some deleted messages not removed",
    ] {
        let world = world();
        world.memory.due(MAILDROP, &[1, 2, 3], MailOutcome::Done);
        let (uids, left) = left(&world, &mut found(), &format!("{marked}{end}")).await;
        assert!(left.is_err(), "{end}");
        assert_eq!(uids, [0; 0], "{end}");
    }
}

#[tokio::test]
async fn a_refused_deletion_does_not_keep_the_others() {
    let world = world();
    world.memory.due(MAILDROP, &[1, 2], MailOutcome::Done);
    let script = "L: DELE 4\nS: -ERR no\nL: DELE 5\nS: +OK\nL: STAT\nS: +OK 0 0\nL: QUIT\nS: +OK";
    let (uids, left) = left(&world, &mut found(), script).await;
    assert!(!left.unwrap());
    assert_eq!(uids, [2]);
}

#[tokio::test]
async fn what_was_not_listed_may_still_be_there() {
    let world = world();
    world.memory.due(MAILDROP, &[3], MailOutcome::Done);
    let mut cut = MaildropPlan { cut: true, ..found() };
    let (uids, left) = left(&world, &mut cut, "L: QUIT\nS: +OK").await;
    assert!(!left.unwrap());
    assert_eq!(uids, [0; 0]);
}

#[tokio::test]
async fn mails_that_are_kept_need_no_session() {
    let mut world = world();
    world.memory.due(MAILDROP, &[1, 2], MailOutcome::Failed);
    world.memory.due(MAILDROP, &[3], MailOutcome::Done);
    let deleted = settle_kept(&world.looking()).await.unwrap();
    let deleted: Vec<_> = deleted.iter().map(|mail| mail.place.uid).collect();
    assert_eq!(deleted, [3]);
    assert_eq!(world.memory.settled_uids(), [1, 2]);
    // The configuration refuses what POP3 can't do; nothing is deleted in its place.
    world.settle().done = SettleAction::Flag;
    assert!(settle_kept(&world.looking()).await.unwrap().is_empty());
    assert_eq!(world.memory.settled_uids(), [1, 2, 3]);
}

#[tokio::test]
async fn a_session_deletes_a_thousand_and_says_that_there_may_be_more() {
    let world = world();
    let uids: Vec<u32> = (1..=1_100).collect();
    world.memory.due(MAILDROP, &uids, MailOutcome::Done);
    let mut found = MaildropPlan {
        there: uids.iter().map(|uid| (*uid, read(*uid))).collect(),
        ..MaildropPlan::default()
    };
    let deletes: String = (1..=1_000).map(|n| format!("L: DELE {n}\nS: +OK\n")).collect();
    let (settled, more) = left(
        &world,
        &mut found,
        &format!("{deletes}L: STAT\nS: +OK 100 9\nL: QUIT\nS: +OK"),
    )
    .await;
    assert!(more.unwrap());
    assert_eq!(settled, uids[..1_000]);
}

fn header(text: &str) -> String {
    format!("Message-ID: <{text}>")
}

/// The mail that the ledger has as number 1, of which this was read.
fn taken(text: &str, read: &[u8]) -> MaildropPlan {
    let print = Fingerprint {
        header_key: header_key(header(text).as_bytes()).filter(|_| !text.is_empty()),
        sha256: Some(Sha256::digest(read).into()),
    };
    let mut known = KnownMail {
        print,
        proof: VerifiedExtent::None,
        ..self::read(4)
    };
    known.name.uidl = "1717171717.4".into();
    MaildropPlan {
        there: [(1, known)].into(),
        ..MaildropPlan::default()
    }
}

/// What was not read in this session is compared before it's deleted, by its header or as a whole; another mail stays.
#[tokio::test]
async fn what_was_read_in_another_session_is_compared_first() {
    let shows = |text: &str| format!("L: TOP 4 0\nS: +OK\nS: {}\nS:\nS: .\n", header(text));
    let dele = "L: DELE 4\nS: +OK\nL: STAT\nS: +OK 0 0\n";
    let text = |text: &str| format!("L: RETR 4\nS: +OK\nS: {text}\nS: .\n");
    for (found, script, settled, look) in [
        (taken("a", b""), shows("a") + dele, true, false),
        // The id is another mail's now: ours is gone, and that one is looked at.
        (taken("a", b""), shows("b"), true, true),
        // Without TOP, or a Message-ID, all of it is read.
        (
            taken("a", b"text\r\n"),
            format!("L: TOP 4 0\nS: -ERR what?\n{}{dele}", text("text")),
            true,
            false,
        ),
        (taken("", b"text\r\n"), text("text") + dele, true, false),
        (taken("", b"text\r\n"), text("test"), true, true),
        // The server shows nothing: nothing is said of the mail.
        (
            taken("", b"text\r\n"),
            "L: RETR 4\nS: -ERR no\n".to_owned(),
            false,
            false,
        ),
    ] {
        let world = world();
        world.memory.due(MAILDROP, &[1], MailOutcome::Done);
        let mut found = found;
        let (stream, server) = script::play(&format!("{script}L: QUIT\nS: +OK"));
        let stream: Box<dyn Io> = Box::new(stream);
        let left = leave(
            Pop3Connection::new(stream),
            &world.looking(),
            &mut found,
            &mut Checks::default(),
        )
        .await;
        server.finished().await;
        assert_eq!(left.unwrap().look, look, "{script}");
        assert_eq!(world.memory.settled_uids() == [1], settled, "{script}");
    }
}

/// Where ids may come again by chance, a header is not enough: all of the mail is read, also where its header was compared before.
#[tokio::test]
async fn what_has_a_weak_id_is_read_as_a_whole_before_it_is_deleted() {
    let mail = |text: &str| format!("{}\r\n\r\n{text}\r\n", header("a"));
    let retr = |text: &str| format!("L: RETR 4\nS: +OK\nS: {}\nS:\nS: {text}\nS: .\n", header("a"));
    let dele = "L: DELE 4\nS: +OK\nL: STAT\nS: +OK 0 0\n";
    for proof in [VerifiedExtent::None, VerifiedExtent::Header] {
        for (script, gone, look, unsettled) in [
            (retr("text") + dele, true, false, None),
            // The same header, the same size, another text: ours is gone, and that one is looked at.
            (retr("test"), true, true, None),
            (
                "L: RETR 4\nS: -ERR no\n".to_owned(),
                false,
                false,
                Some("can't be compared"),
            ),
            (retr("text") + "L: DELE 4\nS: -ERR no\n", false, false, Some("-ERR no")),
        ] {
            let world = world();
            world.memory.due(MAILDROP, &[1], MailOutcome::Done);
            let mut found = taken("a", mail("text").as_bytes());
            let known = found.there.get_mut(&1).unwrap();
            (known.name.uidl, known.proof) = ("4".into(), proof);
            let (stream, server) = script::play(&format!("{script}L: QUIT\nS: +OK"));
            let stream: Box<dyn Io> = Box::new(stream);
            let left = leave(
                Pop3Connection::new(stream),
                &world.looking(),
                &mut found,
                &mut Checks::default(),
            )
            .await;
            server.finished().await;
            assert_eq!(left.unwrap().look, look, "{script}");
            assert_eq!(world.memory.settled_uids() == [1], gone, "{script}");
            let state = world.health.state();
            assert_eq!(state.ids_again, u64::from(look), "{script}");
            assert_eq!(
                state.unsettled.as_ref().map(|unsettled| unsettled.mails),
                unsettled.map(|_| 1)
            );
            let why = state.unsettled.map(|unsettled| unsettled.why).unwrap_or_default();
            assert!(why.contains(unsettled.unwrap_or("")), "{script}: {why}");
        }
    }
}

/// Three mails of one name, of which one was done: each is read, and that one is deleted.
#[tokio::test]
async fn of_mails_of_one_name_only_the_one_that_was_done_is_deleted() {
    let world = world();
    world.memory.due(MAILDROP, &[1], MailOutcome::Done);
    let print = Fingerprint {
        header_key: None,
        sha256: Some(Sha256::digest(b"two\r\n").into()),
    };
    let mut found = MaildropPlan {
        namesakes: vec![Namesakes {
            name: read(1).name,
            numbers: vec![1, 2, 3],
            known: vec![(1, print)],
        }],
        ..MaildropPlan::default()
    };
    let delivers = |number, text: &str| format!("L: RETR {number}\nS: +OK\nS: {text}\nS: .\n");
    let reads = delivers(1, "one") + &delivers(2, "two") + &delivers(3, "three");
    let script = format!("{reads}L: DELE 2\nS: +OK\nL: STAT\nS: +OK 2 9\nL: QUIT\nS: +OK");
    let (uids, _) = left(&world, &mut found, &script).await;
    assert_eq!(uids, [1]);
    let new: Vec<_> = found.new.iter().map(|mail| mail.number).collect();
    assert_eq!(new, [1, 3]);
}
