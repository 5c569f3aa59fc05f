//! How a session begins, or does not.

use super::*;
use crate::reply::answer::SmtpReply;

#[tokio::test]
async fn the_way_to_sign_in_is_what_the_server_offers() {
    for (offered, credential, first) in [
        ("PLAIN LOGIN XOAUTH2 OAUTHBEARER", token(), "AUTH XOAUTH2 "),
        ("oauthbearer", token(), "AUTH OAUTHBEARER "),
        ("XOAUTH2 PLAIN LOGIN", password(), "AUTH PLAIN "),
        ("LOGIN", password(), "AUTH LOGIN"),
    ] {
        let ehlo: &'static str = Box::leak(format!("250-fake\r\n250 AUTH {offered}").into_boxed_str());
        let fake = Fake::start(Tls::Implicit, move |_, line| match line {
            line if line.starts_with("EHLO") => Act::Say(ehlo),
            "AUTH LOGIN" => Act::Say("334 VXNlcm5hbWU6"),
            "aW52b2ljZXNAdXMuZXhhbXBsZQ==" => Act::Say("334 UGFzc3dvcmQ6"),
            "dGFuc3RhYWY=" => Act::Say("235 2.7.0 welcome"),
            _ => Act::Usual,
        })
        .await;
        assert!(open(&fake, &credential).await.is_ok(), "{offered}");
        assert!(fake.lines(1)[1].starts_with(first), "{offered}: {:?}", fake.lines(1));
    }
    for (offered, credential) in [("PLAIN LOGIN", token()), ("XOAUTH2 GSSAPI", password())] {
        let ehlo: &'static str = Box::leak(format!("250-fake\r\n250 AUTH {offered}").into_boxed_str());
        let fake = saying("EHLO", ehlo).await;
        let trouble = open(&fake, &credential).await.err().unwrap();
        assert!(matches!(trouble, SmtpError::NoMechanism { .. }), "{offered}: {trouble}");
        assert_eq!(trouble.verdict(), crate::auth::AuthVerdict::SlowDown);
    }
}

#[tokio::test]
async fn a_challenge_before_the_refusal_does_not_hide_its_code() {
    for (offers, after) in [("250 AUTH XOAUTH2", ""), ("250 AUTH OAUTHBEARER", "AQ==")] {
        let ehlo: &'static str = Box::leak(format!("250-fake\r\n{offers}").into_boxed_str());
        let fake = Fake::start(Tls::Implicit, move |_, line| match line {
            line if line.starts_with("EHLO") => Act::Say(ehlo),
            line if line.starts_with("AUTH") => Act::Say("334 eyJzdGF0dXMiOiI0MDEifQ=="),
            line if line == after => Act::Say("535 5.7.8 Username and Password not accepted"),
            _ => Act::Usual,
        })
        .await;
        match open(&fake, &token()).await.err().unwrap() {
            SmtpError::Unauthorized { reply, .. } => assert_eq!(reply.code, 535),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn without_tls_nothing_is_said() {
    let naked = Fake::start(Tls::StartTls, |_, _| Act::Usual).await;
    assert!(matches!(open(&naked, &password()).await, Err(SmtpError::NoTls)));
    let refused = Fake::start(Tls::StartTls, |_, line| match line {
        line if line.starts_with("EHLO") => Act::Say("250-fake\r\n250 STARTTLS"),
        "STARTTLS" => Act::Say("454 4.7.0 no"),
        _ => Act::Usual,
    })
    .await;
    assert!(matches!(
        open(&refused, &password()).await,
        Err(SmtpError::Closing { .. })
    ));
    let injected = Fake::start(Tls::StartTls, |_, line| match line {
        line if line.starts_with("EHLO") => Act::Say("250-fake\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
        "STARTTLS" => Act::Say("220 go\r\n250-evil\r\n250 AUTH PLAIN"),
        _ => Act::Usual,
    })
    .await;
    assert!(matches!(open(&injected, &password()).await, Err(SmtpError::Injected)));
    for fake in [naked, refused, injected] {
        assert!(
            fake.lines(1).iter().all(|line| !line.starts_with("AUTH")),
            "{:?}",
            fake.lines(1)
        );
    }
}

#[tokio::test]
async fn a_stranger_s_certificate_is_refused() {
    let fake = Fake::start(Tls::Implicit, |_, _| Act::Usual).await;
    let mut account = fake.account();
    account.ca_file = None;
    let trouble = SmtpSession::open(&account, &fake.server, Some(&password()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(trouble, SmtpError::Net(net::ConnectError::Tls { .. })),
        "{trouble}"
    );
}

#[tokio::test]
async fn troubles_while_opening() {
    for (start, answer, stage, cure) in [
        ("greeting", "554 5.3.2 no", SmtpStage::Greeting, "block list"),
        ("greeting", "421 4.3.2 busy", SmtpStage::Greeting, "tried again"),
        ("EHLO", "554 5.5.1 no", SmtpStage::Hello, "hello = \"…\" in [service]"),
        (
            "EHLO",
            "421 4.7.0 Try again later, closing connection. (EHLO)",
            SmtpStage::Hello,
            "hello = \"…\" in [service]",
        ),
        (
            "EHLO",
            "421 4.7.1 mx.example Error: No client certificate presented",
            SmtpStage::Hello,
            "tls = { cert",
        ),
        ("AUTH", "454 4.7.0 later", SmtpStage::SignIn, "tried again"),
    ] {
        let fake = saying(start, answer).await;
        let trouble = open(&fake, &password()).await.err().unwrap();
        assert!(matches!(trouble, SmtpError::Closing { .. }), "{trouble}");
        assert_eq!(trouble.stage(), Some(stage), "{trouble}");
        assert!(trouble.to_string().contains(cure), "{trouble}");
        assert_eq!(trouble.verdict(), crate::auth::AuthVerdict::Reconnect);
    }
    let fake = saying(
        "AUTH",
        "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.",
    )
    .await;
    let trouble = open(&fake, &password()).await.err().unwrap();
    assert_eq!(trouble.verdict(), crate::auth::AuthVerdict::SlowDown);
    assert!(trouble.to_string().contains("Set-CASMailbox"), "{trouble}");
}

#[test]
fn offers() {
    let answer = |lines: &[&str]| SmtpReply {
        code: 250,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let read = Offers::read(&answer(&[
        "AUTH host",
        "starttls",
        "SIZE",
        "AUTH PLAIN Login",
        "AUTH=NTLM",
        "",
        "AUTHX Y",
    ]));
    assert_eq!(
        read,
        Offers {
            starttls: true,
            size: Some(0),
            eight_bit: false,
            smtputf8: false,
            auth: vec!["PLAIN".into(), "LOGIN".into(), "NTLM".into()],
        }
    );
    assert_eq!(Offers::read(&answer(&["host", "SIZE 150000"])).size, Some(150_000));
    assert_eq!(Offers::read(&answer(&[])), Offers::default());
}
