//! The loop between a real ledger and a server that answers as it is told.

#[path = "outbox_open_tests.rs"]
mod open;
#[path = "outbox_world.rs"]
mod world;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::world::{PATIENCE, World};
use super::server_tests::Act;
use crate::{
    config::{Auth, AuthorizationServer, ClientProof, Grant, OAuth},
    job::JobId,
    ledger::{Ledger, Submitted},
};

#[tokio::test]
async fn waiting_replies_share_a_session() {
    let world = World::new(120, |_, _| Act::Usual).await;
    world.start();
    world.until("sent", 120).await;
    world.stop().await;
    assert_eq!(world.fake.connections(), 1);
    assert_eq!(world.fake.mails().len(), 120);
    assert_eq!(world.fake.lines(1).last().unwrap(), "QUIT");
    assert!(
        world
            .rows()
            .await
            .iter()
            .all(|row| row.reply.as_ref().unwrap().attempts == 1)
    );
}

/// A large letter is read from the ledger piece by piece, and torn at every place that a line has.
#[tokio::test]
async fn a_large_letter_comes_as_it_is() {
    let letter = |number: usize| {
        let head = format!("Subject: {}\r\n\r\n", "x".repeat(number));
        // Dots where it is torn, whatever stands before; each costs a write of its own.
        let is_torn = |place: usize| (place + 60) % (256 << 10) < 120;
        let lines = (0..300_000).map(|line| if is_torn(line * 3) { ".\r\n" } else { "a\r\n" });
        bytes::Bytes::from(head + &lines.collect::<String>())
    };
    let world = World::empty(|_, _| Act::Usual).await;
    world.fill_with(4, &["ann@a.example"], letter).await;
    for reply in world.ledger.claim_replies("us", 4).await.unwrap() {
        assert!(
            reply.stored > 900_000 && reply.reply.bytes.is_empty(),
            "it is not held in memory"
        );
        let later = Submitted::Later {
            due: chrono::Utc::now(),
            detail: String::new(),
        };
        world.ledger.submitted(reply.job, reply.attempt, later).await.unwrap();
    }
    world.start();
    world.until("sent", 4).await;
    world.stop().await;
    let mut came = world.fake.mails();
    came.sort_by_key(|mail| std::cmp::Reverse(mail.len()));
    for (number, came) in (0..4).rev().zip(came) {
        assert!(came == letter(number), "letter {number}");
    }
}

/// A server that takes no large letter gets it without its files, as before.
#[tokio::test]
async fn a_large_letter_goes_without_its_files_where_it_must() {
    let letter = bytes::Bytes::from(
        mail_builder::MessageBuilder::new()
            .from("us@x.example")
            .to("ann@a.example")
            .message_id("1.reply@x.example")
            .subject("Re: x")
            .text_body("Here it \u{fc}s.\r\n")
            .attachment("application/pdf", "a.pdf", vec![7_u8; 1 << 20])
            .write_to_vec()
            .unwrap(),
    );
    // It takes 1,000,000 bytes.
    let world = World::empty(|_, _| Act::Usual).await;
    world.fill_with(1, &["ann@a.example"], |_| letter.clone()).await;
    world.start();
    world.until("sent", 1).await;
    world.stop().await;
    let came = String::from_utf8(world.fake.mails().pop().unwrap()).unwrap();
    assert!(
        came.len() < 10_000 && came.contains("Here it =C3=BCs.") && came.contains("- a.pdf (1.0 MiB)"),
        "{came}"
    );
}

#[tokio::test]
async fn a_session_that_the_server_has_closed_is_replaced_at_once() {
    // Closes each connection at its fourth mail, once politely and once not.
    let counts = Mutex::new([0; 10]);
    let world = World::new(9, move |connection, line| {
        if !line.starts_with("MAIL") {
            return Act::Usual;
        }
        let mut counts = counts.lock().unwrap();
        counts[connection] += 1;
        match (counts[connection], connection) {
            (4, 1) => Act::Say("421 4.7.0 too many mails"),
            (4, _) => Act::Drop,
            _ => Act::Usual,
        }
    })
    .await;
    world.start();
    world.until("sent", 9).await;
    world.stop().await;
    assert_eq!(world.fake.connections(), 3);
    assert_eq!(world.fake.mails().len(), 9);
    assert!(
        world
            .rows()
            .await
            .iter()
            .all(|row| row.reply.as_ref().unwrap().attempts == 1)
    );
}

