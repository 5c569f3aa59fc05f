//! The loop between a real ledger and a server that answers as it is told.

#[path = "outbox_world.rs"]
mod world;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::world::{PATIENCE, World};
use super::server_tests::Act;
use crate::{
    config::{Auth, AuthorizationServer, ClientProof, Grant, OAuth, Rate},
    job::JobId,
    ledger::{Again, Ledger},
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
        "" => Act::Say("535 5.7.8 expired"),
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
async fn each_recipient_gets_it_once_and_only_the_open_ones_are_tried_again() {
    let world = World::empty(|connection, line| match line {
        "RCPT TO:<no@a.example>" => Act::Say("550 5.1.1 who?"),
        "RCPT TO:<busy@a.example>" if connection == 1 => Act::Say("450 4.2.1 busy"),
        _ => Act::Usual,
    })
    .await;
    world
        .fill_to(1, &["ann@a.example", "no@a.example", "busy@a.example"])
        .await;
    world.start();
    world.until_said("busy").await;
    world.stop().await;
    assert_eq!(world.count("queued").await, 1, "one still has to get it");
    world.ahead.store(90, Ordering::SeqCst);
    let world = world.with_stop(CancellationToken::new());
    world.start();
    world.until("sent", 1).await;
    world.stop().await;
    let mails = world.fake.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1], "the same bytes and the same Message-ID");
    let named = |connection| {
        let lines = world.fake.lines(connection);
        lines
            .into_iter()
            .filter(|line| line.starts_with("RCPT"))
            .collect::<Vec<_>>()
    };
    assert_eq!(named(1).len(), 3);
    assert_eq!(named(2), ["RCPT TO:<busy@a.example>"]);
    let states: Vec<_> = world.outbox().await[0]
        .recipients
        .iter()
        .map(|end| end.state.as_str())
        .collect();
    assert_eq!(states, ["sent", "refused", "sent"]);
}

#[tokio::test]
async fn trouble_of_five_days_is_an_end_that_an_operator_can_undo() {
    let up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_up = up.clone();
    let world = World::empty(move |_, line| match line {
        "greeting" if !is_up.load(Ordering::SeqCst) => Act::Drop,
        _ => Act::Usual,
    })
    .await;
    // Made five days ago.
    world.ahead.store(-5 * 24 * 60 * 60 - 1, Ordering::SeqCst);
    world.fill(1).await;
    world.ahead.store(0, Ordering::SeqCst);
    world.start();
    world.until("refused", 1).await;
    assert!(
        world.rows().await[0]
            .reply
            .as_ref()
            .unwrap()
            .detail
            .as_ref()
            .unwrap()
            .starts_with("given up: ")
    );
    up.store(true, Ordering::SeqCst);
    let retried = world.door().await.retry(Again::Refused, Utc::now()).await.unwrap();
    assert_eq!(retried.due, 1);
    world.until("sent", 1).await;
    world.stop().await;
    assert_eq!(world.fake.mails().len(), 1);
}

#[tokio::test]
async fn an_account_keeps_its_pace_over_a_restart() {
    let world = World::new(3, |_, _| Act::Usual).await;
    let pace = Some(Rate {
        count: 2,
        per: Duration::from_secs(60),
    });
    world.start_at(pace);
    world.until("sent", 2).await;
    world.stop().await;
    assert_eq!((world.count("sent").await, world.count("queued").await), (2, 1));

    let world = world.with_stop(CancellationToken::new());
    world.start_at(pace);
    // It would go at once: the loop is asked to stop after it had its chance to claim.
    world.idle().await;
    world.stop().await;
    assert_eq!(
        (world.count("sent").await, world.count("queued").await),
        (2, 1),
        "those of before count"
    );

    let world = world.with_stop(CancellationToken::new());
    world.start_at(None);
    world.until("sent", 3).await;
    world.stop().await;
    let ends = world
        .ledger
        .submissions("us", Utc::now() - TimeDelta::minutes(1))
        .await
        .unwrap();
    assert_eq!(ends.len(), 3);
}
