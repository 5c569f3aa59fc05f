//! Replies in the operator's words, through Postfix into mailboxes.

use mail_parser::{Message, MessageParser};
use mailjob_testbed::{Mailjob, Options, PASSWORD, World};

use crate::program::{PATIENCE, SENDER, account, processed, program};

/// Does its job, but for mails with `fail` as their subject.
const COMMAND: &str = "[command]\nargv = [\"/bin/sh\", \"-c\", \"grep -q '^Subject: fail' message.eml && exit 1; echo 'All <b>booked</b>.'\"]\n";

/// An endpoint of a mailbox of its own.
fn endpoint(world: &World, mailjob: &mut Mailjob, name: &str, reply: &str) {
    let user = format!("{name}@example.test");
    let lines = account(world, &user, "password = { file = \"secrets/password\" }");
    mailjob.account_as(name, &lines).unwrap();
    let text = format!("[mailbox]\naccount = \"{name}\"\n{COMMAND}[reply]\n{reply}");
    mailjob.endpoint(name, &text).unwrap();
}

async fn send(world: &World, name: &str, subject: &str, more: &str) {
    let user = format!("{name}@example.test");
    let mail = format!(
        "From: Ann <{SENDER}>\r\nTo: {user}\r\nSubject: {subject}\r\n{more}Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\
         Message-ID: <{name}.{}@example.test>\r\n\r\nPlease book it.\r\nAnn\r\n",
        subject.len()
    );
    world.dovecot.deliver(&user, mail.as_bytes()).await.unwrap();
}

/// The mails of a mailbox when there are so many.
async fn mails(world: &World, mailjob: &Mailjob, user: &str, count: usize) -> Vec<String> {
    let waited = world.dovecot.wait_for(user, "INBOX", count, PATIENCE).await;
    waited.unwrap_or_else(|error| panic!("{user}: {error}\n{}", mailjob.log()));
    let mails = world.dovecot.mailbox(user, "INBOX").await.unwrap();
    mails
        .into_iter()
        .map(|mail| String::from_utf8(mail.to_vec()).unwrap())
        .collect()
}

fn read(mail: &str) -> Message<'_> {
    MessageParser::default().parse(mail.as_bytes()).unwrap()
}

