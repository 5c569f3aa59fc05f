//! Refresh tokens that rotate, at a server that ends a sign-in whose refresh token is used twice: over crashes, between loops, between
//! processes.

use std::process::Stdio;

use mailjob::auth::Credential;
use mailjob_testbed::{Mailjob, Options, PASSWORD, World};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    time::Instant,
};

use crate::{
    letters::letter,
    program::{
        COMMAND, PATIENCE, REPLY, account, answered, client, endpoint, login, needs_person, processed, program,
        refreshing, refused, said,
    },
    raw::xoauth2,
    world::sign_in::signs_in,
};

const ADA: &str = "ada@example.test";
const SHARED: &str = "shared.orders@example.test";
const BOB: &str = "bob@example.test";
const TOKEN: &str = "/token";
const INTROSPECTION: &str = "/token/introspection";

/// Ada's account with a refresh token, and its endpoint.
async fn ada(world: &World) -> Mailjob {
    let mut mailjob = program(world);
    let sign_in = refreshing(world, &mailjob, "ada", ADA).await;
    mailjob.account_as("ada", &account(world, ADA, &sign_in)).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    mailjob
}

/// Signs in as a person does who reads the code in the terminal.
async fn sign_in_by_device(world: &World, mailjob: &Mailjob) {
    let mut child = mailjob
        .command(&["auth", "login", "ada", "--device"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut after = false;
    while let Some(line) = lines.next_line().await.unwrap() {
        if after && !line.trim().is_empty() {
            world.oauth.approve_device(ADA, line.trim()).await.unwrap();
            break;
        }
        after = after || line.contains("type in the code");
    }
    let mut rest = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rest.push_str(&line);
    }
    assert!(child.wait().await.unwrap().success(), "{rest}");
    assert!(rest.contains("Signed in"), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_outlives_a_kill_before_it_is_used() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = ada(&world).await;
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    for kills in 1..=3 {
        // Nobody knows yet whether the access token is good: the new refresh token is stored and not used.
        world.oauth.hold(INTROSPECTION).await.unwrap();
        mailjob.start().unwrap();
        world.oauth.held(INTROSPECTION).await.unwrap();
        mailjob.kill9().unwrap();
        world.oauth.release(INTROSPECTION).await.unwrap();
        assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (kills, 0));
    }
    mailjob.start().unwrap();
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (4, 0));
    assert_eq!(refused(&mailjob, "ada").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lost_in_a_kill_needs_a_person_who_mends_it_without_a_restart() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = ada(&world).await;
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    // Granted, and never received: the old refresh token is used up.
    world.oauth.hold(TOKEN).await.unwrap();
    mailjob.start().unwrap();
    world.oauth.held(TOKEN).await.unwrap();
    mailjob.kill9().unwrap();
    world.oauth.release(TOKEN).await.unwrap();

    mailjob.start().unwrap();
    said(&mailjob, "the account can't sign in until somebody acts", 1).await;
    let log = mailjob.log();
    let line = log.lines().find(|line| line.contains("until somebody acts")).unwrap();
    assert!(line.contains("account=ada") && line.contains("sign in anew"), "{line}");
    let why = needs_person(&mailjob, "ada").await;
    assert!(why.contains("invalid_grant"), "{why}");
    assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (1, 1));
    assert_eq!(world.dovecot.count(ADA, "Processed").await.unwrap(), 0);

    sign_in_by_device(&world, &mailjob).await;
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
    assert_eq!(refused(&mailjob, "ada").await, None);
    let (_, errors) = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!(errors, 1, "the person's is the only other one that is used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_to_an_account_without_a_token_while_the_program_runs() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    let sign_in = client(&world, "mailjob-public", "");
    mailjob.account_as("ada", &account(&world, ADA, &sign_in)).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    mailjob.start().unwrap();
    said(&mailjob, "mailjob auth login ada", 1).await;
    let why = needs_person(&mailjob, "ada").await;
    assert!(why.contains("nobody has signed in"), "{why}");
    sign_in_by_device(&world, &mailjob).await;
    processed(&world, &mailjob, ADA, 1).await;

    // The next process has the rotated one from the ledger.
    mailjob.kill9().unwrap();
    mailjob.start().unwrap();
    world.dovecot.deliver(ADA, &letter(2)).await.unwrap();
    processed(&world, &mailjob, ADA, 2).await;
    let (_, errors) = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!(errors, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_that_refresh_at_once_make_one_request() {
    let world = World::start(Options {
        access_ttl: 2,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut mailjob = ada(&world).await;
    mailjob.secret("bob", PASSWORD).unwrap();
    let shared = format!("[mailbox]\naccount = \"ada\"\nuser = \"{SHARED}\"\n{COMMAND}{REPLY}");
    mailjob.endpoint("shared", &shared).unwrap();
    // Read by a password, answered by Ada: nothing but the outbox needs her token here.
    let auth = "auth = { password = { file = \"../secrets/bob\" } }";
    let bob = format!("[mailbox]\naccount = \"ada\"\nuser = \"{BOB}\"\n{auth}\n{COMMAND}{REPLY}account = \"ada\"\n");
    mailjob.endpoint("bob", &bob).unwrap();
    mailjob.start().unwrap();
    said(&mailjob, " connected ", 3).await;
    assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (1, 0));

    // The server ends the token before its time; all three need another, and none gets it before all have asked.
    let token = world.oauth.granted()[1].clone();
    let deadline = Instant::now() + PATIENCE;
    while signs_in(&world, "XOAUTH2", &xoauth2(ADA, &token)).await {
        assert!(Instant::now() < deadline, "a token of 2 s still works");
    }
    world.oauth.set_access_ttl(600).await.unwrap();
    world.oauth.hold(TOKEN).await.unwrap();
    for (number, user) in [ADA, SHARED, BOB].into_iter().enumerate() {
        if user != BOB {
            world.dovecot.kick(user).await.unwrap();
        }
        world.dovecot.deliver(user, &letter(number)).await.unwrap();
    }
    said(&mailjob, "the SMTP server refuses the token", 1).await;
    world.oauth.held(TOKEN).await.unwrap();
    world.oauth.release(TOKEN).await.unwrap();
    for user in [ADA, SHARED, BOB] {
        processed(&world, &mailjob, user, 1).await;
    }
    answered(&world, &mailjob, 3).await;
    assert_eq!(
        world.oauth.requests("refresh_token").await.unwrap(),
        (2, 0),
        "{}",
        mailjob.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_refresh_in_turn_and_neither_loses_the_sign_in() {
    const TURNS: usize = 4;
    let world = World::start(Options {
        access_ttl: 2,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut mailjob = ada(&world).await;
    mailjob.start().unwrap();
    said(&mailjob, " connected ", 1).await;
    let other = login(&mailjob, "ada").await;
    for turn in 1..=TURNS {
        // The other process, several times over at once.
        let asked = (0..4).map(|_| async {
            let credential = other.credential().await.unwrap();
            assert!(matches!(credential, Credential::Bearer(_)));
            other.rejected(&credential);
        });
        futures_util::future::join_all(asked).await;
        // The program, whose token has ended with its short life.
        world.dovecot.kick(ADA).await.unwrap();
        world.dovecot.deliver(ADA, &letter(turn)).await.unwrap();
        processed(&world, &mailjob, ADA, turn).await;
    }
    answered(&world, &mailjob, TURNS).await;
    let (granted, refusals) = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!(refusals, 0, "{}", mailjob.log());
    assert!(granted > 2 * TURNS as u64, "{granted} requests");
    assert_eq!(refused(&mailjob, "ada").await, None);
    assert!(!mailjob.log().contains("until somebody acts"), "{}", mailjob.log());
}
