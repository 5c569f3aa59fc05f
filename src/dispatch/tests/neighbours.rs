//! Endpoints beside one another: what one of them waits for is not the others' wait.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{Router, extract, http::StatusCode, routing::post};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::Semaphore,
};

use super::{
    scene::{PATIENCE, Scene, webhook},
    *,
};
use crate::{
    config::{Proof, Webhook},
    dispatch::verify::Dns,
    job::state::State,
    ledger::sqlite::OverviewRow,
    slots::{Size, Slots},
};

/// A webhook that answers nobody until it has permits, one for each request.
async fn patient() -> (Action, Arc<Semaphore>) {
    let released = Arc::new(Semaphore::new(0));
    let handle = |extract::State(released): extract::State<Arc<Semaphore>>| async move {
        released.acquire().await.unwrap().forget();
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let action = Action::Webhook(Webhook {
        timeout: PATIENCE,
        allow_private_network: true,
        ..Webhook::new(format!("http://{}/", listener.local_addr().unwrap()))
    });
    let app = Router::new().route("/", post(handle)).with_state(released.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (action, released)
}

fn named(name: &str, concurrency: usize, action: Action) -> Endpoint {
    Endpoint {
        name: EndpointName::new(name).unwrap(),
        concurrency,
        ..endpoint(action)
    }
}

fn mails(count: u32) -> Vec<String> {
    (0..count).map(|n| format!("{MAIL}{n}")).collect()
}

fn counted(rows: &[OverviewRow], state: State) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for row in rows.iter().filter(|row| row.state == state) {
        *counted.entry(row.endpoint.as_str()).or_default() += 1;
    }
    counted
}

fn is_done(rows: &[OverviewRow], name: &str) -> bool {
    rows.iter().any(|row| row.endpoint == name)
        && rows.iter().all(|row| row.endpoint != name || row.state == State::Done)
}

#[tokio::test]
async fn a_sixth_endpoint_is_done_while_five_slow_webhooks_hold_all_they_may_and_what_waits_is_queued() {
    let mut scene = Scene::with(Vec::new()).await;
    let (slow, released) = patient().await;
    let (quick, _) = webhook(&[200]).await;
    scene.start(named("sixth", 8, quick));
    let names = ["slow-1", "slow-2", "slow-3", "slow-4", "slow-5"];
    for name in names {
        scene.start(named(name, 8, slow.clone()));
        scene.deliver_to(name, 1, mails(30)).await;
    }
    // The last of them begins when it is its turn.
    let of_32 = |rows: &[OverviewRow]| {
        let running = counted(rows, State::Running);
        running.len() == names.len() && running.values().sum::<usize>() >= 24
    };
    let rows = scene.until(of_32).await;
    let running = counted(&rows, State::Running);
    assert!(
        running.values().all(|held| (1..=8).contains(held)) && running.len() == 5,
        "{running:?}"
    );
    scene.deliver_to("sixth", 1, mails(4)).await;
    let rows = scene.until(|rows| is_done(rows, "sixth")).await;
    let waits = rows
        .iter()
        .filter(|row| row.endpoint != "sixth" && row.state != State::Running);
    for row in waits {
        assert_eq!(
            (row.state, row.attempts),
            (State::Queued, 0),
            "waiting for a slot is no attempt"
        );
    }
    assert_eq!(released.available_permits(), 0);
    released.add_permits(150);
    let rows = scene.ended().await;
    assert_eq!(counted(&rows, State::Done).values().sum::<usize>(), 154);
    assert!(rows.iter().all(|row| row.attempts == 1), "each ran once");
    scene.stopped().await;
}

#[tokio::test]
async fn a_third_command_runs_while_two_slow_ones_hold_all_they_may() {
    let mut scene = Scene::with(Vec::new()).await;
    scene.slots = Slots::new(Size::Exactly(32), Size::Exactly(8));
    let gate = tempfile::tempdir().unwrap();
    let gate = gate.path().join("gate");
    let slow = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    scene.start(named("third", 8, Action::Command(shell("date"))));
    for name in ["slow-1", "slow-2"] {
        scene.start(named(name, 8, Action::Command(shell(&slow))));
        scene.deliver_to(name, 1, mails(10)).await;
    }
    let rows = scene
        .until(|rows| counted(rows, State::Running).values().sum::<usize>() >= 5)
        .await;
    assert_eq!(counted(&rows, State::Running).len(), 2);
    scene.deliver_to("third", 1, mails(2)).await;
    scene.until(|rows| is_done(rows, "third")).await;
    std::fs::write(&gate, "").unwrap();
    let rows = scene.ended().await;
    assert_eq!(counted(&rows, State::Done).values().sum::<usize>(), 22);
    scene.stopped().await;
}

/// A mail whose signature asks DNS for a key.
fn signed(n: u32) -> String {
    format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=k; h=from:subject; bh=eDCyaw7m810RhFf0TmGWGkTYiT/1GwL4/PCOGIr3ew4=; b=AAAA\r\n\
         From: ann@a.example\r\nSubject: x\r\nX-Number: {n}\r\n\r\ntext\r\n"
    )
}

