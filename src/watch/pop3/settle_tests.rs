use super::*;
use crate::{
    config::Settle,
    ledger::Verdict,
    watch::{fakes::World, imap::Io, script},
};

/// Mails 1, 2 and 3 of the ledger are the server's 4, 5 and its copy 6; 3 is not there.
fn found() -> Found {
    Found {
        there: [(1, vec![4]), (2, vec![5, 6])].into(),
        ..Found::default()
    }
}

fn world() -> World {
    let mut world = World::new();
    *world.settle() = Settle {
        done: Fate::Delete,
        failed: Fate::Keep,
        ignored: Fate::Keep,
        refused: Fate::Keep,
    };
    world
}

/// Leaves by this script; gives back the mails whose last touch was noted.
async fn left(world: &World, found: &Found, script: &str) -> (Vec<u32>, Result<bool, Error>) {
    let (stream, server) = script::play(script);
    let stream: Box<dyn Io> = Box::new(stream);
    let left = leave(Wire::new(stream), &world.looking(), found).await;
    server.finished().await;
    let mut uids = world.memory.settled_uids();
    uids.sort_unstable();
    (uids, left)
}

#[tokio::test]
async fn done_mails_are_deleted_with_their_copies_and_noted_after_the_end() {
    let world = world();
    world.memory.due(MAILDROP, &[1, 2, 3], Verdict::Done);
    world.memory.due(MAILDROP, &[7], Verdict::Failed);
    let script = "L: DELE 4\nS: +OK\nL: DELE 5\nS: +OK\nL: DELE 6\nS: +OK\nL: QUIT\nS: +OK bye";
    let (uids, left) = left(&world, &found(), script).await;
    assert!(!left.unwrap());
    assert_eq!(uids, [1, 2, 3, 7], "one was gone already, one is kept");
}

#[tokio::test]
async fn nothing_is_noted_when_the_end_was_not_reached() {
    let marked = "L: DELE 4\nS: +OK\nL: DELE 5\nS: +OK\nL: DELE 6\nS: +OK\n";
    for end in [
        "EOF",
        "L: QUIT\nEOF",
        "L: QUIT\nS: -ERR some deleted messages not removed",
    ] {
        let world = world();
        world.memory.due(MAILDROP, &[1, 2, 3], Verdict::Done);
        let (uids, left) = left(&world, &found(), &format!("{marked}{end}")).await;
        assert!(left.is_err(), "{end}");
        assert_eq!(uids, [0; 0], "{end}");
    }
}

#[tokio::test]
async fn a_refused_deletion_does_not_keep_the_others() {
    let world = world();
    world.memory.due(MAILDROP, &[1, 2], Verdict::Done);
    let script = "L: DELE 4\nS: -ERR no\nL: DELE 5\nS: +OK\nL: DELE 6\nS: +OK\nL: QUIT\nS: +OK";
    let (uids, left) = left(&world, &found(), script).await;
    assert!(!left.unwrap());
    assert_eq!(uids, [2]);
}

#[tokio::test]
async fn what_was_not_listed_may_still_be_there() {
    let world = world();
    world.memory.due(MAILDROP, &[3], Verdict::Done);
    let cut = Found { cut: true, ..found() };
    let (uids, left) = left(&world, &cut, "L: QUIT\nS: +OK").await;
    assert!(!left.unwrap());
    assert_eq!(uids, [0; 0]);
}

#[tokio::test]
async fn mails_that_are_kept_need_no_session() {
    let mut world = world();
    world.memory.due(MAILDROP, &[1, 2], Verdict::Failed);
    world.memory.due(MAILDROP, &[3], Verdict::Done);
    let deleted = settle_kept(&world.looking()).await.unwrap();
    let deleted: Vec<_> = deleted.iter().map(|mail| mail.place.uid).collect();
    assert_eq!(deleted, [3]);
    assert_eq!(world.memory.settled_uids(), [1, 2]);
    // The configuration refuses what POP3 can't do; nothing is deleted in its place.
    world.settle().done = Fate::Flag;
    assert!(settle_kept(&world.looking()).await.unwrap().is_empty());
    assert_eq!(world.memory.settled_uids(), [1, 2, 3]);
}

#[tokio::test]
async fn a_session_deletes_a_thousand_and_says_that_there_may_be_more() {
    let world = world();
    let uids: Vec<u32> = (1..=1_100).collect();
    world.memory.due(MAILDROP, &uids, Verdict::Done);
    let found = Found {
        there: uids.iter().map(|uid| (*uid, vec![*uid])).collect(),
        ..Found::default()
    };
    let deletes: String = (1..=1_000).map(|n| format!("L: DELE {n}\nS: +OK\n")).collect();
    let (settled, more) = left(&world, &found, &format!("{deletes}L: QUIT\nS: +OK")).await;
    assert!(more.unwrap());
    assert_eq!(settled, uids[..1_000]);
}
