use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    SessionPurpose,
    world::{OPEN, idle, script, start, start_with},
};
use crate::{
    config,
    ledger::{Cursor, MailOutcome as Ending},
    watch::{
        Watch, by_imap,
        fakes::{Scripts, endpoint},
        pop3, run,
    },
};

#[tokio::test(start_paused = true)]
async fn a_mail_is_taken_when_it_comes_and_settled_when_its_work_is_over() {
    let watch = start(
        idle(),
        &[&script(
            "S: * OK [UIDNEXT 5] .
            S: $ OK
            C: IDLE
            S: + idling
            WAIT 2
            S: * 5 EXISTS
            L: DONE
            S: $ OK
            C: UID FETCH 5:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)
            S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
            S: $ OK
            C: IDLE
            S: + idling
            L: DONE
            S: $ OK
            C: UID MOVE 5 \"Processed\"
            S: * 5 EXPUNGE
            S: $ OK
            C: IDLE
            S: + idling",
        )],
    );
    watch.has(&[5]).await;
    watch
        .until("it is healthy", |this| {
            this.health.state().connected && this.health.state().trouble.is_none()
        })
        .await;
    watch.memory.due(7, &[5], Ending::Done);
    watch
        .until("the mail is settled", |this| this.memory.settled_uids() == [5])
        .await;
    assert!(
        watch.begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        watch.begun.elapsed()
    );
    watch.stopped().await;
}

/// And a NOOP that finds what IDLE did not tell.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_pushing_is_asked() {
    let watch = start(
        idle(),
        &[&script(
            "S: * OK [UIDNEXT 5] .
            S: $ OK
            C: IDLE
            S: + idling
            L: DONE
            S: $ OK
            C: NOOP
            S: * 5 EXISTS
            S: $ OK
            C: UID FETCH 5:* (UID RFC822.SIZE)
            S: * 5 FETCH (UID 5 RFC822.SIZE 4)
            S: $ OK
            C: UID FETCH 5 *
            S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
            S: $ OK
            C: IDLE
            S: + idling",
        )],
    );
    watch.has(&[5]).await;
    let looked = watch.begun.elapsed().as_secs();
    assert!((180..182).contains(&looked), "{looked}");
    watch.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn refused_idle_becomes_polling() {
    let watch = start(
        idle(),
        &[&script(
            "S: * OK [UIDNEXT 5] .
            S: $ OK
            C: IDLE
            S: $ BAD
            C: NOOP
            S: * 5 EXISTS
            S: $ OK
            C: UID FETCH 5:* (UID RFC822.SIZE)
            S: * 5 FETCH (UID 5 RFC822.SIZE 4)
            S: $ OK
            C: UID FETCH 5 *
            S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
            S: $ OK",
        )],
    );
    watch.has(&[5]).await;
    let looked = watch.begun.elapsed().as_secs();
    assert!((10..12).contains(&looked), "{looked}");
    watch.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_seldom_look_needs_no_session_in_between() {
    let once = |exists: u32| {
        script(&format!(
            "S: * OK [UIDNEXT {exists}] .
            S: $ OK"
        ))
    };
    let first = once(5);
    let second = script(
        "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID FETCH 5:* *
        S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
        S: $ OK",
    );
    let third = script(
        "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID MOVE 5 *
        S: * 1 EXPUNGE
        S: $ OK",
    );
    let watch = start(
        config::WatchMode::Every(Duration::from_secs(3600)),
        &[&first, &second, &third],
    );
    watch.has(&[5]).await;
    let looked = watch.begun.elapsed().as_secs();
    assert!((3600..3670).contains(&looked), "{looked}");
    // The session lingers for a minute, and then the bell opens a new one.
    sleep(Duration::from_secs(100)).await;
    watch.memory.due(7, &[5], Ending::Done);
    watch
        .until("the mail is settled", |this| this.memory.settled_uids() == [5])
        .await;
    watch.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_renumbered_mailbox_is_listed_and_nothing_is_taken_twice() {
    let open = OPEN.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
    let mails = "C: UID FETCH 1:3 *
        S: * 1 FETCH (UID 1 RFC822.SIZE 9 BODY[]<0> \"known one\")
        S: * 2 FETCH (UID 2 RFC822.SIZE 3 BODY[]<0> \"new\")
        S: * 3 FETCH (UID 3 RFC822.SIZE 9 BODY[]<0> \"known two\")
        S: $ OK";
    let list = "C: UID FETCH 1:* (UID RFC822.SIZE)
        S: * 1 FETCH (UID 1 RFC822.SIZE 9)
        S: * 2 FETCH (UID 2 RFC822.SIZE 3)
        S: * 3 FETCH (UID 3 RFC822.SIZE 9)
        S: $ OK";
    let known = script(
        "S: * OK [UIDNEXT 7] .
        S: $ OK
        C: UID FETCH 5:* *
        S: * 1 FETCH (UID 5 RFC822.SIZE 9 BODY[]<0> \"known one\")
        S: * 2 FETCH (UID 6 RFC822.SIZE 9 BODY[]<0> \"known two\")
        S: $ OK
        C: IDLE
        EOF",
    );
    let changed = format!("{open}\nS: $ OK\nC: NOOP\nS: $ OK\n{list}\n{mails}\nC: IDLE\nS: + idling");
    let watch = start(idle(), &[&known, &changed]);
    watch.has(&[5, 6, 2]).await;
    watch
        .until("the cursor is in the new validity", |this| {
            this.memory.cursor_now()
                == Some(Cursor {
                    uid_validity: 8,
                    uid_next: 4,
                })
        })
        .await;
    watch.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_nobody() {
    for script in [
        "",
        "S: * OK ready",
        &script(""),
        &script("S: * OK [UIDNEXT 6] .\nS: $ OK\nC: UID FETCH *"),
    ] {
        let watch = start(idle(), &[script]);
        sleep(Duration::from_secs(5)).await;
        let asked = Instant::now();
        watch.stop.cancel();
        watch.task.await.unwrap();
        assert!(asked.elapsed() < Duration::from_millis(100), "{script}");
    }
}

/// What a mailbox takes for its loop: what waits is in no other box than these, but for the wait itself.
#[tokio::test]
async fn a_waiting_session_is_small() {
    fn size<T>(_: impl FnOnce(Watch) -> T) -> usize {
        size_of::<T>()
    }
    let outer = size(run);
    let by_imap = size(|watch| by_imap::watcher(watch, Box::new(Scripts::new(&[]))).run());
    let by_pop3 = size(|watch| pop3::watcher(watch, Box::new(Scripts::new(&[]))).run());
    assert!(
        outer < 640 && by_imap < 2048 && by_pop3 < 2560,
        "{outer}, {by_imap}, {by_pop3} bytes"
    );
    start_with(endpoint(idle()), &[], |watch, door| {
        let mut watcher = by_imap::watcher(watch, Box::new(door));
        let session = size_of_val(&watcher.session(SessionPurpose::Look));
        assert!(session < 3072, "{session} bytes");
        tokio::spawn(async {})
    });
}
