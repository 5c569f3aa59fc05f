use proptest::prelude::*;

use super::*;
use crate::watch::{pop3::body::BodyEvent, script};

fn wire(script: &str) -> (Pop3Connection, script::Server) {
    let (stream, server) = script::play(script);
    let stream: Box<dyn Io> = Box::new(stream);
    (Pop3Connection::new(stream), server)
}

/// A server that answers the first command by these bytes, and closes.
fn saying(bytes: &[u8]) -> Pop3Connection {
    let (stream, mut theirs) = tokio::io::duplex(1 << 16);
    let bytes = bytes.to_vec();
    tokio::spawn(async move {
        let mut command = [0; 100];
        assert!(theirs.read(&mut command).await.is_ok());
        // A client that had enough of it is no fault.
        theirs.write_all(&bytes).await.ok();
    });
    let stream: Box<dyn Io> = Box::new(stream);
    Pop3Connection::new(stream)
}

#[test]
fn first_lines() {
    let refused = |code: Option<&str>, text: &str| {
        Pop3Reply::Refused(Refusal {
            status: Negative::Err,
            code: code.map(Words::new),
            text: Words::new(text),
        })
    };
    let odd = |text: &str| Pop3Reply::Odd(Words::new(text));
    for (line, expected) in [
        ("+OK", Pop3Reply::Ok),
        ("+OK 2 320", Pop3Reply::Ok),
        (" +OK\t2  320 ", Pop3Reply::Ok),
        ("-ERR   no ", refused(None, "no")),
        ("+ok ready <1@a>", Pop3Reply::Ok),
        ("+", Pop3Reply::More(String::new())),
        ("+ ", Pop3Reply::More(String::new())),
        ("+ eyJ9", Pop3Reply::More("eyJ9".into())),
        ("-ERR", refused(None, "")),
        ("-ERR no", refused(None, "no")),
        (
            "-ERR [IN-USE] Do you have another session?",
            refused(Some("IN-USE"), "Do you have another session?"),
        ),
        ("-err [sys/temp] later", refused(Some("SYS/TEMP"), "later")),
        ("-ERR [two words] x", refused(None, "[two words] x")),
        ("-ERR [] x", refused(None, "[] x")),
        ("-ERR [open", refused(None, "[open")),
        ("+OKAY", odd("+OKAY")),
        ("* OK", odd("* OK")),
        ("", odd("")),
        ("OK", odd("OK")),
    ] {
        assert_eq!(reply(line), expected, "{line:?}");
    }
}

#[tokio::test]
async fn a_command_and_its_lines() {
    let (wire, server) = wire(
        "
        L: DELE 4
        S: +OK marked
        L: DELE 5
        S: -ERR no such mail
        L: UIDL
        S: +OK
        S: 1 a
        S: ..b
        S: .
        L: STAT
        S: +OK 3 120
        L: QUIT
        S: +OK bye
        EOF",
    );
    let (wire, answer) = wire.try_run("DELE", "4").await.unwrap();
    assert_eq!(answer, Ok(()));
    let (wire, answer) = wire.try_run("DELE", "5").await.unwrap();
    assert_eq!(answer.unwrap_err().to_string(), "-ERR no such mail");
    let mut lines = Vec::new();
    let (wire, _) = wire.list("UIDL", 9, |line| lines.push(line.to_owned())).await.unwrap();
    assert_eq!(lines, ["1 a", ".b"]);
    let (wire, mails) = wire.stat().await.unwrap();
    assert_eq!(mails, 3);
    wire.quit().await.unwrap();
    server.finished().await;
}

async fn listed(bytes: &[u8]) -> WatchError {
    saying(bytes).list("UIDL", 3, |_| ()).await.unwrap_err()
}

