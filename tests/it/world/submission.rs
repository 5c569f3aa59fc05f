//! Mails on their way from a sender to a mailbox.

use std::time::Duration;

use mailjob_testbed::{Options, World};

use super::USER;
use crate::raw::{Lines, xoauth2};

/// Submits one mail to `recipient` by XOAUTH2, over STARTTLS or implicit TLS; the answer to the first refused command or to the mail.
async fn submit(world: &World, implicit: bool, token: &str, recipient: &str) -> String {
    let mut smtp = if implicit {
        let mut smtp = Lines::tls(world.postfix.submissions, &world.tls.ca).await;
        smtp.until(&["220 "]).await;
        smtp
    } else {
        let mut smtp = Lines::plain(world.postfix.submission).await;
        smtp.until(&["220 "]).await;
        smtp.ask("EHLO test", &["250 "]).await;
        smtp.ask("STARTTLS", &["220 "]).await;
        smtp.start_tls(&world.tls.ca).await
    };
    smtp.ask("EHLO test", &["250 "]).await;
    let mut answer = smtp
        .ask(
            &format!("AUTH XOAUTH2 {}", xoauth2(USER, token)),
            &["235", "334", "535"],
        )
        .await;
    if answer.starts_with("334") {
        answer = smtp.ask("", &["535"]).await;
    }
    let commands = [
        &format!("MAIL FROM:<{USER}>"),
        &format!("RCPT TO:<{recipient}>"),
        "DATA",
        "Subject: hello\r\n\r\nworld\r\n.",
    ];
    for command in commands {
        if answer.starts_with(['4', '5']) {
            return answer;
        }
        answer = smtp.ask(command, &["2", "354", "4", "5"]).await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_mail_arrives() {
    let world = World::start(Options::default()).await.unwrap();
    let token = world.oauth.access_token(USER).await.unwrap();
    let bob = "bob@example.test";
    for implicit in [false, true] {
        let answer = submit(&world, implicit, &token, bob).await;
        assert!(
            answer.starts_with("250 2.0.0 Ok: queued as"),
            "{answer}\n{}",
            world.postfix.log()
        );
    }
    world
        .dovecot
        .wait_for(bob, "INBOX", 2, Duration::from_secs(30))
        .await
        .unwrap();
    let mails = world.dovecot.mailbox(bob, "INBOX").await.unwrap();
    let mail = String::from_utf8_lossy(&mails[0]);
    assert!(
        mail.starts_with(&format!("Return-Path: <{USER}>\r\n")) && mail.ends_with("\r\n\r\nworld\r\n"),
        "{mail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_refuses_as_told() {
    let mut world = World::start(Options::default()).await.unwrap();
    let token = world.oauth.access_token(USER).await.unwrap();
    let answers = [
        ("gone@example.test", "550 5.1.1 nobody here"),
        ("busy@example.test", "450 4.2.1 later"),
    ];
    world.postfix.answer_recipients(&answers).await.unwrap();
    assert!(
        submit(&world, true, &token, "gone@example.test")
            .await
            .starts_with("550 5.1.1")
    );
    assert!(
        submit(&world, true, &token, "busy@example.test")
            .await
            .starts_with("450 4.2.1")
    );
    assert!(
        submit(&world, true, &token, "bob@example.com")
            .await
            .starts_with("554 5.7.1"),
        "no mail leaves"
    );
    assert!(
        submit(&world, true, &token, "bob@example.test")
            .await
            .starts_with("250")
    );

    world.postfix.answer_recipients(&[]).await.unwrap();
    assert!(
        submit(&world, true, &token, "busy@example.test")
            .await
            .starts_with("250")
    );
    world.oauth.revoke(USER).await.unwrap();
    assert!(
        submit(&world, true, &token, "bob@example.test")
            .await
            .starts_with("535 5.7.8")
    );
}
