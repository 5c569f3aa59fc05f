//! Every kind of secret, through success and failure; and none of them anywhere but where it belongs.

use std::{collections::BTreeMap, fs, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailjob_testbed::{
    APP_SECRET, Answer, Mailjob, Options, PASSWORD, Receiver, TokenAnswer, World,
    standin::{Standin, echo},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::{
    letters::letter,
    program::{
        PATIENCE, REPLY, SENDER, account, answered, client, login, needs_person, processed, program, refreshing, said,
    },
};

const CERTIFIED: &str = "11111111-2222-3333-4444-555555555555";
const VOUCHED: &str = "66666666-7777-8888-9999-000000000000";
const WEBHOOK: &str = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5";
/// Of the webhooks' URLs.
const QUERY: &str = "canary-of-the-query-of-a-url";
/// A password that opens nothing, with characters that a URL and a form write otherwise.
const WRONG: &str = "wrong/pass+word=of&a?canary>>>";

fn user(name: &str) -> String {
    format!("{name}@example.test")
}

/// Accounts that sign in in every way, those that fail too; by name.
async fn accounts(world: &World, mailjob: &Mailjob) -> BTreeMap<&'static str, String> {
    let oauth = &world.oauth;
    let secret = |name: &str, value: &str| mailjob.secret(name, value).unwrap();
    secret("app", APP_SECRET);
    secret("password", PASSWORD);
    secret("wrong", WRONG);
    secret("kept", &oauth.access_token(&user("kept")).await.unwrap());
    let certificate = oauth
        .register_certificate(CERTIFIED, &user("certificate"))
        .await
        .unwrap();
    secret("client.key", &certificate.key);
    fs::write(mailjob.dir().join("client.pem"), &certificate.certificate).unwrap();
    let federation = oauth
        .register_federation(VOUCHED, &user("federated"), "mail", "mailjob")
        .await
        .unwrap();
    secret("federated", &oauth.federated_token(&federation, 600).await.unwrap());
    secret("expired", &oauth.federated_token(&federation, -1).await.unwrap());
    let robot = "robot@testbed.iam.example.test";
    let robot = oauth.register_service_account(robot, "example.test").await.unwrap();
    let file = world.dir().join("service-account.json");
    robot.write(&file).unwrap();
    secret("service", &fs::read_to_string(file).unwrap());
    let service = format!(
        "service_account = {{ file = \"secrets/service\" }}\n\
         oauth = {{ token_url = \"{}\", scopes = [\"https://mail.google.com/\"] }}",
        oauth.token_url()
    );
    BTreeMap::from([
        ("person", refreshing(world, mailjob, "person", &user("person")).await),
        ("ended", refreshing(world, mailjob, "ended", &user("ended")).await),
        (
            "app",
            client(
                world,
                "app.app@example.test",
                "client_secret = { file = \"secrets/app\" }",
            ),
        ),
        (
            "certificate",
            client(
                world,
                CERTIFIED,
                "certificate = \"client.pem\"\ncertificate_key = { file = \"secrets/client.key\" }",
            ),
        ),
        (
            "federated",
            client(world, VOUCHED, "federated_token = \"secrets/federated\""),
        ),
        (
            "expired",
            client(world, VOUCHED, "federated_token = \"secrets/expired\""),
        ),
        ("service", service),
        ("kept", "token = { file = \"secrets/kept\" }".to_owned()),
        ("password", "password = { file = \"secrets/password\" }".to_owned()),
        ("wrong", "password = { file = \"secrets/wrong\" }".to_owned()),
    ])
}

/// A mailbox whose server quotes the password that it refuses, and one that is read and whose replies go by such a server.
async fn quoted(world: &World, mailjob: &mut Mailjob, webhook: &str) -> [Standin; 2] {
    let (imap, smtp) = (
        echo::imap(&world.tls).await.unwrap(),
        echo::smtp(&world.tls).await.unwrap(),
    );
    mailjob.secret("quoted", "canary+of/a=password that is quoted").unwrap();
    let account = |imap: u16, secret: &str| {
        format!(
            "user = \"{}\"\nca_file = \"{}\"\npassword = {{ file = \"secrets/{secret}\" }}\n\
             imap = {{ host = \"localhost\", port = {imap} }}\n",
            user("quoted"),
            world.tls.ca.display(),
        )
    };
    let sending = format!(
        "smtp = {{ host = \"localhost\", port = {}, tls = \"implicit\" }}\n",
        smtp.port
    );
    mailjob.account_as("quoted", &account(imap.port, "quoted")).unwrap();
    mailjob
        .account_as("sending", &format!("{}{sending}", account(imap.port, "quoted")))
        .unwrap();
    mailjob
        .account_as("reading", &account(world.dovecot.imaps, "password"))
        .unwrap();
    let endpoint = |name: &str, more: &str| {
        let text = format!("[mailbox]\naccount = \"{name}\"\n{webhook}{more}");
        mailjob.endpoint(name, &text).unwrap();
    };
    endpoint("quoted", "");
    endpoint("reading", &format!("{REPLY}account = \"sending\"\n"));
    world.dovecot.deliver(&user("quoted"), &letter(1)).await.unwrap();
    [imap, smtp]
}

/// An installation at work, with a signed webhook that fails for one of its mailboxes.
async fn at_work(world: &World, receiver: &Receiver) -> (Mailjob, [Standin; 2], usize) {
    let mut mailjob = program(world);
    mailjob.env("MAILJOB_LOG", "trace");
    let accounts = accounts(world, &mailjob).await;
    mailjob.secret("hook", WEBHOOK).unwrap();
    mailjob.secret("header", "Bearer canary-of-a-webhook-header").unwrap();
    mailjob.secret("query", QUERY).unwrap();
    mailjob.secret("variable", "canary-of-a-variable-of-a-command").unwrap();
    // It prints its environment, which is its reply too.
    let printing = "[command]\nargv = [\"/bin/sh\", \"-c\", \"env; env >&2\"]\n\
                    env = { TOKEN = { file = \"../secrets/variable\" } }\n";
    for (name, sign_in) in &accounts {
        mailjob.account_as(name, &account(world, &user(name), sign_in)).unwrap();
        let webhook = format!(
            "[webhook]\nurl = \"{}\"\nallow_private_network = true\nsecret = {{ file = \"../secrets/hook\" }}\n\
             [webhook.headers]\nAuthorization = {{ file = \"../secrets/header\" }}\n[retry]\nwaits = []\n",
            receiver.url(&format!("/{name}?key={QUERY}"))
        );
        let action = if *name == "kept" { printing } else { webhook.as_str() };
        mailjob
            .endpoint(name, &format!("[mailbox]\naccount = \"{name}\"\n{action}{REPLY}"))
            .unwrap();
        world.dovecot.deliver(&user(name), &letter(1)).await.unwrap();
    }
    let hook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/reading")
    );
    let quoting = quoted(world, &mut mailjob, &hook).await;
    world.oauth.revoke(&user("ended")).await.unwrap();
    (mailjob, quoting, accounts.len())
}