#[tokio::test]
async fn answers_that_break_the_protocol_end_the_session() {
    let long = [&b"+OK "[..], &vec![b'x'; 100_000]].concat();
    for (bytes, violation) in [
        (&b"+ go on\r\n"[..], Violation::Continue),
        (b"+OK\r\n1\r\n2\r\n3\r\n4\r\n.\r\n", Violation::Lines),
        (&long, Violation::Line),
    ] {
        let error = listed(bytes).await;
        let shown = String::from_utf8_lossy(bytes.get(..20.min(bytes.len())).unwrap()).into_owned();
        assert!(
            matches!(error, WatchError::Protocol(found) if found == violation),
            "{shown}: {error:?}"
        );
    }
    let error = listed(b"* OK IMAP4rev1\r\n").await;
    assert_eq!(
        error.to_string(),
        "the server answered UIDL with what is no answer: \"* OK IMAP4rev1\""
    );
    assert!(matches!(listed(b"").await, WatchError::Closed));
    assert!(matches!(listed(b"+OK\r\n1 a").await, WatchError::Closed));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_session() {
    for script in ["WAIT 3600", "L: UIDL\nS: +OK\nB: 1 a", "L: UIDL\nB: +O"] {
        let (wire, _server) = wire(script);
        let error = wire.list("UIDL", 9, |_| ()).await.unwrap_err();
        assert!(matches!(error, WatchError::Silent(_)), "{script}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drips_has_no_patience_of_ours() {
    let (wire, _server) = wire(&format!("L: UIDL\nS: +OK\n{}", "WAIT 50\nS: 1 a\n".repeat(100)));
    let error = wire.list("UIDL", 1000, |_| ()).await.unwrap_err();
    assert!(
        matches!(error, WatchError::Endless { command: "UIDL", .. }),
        "{error:?}"
    );
    let (wire, _server) = self::wire(&format!("L: RETR 1\nS: +OK\n{}", "WAIT 50\nB: a\n".repeat(100)));
    let body = wire.retrieve(1).await.unwrap().unwrap();
    let error = body.piece(1000).await.map(|(piece, _)| piece).unwrap_err();
    assert!(
        matches!(error, WatchError::Endless { command: "RETR", .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_command_cannot_hide_a_second_one() {
    let (wire, _server) = wire("WAIT 1");
    let error = wire.try_run("USER", "a\r\nDELE 1").await.unwrap_err();
    assert!(matches!(error, WatchError::Protocol(Violation::Command)));
}

/// Reads a mail in pieces of this size; gives back the pieces, and whether it came to its end.
async fn pieces(bytes: &[u8], most: usize) -> Result<Vec<Vec<u8>>, WatchError> {
    let mut body = saying(bytes).retrieve(1).await?.unwrap();
    let mut pieces = Vec::new();
    loop {
        let (piece, next) = body.piece(most).await?;
        pieces.push(piece);
        match next {
            BodyEvent::Piece(more) => body = more,
            BodyEvent::End(..) => return Ok(pieces),
        }
    }
}

/// What lies on the wire is looked at before anything is sent, and shows what it is.
#[tokio::test]
async fn what_nobody_asked_for_is_no_answer() {
    let (wire, _server) = wire("S: +OK\nL: DELE 1\nS: +OK\nS: +OK again");
    let wire = wire.greeted().await.unwrap();
    let (wire, _) = wire.try_run("DELE", "1").await.unwrap();
    let error = wire.try_run("DELE", "2").await.unwrap_err();
    assert!(matches!(error, WatchError::Early { before: "DELE", .. }), "{error:?}");
    assert!(error.to_string().contains("\"+OK again\""), "{error}");
    for (said, in_step) in [
        ("+OK 3 1200", true),
        ("+OK  0 0 ", true),
        ("+ok 3 -1", true),
        ("-ERR no STAT here", true),
        ("-ERR [SYS/PERM]", true),
        ("-ERR", false),
        ("-ERR ", false),
        ("+OK", false),
        ("+OK all is well", false),
        ("+ ", false),
        (".", false),
        ("the rest of a mail", false),
    ] {
        let answered = saying(format!("{said}\r\n").as_bytes()).in_step().await;
        assert_eq!(answered.is_ok(), in_step, "{said}");
    }
}

#[tokio::test]
async fn a_mail_comes_in_pieces() {
    let bytes = b"+OK 12 octets\r\nab\r\n..c\r\n.\r\n+OK next";
    assert_eq!(pieces(bytes, 100).await.unwrap(), [b"ab\r\n.c\r\n"]);
    let small = pieces(bytes, 4).await.unwrap();
    assert_eq!(small, [&b"ab\r\n"[..], b".c\r\n", b""]);
    for cut in 15..26 {
        let error = pieces(&bytes[..cut], 4).await.unwrap_err();
        assert!(matches!(error, WatchError::Closed), "{cut}");
    }
}

proptest! {
    #[test]
    fn whatever_a_server_says_it_ends(bytes in prop::collection::vec(any::<u8>(), 0..300), most in 1usize..50) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let said = [&b"+OK\r\n"[..], &bytes].concat();
            if let Ok(pieces) = pieces(&said, most).await {
                assert!(pieces.iter().all(|piece| piece.len() <= most + 2));
                assert!(pieces.concat().len() <= bytes.len());
            }
            saying(&bytes).list("UIDL", 5, |_| ()).await.ok();
            saying(&bytes).in_step().await.ok();
        });
    }
}
