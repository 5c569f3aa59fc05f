//! What is wrong with this machine or by the operator's mistake: jobs wait without an attempt, no sender hears of it, and they go on by
//! themselves. Injected for real: a full file system, no more open files, a program that is away.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, World};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    letters::letter,
    program::{PATIENCE, REPLY, SENDER, account, answered, processed, program},
    volume::Disk,
};

const ADA: &str = "ada@example.test";
/// The only attempt there is.
const ONCE: &str = "[retry]\nwaits = []\n";

fn installed(world: &World, action: &str) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let lines = account(world, ADA, "password = { file = \"secrets/ada\" }");
    mailjob.account_as("ada", &lines).unwrap();
    let endpoint = format!("[mailbox]\naccount = \"ada\"\n{action}\n{REPLY}{ONCE}");
    mailjob.endpoint("ada", &endpoint).unwrap();
    mailjob
}

async fn said(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    let output = mailjob.command(arguments).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// Waits until the job waits for this reason after so many tries; nobody heard of it.
async fn waits(world: &World, mailjob: &Mailjob, reason: &str, tries: i64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, text) = said(mailjob, &["jobs", "list", "--json"]).await;
        let page: Value = serde_json::from_str(&text).unwrap();
        let job = &page["jobs"][0];
        if job["state"] == "deferred" && job["reason"] == reason && job["attempts"].as_i64() >= Some(tries) {
            break;
        }
        assert!(Instant::now() < deadline, "{text}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
    for (user, mailbox) in [(SENDER, "INBOX"), (ADA, "Failed")] {
        let mails = world.dovecot.count(user, mailbox).await.unwrap_or(0);
        assert_eq!(mails, 0, "{user} {mailbox}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_temporary_folder_costs_no_attempt_and_no_sender_hears_of_it() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world, "[command]\nargv = [\"/bin/sh\", \"-c\", \"cat message.eml\"]");
    let place = world.dir().join("small");
    let Some(small) = Disk::mount(&place, "2m") else { return };
    mailjob.env("TMPDIR", &place.display().to_string());
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    small.fill(0);
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    waits(&world, &mailjob, "local", 2).await;
    let (_, text) = said(&mailjob, &["status"]).await;
    assert!(text.contains("No space left on device"), "{text}");
    small.free();
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_open_files_cost_no_attempt_and_no_sender_hears_of_it() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("done")).await.unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true",
        receiver.url("/")
    );
    let mut mailjob = installed(&world, &webhook);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    let pid = mailjob.pid().unwrap().to_string();
    let limited = |limit: &str| {
        let limited = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--nofile={limit}")])
            .status();
        assert!(limited.unwrap().success());
    };
    // What it has open stays open, and nothing more may be.
    limited("3:");
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    // Whoever asks opens files of his own, and the ledger's are open.
    waits(&world, &mailjob, "local", 1).await;
    assert_eq!(receiver.requests().len(), 0);
    limited("1024:");
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_went_away_is_told_of_and_waited_for() {
    let world = World::start(Options::default()).await.unwrap();
    let folder = world.dir().join("programs");
    fs::create_dir(&folder).unwrap();
    let (program, away) = (folder.join("convert.sh"), folder.join("away"));
    fs::write(&program, "#!/bin/sh\necho converted\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let argv = format!("[command]\nargv = [\"{}\"]", program.display());
    let mut mailjob = installed(&world, &argv);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    fs::rename(&program, &away).unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    waits(&world, &mailjob, "spawn", 1).await;
    let (code, text) = said(&mailjob, &["status"]).await;
    assert_ne!(code, 0, "{text}");
    for words in [
        "convert.sh could not be started",
        "check argv in [command]",
        "mailjob jobs retry",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    fs::rename(&away, &program).unwrap();
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    assert_eq!(mailjob.term().unwrap(), 0);
}
