//! Batches and counted looks, by scripts.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    config::{self, Polling},
    ledger::MailOutcome,
    watch::{
        by_imap,
        fakes::endpoint,
        watcher::world::{Running, idle, script, start_with},
    },
};

fn start(watch: config::WatchMode, looks: Polling, scripts: &[&str]) -> Running {
    let mut endpoint = endpoint(watch);
    endpoint.mailbox.looks = looks;
    let run = |watch, door| tokio::spawn(by_imap::watcher(watch, Box::new(door)).run());
    start_with(endpoint, scripts, run)
}

fn batch(batch: usize) -> Polling {
    Polling {
        batch: Some(batch),
        ..Polling::default()
    }
}

const TWO_OF_THREE: &str = "S: * OK [UIDNEXT 8] .
    S: $ OK
    C: UID FETCH 5:* (UID RFC822.SIZE)
    S: * 5 FETCH (UID 5 RFC822.SIZE 4)
    S: * 7 FETCH (UID 7 RFC822.SIZE 4)
    S: * 6 FETCH (UID 6 RFC822.SIZE 4)
    S: $ OK
    C: UID FETCH 5:6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)
    S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"five\")
    S: * 6 FETCH (UID 6 RFC822.SIZE 4 BODY[]<0> \"six!\")
    S: $ OK
    C: NOOP
    S: $ OK
    C: UID FETCH 7:* (UID RFC822.SIZE)
    S: * 7 FETCH (UID 7 RFC822.SIZE 4)
    S: $ OK
    C: UID FETCH 7 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)
    S: * 7 FETCH (UID 7 RFC822.SIZE 5 BODY[]<0> \"seven\")
    S: $ OK";

#[tokio::test(start_paused = true)]
async fn who_looks_at_times_takes_a_batch_each_time() {
    let every = config::WatchMode::Every(Duration::from_secs(60));
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
    let looks = Polling {
        repeat: Some(1),
        ..Polling::default()
    };
    let first = "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID FETCH 5:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)
        S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
        S: $ OK";
    let second = "S: * OK [UIDNEXT 7] .
        S: $ OK
        C: UID MOVE 5 \"Processed\"
        S: * 1 EXPUNGE
        S: $ OK";
    for watch in [idle(), config::WatchMode::Every(Duration::from_secs(10))] {
        let running = start(watch, looks.clone(), &[&script(first), &script(second)]);
        running.has(&[5]).await;
        sleep(Duration::from_secs(24 * 3600)).await;
        assert_eq!(running.servers.lock().unwrap().len(), 1, "nobody looks any more");
        running.memory.due(7, &[5], MailOutcome::Done);
        running
            .until("the mail is settled", |this| this.memory.settled_uids() == [5])
            .await;
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(running.memory.uids(), [5], "the one with UID 6 is left alone");
        running.stopped().await;
    }
}

/// What the server refuses is tried again when its own time has come, with a session of its own, and not only at the next look.
#[tokio::test(start_paused = true)]
async fn a_refused_touch_wakes_a_mailbox_that_is_seldom_looked_at() {
    // The second try comes within a minute, while the session is kept.
    let refused = "S: * OK [UIDNEXT 5] .
        S: $ OK
        C: UID MOVE 4 \"Processed\"
        S: $ NO [OVERQUOTA] no room
        C: UID FETCH 4 (UID)
        S: * 1 FETCH (UID 4)
        S: $ OK
        C: UID MOVE 4 \"Processed\"
        S: $ NO [OVERQUOTA] no room
        C: UID FETCH 4 (UID)
        S: * 1 FETCH (UID 4)
        S: $ OK";
    let moved = "S: * OK [UIDNEXT 5] .
        S: $ OK
        C: UID MOVE 4 \"Processed\"
        S: * 1 EXPUNGE
        S: $ OK";
    let day = config::WatchMode::Every(Duration::from_secs(24 * 3600));
    let running = start(day, Polling::default(), &[&script(refused), &script(moved)]);
    running.memory.due(7, &[4], MailOutcome::Done);
    running
        .until("it is told", |this| this.health.state().unsettled.is_some())
        .await;
    running
        .until("it is moved", |this| this.memory.settled_uids() == [4])
        .await;
    assert!(
        running.begun.elapsed() < Duration::from_secs(600),
        "{:?}",
        running.begun.elapsed()
    );
    assert_eq!(running.health.state().unsettled.map(|unsettled| unsettled.mails), None);
    running.stopped().await;
}

/// At the first look ever: everything is left, and each mail is remembered.
#[tokio::test(start_paused = true)]
async fn what_lay_there_is_left_unless_somebody_says_otherwise() {
    let skip = Polling {
        backlog: Some(config::Backlog::Skip),
        ..Polling::default()
    };
    let none = "C: STATUS \"Processed\" (MESSAGES)
        S: $ NO no such mailbox
        C: STATUS \"INBOX.Processed\" (MESSAGES)
        S: * STATUS \"INBOX.Processed\" (MESSAGES 0)
        S: $ OK
        C: STATUS \"INBOX/Processed\" (MESSAGES)
        S: $ NO";
    let rest = "C: UID FETCH 1:* (UID RFC822.SIZE)
        S: * 1 FETCH (UID 3 RFC822.SIZE 4)
        S: * 2 FETCH (UID 9 RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE)
        S: * 1 FETCH (UID 3 RFC822.SIZE 4)
        S: * 2 FETCH (UID 9 INTERNALDATE \" 1-Nov-2026 08:00:00 +0000\" RFC822.SIZE 4)
        S: * 3 FETCH (UID 10 RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 3,9 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)])
        S: * 1 FETCH (UID 3 BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)] \"Subject: three\")
        S: * 2 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)] {0}
        S:  UID 9)
        S: $ OK
        C: NOOP
        S: $ OK
        C: UID FETCH 10:* (UID RFC822.SIZE)
        S: * 2 FETCH (UID 9 RFC822.SIZE 4)
        S: $ OK
        C: IDLE
        S: + idling";
    for (looks, ask) in [(skip, ""), (Polling::default(), none)] {
        let running = start(idle(), looks, &[&script(&format!("S: $ OK\n{ask}\n{rest}"))]);
        running.memory.state.lock().unwrap().cursor = None;
        running
            .until("the mailbox counts as read", |this| {
                this.memory.cursor_now().is_some_and(|cursor| cursor.uid_next == 10) && this.health.state().connected
            })
            .await;
        assert!(running.memory.uids().is_empty());
        assert_eq!(running.health.state().left, 2);
        let old = running.memory.state.lock().unwrap().old.clone();
        let told: Vec<_> = old
            .iter()
            .map(|mail| {
                (
                    mail.uid,
                    mail.subject.as_str(),
                    mail.received.is_some(),
                    mail.key.is_some(),
                )
            })
            .collect();
        assert_eq!(told, [(9, "", true, false), (3, "three", false, true)]);
        running.stopped().await;
    }
}

