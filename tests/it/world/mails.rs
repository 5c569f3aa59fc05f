//! The test mails are what they claim to be, by a parser and by a server.

use mail_parser::MessageParser;
use mailjob_testbed::{
    Options, World,
    mails::{self, bombs, bulk},
};

const FROM: &str = "Ada <ada@example.test>";
const TO: &str = "invoices@example.test";

/// Subject, sender's name, and the attachments' names.
fn read(mail: &[u8]) -> (String, String, Vec<String>) {
    let mail = MessageParser::default().parse(mail).unwrap();
    let name = mail.from().and_then(|from| from.first()?.name().map(str::to_owned));
    let attachments = mail
        .attachments()
        .map(|part| part.attachment_name().unwrap_or("-").to_owned())
        .collect();
    (mail.subject().unwrap().to_owned(), name.unwrap(), attachments)
}

fn owned(subject: &str, name: &str, attachments: &[&str]) -> (String, String, Vec<String>) {
    (
        subject.to_owned(),
        name.to_owned(),
        attachments.iter().map(|name| (*name).to_owned()).collect(),
    )
}

#[test]
fn every_kind_of_mail_reads_as_meant() {
    let cases = [
        (mails::no_attachment(FROM, TO), owned("Where is my order?", "Ada", &[])),
        (mails::html(FROM, TO), owned("Where is my order?", "Ada", &[])),
        (mails::pdf(FROM, TO, 7), owned("Invoice 7", "Ada", &["invoice-7.pdf"])),
        (
            mails::scans(FROM, TO),
            owned(
                "Message from KM_C224e",
                "Ada",
                &["SCAN0001.PDF", "SCAN0002.PDF", "SCAN0003.PDF"],
            ),
        ),
        (
            mails::nested(FROM, TO),
            owned("Fwd: Invoice 4711", "Ada", &["Invoice 4711.eml"]),
        ),
        (
            mails::inline_image(FROM, TO),
            owned("Where is my order?", "Ada", &["logo.png", "offer.pdf"]),
        ),
        (
            mails::japanese("a@example.test", TO),
            owned("請求書", "山田", &["請求書.pdf", "請求書.pdf"]),
        ),
        (
            mails::latin1("a@example.test", TO),
            owned("Übergrößen", "René Müller", &["Müller & Söhne.pdf"]),
        ),
        (
            mails::auto_reply(FROM, TO),
            owned("Automatic reply: Grüße aus dem Urlaub", "Ada", &[]),
        ),
        (mails::list(FROM, TO), owned("[dev] Release party", "Ada", &[])),
    ];
    for (mail, expected) in cases {
        assert_eq!(read(&mail.bytes()), expected);
        let bytes = mail.bytes();
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.message_id(), Some(mail.message_id()));
    }
    let texts = [
        (mails::japanese("a@example.test", TO), "請求書を送ります。"),
        (mails::latin1("a@example.test", TO), "es ist gemacht."),
    ];
    for (mail, words) in texts {
        let bytes = mail.bytes();
        let text = MessageParser::default()
            .parse(&bytes)
            .unwrap()
            .body_text(0)
            .unwrap()
            .into_owned();
        assert!(text.contains(words), "{text}");
    }
    let bounce = mails::bounce(TO);
    let parsed = MessageParser::default().parse(&bounce).unwrap();
    assert_eq!(
        parsed.content_type().unwrap().attribute("report-type"),
        Some("delivery-status")
    );
}

#[test]
fn bulk_mails_are_of_the_wanted_size_and_the_same_each_time() {
    for size in [6_000, 200_000, 2_000_000] {
        let mail = bulk::sized(3, size);
        assert!(mail.len().abs_diff(size) < size / 20, "{} for {size}", mail.len());
        assert_eq!(mail, bulk::sized(3, size));
        assert_eq!(read(&mail).2, ["invoice-3.pdf"]);
    }
    let sizes: Vec<usize> = bulk::mix(200).map(|mail| mail.len()).collect();
    let count = |range: std::ops::Range<usize>| sizes.iter().filter(|size| range.contains(size)).count();
    assert_eq!(
        (
            count(5_000..7_000),
            count(190_000..210_000),
            count(1_900_000..2_100_000)
        ),
        (160, 30, 10)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_every_bomb() {
    let world = World::start(Options::default()).await.unwrap();
    let bombs = bombs::all();
    assert!(bombs.len() > 10);
    for (name, bomb) in &bombs {
        world
            .dovecot
            .deliver(TO, bomb)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let stored = world.dovecot.mailbox(TO, "INBOX").await.unwrap();
    for ((name, bomb), stored) in bombs.iter().zip(stored) {
        assert!(stored.ends_with(bomb), "{name} was changed");
    }
}
