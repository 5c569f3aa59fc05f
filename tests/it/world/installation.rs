//! The program under test as the testbed installs it, starts it and ends it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use mailjob::config::load::{Sources, load};
use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};

use super::USER;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_configured_right() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, "mailjob").unwrap();
    let ways = [
        ("app", SignIn::Application, Start::Implicit),
        ("person", SignIn::RefreshToken, Start::StartTls),
        ("old", SignIn::Password, Start::Implicit),
    ];
    mailjob.service("retention = \"1h\"").unwrap();
    for (name, sign_in, start) in ways {
        let user = format!("{name}@example.test");
        mailjob.account(&world, name, &user, sign_in, start).await.unwrap();
        let endpoint =
            format!("[mailbox]\naccount = \"{name}\"\n[command]\nargv = [\"true\"]\n[reply]\nto = \"sender\"\n");
        mailjob.endpoint(name, &endpoint).unwrap();
    }
    let sources = Sources {
        endpoints: mailjob.dir().join("endpoints.d"),
        config: Some(mailjob.dir().join("mailjob.toml")),
    };
    let loaded = load(&sources);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.endpoints.len(), 3);
    assert_eq!(loaded.service.unwrap().retention, Duration::from_secs(3600));

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
