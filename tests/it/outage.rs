//! The whole program while a sign-in has ended, and while the token server fails.

use std::time::Duration;

use mailjob_testbed::{Options, PASSWORD, TokenAnswer, World};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    letters::letter,
    program::{
        PATIENCE, REPLY, account, answered, endpoint, needs_person, processed, program, refreshing, refused, said,
    },
};

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";
const SHARED: &str = "shared.orders@example.test";

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_has_ended_is_asked_for_once_and_hinders_nobody() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    let sign_in = refreshing(&world, &mailjob, "ada", ADA).await;
    mailjob.account_as("ada", &account(&world, ADA, &sign_in)).unwrap();
    mailjob.secret("bob", PASSWORD).unwrap();
    let password = "password = { file = \"secrets/bob\" }";
    mailjob.account_as("bob", &account(&world, BOB, password)).unwrap();
    for name in ["ada", "bob"] {
        mailjob.endpoint(name, &endpoint(name, "")).unwrap();
    }
    // A second mailbox of the same sign-in, which is as much in need.
    let shared = endpoint("ada", "").replace("\"ada\"\n", &format!("\"ada\"\nuser = \"{SHARED}\"\n"));
    mailjob.endpoint("shared", &shared).unwrap();
    world.oauth.revoke(ADA).await.unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let why = needs_person(&mailjob, "ada").await;
    assert!(why.contains("sign in anew") && why.contains("invalid_grant"), "{why}");
    said(&mailjob, "the mailbox can't be watched", 2).await;
    for number in 1..=3 {
        world.dovecot.deliver(BOB, &letter(number)).await.unwrap();
        processed(&world, &mailjob, BOB, number).await;
    }
    assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (0, 1));
    assert_eq!(
        mailjob
            .log()
            .matches("the account can't sign in until somebody acts")
            .count(),
        1
    );

    let anew = world.oauth.refresh_token(ADA, "mailjob-public").await.unwrap();
    mailjob.secret("ada", &anew).unwrap();
    processed(&world, &mailjob, ADA, 1).await;
    assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (1, 1));
    assert_eq!(refused(&mailjob, "ada").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_its_token_while_the_token_server_fails() {
    // The shortest life that is believed.
    let world = World::start(Options {
        access_ttl: 60,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut mailjob = program(&world);
    let sign_in = refreshing(&world, &mailjob, "ada", ADA).await;
    mailjob.account_as("ada", &account(&world, ADA, &sign_in)).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", "")).unwrap();
    let shared = format!("\"ada\"\nuser = \"{SHARED}\"\n");
    mailjob
        .endpoint("shared", &endpoint("ada", REPLY).replace("\"ada\"\n", &shared))
        .unwrap();
    mailjob.start().unwrap();
    said(&mailjob, " connected ", 2).await;
    let trouble = [
        TokenAnswer::text(500, "text/html", "<h1>Oops</h1>"),
        TokenAnswer::text(200, "text/html", "<h1>Welcome</h1>"),
        TokenAnswer::json(503, &json!({})),
        TokenAnswer::refusal("temporarily_unavailable"),
    ];
    world.oauth.script(&trouble).await.unwrap();
    let sessions = |log: &str| log.matches(&format!("imap-login: Info: Login: user=<{ADA}>")).count();

    // At 80 % of its life another token is asked for; at its end there is none.
    for (number, failures) in [(1, "failures=1"), (2, "failures=4")] {
        mailjob.wait_log(failures, Duration::from_secs(120)).await.unwrap();
        if number == 1 {
            // The ageing token still opens what needs to be opened: SMTP.
            world.dovecot.deliver(SHARED, &letter(9)).await.unwrap();
            answered(&world, &mailjob, 1).await;
        }
        world.dovecot.deliver(ADA, &letter(number)).await.unwrap();
        processed(&world, &mailjob, ADA, number).await;
        assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (1, 0));
    }
    let deadline = Instant::now() + PATIENCE;
    while world.oauth.requests("refresh_token").await.unwrap() != (2, 0) {
        assert!(Instant::now() < deadline, "no new token:\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sessions(&world.dovecot.log()), 1, "{}", world.dovecot.log());
    assert!(
        !mailjob.log().contains("the session with the mailbox ended"),
        "{}",
        mailjob.log()
    );
    assert_eq!(refused(&mailjob, "ada").await, None);

    world.dovecot.kick(ADA).await.unwrap();
    world.dovecot.deliver(ADA, &letter(3)).await.unwrap();
    processed(&world, &mailjob, ADA, 3).await;
    assert_eq!(sessions(&world.dovecot.log()), 2);
    assert_eq!(
        world.oauth.requests("refresh_token").await.unwrap(),
        (2, 0),
        "the new token is in use"
    );
}
