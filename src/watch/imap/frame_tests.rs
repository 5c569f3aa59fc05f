use proptest::prelude::*;

use super::*;

/// What servers say, each with the number of its responses.
fn good() -> Vec<(Vec<u8>, usize)> {
    let mut list: Vec<(Vec<u8>, usize)> = [
        ("* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n", 1),
        ("* 18 EXISTS\r\n* 0 RECENT\r\n* 3 EXPUNGE\r\n", 3),
        ("* OK [PERMANENTFLAGS (\\Seen \\*)] Limited ((((((\r\n", 1),
        ("* LIST (\\HasNoChildren) \"/\" \"a{5}\"\r\n", 1),
        ("+ idling\r\n+\r\nA1 OK [COPYUID 1 1:9 2:10] done\r\n", 3),
        ("A1 NO {\"status\":\"400\"}\r\n", 1),
        ("A1 NO {} {a5} {5} x\r\n", 1),
        // Words may end as they like.
        ("A1 NO no folder {5}\r\n+ {7}\r\n* OK [ALERT] {5}\r\n", 3),
        ("* 1 FETCH (FLAGS (\\Seen $Forwarded))\r\n", 1),
        ("* 2 FETCH (UID 7 BODY[]<0> {5}\r\n((\r\n()\r\n", 1),
        ("* 2 FETCH (BODY[] {0}\r\n UID 7)\r\n* 3 FETCH (UID 7 )\r\n", 2),
        // GreenMail writes no blank before a literal (2026-11); others write several, or one behind it.
        ("* 2 FETCH (BODY[]<0>{3}\r\nabc)\r\nA1 OK\r\n", 2),
        ("* 2  FETCH  (BODY[]   {3} \r\nabc)\r\nA1 OK\r\n", 2),
        ("* 2 FETCH (BODY[] {3+}\r\nabc BINARY[] ~{2}\r\nab)\r\nA1 OK\r\n", 2),
        // Lone line feeds, empty lines, and others' literals.
        ("* OK hi\n* 5 EXISTS\n\n\r\n* 2 FETCH (BODY[] {3}\nabc)\nA1 OK\n", 4),
        ("* LIST () \"/\" {5}\r\na\r\nb{\r\n* X {2}\r\nA1\r\nA1 OK\r\n", 3),
        ("* OK a\rb\r\n* OK a\0b\r\n* 1 FETCH (X \"a\r\n", 3),
    ]
    .map(|(text, n)| (text.as_bytes().to_vec(), n))
    .to_vec();
    let mut large = b"* 9 FETCH (UID 9 BODY[]<0> {1048576}\r\n".to_vec();
    large.extend(vec![b'('; 1 << 20]);
    large.extend(b")\r\nA1 OK\r\n");
    list.push((large, 2));
    // Longer than what is looked at.
    list.push((
        format!("* FLAGS ({})\r\n* 1 EXISTS\r\n", "x".repeat(500_000)).into_bytes(),
        2,
    ));
    let long = "(".repeat(100_000);
    list.push((
        format!("* 1 FETCH (X {long} {{3}}\r\nA1 \r\n* 1 EXISTS\r\n").into_bytes(),
        2,
    ));
    list
}

#[test]
fn what_servers_say_is_told_apart() {
    for (bytes, responses) in good() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(events(&bytes).unwrap().len(), responses, "{shown}");
    }
}

#[test]
fn it_does_not_matter_how_the_bytes_come() {
    for (bytes, _) in good().into_iter().filter(|(bytes, _)| bytes.len() < 1000) {
        let whole = events(&bytes).unwrap();
        for step in 1..=bytes.len() {
            let mut splitter = Splitter::default();
            let mut found = Vec::new();
            for part in bytes.chunks(step) {
                splitter.buffer.extend_from_slice(part);
                while let Some(event) = splitter.advance().unwrap() {
                    found.push(event);
                }
            }
            assert_eq!(found, whole);
            assert!(splitter.is_at_rest());
        }
    }
}

