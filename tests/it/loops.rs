//! Two Mailjobs that answer each other stop.

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};

use crate::program::{COMMAND, REPLY, account, processed, program};

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";

/// A program of its own that answers every mail of a user.
fn answering(world: &World, user: &str) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("password", PASSWORD).unwrap();
    let sign_in = "password = { file = \"secrets/password\" }";
    mailjob.account_as("own", &account(world, user, sign_in)).unwrap();
    let endpoint = format!("[mailbox]\naccount = \"own\"\n{COMMAND}{REPLY}");
    mailjob.endpoint("own", &endpoint).unwrap();
    mailjob.start().unwrap();
    mailjob
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_answer_each_other_stop() {
    let world = World::start(Options::default()).await.unwrap();
    let (mut ada, mut bob) = (answering(&world, ADA), answering(&world, BOB));
    let mail = format!("From: {BOB}\r\nTo: {ADA}\r\nSubject: Hello\r\nMessage-ID: <1@example.test>\r\n\r\nHello.\r\n");
    world.dovecot.deliver(ADA, mail.as_bytes()).await.unwrap();
    processed(&world, &ada, ADA, 1).await;
    // The answer is a mail like any other to Bob's, whose job is done, and who says nothing.
    processed(&world, &bob, BOB, 1).await;
    assert_eq!((ada.term().unwrap(), bob.term().unwrap()), (0, 0));
    let mut mails = 0;
    for user in [ADA, BOB] {
        for mailbox in ["INBOX", "Processed", "Failed"] {
            mails += world.dovecot.count(user, mailbox).await.unwrap_or_default();
        }
    }
    assert!(mails <= 3, "{mails} mails:\n{}\n{}", ada.log(), bob.log());
    assert_eq!(mails, 2);
}
