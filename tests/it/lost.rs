//! In a wrong folder: no command but `run` makes a ledger, and each says where the one is that runs.

use std::{collections::BTreeMap, fs, path::Path};

use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};
use tokio::process::Command;

const NOBODY: &str = "a name that nobody has";

/// Every command that asks a ledger, and what it needs beside.
const COMMANDS: [&[&str]; 17] = [
    &["jobs", "list"],
    &["jobs", "show", "0"],
    &["jobs", "retry", "0"],
    &["jobs", "discard", "--all"],
    &["jobs", "replay", "0"],
    &["jobs", "export", "0"],
    &["replies", "list"],
    &["replies", "retry"],
    &["replies", "accept", "0"],
    &["pause", "ada"],
    &["resume", "ada"],
    &["backlog", "list", "ada"],
    &["backlog", "take", "ada"],
    &["tail", "--once"],
    &["auth", "status"],
    &["ledger", "check"],
    &["ledger", "backup", "copy.db"],
];

/// Those that may say something else than that there is no ledger, and make none either.
const OTHERS: [&[&str]; 5] = [
    &["check", "--without-secrets"],
    &["doctor"],
    &["auth", "login", "person", "--no-browser"],
    &["send", "--account", "person", "--to", "a@b.example", "--subject", "s"],
    &["receive", "--account", "person"],
];

fn files(folder: &Path) -> BTreeMap<String, u64> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let each = files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()));
    each.collect()
}

fn here(folder: &Path, config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailjob"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("MAILJOB_CONFIG", config)
        .env_remove("MAILJOB_ENDPOINTS")
        .kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_but_run_makes_a_ledger_and_each_shows_the_way_to_the_right_one() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let user = "ada@example.test";
    let account = mailjob.account(&world, "ada", user, SignIn::Password, Start::Implicit);
    account.await.unwrap();
    let endpoint = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n";
    mailjob.endpoint("ada", endpoint).unwrap();
    let wrong = tempfile::tempdir().unwrap();
    let config = wrong.path().join("mailjob.toml");
    let text = fs::read_to_string(mailjob.dir().join("mailjob.toml")).unwrap();
    let person = "[accounts.person]\nuser = \"p@example.test\"\nclient_id = \"c\"\nprovider = \"microsoft\"\n";
    // Its password is not needed here, and the ledger lies where the file says: beside it.
    let text = text.replace("file = \"secrets/ada\"", "env = \"PATH\"");
    fs::write(&config, format!("{text}\n{person}")).unwrap();
    fs::create_dir(wrong.path().join("endpoints.d")).unwrap();
    fs::write(wrong.path().join("endpoints.d/ada.toml"), endpoint).unwrap();
    let before = files(wrong.path());

    let right = mailjob.dir().join("mailjob.db").display().to_string();
    for is_running in [false, true] {
        if is_running {
            mailjob.start().unwrap();
            mailjob.ready().await.unwrap();
        }
        let status: &[&[&str]] = if is_running { &[&["status"]] } else { &[] };
        for arguments in COMMANDS.iter().chain(status) {
            let output = here(wrong.path(), &config, arguments).output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(66), "{arguments:?}: {said}");
            assert!(said.contains("there is no ledger at "), "{arguments:?}: {said}");
            assert_eq!(said.contains(&right), is_running, "{arguments:?}: {said}");
            assert!(said.contains("--config"), "{arguments:?}: {said}");
            assert!(output.stdout.is_empty(), "{arguments:?} said something of nothing");
        }
        for arguments in OTHERS {
            let output = here(wrong.path(), &config, arguments)
                .stdin(std::process::Stdio::null())
                .output()
                .await
                .unwrap();
            if !matches!(arguments[0], "check" | "doctor") {
                let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                assert!(!output.status.success(), "{arguments:?}: {said}");
                assert!(said.contains("there is no ledger at "), "{arguments:?}: {said}");
            }
        }
        assert_eq!(files(wrong.path()), before);
    }

    // What is spelt wrong is told, where an empty answer would say that all is well.
    for arguments in [
        &["jobs", "list", "--endpoint", NOBODY][..],
        &["jobs", "retry", "--all", "--endpoint", NOBODY],
        &["tail", "--once", NOBODY],
        &["pause", NOBODY],
        &["replies", "list", "--account", NOBODY],
    ] {
        let output = mailjob.command(arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(NOBODY) && said.contains("ada"), "{arguments:?}: {said}");
    }
    for arguments in [
        &["jobs", "list", "--endpoint", "ada"][..],
        &["tail", "--once", "ada"],
        &["replies", "list", "--account", "ada"],
    ] {
        let output = mailjob.command(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_programs_database_is_refused_by_a_start() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let path = mailjob.dir().join("mailjob.db");
    let made = std::process::Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE bookmarks (url TEXT)')",
        ])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let before = fs::read(&path).unwrap();
    let output = mailjob.command(&["run"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("is the database of another program"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
