use async_trait::async_trait;

use super::*;
use crate::{
    config::{self, Fate, Protocol, Settle},
    ledger::{MAILDROP, Verdict},
    watch::{
        fakes::{Scripts, endpoint},
        watcher::world::{Running, start_with},
    },
};

#[async_trait]
impl Door<Wire> for Scripts {
    async fn knock(&self) -> Result<Wire, Error> {
        login::greeted(self.stream().await).await
    }
}

fn every(seconds: u64) -> config::Watch {
    config::Watch::Every(Duration::from_secs(seconds))
}

fn start(watch: config::Watch, scripts: &[&str]) -> Running {
    let mut endpoint = endpoint(watch);
    endpoint.mailbox.protocol = Protocol::Pop3;
    endpoint.settle = Settle {
        done: Fate::Delete,
        failed: Fate::Keep,
        ignored: Fate::Keep,
    };
    let scripts: Vec<String> = scripts.iter().map(|script| format!("{OPEN}{script}")).collect();
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let run = |watch, door: Scripts| tokio::spawn(Watcher::new(watch, Box::new(door)).run());
    start_with(endpoint, &scripts, run)
}

const OPEN: &str = "
    S: +OK ready
    L: CAPA
    S: +OK
    S: SASL XOAUTH2
    S: .
    L: AUTH XOAUTH2
    S: +
    L: *
    ";

const IN: &str = "
    S: +OK in
    L: CAPA
    S: -ERR
    ";

const QUIT: &str = "
    L: QUIT
    S: +OK bye
    ";

/// What the server lists: unique ids, in order, all of one size.
fn lists(ids: &[&str]) -> String {
    let lines = |of: &dyn Fn(&str) -> String| {
        let lines = ids.iter().zip(1..).map(|(id, n)| format!("S: {n} {}\n", of(id)));
        lines.collect::<String>()
    };
    let (uidl, list) = (lines(&|id| id.to_owned()), lines(&|_| "9".to_owned()));
    format!("L: UIDL\nS: +OK\n{uidl}S: .\nL: LIST\nS: +OK\n{list}S: .\n")
}

fn delivers(number: u32, text: &str) -> String {
    format!("L: RETR {number}\nS: +OK\nS: Subject: {text}\nS: .\n")
}

/// A session that finds these mails, does that, and leaves.
fn session(ids: &[&str], work: &str) -> String {
    format!("{IN}{}{work}{QUIT}", lists(ids))
}

fn settled(running: &Running) -> Vec<u32> {
    let mut uids = running.memory.settled_uids();
    uids.sort_unstable();
    uids
}

