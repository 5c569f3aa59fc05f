//! Against a server that answers as it is told.

#[path = "smtp_open_tests.rs"]
mod opening;

use super::{
    super::server_tests::{Act, Fake, reply},
    *,
};

fn password() -> Credential {
    Credential::Password(Secret::from("tanstaaf"))
}

fn token() -> Credential {
    Credential::Bearer(Secret::from("ya29.x"))
}

async fn open(fake: &Fake, credential: &Credential) -> Result<Session, Trouble> {
    Session::open(&fake.account(), &fake.server, credential).await
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
            "EHLO [127.0.0.1]" => Act::Say("250-fake\r\n250-STARTTLS\r\n250-SIZE 9999\r\n250 AUTH PLAIN"),
            _ => Act::Usual,
        })
        .await;
        let mut session = open(&fake, &password()).await.unwrap();
        for _ in 0..3 {
            let fate = session.submit(&reply(&["ann@a.example"])).await.unwrap();
            assert_eq!(fate.into_one(), Fate::Sent("250 2.0.0 queued".into()));
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
    let sent = |text: &str| Fate::Sent(text.into());
    let later = |text: &str| Fate::Later(text.into());
    let refused = |text: &str| Fate::Refused(text.into());
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
            Fates::all(&ann, &fate),
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
    let expected = |end: Fate| {
        let mut fates = Fates::default();
        fates.add("ann@a.example", Some(end));
        fates.add("no@a.example", Some(Fate::Refused("at RCPT TO: 550 5.1.1 who?".into())));
        fates.add("busy@a.example", Some(Fate::Later("at RCPT TO: 450 4.2.1 busy".into())));
        fates
    };
    let fates = session.submit(&all).await.unwrap();
    assert_eq!(fates, expected(Fate::Sent("250 2.0.0 queued".into())));
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
        matches!(&fate, Fate::Refused(said) if said.contains("has 30 bytes, the server takes 29")),
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
        ("MAIL", Stage::Mail),
        ("RCPT", Stage::Recipient),
        ("DATA", Stage::Data),
        (".", Stage::End),
    ] {
        let fake = Fake::start(Tls::Implicit, move |_, line| {
            if line.starts_with(start) { Act::Drop } else { Act::Usual }
        })
        .await;
        let mut session = open(&fake, &password()).await.unwrap();
        let trouble = session.submit(&reply(&["ann@a.example"])).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Lost { .. }), "{start}: {trouble}");
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
            Fate::Refused(_)
        ));
    }
    assert!(fake.mails().is_empty());
    assert!(fake.lines(1).iter().all(|line| !line.starts_with("MAIL")));
}
