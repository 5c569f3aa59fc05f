use super::*;
use crate::watch::{imap::response::Fetch, script::play_lines};

/// A connection that is past its greeting, and the server's script for what comes.
fn wire(script: &[&str]) -> ImapConnection<tokio::io::DuplexStream> {
    let mut wire = ImapConnection::new(play_lines(script.iter().map(|line| (*line).to_owned()).collect()).0);
    wire.greeted = true;
    wire
}

async fn fetched(script: &[&str]) -> Result<Vec<Fetch>, WatchError> {
    let mut list = Vec::new();
    let done = wire(script).run("UID FETCH", "1:* (UID BODY.PEEK[])", |said| {
        if let ImapResponse::Fetch(fetch) = said {
            list.push(fetch);
        }
    });
    done.await?.ok()?;
    Ok(list)
}

#[tokio::test]
async fn refusals_and_lost_connections_are_errors() {
    for (script, error) in [
        (
            &["C: UID FETCH *", "S: $ NO [SERVERBUG] no"][..],
            "the server refused UID FETCH: NO [SERVERBUG] no",
        ),
        (&["C: *", "S: $ BAD"], "the server refused UID FETCH: BAD "),
        (
            &["C: *", "S: * 1 FETCH (UID 1)", "S: $ NO half"],
            "the server refused UID FETCH: NO half",
        ),
        (&["C: *", "EOF"], "the server closed the connection"),
        (
            &["C: *", "S: * 1 FETCH (UID 1)", "EOF"],
            "the server closed the connection",
        ),
        (
            &["C: *", "B: * 1 FETCH (UID 1 BODY[] {10}\r\nabc", "EOF"],
            "the server closed the connection",
        ),
        (
            &["C: *", "S: * BYE restart"],
            "the server ends the session: restart; it is tried again by itself, and if it stays so, ask whoever runs the server",
        ),
        (
            &["C: *", "S: A77 OK done"],
            "the server broke the protocol: an answer to a command that was not sent",
        ),
        (
            &["C: *", "S: $ WHAT"],
            "the server refused UID FETCH: BAD (an answer that can't be read) A1 WHAT",
        ),
        (
            &["C: *", "S: + go on"],
            "the server broke the protocol: a request to continue when there was nothing to continue",
        ),
        // A mail in it would be taken for one that is gone.
        (
            &["C: *", "S: * 1 FETCH (UID 5 X \"a", "S: $ OK"],
            "the server broke the protocol: a response that can't be read: * 1 FETCH (UID 5 X \"a",
        ),
        (
            &["C: *", "S: 250 OK \u{202e}done"],
            "the server broke the protocol: a response that can't be read: 250 OK  done",
        ),
        (
            &["C: *", "S: * 1 FETCH (UID 1 BODY[] {2}\r\nabcd)"],
            "the server broke the protocol: bytes that are no IMAP",
        ),
        (
            &["C: *", "S: * 1 FETCH (UID 1 BODY[] {9}\r\nabcd)\r\nA1 OK\r\n"],
            "the server broke the protocol: bytes that are no IMAP",
        ),
        (
            &["C: *", "S: * 1 FETCH (BODY[] {4294967295}"],
            "the server broke the protocol: a literal larger than what was asked for",
        ),
    ] {
        let found = fetched(script).await.unwrap_err();
        assert_eq!(found.to_string(), error, "{script:?}");
    }
}

/// RFC 9051 section 2.2.2: a client must be ready for any response.
#[tokio::test]
async fn what_cannot_be_read_is_passed_over_and_told() {
    let deep = format!("S: * 1 FETCH (BODYSTRUCTURE {}", "(".repeat(10_000));
    let script = [
        "C: *",
        "S: * GARBAGE \u{1b}[31m",
        "S: * 1 FETCH (INTERNALDATE NIL UID 4)",
        "S: * OK [ALERT]\u{e9}t\u{e9}",
        &deep,
        "S: * 2 FETCH (BODYSTRUCTURE ((((",
        "S: *  3 EXISTS",
        "S: $ OK",
    ];
    let mut uids = Vec::new();
    let done = wire(&script).run("NOOP", "", |said| {
        if let ImapResponse::Fetch(fetch) = said {
            uids.push(fetch.uid);
        }
    });
    let (mut wire, _) = done.await.unwrap().ok().unwrap();
    assert_eq!((uids, wire.take_news()), (vec![Some(4)], Some(3)));
    let unread = wire.take_unread().unwrap();
    assert_eq!((unread.lines, unread.first.to_string()), (3, "* GARBAGE  [31m".into()));
    assert_eq!(wire.take_unread(), None);
}

