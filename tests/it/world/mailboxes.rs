//! What the store holds, and what a test can do to it.

use mailjob_testbed::{Options, PASSWORD, World};

use super::USER;
use crate::raw::Lines;

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_holds_what_was_delivered() {
    let world = World::start(Options::default()).await.unwrap();
    let mails = [
        &b"From: A <a@example.test>\r\nSubject: one\r\n\r\nBody with\r\n.\r\na dot and 8 bits: \xe9.\r\n"[..],
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@example.test\r\n\r\ntwo\r\n",
    ];
    world.dovecot.deliver_all(USER, mails).await.unwrap();
    let stored = world.dovecot.mailbox(USER, "INBOX").await.unwrap();
    assert_eq!(stored.len(), 2);
    assert!(stored[0].starts_with(b"Return-Path: <a@example.test>\r\n"));
    assert!(stored[0].ends_with(mails[0]), "{}", String::from_utf8_lossy(&stored[0]));
    assert!(stored[1].starts_with(b"Return-Path: <>\r\n"));
    assert_eq!(world.dovecot.uids(USER, "INBOX").await.unwrap(), [1, 2]);
    assert_eq!(world.dovecot.flags(USER, "INBOX").await.unwrap(), ["", ""]);
    assert_eq!(world.dovecot.count(USER, "Processed").await.unwrap(), 0);

    world.dovecot.append(USER, "Processed", mails[0]).await.unwrap();
    assert_eq!(world.dovecot.mailbox(USER, "Processed").await.unwrap(), [mails[0]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_gets_a_new_uid_validity() {
    let world = World::start(Options::default()).await.unwrap();
    let mails = ["one", "two"].map(|word| format!("From: a@example.test\r\n\r\n{word}\r\n"));
    world.dovecot.deliver_all(USER, &mails).await.unwrap();
    world
        .dovecot
        .append(USER, "Archive", mails[0].as_bytes())
        .await
        .unwrap();
    for mailbox in ["INBOX", "Archive"] {
        let before = world.dovecot.uid_validity(USER, mailbox).await.unwrap();
        let stored = world.dovecot.mailbox(USER, mailbox).await.unwrap();
        world.dovecot.reset_uid_validity(USER, mailbox).await.unwrap();
        assert_ne!(world.dovecot.uid_validity(USER, mailbox).await.unwrap(), before);
        assert_eq!(world.dovecot.mailbox(USER, mailbox).await.unwrap(), stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_comes_back_with_the_same_mails() {
    let mut world = World::start(Options::default()).await.unwrap();
    world
        .dovecot
        .deliver(USER, b"From: a@example.test\r\n\r\none\r\n")
        .await
        .unwrap();
    let (mails, validity) = (
        world.dovecot.mailbox(USER, "INBOX").await,
        world.dovecot.uid_validity(USER, "INBOX").await,
    );
    let mut session = Lines::tls(world.dovecot.imaps, &world.tls.ca).await;
    assert!(
        session
            .ask(&format!("a LOGIN {USER} {PASSWORD}"), &["a "])
            .await
            .starts_with("a OK")
    );

    world.dovecot.kick(USER).await.unwrap();
    session.until(&["* BYE"]).await;
    world.dovecot.kick(USER).await.unwrap();

    world.dovecot.stop();
    assert!(world.dovecot.deliver(USER, b"Subject: lost\r\n\r\n").await.is_err());
    world.dovecot.start().await.unwrap();
    assert_eq!(world.dovecot.mailbox(USER, "INBOX").await.unwrap(), mails.unwrap());
    assert_eq!(
        world.dovecot.uid_validity(USER, "INBOX").await.unwrap(),
        validity.unwrap()
    );
}
