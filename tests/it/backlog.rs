//! Mails that lay in a mailbox before it was watched, a ledger that was lost, and two ledgers at one mailbox, through the whole program.

use std::{
    fs,
    time::{Duration, Instant},
};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};
use serde_json::Value;

use crate::route::{PATIENCE, Scene, USER, endpoint, mail};

const DELETES: &str = "[settle]\ndone = \"delete\"";

/// An endpoint whose file says nothing of a backlog.
fn plain(scene: &Scene, mailbox: &str, more: &str) {
    let text = endpoint(&scene.receiver, "a", mailbox, more);
    scene.mailjob.plain_endpoint("a", &text).unwrap();
}

async fn said(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    let output = mailjob.command(arguments).output().await.unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), text.concat())
}

async fn status(mailjob: &Mailjob) -> (i32, Value) {
    let (code, text) = said(mailjob, &["status", "--json"]).await;
    let status: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (code, status["endpoints"][0].clone())
}

/// Waits until the status says something.
async fn until(mailjob: &Mailjob, what: &str, holds: impl Fn(i32, &Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, endpoint) = status(mailjob).await;
        if holds(code, &endpoint) {
            return endpoint;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: {code} {endpoint}\n{}",
            mailjob.log()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_touches_nothing_that_lay_there() {
    for protocol in ["imap", "pop3"] {
        let mut scene = Scene::new(Start::Implicit).await;
        plain(&scene, &format!("protocol = \"{protocol}\"\nevery = \"1s\""), DELETES);
        let old: Vec<_> = (1..=3).map(|n| mail(n, &format!("old {n}"), USER)).collect();
        scene.deliver(&old).await;
        let (_, checked) = said(&scene.mailjob, &["check"]).await;
        assert!(checked.contains("what lies there before is left"), "{checked}");
        let (_, examined) = said(&scene.mailjob, &["doctor"]).await;
        assert!(
            examined.contains("3 mails; at the first start what lies there is left"),
            "{examined}"
        );
        scene.run().await;
        scene
            .says("mails lay in this mailbox before it was watched and are left there; mailjob backlog list a")
            .await;
        scene.deliver(&[mail(9, "new", USER)]).await;
        assert_eq!(scene.told(1).await, ["/a new"], "{protocol}");
        scene.holds("INBOX", 3).await;
        let flags = scene.world.dovecot.flags(USER, "INBOX").await.unwrap();
        assert!(flags.iter().all(String::is_empty), "{flags:?}");

        // It is told everywhere, and needs nobody.
        until(&scene.mailjob, "three are left", |code, endpoint| {
            code == 0 && endpoint["mailbox"]["left"] == 3
        })
        .await;
        let (_, shown) = said(&scene.mailjob, &["status"]).await;
        assert!(
            shown.contains("3 mails lay in its mailbox before it was watched"),
            "{shown}"
        );
        let (_, examined) = said(&scene.mailjob, &["doctor"]).await;
        assert!(
            examined.contains("3 of them were there before the first look"),
            "{examined}"
        );
        let (code, listed) = said(&scene.mailjob, &["backlog", "list", "a"]).await;
        assert_eq!(code, 0, "{listed}");
        for n in 1..=3 {
            assert!(
                listed.contains("sender@example.test") && listed.contains(&format!("old {n}")),
                "{listed}"
            );
        }
        // A restart changes nothing.
        assert_eq!(scene.mailjob.term().unwrap(), 0);
        scene.run().await;
        scene.deliver(&[mail(10, "newer", USER)]).await;
        assert_eq!(scene.told(2).await, ["/a new", "/a newer"]);

        // One by its number, nobody else's, then the rest, with the API's help.
        let (_, json) = said(&scene.mailjob, &["backlog", "list", "a", "--json"]).await;
        let page: Value = serde_json::from_str(&json).unwrap();
        let second = &page["mails"][1];
        assert_eq!(second["subject"], "old 2", "{page}");
        let uid = second["uid"].to_string();
        assert_eq!(
            said(&scene.mailjob, &["backlog", "take", "a", "--uid", "4000"]).await.0,
            1
        );
        assert_eq!(said(&scene.mailjob, &["backlog", "take", "nobody"]).await.0, 1);
        let (code, taken) = said(&scene.mailjob, &["backlog", "take", "a", "--uid", &uid]).await;
        assert_eq!(code, 0, "{taken}");
        assert_eq!(scene.told(3).await, ["/a new", "/a newer", "/a old 2"]);
        let url = scene.mailjob.health_url("");
        let url = url.trim_end_matches('/');
        let (code, taken) = said(&scene.mailjob, &["backlog", "take", "a", "--url", url]).await;
        assert!(
            code == 0 && taken.contains("2 mails of a are taken next; 0 are left"),
            "{taken}"
        );
        let all = ["/a new", "/a newer", "/a old 1", "/a old 2", "/a old 3"];
        assert_eq!(scene.told(5).await, all);
        scene.holds("INBOX", 0).await;
        scene.stops().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_since_a_time_are_taken_and_what_a_file_says_later_counts() {
    for protocol in ["imap", "pop3"] {
        let mut scene = Scene::new(Start::Implicit).await;
        let lines = format!("protocol = \"{protocol}\"\nevery = \"1s\"");
        scene.deliver(&[mail(1, "just now", USER)]).await;
        plain(&scene, &format!("{lines}\nbacklog = {{ since = \"1h\" }}"), DELETES);
        scene.run().await;
        assert_eq!(scene.told(1).await, ["/a just now"], "{protocol}");
        assert_eq!(scene.mailjob.term().unwrap(), 0);

        let mut scene = Scene::new(Start::Implicit).await;
        scene.deliver(&[mail(1, "before", USER)]).await;
        plain(
            &scene,
            &format!("{lines}\nbacklog = {{ since = \"2999-01-01\" }}"),
            DELETES,
        );
        scene.run().await;
        scene.says("are left there").await;
        scene.deliver(&[mail(2, "new", USER)]).await;
        assert_eq!(scene.told(1).await, ["/a new"], "{protocol}");
        plain(&scene, &format!("{lines}\nbacklog = \"process\""), DELETES);
        assert_eq!(scene.told(2).await, ["/a before", "/a new"]);
        scene.stops().await;
    }
}

/// A restore gives every mail a new number and a new date; what came meanwhile is new all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_renumbered_mailbox_keeps_its_old_mails() {
    let mut scene = Scene::new(Start::Implicit).await;
    plain(&scene, "", "");
    let old: Vec<_> = (1..=3).map(|n| mail(n, "old", USER)).collect();
    scene.deliver(&old).await;
    scene.run().await;
    scene.says("are left there").await;
    for round in 0..2 {
        assert_eq!(scene.mailjob.term().unwrap(), 0);
        scene.deliver(&[mail(10 + round, "meanwhile", USER)]).await;
        scene.world.dovecot.reset_uid_validity(USER, "INBOX").await.unwrap();
        scene.run().await;
        scene.told(1 + 2 * round).await;
        scene.deliver(&[mail(20 + round, "since", USER)]).await;
        let told = scene.told(2 + 2 * round).await;
        assert!(told.iter().all(|told| !told.contains("old")), "{told:?}");
        scene.holds("INBOX", 3).await;
        until(&scene.mailjob, "three are left", |_, endpoint| {
            endpoint["mailbox"]["left"] == 3
        })
        .await;
    }
    scene.stops().await;
}

/// What becomes of a mail that came while there was no ledger: nothing, until the ledger is back or somebody decides.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_is_no_first_start() {
    for decided in ["restore", "take", "skip", "file"] {
        let mut scene = Scene::new(Start::Implicit).await;
        plain(&scene, "", "");
        scene.run().await;
        until(&scene.mailjob, "it works", |_, endpoint| endpoint["state"] == "working").await;
        scene.deliver(&[mail(1, "done", USER)]).await;
        scene.holds("Processed", 1).await;
        assert_eq!(scene.mailjob.term().unwrap(), 0);
        let lost = scene.mailjob.dir().join("lost");
        fs::create_dir(&lost).unwrap();
        for file in ["mailjob.db", "mailjob.db-wal", "mailjob.db-shm"] {
            let at = scene.mailjob.dir().join(file);
            if at.exists() {
                fs::rename(at, lost.join(file)).unwrap();
            }
        }
        scene.deliver(&[mail(2, "meanwhile", USER)]).await;
        scene.run().await;
        let held = until(&scene.mailjob, "it is held", |code, endpoint| {
            code != 0 && endpoint["state"] == "held_backlog"
        })
        .await;
        let to_do = held["to_do"].as_str().unwrap();
        assert!(to_do.contains("mailjob backlog take a"), "{to_do}");
        scene.says("\"Processed\" has 1").await;
        let (_, examined) = said(&scene.mailjob, &["doctor"]).await;
        assert!(examined.contains("\"Processed\" has 1 mail:"), "{examined}");
        let metrics = said_metrics(&scene.mailjob).await;
        assert!(
            metrics.contains("mailjob_endpoint_state{endpoint=\"a\",state=\"held_backlog\"} 1"),
            "{metrics}"
        );
        assert_eq!(scene.told(1).await, ["/a done"], "nothing is taken");
        scene.holds("INBOX", 1).await;
        match decided {
            "restore" => {
                assert_eq!(scene.mailjob.term().unwrap(), 0);
                for file in ["mailjob.db", "mailjob.db-wal", "mailjob.db-shm"] {
                    drop(fs::remove_file(scene.mailjob.dir().join(file)));
                    if lost.join(file).exists() {
                        fs::rename(lost.join(file), scene.mailjob.dir().join(file)).unwrap();
                    }
                }
                scene.run().await;
            }
            "take" => assert_eq!(said(&scene.mailjob, &["backlog", "take", "a"]).await.0, 0),
            "file" => plain(&scene, "backlog = \"process\"", ""),
            _ => {
                scene.deliver(&[mail(3, "while it waits", USER)]).await;
                assert_eq!(said(&scene.mailjob, &["backlog", "skip", "a"]).await.0, 0);
                assert_eq!(scene.told(2).await, ["/a done", "/a while it waits"]);
                until(&scene.mailjob, "it is left", |code, endpoint| {
                    code == 0 && endpoint["mailbox"]["left"] == 1
                })
                .await;
                let (_, listed) = said(&scene.mailjob, &["backlog", "list", "a"]).await;
                assert!(listed.contains("meanwhile"), "{listed}");
                assert_eq!(said(&scene.mailjob, &["backlog", "take", "a"]).await.0, 0);
            }
        }
        let mut all = vec!["/a done", "/a meanwhile"];
        all.extend((decided == "skip").then_some("/a while it waits"));
        assert_eq!(scene.told(all.len()).await, all, "{decided}");
        scene.holds("INBOX", 0).await;
        scene.stops().await;
    }
}

async fn said_metrics(installed: &Mailjob) -> String {
    mailjob::net::tls::install_provider();
    let url = installed.health_url("/metrics");
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

/// Two installations that know nothing of each other, and a person who writes to their mailbox.
#[tokio::test(flavor = "multi_thread")]
async fn two_ledgers_at_one_mailbox_notice_each_other() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut both = Vec::new();
    for _ in 0..2 {
        let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
        mailjob
            .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
            .await
            .unwrap();
        mailjob
            .plain_endpoint("a", &endpoint(&receiver, "a", "backlog = \"process\"", ""))
            .unwrap();
        mailjob.start().unwrap();
        mailjob.ready().await.unwrap();
        both.push(mailjob);
    }
    for mailjob in &both {
        until(mailjob, "it works", |_, endpoint| endpoint["state"] == "working").await;
    }
    let begun = Instant::now();
    let mut number = 0;
    let knows = |mailjob: &Mailjob| mailjob.log().contains("another Mailjob works at this mailbox");
    let mut first = None;
    while !both.iter().all(knows) {
        if first.is_none() && both.iter().any(knows) {
            first = Some(begun.elapsed());
        }
        assert!(begun.elapsed() < PATIENCE, "{}\n{}", both[0].log(), both[1].log());
        number += 1;
        world.dovecot.deliver(USER, &mail(number, "work", USER)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    println!(
        "two ledgers: one noticed after {:.1?}, both after {:.1?} and {number} mails",
        first.unwrap_or_else(|| begun.elapsed()),
        begun.elapsed()
    );
    for mailjob in &both {
        let told = until(mailjob, "it is told", |code, endpoint| {
            code != 0 && !endpoint["mailbox"]["second_ledger"].is_null()
        })
        .await;
        assert!(told["to_do"].as_str().unwrap().contains("another Mailjob"), "{told}");
        let metrics = said_metrics(mailjob).await;
        assert!(
            metrics.contains("mailjob_mailbox_second_ledger{account=\"ada\",mailbox=\"INBOX\"} 1"),
            "{metrics}"
        );
    }
    // What they asked each other with goes away.
    world.dovecot.wait_for(USER, "INBOX", 0, PATIENCE).await.unwrap();
    for mut mailjob in both {
        assert_eq!(mailjob.term().unwrap(), 0);
    }
}

/// Whatever a person or another program does with mails that we hold, it is no second ledger.
#[tokio::test(flavor = "multi_thread")]
async fn people_who_move_mails_raise_no_alarm() {
    let world = World::start(Options::default()).await.unwrap();
    let slow = |request: &mailjob_testbed::Request| {
        let delay = if request.number == 0 {
            Duration::ZERO
        } else {
            Duration::from_secs(3)
        };
        Answer::text("ok").after(delay)
    };
    let receiver = Receiver::start(slow).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    mailjob
        .plain_endpoint("a", &endpoint(&receiver, "a", "backlog = \"process\"", ""))
        .unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &mail(1, "first", USER)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    let mut count = 1;
    for touch in [
        "UID MOVE 1:* Processed",
        "UID STORE 1:* +FLAGS (\\Deleted)",
        "UID STORE 1:* +FLAGS (\\Flagged)",
    ] {
        for n in 0..4 {
            count += 1;
            world
                .dovecot
                .deliver(USER, &mail(100 + count, "work", USER))
                .await
                .unwrap();
            // Each by itself, as soon as it was taken.
            receiver.wait_for(count, PATIENCE).await.unwrap();
            world.dovecot.act(USER, "INBOX", touch).await.unwrap();
            if touch.contains("Deleted") {
                world.dovecot.act(USER, "INBOX", "EXPUNGE").await.unwrap();
            }
            assert!(n < 4);
        }
    }
    mailjob
        .wait_log(
            "a small mail in the mailbox asks whether another Mailjob works there",
            PATIENCE,
        )
        .await
        .unwrap();
    // Nobody answers it, and it goes away.
    world.dovecot.wait_for(USER, "INBOX", 0, PATIENCE).await.unwrap();
    let (code, endpoint) = status(&mailjob).await;
    assert!(
        code == 0 && endpoint["mailbox"]["second_ledger"].is_null(),
        "{endpoint}"
    );
    assert!(!mailjob.log().contains("another Mailjob works at this mailbox"));
    assert_eq!(mailjob.term().unwrap(), 0);
}
