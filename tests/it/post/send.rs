//! What is sent arrives as it was meant.

use std::{fs, time::Duration};

use mailjob_testbed::{Options, PASSWORD, SignIn, Start, World};
use serde_json::json;

use super::{ADA, BOB, installed, run, run_with};

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_everything_arrives_however_one_signs_in() {
    for (sign_in, start) in [
        (SignIn::Password, Start::Implicit),
        (SignIn::Application, Start::StartTls),
        (SignIn::RefreshToken, Start::Implicit),
    ] {
        let world = World::start(Options::default()).await.unwrap();
        let mailjob = installed(&world, sign_in, start).await;
        fs::write(mailjob.dir().join("letter.html"), "<p>Grüße &amp; so</p>\n").unwrap();
        fs::write(mailjob.dir().join("7.pdf"), b"%PDF-1.4\0\xff").unwrap();
        let mut arguments = vec!["send", "--account", "ada", "--to", "Bob <bob@example.test>"];
        arguments.extend(["--cc", "carl@example.test", "--bcc", "dora@example.test"]);
        arguments.extend(["--from", "Büro <ada@example.test>", "--reply-to", "desk@example.test"]);
        arguments.extend(["--return-to", "bounces@example.test", "--subject", "Größe: 7"]);
        arguments.extend(["--text", "Text,\n.\nzweite Zeile: ü", "--html-file", "letter.html"]);
        arguments.extend(["--attach", "7.pdf=Invoice 7.pdf", "--attach-stdin", "table.csv"]);
        arguments.extend(["--header", "X-Order: 4711", "--in-reply-to", "<question@example.test>"]);
        arguments.extend(["--message-id", "<answer@example.test>", "--json"]);
        // Twice: a refresh token that was rotated is found again.
        for _ in 0..2 {
            let sent = run_with(&mailjob, b"a;b\n1;2\n", &arguments).await.json(0);
            assert_eq!(
                (&sent["sent"], &sent["message_id"]),
                (&json!(true), &json!("answer@example.test"))
            );
            assert!(sent["said"].as_str().unwrap().contains("queued as"), "{sent}");
            assert_eq!(sent["recipients"].as_array().unwrap().len(), 3);
        }
        for user in [BOB, "carl@example.test", "dora@example.test"] {
            world.dovecot.wait_for(user, "INBOX", 2, PATIENCE).await.unwrap();
        }
        for mail in world.dovecot.mailbox(BOB, "INBOX").await.unwrap() {
            assert!(
                !String::from_utf8_lossy(&mail).contains("dora"),
                "a blind copy is not told of"
            );
        }

        let received = run(&mailjob, &["receive", "--account", "bob", "--into", "in"])
            .await
            .json(0);
        let mail = &received[0]["mail"];
        assert_eq!(mail["message_id"], "answer@example.test");
        assert_eq!(mail["from"], json!([{"name": "Büro", "address": ADA}]));
        assert_eq!(mail["to"], json!([{"name": "Bob", "address": BOB}]));
        assert_eq!(mail["cc"], json!([{"address": "carl@example.test"}]));
        assert_eq!(mail["reply_to"], json!([{"address": "desk@example.test"}]));
        assert_eq!(
            (&mail["subject"], &mail["automatic"]),
            (&json!("Größe: 7"), &json!("auto-submitted"))
        );
        assert_eq!(mail["in_reply_to"], json!(["question@example.test"]));
        let header = |name: &str| {
            let mut all = mail["headers"].as_array().unwrap().iter();
            all.find(|field| field[0] == name)
                .unwrap_or_else(|| panic!("{name}: {mail}"))[1]
                .clone()
        };
        assert_eq!(header("Return-Path"), "<bounces@example.test>");
        assert_eq!(header("X-Order"), "4711");
        let folder = mailjob.dir().join("in/1");
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        assert_eq!(read("text.txt"), "Text,\r\n.\r\nzweite Zeile: ü\r\n".as_bytes());
        assert_eq!(read("html.html"), "<p>Grüße &amp; so</p>\r\n".as_bytes());
        assert_eq!(mail["text"].as_str().unwrap().as_bytes(), read("text.txt"));
        let attachments = mail["attachments"].as_array().unwrap();
        let told: Vec<_> = attachments
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["media_type"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [("Invoice 7.pdf", "application/pdf"), ("table.csv", "text/csv")]);
        assert_eq!(read(attachments[0]["file"].as_str().unwrap()), b"%PDF-1.4\0\xff");
        assert_eq!(read(attachments[1]["file"].as_str().unwrap()), b"a;b\n1;2\n");
        assert_eq!(read("message.eml").len() as u64, received[0]["size"].as_u64().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_comes_from_standard_input_and_a_person_may_write() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::Password, Start::Implicit).await;
    let arguments = [
        "send",
        "--account",
        "ada",
        "--to",
        BOB,
        "--subject",
        "s",
        "--text-file",
        "-",
        "--personal",
    ];
    let sent = run_with(&mailjob, "one\ntwo ü\n".as_bytes(), &arguments).await;
    sent.ended(0);
    assert!(
        sent.out.starts_with("Message-ID: <") && sent.out.contains("queued as"),
        "{}",
        sent.out
    );
    assert_eq!(sent.err, "", "nothing is said of a mail that is well");
    world.dovecot.wait_for(BOB, "INBOX", 1, PATIENCE).await.unwrap();
    let received = run(&mailjob, &["receive", "--account", "bob"]).await.json(0);
    let mail = &received[0]["mail"];
    assert_eq!(
        (&mail["text"], &mail["automatic"]),
        (&json!("one\r\ntwo ü\r\n"), &json!(null))
    );
    assert_eq!(received[0]["folder"], json!(null));
    let raw = run(&mailjob, &["receive", "--account", "bob", "--raw"]).await;
    assert_eq!(
        raw.out.as_bytes(),
        world.dovecot.mailbox(BOB, "INBOX").await.unwrap()[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_can_be_given_altogether_or_changed_field_by_field() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::Password, Start::Implicit).await;
    let (ca, smtp, imap, pop3) = (
        world.tls.ca.display().to_string(),
        world.postfix.submission.to_string(),
        world.dovecot.imaps.to_string(),
        world.dovecot.pop3s.to_string(),
    );
    // Without any configuration.
    let bare = async |arguments: &[&str]| {
        let mut command = mailjob.command(arguments);
        command
            .env_remove("MAILJOB_CONFIG")
            .env_remove("MAILJOB_ENDPOINTS")
            .current_dir(mailjob.dir().join("secrets"))
            .env("SECRET_OF_ADA", PASSWORD);
        let output = command.output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let of_ada = ["--user", ADA, "--password-env", "SECRET_OF_ADA", "--ca-file", &ca];
    let server = [
        "--smtp-host",
        "localhost",
        "--smtp-port",
        &smtp,
        "--smtp-tls",
        "starttls",
    ];
    let sent = bare(
        &[
            &["send", "--to", ADA, "--subject", "bare", "--text", "x"],
            &of_ada[..],
            &server[..],
        ]
        .concat(),
    )
    .await;
    assert_eq!(sent.0, 0, "{sent:?}");
    world.dovecot.wait_for(ADA, "INBOX", 1, PATIENCE).await.unwrap();
    for server in [
        ["--imap-host", "localhost", "--imap-port", &imap],
        ["--pop3-host", "localhost", "--pop3-port", &pop3],
    ] {
        let received = bare(&[&["receive"], &of_ada[..], &server[..]].concat()).await;
        assert!(received.0 == 0 && received.1.contains("\"bare\""), "{received:?}");
    }
    let nobody = bare(&["send", "--to", ADA]).await;
    assert!(
        nobody.0 == 78 && nobody.2.contains("no --account and no --smtp-host"),
        "{nobody:?}"
    );

    // Another port and another way into TLS; another user, whose mailbox the password opens.
    let changed = [
        "send",
        "--account",
        "ada",
        "--smtp-port",
        &smtp,
        "--smtp-tls",
        "starttls",
        "--to",
        BOB,
        "--text",
        "x",
    ];
    run(&mailjob, &changed).await.ended(0);
    world.dovecot.wait_for(BOB, "INBOX", 1, PATIENCE).await.unwrap();
    let shared = run(&mailjob, &["receive", "--account", "ada", "--user", BOB])
        .await
        .json(0);
    assert_eq!(shared[0]["mail"]["to"][0]["address"], BOB);
    let wrong = ["receive", "--account", "ada", "--password-file", "secrets/wrong"];
    mailjob.secret("wrong", "not-the-password").unwrap();
    run(&mailjob, &wrong)
        .await
        .complains(69, &["AUTHENTICATIONFAILED", "what to do:"]);
}
