use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::*;

fn feed(bytes: &[u8]) -> Result<u64, Violation> {
    let mut grammar = Grammar::default();
    grammar.feed(bytes)?;
    Ok(grammar.responses)
}

/// What servers say, each with the number of its responses.
fn good() -> Vec<(Vec<u8>, u64)> {
    let mut list: Vec<(Vec<u8>, u64)> = [
        ("* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n", 1),
        ("* 18 EXISTS\r\n* 0 RECENT\r\n* 3 EXPUNGE\r\n", 3),
        ("* FLAGS (\\Answered \\Seen)\r\n", 1),
        ("* OK [PERMANENTFLAGS (\\Seen \\*)] Limited ((((((\r\n", 1),
        ("* LIST (\\HasNoChildren) \"/\" \"a{5}\"\r\n", 1),
        ("* ID (\"name\" \"Dovecot\")\r\n", 1),
        ("+ idling\r\n+\r\nA1 OK [COPYUID 1 1:9 2:10] done\r\n", 3),
        ("A1 NO {\"status\":\"400\"}\r\n", 1),
        ("A1 NO {} {a5} {5} x\r\n", 1),
        ("* 1 FETCH (FLAGS (\\Seen $Forwarded))\r\n", 1),
        ("* 1 fetch (UID 5 MODSEQ (7) X-A NIL)\r\n", 1),
        (
            "* 2 FETCH (UID 7 INTERNALDATE \" 1-Jan-2026 00:00:00 +0000\" BODY[]<0> {5}\r\n((((()\r\n",
            1,
        ),
        (
            "* 2 FETCH (BODY[] {0}\r\n UID 7)\r\n* 3 FETCH (BODY[] \"\\\"((((\\\\\" UID 7 )\r\n",
            2,
        ),
        (
            "* 2 FETCH (UID 7 BODY[HEADER.FIELDS (DATE FROM)] {3}\r\n((( X NIL BODY[HEADER.FIELDS.NOT (A)]<0> \"\")\r\n",
            1,
        ),
        ("* FETCHED 3 (\r\n* 3 FETCHED ((\r\n* 3 FET (\r\n", 3),
    ]
    .map(|(text, n)| (text.as_bytes().to_vec(), n))
    .to_vec();
    let mut large = b"* 9 FETCH (UID 9 BODY[]<0> {1048576}\r\n".to_vec();
    large.extend(vec![b'('; 1 << 20]);
    large.extend(b")\r\nA1 OK\r\n");
    list.push((large, 2));
    list
}

#[test]
fn what_servers_say_passes() {
    for (bytes, responses) in good() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(feed(&bytes), Ok(responses), "{shown}");
    }
}

#[test]
fn it_does_not_matter_how_the_bytes_come() {
    for (bytes, responses) in good().into_iter().filter(|(bytes, _)| bytes.len() < 1000) {
        for cut in 0..=bytes.len() {
            let mut grammar = Grammar::default();
            grammar.feed(&bytes[..cut]).unwrap();
            grammar.feed(&bytes[cut..]).unwrap();
            assert_eq!((grammar.responses, grammar.at), (responses, At::Start));
        }
        let mut grammar = Grammar::default();
        for byte in &bytes {
            grammar.feed(std::slice::from_ref(byte)).unwrap();
        }
        assert_eq!(grammar.responses, responses);
    }
}

