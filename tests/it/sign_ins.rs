//! Sign-ins of a running program: sealed, reached from a second process, and gone with their key.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use mailjob::{
    app,
    auth::{StoredToken, TokenStore},
    config::{LedgerAddress, Service},
    secret::{ExposeSecret, Secret},
};
use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};

use crate::accounts::write_secret;

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

async fn person(world: &World) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(world, "ada", USER, SignIn::RefreshToken, Start::Implicit)
        .await
        .unwrap();
    let endpoint = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n";
    mailjob.endpoint("ada", endpoint).unwrap();
    mailjob
}

fn service(mailjob: &Mailjob) -> Service {
    Service {
        ledger: LedgerAddress::file(mailjob.dir().join("mailjob.db")),
        ..Service::on(1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_reaches_the_sign_ins_of_a_running_one() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = person(&world).await;
    mailjob.start().unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    let beside = app::sign_ins(&service(&mailjob)).await.unwrap();
    let rotated = beside.load("ada").await.unwrap().token.unwrap();
    let text = rotated.refresh_token.expose_secret().to_owned();

    let key = fs::metadata(mailjob.dir().join("mailjob.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o7777, 0o600);
    let mut files = 0;
    for entry in fs::read_dir(mailjob.dir()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let sings = bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!sings, "the refresh token is in {}", entry.path().display());
            files += 1;
        }
    }
    assert!(files >= 6, "configuration, log, ledger, WAL, locks, key");

    // What the second process stores, the next start uses: this one would be refused.
    drop(beside.lock("ada").await.unwrap());
    let invented = StoredToken {
        refresh_token: Secret::from("invented"),
        ..rotated
    };
    beside.save("ada", invented).await.unwrap();
    mailjob.kill9().unwrap();
    mailjob.start().unwrap();
    mailjob.wait_log("invalid_grant", PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_a_sign_in_is_asked_for_anew() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = person(&world).await;
    mailjob.start().unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);

    fs::remove_file(mailjob.dir().join("mailjob.key")).unwrap();
    mailjob.start().unwrap();
    let words = "sealed with another key: put that key back, or sign in anew by `mailjob auth login ada`";
    mailjob.wait_log(words, PATIENCE).await.unwrap();
    let (_, refused) = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!(refused, 0, "the first token is not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_ends_the_start() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = person(&world).await;
    write_secret(&mailjob.dir().join("mailjob.key"), "c2hvcnQ=\n");
    let run = Command::new(env!("CARGO_BIN_EXE_mailjob"))
        .args(["run", "--endpoints"])
        .arg(mailjob.dir().join("endpoints.d"))
        .arg("--config")
        .arg(mailjob.dir().join("mailjob.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(78), "{said}");
    assert!(said.contains("mailjob.key has 5 bytes, not 32"), "{said}");
    assert!(!said.contains("c2hvcnQ"), "{said}");
}
