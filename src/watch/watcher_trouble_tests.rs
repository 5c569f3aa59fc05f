use std::time::Duration;

use tokio::time::sleep;

use super::world::{idle, script, start};
use crate::ledger::{MailOutcome, NewMail};

/// Whatever ends a session, the next one goes on where the ledger says.
#[tokio::test(start_paused = true)]
async fn it_connects_again_whatever_happens() {
    let lost = [
        "S: * BYE overloaded\nEOF".to_owned(),
        "S: HTTP/1.1 400 Bad Request".to_owned(),
        "EOF".to_owned(),
        script("S: * OK [UIDNEXT 6] .\nS: $ OK\nC: UID FETCH 5:* *\nB: * 5 FETCH (UID 5 BODY[] {9\nEOF"),
        script("S: * OK [UIDNEXT 6] .\nS: $ OK\nC: UID FETCH 5:* *\nS: $ NO [SERVERBUG] no"),
    ];
    let good = script(
        "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID FETCH 5:* (UID RFC822.SIZE)
        S: * 5 FETCH (UID 5 RFC822.SIZE 4)
        S: $ OK
        C: UID FETCH 5 *
        S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
        S: $ OK
        C: IDLE
        S: + idling",
    );
    let scripts: Vec<&str> = lost.iter().map(String::as_str).chain([good.as_str()]).collect();
    let watch = start(idle(), &scripts);
    watch
        .until("trouble is told", |this| this.health.state().trouble.is_some())
        .await;
    watch.has(&[5]).await;
    watch
        .until("trouble is over", |this| this.health.state().trouble.is_none())
        .await;
    assert!(
        watch.begun.elapsed() > Duration::from_secs(10),
        "no storm: {:?}",
        watch.begun.elapsed()
    );
    watch.stopped().await;
}

/// Nobody connects to a mailbox that another process watches; one that is taken away is asked for again.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_another_has_is_watched_once_it_is_free() {
    let fetched = "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID FETCH 5:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)
        S: * 5 FETCH (UID 5 RFC822.SIZE 4 BODY[]<0> \"mail\")
        S: $ OK";
    let taken_away = script(&format!("{fetched}\nEOF"));
    let good = script(&format!("{fetched}\nC: IDLE\nS: + idling"));
    let watch = start(idle(), &[&taken_away, &good]);
    {
        let mut state = watch.memory.state.lock().unwrap();
        state.another_has_it = 2;
        state.is_taken_away = true;
    }
    watch
        .until("it is another's", |this| this.health.state().trouble.is_some())
        .await;
    assert!(watch.servers.lock().unwrap().is_empty(), "nobody connects");
    watch.has(&[5]).await;
    let asked = watch.memory.state.lock().unwrap().watches;
    assert_eq!(asked, 4, "refused twice, had, taken away, had again");
    watch.stopped().await;
}

