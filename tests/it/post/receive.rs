//! Which mails are received, and what becomes of them.

use std::fs;

use mailjob_testbed::{Options, SignIn, Start, World};
use serde_json::json;

use super::{ADA, files, installed, letter, run, subjects};

const RECEIVE: [&str; 3] = ["receive", "--account", "ada"];

fn with_file(subject: &str, media_type: &str) -> Vec<u8> {
    format!(
        "From: <x@example.test>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nText\r\n--b\r\nContent-Type: {media_type}; name=f\r\nContent-Disposition: attachment\r\n\r\nfile\r\n\
         --b\r\nContent-Type: text/csv; name=t.csv\r\nContent-Disposition: attachment\r\n\r\na;b\r\n--b--\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_found_by_what_they_say() {
    for (sign_in, start, by) in [
        (SignIn::Application, Start::Implicit, &[][..]),
        (SignIn::Password, Start::StartTls, &["--pop3"]),
        (SignIn::RefreshToken, Start::Implicit, &["--pop3"]),
    ] {
        let world = World::start(Options::default()).await.unwrap();
        let mailjob = installed(&world, sign_in, start).await;
        let receive = async |arguments: &[&str]| run(&mailjob, &[&RECEIVE, by, arguments].concat()).await;
        assert_eq!(receive(&[]).await.ended(0).out, "[]\n");
        receive(&["--fail-if-empty"]).await.ended(1);

        let encoded = letter("Eve@Shop.example.test", "=?utf-8?q?Rechnung_=C3=9C1?=");
        // A header that is longer than what is looked at first.
        let mut long = format!("X-Long: {}\r\n", "x".repeat(900)).repeat(80).into_bytes();
        long.extend(letter("late@example.test", "long-header"));
        let mails = [
            letter("bob@example.test", "one"),
            encoded,
            with_file("pdf", "application/pdf"),
            with_file("png", "image/png"),
            long,
        ];
        for mail in mails {
            world.dovecot.deliver(ADA, &mail).await.unwrap();
        }
        world
            .dovecot
            .append(ADA, "Other", &letter("bob@example.test", "elsewhere"))
            .await
            .unwrap();
        for (arguments, expected) in [
            (&[][..], &["one"][..]),
            (&["--count", "2"], &["one", "Rechnung Ü1"]),
            (
                &["--count", "all"],
                &["one", "Rechnung Ü1", "pdf", "png", "long-header"],
            ),
            (&["--subject", "*rechnung ü*"], &["Rechnung Ü1"]),
            (&["--subject", "=rechnung"], &[]),
            (&["--from", "*@shop.example.test"], &["Rechnung Ü1"]),
            (
                &["--from", "late@*", "--subject", "long*", "--count", "all"],
                &["long-header"],
            ),
            (
                &["--from", "bob@*", "--from", "x@*", "--count", "all"],
                &["one", "pdf", "png"],
            ),
            (&["--media-type", "image/*", "--count", "all"], &["png"]),
            (
                &[
                    "--subject",
                    "p*",
                    "--media-type",
                    "application/pdf",
                    "--media-type",
                    "image/png",
                    "--count",
                    "all",
                ],
                &["pdf", "png"],
            ),
        ] {
            let said = receive(arguments).await;
            assert_eq!(subjects(&said.json(0)), expected, "{arguments:?}: {}", said.err);
        }
        let chosen = receive(&["--media-type", "image/*", "--into", "in"]).await.json(0);
        assert_eq!(chosen[0]["mail"]["attachment_count"], 2);
        assert_eq!(chosen[0]["mail"]["attachments"].as_array().unwrap().len(), 1);
        if by.is_empty() {
            let other = receive(&["--mailbox", "Other"]).await;
            assert_eq!(subjects(&other.json(0)), ["elsewhere"]);
            // A look by POP3 sets flags at some servers: Dovecot has it so (2026-11).
            assert_eq!(world.dovecot.flags(ADA, "INBOX").await.unwrap(), [""; 5]);
            receive(&["--mailbox", "Nowhere"])
                .await
                .complains(69, &["Nowhere", "what to do:"]);
        } else {
            receive(&["--mailbox", "Other"])
                .await
                .complains(78, &["POP3 knows one mailbox only"]);
            receive(&["--then", "mark"])
                .await
                .complains(78, &["POP3 can keep or delete"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_received_mails() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::RefreshToken, Start::Implicit).await;
    let subjects_there = async |mailbox: &str| {
        let mails = world.dovecot.mailbox(ADA, mailbox).await.unwrap();
        let subject = |mail: &Vec<u8>| {
            let text = String::from_utf8_lossy(mail).into_owned();
            text.lines()
                .find_map(|line| line.strip_prefix("Subject: "))
                .unwrap()
                .to_owned()
        };
        mails.iter().map(subject).collect::<Vec<_>>()
    };
    for subject in ["a", "b", "c", "d", "e"] {
        world
            .dovecot
            .deliver(ADA, &letter("x@example.test", subject))
            .await
            .unwrap();
    }
    let receive = async |mailjob: &mailjob_testbed::Mailjob, arguments: &[&str]| {
        run(mailjob, &[&RECEIVE, arguments].concat()).await
    };
    let then = |received: serde_json::Value| received[0]["then"].as_str().unwrap().to_owned();

    assert_eq!(then(receive(&mailjob, &["--into", "in"]).await.json(0)), "kept");
    assert_eq!(
        then(receive(&mailjob, &["--subject", "=b", "--then", "mark"]).await.json(0)),
        "marked"
    );
    assert_eq!(
        then(
            receive(
                &mailjob,
                &["--subject", "=c", "--then", "move=Dône & ok", "--into", "in"]
            )
            .await
            .json(0)
        ),
        "moved"
    );
    assert_eq!(
        then(
            receive(&mailjob, &["--subject", "=d", "--then", "delete", "--into", "in"])
                .await
                .json(0)
        ),
        "deleted"
    );
    assert_eq!(subjects_there("INBOX").await, ["a", "b", "e"]);
    assert_eq!(world.dovecot.flags(ADA, "INBOX").await.unwrap(), ["", "\\Seen", ""]);
    assert_eq!(subjects_there("D&APQ-ne &- ok").await, ["c"]);
    let written = files(&mailjob.dir().join("in"));
    assert_eq!(
        written,
        [
            ".mailjob-receive.lock",
            "1/message.eml",
            "1/text.txt",
            "2/message.eml",
            "2/text.txt",
            "3/message.eml",
            "3/text.txt"
        ]
    );
    assert!(
        fs::read_to_string(mailjob.dir().join("in/3/message.eml"))
            .unwrap()
            .contains("Subject: d\r\n")
    );

    // Not before it is written, and not from under an endpoint.
    receive(&mailjob, &["--then", "delete"])
        .await
        .complains(78, &["--into"]);
    let taken = ["--then", "delete", "--into", "in"];
    fs::write(mailjob.dir().join("full"), "").unwrap();
    receive(&mailjob, &["--then", "delete", "--into", "full"])
        .await
        .complains(73, &["folder"]);
    mailjob
        .endpoint(
            "work",
            "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n",
        )
        .unwrap();
    receive(&mailjob, &taken)
        .await
        .complains(78, &["the endpoint work watches this mailbox", "--force"]);
    assert_eq!(subjects_there("INBOX").await, ["a", "b", "e"]);
    receive(&mailjob, &["--then", "keep", "--into", "in"]).await.ended(0);
    let forced = receive(&mailjob, &[&taken[..], &["--force"]].concat()).await;
    forced.complains(0, &["may never see"]);
    assert_eq!(subjects_there("INBOX").await, ["b", "e"]);

    let all = receive(
        &mailjob,
        &[
            "--pop3", "--then", "delete", "--into", "in", "--force", "--count", "all",
        ],
    )
    .await
    .json(0);
    assert_eq!((subjects(&all), &all[1]["then"]), (vec!["b", "e"], &json!("deleted")));
    assert_eq!(subjects_there("INBOX").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_take_each_mail_once() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::Password, Start::Implicit).await;
    let mails: Vec<_> = (0..40).map(|n| letter("x@example.test", &format!("m{n:02}"))).collect();
    world.dovecot.deliver_all(ADA, &mails).await.unwrap();
    let take = || {
        run(
            &mailjob,
            &[
                "receive",
                "--account",
                "ada",
                "--count",
                "all",
                "--then",
                "delete",
                "--into",
                "in",
            ],
        )
    };
    let (one, other) = tokio::join!(take(), take());
    let (one, other) = (one.json(0), other.json(0));
    let mut all = [subjects(&one), subjects(&other)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..40).map(|n| format!("m{n:02}")).collect::<Vec<_>>());
    assert_eq!(world.dovecot.count(ADA, "INBOX").await.unwrap(), 0);
    let written = files(&mailjob.dir().join("in"));
    assert_eq!(written.iter().filter(|file| file.ends_with("message.eml")).count(), 40);
    // Two that only look don't wait for each other.
    world.dovecot.deliver_all(ADA, &mails).await.unwrap();
    let look = || {
        run(
            &mailjob,
            &["receive", "--account", "ada", "--count", "all", "--into", "looked"],
        )
    };
    let (one, other) = tokio::join!(look(), look());
    assert_eq!((subjects(&one.json(0)).len(), subjects(&other.json(0)).len()), (40, 40));
    let folders = fs::read_dir(mailjob.dir().join("looked")).unwrap().count();
    assert_eq!(folders, 80);
}
