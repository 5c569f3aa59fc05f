//! Last touches that a server refuses, for want of room or of rights: told in words, tried again, and nobody else waits.

use std::time::{Duration, Instant};

use mailjob_testbed::{Answer, Courier, Cyrus, MailServer, Mailjob, Options, Receiver, Start, World};

use super::{USER, installed};
use crate::{doctor::said::run, letters::letter, program::PATIENCE};

/// A program that is running, a mail of a letter's number; one whose number is even fails.
struct Played<'a, S> {
    server: &'a S,
    mailjob: Mailjob,
    _receiver: Receiver,
}

impl<'a, S: MailServer> Played<'a, S> {
    async fn start(world: &World, server: &'a S) -> Self {
        let receiver = Receiver::start(|request| {
            let text = String::from_utf8_lossy(&request.body);
            let even = ["Letter 2\r", "Letter 4\r"]
                .iter()
                .any(|subject| text.contains(subject));
            if even {
                Answer::status(422)
            } else {
                Answer::text("received")
            }
        })
        .await
        .unwrap();
        let mut mailjob = installed(world, server.doors(), Start::Implicit);
        let endpoint = format!(
            "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\nbody = \"raw\"\n\
             [settle]\nfailed = {{ move = \"Failed\" }}\n",
            receiver.url("/")
        );
        mailjob.endpoint("ada", &endpoint).unwrap();
        mailjob.start().unwrap();
        Self {
            server,
            mailjob,
            _receiver: receiver,
        }
    }

    async fn holds(&self, mailbox: &str, count: usize) {
        let held = self.server.wait_for(USER, mailbox, count, PATIENCE).await;
        held.unwrap_or_else(|error| panic!("{error}\n{}", self.mailjob.log()));
    }

    async fn deliver(&self, number: usize) {
        self.server.deliver(USER, &letter(number)).await.unwrap();
    }

    /// Waits until the status says these words of what a person should do.
    async fn status(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = run(&self.mailjob, &["status", "ada"]).await;
            if said.out.contains(words) {
                return;
            }
            assert!(Instant::now() < deadline, "no {words:?}: {}{}", said.out, said.err);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A new process tries at once what the last one would have tried after a while.
    async fn again(&mut self) {
        assert_eq!(self.mailjob.term().unwrap(), 0);
        self.mailjob.start().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cyrus_has_no_room_or_gives_no_right() {
    let world = World::start(Options::default()).await.unwrap();
    let cyrus = Cyrus::start(&world).await.unwrap();
    let mut played = Played::start(&world, &cyrus).await;
    played.deliver(1).await;
    played.holds("INBOX.Processed", 1).await;

    // No room: the failed mail goes all the same.
    cyrus.set_quota("user.ada.Processed", Some(0)).await.unwrap();
    played.deliver(3).await;
    played
        .status("1 mail that is over can't be moved to Processed: the server said NO Over quota")
        .await;
    played.deliver(2).await;
    played.holds("INBOX.Failed", 1).await;
    played.holds("INBOX", 1).await;
    cyrus.set_quota("user.ada.Processed", None).await.unwrap();
    played.again().await;
    played.holds("INBOX.Processed", 2).await;
    played.holds("INBOX", 0).await;

    // No right to put a mail there.
    let acl = async |mailbox: &str, rights: &str| {
        // Users of the default domain are known by their names alone.
        let line = format!("SETACL {mailbox} ada {rights}");
        cyrus.command(USER, &line).await.unwrap();
    };
    acl("INBOX.Processed", "lrsa").await;
    played.deliver(5).await;
    played
        .status("1 mail that is over can't be moved to Processed: the server said NO")
        .await;
    played.deliver(4).await;
    played.holds("INBOX.Failed", 2).await;
    played.holds("INBOX", 1).await;
    acl("INBOX.Processed", "lrswipkxtea").await;
    played.again().await;
    played.holds("INBOX.Processed", 3).await;

    // No right to take one away: no copy is left behind, however often it is tried.
    acl("INBOX", "lrswipa").await;
    played.again().await;
    played.deliver(7).await;
    played
        .status("1 mail that is over can't be moved to Processed: the server said NO")
        .await;
    played.again().await;
    played.status("1 mail that is over can't be moved").await;
    assert_eq!(cyrus.count(USER, "INBOX.Processed").await.unwrap(), 3);
    acl("INBOX", "lrswipkxtea").await;
    played.again().await;
    played.holds("INBOX", 0).await;
    played.holds("INBOX.Processed", 4).await;
    assert_eq!(played.mailjob.term().unwrap(), 0);
    assert_eq!(
        played.mailjob.log().matches("attempt ended").count(),
        6,
        "{}",
        played.mailjob.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn courier_has_no_room_or_gives_no_right() {
    let world = World::start(Options::default()).await.unwrap();
    let courier = Courier::start(&world).await.unwrap();
    let mut played = Played::start(&world, &courier).await;
    played.deliver(1).await;
    played.holds("INBOX.Processed", 1).await;

    // No room.
    courier.set_quota(USER, 10).unwrap();
    played.deliver(3).await;
    played
        .status("1 mail that is over can't be moved to Processed: the server said NO")
        .await;
    courier.set_quota(USER, 1_000_000).unwrap();
    played.again().await;
    played.holds("INBOX.Processed", 2).await;
    played.holds("INBOX", 0).await;

    // No right to take a mail away: Courier has no MOVE, so there is a copy then, and no second one.
    let acl = async |rights: &str| {
        let line = format!("SETACL INBOX owner {rights}");
        courier.command(USER, &line).await.unwrap();
    };
    acl("acilrsw").await;
    played.again().await;
    played.deliver(5).await;
    played
        .status("1 mail that is over can't be moved to Processed: the server said NO Access denied")
        .await;
    played.deliver(7).await;
    played
        .status("2 mails that are over can't be moved to Processed: the server said NO Access denied")
        .await;
    assert_eq!(courier.count(USER, "INBOX.Processed").await.unwrap(), 4);
    assert_eq!(courier.count(USER, "INBOX").await.unwrap(), 2);
    assert_eq!(played.mailjob.term().unwrap(), 0);
    assert_eq!(played.mailjob.log().matches("attempt ended").count(), 4);
}
