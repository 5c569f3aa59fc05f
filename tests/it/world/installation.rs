//! The program under test as the testbed installs it, starts it and ends it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use mailjob::config::load::{Sources, load};
use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};

use super::USER;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_configured_right() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, "mailjob").unwrap();
    let ways = [
        ("app", SignIn::Application, Start::Implicit),
        ("person", SignIn::RefreshToken, Start::StartTls),
        ("old", SignIn::Password, Start::Implicit),
    ];
    mailjob.service("drain = \"7s\"").unwrap();
    for (name, sign_in, start) in ways {
        let user = format!("{name}@example.test");
        mailjob.account(&world, name, &user, sign_in, start).await.unwrap();
        let endpoint =
            format!("[mailbox]\naccount = \"{name}\"\n[command]\nargv = [\"true\"]\n[reply]\nto = \"sender\"\n");
        mailjob.endpoint(name, &endpoint).unwrap();
    }
    let lines =
        "user = \"x@example.test\"\nimap = { host = \"localhost\", port = 993 }\npassword = { file = \"secrets/old\" }";
    mailjob.account_as("spelt-out", lines).unwrap();
    let text = fs::read_to_string(mailjob.dir().join("mailjob.toml")).unwrap();
    assert!(text.contains(&format!("[accounts.spelt-out]\n{lines}\n")), "{text}");
    let sources = Sources {
        endpoints: mailjob.dir().join("endpoints.d"),
        config: Some(mailjob.dir().join("mailjob.toml")),
    };
    let loaded = load(&sources);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.endpoints.len(), 3);
    assert_eq!(loaded.service.unwrap().drain, Duration::from_secs(7));

    mailjob.remove_endpoint("old").unwrap();
    assert_eq!(load(&sources).endpoints.len(), 2);
}

/// A program that takes mailjob's place: it says that it started, and ends with 7 when asked.
fn stand_in(dir: &Path) -> std::path::PathBuf {
    let program = dir.join("stand-in");
    let script = "#!/bin/sh\ntrap 'echo asked; exit 7' TERM\necho \"$1 with $WORD\"\nwhile :; do sleep .01; done\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_in_the_installation() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, "sh").unwrap();
    mailjob.secret("hook", "hook-canary").unwrap();
    mailjob.env("WORD", "word");
    let script = "echo $MAILJOB_ENDPOINTS:$MAILJOB_CONFIG:$WORD; stat -c %a secrets/hook; cat secrets/hook >&2; exit 3";
    let output = mailjob.command(&["-c", script]).output().await.unwrap();
    let dir = mailjob.dir().display();
    let expected = format!("{dir}/endpoints.d:{dir}/mailjob.toml:word\n600\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(mailjob.leaks(&String::from_utf8_lossy(&output.stderr)), ["hook"]);
    assert!(mailjob.leaks(&expected).is_empty());
}

/// Whether the end of an installation, whose program says `words`, panics; and what it says.
async fn fails_at_its_end(world: &World, words: &str) -> Option<String> {
    let program = stand_in(world.dir());
    let mut mailjob = Mailjob::new(world, program).unwrap();
    mailjob.secret("hook", "hook-canary").unwrap();
    mailjob.env("WORD", words).start().unwrap();
    mailjob.wait_log(words, PATIENCE).await.unwrap();
    let end = tokio::task::spawn_blocking(move || drop(mailjob)).await;
    let panic = end.err()?.into_panic();
    panic.downcast_ref::<String>().cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_log_fails_the_test() {
    let world = World::start(Options::default()).await.unwrap();
    let token = world.oauth.access_token(USER).await.unwrap();
    assert_eq!(fails_at_its_end(&world, "nothing").await, None);
    let panic = fails_at_its_end(&world, "hook-canary").await.unwrap();
    assert!(panic.contains("\"hook\"") && !panic.contains("canary"), "{panic}");
    let response = crate::raw::xoauth2(USER, &token);
    for words in [&token, &response] {
        let panic = fails_at_its_end(&world, words).await.unwrap();
        assert!(
            panic.contains("a token of the OAuth server") && !panic.contains(words),
            "{panic}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_is_ended_in_every_way() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, stand_in(world.dir())).unwrap();
    mailjob.env("WORD", USER).start().unwrap();
    mailjob.wait_log("run with ada@example.test", PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 7);
    assert!(mailjob.log().ends_with("asked\n"));

    mailjob.start().unwrap();
    assert_eq!(mailjob.exited().unwrap(), None);
    mailjob.kill9().unwrap();
    assert!(mailjob.kill9().is_err(), "it isn't running");

    mailjob.start().unwrap();
    let process = format!("/proc/{}", mailjob.pid().unwrap());
    assert!(Path::new(&process).exists());
    drop(mailjob);
    assert!(!Path::new(&process).exists());
}
