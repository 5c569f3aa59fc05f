//! What only a person can mend is told to the operator by mail, once, through a real Postfix.

use std::{fs, process::Command, time::Duration};

use chrono::{Days, Utc};
use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
const OPERATOR: &str = "operator@example.test";
const BOB: &str = "bob@example.test";

/// Ada's client has a secret that ends in six days, Bob is a person, and the operator is told by an account of its own.
async fn installation(world: &World) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let operator = format!("\n[operator]\nto = \"{OPERATOR}\"\naccount = \"ops\"\nevery = \"1s\"\ndigest = \"0s\"");
    mailjob.service(&operator).unwrap();
    for (name, sign_in) in [
        ("ada", SignIn::Application),
        ("bob", SignIn::RefreshToken),
        ("ops", SignIn::Password),
    ] {
        let user = format!("{name}@example.test");
        mailjob
            .account(world, name, &user, sign_in, Start::Implicit)
            .await
            .unwrap();
    }
    for name in ["ada", "bob"] {
        let endpoint = format!("[mailbox]\naccount = \"{name}\"\n[command]\nargv = [\"true\"]\n");
        mailjob.endpoint(name, &endpoint).unwrap();
    }
    let file = mailjob.dir().join("mailjob.toml");
    let config = fs::read_to_string(&file).unwrap();
    let end = Utc::now().date_naive() + Days::new(6);
    let declared = config.replace(
        "[accounts.ada]\n",
        &format!("[accounts.ada]\nclient_secret_expires = {end}\n"),
    );
    fs::write(&file, declared).unwrap();
    mailjob
}

/// Subjects and texts of what the operator has, when it is so many mails.
async fn told(world: &World, mailjob: &Mailjob, count: usize) -> Vec<String> {
    let wait = world.dovecot.wait_for(OPERATOR, "INBOX", count, PATIENCE).await;
    wait.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    let mails = world.dovecot.mailbox(OPERATOR, "INBOX").await.unwrap();
    assert_eq!(mails.len(), count, "{}", mailjob.log());
    // As people see it: without the soft line breaks of quoted-printable (RFC 2045 section 6.7).
    let text = |mail: Vec<u8>| String::from_utf8(mail).unwrap().replace("=\r\n", "");
    mails.into_iter().map(text).collect()
}

async fn metrics(mailjob: &Mailjob) -> String {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let page = http.get(mailjob.health_url("/metrics"));
    let asked = page.header("accept", "application/openmetrics-text; version=1.0.0");
    let answer = asked.send().await.unwrap();
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.text().await.unwrap()
}

/// `mailjob auth status`: its exit code and what it prints.
fn status(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    let dir = mailjob.dir();
    let output = Command::new(env!("CARGO_BIN_EXE_mailjob"))
        .args(["auth", "status"])
        .args(arguments)
        .args(["--endpoints".as_ref(), dir.join("endpoints.d").as_os_str()])
        .args(["--config".as_ref(), dir.join("mailjob.toml").as_os_str()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_told_once_and_again_when_it_works() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();

    // The one of seven days: neither that of thirty nor that of fourteen.
    let mails = told(&world, &mailjob, 1).await;
    let first = &mails[0];
    assert!(
        first.contains("Subject: [mailjob] the client secret of ada ends in 6 days\r\n"),
        "{first}"
    );
    assert!(first.contains("Auto-Submitted: auto-generated\r\n") && first.contains("From: <ops@example.test>\r\n"));

    // Bob's sign-in ends, and that is noted.
    world.oauth.revoke(BOB).await.unwrap();
    world.dovecot.kick(BOB).await.unwrap();
    let mails = told(&world, &mailjob, 2).await;
    let second = &mails[1];
    assert!(
        second.contains("Subject: [mailjob] bob needs a sign-in\r\n"),
        "{second}"
    );
    assert!(
        second.contains("  mailjob auth login bob\r\n") && second.contains("invalid_grant"),
        "{second}"
    );
    let text = metrics(&mailjob).await;
    for line in [
        "mailjob_sign_in_state{account=\"bob\",state=\"needs_sign_in\"} 1\n",
        "mailjob_sign_in_state{account=\"ada\",state=\"not_needed\"} 1\n",
        "mailjob_client_secret_expires_timestamp_seconds{account=\"ada\"} ",
        "mailjob_notices_sent_total 2\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let (code, text) = status(&mailjob, &["bob"]);
    assert!(code == 1 && text.contains("mailjob auth login bob"), "{code} {text}");
    let (code, text) = status(&mailjob, &["ops", "--json"]);
    assert!(code == 0 && text.contains("\"state\": \"not_needed\""), "{code} {text}");
    assert_eq!(status(&mailjob, &["eve"]).0, 78);

    mailjob.kill9().unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();

    // A person signs in. What was told before the restart isn't told again.
    let anew = world.oauth.refresh_token(BOB, "mailjob").await.unwrap();
    mailjob.secret("bob-refresh-token", &anew).unwrap();
    let mails = told(&world, &mailjob, 3).await;
    let third = &mails[2];
    assert!(third.contains("Subject: [mailjob] bob works again\r\n"), "{third}");
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// A reply account whose password is refused is a person's business at once: the operator hears of it by another account that works, and
/// `auth status` says what the server said, until it lets us in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_of_a_reply_account_is_told() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let operator = format!("\n[operator]\nto = \"{OPERATOR}\"\naccount = \"ops\"\nevery = \"1s\"\ndigest = \"0s\"");
    mailjob.service(&operator).unwrap();
    for name in ["ada", "bob", "ops"] {
        let user = format!("{name}@example.test");
        mailjob
            .account(&world, name, &user, SignIn::Password, Start::Implicit)
            .await
            .unwrap();
    }
    mailjob.secret("bob", "another-than-his").unwrap();
    let endpoint = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"true\"]\n[reply]\naccount = \"bob\"\n";
    mailjob.endpoint("ada", endpoint).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let mail = "From: Ann <ann@example.test>\r\nTo: ada@example.test\r\nSubject: hello\r\nMessage-ID: <1@example.test>\r\n\
                Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nHello.\r\n";
    world
        .dovecot
        .deliver("ada@example.test", mail.as_bytes())
        .await
        .unwrap();

    let mails = told(&world, &mailjob, 1).await;
    let first = &mails[0];
    assert!(
        first.contains("Subject: [mailjob] no reply goes out by the account bob\r\n") && first.contains("535"),
        "{first}"
    );
    let (code, text) = status(&mailjob, &["bob"]);
    assert!(
        code == 1 && text.contains("refused by its mail server since") && text.contains("535"),
        "{code} {text}"
    );
    assert!(
        !text.contains("needs no sign-in") && !text.contains("another-than-his"),
        "{text}"
    );
    assert_eq!(status(&mailjob, &["ada"]).0, 0);

    // A restart forgets nothing of it, and tells nothing twice.
    mailjob.kill9().unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    mailjob.secret("bob", mailjob_testbed::PASSWORD).unwrap();
    let mails = told(&world, &mailjob, 2).await;
    let second = &mails[1];
    assert!(
        second.contains("Subject: [mailjob] replies go out by the account bob again\r\n"),
        "{second}"
    );
    assert_eq!(status(&mailjob, &["bob"]).0, 0);
    assert_eq!(mailjob.term().unwrap(), 0);
}
