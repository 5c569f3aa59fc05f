//! Endpoint files that are added, changed, broken and removed while the program runs.

use std::time::Duration;

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};

use crate::letters::letter;

const PATIENCE: Duration = Duration::from_secs(120);

fn endpoint(account: &str, url: &str) -> String {
    format!("[mailbox]\naccount = \"{account}\"\n[webhook]\nurl = \"{url}\"\nallow_private_network = true\n")
}

/// The paths that were asked for, in order.
fn paths(receiver: &Receiver) -> Vec<String> {
    receiver.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_takes_effect_without_a_restart_and_without_touching_the_others() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    for name in ["ada", "bob"] {
        let user = format!("{name}@example.test");
        mailjob
            .account(&world, name, &user, SignIn::Password, Start::Implicit)
            .await
            .unwrap();
    }
    mailjob.service("patience = \"1s\"").unwrap();
    mailjob
        .endpoint("ada", &endpoint("ada", &receiver.url("/ada")))
        .unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver("ada@example.test", &letter(1)).await.unwrap();
    receiver.wait_for(1, PATIENCE).await.unwrap();

    // Added.
    world.dovecot.deliver("bob@example.test", &letter(2)).await.unwrap();
    mailjob
        .endpoint("bob", &endpoint("bob", &receiver.url("/bob")))
        .unwrap();
    receiver.wait_for(2, PATIENCE).await.unwrap();

    // Changed.
    mailjob
        .endpoint("bob", &endpoint("bob", &receiver.url("/changed")))
        .unwrap();
    mailjob.wait_log("endpoint=bob restarted=true", PATIENCE).await.unwrap();
    world.dovecot.deliver("bob@example.test", &letter(3)).await.unwrap();
    receiver.wait_for(3, PATIENCE).await.unwrap();

    // Broken: the last good version keeps running, and that is said.
    mailjob
        .plain_endpoint("bob", "[mailbox]\naccount = \"bob\"\n[webhok]\n")
        .unwrap();
    mailjob
        .wait_log("its last good version keeps running", PATIENCE)
        .await
        .unwrap();
    mailjob.wait_log("bob.toml:3:2", PATIENCE).await.unwrap();
    world.dovecot.deliver("bob@example.test", &letter(4)).await.unwrap();
    receiver.wait_for(4, PATIENCE).await.unwrap();

    // Removed.
    world
        .dovecot
        .wait_for("bob@example.test", "Processed", 3, PATIENCE)
        .await
        .unwrap();
    mailjob.remove_endpoint("bob").unwrap();
    mailjob.wait_log("endpoint removed", PATIENCE).await.unwrap();
    world.dovecot.deliver("bob@example.test", &letter(5)).await.unwrap();
    world.dovecot.deliver("ada@example.test", &letter(6)).await.unwrap();
    receiver.wait_for(5, PATIENCE).await.unwrap();
    assert_eq!(paths(&receiver), ["/ada", "/bob", "/changed", "/changed", "/ada"]);
    assert_eq!(
        world.dovecot.count("bob@example.test", "INBOX").await.unwrap(),
        1,
        "nobody watches bob any more"
    );

    let ada = mailjob
        .log()
        .lines()
        .filter(|line| line.contains("connected") && line.contains("endpoint=ada"))
        .count();
    assert_eq!(ada, 1, "ada's session was touched:\n{}", mailjob.log());
    assert_eq!(mailjob.term().unwrap(), 0);
}
