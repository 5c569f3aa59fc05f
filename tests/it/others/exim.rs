//! Replies through Exim: however one signs in, a mail that is too large, and addresses beyond ASCII.

use mailjob_testbed::{Exim, Mailjob, Options, PASSWORD, World};

use super::USER;
use crate::{
    doctor::said::run,
    letters::letter,
    program::{REPLY, SENDER, answered, endpoint, processed, program},
};

/// A program with one endpoint, whose replies go out by Exim.
fn installed(world: &World, port: u16, tls: &str, action: &str) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("password", PASSWORD).unwrap();
    let lines = format!(
        "user = \"{USER}\"\nca_file = \"{ca}\"\npassword = {{ file = \"secrets/password\" }}\n\
         imap = {{ host = \"localhost\", port = {imap} }}\nsmtp = {{ host = \"localhost\", port = {port}, tls = \"{tls}\" }}",
        ca = world.tls.ca.display(),
        imap = world.dovecot.imaps,
    );
    mailjob.account_as("ada", &lines).unwrap();
    mailjob.endpoint("ada", action).unwrap();
    mailjob
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_go_out_however_tls_begins() {
    let world = World::start(Options::default()).await.unwrap();
    let exim = Exim::start(&world, "100K").await.unwrap();
    for (number, (port, tls)) in [(exim.submission, "starttls"), (exim.submissions, "implicit")]
        .into_iter()
        .enumerate()
    {
        let mut mailjob = installed(&world, port, tls, &endpoint("ada", REPLY));
        let well = run(&mailjob, &["doctor"]).await;
        assert!(
            well.code == 0 && well.out.contains("all is well"),
            "{}{}",
            well.out,
            well.err
        );
        mailjob.start().unwrap();
        world.dovecot.deliver(USER, &letter(number)).await.unwrap();
        answered(&world, &mailjob, number + 1).await;
        processed(&world, &mailjob, USER, number + 1).await;
        assert_eq!(mailjob.term().unwrap(), 0);
        assert_eq!(
            exim.log().matches(" <= ada@example.test").count(),
            number + 1,
            "{}",
            exim.log()
        );

        mailjob.secret("password", "a-wrong-password").unwrap();
        let wrong = run(&mailjob, &["doctor", "--json"]).await;
        wrong.failed(
            "sign_in",
            "SMTP",
            "the user name is wrong: the server said 535",
            "app password",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_larger_than_size_allows_is_told_without_its_files() {
    let world = World::start(Options::default()).await.unwrap();
    let exim = Exim::start(&world, "100K").await.unwrap();
    let action = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/sh\", \"-c\", \"head -c 200000 /dev/urandom > out/big.bin; echo counted\"]\n";
    let mut mailjob = installed(&world, exim.submission, "starttls", &format!("{action}{REPLY}"));
    mailjob.start().unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    answered(&world, &mailjob, 1).await;
    processed(&world, &mailjob, USER, 1).await;
    let mail = world.dovecot.mailbox(SENDER, "INBOX").await.unwrap().pop().unwrap();
    let mail = String::from_utf8_lossy(&mail);
    assert!(mail.contains("counted") && mail.contains("big.bin"), "{mail}");
    assert!(mail.len() < 10_000, "only its name is there");
    assert_eq!(exim.log().matches(" <= ada@example.test").count(), 1, "{}", exim.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_beyond_ascii_is_answered() {
    let world = World::start(Options::default()).await.unwrap();
    let exim = Exim::start(&world, "100K").await.unwrap();
    let mut mailjob = installed(&world, exim.submission, "starttls", &endpoint("ada", REPLY));
    mailjob.start().unwrap();
    let mail = "From: Jürgen <jürgen@example.test>\r\nTo: ada@example.test\r\nSubject: hi\r\nMessage-ID: <j1@example.test>\r\n\r\nHello\r\n";
    // Appended: by LMTP such a sender would need SMTPUTF8, too.
    world.dovecot.append(USER, "INBOX", mail.as_bytes()).await.unwrap();
    processed(&world, &mailjob, USER, 1).await;
    let log = exim.log();
    assert!(
        log.contains("P=utf8esmtpsa") && log.contains("=> jürgen <jürgen@example.test>"),
        "{log}{}",
        mailjob.log()
    );
}