#[test]
fn what_no_server_may_say_does_not() {
    let deep = "(".repeat(10_000);
    let long = "x".repeat(100 << 10);
    for (said, violation) in [
        (format!("* 1 FETCH (BODYSTRUCTURE {deep}"), Violation::Nested),
        (format!("* 1 FETCH (X (a) BODY {deep}"), Violation::Nested),
        (format!("* OK {long}"), Violation::Line),
        (format!("* 1 FETCH (X {long}"), Violation::Line),
        ("* 1 FETCH (BODY[] {4294967295}\r\n".into(), Violation::Literal),
        (
            "* 1 FETCH (BODY[] {18446744073709551617}\r\n".into(),
            Violation::Literal,
        ),
        (
            "* 1 FETCH (BODY[] {1000000}\r\n".to_owned() + &"x".repeat(1_000_000) + " X {1000000}\r\n",
            Violation::Literal,
        ),
        ("* LIST () \"/\" {5}\r\nabcde\r\n".into(), Violation::Unasked),
        ("* OK [BADCHARSET ({5}\r\n".into(), Violation::Unasked),
        ("A1 OK {0}\r\n".into(), Violation::Unasked),
        ("* OK a\0b\r\n".into(), Violation::Grammar),
        ("* OK a\nb\r\n".into(), Violation::Grammar),
        ("* OK a\rb\r\n".into(), Violation::Grammar),
        ("* 1 FETCH (BODY[] ~{5}\r\n".into(), Violation::Grammar),
        ("* 1 FETCH (BODY[] {5+}\r\n".into(), Violation::Grammar),
        ("* 1 FETCH (BODY[] {}\r\n".into(), Violation::Grammar),
        ("* 1 FETCH (BODY[] {5}\n".into(), Violation::Grammar),
        ("* 1 FETCH (X \"a\r\n".into(), Violation::Grammar),
        ("* 1 FETCH (X \"\\a\"".into(), Violation::Grammar),
        ("* 1 FETCH ((".into(), Violation::Grammar),
        ("* 1 FETCH (UID 1) x\r\n".into(), Violation::Grammar),
        // The parser reads `(…)` of an unknown attribute up to the first `)`, whatever stands in it, and would go on in the middle
        // of what looks like a literal.
        (
            format!("* 1 FETCH (X ({{9999}}\r\n) BODYSTRUCTURE {deep}"),
            Violation::Grammar,
        ),
        // It reads a string with an escape that it doesn't know as a bare word.
        (format!("* 1 FETCH (X \"\\a BODYSTRUCTURE {deep}"), Violation::Grammar),
    ] {
        let shown = &said[..said.len().min(60)];
        assert_eq!(feed(said.as_bytes()), Err(violation), "{shown}");
    }
}

#[tokio::test]
async fn a_violation_comes_out_as_an_io_error() {
    let mut guard = Guard::new(&b"* OK hello\r\n* 1 FETCH (X (("[..]);
    let mut buf = [0; 12];
    guard.read_exact(&mut buf).await.unwrap();
    assert_eq!((guard.responses(), guard.received()), (Some(1), 12));
    let error = guard.read_exact(&mut [0; 15]).await.unwrap_err();
    let violation = error.get_ref().and_then(|e| e.downcast_ref::<Violation>());
    assert_eq!(violation, Some(&Violation::Nested));
}

/// Reads as async-imap does: whatever was let through is parsed, over and over, as it comes.
fn parse_all(mut bytes: &[u8]) {
    while let Ok((rest, _)) = imap_proto::Response::parse(bytes) {
        bytes = rest;
    }
}

const PIECES: [&str; 28] = [
    "* 1 FETCH (",
    "* OK ",
    "* LIST () \"/\" ",
    "A1 OK ",
    "+ ",
    "[BADCHARSET (",
    "BODYSTRUCTURE ",
    "BODY ",
    "BODY[] ",
    "ENVELOPE ",
    "X ",
    "FLAGS ",
    "UID 1",
    " ",
    "(",
    ")",
    "((((",
    "\"",
    "\\",
    "{2}\r\n",
    "{11}\r\n",
    "{300}\r\n",
    "\r\n",
    "a",
    "NIL",
    "]",
    "\0",
    "DEEP",
];

proptest! {
    /// The parser's stack ends at about 110 levels in a debug build, and with it the test.
    #[test]
    fn nothing_that_passes_can_exhaust_the_parsers_stack(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..24),
        cut in 0usize..2000,
    ) {
        let said = pieces.concat().replace("DEEP", &"(".repeat(500)).into_bytes();
        let mut grammar = Grammar::default();
        let (early, late) = said.split_at(cut.min(said.len()));
        if grammar.feed(early).is_ok() {
            parse_all(early);
            if grammar.feed(late).is_ok() {
                parse_all(&said);
            }
        }
    }
}
