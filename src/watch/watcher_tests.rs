use std::sync::Mutex;

use async_trait::async_trait;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    auth::{Login, StoreError, StoredToken, TokenStore},
    ledger::{Cursor, Verdict as Ending},
    watch::{
        Budget, Health,
        fakes::{Scripts, endpoint},
        memory::Memory,
        run, script,
    },
};

struct NoStore;

#[async_trait]
impl TokenStore for NoStore {
    async fn load(&self, _: &str) -> Result<Option<StoredToken>, StoreError> {
        Ok(None)
    }

    async fn save(&self, _: &str, _: StoredToken) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A watch over scripts: each connection plays the next one.
struct Running {
    memory: Arc<Memory>,
    health: Arc<Health>,
    stop: CancellationToken,
    servers: Arc<Mutex<Vec<script::Server>>>,
    rejected: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
    begun: Instant,
}

fn start(watch: config::Watch, scripts: &[&str]) -> Running {
    crate::net::tls::install_provider();
    let memory = Arc::new(Memory::default());
    memory.state.lock().unwrap().cursor = Some(Cursor {
        uid_validity: 7,
        uid_next: 5,
    });
    let endpoint = Arc::new(endpoint(watch));
    let door = Scripts::new(scripts);
    let (servers, rejected) = (door.servers.clone(), door.rejected.clone());
    let login = Login::new(
        endpoint.mailbox.account.clone(),
        Arc::new(NoStore),
        reqwest::Client::new(),
    );
    let (health, stop) = (Arc::new(Health::default()), CancellationToken::new());
    let watch = Watch {
        endpoint,
        ledger: memory.clone(),
        login: Arc::new(login),
        budget: Budget::new(8 << 20),
        health: health.clone(),
        stop: stop.clone(),
    };
    Running {
        memory,
        health,
        stop,
        servers,
        rejected,
        task: tokio::spawn(Watcher::new(watch, Box::new(door)).run()),
        begun: Instant::now(),
    }
}

fn idle() -> config::Watch {
    config::Watch::Idle {
        look: Duration::from_secs(180),
    }
}

impl Running {
    /// Waits until something holds; the clock of the test runs as fast as it can.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(7200);
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what}; {:?}", self.health.state());
            sleep(Duration::from_millis(250)).await;
        }
    }

    async fn has(&self, uids: &[u32]) {
        self.until(&format!("{uids:?} are taken"), |this| this.memory.uids() == uids)
            .await;
    }

    /// Stops, and checks that every server saw what its script wanted.
    async fn stopped(self) {
        let asked = Instant::now();
        self.stop.cancel();
        self.task.await.unwrap();
        assert!(
            asked.elapsed() < Duration::from_millis(100),
            "stopping took {:?}",
            asked.elapsed()
        );
        let servers = std::mem::take(&mut *self.servers.lock().unwrap());
        for server in servers {
            server.finished().await;
        }
    }
}

const OPEN: &str = "
    S: * OK ready
    C: CAPABILITY
    S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
    S: $ OK
    C: AUTHENTICATE *
    S: $ OK [CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS] in
    C: SELECT *
    S: * 4 EXISTS
    S: * OK [UIDVALIDITY 7] .";

fn script(rest: &str) -> String {
    format!("{OPEN}\n{rest}")
}

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
            C: UID FETCH 5:* (UID INTERNALDATE BODY.PEEK[]<0.262144>)
            S: * 5 FETCH (UID 5 BODY[]<0> \"mail\")
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

/// Faults row 26, and a NOOP that finds what IDLE did not tell.
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
            S: * 5 FETCH (UID 5 BODY[]<0> \"mail\")
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
            S: * 5 FETCH (UID 5 BODY[]<0> \"mail\")
            S: $ OK",
        )],
    );
    watch.has(&[5]).await;
    let looked = watch.begun.elapsed().as_secs();
    assert!((60..62).contains(&looked), "{looked}");
    watch.stopped().await;
}

