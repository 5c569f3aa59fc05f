use tokio::time::timeout;

use super::*;
use crate::watch::{
    imap::Io,
    script::{Server, play_lines},
};
use tokio::sync::Notify;

const GATHER: Duration = Duration::from_millis(300);

fn wire(script: &[&str]) -> (ImapConnection, Server) {
    let (stream, server) = play_lines(script.iter().map(|line| (*line).to_owned()).collect());
    let stream: Box<dyn Io> = Box::new(stream);
    (ImapConnection::new(stream), server)
}

/// What a wait of two minutes came to, and after how many seconds.
async fn woken(script: &[&str], bell: &Notify) -> (Result<WakeReason<ImapConnection>, WatchError>, u64) {
    let (wire, server) = wire(script);
    let mut rang = None;
    let begin = Instant::now();
    let wait = Wait {
        until: begin + Duration::from_secs(120),
        bell,
        rang: &mut rang,
        gather: GATHER,
    };
    let woke = timeout(Duration::from_secs(1000), idle(wire, wait))
        .await
        .expect("no wait is for ever");
    let seconds = begin.elapsed().as_secs();
    if woke.is_ok() {
        server.finished().await;
    }
    (woke, seconds)
}

#[tokio::test(start_paused = true)]
async fn news_wake() {
    for script in [
        // While idling.
        &[
            "C: IDLE",
            "S: + idling",
            "WAIT 50",
            "S: * 5 EXISTS",
            "L: DONE",
            "S: $ OK",
        ][..],
        // Before `+` (Outlook, 2023).
        &[
            "C: IDLE",
            "S: * 5 EXISTS",
            "S: + IDLE accepted, awaiting DONE command.",
            "L: DONE",
            "S: $ OK",
        ],
        // With other words around it.
        &[
            "C: IDLE",
            "S: +",
            "S: * OK Still here",
            "S: * 5 EXISTS",
            "S: * 1 RECENT",
            "L: DONE",
            "S: * 6 EXISTS",
            "S: $ BAD whatever",
        ],
    ] {
        let (woke, seconds) = woken(script, &Notify::new()).await;
        assert!(matches!(woke, Ok(WakeReason::News(..))), "{script:?}: {woke:?}");
        assert!(seconds <= 50, "{seconds}");
    }
}

#[tokio::test]
async fn news_from_another_command_need_no_idle() {
    let (wire, server) = wire(&["C: NOOP", "S: * 5 EXISTS", "S: $ OK"]);
    let (wire, _) = wire.run("NOOP", "", |_| {}).await.unwrap().ok().unwrap();
    let wait = Wait {
        until: Instant::now() + Duration::from_secs(120),
        bell: &Notify::new(),
        rang: &mut None,
        gather: GATHER,
    };
    assert!(matches!(idle(wire, wait).await, Ok(WakeReason::News(..))));
    server.finished().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_idle_is_no_hang() {
    for script in [
        &["C: IDLE", "S: $ NO not here"][..],
        &["C: IDLE", "S: $ BAD"],
        &["C: IDLE", "S: $ OK done"],
        &["C: IDLE", "S: + idling", "S: $ OK that was it"],
    ] {
        let (woke, _) = woken(script, &Notify::new()).await;
        assert!(matches!(woke, Ok(WakeReason::Refused(_))), "{script:?}: {woke:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_idle_is_noticed() {
    let (woke, seconds) = woken(&["C: IDLE", "S: +", "WAIT 30", "S: $ OK enough"], &Notify::new()).await;
    assert!(matches!(woke, Ok(WakeReason::Time(_))), "{woke:?}");
    assert_eq!(seconds, 30);
}

#[tokio::test(start_paused = true)]
async fn the_time_is_kept_whatever_the_server_says() {
    let mut script = vec!["C: IDLE", "S: + idling"];
    script.extend(["WAIT 20", "S: * OK Still here"].repeat(5));
    script.extend(["L: DONE", "S: $ OK"]);
    let (woke, seconds) = woken(&script, &Notify::new()).await;
    assert!(matches!(woke, Ok(WakeReason::Time(_))), "{woke:?}");
    assert_eq!(seconds, 120);
}

#[tokio::test(start_paused = true)]
async fn the_bell_wakes_after_a_moment_of_gathering() {
    let bell = Notify::new();
    bell.notify_one();
    let begin = Instant::now();
    let (woke, _) = woken(&["C: IDLE", "S: + idling", "L: DONE", "S: $ OK"], &bell).await;
    assert!(matches!(woke, Ok(WakeReason::Bell(_))), "{woke:?}");
    assert_eq!(begin.elapsed(), GATHER);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_in_idle_is_an_error() {
    for (script, error, after) in [
        (
            &["C: IDLE", "S: + idling", "WAIT 5", "S: * BYE restart"][..],
            "the server ends the session: restart; it is tried again by itself, and if it stays so, ask whoever runs the server",
            5,
        ),
        (
            &["C: IDLE", "S: + idling", "WAIT 5", "EOF"],
            "the server closed the connection",
            5,
        ),
        (&["C: IDLE", "EOF"], "the server closed the connection", 0),
        (&["C: IDLE"], "the server was silent for 60 s", 60),
        // Half open: DONE is never answered.
        (
            &["C: IDLE", "S: + idling", "L: DONE"],
            "the server was silent for 60 s",
            180,
        ),
    ] {
        let (woke, seconds) = woken(script, &Notify::new()).await;
        assert_eq!(woke.unwrap_err().to_string(), error, "{script:?}");
        assert_eq!(seconds, after, "{script:?}");
    }
}
