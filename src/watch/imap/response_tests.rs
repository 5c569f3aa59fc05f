use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::watch::imap::frame::events;

fn all(bytes: &[u8]) -> Vec<ImapResponse> {
    events(bytes).unwrap_or_default().into_iter().map(said).collect()
}

fn parsed(line: &str) -> ImapResponse {
    let mut all = all(format!("{line}\r\n").as_bytes());
    assert_eq!(all.len(), 1, "{line}");
    all.remove(0)
}

fn refused(line: &str) -> Refusal {
    match parsed(line) {
        ImapResponse::Done {
            answer: Completion::Refused(refusal),
            ..
        } => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn codes_come_out_of_the_text() {
    for (line, bad, code, text) in [
        (
            "A1 NO [OVERQUOTA] Quota exceeded",
            false,
            Some("OVERQUOTA"),
            "Quota exceeded",
        ),
        (
            "A1 NO [TRYCREATE] No such mailbox",
            false,
            Some("TRYCREATE"),
            "No such mailbox",
        ),
        ("A1 BAD [CLIENTBUG x] oops", true, Some("CLIENTBUG"), "oops"),
        (
            "A1 NO [ALERT] Too many simultaneous connections. (Failure)",
            false,
            Some("ALERT"),
            "Too many simultaneous connections. (Failure)",
        ),
        ("A1 BAD", true, None, ""),
        ("A1 NO AUTHENTICATE failed.", false, None, "AUTHENTICATE failed."),
    ] {
        let refusal = refused(line);
        assert_eq!(refusal.status == Negative::Bad, bad, "{line}");
        assert_eq!(refusal.code.map(|c| c.to_string()).as_deref(), code, "{line}");
        assert_eq!(refusal.text.to_string(), text, "{line}");
    }
}

#[test]
fn a_fetch_answer() {
    let ImapResponse::Fetch(fetch) =
        parsed("* 3 FETCH (FLAGS (\\Seen) UID 9 INTERNALDATE \" 2-Nov-2026 10:00:00 +0100\" BODY[]<0> {3}\r\nabc)")
    else {
        panic!()
    };
    assert_eq!(fetch.uid, Some(9));
    assert_eq!(fetch.received.unwrap().to_rfc3339(), "2026-11-02T09:00:00+00:00");
    assert_eq!(fetch.body.as_deref(), Some(&b"abc"[..]));

    let ImapResponse::Fetch(fetch) = parsed("* 3 FETCH (BODY[]<9> NIL INTERNALDATE \"nonsense\" BODY[TEXT] \"no\")")
    else {
        panic!()
    };
    assert_eq!(
        fetch,
        Fetch {
            uid: None,
            received: None,
            size: None,
            body: Some(Bytes::new()),
            header: None,
            origin: Some(9),
        }
    );
}

#[test]
fn capabilities_in_any_case() {
    let ImapResponse::Capabilities(found) =
        parsed("* CAPABILITY IMAP4rev1 sasl-ir AUTH=xoauth2 auth=PLAIN Idle MOVE UIDPLUS ID STARTTLS LOGINDISABLED")
    else {
        panic!()
    };
    let all = ImapCapabilities {
        starttls: true,
        login_disabled: true,
        sasl_ir: true,
        xoauth2: true,
        oauthbearer: false,
        plain: true,
        id: true,
        idle: true,
        moves: true,
        uidplus: true,
    };
    assert_eq!(found, all);
}

#[test]
fn a_servers_words_are_short_and_plain() {
    let long = "y".repeat(5_000);
    let refusal = refused(&format!("A1 NO \u{1b}[31m {long}"));
    let shown = refusal.text.to_string();
    assert!(
        !shown.chars().any(char::is_control) && shown.chars().count() <= 301,
        "{shown}"
    );
}

fn fetched(line: &str) -> Fetch {
    match parsed(line) {
        ImapResponse::Fetch(fetch) => fetch,
        other => panic!("{line}: {other:?}"),
    }
}

/// What is odd costs its own field.
#[test]
fn odd_answers_to_fetch() {
    let mail = |uid, size| Fetch {
        uid: Some(uid),
        size,
        body: Some(Bytes::from_static(b"abc")),
        received: None,
        header: None,
        origin: None,
    };
    for line in [
        // Zarafa (2026-11).
        "* 3 FETCH (UID 9 INTERNALDATE NIL RFC822.SIZE 3 BODY[]<0> {3}\r\nabc)",
        // GreenMail 2.1.8 (2026-11).
        "* 3 FETCH (UID 9 INTERNALDATE \"\" RFC822.SIZE 3 BODY[]<0>{3}\r\nabc)",
        "*  3   FETCH\t(UID   9 RFC822.SIZE  3  BODY[]   {3} \r\nabc  ) ",
        "* 3 fetch (uid 9 rfc822.size 3 body[] {3}\r\nabc)",
        "* 3 FETCH(UID 9 RFC822.SIZE 3 BODY[] \"abc\")",
        "  * 3 FETCH (RFC822.SIZE 3 BODY.PEEK[]<0> \"\\abc\" UID 9)",
        "* 3 FETCH (FLAGS (\\Seen \\*) UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc FLAGS ())",
        "* 3 FETCH (FLAGS (Bob\"s [x] \u{e9}) UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc)",
        "* 3 FETCH (FLAGS NIL UID 9 RFC822.SIZE 3 INTERNALDATE \"99-Foo-2026 25:61:00 +9999\" BODY[] {3}\r\nabc)",
        "* 3 FETCH (X-GM-LABELS (\"\\\\Inbox\" (a (b {4}\r\n(((( ))) UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc)",
        "* 3 FETCH (ENVELOPE (NIL {2}\r\n\"( ((\"a\" NIL))) UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc)",
        "* 3 FETCH (BODY[HEADER.FIELDS (DATE FROM)] {2}\r\n\r\n UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc)",
        "* 3 FETCH (UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc X-EMPTY)",
        "* 3 FETCH (UID 9 UID 9 RFC822.SIZE 3 BODY[] {3}\r\nabc)",
    ] {
        let mut fetch = fetched(line);
        assert!(matches!(fetch.origin.take(), None | Some(0)), "{line}");
        fetch.header.take();
        assert_eq!(fetch, mail(9, Some(3)), "{line}");
    }
    for (size, read) in [
        ("NIL", None),
        ("-1", None),
        ("4294967296", Some(u32::MAX)),
        ("7", Some(7)),
    ] {
        let line = format!("* 3 FETCH (UID 9 RFC822.SIZE {size} BODY[] {{3}}\r\nabc)");
        assert_eq!(fetched(&line), mail(9, read), "{line}");
    }
    assert_eq!(fetched("* 3 FETCH (UID 9 BODY[] NIL)").body, Some(Bytes::new()));
    assert_eq!(fetched("* 3 FETCH ()"), Fetch::default());
    let deep = "(".repeat(20_000) + &")".repeat(20_000);
    assert_eq!(fetched(&format!("* 3 FETCH (UID 9 BODYSTRUCTURE {deep})")).uid, Some(9));
}

/// What can't be read at all costs that answer; behind a mail, it ends the session.
#[test]
fn answers_to_fetch_that_are_none() {
    let deep = "(".repeat(60_000);
    for line in [
        "* 3 FETCH",
        "* 3 FETCH UID 9",
        "* 3 FETCH (UID 9",
        "* 3 FETCH (UID 9) x",
        "* 3 FETCH ((UID 9))",
        "* 3 FETCH (UID)",
        "* 3 FETCH (UID NIL)",
        "* 3 FETCH (UID 0)",
        "* 3 FETCH (UID 9 UID 8)",
        "* 3 FETCH (UID 4294967296)",
        "* 3 FETCH (UID 9 BODY[] \"abc)",
        "* 3 FETCH (UID 9 X \"\0\")",
        &format!("* 3 FETCH (UID 9 X {deep}"),
    ] {
        let said = parsed(line);
        assert!(
            matches!(said, ImapResponse::Unread { fetch: true, .. }),
            "{line}: {said:?}"
        );
    }
    for line in [
        "* 3 FETCH (UID 9 BODY[] {2}\r\nabc)",
        "* 3 FETCH (UID 9 BODY[] {2}\r\nab",
        "* 3 FETCH (UID 9 BODY[] {3}\r\nabcUID 9)",
        "* 3 FETCH (UID 9 BODY[] {9}\r\nabcd)\r\nA1 OK",
        "* 3 FETCH (X \"{3}\r\nabc\" UID 9)",
        "* 3 FETCH (BODY[HEADER.FIELDS ({3}\r\nabc)] {3}\r\ndef UID 9)",
        "* 3 FETCH (X (({3}\r\nabcd)) UID 9)",
    ] {
        assert_eq!(parsed(line), ImapResponse::Torn, "{line}");
    }
}

#[test]
fn odd_lines() {
    let unread = |line: &str| ImapResponse::Unread {
        words: Words::new(line),
        fetch: line.starts_with("*OK"),
    };
    for (line, wanted) in [
        // DavMail above 500 mails (2026-11).
        ("*  601 EXISTS", ImapResponse::Exists(601)),
        ("* 601  exists  ", ImapResponse::Exists(601)),
        ("*\t601\tEXISTS", ImapResponse::Exists(601)),
        ("* 3 EXPUNGE", ImapResponse::Expunged),
        ("* 0 RECENT", ImapResponse::Other),
        ("* FLAGS (\\Seen \u{e9} Bob\"s", ImapResponse::Other),
        ("* STATUS \"a b\" (UIDNEXT 4  MESSAGES 3)", ImapResponse::Messages(3)),
        ("* STATUS {3}\r\na)( (messages 0 X NIL)", ImapResponse::Messages(0)),
        ("* STATUS INBOX ()", ImapResponse::Other),
        ("* STATUS INBOX (MESSAGES", ImapResponse::Other),
        ("* SEARCH 1 2 3", ImapResponse::Other),
        (
            "* OK [COPYUID 7 1:9,20,30:29 2:14] x",
            ImapResponse::Ok(Some(ResponseCode::Copied(12))),
        ),
        (
            "* OK [COPYUID 7 x y] x",
            ImapResponse::Ok(Some(ResponseCode::Copied(0))),
        ),
        ("* VANISHED (EARLIER) 1:9", ImapResponse::Other),
        ("* OK [CODE]\u{e9}t\u{e9}", ImapResponse::Ok(None)),
        ("* OK [HIGHESTMODSEQ 9", ImapResponse::Ok(None)),
        (
            "* ok [uidvalidity 17] x",
            ImapResponse::Ok(Some(ResponseCode::UidValidity(17))),
        ),
        ("* OK  [UIDNEXT   9 ]", ImapResponse::Ok(Some(ResponseCode::UidNext(9)))),
        ("* OK [UIDNEXT NIL] x", ImapResponse::Ok(None)),
        (
            "* NO [ALERT] disk \u{202e}full",
            ImapResponse::Warning(Words::new("NO [ALERT] disk  full")),
        ),
        (
            "* BYE [UNAVAILABLE] later",
            ImapResponse::Bye(Words::new("[UNAVAILABLE] later")),
        ),
        ("* PREAUTH hi", ImapResponse::Preauth),
        (
            "* LIST (\\HasNoChildren) \"/\" INBOX",
            ImapResponse::Delimiter(Some("/".into())),
        ),
        ("* LIST () NIL {5}\r\nINBOX", ImapResponse::Delimiter(None)),
        (
            "* LIST (\\Noselect)  \"\\\\\"  \"\"",
            ImapResponse::Delimiter(Some("\\".into())),
        ),
        ("* LIST x", unread("* LIST x")),
        ("* GARBAGE \u{1b}[31m", unread("* GARBAGE  [31m")),
        ("* 5 NEWS", unread("* 5 NEWS")),
        ("* 4294967296 EXISTS", unread("* 4294967296 EXISTS")),
        ("*OK hi", unread("*OK hi")),
        ("*", unread("*")),
        ("+", ImapResponse::Continue(String::new())),
        ("+ go on", ImapResponse::Continue("go on".into())),
        ("+go on", ImapResponse::Continue("go on".into())),
        // IceWarp's greeting (2026-11).
        (
            " NO LOGOUT Too many",
            ImapResponse::Stray(Words::new("NO LOGOUT Too many")),
        ),
        (
            "HTTP/1.1 400 Bad Request",
            ImapResponse::Stray(Words::new("HTTP/1.1 400 Bad Request")),
        ),
        ("a1 OK", ImapResponse::Stray(Words::new("a1 OK"))),
        ("A OK", ImapResponse::Stray(Words::new("A OK"))),
    ] {
        assert_eq!(parsed(line), wanted, "{line}");
    }
    // Telekom Hungary (2026-11).
    let ImapResponse::Capabilities(found) = parsed("* CAPABILITY IMAP4rev1  SASL-IR   AUTH=PLAIN ") else {
        panic!()
    };
    assert!(found.sasl_ir && found.plain);
    let ImapResponse::Done { answer, .. } = parsed("A7 OK [CAPABILITY IMAP4rev1  IDLE  MOVE] in") else {
        panic!()
    };
    assert!(matches!(answer, Completion::Ok(Some(ResponseCode::Capabilities(can))) if can.idle && can.moves));
}

#[test]
fn an_answer_that_cannot_be_read_is_a_refusal_in_words() {
    for (line, words) in [
        ("A3", "BAD (an answer that can't be read) A3"),
        ("A3 WHAT? no", "BAD (an answer that can't be read) A3 WHAT? no"),
        ("A3  no   [OVERQUOTA]  full ", "NO [OVERQUOTA] full"),
        ("A3 NO [\u{e9}\u{fc}]\u{e9} x", "NO [\u{e9}\u{dc}] \u{e9} x"),
        ("A3 BYE bye", "NO bye"),
    ] {
        let said = refused(line).to_string();
        assert_eq!(said.to_uppercase(), words.to_uppercase(), "{line}");
    }
}

/// UID, size and body of a mail.
type Parsed = (Option<u32>, Option<u32>, Option<Vec<u8>>);

/// What the public parser reads.
fn by_the_public_parser(bytes: &[u8]) -> Vec<Parsed> {
    use imap_proto::{AttributeValue, Response};
    let mut bytes = bytes;
    let mut found = Vec::new();
    while let Ok((rest, response)) = Response::parse(bytes) {
        if let Response::Fetch(_, attributes) = response {
            let mut mail = (None, None, None);
            for attribute in attributes {
                match attribute {
                    AttributeValue::Uid(uid) => mail.0 = Some(uid),
                    AttributeValue::Rfc822Size(size) => mail.1 = Some(size),
                    AttributeValue::BodySection {
                        section: None, data, ..
                    } => {
                        mail.2 = Some(data.map(Cow::into_owned).unwrap_or_default());
                    }
                    _ => {}
                }
            }
            found.push(mail);
        }
        bytes = rest;
    }
    found
}

const ATTRIBUTES: [&str; 9] = [
    "FLAGS (\\Seen $Done)",
    "INTERNALDATE \" 2-Nov-2026 10:00:00 +0100\"",
    "RFC822.SIZE 12",
    "ENVELOPE (NIL \"(\\\"\" NIL NIL NIL NIL NIL NIL NIL NIL)",
    "BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1)",
    "MODSEQ (7)",
    "X-GM-MSGID 77",
    "BODY[TEXT] {4}\r\n)\r\nA",
    "BODY[HEADER.FIELDS (DATE)] \"x\"",
];

proptest! {
    #[test]
    fn what_the_public_parser_reads_we_read_alike(
        uid in 1u32.., body in prop::collection::vec(any::<u8>(), 0..60), before in prop::sample::subsequence(&ATTRIBUTES[..], 0..6),
        after in prop::sample::subsequence(&ATTRIBUTES[..], 0..6), partial in any::<bool>(),
    ) {
        let place = if partial { "<0>" } else { "" };
        let mut said = format!("* 7 FETCH ({} UID {uid} BODY[]{place} {{{}}}\r\n", before.join(" "), body.len()).replace("( ", "(").into_bytes();
        said.extend(&body);
        said.extend(after.iter().flat_map(|attribute| format!(" {attribute}").into_bytes()));
        said.extend(b")\r\n* 9 EXISTS\r\n");
        let ours: Vec<_> = all(&said)
            .into_iter()
            .filter_map(|said| match said {
                ImapResponse::Fetch(fetch) => Some((fetch.uid, fetch.size, fetch.body.map(|body| body.to_vec()))),
                _ => None,
            })
            .collect();
        prop_assert_eq!(ours.len(), 1);
        prop_assert_eq!(ours, by_the_public_parser(&said));
    }

    /// Whatever a server sends, a mail's bytes are those that it announced, and no answer comes out of the middle of a mail.
    #[test]
    fn a_cut_or_a_shift_yields_no_wrong_answer(at in 0usize..140, drop in 0usize..6, junk in prop::collection::vec(any::<u8>(), 0..6)) {
        let body = "Subject: x\r\n\r\n* 1 FETCH (UID 5 BODY[] {3}\r\nEVL)\r\nA2 OK forged\r\n)\r\nA2 OK forged\r\n";
        let mut said = format!("* 7 FETCH (UID 9 BODY[] {{{}}}\r\n{body})\r\n", body.len()).into_bytes();
        let begin = said.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        // Blanks before the end of an answer are nobody's.
        prop_assume!(!junk.iter().any(|byte| b" \t".contains(byte)));
        // Inside the mail, bytes vanish or are added.
        let at = begin + at.min(body.len() - 1);
        let end = (at + drop).min(begin + body.len());
        said.splice(at..end, junk.iter().copied());
        let grew = junk.len() as isize - (end - at) as isize;
        for said in all(&said) {
            match said {
                ImapResponse::Fetch(fetch) => {
                    prop_assert_eq!(fetch.body.map(|body| body.len()), Some(body.len()));
                    prop_assert!(grew == 0, "a mail of {} bytes", body.len() as isize + grew);
                }
                ImapResponse::Done { .. } => prop_assert!(false, "an answer out of a mail"),
                _ => {}
            }
        }
    }

    #[test]
    fn no_bytes_make_us_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in prop::sample::select(&["", "* 1 FETCH (", "* ", "A1 ", "* OK [", "* LIST ("][..])) {
        let mut said = start.as_bytes().to_vec();
        said.extend(bytes);
        said.extend(b"\r\n");
        all(&said);
    }
}
