//! Against a server that answers as it is told.

#[path = "smtp_open_tests.rs"]
mod opening;

use super::super::plainer::plainer;
use super::{
    super::server_tests::{Act, Fake, reply},
    *,
};
use crate::secret::Secret;

fn password() -> Credential {
    Credential::Password(Secret::from("tanstaaf"))
}

fn token() -> Credential {
    Credential::Bearer(Secret::from("ya29.x"))
}

async fn open(fake: &Fake, credential: &Credential) -> Result<SmtpSession, SmtpError> {
    SmtpSession::open(&fake.account(), &fake.server, Some(credential)).await
}

/// A server that says `answer` to lines that begin so.
async fn saying(start: &'static str, answer: &'static str) -> Fake {
    Fake::start(Tls::Implicit, move |_, line| {
        if line.starts_with(start) {
            Act::Say(answer)
        } else {
            Act::Usual
        }
    })
    .await
}

#[tokio::test]
async fn replies_arrive_byte_for_byte_on_one_connection() {
    for tls in [Tls::Implicit, Tls::StartTls] {
        let fake = Fake::start(tls, |_, line| match line {
            line if line.starts_with("EHLO") => Act::Say("250-fake\r\n250-STARTTLS\r\n250-SIZE 9999\r\n250 AUTH PLAIN"),
            _ => Act::Usual,
        })
        .await;
        let mut session = open(&fake, &password()).await.unwrap();
        for _ in 0..3 {
            let fate = session.submit(&reply(&["ann@a.example"])).await.unwrap();
            assert_eq!(fate.into_one(), DeliveryOutcome::Sent("250 2.0.0 queued".into()));
        }
        session.quit().await;
        assert_eq!(fake.mails(), vec![reply(&[]).bytes.to_vec(); 3]);
        assert_eq!(fake.connections(), 1);
        let lines = fake.lines(1);
        let first = lines.iter().position(|line| line.starts_with("AUTH")).unwrap();
        assert_eq!(
            lines[first..first + 5],
            [
                "AUTH PLAIN AGludm9pY2VzQHVzLmV4YW1wbGUAdGFuc3RhYWY=",
                "MAIL FROM:<invoices@us.example> SIZE=30",
                "RCPT TO:<ann@a.example>",
                "DATA",
                "."
            ]
        );
        assert_eq!(lines.last().unwrap(), "QUIT");
    }
}

#[tokio::test]
async fn an_answer_ends_the_reply_and_not_the_session() {
    let sent = |text: &str| DeliveryOutcome::Sent(text.into());
    let later = |text: &str| DeliveryOutcome::later(text);
    let refused = |text: &str| DeliveryOutcome::Refused(text.into());
    for (start, answer, fate) in [
        ("MAIL", "451 4.7.1 later", later("at MAIL FROM: 451 4.7.1 later")),
        (
            "MAIL",
            "550 5.7.60 not you",
            refused("at MAIL FROM: 550 5.7.60 not you"),
        ),
        ("RCPT", "450 4.2.1 busy", later("at RCPT TO: 450 4.2.1 busy")),
        ("RCPT", "550 5.1.1 who?", refused("at RCPT TO: 550 5.1.1 who?")),
        ("DATA", "452 4.3.1 full", later("at DATA: 452 4.3.1 full")),
        ("DATA", "554 5.7.1 no", refused("at DATA: 554 5.7.1 no")),
        (".", "432 4.3.2 busy", later("after the mail was sent: 432 4.3.2 busy")),
        (
            ".",
            "552 5.3.4 too large",
            refused("after the mail was sent: 552 5.3.4 too large"),
        ),
        (".", "250 2.6.0 hi", sent("250 2.6.0 hi")),
    ] {
        let once = std::sync::atomic::AtomicBool::new(true);
        let fake = Fake::start(Tls::Implicit, move |_, line| {
            if line.starts_with(start) && once.swap(false, std::sync::atomic::Ordering::SeqCst) {
                Act::Say(answer)
            } else {
                Act::Usual
            }
        })
        .await;
        let mut session = open(&fake, &password()).await.unwrap();
        let ann = ["ann@a.example".to_owned()];
        assert_eq!(
            session.submit(&reply(&["ann@a.example"])).await.unwrap(),
            DeliveryOutcomes::all(&ann, &fate),
            "{start} {answer}"
        );
        let next = session.submit(&reply(&["bob@a.example"])).await.unwrap();
        assert_eq!(next.into_one(), sent("250 2.0.0 queued"), "{start} {answer}");
        assert_eq!(fake.connections(), 1);
    }
}

