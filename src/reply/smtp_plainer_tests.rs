//! Letters that a server does not take with their files.

use super::*;
use crate::{job::NewReply, reply::plainer::plainer};

/// A letter with a file, as mail-builder makes it.
fn with_file(size: usize) -> NewReply {
    let bytes = mail_builder::MessageBuilder::new()
        .from("invoices@us.example")
        .to("ann@a.example")
        .message_id("1.reply@us.example")
        .subject("Your result \u{fc}")
        .text_body("The result is \u{fc}ber there.\r\n")
        .attachment("application/pdf", "result.pdf", vec![7_u8; size])
        .write_to_vec()
        .unwrap();
    NewReply {
        bytes: bytes.into(),
        ..reply(&["ann@a.example"])
    }
}

#[tokio::test]
async fn what_is_not_taken_with_its_files_goes_without_them() {
    for (start, answer, size) in [
        // Known before a byte is sent.
        ("EHLO", "250-fake\r\n250-SIZE 2000\r\n250 AUTH PLAIN", 9000),
        ("MAIL", "552 5.3.4 Message size exceeds fixed limit", 100),
        ("RCPT", "552 5.2.3 Message exceeds the recipient's limit", 100),
        ("DATA", "552 5.3.4 too large", 100),
        (".", "552 5.3.4 Message size exceeds fixed limit", 100),
        (
            ".",
            "552 5.7.0 This message was blocked because its content presents a potential security issue. gsmtp",
            100,
        ),
    ] {
        let once = std::sync::atomic::AtomicBool::new(true);
        let fake = Fake::start(Tls::Implicit, move |_, line| {
            let first = start == "EHLO" || once.load(std::sync::atomic::Ordering::SeqCst);
            match line.starts_with(start) && first {
                true => {
                    once.store(false, std::sync::atomic::Ordering::SeqCst);
                    Act::Say(answer)
                }
                false => Act::Usual,
            }
        })
        .await;
        let mut session = open(&fake, &password()).await.unwrap();
        let letter = with_file(size);
        match session.submit(&letter).await.unwrap().into_one() {
            DeliveryOutcome::Sent(said) => assert!(said.contains("without its files"), "{said}"),
            other => panic!("{start} {answer}: {other:?}"),
        }
        let mails = fake.mails();
        let text = String::from_utf8(mails.last().unwrap().clone()).unwrap();
        assert!(
            text.contains("Message-ID: <1.reply@us.example>") && !text.contains("multipart"),
            "{text}"
        );
        let read = mail_parser::MessageParser::default().parse(text.as_bytes()).unwrap();
        let body = read.root().body_text(0).unwrap().into_owned();
        assert!(
            body.contains("result.pdf") && body.contains("\u{fc}ber there") && body.contains("without them"),
            "{body}"
        );
        assert_eq!(read.root().subject(), Some("Your result \u{fc}"));
        assert_eq!(fake.connections(), 1);
        // Always the same.
        assert_eq!(plainer(&letter.bytes).unwrap(), plainer(&letter.bytes).unwrap());
    }
}

#[tokio::test]
async fn a_letter_without_files_is_refused_as_it_is() {
    let fake = saying(".", "552 5.3.4 too large").await;
    let mut session = open(&fake, &password()).await.unwrap();
    let fates = session.submit(&reply(&["ann@a.example"])).await.unwrap();
    assert!(matches!(fates.refuse_smaller().into_one(), DeliveryOutcome::Refused(_)));
    assert_eq!(fake.mails().len(), 1);
}
