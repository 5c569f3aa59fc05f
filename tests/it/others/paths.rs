//! Mail in, webhook, reply, last touch: by IMAP and POP3, whatever each server has of what is not everywhere.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use mailjob_testbed::{Answer, Courier, Cyrus, MailServer, Mailjob, Options, Receiver, Request, Start, World};

use super::{USER, installed};
use crate::{
    doctor::said::run,
    letters::letter,
    program::{PATIENCE, REPLY, answered},
};

/// What is refused is a mail whose subject says so.
fn judged(request: &Request) -> Answer {
    if String::from_utf8_lossy(&request.body).contains("Subject: Letter 2") {
        Answer::status(422)
    } else {
        Answer::text("received")
    }
}

fn endpoint(mailbox: &str, url: &str) -> String {
    let webhook = format!("[webhook]\nurl = \"{url}\"\nallow_private_network = true\nbody = \"raw\"\n");
    format!("[mailbox]\naccount = \"ada\"\n{mailbox}{webhook}{REPLY}[rates]\nreplies_per_recipient = false\n")
}

/// Mails of several sizes, and of lines that a server has to send with care.
fn mails() -> Vec<Vec<u8>> {
    let of = |number: usize, text: &[u8]| [letter(number), text.to_vec()].concat();
    vec![
        of(1, b".\r\n..\r\n.a\r\n8 bits: \xc3\xa9\r\n"),
        of(2, b"not meant\r\n"),
        of(
            3,
            &b"a line that goes on for a while, and says nothing\r\n".repeat(20_000),
        ),
    ]
}

async fn holds(server: &impl MailServer, mailjob: &Mailjob, mailbox: &str, count: usize) {
    let held = server.wait_for(USER, mailbox, count, PATIENCE).await;
    held.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
}

async fn well(mailjob: &Mailjob) {
    let said = run(mailjob, &["doctor"]).await;
    assert!(
        said.code == 0 && said.out.contains("all is well"),
        "{}{}",
        said.out,
        said.err
    );
}

async fn by_imap(world: &World, server: &impl MailServer, start: Start) {
    let receiver = Receiver::start(judged).await.unwrap();
    let mut mailjob = installed(world, server.doors(), start);
    mailjob.endpoint("ada", &endpoint("", &receiver.url("/"))).unwrap();
    for mail in mails() {
        server.deliver(USER, &mail).await.unwrap();
    }
    let stored: BTreeSet<_> = server.mails(USER, "INBOX").await.unwrap().into_iter().collect();
    well(&mailjob).await;
    mailjob.start().unwrap();
    holds(server, &mailjob, "INBOX", 0).await;
    let posted = receiver.requests();
    assert!(
        posted.len() == 3 && posted.iter().all(|request| stored.contains(&*request.body)),
        "byte for byte: {}",
        mailjob.log()
    );
    // The folders lie below INBOX, whatever their names in the file.
    holds(server, &mailjob, "INBOX.Processed", 2).await;
    holds(server, &mailjob, "INBOX.Failed", 1).await;

    // It waits by IDLE now, and looks by itself only after minutes.
    for number in 4..=5 {
        let begin = Instant::now();
        server.deliver(USER, &letter(number)).await.unwrap();
        receiver.wait_for(number, PATIENCE).await.unwrap();
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "pushed, not polled: {:?}",
            begin.elapsed()
        );
        holds(server, &mailjob, "INBOX.Processed", number - 1).await;
    }
    answered(world, &mailjob, 5).await;
    well(&mailjob).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    assert_eq!(receiver.requests().len(), 5, "{}", mailjob.log());
    assert_eq!(
        mailjob.log().matches(" WARN ").count(),
        1,
        "only what the webhook refused: {}",
        mailjob.log()
    );
}

async fn by_pop3(world: &World, server: &impl MailServer, start: Start) {
    let receiver = Receiver::start(judged).await.unwrap();
    let mut mailjob = installed(world, server.doors(), start);
    let mailbox = "protocol = \"pop3\"\nevery = \"1s\"\n";
    mailjob.endpoint("ada", &endpoint(mailbox, &receiver.url("/"))).unwrap();
    for mail in mails() {
        server.deliver(USER, &mail).await.unwrap();
    }
    let stored: BTreeSet<_> = server.mails(USER, "INBOX").await.unwrap().into_iter().collect();
    well(&mailjob).await;
    mailjob.start().unwrap();
    // What failed stays, since a maildrop has no folders.
    holds(server, &mailjob, "INBOX", 1).await;
    let posted = receiver.requests();
    assert!(
        posted.len() == 3 && posted.iter().all(|request| stored.contains(&*request.body)),
        "byte for byte: {}",
        mailjob.log()
    );
    server.deliver(USER, &letter(4)).await.unwrap();
    receiver.wait_for(4, PATIENCE).await.unwrap();
    holds(server, &mailjob, "INBOX", 1).await;
    answered(world, &mailjob, 4).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    assert_eq!(receiver.requests().len(), 4, "{}", mailjob.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn cyrus_by_imap() {
    let world = World::start(Options::default()).await.unwrap();
    let cyrus = Cyrus::start(&world).await.unwrap();
    by_imap(&world, &cyrus, Start::Implicit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn courier_by_imap() {
    let world = World::start(Options::default()).await.unwrap();
    let courier = Courier::start(&world).await.unwrap();
    by_imap(&world, &courier, Start::StartTls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cyrus_by_pop3() {
    let world = World::start(Options::default()).await.unwrap();
    let cyrus = Cyrus::start(&world).await.unwrap();
    by_pop3(&world, &cyrus, Start::StartTls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn courier_by_pop3() {
    let world = World::start(Options::default()).await.unwrap();
    let courier = Courier::start(&world).await.unwrap();
    by_pop3(&world, &courier, Start::Implicit).await;
}
