//! Every way to sign in, from the mail to its reply.

use std::fs;

use mailjob_testbed::{APP_SECRET, Answer, CLIENT_SECRET, Mailjob, OAuth, Options, PASSWORD, Receiver, World};
use tokio::time::Instant;

use crate::{
    letters::letter,
    program::{
        PATIENCE, REPLY, SENDER, account, answered, client, endpoint, needs_person, processed, program, refreshing,
        refused, said,
    },
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn user(name: &str) -> String {
    format!("{name}@example.test")
}

/// A refresh token and a client's secret, in files.
async fn person(oauth: &OAuth, mailjob: &Mailjob, name: &str, id: &str) -> String {
    let (token, secret) = (format!("{name}-token"), format!("{name}-secret"));
    mailjob
        .secret(&token, &oauth.refresh_token(&user(name), id).await.unwrap())
        .unwrap();
    mailjob.secret(&secret, CLIENT_SECRET).unwrap();
    format!("refresh_token = {{ file = \"secrets/{token}\" }}\nclient_secret = {{ file = \"secrets/{secret}\" }}")
}

/// An application that proves itself by a certificate.
async fn certified(world: &World, mailjob: &Mailjob) -> String {
    let (id, user) = ("11111111-2222-3333-4444-555555555555", user("certificate"));
    let made = world.oauth.register_certificate(id, &user).await.unwrap();
    fs::write(mailjob.dir().join("client.pem"), &made.certificate).unwrap();
    mailjob.secret("client.key", &made.key).unwrap();
    let lines = "certificate = \"client.pem\"\ncertificate_key = { file = \"secrets/client.key\" }";
    client(world, id, lines)
}

/// A service account that may act for the domain.
async fn service_account(world: &World, mailjob: &Mailjob) -> String {
    let robot = "robot@testbed.iam.example.test";
    let registered = world
        .oauth
        .register_service_account(robot, "example.test")
        .await
        .unwrap();
    let file = world.dir().join("service-account.json");
    registered.write(&file).unwrap();
    mailjob
        .secret("service-account", &fs::read_to_string(file).unwrap())
        .unwrap();
    format!(
        "service_account = {{ file = \"secrets/service-account\" }}\n\
         oauth = {{ token_url = \"{}\", scopes = [\"https://mail.google.com/\"] }}",
        world.oauth.token_url()
    )
}

/// Names, which are those of the users as well, and how they sign in.
async fn ways(world: &World, mailjob: &Mailjob) -> Vec<(&'static str, String)> {
    let oauth = &world.oauth;
    let public = refreshing(world, mailjob, "public", &user("public")).await;
    let body = person(oauth, mailjob, "body", "mailjob").await;
    let basic = person(oauth, mailjob, "basic", "mailjob-basic").await;
    let basic = client(world, "mailjob-basic", &basic).replace("scopes =", "client_auth = \"basic\", scopes =");
    mailjob.secret("app", APP_SECRET).unwrap();
    let app = client(
        world,
        &format!("app.{}", user("app")),
        "client_secret = { file = \"secrets/app\" }",
    );
    let found = oauth.refresh_token(&user("found"), "mailjob-public").await.unwrap();
    mailjob.secret("found", &found).unwrap();
    let found = format!(
        "client_id = \"mailjob-public\"\nrefresh_token = {{ file = \"secrets/found\" }}\n\
         oauth = {{ issuer = \"{}\", scopes = [\"mail\"] }}",
        oauth.issuer()
    );
    for name in ["kept", "printed"] {
        mailjob
            .secret(name, &oauth.access_token(&user(name)).await.unwrap())
            .unwrap();
    }
    let printed = mailjob.dir().join("secrets/printed");
    mailjob.secret("password", PASSWORD).unwrap();
    vec![
        ("public", public),
        ("body", client(world, "mailjob", &body)),
        ("basic", basic),
        ("app", app),
        ("certificate", certified(world, mailjob).await),
        ("service", service_account(world, mailjob).await),
        ("found", found),
        ("kept", "token = { file = \"secrets/kept\" }".to_owned()),
        (
            "printed",
            format!("token = {{ command = [\"/bin/cat\", \"{}\"] }}", printed.display()),
        ),
        ("password", "password = { file = \"secrets/password\" }".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_sign_in_reads_a_mail_and_sends_its_reply() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
    let mut mailjob = program(&world);
    let ways = ways(&world, &mailjob).await;
    let before = world.oauth.requests("refresh_token").await.unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/hook")
    );
    for (number, (name, sign_in)) in ways.iter().enumerate() {
        mailjob
            .account_as(name, &account(&world, &user(name), sign_in))
            .unwrap();
        let mailbox = format!("[mailbox]\naccount = \"{name}\"\n{webhook}{REPLY}");
        let text = if number % 2 == 0 {
            mailbox
        } else {
            endpoint(name, REPLY)
        };
        mailjob.endpoint(name, &text).unwrap();
        world.dovecot.deliver(&user(name), &letter(number)).await.unwrap();
    }
    mailjob.start().unwrap();
    for (name, _) in &ways {
        processed(&world, &mailjob, &user(name), 1).await;
    }
    answered(&world, &mailjob, ways.len()).await;
    assert_eq!(receiver.requests().len(), ways.len().div_ceil(2));
    // IMAP and SMTP of an account share one token.
    let refreshed = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!((refreshed.0 - before.0, refreshed.1), (4, 0), "{}", mailjob.log());
    let applications = world.oauth.requests("client_credentials").await.unwrap();
    assert_eq!(applications, (2, 0), "{}", mailjob.log());
    assert_eq!(world.oauth.requests(JWT_BEARER).await.unwrap(), (1, 0));
    assert!(!mailjob.log().contains("WARN"), "{}", mailjob.log());
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_federated_token_is_read_at_each_use() {
    let world = World::start(Options::default()).await.unwrap();
    let (id, ada) = ("11111111-2222-3333-4444-555555555555", user("ada"));
    let federation = world
        .oauth
        .register_federation(id, &ada, "mail", "mailjob")
        .await
        .unwrap();
    let mut mailjob = program(&world);
    let token = async |life| world.oauth.federated_token(&federation, life).await.unwrap();
    mailjob.secret("federated", &token(-1).await).unwrap();
    let sign_in = client(&world, id, "federated_token = \"secrets/federated\"");
    mailjob.account_as("ada", &account(&world, &ada, &sign_in)).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    world.dovecot.deliver(&ada, &letter(1)).await.unwrap();
    mailjob.start().unwrap();
    said(&mailjob, "the account can't sign in until somebody acts", 1).await;
    let why = needs_person(&mailjob, "ada").await;
    assert!(why.contains("federated token"), "{why}");
    assert_eq!(world.oauth.requests("client_credentials").await.unwrap(), (0, 1));

    // As the kubelet does it, without a word to the program.
    mailjob.secret("federated", &token(600).await).unwrap();
    let rewritten = Instant::now();
    processed(&world, &mailjob, &ada, 1).await;
    assert!(rewritten.elapsed() < PATIENCE, "{:?}", rewritten.elapsed());
    answered(&world, &mailjob, 1).await;
    assert_eq!(refused(&mailjob, "ada").await, None);
    assert_eq!(world.oauth.requests("client_credentials").await.unwrap(), (1, 1));

    // The access token is revoked, and the next one is asked for with what lies in the file now.
    mailjob.secret("federated", &token(-1).await).unwrap();
    world.oauth.revoke(&ada).await.unwrap();
    world.dovecot.kick(&ada).await.unwrap();
    said(&mailjob, "the account can't sign in until somebody acts", 2).await;
    mailjob.secret("federated", &token(600).await).unwrap();
    world.dovecot.deliver(&ada, &letter(2)).await.unwrap();
    processed(&world, &mailjob, &ada, 2).await;
    assert_eq!(world.oauth.requests("client_credentials").await.unwrap(), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sign_in_opens_shared_mailboxes_and_an_endpoint_may_have_its_own() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    let (ada, bob, shared) = (user("ada"), user("bob"), "shared.orders@example.test");
    let sign_in = refreshing(&world, &mailjob, "ada", &ada).await;
    mailjob.account_as("ada", &account(&world, &ada, &sign_in)).unwrap();
    mailjob.secret("bob", PASSWORD).unwrap();
    let mailboxes = [
        ("own", String::new()),
        ("shared", format!("user = \"{shared}\"\n")),
        (
            "bob",
            format!("user = \"{bob}\"\nauth = {{ password = {{ file = \"../secrets/bob\" }} }}\n"),
        ),
    ];
    for (name, lines) in &mailboxes {
        let text = endpoint("ada", REPLY).replace("account = \"ada\"\n", &format!("account = \"ada\"\n{lines}"));
        mailjob.endpoint(name, &text).unwrap();
    }
    let users = [ada.as_str(), shared, &bob];
    for (number, user) in users.into_iter().enumerate() {
        world.dovecot.deliver(user, &letter(number)).await.unwrap();
    }
    mailjob.start().unwrap();
    for user in users {
        processed(&world, &mailjob, user, 1).await;
    }
    answered(&world, &mailjob, 3).await;
    assert_eq!(
        world.oauth.requests("refresh_token").await.unwrap(),
        (1, 0),
        "one token for IMAP and SMTP of two mailboxes"
    );
    let mut from: Vec<_> = replies_from(&world).await;
    from.sort();
    assert_eq!(from, [&ada, &bob, shared], "each replies as itself");
    let log = world.dovecot.log();
    let how = |user: &str| {
        let login = log.lines().find(|line| line.contains(&format!("Login: user=<{user}>")));
        login
            .unwrap_or_else(|| panic!("{user} did not sign in:\n{log}"))
            .contains("method=XOAUTH2")
    };
    assert_eq!(users.map(how), [true, true, false], "{log}");
}

/// The senders of the replies.
async fn replies_from(world: &World) -> Vec<String> {
    let replies = world.dovecot.mailbox(SENDER, "INBOX").await.unwrap();
    let from = |reply: &Vec<u8>| {
        let text = String::from_utf8_lossy(reply).into_owned();
        let line = text.lines().find(|line| line.starts_with("From: ")).unwrap().to_owned();
        line.trim_start_matches("From: ").trim_matches(['<', '>']).to_owned()
    };
    replies.iter().map(from).collect()
}
