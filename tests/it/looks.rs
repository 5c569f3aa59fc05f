//! When a mailbox is looked at, and how much is taken at a time, through the whole program.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use mailjob_testbed::Start;

use crate::route::{PATIENCE, Scene, USER, mail};

fn ten() -> Vec<Vec<u8>> {
    (0..10).map(|n| mail(n, "one of ten", USER)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_two_takes_ten_mails_in_five_looks() {
    for protocol in ["imap", "pop3"] {
        let mut scene = Scene::new(Start::Implicit).await;
        scene.add(
            "a",
            &format!("protocol = \"{protocol}\"\nevery = \"1s\"\nbatch = 2"),
            "",
        );
        scene.deliver(&ten()).await;
        let begun = Instant::now();
        scene.run().await;
        scene.told(10).await;
        assert!(
            begun.elapsed() >= Duration::from_secs(4),
            "{protocol}: {:?}",
            begun.elapsed()
        );
        let log = scene.mailjob.log();
        let looks: Vec<_> = log.lines().filter(|line| line.contains("took new mail")).collect();
        assert!(
            looks.len() == 5 && looks.iter().all(|line| line.contains("new=2")),
            "{looks:#?}"
        );
        scene.holds("INBOX", 0).await;
        scene.stops().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_left_alone_after_its_looks() {
    for protocol in ["imap", "pop3"] {
        let mut scene = Scene::new(Start::Implicit).await;
        scene.add(
            "a",
            &format!("protocol = \"{protocol}\"\nevery = \"1s\"\nrepeat = 1"),
            "[settle]\ndone = \"delete\"",
        );
        scene.deliver(&[mail(1, "before", USER)]).await;
        scene.run().await;
        scene.says("the mailbox is left alone from now on").await;
        scene.deliver(&[mail(2, "after", USER)]).await;
        // Its last touch is still given.
        scene.holds("INBOX", 1).await;
        assert_eq!(scene.told(1).await, ["/a before"]);
        // The next start looks again, once.
        assert_eq!(scene.mailjob.term().unwrap(), 0);
        scene.run().await;
        assert_eq!(scene.told(2).await, ["/a after", "/a before"]);
        scene.stops().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_of_times_says_when() {
    for protocol in ["imap", "pop3"] {
        let mut scene = Scene::new(Start::Implicit).await;
        let lines = format!("protocol = \"{protocol}\"\ncron = \"*/5 * * * * *\"\ntimezone = \"Asia/Tokyo\"");
        scene.add("a", &lines, "");
        scene.run().await;
        for number in 1..=3 {
            scene.deliver(&[mail(number, "one", USER)]).await;
            scene.told(number).await;
        }
        // However late a look is, the next one begins after the next full five seconds.
        let spans = scene.receiver.requests().into_iter().map(|request| {
            let taken: DateTime<Utc> = request.json()["taken"].as_str().unwrap().parse().unwrap();
            taken.timestamp() / 5
        });
        let spans: Vec<_> = spans.collect();
        assert!(spans.is_sorted_by(|one, next| one < next), "{protocol}: {spans:?}");
        scene.stops().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_look_is_put_off() {
    let mut scene = Scene::new(Start::Implicit).await;
    scene.add("a", "start_delay = \"3s\"", "");
    scene.deliver(&[mail(1, "one", USER)]).await;
    let started = Utc::now();
    scene.run().await;
    let requests = scene.receiver.wait_for(1, PATIENCE).await.unwrap();
    let taken: DateTime<Utc> = requests[0].json()["taken"].as_str().unwrap().parse().unwrap();
    assert!(taken - started >= TimeDelta::seconds(3), "{started} {taken}");
    scene.stops().await;
}