/// What came while the mailbox could not be opened for the first time is taken, what lay there before is left.
#[tokio::test(start_paused = true)]
async fn what_came_since_the_first_try_is_taken_at_the_first_look() {
    let ago = |minutes| chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
    let internal = |minutes| ago(minutes).format("%d-%b-%Y %H:%M:%S +0000").to_string();
    let header = |uid: u32, minutes| {
        let date = ago(minutes).to_rfc2822();
        format!("S: * {uid} FETCH (UID {uid} BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)] \"Date: {date}\")")
    };
    // It was tried half an hour ago.
    let text = format!(
        "S: * OK [UIDNEXT 10] .
        S: $ OK
        C: UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE)
        S: * 3 FETCH (UID 3 INTERNALDATE \"{}\" RFC822.SIZE 4)
        S: * 9 FETCH (UID 9 INTERNALDATE \"{}\" RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 3,9 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)])
        {}
        {}
        S: $ OK
        C: *",
        internal(40),
        internal(10),
        header(3, 41),
        header(9, 11),
    );
    let skip = Polling {
        backlog: Some(config::Backlog::Skip),
        ..Polling::default()
    };
    let running = start(idle(), skip, &[&script(&text)]);
    {
        let mut state = running.memory.state.lock().unwrap();
        (state.cursor, state.begun) = (None, Some(ago(30)));
    }
    running
        .until("the newer one is wanted", |this| {
            this.memory.state.lock().unwrap().old_wanted == [9]
        })
        .await;
    let left: Vec<_> = running
        .memory
        .state
        .lock()
        .unwrap()
        .old
        .iter()
        .map(|mail| mail.uid)
        .collect();
    assert_eq!(left, [3]);
    running.stopped().await;
}

/// A server that gives no headers, or a session that ends over them, keeps nothing from being left.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_listed_is_left_all_the_same() {
    let refused = "S: * OK [UIDNEXT 10] .
        S: $ OK
        C: UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE)
        S: * 1 FETCH (UID 3 RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 3 *
        S: $ BAD what is that
        C: IDLE
        S: + idling";
    let skip = Polling {
        backlog: Some(config::Backlog::Skip),
        ..Polling::default()
    };
    let running = start(idle(), skip, &[&script(refused)]);
    running.memory.state.lock().unwrap().cursor = None;
    running.until("one is left", |this| this.health.state().left == 1).await;
    running
        .until("it goes on", |this| this.health.state().looked.is_some())
        .await;
    assert!(running.memory.uids().is_empty());
    running.stopped().await;
}

