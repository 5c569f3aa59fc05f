//! `mailjob send` and `mailjob receive` with real servers.

mod hostile;
mod receive;
mod refused;
mod send;

use std::{fs, path::Path, process::Stdio};

use mailjob_testbed::{Mailjob, SignIn, Start, World};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";

/// What a command printed, and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// Standard output as JSON, when the command ended with this code.
    fn json(&self, code: i32) -> Value {
        self.ended(code);
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }

    fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    /// Asserts that it ended so, with these words on standard error.
    fn complains(&self, code: i32, words: &[&str]) {
        self.ended(code);
        for word in words {
            assert!(self.err.contains(word), "{word:?}: {}{}", self.out, self.err);
        }
    }
}

/// Runs a command of the program with this on its standard input. Nothing that it prints may hold a secret.
async fn run_with(mailjob: &Mailjob, input: &[u8], arguments: &[&str]) -> Said {
    let mut child = mailjob.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that fails early does not read it.
    stdin.write_all(input).await.ok();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        code: output.status.code().unwrap(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert_eq!(mailjob.leaks(&format!("{}{}", said.out, said.err)), [""; 0]);
    said
}

async fn run(mailjob: &Mailjob, arguments: &[&str]) -> Said {
    run_with(mailjob, b"", arguments).await
}

/// An installation with accounts for Ada and Bob and no endpoint.
async fn installed(world: &World, sign_in: SignIn, start: Start) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    if sign_in == SignIn::RefreshToken {
        // A new refresh token is kept in the ledger.
        mailjob.make_ledger().await.unwrap();
    }
    for (name, user) in [("ada", ADA), ("bob", BOB)] {
        mailjob.account(world, name, user, sign_in, start).await.unwrap();
    }
    mailjob
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// A letter of this sender with this subject.
fn letter(from: &str, subject: &str) -> Vec<u8> {
    format!(
        "From: <{from}>\r\nTo: <{ADA}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n\r\nHello.\r\n"
    )
    .into_bytes()
}

/// The subjects of what was received.
fn subjects(received: &Value) -> Vec<&str> {
    let all = received.as_array().unwrap().iter();
    all.map(|one| one["mail"]["subject"].as_str().unwrap_or("?")).collect()
}
