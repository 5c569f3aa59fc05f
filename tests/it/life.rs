//! The life of the process: health, stopping, a second process, and what is never said.

use std::{process::Command, time::Duration};

use mailjob_testbed::{APP_SECRET, Answer, Mailjob, Options, PASSWORD, Receiver, SignIn, Start, World};
use tokio::time::Instant;

use crate::letters::letter;

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

async fn status(mailjob: &Mailjob, page: &str) -> u16 {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    http.get(mailjob.health_url(page))
        .bearer_auth(mailjob.token())
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

async fn one_endpoint(world: &World, sign_in: SignIn, action: &str) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(world, "ada", USER, sign_in, Start::Implicit)
        .await
        .unwrap();
    mailjob
        .endpoint("ada", &format!("[mailbox]\naccount = \"ada\"\n{action}\n"))
        .unwrap();
    mailjob
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_a_running_job_finish_and_never_waits_for_idle() {
    let world = World::start(Options::default()).await.unwrap();
    // The command tells that it runs, and goes on for a while after the signal.
    let command = "[command]\nargv = [\"/bin/sh\", \"-c\", \"touch $MAILJOB_MARK; sleep 2; echo done\"]\npass_env = [\"PATH\", \"MAILJOB_MARK\"]";
    let marks = world.dir().join("marks");
    std::fs::create_dir(&marks).unwrap();
    let command = format!("{command}\nwrite = [{marks:?}]");
    let mut mailjob = one_endpoint(&world, SignIn::Password, &command).await;
    let mark = marks.join("mark");
    mailjob.env("MAILJOB_MARK", &mark.display().to_string());
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    assert_eq!(status(&mailjob, "/livez").await, 200);
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !mark.exists() {
        assert!(
            Instant::now() < deadline,
            "the command was not started:\n{}",
            mailjob.log()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(mailjob.term().unwrap(), 0);
    let log = mailjob.log();
    assert!(log.contains("stopped") && !log.contains("without waiting"), "{log}");

    // It had ended: the next process only settles it.
    mailjob.start().unwrap();
    let settled = world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await;
    settled.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    let idle = Instant::now();
    assert_eq!(mailjob.term().unwrap(), 0);
    assert!(idle.elapsed() < Duration::from_secs(20), "IDLE kept the process");
    assert_eq!(mailjob.log().matches("attempt=1").count(), 1, "{}", mailjob.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_job_is_named_and_runs_again() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|request| match request.number {
        0 => Answer::text("late").after(Duration::from_secs(20)),
        _ => Answer::text("in time"),
    })
    .await
    .unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true",
        receiver.url("/")
    );
    let mut mailjob = one_endpoint(&world, SignIn::Password, &webhook).await;
    mailjob.service("drain = \"1s\"").unwrap();
    mailjob.start().unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    receiver.wait_for(1, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
    assert!(mailjob.log().contains("late=\"dispatch ada\""), "{}", mailjob.log());

    mailjob.start().unwrap();
    let requests = receiver.wait_for(2, PATIENCE).await.unwrap();
    let ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids[0], ids[1], "the same job");
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_says_who_has_the_ledger() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = one_endpoint(&world, SignIn::Password, "[command]\nargv = [\"/bin/true\"]").await;
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let (endpoints, config) = (mailjob.dir().join("endpoints.d"), mailjob.dir().join("mailjob.toml"));
    let second = Command::new(env!("CARGO_BIN_EXE_mailjob"))
        .args(["run", "--endpoints"])
        .arg(endpoints)
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(74));
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    let pid = mailjob.pid().unwrap().to_string();
    assert!(words.contains("is in use by") && words.contains(&pid), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_mailbox_fails_neither_probe() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mut mailjob = one_endpoint(&world, SignIn::Password, "[command]\nargv = [\"/bin/true\"]").await;
    mailjob.start().unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    world.dovecot.stop();
    mailjob.wait_log("WARN", PATIENCE).await.unwrap();
    assert_eq!(
        (status(&mailjob, "/livez").await, status(&mailjob, "/readyz").await),
        (200, 200)
    );
    world.dovecot.start().await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world
        .dovecot
        .wait_for(USER, "Processed", 1, Duration::from_secs(90))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_control_character_is_ever_said() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::status(500)).await.unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\nsecret = {{ file = \"../secrets/hook\" }}\n[reply]\nto = \"sender\"",
        receiver.url("/")
    );
    let mut mailjob = one_endpoint(&world, SignIn::Application, &webhook).await;
    let key = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5";
    mailjob.secret("hook", key).unwrap();
    mailjob.env("MAILJOB_LOG", "trace");
    mailjob.start().unwrap();
    let hostile = String::from_utf8(letter(1)).unwrap().replace(
        "Subject: Letter 1",
        "Subject: =?utf-8?q?x=0D=0AERROR_forged_=1B]0;owned=07_=E2=80=A8_line?=",
    );
    world.dovecot.deliver(USER, hostile.as_bytes()).await.unwrap();
    receiver.wait_for(1, PATIENCE).await.unwrap();
    mailjob.wait_log("status-500", PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
    let log = mailjob.log();
    let token = world.oauth.access_token(USER).await.unwrap();
    for secret in [key, APP_SECRET, PASSWORD, &token] {
        assert!(!log.contains(secret), "a secret in the log:\n{log}");
    }
    assert!(!log.contains("Bearer"), "an authorization in the log");
    assert!(
        !log.contains("\u{1b}") && !log.contains('\u{2028}'),
        "a control character in the log"
    );
    assert!(
        !log.lines().any(|line| line.starts_with("ERROR forged")),
        "a forged line in the log"
    );
}
