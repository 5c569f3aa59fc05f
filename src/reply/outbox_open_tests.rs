//! What stays open: recipients told apart, trouble that lasts, and the pace.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{super::server_tests::Act, world::World};
use crate::{
    config::Rate,
    ledger::{Ledger, RetrySelection},
};

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
    let up = Arc::new(AtomicBool::new(false));
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
    let retried = world.door().await.retry_replies(RetrySelection::Refused).await.unwrap();
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