/// While DNS is silent, verifying waits on no thread: there are fewer threads than jobs that wait.
#[test]
fn silent_dns_of_one_endpoint_is_not_noticed_by_another_and_holds_no_mail() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(2)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut scene = Scene::with(Vec::new()).await;
        scene.slots = Slots::new(Size::Exactly(300), Size::Exactly(2));
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        scene.dns = Dns::new(Some(silent.local_addr().unwrap()));
        let (action, _) = webhook(&[200]).await;
        let mut slow = named("slow", 300, action.clone());
        slow.senders.require = Some(Proof::Dkim);
        slow.senders.verify = Some(PATIENCE);
        // Reading one of these takes no time, waiting for DNS does.
        slow.limits.time = Duration::from_secs(10);
        slow.retry.waits = vec![PATIENCE; 9];
        scene.start(slow);
        scene.start(named("other", 8, action));
        scene.deliver_to("slow", 1, (0..200).map(signed).collect()).await;
        let begun = |rows: &[OverviewRow]| rows.iter().filter(|row| row.attempts > 0).count() >= 140;
        scene.until(begun).await;
        let mut asked = [0; 512];
        silent.recv(&mut asked).await.unwrap();
        scene.deliver_to("other", 1, mails(5)).await;
        let rows = scene.until(|rows| is_done(rows, "other")).await;
        assert!(
            counted(&rows, State::Running)["slow"] > 64,
            "more wait for DNS than threads read"
        );
        assert!(counted(&rows, State::Held).is_empty(), "{rows:#?}");
        scene.running.abort_all();
    });
    runtime.shutdown_background();
}

/// A webhook that says 503 while it is down, and how often it was asked.
async fn mortal() -> (Action, Arc<(AtomicBool, AtomicUsize)>) {
    let state = Arc::new((AtomicBool::new(false), AtomicUsize::new(0)));
    let handle = |extract::State(state): extract::State<Arc<(AtomicBool, AtomicUsize)>>| async move {
        state.1.fetch_add(1, Ordering::SeqCst);
        match state.0.load(Ordering::SeqCst) {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let action = Action::Webhook(Webhook {
        timeout: PATIENCE,
        allow_private_network: true,
        ..Webhook::new(format!("http://{}/", listener.local_addr().unwrap()))
    });
    let app = Router::new().route("/", post(handle)).with_state(state.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (action, state)
}

#[tokio::test]
async fn a_webhook_that_is_down_is_asked_seldom_and_its_jobs_wait_without_an_attempt() {
    let mut scene = Scene::with(mails(400)).await;
    let (action, webhook) = mortal().await;
    scene.start(Endpoint {
        retry: Retry {
            waits: vec![PATIENCE * 10; 3],
        },
        ..named("invoices", 8, action)
    });
    // The first eight, and one that asks after a second.
    scene.until(|_| webhook.1.load(Ordering::SeqCst) >= 9).await;
    let rows = scene.ledger.inner.overview(1_000).await.unwrap();
    let tried = rows
        .iter()
        .filter(|row| row.reason.as_deref() == Some("status-503"))
        .count();
    assert!(tried <= 20, "{tried} were tried");
    assert!(
        scene.down().is_some_and(|down| down.said.contains("503")),
        "status knows"
    );
    webhook.0.store(true, Ordering::SeqCst);
    let all = |rows: &[OverviewRow]| {
        let ended = rows.iter().filter(|row| row.state == State::Done).count();
        ended
            + rows
                .iter()
                .filter(|row| row.reason.as_deref() == Some("status-503"))
                .count()
            == 400
    };
    let rows = scene.until(all).await;
    let untried = rows.iter().filter(|row| row.state == State::Done).count();
    assert!(untried >= 380, "{untried}");
    assert_eq!(scene.down(), None);
    let asked = webhook.1.load(Ordering::SeqCst);
    assert!(asked <= 400 + 20, "{asked} requests");
    scene.stopped().await;
}

#[tokio::test]
async fn who_asks_for_a_job_to_be_tried_has_the_webhook_asked() {
    let clock = Retry::default();
    let health = crate::dispatch::DispatchHealth::default();
    let outcome = crate::job::Outcome::Retry {
        reason: crate::job::Reason::Network,
        detail: "refused".into(),
        not_before: None,
    };
    let job = job();
    while let Ok(asking) = health.webhook.ask(&job, &clock).await {
        asking.ended(&outcome);
    }
    assert!(health.down().is_some());
    health.webhook.hurry();
    let asking = health.webhook.ask(&job, &clock).await.unwrap();
    let mut behind = Box::pin(health.webhook.ask(&job, &clock));
    assert!(
        futures_util::FutureExt::now_or_never(behind.as_mut()).is_none(),
        "one asks"
    );
    drop(asking.ended(&crate::job::Outcome::Done(crate::job::Answer::default())));
    drop(behind.await.unwrap());
    assert_eq!(health.down(), None);
}
