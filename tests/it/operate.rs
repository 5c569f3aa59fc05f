//! Steering from the terminal: a job that failed is seen, told, tried again; an endpoint is paused. The whole program with real servers.

use std::time::Duration;

use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, World};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{Instant, sleep, timeout},
};

use crate::{
    letters::letter,
    program::{PATIENCE, REPLY, SENDER, account, answered, endpoint, processed, program},
};

const ADA: &str = "ada@example.test";

/// Runs a command beside the program: its exit code and what it printed.
async fn run(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    let output = mailjob.command(arguments).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(mailjob.leaks(&text), [""; 0], "{text}");
    (output.status.code().unwrap(), text)
}

/// Waits until the jobs are so.
async fn jobs(mailjob: &Mailjob, arguments: &[&str], so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, text) = run(mailjob, &[&["jobs", "list", "--json"], arguments].concat()).await;
        assert_eq!(code, 0, "{text}");
        let mut page: Value = serde_json::from_str(&text).unwrap();
        let rows = page["jobs"].as_array_mut().map(std::mem::take).unwrap();
        if so(&rows) {
            return rows;
        }
        assert!(Instant::now() < deadline, "{rows:?}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

fn webhook(receiver: &Receiver) -> String {
    format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n\
         headers = {{ authorization = {{ file = \"../secrets/hook\" }} }}\n{REPLY}",
        receiver.url("/hook?key=hidden-in-the-query")
    )
}

fn installed(world: &World, endpoint: &str) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("ada", PASSWORD).unwrap();
    mailjob.secret("hook", "Bearer never-seen-anywhere").unwrap();
    let lines = account(world, ADA, "password = { file = \"secrets/ada\" }");
    mailjob.account_as("ada", &lines).unwrap();
    mailjob.endpoint("ada", endpoint).unwrap();
    mailjob
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_seen_told_mended_and_tried_again() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|request| match request.number {
        0 => Answer::status(422)
            .header("content-type", "text/plain")
            .body("there is no \u{1b}[31msuch supplier"),
        _ => Answer::text("booked"),
    })
    .await
    .unwrap();
    let mut mailjob = installed(&world, &webhook(&receiver));
    assert_eq!(run(&mailjob, &["jobs", "list"]).await.0, 66, "no ledger yet");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    assert_eq!(
        run(&mailjob, &["jobs", "list"]).await,
        (
            0,
            "no jobs; --state ignored shows mails that were not meant\n".to_owned()
        )
    );
    let mut tail = mailjob
        .command(&["tail", "ada", "--json", "--since", "0"])
        .spawn()
        .unwrap();
    let mut events = BufReader::new(tail.stdout.take().unwrap()).lines();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();

    let failed = jobs(&mailjob, &["--state", "failed"], |rows| rows.len() == 1)
        .await
        .remove(0);
    let id = failed["id"].as_str().unwrap();
    assert_eq!(
        (
            &failed["endpoint"],
            &failed["reason"],
            &failed["sender"],
            &failed["subject"]
        ),
        (&"ada".into(), &"status-422".into(), &SENDER.into(), &"Letter 1".into())
    );
    // By any start or end that no other job has, as the list shows it.
    let short = &id[24..];
    let (code, list) = run(&mailjob, &["jobs", "list"]).await;
    assert!(
        code == 0 && list.starts_with("JOB ") && list.contains(short) && !list.contains(id),
        "{list}"
    );
    for part in [short, &id[28..], &id[..12], id] {
        let (code, story) = run(&mailjob, &["jobs", "show", part]).await;
        assert!(code == 0 && story.starts_with(&format!("job {id} ")), "{part}: {story}");
    }
    for (arguments, count) in [
        (["--sender", "EXAMPLE.test"], 1),
        (["--subject", "letter"], 1),
        (["--subject", "other"], 0),
        (["--since", "1h"], 1),
        (["--until", "1h"], 0),
        (["--endpoint", "ada"], 1),
    ] {
        jobs(&mailjob, &arguments, |rows| rows.len() == count).await;
    }
    let (code, told) = run(&mailjob, &["jobs", "list", "--endpoint", "eve"]).await;
    assert!(
        code == 1 && told.contains("there is no endpoint \"eve\"; there are: ada"),
        "{told}"
    );
    answered(&world, &mailjob, 1).await;
    world.dovecot.wait_for(ADA, "Failed", 1, PATIENCE).await.unwrap();

    let (code, story) = run(&mailjob, &["jobs", "show", &id[..16]]).await;
    assert_eq!(code, 0, "{story}");
    for words in [
        "of ada: failed\n",
        "  From        sender@example.test\n",
        "  Message-ID  letter-1@example.test\n",
        "attempt 1: failed, ",
        "  filter      accepted; sender sender@example.test",
        "/hook, ",
        "  response    422, text/plain\n",
        "    | there is no \\u{1b}[31msuch supplier\n",
        "reply by ada: sent\n",
        "  sent      sender@example.test  ",
        "settled as failed, ",
    ] {
        assert!(story.contains(words), "{words:?} is not in:\n{story}");
    }
    for secret in ["hidden-in-the-query", "never-seen-anywhere", "Bearer"] {
        assert!(!story.contains(secret), "{story}");
    }

    let (code, text) = run(&mailjob, &["jobs", "retry", id]).await;
    assert_eq!(code, 0, "{text}");
    answered(&world, &mailjob, 2).await;
    let done = jobs(&mailjob, &["--state", "done"], |rows| {
        rows.len() == 1 && rows[0]["reply"] == "sent"
    })
    .await;
    assert_eq!((&done[0]["id"], done[0]["attempts"].as_u64()), (&failed["id"], Some(2)));
    let (code, text) = run(&mailjob, &["jobs", "retry", id]).await;
    assert!(
        code == 1 && text.contains("it is done; mailjob jobs replay runs it anew"),
        "{text}"
    );

    let story = run(&mailjob, &["jobs", "show", id, "--json"]).await.1;
    let story: Value = serde_json::from_str(&story).unwrap();
    assert_eq!(story["attempts"][1]["exchange"]["body"]["text"], "booked");
    let replies = story["replies"].as_array().unwrap();
    assert_eq!(replies.len(), 2);
    assert_ne!(
        replies[0]["message_id"], replies[1]["message_id"],
        "no mail server takes one for the other"
    );
    let (webhook_ids, requests) = (id, receiver.requests());
    assert!(
        requests
            .iter()
            .all(|request| request.header("webhook-id") == webhook_ids),
        "one job, one id"
    );

    let folder = mailjob.dir().join("exported");
    let (code, text) = run(&mailjob, &["jobs", "export", id, "--to", folder.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{text}");
    let file = |end: &str| std::fs::read(folder.join(format!("{id}.{end}"))).unwrap();
    assert!(file("eml").ends_with(b"Please do this.\r\n"));
    assert!(String::from_utf8_lossy(&file("reply.eml")).contains("booked"));
    let payload: Value = serde_json::from_slice(&file("payload.json")).unwrap();
    assert_eq!(payload["mail"]["subject"], "Letter 1");

    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "reply-sent") || kinds.len() < 7 {
        let line = timeout(PATIENCE, events.next_line()).await.unwrap().unwrap().unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        kinds.push(event["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        kinds,
        [
            "made",
            "failed",
            "reply-sent",
            "settled",
            "queued",
            "done",
            "reply-sent"
        ]
    );
    tail.kill().await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
    let (code, text) = run(&mailjob, &["jobs", "replay", id]).await;
    assert_eq!(code, 0, "also where nothing runs: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_survives_a_restart_and_what_waits_may_be_discarded() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world, &endpoint("ada", REPLY));
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let (code, text) = run(&mailjob, &["pause", "eve"]).await;
    assert!(code == 1 && text.contains("there is no endpoint"), "{text}");
    let (code, text) = run(&mailjob, &["pause", "ada"]).await;
    assert!(code == 0 && text.contains("ada is paused since"), "{text}");
    for number in 1..=2 {
        world.dovecot.deliver(ADA, &letter(number)).await.unwrap();
    }
    jobs(&mailjob, &["--state", "queued"], |rows| rows.len() == 2).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    // The third is taken by the new process: it looked at the jobs before it, and left them.
    world.dovecot.deliver(ADA, &letter(3)).await.unwrap();
    let waiting = jobs(&mailjob, &["--state", "queued"], |rows| rows.len() == 3).await;
    assert!(waiting.iter().all(|row| row["attempts"] == 0), "{waiting:?}");

    let (code, text) = run(&mailjob, &["jobs", "discard", "--all", "--since", "1h"]).await;
    assert_eq!((code, text.as_str()), (0, "3 discarded\n"));
    world.dovecot.wait_for(ADA, "Failed", 3, PATIENCE).await.unwrap();
    world.dovecot.deliver(ADA, &letter(4)).await.unwrap();
    jobs(&mailjob, &["--state", "queued"], |rows| rows.len() == 1).await;
    let (code, text) = run(&mailjob, &["resume", "ada"]).await;
    assert_eq!((code, text.as_str()), (0, "ada goes on; 1 job waited\n"));
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    assert_eq!(
        world.dovecot.count(SENDER, "INBOX").await.unwrap(),
        1,
        "nobody is told of what was discarded"
    );
    assert_eq!(run(&mailjob, &["resume", "ada"]).await.1, "ada was not paused\n");
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_gone_is_resumed_by_hand_or_by_another() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|request| match request.number {
        0 | 2 => Answer::status(410),
        _ => Answer::text("booked"),
    })
    .await
    .unwrap();
    let mut mailjob = installed(&world, &(webhook(&receiver) + "[retry]\nwaits = [\"10ms\"]\n"));
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    jobs(&mailjob, &["--state", "deferred"], |rows| rows.len() == 1).await;
    let (code, text) = run(&mailjob, &["pause", "ada"]).await;
    assert!(code == 0 && text.contains("1 job waits"), "{text}");
    assert_eq!(run(&mailjob, &["resume", "ada"]).await.0, 0);
    processed(&world, &mailjob, ADA, 1).await;

    world.dovecot.deliver(ADA, &letter(2)).await.unwrap();
    jobs(&mailjob, &["--state", "deferred"], |rows| rows.len() == 1).await;
    let changed = webhook(&receiver).replace("/hook?", "/other?");
    mailjob.endpoint("ada", &changed).unwrap();
    processed(&world, &mailjob, ADA, 2).await;
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test]
async fn completions_and_man_pages_are_made_of_the_commands() {
    let run = async |arguments: &[&str]| {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_mailjob"))
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).await.contains("discard"), "{shell}");
    }
    assert!(run(&["man"]).await.contains("mailjob\\-jobs"));
    let folder = tempfile::tempdir().unwrap();
    run(&["man", "--to", folder.path().to_str().unwrap()]).await;
    assert!(folder.path().join("mailjob-jobs-retry.1").exists());
}

#[test]
fn version_says_which_build_it_is() {
    let said = |word: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_mailjob"))
            .arg(word)
            .output()
            .unwrap();
        assert!(output.status.success(), "{word}");
        String::from_utf8(output.stdout).unwrap()
    };
    let short = said("-V");
    assert_eq!(short, format!("mailjob {}\n", env!("CARGO_PKG_VERSION")));
    let long = said("--version");
    let build = long
        .strip_prefix(short.trim_end())
        .and_then(|rest| rest.strip_prefix(" ("));
    let parts: Vec<_> = build
        .and_then(|rest| rest.strip_suffix(")\n"))
        .unwrap()
        .split(", ")
        .collect();
    let [commit, rust, features] = parts[..] else {
        panic!("{long}");
    };
    assert!(commit == "development build" || commit.starts_with("commit "), "{long}");
    assert!(rust.starts_with("Rust 1."), "{long}");
    assert!(features == "no features" || features.starts_with("features "), "{long}");
}