/// What an operator wants of it comes by its UID, from behind the cursor, which stays.
#[tokio::test(start_paused = true)]
async fn what_is_wanted_is_taken_from_behind_the_cursor() {
    let rest = "S: * OK [UIDNEXT 5] .
        S: $ OK
        C: UID FETCH 2:3 (UID RFC822.SIZE)
        S: * 2 FETCH (UID 3 RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 3 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)
        S: * 2 FETCH (UID 3 RFC822.SIZE 4 BODY[]<0> \"old!\")
        S: $ OK
        C: IDLE
        S: + idling";
    let running = start(idle(), Polling::default(), &[&script(rest)]);
    running.memory.state.lock().unwrap().old_wanted = vec![2, 3];
    running.has(&[3]).await;
    running
        .until("nothing is wanted any more", |this| {
            this.memory.state.lock().unwrap().old_wanted.is_empty()
        })
        .await;
    assert_eq!(running.memory.cursor_now().unwrap().uid_next, 5);
    running.stopped().await;
}

/// After it was renumbered all of it is listed again, and the ledger says what is new.
#[tokio::test(start_paused = true)]
async fn a_renumbered_mailbox_is_sorted_anew() {
    let rest = "S: * OK [UIDNEXT 3] .
        S: $ OK
        C: UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE)
        S: * 1 FETCH (UID 1 RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 1 (UID BODY.PEEK*
        S: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (DATE)] \"Subject: one\")
        S: $ OK
        C: IDLE
        S: + idling";
    let running = start(idle(), Polling::default(), &[&script(rest)]);
    {
        let mut state = running.memory.state.lock().unwrap();
        state.cursor = Some(crate::ledger::Cursor {
            uid_validity: 6,
            uid_next: 900,
        });
        state.backlog = Some(crate::ledger::BacklogSummary {
            listed: true,
            ..Default::default()
        });
    }
    running
        .until("it is listed", |this| this.health.state().left == 1)
        .await;
    let cursor = running.memory.cursor_now().unwrap();
    assert_eq!((cursor.uid_validity, cursor.uid_next), (7, 3));
    assert!(running.memory.uids().is_empty());
    running.stopped().await;
}

/// A ledger that is new where mails were done before, and one of before that does not know what was left.
#[tokio::test(start_paused = true)]
async fn nothing_is_taken_unasked() {
    let skip = Polling {
        backlog: Some(config::Backlog::Skip),
        ..Polling::default()
    };
    let lost = "S: $ OK
        C: STATUS \"Processed\" (MESSAGES)
        S: * STATUS Processed (MESSAGES 3)
        S: $ OK";
    for (looks, validity, script, words) in [
        (Polling::default(), None, self::script(lost), "\"Processed\" has 3"),
        (
            skip,
            Some(6),
            self::script("S: * OK [UIDNEXT 5] .\nS: $ OK"),
            "new numbers",
        ),
    ] {
        let running = start(idle(), looks, &[&script, &script]);
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
        // Whoever decides need not wait.
        running.memory.bell.notify_one();
        running
            .until("it is asked again", |this| this.servers.lock().unwrap().len() == 2)
            .await;
        assert_eq!((running.memory.uids(), running.memory.cursor_now()), (vec![], cursor));
        running.stopped().await;
    }
}
