//! A person approves by answering a mail, through Postfix and Dovecot.

use std::{fs, time::Duration};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};
use serde_json::{Value, json};

use crate::{
    letters::letter,
    program::{PATIENCE, program, said},
    raw::{Lines, xoauth2},
};

const BOSS: &str = "boss@example.test";
const ASKING: &str = "desk@example.test";
const ANSWERED: &str = "answers@example.test";

/// A world in which requests are put to the boss, whose answers become jobs of another endpoint.
struct Office {
    world: World,
    mailjob: Mailjob,
    /// What happens to requests, and to answers.
    asked: Receiver,
    decided: Receiver,
}

/// The letter that the boss got.
struct Asked {
    message_id: String,
    reply_to: String,
    job: String,
}

impl Office {
    async fn open(decide: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let world = World::start(Options::default()).await.unwrap();
        let ask = json!({ "reply": { "text": "Please approve: yes or no?" }, "data": { "order": 7 } });
        let asked = Receiver::start(move |_| Answer::json(&ask)).await.unwrap();
        let decided = Receiver::start(move |request| decide(request.number)).await.unwrap();
        let mut mailjob = program(&world);
        for (name, user) in [("desk", ASKING), ("answers", ANSWERED)] {
            mailjob
                .account(&world, name, user, SignIn::Password, Start::Implicit)
                .await
                .unwrap();
        }
        let hook = |receiver: &Receiver| {
            let url = receiver.url("/hook");
            format!("[webhook]\nurl = \"{url}\"\nallow_private_network = true\n")
        };
        let asking = format!(
            "[mailbox]\naccount = \"desk\"\n{}[reply]\nto = \"{BOSS}\"\n[conversation]\nproof = \"none\"\nendpoint = \"answers\"\n",
            hook(&asked)
        );
        let deciding = format!(
            "[mailbox]\naccount = \"answers\"\n[when]\nanswers_to = \"desk\"\n{}",
            hook(&decided)
        );
        mailjob.endpoint("desk", &asking).unwrap();
        mailjob.endpoint("answers", &deciding).unwrap();
        mailjob.start().unwrap();
        mailjob.ready().await.unwrap();
        Self {
            world,
            mailjob,
            asked,
            decided,
        }
    }

    /// Has the boss asked for the `number`-th time, from 1.
    async fn ask(&self, number: usize) -> Asked {
        self.world.dovecot.deliver(ASKING, &letter(number)).await.unwrap();
        let arrived = self.world.dovecot.wait_for(BOSS, "INBOX", number, PATIENCE).await;
        arrived.unwrap_or_else(|error| panic!("{error}\n{}", self.mailjob.log()));
        let letters = self.world.dovecot.mailbox(BOSS, "INBOX").await.unwrap();
        let text = String::from_utf8(letters.last().unwrap().clone()).unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{text}"))
                .trim_matches([' ', '<', '>'])
                .to_owned()
        };
        let asked = self.asked.requests();
        Asked {
            message_id: field("Message-ID:"),
            reply_to: field("Reply-To:"),
            job: asked.last().unwrap().json()["job"].as_str().unwrap().to_owned(),
        }
    }

    /// Somebody sends a mail by way of Postfix.
    async fn send(&self, from: &str, to: &str, fields: &str) {
        let token = self.world.oauth.access_token(from).await.unwrap();
        let mut smtp = Lines::tls(self.world.postfix.submissions, &self.world.tls.ca).await;
        smtp.until(&["220 "]).await;
        smtp.ask("EHLO test", &["250 "]).await;
        smtp.ask(&format!("AUTH XOAUTH2 {}", xoauth2(from, &token)), &["235"])
            .await;
        smtp.ask(&format!("MAIL FROM:<{from}>"), &["250"]).await;
        smtp.ask(&format!("RCPT TO:<{to}>"), &["250"]).await;
        smtp.ask("DATA", &["354"]).await;
        let id = fastrand::u64(..);
        let mail = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: Re: Letter\r\nMessage-ID: <{id}@example.test>\r\n\
             Date: Sun, 22 Nov 2026 11:00:00 +0000\r\n{fields}\r\nyes\r\n\r\n\
             On 22 Nov 2026, desk@example.test wrote:\r\n> Please approve: yes or no?\r\n."
        );
        smtp.ask(&mail, &["250"]).await;
    }

    async fn decided(&self, count: usize) -> Value {
        let waited = self.decided.wait_for(count, PATIENCE).await;
        let requests = waited.unwrap_or_else(|error| panic!("{error}\n{}", self.mailjob.log()));
        requests[count - 1].json()["conversation"].clone()
    }

    async fn said(&self, words: &str, count: usize) {
        said(&self.mailjob, words, count).await;
    }
}

