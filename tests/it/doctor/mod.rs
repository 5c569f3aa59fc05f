//! `mailjob doctor` and `mailjob check --live` with real servers, and that they touch no mail and tell no secret.

mod peculiar;
pub(crate) mod said;

use std::{fs, time::Duration};

use self::said::run;
use crate::letters::letter;
use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, SignIn, Start, Tls, World};

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

async fn installation(world: &World) -> Mailjob {
    Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap()
}

const TRUE: &str = "[command]\nargv = [\"/bin/true\"]\n[reply]\nto = \"sender\"";
const REPLY: &str = "[reply]\nto = \"sender\"";

async fn with_password(world: &World) -> Mailjob {
    let mut mailjob = installation(world).await;
    mailjob
        .account(world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    mailjob
        .endpoint("ada", &format!("[mailbox]\naccount = \"ada\"\n{TRUE}\n"))
        .unwrap();
    mailjob
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_and_no_mail_is_touched() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::status(200)).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.make_ledger().await.unwrap();
    mailjob.secret("hook", "a-key-of-the-webhook-that-is-long").unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}?key=canary-in-the-query\"\nallow_private_network = true\nheaders = {{ authorization = {{ file = \"../secrets/hook\" }} }}",
        receiver.url("/")
    );
    for (name, sign_in, start, action) in [
        ("ada", SignIn::Password, Start::Implicit, &*webhook),
        ("bob", SignIn::RefreshToken, Start::StartTls, TRUE),
        ("eve", SignIn::Application, Start::Implicit, TRUE),
    ] {
        let user = format!("{name}@example.test");
        mailjob.account(&world, name, &user, sign_in, start).await.unwrap();
        mailjob
            .endpoint(name, &format!("[mailbox]\naccount = \"{name}\"\n{action}\n"))
            .unwrap();
    }
    world.dovecot.deliver_all(USER, &[letter(1), letter(2)]).await.unwrap();
    let before = (
        world.dovecot.recent(USER, "INBOX").await.unwrap(),
        world.dovecot.uid_validity(USER, "INBOX").await.unwrap(),
    );
    assert_eq!(before.0, 2);

    let said = run(&mailjob, &["doctor"]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    for line in [
        "account ada, IMAP localhost:",
        "  ✓ mailbox       INBOX (endpoint ada): 2 mails",
        "all is well; no mail was touched",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    assert!(!said.out.contains("canary-in-the-query"), "{}", said.out);

    let said = run(&mailjob, &["doctor", "bob", "--json"]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let passed = |stages: &[&str]| Vec::from_iter(stages.iter().map(|stage| (stage.to_string(), "passed".to_owned())));
    let all = ["dns", "tcp", "tls", "sign_in", "capabilities"];
    assert_eq!(said.outcomes("IMAP"), passed(&[&all[..], &["mailbox"]].concat()));
    assert_eq!(said.outcomes("SMTP"), passed(&all));
    assert!(!said.out.contains(USER), "the others are left alone");

    let said = run(&mailjob, &["check", "--live"]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("3 endpoints would run") && said.out.contains("all is well"),
        "{}",
        said.out
    );

    let after = (
        world.dovecot.recent(USER, "INBOX").await.unwrap(),
        world.dovecot.uid_validity(USER, "INBOX").await.unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(world.dovecot.flags(USER, "INBOX").await.unwrap(), ["", ""]);
    assert_eq!(world.dovecot.count(USER, "Processed").await.unwrap(), 0);
    assert!(receiver.requests().is_empty());
    for user in [USER, "bob@example.test"] {
        assert_eq!(
            world.dovecot.count(user, "INBOX").await.unwrap(),
            if user == USER { 2 } else { 0 }
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_mailjob_goes_on_while_it_is_examined() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob
        .account(&world, "ada", USER, SignIn::RefreshToken, Start::Implicit)
        .await
        .unwrap();
    mailjob
        .endpoint("ada", &format!("[mailbox]\naccount = \"ada\"\n{TRUE}\n"))
        .unwrap();
    mailjob.start().unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    for _ in 0..2 {
        let said = run(&mailjob, &["doctor"]).await;
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
    let (_, refused) = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!(refused, 0, "no refresh token was used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_with_its_cure() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = with_password(&world).await;
    let doctor = ["doctor", "ada", "--json"];

    mailjob.secret("ada", "a-wrong-password").unwrap();
    let said = run(&mailjob, &doctor).await;
    said.failed(
        "sign_in",
        "IMAP",
        "the server said NO [AUTHENTICATIONFAILED]",
        "check both; many providers want an app password",
    );
    said.failed(
        "sign_in",
        "SMTP",
        "the server said 535",
        "check both; many providers want an app password",
    );
    let skipped = ("mailbox".to_owned(), "skipped".to_owned());
    assert!(said.outcomes("IMAP").contains(&skipped), "{}", said.out);
    mailjob.secret("ada", PASSWORD).unwrap();

    mailjob
        .endpoint(
            "ada",
            &format!("[mailbox]\naccount = \"ada\"\nname = \"Nowhere\"\n{TRUE}\n"),
        )
        .unwrap();
    run(&mailjob, &doctor)
        .await
        .failed("mailbox", "IMAP", "Nowhere", "mailbox.name");
    assert_eq!(
        world.dovecot.count(USER, "Nowhere").await.unwrap(),
        0,
        "it was not made"
    );

    let elsewhere = "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"https://no-such-host.invalid/\"\n";
    mailjob.endpoint("ada", elsewhere).unwrap();
    run(&mailjob, &doctor)
        .await
        .failed("dns", "webhook", "no-such-host.invalid", "host name");
    mailjob
        .endpoint("ada", &format!("[mailbox]\naccount = \"ada\"\n{TRUE}\n"))
        .unwrap();

    let other = world.dir().join("other");
    fs::create_dir(&other).unwrap();
    let stranger = Tls::new(&other).unwrap();
    let account = |imap: u16, tls: &str, ca: &std::path::Path| {
        format!(
            "user = \"{USER}\"\nca_file = \"{}\"\npassword = {{ file = \"secrets/ada\" }}\n\
             imap = {{ host = \"localhost\", port = {imap}, tls = \"{tls}\" }}\n\
             smtp = {{ host = \"localhost\", port = {}, tls = \"implicit\" }}",
            ca.display(),
            world.postfix.submissions
        )
    };
    mailjob
        .account_as("ada", &account(world.dovecot.imaps, "implicit", &stranger.ca))
        .unwrap();
    let said = run(&mailjob, &doctor).await;
    said.failed("tls", "IMAP", "TLS with localhost failed", "ca_file");
    said.failed("tls", "SMTP", "TLS with localhost failed", "ca_file");

    mailjob
        .account_as("ada", &account(world.dovecot.imap, "implicit", &world.tls.ca))
        .unwrap();
    run(&mailjob, &doctor)
        .await
        .failed("tls", "IMAP", "TLS with localhost failed", "starttls");

    // Nothing listens on a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    mailjob
        .account_as("ada", &account(port, "implicit", &world.tls.ca))
        .unwrap();
    let hook = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"http://localhost:{port}/\"\nallow_private_network = true\n{REPLY}\n"
    );
    mailjob.endpoint("ada", &hook).unwrap();
    let said = run(&mailjob, &doctor).await;
    said.failed("tcp", "webhook", "can't be reached", "nothing listens");
    said.failed("tcp", "IMAP", "can't be reached", "nothing listens");
    assert!(
        said.outcomes("SMTP").iter().all(|(_, outcome)| outcome == "passed"),
        "{}",
        said.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_ended_or_never_began() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.make_ledger().await.unwrap();
    mailjob
        .account(&world, "ada", USER, SignIn::RefreshToken, Start::Implicit)
        .await
        .unwrap();
    mailjob
        .endpoint("ada", &format!("[mailbox]\naccount = \"ada\"\n{TRUE}\n"))
        .unwrap();
    let doctor = ["doctor", "--json"];
    assert_eq!(run(&mailjob, &doctor).await.code, 0);
    world.oauth.revoke(USER).await.unwrap();
    let said = run(&mailjob, &doctor).await;
    said.failed("credential", "", "invalid_grant", "sign in anew");
    assert!(
        said.outcomes("IMAP").contains(&("tls".into(), "passed".into())),
        "{}",
        said.out
    );
    assert!(
        said.outcomes("IMAP").contains(&("sign_in".into(), "skipped".into())),
        "{}",
        said.out
    );

    let lines = format!(
        "user = \"new@example.test\"\nca_file = \"{}\"\nimap = {{ host = \"localhost\", port = {} }}\nclient_id = \"mailjob-public\"\n\
         smtp = {{ host = \"localhost\", port = {} }}\noauth = {{ token_url = \"{}\", scopes = [\"mail\"] }}",
        world.tls.ca.display(),
        world.dovecot.imaps,
        world.postfix.submissions,
        world.oauth.token_url()
    );
    mailjob.account_as("new", &lines).unwrap();
    mailjob
        .endpoint("new", &format!("[mailbox]\naccount = \"new\"\n{TRUE}\n"))
        .unwrap();
    let said = run(&mailjob, &["doctor", "new", "--json"]).await;
    said.failed("credential", "", "not signed in yet", "mailjob auth login new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_wrong() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = with_password(&world).await;
    mailjob.endpoint("broken", "concurency = 1\n").unwrap();
    for arguments in [
        &["doctor"][..],
        &["doctor", "broken"],
        &["check", "--live"],
        &["check", "--live", "--json"],
    ] {
        let said = run(&mailjob, arguments).await;
        assert_eq!(said.code, 78, "{arguments:?}: {}{}", said.out, said.err);
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("unknown key `concurency`"), "{all}");
        assert_eq!(
            all.contains("endpoint ada): 0 mails"),
            !arguments.contains(&"broken"),
            "{all}"
        );
    }
    let said = run(&mailjob, &["doctor", "nobody"]).await;
    assert!(said.code == 78 && said.err.contains("ada, broken"), "{}", said.err);
    assert_eq!(
        run(&mailjob, &["doctor", "ada"]).await.code,
        0,
        "the others don't matter"
    );
}

/// Each of three servers speaks TLS from the first byte, and is asked for STARTTLS: without a look each waits for the other.
#[tokio::test(flavor = "multi_thread")]
async fn starttls_on_a_port_of_tls_is_named_by_doctor_and_by_what_runs() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.secret("ada", PASSWORD).unwrap();
    let server =
        |key: &str, port: u16| format!("{key} = {{ host = \"localhost\", port = {port}, tls = \"starttls\" }}\n");
    let account = format!(
        "user = \"{USER}\"\nca_file = \"{}\"\npassword = {{ file = \"secrets/ada\" }}\n{}{}{}",
        world.tls.ca.display(),
        server("imap", world.dovecot.imaps),
        server("pop3", world.dovecot.pop3s),
        server("smtp", world.postfix.submissions),
    );
    mailjob.account_as("ada", &account).unwrap();
    for protocol in ["imap", "pop3"] {
        let endpoint = format!("[mailbox]\naccount = \"ada\"\nprotocol = \"{protocol}\"\n{TRUE}\n");
        mailjob.endpoint(protocol, &endpoint).unwrap();
    }
    let said = run(&mailjob, &["doctor", "--json"]).await;
    for part in ["IMAP", "POP3", "SMTP"] {
        said.failed(
            "tls",
            part,
            "it waits for TLS from the first byte",
            "tls = \"implicit\"",
        );
    }
    mailjob.start().unwrap();
    let words = "it waits for TLS from the first byte; write tls = \"implicit\" for this server";
    for _ in ["imap", "pop3"] {
        mailjob.wait_log(words, PATIENCE).await.unwrap();
    }
    let (end, mut told) = (std::time::Instant::now() + PATIENCE, String::new());
    while told.matches(words).count() < 2 {
        assert!(std::time::Instant::now() < end, "{told}");
        told = run(&mailjob, &["status"]).await.out;
    }
    assert_eq!(run(&mailjob, &["status"]).await.code, 1);
}
