//! Batches and counted looks, by scripts.

use std::time::Duration;

use tokio::time::sleep;

use super::Watcher;
use crate::{
    config::{self, Looks},
    ledger::Verdict,
    watch::{
        fakes::endpoint,
        watcher::world::{Running, idle, script, start_with},
    },
};

fn start(watch: config::Watch, looks: Looks, scripts: &[&str]) -> Running {
    let mut endpoint = endpoint(watch);
    endpoint.mailbox.looks = looks;
    let run = |watch, door| tokio::spawn(Watcher::new(watch, Box::new(door)).run());
    start_with(endpoint, scripts, run)
}

fn batch(batch: usize) -> Looks {
    Looks {
        batch: Some(batch),
        ..Looks::default()
    }
}

const TWO_OF_THREE: &str = "S: * OK [UIDNEXT 8] .
    S: $ OK
    C: UID FETCH 5:* (UID RFC822.SIZE)
    S: * 5 FETCH (UID 5 RFC822.SIZE 4)
    S: * 7 FETCH (UID 7 RFC822.SIZE 4)
    S: * 6 FETCH (UID 6 RFC822.SIZE 4)
    S: $ OK
    C: UID FETCH 5:6 (UID INTERNALDATE BODY.PEEK[]<0.262144>)
    S: * 5 FETCH (UID 5 BODY[]<0> \"five\")
    S: * 6 FETCH (UID 6 BODY[]<0> \"six!\")
    S: $ OK
    C: NOOP
    S: $ OK
    C: UID FETCH 7:* (UID RFC822.SIZE)
    S: * 7 FETCH (UID 7 RFC822.SIZE 4)
    S: $ OK
    C: UID FETCH 7 (UID INTERNALDATE BODY.PEEK[]<0.262144>)
    S: * 7 FETCH (UID 7 BODY[]<0> \"seven\")
    S: $ OK";

#[tokio::test(start_paused = true)]
async fn who_looks_at_times_takes_a_batch_each_time() {
    let every = config::Watch::Every(Duration::from_secs(60));
    let running = start(every, batch(2), &[&script(TWO_OF_THREE)]);
    running.has(&[5, 6]).await;
    assert!(running.begun.elapsed() < Duration::from_secs(1));
    running.has(&[5, 6, 7]).await;
    let elapsed = running.begun.elapsed();
    assert!(
        elapsed >= Duration::from_secs(60) && elapsed < Duration::from_secs(62),
        "{elapsed:?}"
    );
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_told_of_mail_takes_the_rest_at_once() {
    let rest = format!("{TWO_OF_THREE}\nC: IDLE\nS: + idling");
    let running = start(idle(), batch(2), &[&script(&rest)]);
    running.has(&[5, 6, 7]).await;
    assert!(running.begun.elapsed() < Duration::from_secs(1));
    sleep(Duration::from_secs(1)).await;
    running.stopped().await;
}

/// After so many looks the mailbox is opened for last touches only.
#[tokio::test(start_paused = true)]
async fn looks_that_were_counted_come_to_an_end() {
    let looks = Looks {
        repeat: Some(1),
        ..Looks::default()
    };
    let first = "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID FETCH 5:* (UID INTERNALDATE BODY.PEEK[]<0.262144>)
        S: * 5 FETCH (UID 5 BODY[]<0> \"mail\")
        S: $ OK";
    let second = "S: * OK [UIDNEXT 7] .
        S: $ OK
        C: UID MOVE 5 \"Processed\"
        S: $ OK";
    for watch in [idle(), config::Watch::Every(Duration::from_secs(10))] {
        let running = start(watch, looks.clone(), &[&script(first), &script(second)]);
        running.has(&[5]).await;
        sleep(Duration::from_secs(24 * 3600)).await;
        assert_eq!(running.servers.lock().unwrap().len(), 1, "nobody looks any more");
        running.memory.due(7, &[5], Verdict::Done);
        running
            .until("the mail is settled", |this| this.memory.settled_uids() == [5])
            .await;
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(running.memory.uids(), [5], "the one with UID 6 is left alone");
        running.stopped().await;
    }
}

/// At the first look ever.
#[tokio::test(start_paused = true)]
async fn a_backlog_is_left_where_that_is_said() {
    let looks = Looks {
        backlog: Some(config::Backlog::Skip),
        ..Looks::default()
    };
    let rest = "S: $ OK
        C: UID FETCH 1:* (UID RFC822.SIZE)
        S: * 1 FETCH (UID 3 RFC822.SIZE 4)
        S: * 2 FETCH (UID 9 RFC822.SIZE 4)
        S: $ OK
        C: NOOP
        S: $ OK
        C: UID FETCH 10:* (UID RFC822.SIZE)
        S: * 2 FETCH (UID 9 RFC822.SIZE 4)
        S: $ OK
        C: IDLE
        S: + idling";
    let running = start(idle(), looks, &[&script(rest)]);
    running.memory.state.lock().unwrap().cursor = None;
    running
        .until("the mailbox counts as read", |this| {
            this.memory.cursor_now().is_some_and(|cursor| cursor.uid_next == 10) && this.health.state().connected
        })
        .await;
    assert!(running.memory.uids().is_empty());
    running.stopped().await;
}

/// And after it was renumbered, when what was left can't be told from what is new.
#[tokio::test(start_paused = true)]
async fn nothing_is_taken_unasked() {
    let skip = Looks {
        backlog: Some(config::Backlog::Skip),
        ..Looks::default()
    };
    let limit = Looks {
        backlog_limit: 3,
        ..Looks::default()
    };
    for (looks, validity, words) in [
        (limit, None, "4 mails lay in this mailbox"),
        (skip, Some(6), "new numbers"),
    ] {
        let one = script("S: * OK [UIDNEXT 5] .\nS: $ OK");
        let running = start(idle(), looks, &[&one, &one]);
        let cursor = validity.map(|uid_validity| crate::ledger::Cursor {
            uid_validity,
            uid_next: 5,
        });
        running.memory.state.lock().unwrap().cursor = cursor;
        let held = |this: &Running| {
            this.health
                .state()
                .trouble
                .is_some_and(|trouble| trouble.contains(words))
        };
        running.until("it is held, and says so", held).await;
        running
            .until("it is asked again", |this| this.servers.lock().unwrap().len() == 2)
            .await;
        assert_eq!((running.memory.uids(), running.memory.cursor_now()), (vec![], cursor));
        running.stopped().await;
    }
}
