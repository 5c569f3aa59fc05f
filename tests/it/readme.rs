//! What the README's first pages show, done as they say: its files are written, its commands run, a mail comes, its answer is read.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};

use crate::program::{PATIENCE, SENDER, account, program};

const README: &str = include_str!("../../README.md");
const USER: &str = "orders@example.test";

/// The block of this language that has these words.
fn block(language: &str, words: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = README.split(&*fence).skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let found = blocks.find(|block| block.contains(words));
    found
        .unwrap_or_else(|| panic!("no {language} with {words:?}"))
        .to_owned()
}

/// The account as the README has it, at servers that are here.
fn office(world: &World, mailjob: &mut Mailjob) {
    let shown = block("toml", "# mailjob.toml");
    for key in ["user ", "password ", "imap ", "smtp "] {
        assert!(shown.contains(&format!("\n{key}")), "{shown}");
    }
    fs::write(mailjob.dir().join("password"), PASSWORD).unwrap();
    fs::set_permissions(mailjob.dir().join("password"), fs::Permissions::from_mode(0o600)).unwrap();
    let lines = account(world, USER, "password = { file = \"password\" }");
    mailjob.account_as("office", &lines).unwrap();
}

async fn answer(world: &World, mailjob: &Mailjob, count: usize) -> String {
    let waited = world.dovecot.wait_for(SENDER, "INBOX", count, PATIENCE).await;
    waited.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    let mails = world.dovecot.mailbox(SENDER, "INBOX").await.unwrap();
    let all: Vec<_> = mails.iter().map(|mail| String::from_utf8_lossy(mail)).collect();
    all.join("\n").replace("=\r\n", "")
}

fn invoice() -> Vec<u8> {
    format!(
        "From: Ann <{SENDER}>\r\nTo: {USER}\r\nSubject: Invoice 4711\r\nMessage-ID: <4711@example.test>\r\n\
         Date: Mon, 30 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain\r\n\r\nHere it is.\r\n\
         --x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=4711.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--x--\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_script_answers_as_the_readme_says() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    office(&world, &mut mailjob);
    let script = mailjob.dir().join("endpoints.d/count.sh");
    fs::write(&script, block("sh", "# endpoints.d/count.sh")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    mailjob
        .endpoint("count", &block("toml", "# endpoints.d/count.toml"))
        .unwrap();
    let doctor = mailjob.command(&["doctor"]).output().await.unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    world.dovecot.deliver(USER, &invoice()).await.unwrap();
    let answer = answer(&world, &mailjob, 1).await;
    for words in [
        "Subject: Re: Invoice 4711",
        "Thank you. Your mail has",
        "4711.pdf",
        "list.txt",
    ] {
        assert!(answer.contains(words), "{words}: {answer}");
    }
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_webhook_is_verified_by_the_readme_s_receiver() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    office(&world, &mut mailjob);
    // As the comment beside `secret` says.
    let endpoint = block("toml", "# endpoints.d/invoices.toml");
    let key = endpoint.split_once("# printf").unwrap().1.lines().next().unwrap();
    let made = Command::new("sh")
        .args(["-c", &format!("printf{key}")])
        .current_dir(mailjob.dir())
        .status();
    assert!(made.unwrap().success());
    let port = world.port().to_string();
    let receiver = block("python", "BaseHTTPRequestHandler").replace("8000", &port);
    fs::write(mailjob.dir().join("receiver.py"), receiver).unwrap();
    let mut python = Command::new("python3");
    let python = python
        .arg("receiver.py")
        .current_dir(mailjob.dir())
        .stderr(Stdio::null());
    let mut python = Ended(python.spawn().unwrap());
    mailjob.endpoint("invoices", &endpoint.replace("8000", &port)).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    mailjob.wait_log("connected", PATIENCE).await.unwrap();
    world.dovecot.deliver(USER, &invoice()).await.unwrap();
    let answer = answer(&world, &mailjob, 1).await;
    assert!(answer.contains("Booked: Invoice 4711"), "{answer}");
    assert!(python.0.try_wait().unwrap().is_none());
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// Ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