/// A server that drops us after each sign-in is not stormed.
#[tokio::test(start_paused = true)]
async fn sign_ins_that_lead_nowhere_get_rare() {
    let dropped = script("S: * OK [UIDNEXT 5] .\nS: $ OK\nC: IDLE\nEOF");
    // What chance does to the waits moves this from some 40 to some 50; each is half as long at the least.
    let scripts = vec![dropped.as_str(); 90];
    let watch = start(idle(), &scripts);
    sleep(Duration::from_secs(3600)).await;
    let sign_ins = watch.servers.lock().unwrap().len();
    assert!((25..80).contains(&sign_ins), "{sign_ins} sign-ins in an hour");
    watch.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_and_then_seldom() {
    let refused = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
        S: $ OK
        C: AUTHENTICATE *
        S: $ NO [AUTHENTICATIONFAILED] no";
    let watch = start(idle(), &[refused; 8]);
    watch
        .until("it was refused", |this| this.health.state().trouble.is_some())
        .await;
    assert_eq!(
        watch.servers.lock().unwrap().len(),
        2,
        "once with the token, once with a new one"
    );
    assert_eq!(*watch.rejected.lock().unwrap(), 2);
    sleep(Duration::from_secs(29)).await;
    assert_eq!(watch.servers.lock().unwrap().len(), 2);
    watch
        .until("it tries again", |this| this.servers.lock().unwrap().len() == 4)
        .await;
    watch.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_throttled_sign_in_waits_as_it_is_told() {
    let throttled = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
        S: $ OK
        C: AUTHENTICATE *
        S: $ NO Request is throttled. Suggested Backoff Time: 299961 milliseconds";
    let watch = start(idle(), &[throttled; 3]);
    watch
        .until("it was refused", |this| this.health.state().trouble.is_some())
        .await;
    assert_eq!(*watch.rejected.lock().unwrap(), 0, "the token is good");
    sleep(Duration::from_secs(298)).await;
    assert_eq!(watch.servers.lock().unwrap().len(), 1);
    watch
        .until("it tries again", |this| this.servers.lock().unwrap().len() == 2)
        .await;
    watch.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_refused_touch_is_tried_again_and_takes_no_mail_twice() {
    let watch = start(
        idle(),
        &[&script(
            "S: * OK [UIDNEXT 5] .
            S: $ OK
            C: UID MOVE 4 *
            S: $ NO [OVERQUOTA] full
            C: UID FETCH 4 (UID)
            S: * 1 FETCH (UID 4)
            S: $ OK
            C: IDLE
            S: + idling
            L: DONE
            S: $ OK
            C: IDLE
            S: + idling
            L: DONE
            S: $ OK
            C: UID MOVE 4 *
            S: * 1 EXPUNGE
            S: $ OK
            C: IDLE
            S: + idling",
        )],
    );
    watch.memory.due(7, &[4], MailOutcome::Done);
    watch
        .until("the mail is settled", |this| this.memory.settled_uids() == [4])
        .await;
    // Sooner than the next look, which is due after three minutes.
    let elapsed = watch.begun.elapsed();
    assert!(
        elapsed > Duration::from_secs(25) && elapsed < Duration::from_secs(70),
        "{elapsed:?}"
    );
    assert!(watch.memory.uids().is_empty());
    watch.stopped().await;
}

/// A mail over which every session ends (here one that is longer than the server says) holds up nobody, and no last touch.
#[tokio::test(start_paused = true)]
async fn a_mail_that_cannot_be_fetched_is_held_and_the_next_goes_on() {
    let open = script("S: * OK [UIDNEXT 8] .\nS: $ OK");
    let together = format!("{open}\nC: UID FETCH 5:* (UID INTERNALDATE*\nS: * 1 FETCH (UID 5 BODY[] {{2}}\nS: mail)");
    let list = "C: UID FETCH 5:* (UID RFC822.SIZE)
        S: * 1 FETCH (UID 5 RFC822.SIZE 9)
        S: * 2 FETCH (UID 7 RFC822.SIZE 9)
        S: $ OK";
    let breaks = "C: UID FETCH 5 *\nS: * 1 FETCH (UID 5 BODY[] {2}\nS: mail)";
    let touch = "C: UID MOVE 4 *\nS: * 1 EXPUNGE\nS: $ OK";
    // Whatever is due is settled before the mails that may have broken the session are asked for by themselves.
    let alone = format!("{open}\n{touch}\n{list}\n{breaks}");
    let idles = "C: IDLE\nS: + idling";
    let waits = format!("{idles}\nL: DONE\nS: $ OK");
    // The bell rang at first.
    let others = format!(
        "{open}
        {list}
        C: UID FETCH 7 *
        S: * 2 FETCH (UID 7 RFC822.SIZE 4 BODY[]<0> \"mail\")
        S: $ OK
        {waits}
        {waits}
        {list}
        {breaks}"
    );
    let scripts = [
        &together,
        &alone,
        &others,
        &format!("{open}\n{list}\n{waits}\n{list}\n{breaks}"),
        &format!("{open}\n{list}\n{waits}\n{list}\n{idles}"),
    ];
    let scripts = scripts.map(String::as_str);
    let watch = start(idle(), &scripts);
    watch.memory.due(7, &[4], MailOutcome::Done);
    watch.has(&[7]).await;
    assert!(
        watch.begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        watch.begun.elapsed()
    );
    assert_eq!(
        (watch.memory.bytes(7), watch.memory.settled_uids()),
        (b"mail".to_vec(), vec![4])
    );
    let kept_back = watch.health.state().kept_back.unwrap();
    assert!(
        kept_back.mails == 1 && kept_back.why.contains("no IMAP"),
        "{kept_back:?}"
    );
    assert_eq!(watch.memory.cursor_now().unwrap().uid_next, 5);
    watch.has(&[5, 7]).await;
    let held = |place: &NewMail| place.lack().is_some();
    let state: Vec<bool> = watch.memory.state.lock().unwrap().mails.values().map(held).collect();
    assert_eq!(state, [true, false]);
    watch
        .until("nothing is kept back", |this| this.health.state().kept_back.is_none())
        .await;
    assert_eq!(watch.memory.cursor_now().unwrap().uid_next, 8);
    watch.stopped().await;
}