/// Waits until so many connections were made.
async fn connections(running: &Running, count: usize) {
    running
        .until(&format!("{count} connections"), |this| {
            this.servers.lock().unwrap().len() >= count
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_taken_once_and_deleted_when_its_work_is_over() {
    let running = start(
        every(60),
        &[
            &session(&["a", "b"], &(delivers(1, "a") + &delivers(2, "b"))),
            &session(&["a", "b"], ""),
            &session(&["a", "b"], "L: DELE 1\nS: +OK\n"),
            &session(&["b", "c"], &delivers(2, "c")),
        ],
    );
    running.has(&[1, 2]).await;
    connections(&running, 2).await;
    assert!(
        running.begun.elapsed() >= Duration::from_secs(60),
        "there is no session in between"
    );
    running.memory.due(MAILDROP, &[1], Verdict::Done);
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
            &session(&["a", "b", "c"], "L: DELE 1\nS: +OK\nL: DELE 3\nS: +OK\n"),
        ],
    );
    running.has(&[1, 2, 3]).await;
    running.memory.due(MAILDROP, &[2], Verdict::Failed);
    running
        .until("the second is settled", |this| settled(this) == [2])
        .await;
    assert_eq!(running.servers.lock().unwrap().len(), 1);
    running.memory.due(MAILDROP, &[1], Verdict::Done);
    sleep(GATHER / 2).await;
    running.memory.due(MAILDROP, &[3], Verdict::Done);
    running
        .until("all are settled", |this| settled(this) == [1, 2, 3])
        .await;
    assert_eq!(running.servers.lock().unwrap().len(), 2);
    assert!(running.begun.elapsed() < Duration::from_secs(60));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_undeletes_and_it_is_deleted_again() {
    let marked = "L: DELE 1\nS: +OK\n";
    let lost = |end: &str| format!("{IN}{}{marked}{end}", lists(&["a"]));
    let running = start(
        every(3600),
        &[
            &session(&["a"], &delivers(1, "a")),
            &lost("EOF"),
            &lost("L: QUIT\nEOF"),
            &session(&["a"], marked),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], Verdict::Done);
    running.until("it is settled", |this| settled(this) == [1]).await;
    assert_eq!(running.servers.lock().unwrap().len(), 4);
    running.has(&[1]).await;
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_nobody_noted_is_noted_when_the_mail_is_gone() {
    let running = start(
        every(60),
        &[
            &session(&["a"], &delivers(1, "a")),
            &session(&["a"], "L: DELE 1\nS: +OK\nL: QUIT\nEOF\n"),
            &session(&[], ""),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], Verdict::Done);
    running.until("it is settled", |this| settled(this) == [1]).await;
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
async fn a_locked_maildrop_is_waited_for() {
    let running = start(
        every(3600),
        &[
            "S: -ERR [IN-USE] another session",
            "S: -ERR maildrop already locked",
            &session(&["a"], &delivers(1, "a")),
        ],
    );
    connections(&running, 1).await;
    running
        .until("it is said", |this| {
            this.health
                .state()
                .trouble
                .is_some_and(|trouble| trouble.contains("waiting"))
        })
        .await;
    running.has(&[1]).await;
    assert_eq!(*running.rejected.lock().unwrap(), 0, "the credential is good");
    assert!(running.begun.elapsed() < Duration::from_secs(10));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_between_sign_ins_is_kept() {
    let slow = "S: +OK in\nL: CAPA\nS: +OK\nS: LOGIN-DELAY 600\nS: .\n";
    let looks = |ids: &[&str], work: &str| format!("{slow}{}{work}{QUIT}", lists(ids));
    let running = start(
        every(60),
        &[
            &looks(&["a"], &delivers(1, "a")),
            &looks(&["a"], "L: DELE 1\nS: +OK\n"),
            "S: -ERR [LOGIN-DELAY] too soon",
            &session(&["b"], &delivers(1, "b")),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], Verdict::Done);
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
async fn a_refused_token_is_replaced_once() {
    let running = start(every(3600), &["S: -ERR [AUTH] no", &session(&["a"], &delivers(1, "a"))]);
    running.has(&[1]).await;
    assert_eq!(*running.rejected.lock().unwrap(), 1);
    assert!(running.begun.elapsed() < Duration::from_secs(1));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_breaks_every_session_lets_the_others_pass() {
    let breaks = format!("{IN}{}{}L: RETR 1\nEOF", lists(&["a", "b"]), "");
    let after = |work: &str| format!("{IN}{}{work}L: RETR 1\nEOF", lists(&["a", "b"]));
    let mut scripts = vec![breaks, after(&delivers(2, "b"))];
    scripts.extend((0..7).map(|_| after("")));
    scripts.push(session(&["a", "b"], ""));
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let running = start(every(3600), &scripts);
    running
        .until("the other is taken", |this| this.memory.uids().len() == 1)
        .await;
    assert!(running.begun.elapsed() < Duration::from_secs(5));
    running
        .until("it is given up", |this| this.memory.uids().len() == 2)
        .await;
    assert_eq!(running.servers.lock().unwrap().len(), 10);
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_given_to_another_mail_means_that_mail() {
    let running = start(
        every(60),
        &[
            &session(&["a"], &delivers(1, "first")),
            &session(&["a"], "L: DELE 1\nS: +OK\n"),
            &session(&["a"], &delivers(1, "second")),
            // A server that is restored lists what was deleted, under another name: it is deleted again, and not done again.
            &session(&["a", "z"], &delivers(2, "first")),
            &session(&["a", "z"], "L: DELE 2\nS: +OK\n"),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], Verdict::Done);
    running.has(&[1, 2]).await;
    connections(&running, 4).await;
    // The ledger knows its bytes, and says that it has ended.
    sleep(Duration::from_secs(1)).await;
    running.memory.due(MAILDROP, &[3], Verdict::Done);
    let place = |uid| crate::ledger::Place {
        uid_validity: MAILDROP,
        uid,
    };
    {
        let mut state = running.memory.state.lock().unwrap();
        let known = state.mails[&place(1)].clone();
        state.mails.insert(place(3), known);
    }
    running
        .until("it is deleted again", |this| settled(this) == [1, 3])
        .await;
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
