use tokio::time::sleep;

use super::{
    world::{IN, IN_STEP, OPEN, QUIT, connections, deletes, delivers, every, lists, session, settled, start},
    *,
};
use crate::{
    config::{Backlog, Polling, ReadBy, Settle},
    job::Reason,
    ledger::{Content, Lack, MAILDROP, MailOutcome},
    watch::{
        fakes::{self, Scripts},
        watcher::world::{Running, start_with},
    },
};

#[tokio::test(start_paused = true)]
async fn a_mail_is_taken_once_and_deleted_when_its_work_is_over() {
    let running = start(
        every(60),
        &[
            &session(&["a", "b"], &(delivers(1, "a") + &delivers(2, "b"))),
            &session(&["a", "b"], ""),
            &session(&["a", "b"], &deletes(1, "a")),
            &session(&["b", "c"], &delivers(2, "c")),
        ],
    );
    running.has(&[1, 2]).await;
    connections(&running, 2).await;
    assert!(
        running.begun.elapsed() >= Duration::from_secs(60),
        "there is no session in between"
    );
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
    running.until("the first is settled", |this| settled(this) == [1]).await;
    running.has(&[1, 2, 3]).await;
    assert!(running.health.state().connected);
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn deletions_are_gathered_and_kept_mails_need_no_session() {
    let running = start(
        every(3600),
        &[
            &session(
                &["a", "b", "c"],
                &(1..=3).map(|n| delivers(n, &n.to_string())).collect::<String>(),
            ),
            &session(&["a", "b", "c"], &(deletes(1, "1") + &deletes(3, "3"))),
        ],
    );
    running.has(&[1, 2, 3]).await;
    running.memory.due(MAILDROP, &[2], MailOutcome::Failed);
    running
        .until("the second is settled", |this| settled(this) == [2])
        .await;
    assert_eq!(running.servers.lock().unwrap().len(), 1);
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
    sleep(Pop3::GATHER / 2).await;
    running.memory.due(MAILDROP, &[3], MailOutcome::Done);
    running
        .until("all are settled", |this| settled(this) == [1, 2, 3])
        .await;
    assert_eq!(running.servers.lock().unwrap().len(), 2);
    assert!(running.begun.elapsed() < Duration::from_secs(60));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_comes_in_portions_at_once() {
    let ids: Vec<String> = (1..=130).map(|n| format!("id{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let delivered =
        |numbers: std::ops::RangeInclusive<u32>| numbers.map(|n| delivers(n, &n.to_string())).collect::<String>();
    let running = start(
        every(3600),
        &[
            &session(&ids, &delivered(1..=100)),
            &session(&ids, &delivered(101..=130)),
        ],
    );
    running.has(&(1..=130).collect::<Vec<_>>()).await;
    assert!(running.begun.elapsed() < Duration::from_secs(5));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_between_sign_ins_is_kept() {
    let slow = "S: +OK in\nL: CAPA\nS: +OK\nS: LOGIN-DELAY 600\nS: .\n";
    let looks = |ids: &[&str], work: &str| {
        let in_step = if work.contains("DELE") { IN_STEP } else { "" };
        format!("{slow}{}{work}{in_step}{QUIT}", lists(ids))
    };
    let running = start(
        every(60),
        &[
            &looks(&["a"], &delivers(1, "a")),
            &looks(&["a"], &deletes(1, "a")),
            "S: -ERR [LOGIN-DELAY] too soon",
            &session(&["b"], &delivers(1, "b")),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
    running.until("it is settled", |this| settled(this) == [1]).await;
    let waited = running.begun.elapsed();
    assert!(
        waited >= Duration::from_secs(600) && waited < Duration::from_secs(620),
        "{waited:?}"
    );
    running.has(&[1, 2]).await;
    let waited = running.begun.elapsed();
    assert!(
        waited >= Duration::from_secs(1260) && waited < Duration::from_secs(1300),
        "{waited:?}"
    );
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_nobody() {
    for script in [
        "WAIT 100",
        &format!("{IN}WAIT 100"),
        &format!("{IN}{}L: RETR 1\nWAIT 100", lists(&["a"])),
    ] {
        let running = start(every(60), &[script]);
        connections(&running, 1).await;
        sleep(Duration::from_secs(2)).await;
        running.stopped().await;
    }
}

fn with_looks(looks: Polling, scripts: &[&str]) -> Running {
    let mut endpoint = fakes::endpoint(every(60));
    endpoint.mailbox.protocol = ReadBy::Pop3;
    endpoint.mailbox.looks = looks;
    endpoint.settle = Settle::usual(ReadBy::Pop3);
    let scripts: Vec<String> = scripts.iter().map(|script| format!("{OPEN}{script}")).collect();
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let run = |watch, door: Scripts| tokio::spawn(watcher(watch, Box::new(door)).run());
    start_with(endpoint, &scripts, run)
}

#[tokio::test(start_paused = true)]
async fn a_look_takes_a_batch_and_looks_come_to_an_end() {
    let looks = Polling {
        batch: Some(2),
        repeat: Some(2),
        ..Polling::default()
    };
    let three = ["a", "b", "c"];
    let scripts = [
        &session(&three, &(delivers(1, "a") + &delivers(2, "b"))),
        &session(&three, &delivers(3, "c")),
        &session(&["a", "b", "c", "d"], &deletes(1, "a")),
    ];
    let running = with_looks(looks, &scripts.map(String::as_str));
    running.has(&[1, 2]).await;
    sleep(Duration::from_secs(59)).await;
    assert_eq!(running.memory.uids(), [1, 2], "the rest waits for the next look");
    running.has(&[1, 2, 3]).await;
    sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(running.servers.lock().unwrap().len(), 2, "nobody looks any more");
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
    running.until("it is settled", |this| settled(this) == [1]).await;
    assert_eq!(running.memory.uids(), [1, 2, 3], "d is left alone");
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn what_lay_there_is_left_also_under_other_names() {
    let header = |number: u32, date: &str| format!("L: TOP {number} 0\nS: +OK\nS: Date: {date}\nS: .\n");
    let (old, new) = ("Sun, 1 Nov 2020 08:00:00 +0000", "Fri, 1 Nov 2999 08:00:00 +0000");
    let scripts = [
        // The newest first; a server without TOP is not asked again.
        &session(&["a", "b"], &(header(2, old) + "L: TOP 1 0\nS: -ERR\n")),
        &session(&["a", "b", "c"], &delivers(3, "c")),
        // Somebody deleted one: no other name is new.
        &session(&["b", "c"], ""),
        &session(
            &["x", "c", "y"],
            &(header(3, new) + &header(1, old) + &delivers(3, "y")),
        ),
    ];
    for backlog in [None, Some(Backlog::Skip)] {
        let looks = Polling {
            backlog,
            ..Polling::default()
        };
        let running = with_looks(looks, &scripts.map(String::as_str));
        running.memory.state.lock().unwrap().cursor = None;
        running.has(&[3]).await;
        connections(&running, 4).await;
        // In this ledger all suspicious names are left; the real one looks at their dates.
        let skipped = running.memory.state.lock().unwrap().skipped.clone();
        assert!(skipped.starts_with(&[1, 2]), "{skipped:?}");
        running.task.abort();
    }
}

/// `mailjob jobs retry` of a mail that never came whole: a session is opened for it, whatever the time of the next look.
#[tokio::test(start_paused = true)]
async fn a_mail_that_is_wanted_again_is_fetched_between_two_looks() {
    let running = start(
        every(3600),
        &[
            &session(&["a", "b"], &(delivers(1, "a") + &delivers(2, "b"))),
            &session(&["a", "b", "c"], &delivers(1, "a")),
            &session(&["a", "b", "c"], "L: RETR 2\nS: -ERR not now\n"),
        ],
    );
    running.has(&[1, 2]).await;
    let want = |uids: &[u32]| {
        let mut state = running.memory.state.lock().unwrap();
        for mail in state.mails.values_mut().filter(|mail| uids.contains(&mail.place.uid)) {
            mail.content = Content::Lacking(Lack {
                reason: Reason::TooLarge,
                detail: "too large".into(),
                size: 9,
                upload: None,
            });
        }
        state.wanted.extend(uids);
        drop(state);
        running.memory.bell.notify_one();
    };
    // One is there, and one has left.
    want(&[1, 9]);
    let is_whole = |this: &Running| this.memory.lack(1).is_none();
    running.until("it is whole", is_whole).await;
    assert_eq!(running.memory.bytes(1).len(), 30);
    let unfetched = || {
        let state = running.memory.state.lock().unwrap();
        state
            .unfetched
            .iter()
            .map(|(uid, lack)| (*uid, lack.detail.clone()))
            .collect::<Vec<_>>()
    };
    assert!(
        matches!(&unfetched()[..], [(9, why)] if why.contains("not among the mails")),
        "{:?}",
        unfetched()
    );
    // What the server refuses is given back at once, with its words.
    want(&[2]);
    running.until("it is said", |_| unfetched().len() == 2).await;
    assert!(unfetched()[1].1.contains("-ERR not now"), "{:?}", unfetched());
    assert_eq!(
        running.memory.uids(),
        [1, 2],
        "c is new, and it is not the time to look"
    );
    assert!(running.begun.elapsed() < Duration::from_secs(60));
    running.stopped().await;
}
