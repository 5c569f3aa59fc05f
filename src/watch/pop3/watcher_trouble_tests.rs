use super::{
    world::{IN, IN_STEP, connections, deletes, delivers, every, lists, session, settled, shows, start},
    *,
};
use crate::ledger::{MAILDROP, MailOutcome};

#[tokio::test(start_paused = true)]
async fn a_lost_connection_undeletes_and_it_is_deleted_again() {
    let marked = &deletes(1, "a");
    let lost = |end: &str| format!("{IN}{}{marked}{end}", lists(&["a"]));
    let running = start(
        every(3600),
        &[
            &session(&["a"], &delivers(1, "a")),
            &lost("EOF"),
            &lost(&format!("{IN_STEP}L: QUIT\nEOF")),
            &session(&["a"], marked),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
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
            &session(&["a"], &(deletes(1, "a") + IN_STEP + "L: QUIT\nEOF\n")),
            &session(&[], ""),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
    running.until("it is settled", |this| settled(this) == [1]).await;
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
async fn a_refused_token_is_replaced_once() {
    let running = start(every(3600), &["S: -ERR [AUTH] no", &session(&["a"], &delivers(1, "a"))]);
    running.has(&[1]).await;
    assert_eq!(*running.rejected.lock().unwrap(), 1);
    assert!(running.begun.elapsed() < Duration::from_secs(1));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_breaks_every_session_lets_the_others_pass() {
    let breaks = |before: &str| format!("{IN}{}{before}L: RETR 1\nEOF", lists(&["a", "b"]));
    let quiet = || session(&["a", "b"], "");
    let mut scripts = vec![breaks(""), breaks(&delivers(2, "b")), breaks("")];
    // From now on it is left alone for a while each time. What a session took that broke is compared once.
    let compares = session(&["a", "b"], &shows(2, "b"));
    scripts.extend((0..6).flat_map(|n| [if n == 0 { compares.clone() } else { quiet() }, breaks("")]));
    scripts.extend([quiet(), quiet()]);
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let running = start(every(300), &scripts);
    running
        .until("the other is taken", |this| this.memory.uids().len() == 1)
        .await;
    assert!(running.begun.elapsed() < Duration::from_secs(5));
    running
        .until("it is given up", |this| this.memory.uids().len() == 2)
        .await;
    assert_eq!(running.servers.lock().unwrap().len(), 17);
    assert!(running.begun.elapsed() > Duration::from_secs(1_500));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_given_to_another_mail_means_that_mail() {
    let running = start(
        every(60),
        &[
            &session(&["a"], &delivers(1, "first")),
            &session(&["a"], &deletes(1, "first")),
            &session(&["a"], &delivers(1, "second")),
            // A server that is restored lists what was deleted, under another name: it is deleted again, and not done again.
            &session(&["a", "z"], &delivers(2, "first")),
            &session(&["a", "z"], &deletes(2, "first")),
        ],
    );
    running.has(&[1]).await;
    running.memory.due(MAILDROP, &[1], MailOutcome::Done);
    running.has(&[1, 2]).await;
    // The ledger knows its bytes, and says that it has ended.
    running
        .until("the third is seen", |this| {
            this.memory.state.lock().unwrap().commits == 3
        })
        .await;
    running.memory.due(MAILDROP, &[3], MailOutcome::Done);
    running
        .until("it is deleted again", |this| settled(this) == [1, 3])
        .await;
    running.has(&[1, 2, 3]).await;
    running.stopped().await;
}

/// The last line of a mail ends by LF alone, behind others that end by CRLF or by LF. It is told, and read so from then on.
#[tokio::test(start_paused = true)]
async fn a_server_that_ends_mails_by_a_line_feed_is_read_all_the_same() {
    for (lines, end) in [
        ("S: Message-ID: <a>\nS: ..abcdefghij\n", "\n.abcdefghij\r\n"),
        ("N: Message-ID: <a>\nN: ..abcdefghijkl\n", "\n.abcdefghijkl\n"),
    ] {
        let sends = format!("L: RETR 1\nS: +OK\n{lines}N: .\n");
        let waits = format!("{IN}{}{sends}", lists(&["a"]));
        let running = start(every(3600), &[&waits, &session(&["a"], &sends)]);
        running
            .until("it is told", |this| {
                let trouble = this.health.state().trouble;
                trouble.is_some_and(|trouble| trouble.contains("a dot and a line feed alone"))
            })
            .await;
        running.has(&[1]).await;
        let bytes = running.memory.bytes(1);
        assert!(bytes.ends_with(end.as_bytes()), "{bytes:?}");
        running.stopped().await;
    }
}