fn in_reply_to(asked: &Asked) -> String {
    format!("In-Reply-To: <{}>\r\n", asked.message_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_by_answering_a_mail() {
    let office = Office::open(|_| Answer::status(204)).await;
    let asked = office.ask(1).await;
    let (local, domain) = asked.reply_to.split_once('@').unwrap();
    let token = local.strip_prefix("answers+").unwrap();
    assert_eq!((token.len(), domain), (26, "example.test"));
    assert_eq!(asked.message_id, format!("{token}.reply@example.test"));

    // Neither who only has the token, nor a machine, nor a guess.
    office
        .send("stranger@example.test", &asked.reply_to, &in_reply_to(&asked))
        .await;
    office.said("its sender may not answer that reply", 1).await;
    office
        .send(BOSS, &asked.reply_to, "Auto-Submitted: auto-replied\r\n")
        .await;
    office.said("it is an automatic answer", 1).await;
    office
        .send(BOSS, ANSWERED, &in_reply_to(&asked).replace(token, &"a".repeat(26)))
        .await;
    office.said("is not known", 1).await;
    office.send(BOSS, ANSWERED, "").await;
    office.said("it names no reply of ours", 1).await;

    // By the address alone, then once more.
    office.send(BOSS, &asked.reply_to, "").await;
    let told = office.decided(1).await;
    assert_eq!(
        told,
        json!({
            "job": asked.job, "endpoint": "desk", "data": { "order": 7 }, "reply": "yes",
            "answered": { "from": "sender@example.test", "subject": "Letter 1", "message_id": "letter-1@example.test" },
        })
    );
    office.send(BOSS, &asked.reply_to, &in_reply_to(&asked)).await;
    office.said("has been answered", 1).await;

    // Another request, by In-Reply-To alone.
    let asked = office.ask(2).await;
    office.send(BOSS, ANSWERED, &in_reply_to(&asked)).await;
    assert_eq!(office.decided(2).await["job"], json!(asked.job));
    assert_eq!(office.decided.requests().len(), 2);
    // Whoever is refused hears nothing of it.
    let stranger = office.world.dovecot.count("stranger@example.test", "INBOX").await;
    assert_eq!(stranger.unwrap(), 0);

    let path = office.world.dir().join("letter.eml");
    fs::write(&path, letter(3)).unwrap();
    let path = path.display().to_string();
    let shown = office
        .mailjob
        .command(&["rehearse", "desk", &path])
        .output()
        .await
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("by boss@example.test, once, until") && shown.contains("become jobs of answers"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_survives_a_kill_and_no_other_takes_its_place() {
    let mut office = Office::open(|number| match number {
        0 => Answer::status(204).after(Duration::from_secs(60)),
        _ => Answer::status(204),
    })
    .await;
    let asked = office.ask(1).await;
    office.send(BOSS, &asked.reply_to, &in_reply_to(&asked)).await;
    assert_eq!(office.decided(1).await["job"], json!(asked.job));
    office.mailjob.kill9().unwrap();
    office.send(BOSS, &asked.reply_to, &in_reply_to(&asked)).await;
    office.mailjob.start().unwrap();
    assert_eq!(office.decided(2).await["job"], json!(asked.job));
    office.said("has been answered", 1).await;
    let requests = office.decided.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    assert_eq!(requests[1].header("x-mailjob-attempt"), "2");
}
