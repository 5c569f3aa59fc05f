use std::{fs, path::PathBuf, time::Instant};

use super::*;
use crate::{
    budget::{Budget, Holding, Memory},
    config::HeaderValue,
    dispatch::tests::{MAIL, shell, with_work},
};

async fn ran(command: &config::Command) -> Outcome {
    let config = command.clone();
    let guests = Guests::default();
    let start = made(config, &guests).await;
    let folder = start.folder.path().to_owned();
    assert!(folder.join("message.eml").exists());
    let memory = Memory::new(0);
    let mut holding = Holding::new(&memory.work);
    let mut means = AttemptResources::new(&memory, &mut holding, 0);
    let outcome = run(command, start, &guests, &mut means).await.outcome;
    assert!(!folder.exists(), "the folder is removed");
    outcome
}

async fn made(command: config::Command, guests: &Guests) -> ReadyCommand {
    let home = guests.home().await.unwrap();
    with_work(MAIL, move |work| prepare(&command, work, &home).unwrap()).await
}

async fn answered(script: &str) -> Answer {
    match ran(&shell(script)).await {
        Outcome::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

async fn text(script: &str) -> String {
    answered(script).await.text.unwrap_or_default()
}

/// Waits until a process is gone, as long as it takes a machine under load.
async fn vanished(pid: &str) {
    let path = PathBuf::from("/proc").join(pid.trim()).join("stat");
    // A zombie that nobody reaps is dead too: in a container our init may not.
    let alive = || fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") Z "));
    let end = Instant::now() + Duration::from_secs(30);
    while alive() {
        assert!(Instant::now() < end, "process {pid} still lives");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_command_finds_the_mail_in_its_folder() {
    assert_eq!(text("cat message.eml").await, MAIL.replace("\r\n", "\n").trim_end());
    assert_eq!(
        text("ls -a . attachments out")
            .await
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        ".: . .. attachments message.eml message.json out attachments: . .. attachment.png invoice.pdf out: . .."
    );
    assert_eq!(text("cat attachments/invoice.pdf").await, "%PDF-1.4");
    let message: serde_json::Value = serde_json::from_str(&text("cat message.json").await).unwrap();
    assert_eq!(message["mail"]["subject"], "Grüße");
    assert_eq!(message["mail"]["attachments"][0]["file"], "invoice.pdf");
    assert!(message["mail"]["attachments"][0].get("content").is_none());
    assert_eq!(text("stat -c %a .").await, "700");
    assert_eq!(text("cat; echo empty").await, "empty", "standard input is empty");
}

#[tokio::test]
async fn the_environment_is_what_the_configuration_says() {
    let mut command = shell(
        "env | cut -d= -f1 | grep -v '^PWD$\\|^_$\\|^SHLVL$\\|^OLDPWD$' | sort | tr '\\n' ' '; echo $GREETING $MAILJOB_ATTEMPT",
    );
    command.env = vec![("GREETING".into(), HeaderValue::Plain("$(touch x)".into()))];
    let Outcome::Done(answer) = ran(&command).await else {
        panic!()
    };
    assert_eq!(
        answer.text.unwrap(),
        "GREETING HOME MAILJOB_ATTEMPT MAILJOB_DIR MAILJOB_ENDPOINT MAILJOB_JOB MAILJOB_SENDER MAILJOB_SENDER_PROVEN PATH TMPDIR $(touch x) 2"
    );
}

#[tokio::test]
async fn exit_codes_and_signals_decide() {
    let ended = |script: &'static str| async move { ran(&shell(script)).await };
    assert_eq!(ended("exit 0").await, Outcome::Done(Answer::default()));
    assert_eq!(
        ended("echo out; echo lost >&2; echo 'no database' >&2; exit 75").await,
        later(Reason::Exit(75), "the command ended with 75: lost | no database".into())
    );
    for (script, reason, detail) in [
        (
            "echo broken >&2; exit 1",
            Reason::Exit(1),
            "the command ended with 1: broken",
        ),
        ("kill -9 $$", Reason::Signal(9), "the command was ended by signal 9"),
    ] {
        let failed = Outcome::Failed {
            reason,
            detail: detail.into(),
            tell: None,
        };
        assert_eq!(ended(script).await, failed);
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_or_may_not_run_waits_for_the_operator() {
    for program in ["/no/such/program", "no-such-program", "/etc/passwd"] {
        let command = config::Command {
            argv: vec![program.into()],
            ..shell("")
        };
        let outcome = ran(&command).await;
        assert!(
            matches!(
                outcome,
                Outcome::Retry {
                    reason: Reason::Spawn,
                    ..
                }
            ),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_program_without_a_path_is_found_and_gets_its_arguments_as_written() {
    let command = config::Command {
        argv: vec![
            "printf".into(),
            "%s|".into(),
            "$(touch x)".into(),
            "a b".into(),
            "*".into(),
        ],
        ..shell("")
    };
    let Outcome::Done(answer) = ran(&command).await else {
        panic!()
    };
    assert_eq!(answer.text.unwrap(), "$(touch x)|a b|*|");
}

#[tokio::test]
async fn a_family_that_ignores_term_is_killed() {
    // The leader and its child ignore TERM; the child keeps standard output open.
    let mut command = shell(
        "trap '' TERM; echo $$; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait; while :; do sleep 1; done",
    );
    command.timeout = Duration::from_secs(2);
    command.grace = Duration::from_millis(100);
    let config = command.clone();
    let guests = Guests::default();
    let start = made(config, &guests).await;
    let (mut out, mut err) = (
        OutputCapture::new(100, &Budget::new(0)),
        OutputCapture::new(100, &Budget::new(0)),
    );
    let mut guest = started(&command, &start, &guests).await.unwrap();
    let end = supervise(&mut guest, &command, &mut out, &mut err).await;
    assert!(matches!(end, ProcessEnd::Timeout), "{end:?}");
    for pid in out.written().text().unwrap().lines() {
        vanished(pid).await;
    }
}

#[tokio::test]
async fn a_timeout_fails_and_lets_the_command_say_goodbye() {
    let mut command = shell("trap 'echo bye >&2; exit 3' TERM; echo begun; while :; do sleep 0.05; done");
    command.timeout = Duration::from_secs(2);
    let outcome = ran(&command).await;
    let Outcome::Failed {
        reason: Reason::Timeout,
        detail,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(detail.ends_with("bye"), "{detail}");
}

#[tokio::test]
async fn a_grandchild_that_keeps_the_pipe_does_not_keep_the_job() {
    let mut command = shell("sleep 1000 & echo $!");
    command.grace = Duration::from_millis(100);
    let Outcome::Done(answer) = ran(&command).await else {
        panic!()
    };
    vanished(&answer.text.unwrap()).await;
}

#[tokio::test]
async fn floods_of_output_are_drained_and_cut() {
    let answer = answered("head -c 200000000 /dev/zero | tr '\\0' x; head -c 20000000 /dev/zero >&2").await;
    let text = answer.text.unwrap();
    assert!(
        text.ends_with("x\n[cut after 1048576 bytes]"),
        "{}",
        &text[text.len() - 50..]
    );
    assert_eq!(text.len(), (1 << 20) + "\n[cut after 1048576 bytes]".len());
}

#[tokio::test]
async fn files_in_out_go_back_and_links_do_not() {
    let script = "cd out; printf b >b.pdf; printf a >'a b.txt'; ln -s /etc/passwd c; mkdir d; mkfifo e; printf h >.hidden; echo ok";
    let answer = answered(script).await;
    let files: Vec<_> = answer
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.media_type.as_str(), &file.data[..]))
        .collect();
    assert_eq!(
        files,
        [
            ("hidden", "application/octet-stream", &b"h"[..]),
            ("a b.txt", "text/plain", b"a"),
            ("b.pdf", "application/pdf", b"b"),
        ]
    );
    assert_eq!(answered("rm -r out; ln -s /etc out").await.files, []);
}

#[tokio::test]
async fn too_much_in_out_costs_the_files_and_never_the_job() {
    for (script, why) in [
        ("cd out; for n in $(seq 101); do : >$n; done", "100 files"),
        ("head -c 1048577 /dev/zero >out/a", "1048576 bytes"),
        ("head -c 600000 /dev/zero >out/a; cp out/a out/b", "1048576 bytes"),
    ] {
        let outcome = ran(&shell(script)).await;
        let Outcome::Done(answer) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(answer.files, []);
        let flaw = answer.flaw.unwrap();
        assert!(
            flaw.reason == Reason::BadAnswer && flaw.detail.contains(why),
            "{flaw:?}"
        );
        assert!(answer.text.unwrap().contains("The work is done"), "the sender is told");
    }
    assert_eq!(
        answered("head -c 1048576 /dev/zero >out/a").await.files[0].data.len(),
        1 << 20
    );
}

#[tokio::test]
async fn a_missing_secret_is_tried_again() {
    let mut command = shell("");
    let missing = crate::secret::SecretRef::File("/no/such/secret".into());
    command.env = vec![("KEY".into(), HeaderValue::Secret(missing))];
    let home = Guests::default().home().await.unwrap();
    let unready = with_work(MAIL, move |work| {
        prepare(&command, work, &home).err().map(Outcome::from)
    })
    .await;
    assert!(
        matches!(
            unready,
            Some(Outcome::Retry {
                reason: Reason::Secret,
                ..
            })
        ),
        "{unready:?}"
    );
}

#[test]
fn what_can_t_be_started_waits_for_the_operator_or_for_room_and_says_what_to_do() {
    let command = shell("true");
    let program = |kind: io::ErrorKind| StartError::Program(kind.into());
    let errno = |errno: rustix::io::Errno| StartError::Program(errno.into());
    for (error, reason, cure) in [
        // /bin/sh is there.
        (
            program(io::ErrorKind::NotFound),
            Reason::Spawn,
            "its first line (#!) names",
        ),
        (program(io::ErrorKind::PermissionDenied), Reason::Spawn, "execute it"),
        (errno(rustix::io::Errno::NOEXEC), Reason::Spawn, "such as #!/bin/sh"),
        (StartError::TooMuch, Reason::Spawn, "ulimit -s"),
        (errno(rustix::io::Errno::MFILE), Reason::Local, "raise its limits"),
        (errno(rustix::io::Errno::NOMEM), Reason::Local, "raise its limits"),
        (errno(rustix::io::Errno::AGAIN), Reason::Local, "raise its limits"),
    ] {
        let outcome = unstarted(&command, &error);
        let Outcome::Retry {
            reason: found, detail, ..
        } = &outcome
        else {
            panic!("{error:?}: {outcome:?}");
        };
        assert_eq!(*found, reason, "{error:?}");
        assert!(detail.contains(cure), "{error:?}: {detail}");
        assert!(!found.is_attempt(), "{error:?}");
    }
}

#[test]
fn a_program_that_is_missing_is_looked_for_as_the_doctor_does() {
    let missing = config::Command::new(vec!["/no/such/program".into()]);
    let outcome = unstarted(&missing, &StartError::Program(io::ErrorKind::NotFound.into()));
    let Outcome::Retry { detail, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        detail.contains("check argv in [command]: mailjob doctor looks for it"),
        "{detail}"
    );
}

#[test]
fn what_a_command_may_not_read_is_told_with_what_to_list() {
    for (said, confined, told) in [
        ("sh: cannot open lib.sh: Permission denied", true, true),
        ("Error: EACCES: open '/x'", true, true),
        ("sh: cannot open lib.sh: Permission denied", false, false),
        ("no such order", true, false),
        ("", true, false),
    ] {
        let words = last_words(said, confined);
        assert!(words.starts_with(said));
        assert_eq!(words.contains("`read`"), told, "{words}");
    }
}
