//! What `/status`, `/metrics` and `mailjob status` say while something is wrong: within seconds, and no longer than it is.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use mailjob::status::{EndpointHealth, EndpointStatus, Status};
use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, World};
use tokio::time::{Instant, sleep};

use crate::{
    letters::letter,
    program::{PATIENCE, REPLY, account, answered, endpoint, processed, program, refreshing},
    promtool::judged,
};

const ADA: &str = "ada@example.test";
/// What is wrong is shown within this time.
const SECONDS: Duration = Duration::from_secs(10);

async fn page(mailjob: &Mailjob, path: &str) -> String {
    let answer = crate::program::page(mailjob, path, PATIENCE).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

async fn status(mailjob: &Mailjob) -> Status {
    serde_json::from_str(&page(mailjob, "/status").await).unwrap()
}

/// Waits until an endpoint is as wanted.
async fn until(
    mailjob: &Mailjob,
    name: &str,
    patience: Duration,
    wanted: impl Fn(&EndpointStatus) -> bool,
) -> EndpointStatus {
    let end = Instant::now() + patience;
    loop {
        let status = status(mailjob).await;
        if let Some(found) = status.endpoints.iter().find(|endpoint| endpoint.name == name)
            && wanted(found)
        {
            return found.clone();
        }
        assert!(Instant::now() < end, "{status:#?}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// The value of a series.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

/// The exit code and the output of `mailjob status`.
async fn asked(mailjob: &Mailjob, arguments: &[&str]) -> (Option<i32>, String) {
    let output = mailjob
        .command(&[&["status"], arguments].concat())
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

async fn installed(world: &World) -> Mailjob {
    let mailjob = program(world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let mut mailjob = mailjob;
    let password = "password = { file = \"secrets/ada\" }";
    mailjob.account_as("ada", &account(world, ADA, password)).unwrap();
    mailjob.endpoint("orders", &endpoint("ada", REPLY)).unwrap();
    mailjob
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_goes_down_is_shown_and_so_is_its_return() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world).await;
    let (code, alone) = asked(&mailjob, &[]).await;
    assert_eq!(code, Some(69), "{alone}");
    assert!(
        alone.contains("nothing runs") && alone.contains("not there yet"),
        "{alone}"
    );

    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    let well = until(&mailjob, "orders", SECONDS, |found| {
        found.state == EndpointHealth::Working
    })
    .await;
    assert!(
        well.to_do.is_none() && well.mailbox.as_ref().is_some_and(|mailbox| mailbox.last_mail.is_some()),
        "{well:?}"
    );
    let (code, table) = asked(&mailjob, &[]).await;
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("ENDPOINT") && table.contains("working"), "{table}");

    let mailbox = "{account=\"ada\",mailbox=\"INBOX\"}";
    let metrics = page(&mailjob, "/metrics").await;
    judged(&metrics).await;
    for (series, least) in [
        (format!("mailjob_mailbox_up{mailbox}"), 1.0),
        (format!("mailjob_mails_seen_total{mailbox}"), 1.0),
        (format!("mailjob_mails_taken_total{mailbox}"), 1.0),
        (
            "mailjob_mails_settled_total{account=\"ada\",mailbox=\"INBOX\",verdict=\"done\"}".into(),
            1.0,
        ),
        (format!("mailjob_mailbox_last_look_timestamp_seconds{mailbox}"), 1.7e9),
        (format!("mailjob_mail_take_delay_seconds_count{mailbox}"), 1.0),
        (
            "mailjob_attempts_total{endpoint=\"orders\",outcome=\"done\"}".into(),
            1.0,
        ),
        (
            "mailjob_jobs_ended_total{endpoint=\"orders\",state=\"done\",reason=\"none\"}".into(),
            1.0,
        ),
        (
            "mailjob_action_duration_seconds_count{endpoint=\"orders\",action=\"command\"}".into(),
            1.0,
        ),
        (
            "mailjob_reply_submissions_total{account=\"ada\",outcome=\"sent\"}".into(),
            1.0,
        ),
        (
            "mailjob_reply_submission_duration_seconds_count{account=\"ada\"}".into(),
            1.0,
        ),
        (
            "mailjob_endpoint_state{endpoint=\"orders\",state=\"working\"}".into(),
            1.0,
        ),
        ("mailjob_ledger_commit_duration_seconds_count".into(), 3.0),
        ("mailjob_ledger_size_bytes".into(), 4096.0),
        ("mailjob_ledger_disk_free_bytes".into(), 1.0),
        ("process_resident_memory_bytes".into(), 1e6),
    ] {
        let found = value(&metrics, &series);
        assert!(
            found.is_some_and(|found| found >= least),
            "{series}: {found:?}\n{metrics}"
        );
    }
    assert_eq!(
        value(&metrics, "mailjob_jobs{endpoint=\"orders\",state=\"queued\"}"),
        Some(0.0)
    );

    world.dovecot.stop();
    // Dovecot's session processes end after its master, on a loaded machine well after it.
    let down = until(&mailjob, "orders", PATIENCE, |found| {
        found.state == EndpointHealth::Waiting
    })
    .await;
    assert!(
        down.words.starts_with("waiting to connect since") && down.words.contains("because"),
        "{down:?}"
    );
    assert!(down.since.is_some() && down.mailbox.is_some_and(|mailbox| mailbox.next_try.is_some()));
    let metrics = page(&mailjob, "/metrics").await;
    assert_eq!(value(&metrics, &format!("mailjob_mailbox_up{mailbox}")), Some(0.0));
    assert!(value(&metrics, &format!("mailjob_mailbox_failures_total{mailbox}")) >= Some(1.0));
    let (code, table) = asked(&mailjob, &["orders"]).await;
    assert_eq!(code, Some(0), "it will be tried again: {table}");
    assert!(table.contains("orders: waiting to connect since"), "{table}");

    world.dovecot.start().await.unwrap();
    until(&mailjob, "orders", Duration::from_secs(90), |found| {
        found.state == EndpointHealth::Working
    })
    .await;
    let metrics = page(&mailjob, "/metrics").await;
    assert_eq!(value(&metrics, &format!("mailjob_mailbox_up{mailbox}")), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_shown_with_its_problem() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world).await;
    mailjob.endpoint("bills", "[mailbox]\naccount = \"nobody\"\n").unwrap();
    mailjob
        .endpoint("off", &format!("enabled = false\n{}", endpoint("ada", "")))
        .unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let bills = until(&mailjob, "bills", SECONDS, |found| {
        found.state == EndpointHealth::Broken
    })
    .await;
    assert!(bills.words.contains("bills.toml") && bills.to_do.is_some(), "{bills:?}");
    until(&mailjob, "off", SECONDS, |found| {
        found.state == EndpointHealth::Disabled
    })
    .await;
    // Whose mailbox the broken one has can't be known: it may be that of the other.
    let waits = until(&mailjob, "orders", PATIENCE, |found| {
        found.state == EndpointHealth::HeldBack
    })
    .await;
    assert!(waits.words.contains("bills.toml"), "{waits:?}");
    let to_do = waits.to_do.unwrap_or_default();
    assert!(to_do.contains("mend the file of bills"), "{to_do}");
    let metrics = page(&mailjob, "/metrics").await;
    let held_back = "mailjob_endpoint_state{endpoint=\"orders\",state=\"held_back\"}";
    assert_eq!(value(&metrics, held_back), Some(1.0), "{metrics}");
    // Once that is known, nobody else waits.
    let elsewhere = "[mailbox]\naccount = \"ada\"\nname = \"Bills\"\nnonsense = true\n[webhook]\nurl = 5\n";
    mailjob.endpoint("bills", elsewhere).unwrap();
    until(&mailjob, "orders", PATIENCE, |found| {
        found.state == EndpointHealth::Working
    })
    .await;

    // A good one breaks: its last good version goes on.
    mailjob.endpoint("orders", "nonsense = true\n").unwrap();
    let kept = until(&mailjob, "orders", SECONDS, |found| found.problem.is_some()).await;
    assert_eq!(kept.state, EndpointHealth::Working);
    assert!(kept.problem.unwrap().contains("orders.toml:1"));
    let metrics = page(&mailjob, "/metrics").await;
    assert!(
        value(&metrics, "mailjob_configuration_problems") >= Some(2.0),
        "{metrics}"
    );
    assert_eq!(
        value(&metrics, "mailjob_endpoint_state{endpoint=\"bills\",state=\"broken\"}"),
        Some(1.0)
    );
    let (code, table) = asked(&mailjob, &[]).await;
    assert_eq!(code, Some(1), "{table}");
    assert!(table.contains("what to do: mend its file"), "{table}");
    let (_, json) = asked(&mailjob, &["bills", "--json"]).await;
    let one: Status = serde_json::from_str(&json).unwrap();
    assert_eq!(one.endpoints.len(), 1);
    assert_eq!(asked(&mailjob, &["nothing"]).await.0, Some(78));

    mailjob.endpoint("orders", &endpoint("ada", "")).unwrap();
    until(&mailjob, "orders", SECONDS, |found| found.problem.is_none()).await;
    mailjob.term().unwrap();
    let (code, alone) = asked(&mailjob, &[]).await;
    assert_eq!(code, Some(69), "{alone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_needed_is_shown_with_what_to_run() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    let sign_in = refreshing(&world, &mailjob, "ada", ADA).await;
    mailjob.account_as("ada", &account(&world, ADA, &sign_in)).unwrap();
    mailjob.endpoint("orders", &endpoint("ada", "")).unwrap();
    world.oauth.revoke(ADA).await.unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let needs = until(&mailjob, "orders", SECONDS, |found| {
        found.state == EndpointHealth::NeedsSignIn
    })
    .await;
    assert_eq!(needs.to_do.as_deref(), Some("run: mailjob auth login ada"), "{needs:?}");
    let (code, table) = asked(&mailjob, &[]).await;
    assert_eq!(code, Some(1), "{table}");
    assert!(
        table.contains("needs sign-in !") && table.contains("mailjob auth login ada"),
        "{table}"
    );

    let anew = world.oauth.refresh_token(ADA, "mailjob-public").await.unwrap();
    mailjob.secret("ada", &anew).unwrap();
    until(&mailjob, "orders", PATIENCE, |found| {
        found.state == EndpointHealth::Working
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_shown_while_jobs_wait_for_it() {
    let world = World::start(Options::default()).await.unwrap();
    let first = AtomicBool::new(true);
    let receiver = Receiver::start(move |_| match first.swap(false, Ordering::SeqCst) {
        true => Answer::status(500),
        false => Answer::status(200),
    });
    let receiver = receiver.await.unwrap();
    let mut mailjob = installed(&world).await;
    let webhook = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n[retry]\nwaits = [\"1h\"]\n",
        receiver.url("/")
    );
    mailjob.endpoint("orders", &webhook).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    let fails = until(&mailjob, "orders", PATIENCE, |found| found.setback.is_some()).await;
    let setback = fails.setback.unwrap();
    assert_eq!(
        (fails.state, setback.reason.as_deref()),
        (EndpointHealth::Working, Some("status-500"))
    );
    let (code, table) = asked(&mailjob, &[]).await;
    assert_eq!(code, Some(0), "it is tried again by itself: {table}");
    assert!(
        table.contains("jobs are tried again, the next ") && table.contains("answered 500"),
        "{table}"
    );

    let retry = ["jobs", "retry", "--all", "--state", "deferred", "--json"];
    let output = mailjob.command(&retry).output().await.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["jobs"].as_array().map(Vec::len), Some(1), "{told}");
    processed(&world, &mailjob, ADA, 1).await;
    until(&mailjob, "orders", PATIENCE, |found| found.setback.is_none()).await;
}

/// 60 mails for a webhook that is not there, and one for a neighbour; then it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_down_is_asked_seldom_and_shown_until_it_is_up() {
    let world = World::start(Options::default()).await.unwrap();
    let up = std::sync::Arc::new(AtomicBool::new(false));
    let answers = up.clone();
    let receiver = Receiver::start(move |_| match answers.load(Ordering::SeqCst) {
        true => Answer::status(200),
        false => Answer::status(503),
    });
    let receiver = receiver.await.unwrap();
    let mut mailjob = installed(&world).await;
    let webhook = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n[retry]\nwaits = [\"1h\"]\n",
        receiver.url("/")
    );
    mailjob.endpoint("orders", &webhook).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let mails: Vec<_> = (1..=60).map(letter).collect();
    world.dovecot.deliver_all(ADA, &mails).await.unwrap();
    let down = until(&mailjob, "orders", PATIENCE, |found| {
        found.state == EndpointHealth::Waiting
    })
    .await;
    assert!(
        down.words.contains("its webhook is down since") && down.words.contains("503"),
        "{}",
        down.words
    );
    let metrics = page(&mailjob, "/metrics").await;
    let since = value(
        &metrics,
        "mailjob_webhook_down_since_timestamp_seconds{endpoint=\"orders\"}",
    );
    assert!(since.is_some_and(|since| since > 1e9), "{metrics}");
    let (_, table) = asked(&mailjob, &[]).await;
    assert!(table.contains("its webhook is down since"), "{table}");
    // Each job that was tried waits an hour; the others have had no attempt.
    receiver.wait_for(10, PATIENCE).await.unwrap();
    let asked_in_vain = receiver.requests().len();
    assert!(asked_in_vain < 25, "{asked_in_vain} requests");
    up.store(true, Ordering::SeqCst);
    let retry = ["jobs", "retry", "--all", "--state", "deferred"];
    assert!(mailjob.command(&retry).output().await.unwrap().status.success());
    processed(&world, &mailjob, ADA, 60).await;
    until(&mailjob, "orders", PATIENCE, |found| {
        found.state == EndpointHealth::Working
    })
    .await;
    assert!(receiver.requests().len() <= 60 + asked_in_vain + 8);
}