#[tokio::test]
async fn an_answer_lost_after_the_dot_sends_the_same_bytes_again() {
    let dots = AtomicUsize::new(0);
    let world = World::new(1, move |_, line| {
        if line == "." && dots.fetch_add(1, Ordering::SeqCst) == 0 {
            Act::Drop
        } else {
            Act::Usual
        }
    })
    .await;
    world.start();
    world.until_said("after the mail was sent").await;
    assert_eq!(world.count("queued").await, 1);
    world.ahead.store(90, Ordering::SeqCst);
    // The ledger learns of its clock's jump from whoever asks next.
    world.stop().await;
    let world = world.with_stop(CancellationToken::new());
    world.start();
    world.until("sent", 1).await;
    world.stop().await;
    let mails = world.fake.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
}

#[tokio::test]
async fn refused_and_deferred_replies_do_not_hold_up_the_others() {
    let mails = AtomicUsize::new(0);
    let world = World::new(10, move |_, line| match line {
        "DATA" => match mails.fetch_add(1, Ordering::SeqCst) {
            2 => Act::Say("554 5.7.1 no"),
            5 => Act::Say("451 4.7.1 later"),
            _ => Act::Usual,
        },
        _ => Act::Usual,
    })
    .await;
    world.start();
    world.until("sent", 8).await;
    world.until("refused", 1).await;
    world.until("queued", 1).await;
    world.stop().await;
    assert_eq!(world.fake.connections(), 1);
}

#[tokio::test]
async fn while_nobody_may_sign_in_every_reply_waits_unblamed() {
    let world = World::new(5, |_, line| {
        if line.starts_with("AUTH") {
            Act::Say("535 5.7.8 no")
        } else {
            Act::Usual
        }
    })
    .await;
    world.start();
    world.until_said("535 5.7.8").await;
    world.until("queued", 5).await;
    world.stop().await;
    assert_eq!(
        world.fake.connections(),
        1,
        "a wrong password is not tried again at once"
    );
    assert!(world.fake.mails().is_empty());
}

