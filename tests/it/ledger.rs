//! `mailjob ledger` beside the running program.

use std::{os::unix::fs::PermissionsExt as _, process::Output, time::Duration};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};
use serde_json::Value;

use crate::letters::letter;

const PATIENCE: Duration = Duration::from_secs(30);

fn said(output: &Output) -> (Option<i32>, String) {
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_checked_and_copied_while_it_is_at_work() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let (user, secs) = ("ada@example.test", SignIn::Password);
    mailjob
        .account(&world, "ada", user, secs, Start::Implicit)
        .await
        .unwrap();
    let endpoint = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/hook")
    );
    mailjob.endpoint("ada", &endpoint).unwrap();
    let copy = mailjob.dir().join("copy.db");
    let none = mailjob.command(&["ledger", "check"]).output().await.unwrap();
    assert_eq!(none.status.code(), Some(66), "{none:?}");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(user, &letter(1)).await.unwrap();
    receiver.wait_for(1, PATIENCE).await.unwrap();

    let (code, text) = said(&mailjob.command(&["ledger", "check"]).output().await.unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 mail, 1 job, 0 replies: sound\n"), "{text}");
    let arguments = ["ledger", "backup", "copy.db"];
    let (code, text) = said(&mailjob.command(&arguments).output().await.unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Keep its key too, apart from it: "), "{text}");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = mailjob.command(&arguments).output().await.unwrap();
    assert_eq!(again.status.code(), Some(74), "{again:?}");
    let arguments = ["ledger", "check", "copy.db", "--json"];
    let (code, text) = said(&mailjob.command(&arguments).output().await.unwrap());
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, found["sound"].as_bool(), found["ledger"]["jobs"].as_u64()),
        (Some(0), Some(true), Some(1))
    );

    // Broken as a disk breaks files.
    let file = std::fs::OpenOptions::new().write(true).open(&copy).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in 3..pages {
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 2048], page * 4096).unwrap();
    }
    let (code, text) = said(&mailjob.command(&["ledger", "check", "copy.db"]).output().await.unwrap());
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("the file is damaged") && text.contains("do: stop Mailjob"),
        "{text}"
    );
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_put_beside_the_old_log_is_refused_and_not_ruined() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let user = "ada@example.test";
    let account = mailjob.account(&world, "ada", user, SignIn::Password, Start::Implicit);
    account.await.unwrap();
    let endpoint = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n";
    mailjob.endpoint("ada", endpoint).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(user, &letter(1)).await.unwrap();
    world.dovecot.wait_for(user, "Processed", 1, PATIENCE).await.unwrap();
    let (code, text) = shell(&mailjob, "$M ledger backup copy.db").await;
    assert_eq!(code, Some(0), "{text}");
    for number in 2..8 {
        world.dovecot.deliver(user, &letter(number)).await.unwrap();
    }
    world.dovecot.wait_for(user, "Processed", 7, PATIENCE).await.unwrap();
    mailjob.kill9().unwrap();
    let (code, text) = shell(&mailjob, "test -s mailjob.db-wal && cp copy.db mailjob.db").await;
    assert_eq!(code, Some(0), "{text}");
    for (line, code) in [
        ("$M check", 78),
        ("$M ledger check", 74),
        ("$M jobs list", 74),
        ("$M jobs retry --all", 74),
        ("$M ledger backup other.db", 74),
        ("$M run", 74),
    ] {
        let (said, text) = shell(&mailjob, line).await;
        assert_eq!(said, Some(code), "{line}: {text}");
        assert!(
            text.contains("beside the log of another ledger") && text.contains("mailjob.db-shm"),
            "{line}: {text}"
        );
        let (same, _) = shell(&mailjob, "cmp copy.db mailjob.db").await;
        assert_eq!(same, Some(0), "{line} changed it");
    }
    // As it says.
    let (code, text) = shell(&mailjob, "rm mailjob.db-wal mailjob.db-shm && $M ledger check").await;
    assert_eq!(code, Some(0), "{text}");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(user, &letter(9)).await.unwrap();
    world.dovecot.wait_for(user, "Processed", 8, PATIENCE).await.unwrap();
    let (code, text) = shell(&mailjob, "$M ledger check").await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// What a shell command came to, in the folder of an installation.
async fn shell(mailjob: &Mailjob, line: &str) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new("bash");
    let told = mailjob.command(&[]);
    let env = told
        .as_std()
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let output = command
        .args(["-c", line])
        .current_dir(mailjob.dir())
        .envs(env)
        .env("M", env!("CARGO_BIN_EXE_mailjob"))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_leaves_by_standard_output_and_goes_back_where_nothing_starts() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob.make_ledger().await.unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    for (line, code) in [
        ("$M ledger backup - >a.db", 0),
        ("$M ledger backup /dev/stdout | cat >b.db; exit ${PIPESTATUS[0]}", 0),
        ("$M ledger backup - >/dev/full", 74),
        ("$M ledger backup - | head -c 100 >c.db; exit ${PIPESTATUS[0]}", 74),
        ("$M ledger check a.db && $M ledger check b.db", 0),
        ("$M ledger check c.db", 1),
        ("test ! -e ./- && ! ls -A | grep mailjob-backup", 0),
    ] {
        let (said, text) = shell(&mailjob, line).await;
        assert_eq!(said, Some(code), "{line}: {text}");
        assert_eq!(text.contains("not written whole"), code == 74, "{line}: {text}");
    }
    assert_eq!(mailjob.term().unwrap(), 0);

    // As the manual says it: the ledger is damaged, nothing starts, the copy is put back.
    let manual = include_str!("../../deploy/README.md");
    let begin = manual.find("sh -c '").expect("the manual shows it") + "sh -c '".len();
    let line = &manual[begin..begin + manual[begin..].find('\'').unwrap()];
    let line = line.replace("/var/lib/mailjob", &mailjob.dir().display().to_string());
    std::fs::write(mailjob.dir().join("mailjob.db"), "damaged ".repeat(1000)).unwrap();
    let (code, text) = shell(&mailjob, "$M run").await;
    assert_eq!(code, Some(74), "{text}");
    assert!(text.contains("mailjob.db is no database"), "{text}");
    let (code, text) = shell(&mailjob, "$M ledger check mailjob.db").await;
    assert_eq!(code, Some(1), "{text}");
    let damaged = shell(
        &mailjob,
        &format!("mailjob() {{ $M \"$@\"; }}; head -c 100 a.db | ({line})"),
    )
    .await;
    assert_ne!(
        damaged.0,
        Some(0),
        "a copy that is not sound is not put in its place: {}",
        damaged.1
    );
    let restored = shell(&mailjob, &format!("mailjob() {{ $M \"$@\"; }}; ({line}) <a.db")).await;
    assert_eq!(restored.0, Some(0), "{}", restored.1);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}
