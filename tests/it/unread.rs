//! A mail that did not come whole: nobody gets a part of it for the mail, it is not touched, and it is fetched again when an operator
//! wants that. The whole program with real servers.

use std::time::Duration;

use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, World};
use tokio::time::{Instant, sleep};

use crate::program::{PATIENCE, account, processed, program};

const ADA: &str = "ada@example.test";

fn large() -> Vec<u8> {
    let mut mail = b"From: sender@example.test\r\nTo: ada@example.test\r\nSubject: Plans\r\nMessage-ID: <plans@example.test>\r\n\r\n".to_vec();
    for number in 0..170_000 {
        mail.extend_from_slice(format!("{number:07}\r\n").as_bytes());
    }
    mail
}

fn endpoint(receiver: &Receiver, limit: &str) -> String {
    format!(
        "[mailbox]\naccount = \"ada\"\n[limits]\nsize = \"{limit}\"\n[webhook]\nurl = \"{}\"\nbody = \"raw\"\nallow_private_network = true\n\
         [reply]\nto = \"nobody\"\n",
        receiver.url("/hook")
    )
}

async fn run(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    let output = mailjob.command(arguments).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// Waits until a command says these words.
async fn says(mailjob: &Mailjob, arguments: &[&str], words: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, text) = run(mailjob, arguments).await;
        if text.contains(words) {
            return text;
        }
        assert!(Instant::now() < deadline, "{words:?}: {text}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_too_large_is_worked_on_whole_once_the_limit_was_raised() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("booked")).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let lines = account(&world, ADA, "password = { file = \"secrets/ada\" }");
    mailjob.account_as("ada", &lines).unwrap();
    mailjob.endpoint("ada", &endpoint(&receiver, "100KiB")).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &large()).await.unwrap();

    let held = ["jobs", "list", "--json", "--state", "held"];
    let listed = says(&mailjob, &held, "too-large").await;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let id = listed["jobs"][0]["id"].as_str().unwrap().to_owned();
    let story = run(&mailjob, &["jobs", "show", &id]).await.1;
    assert!(story.contains("raise `size` in [limits]"), "{story}");
    let (code, text) = run(&mailjob, &["jobs", "export", &id]).await;
    assert!(code == 1 && text.contains("never received whole"), "{text}");

    // Still too large: it is fetched, and held again.
    let (code, text) = run(&mailjob, &["jobs", "retry", "--all"]).await;
    assert!(code == 0 && text.contains("1 waiting to be fetched again"), "{text}");
    let waits = "it waits until its mail is fetched again";
    let deadline = Instant::now() + PATIENCE;
    while run(&mailjob, &["jobs", "show", &id]).await.1.contains(waits) {
        assert!(Instant::now() < deadline, "{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
    assert!(run(&mailjob, &held).await.1.contains("too-large"));
    assert_eq!(receiver.requests().len(), 0, "nobody got a part of it");
    assert_eq!(world.dovecot.count(ADA, "INBOX").await.unwrap(), 1);

    mailjob.endpoint("ada", &endpoint(&receiver, "10MiB")).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while receiver.requests().is_empty() {
        assert!(Instant::now() < deadline, "{}", mailjob.log());
        // The file counts from the moment when it is seen: what comes before that is held once more.
        run(&mailjob, &["jobs", "retry", "--all"]).await;
        sleep(Duration::from_millis(500)).await;
    }
    let request = receiver.requests().remove(0);
    let whole = large();
    assert!(
        request.body.ends_with(&whole),
        "{} of {} bytes",
        request.body.len(),
        whole.len()
    );
    processed(&world, &mailjob, ADA, 1).await;
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_never_read_stays_where_it_is_when_its_job_is_discarded() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("booked")).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let lines = account(&world, ADA, "password = { file = \"secrets/ada\" }");
    mailjob.account_as("ada", &lines).unwrap();
    mailjob.endpoint("ada", &endpoint(&receiver, "100KiB")).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &large()).await.unwrap();
    says(&mailjob, &["jobs", "list", "--state", "held"], "too-large").await;
    assert_eq!(
        run(&mailjob, &["jobs", "discard", "--all"]).await,
        (0, "1 discarded\n".to_owned())
    );
    // The next one is done, so that the first would have had its last touch by now.
    world.dovecot.deliver(ADA, &crate::letters::letter(1)).await.unwrap();
    processed(&world, &mailjob, ADA, 1).await;
    assert_eq!(world.dovecot.count(ADA, "INBOX").await.unwrap(), 1);
    assert_eq!(world.dovecot.count(ADA, "Failed").await.unwrap_or(0), 0);
    assert_eq!(mailjob.term().unwrap(), 0);
}