/// A server that takes this password only, said by AUTH PLAIN.
fn wants(password: &'static str) -> impl Fn(usize, &str) -> Act + Send + Sync + 'static {
    move |_, line| {
        let plain = line.strip_prefix("AUTH PLAIN ");
        let is_right = plain.is_some_and(|said| STANDARD.decode(said).unwrap().ends_with(password.as_bytes()));
        match line.starts_with("AUTH") && !is_right {
            true => Act::Say("535 5.7.8 no"),
            false => Act::Usual,
        }
    }
}

#[tokio::test]
async fn a_corrected_password_has_what_waited_sent_at_once() {
    let world = World::new(5, wants("mended")).await;
    world.start();
    world.until_said("535 5.7.8").await;
    world.until("queued", 5).await;
    // The account is left alone for a minute, and its replies are due after it: longer than the test waits.
    world.password("mended");
    world.until("sent", 5).await;
    world.stop().await;
    assert_eq!(world.fake.connections(), 2);
}

#[tokio::test]
async fn a_session_of_the_account_that_works_again_has_what_waited_tried() {
    let open = Arc::new(AtomicBool::new(false));
    let opened = open.clone();
    let world = World::new(3, move |_, line| {
        match line.starts_with("AUTH") && !opened.load(Ordering::SeqCst) {
            true => Act::Say("535 5.7.8 no"),
            false => Act::Usual,
        }
    })
    .await;
    world.start();
    world.until_said("535 5.7.8").await;
    open.store(true, Ordering::SeqCst);
    // As the watch of its mailbox says that is let in again. The loop may not have begun its pause yet.
    while world.count("sent").await < 3 {
        world.login().works();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn who_starts_anew_tries_what_waits_at_once() {
    let world = World::new(3, wants("mended")).await;
    world.start();
    world.until_said("535 5.7.8").await;
    world.until("queued", 3).await;
    world.stop().await;
    let world = world.with_stop(CancellationToken::new());
    world.password("mended");
    world.start();
    world.until("sent", 3).await;
    world.stop().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let issued = Arc::new(AtomicUsize::new(0));
    let count = issued.clone();
    let app = axum::Router::new().route(
        "/token",
        axum::routing::post(move || async move {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            (
                [("content-type", "application/json")],
                format!(r#"{{"access_token":"t{number}","token_type":"bearer"}}"#),
            )
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let token_url = format!("http://{}/token", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    // The first token is refused.
    let world = World::new(3, |connection, line| match line {
        line if line.starts_with("AUTH") && connection == 1 => Act::Say("334 e30="),
        "" | "AQ==" => Act::Say("535 5.7.8 expired"),
        _ => Act::Usual,
    })
    .await;
    world.start_as(|_| {
        Auth::OAuth(Box::new(OAuth {
            server: AuthorizationServer::Known {
                token_url: token_url.clone(),
                authorize_url: None,
                device_url: None,
            },
            client_id: "x".into(),
            client: ClientProof::Public,
            scopes: None,
            grant: Grant::ClientCredentials,
            ca_file: None,
            refresh_life: None,
        }))
    });
    world.until("sent", 3).await;
    world.stop().await;
    assert_eq!(issued.load(Ordering::SeqCst), 2);
    assert_eq!(world.fake.connections(), 2);
}

#[tokio::test]
async fn a_server_that_comes_back_gets_what_waited() {
    let world = World::new(60, |connection, line| {
        if connection <= 2 && line == "greeting" {
            Act::Drop
        } else {
            Act::Usual
        }
    })
    .await;
    world.start();
    world.until("sent", 60).await;
    world.stop().await;
    let attempts: u32 = world
        .rows()
        .await
        .iter()
        .map(|row| row.reply.as_ref().unwrap().attempts)
        .sum();
    assert!(
        attempts <= 60 + 50 + 1,
        "{attempts}: while there is trouble only one is claimed"
    );
}

#[tokio::test]
async fn a_stop_finishes_the_reply_in_hand_and_gives_back_the_others() {
    let stop = CancellationToken::new();
    let (pull, mails) = (stop.clone(), AtomicUsize::new(0));
    let world = World::new(20, move |_, line| {
        if line == "DATA" && mails.fetch_add(1, Ordering::SeqCst) == 4 {
            pull.cancel();
        }
        Act::Usual
    })
    .await;
    let world = world.with_stop(stop);
    world.start();
    world.stop.cancelled().await;
    world.stop().await;
    assert_eq!(world.fake.mails().len(), 5);
    assert_eq!(world.count("sent").await, 5);
    assert_eq!(world.count("queued").await, 15);
    let given_back = timeout(PATIENCE, world.ledger.claim_replies("us", 100))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(given_back.len(), 15, "due at once");
    let jobs: std::collections::BTreeSet<JobId> = given_back.iter().map(|reply| reply.job).collect();
    assert_eq!(jobs.len(), 15);
}

#[tokio::test]
async fn a_server_that_loses_each_answer_gets_three_copies_and_an_operator_decides() {
    let lost = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let loses = lost.clone();
    let mut world = World::new(1, move |_, line| match line == "." && loses.load(Ordering::SeqCst) {
        true => Act::Drop,
        false => Act::Usual,
    })
    .await;
    for copies in 1..=3 {
        world.start();
        world.until_mails(copies).await;
        world.until(if copies < 3 { "queued" } else { "unsure" }, 1).await;
        world.ahead.fetch_add(100_000, Ordering::SeqCst);
        world.stop().await;
        world = world.with_stop(CancellationToken::new());
    }
    // Nothing more by itself, whatever the time.
    world.start();
    world.idle().await;
    assert_eq!(world.fake.mails().len(), 3);
    let rows = world.outbox().await;
    assert_eq!(rows[0].state, crate::ledger::ReplyState::Unsure);
    assert_eq!(rows[0].due, None);
    let job = rows[0].job;
    let door = world.door().await;
    assert_eq!(
        door.retry_replies(crate::ledger::RetrySelection::Queued)
            .await
            .unwrap()
            .due,
        0
    );
    // The operator has it sent again.
    lost.store(false, Ordering::SeqCst);
    assert_eq!(
        door.retry_replies(crate::ledger::RetrySelection::Job(job))
            .await
            .unwrap()
            .due,
        1
    );
    assert!(!door.accept_reply(job).await.unwrap());
    world.until("sent", 1).await;
    world.stop().await;
    assert_eq!(world.fake.mails().len(), 4);
}