fn named<'a>(mails: &'a [String], subject: &str) -> &'a str {
    let found = mails
        .iter()
        .find(|mail| read(mail).subject().unwrap().contains(subject));
    found.unwrap_or_else(|| panic!("no {subject:?} in {mails:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn success_and_failure_are_told_to_others_in_other_words() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.secret("password", PASSWORD).unwrap();
    let reply = r#"
from = "Büro <orders@example.test>"
reply_to = "orders@example.test"
success = { cc = "boss@example.test", bcc = ["audit@example.test"], html = "<p>{{ mail.subject }}</p><p>{{ answer.text }}</p>" }
failure = { to = "ops@example.test", return_to = "none", subject = "Failed: {{ mail.subject }}", text = "{{ reason.code }} {{ job }}" }
original = "quote"
[reply.languages.de]
text = "Gebucht.{% if reason %} Nicht.{% endif %}"
"#;
    endpoint(&world, &mut mailjob, "orders", reply);
    mailjob.start().unwrap();
    let hostile = "=?utf-8?q?=3Cscript=3Ealert(1)=3C/script=3E=0D=0ABcc:_evil@example.test?=";
    send(&world, "orders", hostile, "").await;
    send(&world, "orders", "fail", "").await;
    send(&world, "orders", "Bestellung", "Content-Language: de-DE\r\n").await;

    let to_sender = mails(&world, &mailjob, SENDER, 2).await;
    let to_boss = mails(&world, &mailjob, "boss@example.test", 2).await;
    let to_audit = mails(&world, &mailjob, "audit@example.test", 2).await;
    let to_ops = mails(&world, &mailjob, "ops@example.test", 1).await;

    let script = named(&to_sender, "<script>");
    let mail = read(script);
    assert_eq!(
        mail.subject(),
        Some("Re: <script>alert(1)</script> Bcc: evil@example.test")
    );
    let html = mail.root().html_bodies().next().unwrap();
    assert!(
        html.contains("&lt;script&gt;alert(1)") && !html.contains("<script>"),
        "{html}"
    );
    assert!(html.contains("<p>All &lt;b&gt;booked&lt;&#x2f;b&gt;.</p>"), "{html}");
    assert!(html.contains("<pre>&gt; Please book it."), "{html}");
    let text = mail.root().text_bodies().next().unwrap();
    assert!(text.contains("All <b>booked</b>."), "{text}");
    assert!(
        text.contains("wrote on 2026-11-22T10:00:00Z:") && text.contains("> Please book it."),
        "{text}"
    );
    let cc: Vec<_> = mail.cc().unwrap().mailboxes().filter_map(|to| to.address()).collect();
    assert_eq!(cc, ["boss@example.test"]);
    let from = mail
        .from()
        .unwrap()
        .mailboxes()
        .next()
        .map(|from| from.name().unwrap().to_owned());
    assert_eq!(from.as_deref(), Some("Büro"));
    for letters in [&to_sender, &to_boss] {
        assert!(!letters.iter().any(|mail| mail.contains("audit@")), "{letters:?}");
    }
    for mail in &to_audit {
        assert!(
            read(mail).bcc().is_none() && mail.contains("Auto-Submitted: auto-replied"),
            "{mail}"
        );
    }
    let german = named(&to_sender, "Bestellung");
    assert!(
        german.contains("\r\nContent-Language: de\r\n") && german.contains("\r\n\r\nGebucht.\r\n"),
        "{german}"
    );

    let [failed] = &*to_ops else { panic!("{to_ops:?}") };
    assert!(
        failed.contains("\r\nSubject: Failed: fail\r\n") && failed.contains("\r\n\r\nexit-1 "),
        "{failed}"
    );
    assert!(failed.contains("Return-Path: <>\r\n"), "{failed}");
    assert_eq!(world.dovecot.count("evil@example.test", "INBOX").await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn japanese_the_whole_mail_and_a_template_that_fails() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.secret("password", PASSWORD).unwrap();
    let japanese = "charset = \"iso-2022-jp\"\noriginal = \"rfc822\"\nsubject = \"受付けました: {{ mail.topic }}\"\n\
        text = \"ありがとうございます。\\n{{ mail.topic }}\"\n";
    endpoint(&world, &mut mailjob, "japan", japanese);
    let undefined = "subject = \"{{ answer.data.number }}\"\ntext = \"{{ answer.data.total }}\"\noriginal = \"text\"\n";
    endpoint(&world, &mut mailjob, "undefined", undefined);
    endpoint(&world, &mut mailjob, "blank", "to = \"\"\n");
    mailjob.start().unwrap();
    send(&world, "japan", "Order 7", "").await;
    send(&world, "undefined", "Order 8", "").await;
    send(&world, "blank", "Order 9", "").await;
    let letters = mails(&world, &mailjob, SENDER, 2).await;

    let japanese = named(&letters, "Order 7");
    assert!(
        japanese.contains("Subject: =?ISO-2022-JP?B?") && japanese.contains("charset=\"iso-2022-jp\""),
        "{japanese}"
    );
    let mail = read(japanese);
    assert_eq!(mail.subject().unwrap().replace('\u{fffd}', ""), "受付けました: Order 7");
    assert_eq!(
        mail.root().text_bodies().next().unwrap().trim_end(),
        "ありがとうございます。\r\nOrder 7"
    );
    let original = mail.attachments().next().unwrap();
    assert_eq!(original.nested().unwrap().subject(), Some("Order 7"));

    let undefined = named(&letters, "Re: Order 8");
    assert!(undefined.contains("\r\n\r\nAll <b>booked</b>.\r\n"), "{undefined}");
    assert!(undefined.contains("Please book it.\r\nAnn"), "{undefined}");
    let log = mailjob.log();
    assert!(
        log.contains("the text has the usual words") && log.contains("the subject has the usual words"),
        "{log}"
    );
    for name in ["japan", "undefined", "blank"] {
        processed(&world, &mailjob, &format!("{name}@example.test"), 1).await;
    }
    assert_eq!(
        world.dovecot.count(SENDER, "INBOX").await.unwrap(),
        2,
        "a blank list is nobody"
    );

    let many: Vec<_> = (0..101).map(|n| format!("\"r{n}@example.test\"")).collect();
    endpoint(&world, &mut mailjob, "many", &format!("to = [{}]\n", many.join(", ")));
    let checked = mailjob.command(&["check"]).output().await.unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
    assert!(
        checked.status.code() == Some(78) && said.contains("has 101 entries"),
        "{said}"
    );
}
