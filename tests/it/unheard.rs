//! What commands say where hardly anybody is left to say or hear it: beside a process that stands still or was killed, to a disk that is full,
//! and to a reader who has seen enough.

use std::{fs::OpenOptions, io::Read as _, net::TcpListener, process::Output};

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    letters::letter,
    program::{PATIENCE, REPLY, account, answered, endpoint, page, processed, program},
};

const ADA: &str = "ada@example.test";

async fn installed(world: &World, further: &str) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let lines = account(world, ADA, "password = { file = \"secrets/ada\" }");
    mailjob.account_as("ada", &lines).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", further)).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    mailjob
}

fn text(output: &Output) -> String {
    let text = [&*output.stdout, &output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_of_a_process_that_stands_still_that_it_does() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world, "").await;
    let signal = |signal| kill_process(Pid::from_raw(mailjob.pid().unwrap()).unwrap(), signal).unwrap();
    signal(Signal::STOP);
    for arguments in [&["status"][..], &["status", "ada"], &["status", "--json"]] {
        let told = mailjob.command(arguments).output().await.unwrap();
        let said = text(&told);
        assert_eq!(told.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("it stands still") && said.contains("kill -CONT"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains("nothing runs"), "{arguments:?}: {said}");
    }
    signal(Signal::CONT);
    page(&mailjob, "/status", PATIENCE).await.unwrap();
    let told = mailjob.command(&["status"]).output().await.unwrap();
    let said = text(&told);
    assert!(told.status.success() && !said.contains("stands still"), "{said}");
    assert_eq!(mailjob.term().unwrap(), 0);
    let told = mailjob.command(&["status"]).output().await.unwrap();
    let said = text(&told);
    assert_eq!(told.status.code(), Some(69), "{said}");
    assert!(
        said.contains("nothing runs") && !said.contains("stands still"),
        "{said}"
    );
}

/// A server that takes connections and says nothing; what it accepted stays open for as long as it lives.
fn silent() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_was_being_sent_is_told_as_cut_off_once_its_process_was_killed() {
    let world = World::start(Options::default()).await.unwrap();
    let silent = silent();
    let mut mailjob = program(&world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let right = account(&world, ADA, "password = { file = \"secrets/ada\" }");
    let port = |port: u16| format!("smtp = {{ host = \"localhost\", port = {port}");
    let (there, here) = (
        port(world.postfix.submissions),
        port(silent.local_addr().unwrap().port()),
    );
    assert!(right.contains(&there), "{right}");
    mailjob.account_as("ada", &right.replace(&there, &here)).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listed = mailjob.command(&["replies", "list", "--json"]).output().await.unwrap();
        let found: Value = serde_json::from_slice(&listed.stdout).unwrap_or_default();
        if found["replies"][0]["state"] == "running" {
            break;
        }
        assert!(Instant::now() < deadline, "{found}\n{}", mailjob.log());
        sleep(std::time::Duration::from_millis(50)).await;
    }
    let cut_off = "was being sent when its process ended; the next start of mailjob run goes on with it";
    let told = text(&mailjob.command(&["replies", "list"]).output().await.unwrap());
    assert!(!told.contains(cut_off), "{told}");
    mailjob.kill9().unwrap();
    let told = mailjob.command(&["replies", "list"]).output().await.unwrap();
    let said = text(&told);
    assert!(told.status.success() && said.contains(cut_off), "{said}");
    // And so it is.
    drop(silent);
    mailjob.account_as("ada", &right).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let retried = mailjob.command(&["replies", "retry"]).output().await.unwrap();
    assert!(retried.status.success(), "{}", text(&retried));
    answered(&world, &mailjob, 1).await;
    processed(&world, &mailjob, ADA, 1).await;
    let told = text(
        &mailjob
            .command(&["replies", "list", "--state", "all"])
            .output()
            .await
            .unwrap(),
    );
    assert!(!told.contains(cut_off), "{told}");
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// What every command prints that changes nothing, and its code where all is well.
const PRINTING: [(&[&str], i32); 23] = [
    (&["check"], 0),
    (&["check", "--offline", "--json"], 0),
    (&["doctor", "ada"], 0),
    (&["doctor", "ada", "--json"], 0),
    (&["rehearse", "ada", "mail.eml"], 0),
    (&["rehearse", "ada", "mail.eml", "--json"], 0),
    (&["show", "ada"], 0),
    (&["schema"], 0),
    (&["status"], 0),
    (&["status", "--json"], 0),
    (&["auth", "status"], 0),
    (&["replies", "list", "--state", "all"], 0),
    (&["replies", "list", "--state", "all", "--json"], 0),
    (&["jobs", "list"], 0),
    (&["jobs", "list", "--json"], 0),
    (&["jobs", "show", "JOB"], 0),
    (&["backlog", "list", "ada"], 0),
    (&["tail", "--once"], 0),
    (&["completions", "bash"], 0),
    (&["man"], 0),
    (&["ledger", "check"], 0),
    (&["--version"], 0),
    (&["--help"], 0),
];

/// Commands whose help names what they do, and which have tests of their own for what they print.
const DOING: [&str; 7] = ["run", "demo", "send", "receive", "pause", "resume", "help"];

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_printed_is_said_and_who_reads_no_further_has_seen_enough() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world, REPLY).await;
    std::fs::write(mailjob.dir().join("mail.eml"), letter(2)).unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    answered(&world, &mailjob, 1).await;
    processed(&world, &mailjob, ADA, 1).await;
    let listed = mailjob.command(&["jobs", "list", "--json"]).output().await.unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let job = listed["jobs"][0]["id"]
        .as_str()
        .or(listed["jobs"][0]["job"].as_str())
        .unwrap();

    let help = text(&mailjob.command(&["--help"]).output().await.unwrap());
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| {
        line.strip_prefix("  ")?
            .split(' ')
            .next()
            .filter(|name| !name.is_empty())
    }) {
        let is_known = PRINTING
            .iter()
            .any(|(arguments, _)| arguments.first() == Some(&command));
        assert!(
            is_known || DOING.contains(&command),
            "{command} is in no table of this test"
        );
    }
    for (arguments, code) in PRINTING {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|word| if *word == "JOB" { job } else { word })
            .collect();
        let all = mailjob.command(&arguments).output().await.unwrap();
        let said = text(&all);
        assert_eq!(all.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!all.stdout.is_empty(), "{arguments:?} printed nothing");

        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let full = mailjob.command(&arguments).stdout(full).spawn().unwrap();
        let full = full.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(full.status.code(), Some(74), "{arguments:?} to a full disk: {said}");
        assert!(
            said.contains("standard output can't be written"),
            "{arguments:?}: {said}"
        );

        // Nobody reads; and somebody reads a byte.
        for bytes in [0, 1] {
            let (mut reader, writer) = std::io::pipe().unwrap();
            let child = mailjob.command(&arguments).stdout(writer).spawn().unwrap();
            reader.read_exact(&mut vec![0; bytes]).unwrap();
            drop(reader);
            let ended = child.wait_with_output().await.unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(
                !said.contains("panicked") && !said.contains("pipe"),
                "{arguments:?}: {said}"
            );
            let code = ended.status.code();
            let expected = all.status.code();
            assert_eq!(code, expected, "{arguments:?} with {bytes} bytes read: {said}");
        }
    }
    assert_eq!(mailjob.term().unwrap(), 0);
}
