//! Every command in a folder that is not the one: none makes anything there, and each says where it is and what to do.

use std::{fs, process::Command};

/// Each command as it would be typed, its exit code, and a part of what it says.
const COMMANDS: &[(&str, i32, &str)] = &[
    (
        "auth login office",
        66,
        "there is no mailjob.toml and no folder of endpoints in ",
    ),
    ("auth logout office", 66, "there is no ledger at "),
    (
        "auth status",
        66,
        "there is no mailjob.toml and no folder of endpoints in ",
    ),
    (
        "auth status office",
        66,
        "there is no mailjob.toml and no folder of endpoints in ",
    ),
    (
        "send --account office --to a@b.example --subject x",
        66,
        "there is no mailjob.toml and no folder of endpoints in ",
    ),
    (
        "receive --account office --count all",
        66,
        "there is no mailjob.toml and no folder of endpoints in ",
    ),
    ("status", 69, "ledger "),
    ("jobs list", 66, "there is no ledger at "),
    ("jobs show 01a2", 66, "there is no ledger at "),
    ("jobs retry --all", 66, "there is no ledger at "),
    ("jobs discard 01a2", 66, "there is no ledger at "),
    ("jobs replay 01a2", 66, "there is no ledger at "),
    ("jobs export 01a2 --to x", 66, "there is no ledger at "),
    ("replies list", 66, "there is no ledger at "),
    ("replies retry --all-refused", 66, "there is no ledger at "),
    ("pause orders", 66, "there is no ledger at "),
    ("resume orders", 66, "there is no ledger at "),
    ("backlog list orders", 66, "there is no ledger at "),
    ("backlog take orders", 66, "there is no ledger at "),
    ("backlog skip orders", 66, "there is no ledger at "),
    ("tail --once", 66, "there is no ledger at "),
    ("ledger check", 66, "there is no ledger at "),
    ("ledger backup x", 66, "there is no ledger at "),
    ("check", 78, "the folder of endpoints can't be listed"),
    ("check --offline", 78, "the folder of endpoints can't be listed"),
    ("doctor", 78, "the folder of endpoints can't be listed"),
    ("show orders", 78, "the folder of endpoints can't be listed"),
    (
        "rehearse orders mail.eml",
        78,
        "the folder of endpoints can't be listed",
    ),
    ("run", 78, "the folder of endpoints can't be listed"),
];

#[test]
fn every_command_in_a_wrong_folder_says_so_and_makes_nothing() {
    let mut wrong = Vec::new();
    for (command, code, said) in COMMANDS {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_mailjob"))
            .args(command.split(' '))
            .current_dir(folder.path())
            .env_remove("MAILJOB_CONFIG")
            .env_remove("MAILJOB_ENDPOINTS")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        if output.status.code() != Some(*code) || !text.contains(said) || !left.is_empty() {
            wrong.push(format!(
                "mailjob {command}: {:?}, {left:?}\n{text}",
                output.status.code()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What can't be a ledger is refused in the words that `check` has for it, and before a key was made for it.
#[test]
fn a_start_that_is_refused_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("endpoints.d")).unwrap();
    fs::create_dir(path("folder.db")).unwrap();
    fs::write(path("text.db"), "shopping list ".repeat(100)).unwrap();
    let others = rusqlite::Connection::open(path("others.db")).unwrap();
    others
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE tracks (name TEXT);")
        .unwrap();
    drop(others);
    for (ledger, said) in [
        ("others.db", "is the database of another program"),
        ("folder.db", "is no file"),
        ("text.db", "is no database"),
        ("none/new.db", "there is no folder"),
    ] {
        let service = format!("[service]\nledger = \"{ledger}\"\nhealth = false\n");
        fs::write(path("mailjob.toml"), service).unwrap();
        for (command, code) in [("check", 78), ("run", 74)] {
            let output = Command::new(env!("CARGO_BIN_EXE_mailjob"))
                .arg(command)
                .current_dir(folder.path())
                .env_remove("MAILJOB_CONFIG")
                .env_remove("MAILJOB_ENDPOINTS")
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{command} {ledger}: {text}");
            assert!(text.contains(said), "{command} {ledger}: {text}");
            let names = fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let keys: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with("key")).collect();
            assert!(keys.is_empty(), "{command} {ledger}: {keys:?}");
        }
    }
}
