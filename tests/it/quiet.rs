//! What is said at a start that fails, and to nobody: whoever reads no further ends a command quietly.

use std::{fs, process::Stdio};

use mailjob_testbed::{Options, World};
use tokio::{io::AsyncReadExt as _, time::timeout};

use crate::{
    disk::{PATIENCE, USER, installation},
    letters::letter,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_names_file_cause_and_cure() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "").await;
    let path = mailjob.dir().join("mailjob.db");
    fs::write(&path, "no database ".repeat(500)).unwrap();
    let run = async || {
        let output = mailjob.command(&["run"]).output().await.unwrap();
        assert_eq!(output.status.code(), Some(74), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("mailjob.db"), "{said}");
        said
    };
    let said = run().await;
    assert!(
        said.contains("is no database") && said.contains("put the last backup in its place"),
        "{said}"
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let said = run().await;
    assert!(
        said.contains("is no file") && said.contains("`ledger` in [service]"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_no_further_ends_a_command_quietly() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world, "").await;
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    for (arguments, code) in [
        (&["status"][..], 0),
        (&["jobs", "list"], 0),
        (&["tail", "--since", "0"], 0),
        (&["tail", "--once", "--json"], 0),
        (&["status", "--watch"], 0),
        (&["replies", "list"], 0),
        (&["auth", "status"], 0),
        (&["check"], 0),
        (&["doctor"], 0),
        (&["show", "ada"], 0),
        (&["show"], 0),
        (&["schema"], 0),
        (&["schema", "--shared"], 0),
        (&["man"], 0),
        (&["completions", "bash"], 0),
        (&["ledger", "check"], 0),
        (&["pause", "ada"], 0),
        (&["resume", "ada"], 0),
        (&["receive", "--account", "ada", "--mailbox", "Processed"], 141),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = mailjob.command(arguments).stdout(Stdio::from(writer)).spawn().unwrap();
        let output = timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{arguments:?} goes on")).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            !said.contains("roken pipe") && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
        // Nor does standard error have to be there.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = mailjob.command(arguments);
        if arguments.contains(&"--watch") || arguments.contains(&"--since") {
            continue;
        }
        let mut child = child.stderr(Stdio::from(writer)).spawn().unwrap();
        let mut all = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut all).await.unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{arguments:?}");
    }
    assert_eq!(mailjob.term().unwrap(), 0);
}
