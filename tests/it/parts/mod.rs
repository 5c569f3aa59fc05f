//! Jobs of attachments, named inputs, and what goes back: through real servers into the sender's mailbox.

mod inputs;
mod jobs;
mod results;

use std::time::Duration;

use mailjob::{config::Limits, message};
use mailjob_testbed::{Mailjob, SignIn, Start, World, mails::Mail};

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program with endpoints, each with a mailbox of its own name, and answers to senders.
async fn program(world: &World, endpoints: &[(&str, String)]) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    for (name, lines) in endpoints {
        let user = format!("{name}@example.test");
        mailjob
            .account(world, name, &user, SignIn::Password, Start::Implicit)
            .await
            .unwrap();
        let text = format!("[mailbox]\naccount = \"{name}\"\n[reply]\nto = \"sender\"\n{lines}\n");
        mailjob.endpoint(name, &text).unwrap();
    }
    mailjob.start().unwrap();
    mailjob
}

/// Who writes to an endpoint.
fn sender(endpoint: &str) -> String {
    format!("to-{endpoint}@example.test")
}

/// A mail to an endpoint.
fn to(endpoint: &str) -> Mail {
    Mail::new(&sender(endpoint), &format!("{endpoint}@example.test"), "Order INV-42").text("Please do this.")
}

fn with_three(mail: Mail, contents: [&str; 3]) -> Mail {
    let files = contents.iter().zip(["a.txt", "b.txt", "c.txt"]);
    files.fold(mail, |mail, (content, name)| {
        mail.attach(name, "text/plain", content.as_bytes())
    })
}

/// A reply as its reader has it.
#[derive(Debug)]
struct Reply {
    text: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Reply {
    fn names(&self) -> Vec<&str> {
        self.files.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// The replies to an endpoint's sender, as soon as there are so many.
async fn replies(world: &World, mailjob: &Mailjob, endpoint: &str, count: usize) -> Vec<Reply> {
    let user = sender(endpoint);
    let came = world.dovecot.wait_for(&user, "INBOX", count, PATIENCE).await;
    came.unwrap_or_else(|error| panic!("{endpoint}: {error}\n{}", mailjob.log()));
    let mut replies = Vec::new();
    for mail in world.dovecot.mailbox(&user, "INBOX").await.unwrap() {
        let reply = message::read(mail.into(), Limits::default(), |mail| Reply {
            text: mail.text().unwrap_or_default().replace("\r\n", "\n").trim().to_owned(),
            files: mail
                .attachments()
                .iter()
                .map(|file| (file.shown_name().to_owned(), file.data().into_owned()))
                .collect(),
        });
        replies.push(reply.await.unwrap());
    }
    replies.sort_by(|one, other| one.text.cmp(&other.text));
    replies
}

async fn settled(world: &World, mailjob: &Mailjob, endpoint: &str, mailbox: &str) {
    let user = format!("{endpoint}@example.test");
    let moved = world.dovecot.wait_for(&user, mailbox, 1, PATIENCE).await;
    moved.unwrap_or_else(|error| panic!("{endpoint} in {mailbox}: {error}\n{}", mailjob.log()));
}