#[test]
fn what_has_no_end_or_may_be_led_around_ends_the_session() {
    let endless = "x".repeat(PASSED + 1);
    let million = "x".repeat(1_000_000);
    for (said, violation) in [
        (format!("* OK {endless}"), Violation::Line),
        (format!("* 1 FETCH (X {endless}"), Violation::Line),
        ("* 1 FETCH (BODY[] {4294967295}\r\n".into(), Violation::Literal),
        (
            "* 1 FETCH (BODY[] {18446744073709551617}\r\n".into(),
            Violation::Literal,
        ),
        (
            format!("* 1 FETCH (BODY[] {{1000000}}\r\n{million} X {{1000000}}\r\n"),
            Violation::Literal,
        ),
        ("* OK [BADCHARSET ({5}\r\n".into(), Violation::Unasked),
        ("A1 NO [BADCHARSET ({5}\r\n".into(), Violation::Unasked),
    ] {
        let shown = &said[..said.len().min(60)];
        assert_eq!(events(said.as_bytes()), Err(violation), "{shown}");
    }
}

#[tokio::test]
async fn a_large_literal_comes_in_pieces_where_that_is_allowed() {
    let size = LITERALS as usize + 700_000;
    let mail: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
    let mut said = format!("* 1 FETCH (BODY[] {{{size}}}\r\n").into_bytes();
    said.extend_from_slice(&mail);
    said.extend_from_slice(b" UID 9)\r\nA1 OK\r\n");
    let mut frames = Frames::new(&said[..]);
    frames.allow(size as u64);
    let mut got = Vec::new();
    let frame = loop {
        match frames.next().await.unwrap() {
            FrameEvent::Piece(piece) => {
                assert!(piece.len() <= PIECE && frames.splitter.buffer.capacity() <= 2 * READ);
                got.extend_from_slice(&piece);
            }
            FrameEvent::Frame(frame) => break frame,
        }
    };
    assert!(got == mail);
    assert_eq!(frame.literals, [ImapLiteral::Passed(size as u64)]);
    assert_eq!(frame.text, b"* 1 FETCH (BODY[] \0 UID 9)");
    assert!(matches!(frames.next().await, Ok(FrameEvent::Frame(_))));
    assert!(matches!(frames.next().await, Err(WatchError::Closed)));
    assert_eq!(frames.received(), said.len() as u64);

    let mut frames = Frames::new(&said[..]);
    frames.allow(size as u64 - 1);
    assert!(matches!(
        frames.next().await,
        Err(WatchError::Protocol(Violation::Literal))
    ));
}

const PIECES: [&str; 26] = [
    "* 1 FETCH (",
    "* OK ",
    "* LIST () \"/\" ",
    "A1 OK ",
    "+ ",
    "[BADCHARSET (",
    "BODY[] ",
    "UID 1",
    " ",
    "\t",
    "(",
    ")",
    "\"",
    "\\",
    "{2}\r\n",
    "{11}\r\n",
    "{300}\n",
    "{2} \r\n",
    "{9999999}\r\n",
    "\r\n",
    "\r",
    "\n",
    "a",
    "]",
    "\0",
    "\u{e9}",
];

proptest! {
    #[test]
    fn whatever_comes_is_bounded_and_the_same_however_it_comes(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..40),
        junk in prop::collection::vec(any::<u8>(), 0..40),
        cut in 0usize..400,
    ) {
        let mut said = pieces.concat().into_bytes();
        said.extend(junk);
        let whole = events(&said);
        let mut splitter = Splitter::default();
        let (early, late) = said.split_at(cut.min(said.len()));
        let mut found = Ok(Vec::new());
        for part in [early, late] {
            splitter.buffer.extend_from_slice(part);
            while let Ok(list) = &mut found {
                match splitter.advance() {
                    Ok(Some(event)) => list.push(event),
                    Ok(None) => break,
                    Err(violation) => found = Err(violation),
                }
            }
            if found.is_err() {
                break;
            }
        }
        prop_assert_eq!(&found, &whole);
        for event in whole.unwrap_or_default() {
            if let FrameEvent::Frame(frame) = event {
                let literals = frame.text.iter().filter(|byte| **byte == LITERAL).count();
                prop_assert!(frame.broken || literals == frame.literals.len());
            }
        }
    }
}
