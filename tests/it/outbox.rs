//! Replies that wait, are refused, are listed and tried again; and what the operator hears of mailboxes and jobs. The whole program
//! with a real Postfix.

use std::time::Duration;

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    letters::letter,
    program::{PATIENCE, REPLY, SENDER, account, answered, endpoint, processed, program, said},
};

const ADA: &str = "ada@example.test";
const OPERATOR: &str = "operator@example.test";

/// An account of this user with a password.
fn with_password(world: &World, mailjob: &mut Mailjob, name: &str) {
    mailjob.secret(name, PASSWORD).unwrap();
    let lines = format!("password = {{ file = \"secrets/{name}\" }}");
    let lines = account(world, &format!("{name}@example.test"), &lines);
    mailjob.account_as(name, &lines).unwrap();
}

/// Runs `mailjob replies …` beside the program: its exit code and what it printed.
async fn replies(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    let output = mailjob
        .command(&[&["replies"], arguments].concat())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// Waits until a list of replies is so.
async fn listed(mailjob: &Mailjob, arguments: &[&str], so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, text) = replies(mailjob, &[&["list", "--json"], arguments].concat()).await;
        assert_eq!(code, 0, "{text}");
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let rows = value["replies"].as_array_mut().map(std::mem::take).unwrap();
        if so(&rows) {
            return rows;
        }
        assert!(Instant::now() < deadline, "{rows:?}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_wait_while_the_server_is_down_and_go_once_when_it_is_back() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    with_password(&world, &mut mailjob, "ada");
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    assert_eq!(replies(&mailjob, &["list"]).await.0, 66, "no ledger yet");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.postfix.stop();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    let waiting = |rows: &[Value]| rows.len() == 1 && rows[0]["said"].is_string() && rows[0]["state"] == "queued";
    let rows = listed(&mailjob, &[], waiting).await;
    let row = &rows[0];
    assert_eq!((&row["endpoint"], &row["account"]), (&"ada".into(), &"ada".into()));
    assert_eq!(
        (&row["recipients"][0]["address"], &row["recipients"][0]["state"]),
        (&SENDER.into(), &"queued".into())
    );
    assert!(row["due"].is_string() && row["attempts"].as_u64() > Some(0), "{row}");
    assert_eq!(
        world.dovecot.count(ADA, "Processed").await.unwrap(),
        0,
        "it stays until its reply is taken"
    );

    world.postfix.start().await.unwrap();
    let (code, text) = replies(&mailjob, &["retry"]).await;
    assert!(code == 0, "{text}");
    answered(&world, &mailjob, 1).await;
    processed(&world, &mailjob, ADA, 1).await;
    assert_eq!(replies(&mailjob, &["list"]).await.1, "no replies\n");
    assert_eq!(
        listed(&mailjob, &["--state", "sent", "--account", "ada"], |rows| rows.len()
            == 1)
        .await
        .len(),
        1
    );
    assert_eq!(world.dovecot.count(SENDER, "INBOX").await.unwrap(), 1, "once");
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_reply_is_listed_told_and_sent_when_somebody_asks() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.service(&operator("every = \"1s\"\ndigest = \"0s\"")).unwrap();
    with_password(&world, &mut mailjob, "ada");
    with_password(&world, &mut mailjob, "ops");
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    world
        .postfix
        .answer_recipients(&[(SENDER, "550 5.1.1 nobody here")])
        .await
        .unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    let rows = listed(&mailjob, &["--state", "refused"], |rows| rows.len() == 1).await;
    assert!(
        rows[0]["recipients"][0]["said"]
            .as_str()
            .unwrap()
            .contains("rejected: nobody here"),
        "{rows:?}"
    );
    processed(&world, &mailjob, ADA, 1).await;
    let mail = told(&world, &mailjob, 1).await.remove(0);
    assert!(
        mail.contains("Subject: [mailjob] 1 reply of ada was refused\r\n"),
        "{mail}"
    );
    assert!(
        mail.contains("rejected: nobody here") && mail.contains("mailjob replies retry"),
        "{mail}"
    );

    world.postfix.answer_recipients(&[]).await.unwrap();
    let job = rows[0]["job"].as_str().unwrap();
    assert_eq!(
        replies(&mailjob, &["retry", "00000000000000000000000000000000"])
            .await
            .0,
        1
    );
    let (code, text) = replies(&mailjob, &["retry", job]).await;
    assert!(code == 0 && text.starts_with("1 due now"), "{code} {text}");
    answered(&world, &mailjob, 1).await;
    listed(&mailjob, &["--state", "sent"], |rows| rows.len() == 1).await;
    let (code, text) = replies(&mailjob, &["retry", job]).await;
    assert!(code == 1 && text.starts_with("1 sent already"), "{code} {text}");
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// The lines of an operator, who is told by the account `ops`.
fn operator(lines: &str) -> String {
    format!("\n[operator]\nto = \"{OPERATOR}\"\naccount = \"ops\"\n{lines}")
}

/// What the operator has, when it is so many mails, oldest first.
async fn told(world: &World, mailjob: &Mailjob, count: usize) -> Vec<String> {
    let wait = world
        .dovecot
        .wait_for(OPERATOR, "INBOX", count, Duration::from_secs(60))
        .await;
    wait.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    let mails = world.dovecot.mailbox(OPERATOR, "INBOX").await.unwrap();
    assert_eq!(mails.len(), count, "{}", mailjob.log());
    let text = |mail: Vec<u8>| String::from_utf8(mail).unwrap().replace("=\r\n", "");
    mails.into_iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_told_of_a_dead_mailbox_and_of_its_recovery() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    mailjob
        .service(&operator(
            "every = \"1s\"\nsilent_after = \"1s\"\ndigest = \"0s\"\nsubject = \"Attention: {{ headline }}\"",
        ))
        .unwrap();
    with_password(&world, &mut mailjob, "ops");
    mailjob.secret("ada", PASSWORD).unwrap();
    let right = account(&world, ADA, "password = { file = \"secrets/ada\" }");
    // Nobody listens there.
    let wrong = right.replace(&format!("port = {} }}\nsmtp", world.dovecot.imaps), "port = 1 }\nsmtp");
    assert_ne!(right, wrong);
    mailjob.account_as("ada", &wrong).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", "")).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let mail = told(&world, &mailjob, 1).await.remove(0);
    assert!(
        mail.contains("Subject: Attention: the mailbox of ada can't be read\r\n"),
        "{mail}"
    );
    assert!(
        mail.contains("mailjob doctor ada") && mail.contains(", since 2"),
        "{mail}"
    );
    assert!(mail.contains("Auto-Submitted: auto-generated\r\n"), "{mail}");

    mailjob.account_as("ada", &right).unwrap();
    let mail = told(&world, &mailjob, 2).await.remove(1);
    assert!(
        mail.contains("Subject: Attention: the mailbox of ada is read again\r\n"),
        "{mail}"
    );

    // A file that breaks is told as well, and that it is right again.
    mailjob.endpoint("ada", "[mailbox]\nacount = \"ada\"\n").unwrap();
    let mail = told(&world, &mailjob, 3).await.remove(2);
    assert!(
        mail.contains("Subject: Attention: the file ada.toml is broken\r\n") && mail.contains("acount"),
        "{mail}"
    );
    mailjob.endpoint("ada", &endpoint("ada", "")).unwrap();
    let mail = told(&world, &mailjob, 4).await.remove(3);
    assert!(
        mail.contains("Subject: Attention: the file ada.toml is right again, or gone\r\n"),
        "{mail}"
    );
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_failures_are_one_mail() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    // A look comes with each change of the configuration, and not before.
    mailjob.service(&operator("every = \"1h\"")).unwrap();
    with_password(&world, &mut mailjob, "ada");
    with_password(&world, &mut mailjob, "ops");
    let failing = endpoint("ada", "").replace("echo received", "echo broken >&2; exit 1");
    mailjob.endpoint("ada", &failing).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    said(&mailjob, " connected ", 1).await;
    for number in 1..=200 {
        world.dovecot.deliver(ADA, &letter(number)).await.unwrap();
    }
    let wait = world
        .dovecot
        .wait_for(ADA, "Failed", 200, Duration::from_secs(120))
        .await;
    wait.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    mailjob
        .endpoint("ada", &format!("description = \"1\"\n{failing}"))
        .unwrap();
    let mail = told(&world, &mailjob, 1).await.remove(0);
    assert!(mail.contains("Subject: [mailjob] 200 jobs of ada failed\r\n"), "{mail}");
    assert_eq!(
        mail.matches("from sender@example.test, subject Letter ").count(),
        5,
        "{mail}"
    );
    assert!(mail.contains("exit-1") && mail.contains("and 195 more"), "{mail}");

    // Neither a crash nor a change tells them again: the next mail has only what came since.
    mailjob.kill9().unwrap();
    mailjob.service(&operator("every = \"1s\"\ndigest = \"0s\"")).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(201)).await.unwrap();
    let mail = told(&world, &mailjob, 2).await.remove(1);
    assert!(
        mail.contains("Subject: [mailjob] 1 job of ada failed\r\n") && mail.contains("Letter 201"),
        "{mail}"
    );
    assert_eq!(mailjob.term().unwrap(), 0);
}