#[tokio::test]
async fn those_get_it_whom_the_server_takes() {
    let fake = Fake::start(Tls::Implicit, |_, line| match line {
        "RCPT TO:<no@a.example>" => Act::Say("550 5.1.1 who?"),
        "RCPT TO:<busy@a.example>" => Act::Say("450 4.2.1 busy"),
        _ => Act::Usual,
    })
    .await;
    let mut session = open(&fake, &password()).await.unwrap();
    let all = reply(&["ann@a.example", "no@a.example", "busy@a.example"]);
    let expected = |end: DeliveryOutcome| {
        let mut fates = DeliveryOutcomes::default();
        fates.add("ann@a.example", Some(end));
        fates.add(
            "no@a.example",
            Some(DeliveryOutcome::Refused("at RCPT TO: 550 5.1.1 who?".into())),
        );
        fates.add(
            "busy@a.example",
            Some(DeliveryOutcome::later("at RCPT TO: 450 4.2.1 busy")),
        );
        fates
    };
    let fates = session.submit(&all).await.unwrap();
    assert_eq!(fates, expected(DeliveryOutcome::Sent("250 2.0.0 queued".into())));
    assert_eq!(fake.mails().len(), 1);

    let nobody = session
        .submit(&reply(&["no@a.example", "busy@a.example"]))
        .await
        .unwrap();
    assert!(nobody.nobody());
    assert_eq!(fake.mails().len(), 1, "nobody's name was taken, so nothing is sent");
    assert_eq!(fake.lines(1).last().unwrap(), "RSET");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_a_byte_is_sent() {
    let fake = saying("EHLO", "250-fake\r\n250-SIZE 29\r\n250 AUTH PLAIN").await;
    let mut session = open(&fake, &password()).await.unwrap();
    let fate = session.submit(&reply(&["ann@a.example"])).await.unwrap().into_one();
    assert!(
        matches!(&fate, DeliveryOutcome::Refused(said) if said.contains("has 30 bytes, the server takes 29")),
        "{fate:?}"
    );
    assert!(
        fake.lines(1).iter().all(|line| !line.starts_with("MAIL")),
        "{:?}",
        fake.lines(1)
    );
}

#[tokio::test]
async fn a_lost_connection_is_trouble_at_its_stage() {
    for (start, stage) in [
        ("MAIL", SmtpStage::Mail),
        ("RCPT", SmtpStage::Recipient),
        ("DATA", SmtpStage::Data),
        (".", SmtpStage::End),
    ] {
        let fake = Fake::start(Tls::Implicit, move |_, line| {
            if line.starts_with(start) { Act::Drop } else { Act::Usual }
        })
        .await;
        let mut session = open(&fake, &password()).await.unwrap();
        let trouble = session.submit(&reply(&["ann@a.example"])).await.unwrap_err();
        assert!(matches!(trouble, SmtpError::Lost { .. }), "{start}: {trouble}");
        assert_eq!(trouble.stage(), Some(stage));
    }
}

#[tokio::test]
async fn what_could_break_out_is_never_sent() {
    let fake = Fake::start(Tls::Implicit, |_, _| Act::Usual).await;
    let mut session = open(&fake, &password()).await.unwrap();
    let mut smuggling = reply(&["ann@a.example"]);
    smuggling.bytes = bytes::Bytes::from_static(b"Subject: x\r\n\r\na\n.\nMAIL FROM:<x@y>\r\n");
    for bad in [smuggling, reply(&["ann@a.example>\r\nRCPT TO:<evil@e.example"])] {
        assert!(matches!(
            session.submit(&bad).await.unwrap().into_one(),
            DeliveryOutcome::Refused(_)
        ));
    }
    assert!(fake.mails().is_empty());
    assert!(fake.lines(1).iter().all(|line| !line.starts_with("MAIL")));
}

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

#[tokio::test]
async fn addresses_with_other_letters_need_smtputf8() {
    for (extension, lines) in [
        (
            "8BITMIME\r\n250-SMTPUTF8",
            &[
                "MAIL FROM:<invoices@us.example> SMTPUTF8",
                "RCPT TO:<\u{e4}nn@a.example>",
                "RCPT TO:<bob@a.example>",
            ][..],
        ),
        (
            "8BITMIME",
            &["MAIL FROM:<invoices@us.example>", "RCPT TO:<bob@a.example>"],
        ),
    ] {
        let ehlo: &'static str = Box::leak(format!("250-fake\r\n250-{extension}\r\n250 AUTH PLAIN").into_boxed_str());
        let fake = saying("EHLO", ehlo).await;
        let mut session = open(&fake, &password()).await.unwrap();
        let fates = session
            .submit(&reply(&["\u{e4}nn@a.example", "bob@a.example"]))
            .await
            .unwrap();
        let said: Vec<_> = fake
            .lines(1)
            .into_iter()
            .filter(|line| line.starts_with("MAIL") || line.starts_with("RCPT"))
            .collect();
        assert_eq!(said, lines);
        let DeliveryOutcome::Sent(words) = fates.into_one() else {
            panic!("bob has it")
        };
        assert_eq!(words.contains("SMTPUTF8"), lines.len() == 2, "{words}");
        let alone = session
            .submit(&reply(&["\u{e4}nn@a.example"]))
            .await
            .unwrap()
            .into_one();
        match lines.len() {
            2 => assert!(matches!(alone, DeliveryOutcome::Refused(words) if words.contains("SMTPUTF8"))),
            _ => assert!(matches!(alone, DeliveryOutcome::Sent(_))),
        }
    }
}

#[tokio::test]
async fn an_answer_before_the_dot_is_none() {
    for early in [
        "354 go\r\n250 2.0.0 queued (too early)",
        "354 go\r\n554 5.7.1 no",
        "354 go\r\n25",
    ] {
        let fake = saying("DATA", early).await;
        let mut session = open(&fake, &password()).await.unwrap();
        let trouble = session.submit(&reply(&["ann@a.example"])).await.unwrap_err();
        assert!(
            matches!(
                trouble,
                SmtpError::Unasked {
                    stage: SmtpStage::Content,
                    ..
                }
            ),
            "{trouble}"
        );
        assert!(!trouble.is_in_doubt() && fake.mails().is_empty());
    }
    // Said twice, after the dot: the mail was taken, and the session is not used again.
    let fake = saying(".", "250 2.0.0 queued\r\n250 2.0.0 queued").await;
    let mut session = open(&fake, &password()).await.unwrap();
    let fate = session.submit(&reply(&["ann@a.example"])).await.unwrap();
    assert_eq!(fate.into_one(), DeliveryOutcome::Sent("250 2.0.0 queued".into()));
    assert!(!session.is_sound());
}

#[tokio::test]
async fn a_name_that_is_refused_is_followed_by_the_next() {
    let names = |fake: &Fake, connection| -> Vec<String> {
        let lines = fake.lines(connection).into_iter();
        lines
            .filter(|line| line.starts_with("EHLO") || line.starts_with("HELO"))
            .collect()
    };
    for tls in [Tls::Implicit, Tls::StartTls] {
        // In the same session.
        let fake = Fake::start(tls, |_, line| match line {
            "EHLO mail.us.example" | "EHLO [127.0.0.1]" => Act::Say("550 5.7.1 Helo command rejected"),
            line if line.starts_with("EHLO") => Act::Say("250-fake\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
            _ => Act::Usual,
        })
        .await;
        let account = crate::config::Account {
            hello: Some("mail.us.example".into()),
            ..fake.account()
        };
        SmtpSession::open(&account, &fake.server, Some(&password()))
            .await
            .unwrap();
        let said = names(&fake, 1);
        assert_eq!(said[0], "EHLO mail.us.example");
        assert!(!said.last().unwrap().contains("127.0.0.1"), "{said:?}");
        // smtp-relay.gmail.com hangs up.
        let fake = Fake::start(tls, |connection, line| match line {
            line if line.starts_with("EHLO") && connection == 1 => {
                Act::Say("421 4.7.0 Try again later, closing connection. (EHLO)")
            }
            line if line.starts_with("EHLO") => Act::Say("250-fake\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
            _ => Act::Usual,
        })
        .await;
        open(&fake, &password()).await.unwrap();
        assert_eq!(fake.connections(), 2);
        assert_ne!(names(&fake, 1)[0], names(&fake, 2)[0]);
    }
    // A server that knows no EHLO offers nothing, and takes mail without a sign-in where the operator says so.
    let fake = Fake::start(Tls::Implicit, |_, line| match line {
        line if line.starts_with("EHLO") => Act::Say("502 5.5.1 what?"),
        _ => Act::Usual,
    })
    .await;
    let account = crate::config::Account {
        smtp_auth: false,
        auth: crate::config::Auth::None,
        ..fake.account()
    };
    let mut session = SmtpSession::open(&account, &fake.server, None).await.unwrap();
    session.submit(&reply(&["ann@a.example"])).await.unwrap();
    assert!(names(&fake, 1)[1].starts_with("HELO"));
    assert_eq!(fake.mails().len(), 1);
}