/// A server that talks without end ends its own session, soon and at no cost.
#[tokio::test]
async fn a_flood_has_an_end() {
    let flood = |line: &str| format!("{line}\r\n").repeat(1000);
    for line in ["* OK still here", "* 1 FETCH (UID 1)", "* GARBAGE", "* 1 EXPUNGE"] {
        let mut script = vec!["C: *".to_owned()];
        script.extend((0..101).map(|_| format!("B: {}", flood(line))));
        let mut wire = ImapConnection::new(play_lines(script).0);
        wire.greeted = true;
        let mut heard = 0;
        let error = wire.run("NOOP", "", |_| heard += 1).await.err().unwrap();
        assert!(matches!(error, WatchError::Flood { .. }), "{line}: {error:?}");
        assert_eq!(heard, FLOOD, "{line}");
    }
}

/// Only what was asked for gives a command more time.
#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_moves_no_deadline() {
    for (asked, seconds) in [(false, 600), (true, 1050)] {
        let mut script = vec!["C: *".to_owned()];
        for n in 0..10 {
            script.extend([format!("S: * 1 FETCH (UID {n}1)"), "WAIT 50".to_owned()]);
        }
        script.extend((0..100).flat_map(|_| ["S: * OK here".to_owned(), "WAIT 50".to_owned()]));
        let begun = Instant::now();
        let mut wire = ImapConnection::new(play_lines(script).0);
        wire.greeted = true;
        let run = wire.run("UID FETCH", "1:* (UID)", |said| {
            asked && matches!(said, ImapResponse::Fetch(_))
        });
        let error = run.await.err().unwrap();
        assert!(matches!(error, WatchError::Endless { .. }), "{error:?}");
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
}

#[tokio::test]
async fn answers_come_as_they_come() {
    let list = fetched(&[
        "C: UID FETCH *",
        "S: * 3 FETCH (UID 12 BODY[] {2}\r\nhi)",
        "S: * 5 EXISTS",
        "S: * 1 FETCH (FLAGS (\\Seen))",
        "S: * 2 FETCH (BODY[] NIL UID 4)",
        "S: * 3 FETCH (UID 12 BODY[] {2}\r\nhi)",
        "S: $ OK",
    ]);
    let uids: Vec<_> = list.await.unwrap().into_iter().map(|fetch| fetch.uid).collect();
    assert_eq!(uids, [Some(12), None, Some(4), Some(12)]);
}

#[tokio::test]
async fn news_in_any_answer_is_kept() {
    let mut script = vec!["C: NOOP", "S: * 5 EXISTS", "S: * 1 EXPUNGE", "S: * 6 EXISTS", "S: $ OK"];
    // Exchange repeats the number in every answer.
    script.extend(["C: NOOP", "S: * 6 EXISTS", "S: $ OK"]);
    let done = wire(&script).run("NOOP", "", |_| {}).await.unwrap();
    let (mut wire, _) = done.ok().unwrap();
    assert_eq!(wire.take_news(), Some(7));
    let (mut wire, _) = wire.run("NOOP", "", |_| {}).await.unwrap().ok().unwrap();
    assert_eq!(wire.take_news(), None);
}

#[tokio::test]
async fn a_command_is_one_line_or_none() {
    for bad in ["1\r\nA9 LOGOUT", "\0", "a\nb"] {
        let error = wire(&["WAIT 1"]).run("NOOP", bad, |_| {}).await.err().unwrap();
        assert!(matches!(error, WatchError::Protocol(Violation::Command)), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_is_not_silent_but_has_an_end() {
    // A byte each 50 s: not silent, but no answer either.
    let slow: Vec<String> = ["C: *".to_owned()]
        .into_iter()
        .chain((0..100).flat_map(|_| ["B: x".to_owned(), "WAIT 50".to_owned()]))
        .collect();
    let begun = Instant::now();
    let error = ImapConnection::new(play_lines(slow).0)
        .run("NOOP", "", |_| {})
        .await
        .err()
        .unwrap();
    assert!(matches!(error, WatchError::Endless { .. }), "{error:?}");
    assert_eq!(begun.elapsed().as_secs(), 600);

    let begun = Instant::now();
    let error = wire(&["C: *", "S: * OK wait"])
        .run("NOOP", "", |_| {})
        .await
        .err()
        .unwrap();
    assert!(matches!(error, WatchError::Silent(_)), "{error:?}");
    assert_eq!(begun.elapsed().as_secs(), 60);
}