/// Faults rows 24, 28, 48: whatever ends a session, the next one goes on where the ledger says.
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
        C: UID FETCH 5:* *
        S: * 5 FETCH (UID 5 BODY[]<0> \"mail\")
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

/// Faults row 11 of A4: a server that drops us after each sign-in is not stormed.
#[tokio::test(start_paused = true)]
async fn sign_ins_that_lead_nowhere_get_rare() {
    let dropped = script("S: * OK [UIDNEXT 5] .\nS: $ OK\nC: IDLE\nEOF");
    let scripts = vec![dropped.as_str(); 60];
    let watch = start(idle(), &scripts);
    sleep(Duration::from_secs(3600)).await;
    let sign_ins = watch.servers.lock().unwrap().len();
    assert!((25..50).contains(&sign_ins), "{sign_ins} sign-ins in an hour");
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

/// Faults row 41.
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
        S: * 5 FETCH (UID 5 BODY[]<0> \"mail\")
        S: $ OK",
    );
    let third = script(
        "S: * OK [UIDNEXT 6] .
        S: $ OK
        C: UID MOVE 5 *
        S: $ OK",
    );
    let watch = start(
        config::Watch::Every(Duration::from_secs(3600)),
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
            C: NOOP
            S: $ OK
            C: UID FETCH 5:* *
            S: $ OK
            C: UID MOVE 4 *
            S: $ OK
            C: IDLE
            S: + idling",
        )],
    );
    watch.memory.due(7, &[4], Ending::Done);
    watch
        .until("the mail is settled", |this| this.memory.settled_uids() == [4])
        .await;
    assert!(watch.begun.elapsed() > Duration::from_secs(170));
    assert!(watch.memory.uids().is_empty());
    watch.stopped().await;
}

/// Faults rows 29, 30.
#[tokio::test(start_paused = true)]
async fn a_renumbered_mailbox_is_listed_and_nothing_is_taken_twice() {
    let open = OPEN.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
    let mails = "C: UID FETCH 1:3 *
        S: * 1 FETCH (UID 1 BODY[]<0> \"known one\")
        S: * 2 FETCH (UID 2 BODY[]<0> \"new\")
        S: * 3 FETCH (UID 3 BODY[]<0> \"known two\")
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
        S: * 1 FETCH (UID 5 BODY[]<0> \"known one\")
        S: * 2 FETCH (UID 6 BODY[]<0> \"known two\")
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

/// A mail over which every session ends (here one that the parser panics over) holds up nobody.
#[tokio::test(start_paused = true)]
async fn a_mail_that_cannot_be_fetched_is_held_and_the_next_goes_on() {
    let open = script("S: * OK [UIDNEXT 8] .\nS: $ OK");
    let together = format!("{open}\nC: UID FETCH 5:* (UID INTERNALDATE*\nS: * 1 FETCH (UID 5 INTERNALDATE NIL)");
    let list = "C: UID FETCH 5:* (UID RFC822.SIZE)
        S: * 1 FETCH (UID 5 RFC822.SIZE 9)
        S: * 2 FETCH (UID 7 RFC822.SIZE 9)
        S: $ OK";
    let alone = format!("{open}\n{list}");
    let broken = format!("{alone}\nC: UID FETCH 5 *\nS: * 1 FETCH (UID 5 INTERNALDATE NIL)");
    let good = format!(
        "{alone}
        C: UID FETCH 7 *
        S: * 2 FETCH (UID 7 BODY[]<0> \"mail\")
        S: $ OK
        C: IDLE
        S: + idling"
    );
    let scripts = [&together, &together, &together, &broken, &broken, &broken, &good].map(String::as_str);
    let watch = start(idle(), &scripts);
    watch.has(&[5, 7]).await;
    assert_eq!(watch.memory.bytes(7), b"mail");
    let held = |place: &crate::ledger::NewMail| place.held.is_some();
    let state: Vec<bool> = watch.memory.state.lock().unwrap().mails.values().map(held).collect();
    assert_eq!(state, [true, false]);
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

#[test]
fn a_waiting_session_is_small() {
    fn size<T>(_: impl FnOnce(Watch) -> T) -> usize {
        size_of::<T>()
    }
    let bytes = size(run);
    assert!(bytes < 4096, "{bytes} bytes");
}
