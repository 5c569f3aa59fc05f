use proptest::prelude::*;

use super::*;

fn stuffed(mail: &[u8]) -> Vec<u8> {
    dotted(mail, true).collect::<Vec<_>>().join(&b"."[..])
}

#[test]
fn dots_that_begin_a_line_are_doubled() {
    for (mail, wire) in [
        ("", ""),
        ("a\r\nb\r\n", "a\r\nb\r\n"),
        (".\r\n", "..\r\n"),
        ("..\r\n", "...\r\n"),
        ("a\r\n.\r\n.\r\nb.c\r\n", "a\r\n..\r\n..\r\nb.c\r\n"),
        ("a\r\n..\r\n", "a\r\n...\r\n"),
        (".a\r\n\r\n.b", "..a\r\n\r\n..b"),
    ] {
        assert_eq!(stuffed(mail.as_bytes()), wire.as_bytes(), "{mail:?}");
    }
}

proptest! {
    #[test]
    fn a_server_reads_back_what_was_sent(lines in proptest::collection::vec("[.a]{0,4}", 0..20)) {
        let mail: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let wire = String::from_utf8(stuffed(mail.as_bytes())).unwrap();
        prop_assert!(wire.split("\r\n").all(|line| line != "."), "ends early");
        let read: String = wire.split_terminator("\r\n").map(|line| format!("{}\r\n", line.strip_prefix('.').unwrap_or(line))).collect();
        prop_assert_eq!(read, mail);
    }
}

#[test]
fn lines() {
    for (line, expected) in [
        (&b"250 2.0.0 Ok\r\n"[..], Some((250, false, "2.0.0 Ok"))),
        (b"250-SIZE 10\n", Some((250, true, "SIZE 10"))),
        (b"354\r\n", Some((354, false, ""))),
        (b"550 a\x1b[31m\xff\r\n", Some((550, false, "a [31m\u{fffd}"))),
        (b"250", None),
        (b"250_x\r\n", None),
        (b"25 x\r\n", None),
        (b"+50 x\r\n", None),
        (b"999 x\r\n", None),
        (b"* OK\r\n", None),
        (b"\r\n", None),
    ] {
        let found = parse(line);
        let found = found.as_ref().map(|(code, more, text)| (*code, *more, text.as_str()));
        assert_eq!(found, expected, "{line:?}");
    }
}

#[test]
fn enhanced_codes() {
    for (text, enhanced) in [
        ("5.7.139 Authentication unsuccessful", Some("5.7.139")),
        ("4.3.2", Some("4.3.2")),
        ("3.7.1 x", None),
        ("5.7 x", None),
        ("5.7.1.2 x", None),
        ("5.7.x y", None),
        ("127.0.0.1 x", None),
        ("", None),
    ] {
        let reply = SmtpReply {
            code: 550,
            lines: vec![text.into()],
        };
        assert_eq!(reply.enhanced(), enhanced, "{text}");
    }
}

#[tokio::test]
async fn answers_are_bounded() {
    for endless in [&b"250-more\r\n"[..], b"2"] {
        let (near, mut far) = tokio::io::duplex(1024);
        let server = tokio::spawn(async move { while far.write_all(endless).await.is_ok() {} });
        let error = SmtpConnection::new(near).greeting().await.unwrap_err();
        assert!(
            matches!(
                error,
                SmtpError::Lost {
                    stage: SmtpStage::Greeting,
                    ..
                }
            ),
            "{error:?}"
        );
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_and_is_longest_after_the_dot() {
    let (near, _far) = tokio::io::duplex(1 << 20);
    let started = tokio::time::Instant::now();
    let error = SmtpConnection::new(near).content(b"x\r\n").await.unwrap_err();
    assert!(
        matches!(
            error,
            SmtpError::Slow {
                stage: SmtpStage::End,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(started.elapsed().as_secs(), 600);

    let (near, _far) = tokio::io::duplex(16);
    let error = SmtpConnection::new(near).content(&[b'x'; 1000]).await.unwrap_err();
    assert!(
        matches!(
            error,
            SmtpError::Slow {
                stage: SmtpStage::Content,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_comes_before_tls_is_refused() {
    let (near, mut far) = tokio::io::duplex(1024);
    tokio::spawn(async move {
        let mut line = [0; 10];
        far.read_exact(&mut line).await.unwrap();
        far.write_all(b"220 go ahead\r\n250-AUTH PLAIN\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut wire = SmtpConnection::new(near);
    assert_eq!(wire.command(SmtpStage::StartTls, "STARTTLS").await.unwrap().code, 220);
    assert!(matches!(wire.into_quiet_stream(), Err(SmtpError::Injected)));
}