async fn page(mailjob: &Mailjob, path: &str) -> String {
    let answer = crate::program::page(mailjob, path, PATIENCE).await.unwrap();
    format!("{:?}\n{}", answer.headers().clone(), answer.text().await.unwrap())
}

/// What there is to look at, each with its name.
async fn outside(world: &World, mailjob: &Mailjob) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for path in [
        "/livez",
        "/readyz",
        "/metrics",
        "/status",
        "/api/v1/endpoints/password/settings",
    ] {
        texts.push((path.to_owned(), page(mailjob, path).await));
    }
    let listed = mailjob.command(&["jobs", "list", "--json"]).output().await.unwrap();
    let jobs: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let jobs = jobs["jobs"].as_array().unwrap().iter();
    let jobs: Vec<_> = jobs.map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    assert!(!jobs.is_empty());
    let stories = jobs.iter().map(|job| vec!["jobs", "show", job, "--json"]);
    let commands = [
        vec!["check"],
        vec!["auth", "login", "app"],
        vec!["auth", "login", "expired"],
        vec!["jobs", "list", "--json"],
        vec!["show", "password"],
        vec!["show"],
        vec!["status", "--json"],
        vec!["replies", "list", "--json"],
        vec!["doctor", "quoted"],
    ];
    for arguments in commands.into_iter().chain(stories) {
        let printed = mailjob.command(&arguments).output().await.unwrap();
        let text = [printed.stdout, printed.stderr].concat();
        texts.push((arguments.join(" "), String::from_utf8_lossy(&text).into_owned()));
    }
    for (number, reply) in world
        .dovecot
        .mailbox(SENDER, "INBOX")
        .await
        .unwrap()
        .into_iter()
        .enumerate()
    {
        texts.push((format!("reply {number}"), String::from_utf8_lossy(&reply).into_owned()));
    }
    texts
}

