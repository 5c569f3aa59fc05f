//! A `mailjob.toml` that breaks: what runs goes on, also after a restart, and every command works beside it.

use std::fs;

use mailjob_testbed::{Answer, Options, Receiver, SignIn, Start, World};
use tokio::time::{Duration, Instant, sleep};

use crate::program::{PATIENCE, processed, program};

const USER: &str = "ada@example.test";

fn letter(number: usize) -> Vec<u8> {
    format!("From: sender@example.test\r\nTo: {USER}\r\nSubject: {number}\r\nMessage-ID: <{number}@example.test>\r\n\r\nHello\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_beside_shared_settings_that_are_broken() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = program(&world);
    mailjob
        .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    let endpoint = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/ada")
    );
    mailjob.endpoint("ada", &endpoint).unwrap();
    let file = mailjob.dir().join("mailjob.toml");
    let right = fs::read_to_string(&file).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    processed(&world, &mailjob, USER, 1).await;

    fs::write(&file, right.replace("[accounts.ada]", "[accounts.ada")).unwrap();
    mailjob.wait_log("not TOML", PATIENCE).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            assert_eq!(mailjob.term().unwrap(), 0);
            mailjob.start().unwrap();
            mailjob.ready().await.unwrap();
            mailjob.wait_log("its last good version runs", PATIENCE).await.unwrap();
        }
        let commands: [(&[&str], i32); 9] = [
            (&["status"], 1),
            (&["jobs", "list"], 0),
            (&["replies", "list"], 0),
            (&["pause", "ada"], 0),
            (&["resume", "ada"], 0),
            (&["tail", "--once"], 0),
            (&["ledger", "check"], 0),
            (&["auth", "status"], 0),
            (&["check"], 78),
        ];
        for (command, code) in commands {
            let output = mailjob.command(command).output().await.unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            let shown = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(code), "{command:?}\n{shown}\n{told}");
            assert!(
                told.contains("mailjob.toml has problems") || told.contains("not TOML"),
                "{command:?}\n{told}"
            );
        }
        let number = if restarted { 3 } else { 2 };
        world.dovecot.deliver(USER, &letter(number)).await.unwrap();
        processed(&world, &mailjob, USER, number).await;
    }
    fs::write(&file, &right).unwrap();
    mailjob.wait_log("endpoint", PATIENCE).await.unwrap();
    world.dovecot.deliver(USER, &letter(4)).await.unwrap();
    processed(&world, &mailjob, USER, 4).await;
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_never_were_right_end_a_start() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    fs::write(mailjob.dir().join("mailjob.toml"), "[service\n").unwrap();
    fs::create_dir_all(mailjob.dir().join("endpoints.d")).unwrap();
    mailjob.start().unwrap();
    mailjob.wait_log("not TOML", PATIENCE).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let code = loop {
        if let Some(code) = mailjob.exited().unwrap() {
            break code;
        }
        assert!(Instant::now() < deadline, "{}", mailjob.log());
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(code, 78);
    assert!(
        !mailjob.dir().join("mailjob.db").exists(),
        "no ledger is made in the wrong place"
    );
    // `check` says so before, also where nothing else is wrong.
    for file in fs::read_dir(mailjob.dir().join("endpoints.d")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    fs::write(mailjob.dir().join("mailjob.toml"), "# nothing\n").unwrap();
    let checked = mailjob.command(&["check"]).output().await.unwrap();
    assert_eq!(checked.status.code(), Some(78));
    let words = String::from_utf8_lossy(&checked.stderr);
    assert!(words.contains("a first start refuses that"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_emptied_or_lost_never_begin_another_ledger() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    mailjob
        .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    let endpoint = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n";
    mailjob.endpoint("ada", endpoint).unwrap();
    let file = mailjob.dir().join("mailjob.toml");
    let ledger = mailjob.dir().join("elsewhere/jobs.db");
    fs::create_dir(mailjob.dir().join("elsewhere")).unwrap();
    let written = fs::read_to_string(&file).unwrap();
    let lines = written.lines().filter(|line| !line.starts_with("ledger"));
    let lines: Vec<_> = lines.collect();
    let moved = format!("[service]\nledger = \"{}\"", ledger.display());
    let right = lines.join("\n").replacen("[service]", &moved, 1);
    fs::write(&file, &right).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
    let signpost = mailjob.dir().join(".mailjob.toml.ledger");
    assert!(signpost.exists() && ledger.exists());

    for (left, said) in [
        (Some(""), "is empty: it sets nothing"),
        (Some("# all of it\n"), "is empty: it sets nothing"),
        (None, "is gone"),
    ] {
        match left {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        mailjob.start().unwrap();
        mailjob.ready().await.unwrap();
        mailjob.wait_log(said, PATIENCE).await.unwrap();
        for (command, code) in [
            (&["status", "--json"][..], 1),
            (&["auth", "status"], 0),
            (&["backlog", "list", "ada"], 0),
            (&["check", "--json"], 78),
        ] {
            let output = mailjob.command(command).output().await.unwrap();
            let (shown, told) = (output.stdout, String::from_utf8_lossy(&output.stderr));
            let shown = String::from_utf8_lossy(&shown);
            assert_eq!(
                output.status.code(),
                Some(code),
                "{left:?} {command:?}\n{shown}\n{told}"
            );
            if command[0] == "status" {
                let status: serde_json::Value = serde_json::from_str(&shown).unwrap();
                assert!(status["process"]["pid"].is_u64(), "the process is found: {shown}");
                assert_eq!(status["ledger"]["path"], ledger.display().to_string());
            }
        }
        assert_eq!(mailjob.term().unwrap(), 0);
    }

    // The same where nobody names the file, and it is gone from where it is looked for.
    let mut run = mailjob.command(&["run"]);
    let mut running = run.env_remove("MAILJOB_CONFIG").spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut status = mailjob.command(&["status", "--json"]);
        let output = status.env_remove("MAILJOB_CONFIG").output().await.unwrap();
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["ledger"]["path"], ledger.display().to_string());
        let is_it = shown["process"]["pid"].as_u64() == running.id().map(u64::from);
        if is_it && output.status.code() == Some(1) {
            break;
        }
        assert!(
            running.try_wait().unwrap().is_none() && Instant::now() < deadline,
            "{shown}"
        );
        sleep(Duration::from_millis(50)).await;
    }
    running.kill().await.unwrap();
    assert!(!mailjob.dir().join("mailjob.db").exists());

    // Where nobody knows where the ledger is, none is begun.
    fs::remove_file(&signpost).unwrap();
    for left in [Some("# all of it\n"), None] {
        match left {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        mailjob.start().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while mailjob.exited().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{}", mailjob.log());
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(mailjob.exited().unwrap(), Some(78), "{left:?}\n{}", mailjob.log());
    }
    fs::write(&file, right).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    assert!(signpost.exists());
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_found_beside_a_typo_in_its_own_address() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    let file = mailjob.dir().join("mailjob.toml");
    let right = fs::read_to_string(&file).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    for broken in [
        right.replacen("health", "heatlh", 1),
        right.replacen("[service]", "[servce]", 1),
        right.replacen("[service]", "[service", 1),
    ] {
        assert_ne!(broken, right);
        fs::write(&file, broken).unwrap();
        mailjob.wait_log("mailjob.toml", PATIENCE).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let output = mailjob.command(&["status"]).output().await.unwrap();
            let shown = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_ne!(
                output.status.code(),
                Some(69),
                "{shown}\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
            if output.status.code() == Some(1) && shown.contains("mailjob.toml") {
                break;
            }
            assert!(Instant::now() < deadline, "{shown}");
            sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(mailjob.term().unwrap(), 0);
}