/// The files beside the ledger, but for the key, which is a secret itself.
fn ledger_files(mailjob: &Mailjob) -> Vec<(String, String)> {
    let files = fs::read_dir(mailjob.dir()).unwrap().map(Result::unwrap);
    let files = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let files = files.filter(|(name, _)| name.starts_with("mailjob.") && name.contains(".db"));
    files
        .map(|(name, path)| (name, String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_anywhere_but_where_it_belongs() {
    let world = World::start(Options::default()).await.unwrap();
    // Each says all that it was told: in a refusal, in a text, in JSON with files, and in base64.
    let receiver = Receiver::start(|request| {
        let told = format!("{} {:?}", request.path, request.headers);
        let packed = STANDARD.encode(&told);
        match request.path.split('?').next().unwrap_or_default() {
            "/password" => Answer::status(400).header("content-type", "text/plain").body(told),
            "/person" => Answer::text(packed),
            // What it was never told, and knows all the same.
            "/federated" => Answer::text(format!(
                "{PASSWORD}, {APP_SECRET}, {WRONG}, {}",
                STANDARD.encode(PASSWORD)
            )),
            "/app" => {
                let content = STANDARD.encode(format!("{told} {packed} {PASSWORD}"));
                let file = json!({ "name": format!("{told}.txt"), "content": content });
                let said = json!({ "reply": { "text": told, "files": [file] }, "data": { "headers": [told, packed] } });
                Answer::status(200)
                    .header("content-type", "application/json")
                    .body(said.to_string())
            }
            _ => Answer::text(told),
        }
    })
    .await
    .unwrap();
    let (mut mailjob, quoting, accounts) = at_work(&world, &receiver).await;
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let key = fs::read_to_string(mailjob.dir().join("mailjob.key")).unwrap();
    mailjob.secret("key", &key).unwrap();
    mailjob.secret("own", &mailjob.token()).unwrap();
    for name in ["ended", "expired"] {
        needs_person(&mailjob, name).await;
    }
    for name in ["person", "app", "certificate", "federated", "service", "kept"] {
        processed(&world, &mailjob, &user(name), 1).await;
    }
    let failed = world.dovecot.wait_for(&user("password"), "Failed", 1, PATIENCE).await;
    failed.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    said(&mailjob, "the mailbox can't be watched", 4).await;
    answered(&world, &mailjob, accounts - 3).await;
    said(&mailjob, "this is refused", 2).await;
    for server in &quoting {
        assert!(!server.said().is_empty());
    }

    // A server that answers with tokens where nobody can use them.
    let lost = "canary-of-a-token-that-is-no-answer";
    mailjob.secret("lost", lost).unwrap();
    let odd = format!("{{\"access_token\":7,\"refresh_token\":\"{lost}\",\"error_description\":\"{lost}\"}}");
    let pages = [
        TokenAnswer::text(200, "application/json", &odd),
        TokenAnswer::text(400, "application/json", &odd),
        TokenAnswer::text(500, "text/html", lost),
    ];
    world.oauth.script(&pages).await.unwrap();
    let other = login(&mailjob, "person").await;
    while world.oauth.scripted().await.unwrap() > 0 {
        let error = other.credential().await.unwrap_err();
        assert!(mailjob.leaks(&format!("{error} {error:?}")).is_empty(), "{error:?}");
        other
            .pause(Duration::from_millis(100), mailjob::auth::AuthVerdict::SlowDown)
            .await;
    }

    let mut texts = outside(&world, &mailjob).await;
    // While it runs, and as a crash leaves them.
    texts.extend(ledger_files(&mailjob));
    mailjob.kill9().unwrap();
    let left = ledger_files(&mailjob);
    assert!(
        left.iter()
            .any(|(name, text)| name == "mailjob.db-wal" && !text.is_empty())
    );
    texts.extend(left);
    texts.push(("the log".to_owned(), mailjob.log()));
    assert!(texts.len() > 3 + 3 + accounts - 3 + 4);
    for (place, text) in texts {
        let leaked = mailjob.leaks(&text);
        assert!(leaked.is_empty(), "{place} holds secrets: {leaked:?}");
    }
    assert!(mailjob.log().contains("TRACE"), "the log says all that it can");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_leaves_no_core() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    // Whoever starts it may allow them.
    let before = getrlimit(Resource::Core);
    let allowed = Rlimit {
        current: before.maximum,
        ..before
    };
    setrlimit(Resource::Core, allowed).unwrap();
    mailjob.start().unwrap();
    setrlimit(Resource::Core, before).unwrap();
    mailjob.ready().await.unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", mailjob.pid().unwrap())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let soft = core.split_whitespace().nth(4);
    assert_eq!(soft, Some("0"), "{core}");
    assert_eq!(mailjob.term().unwrap(), 0);
}
